# SPDX-License-Identifier: Apache-2.0
"""Serve the device on a socket, for any requester that speaks the protocol of spdm-emu.

The device is the RTL on Verilator or, with --dut model, the reference device without a simulator.
A VMM sets it up first. Ends with 0 on the SHUTDOWN command, SIGINT and SIGTERM.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from socket import socket
from types import FrameType

from models.doe.pcap import LINKTYPE_PCI_DOE
from models.pcap import Packet, PcapWriter
from models.socket.codes import DEFAULT_HOST, DEFAULT_PORT
from models.socket.config import ConfigError, ServerConfig
from models.socket.identity import write_root
from models.socket.model_device import ModelDevice
from models.socket.responder import DoeDevice
from models.socket.server import Habits, Server, bind
from models.socket.toml_config import parse_file, read_text
from models.spdm.identity import SlotStore
from models.spdm.key_file import KeyFile
from models.spdm.key_port import SessionKeyPort
from models.spdm.responder import SpdmResponder
from tb.serve.rtl_device import DeviceLostError, RtlDevice, Run
from tb.serve.setup import Setup
from tb.sim import simulator_missing
from tools.arguments import PORT_MAX, whole_number
from tools.waves import waves_missing

DESCRIPTION = "Serve the device on a socket, for any requester of spdm-emu's protocol."
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SEED_BITS = 256


class InterruptedStartError(Exception):
    """A signal came before the server was ready."""


class Signals:
    """Gives SIGINT and SIGTERM to whoever is concerned at the time."""

    def __init__(self) -> None:
        self.react: Callable[[], None] = self._interrupt
        for number in SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.react()

    @staticmethod
    def _interrupt() -> None:
        raise InterruptedStartError

    def ignore(self) -> None:
        """The end has begun already."""
        self.react = _nothing


def _nothing() -> None:
    pass


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="serve", description=DESCRIPTION)
    parser.add_argument("--config", type=Path, help="TOML file; see tools/serve.toml")
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to bind (default: loopback)")
    port = whole_number(0, PORT_MAX)
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--dut", choices=("rtl", "model"), default="rtl")
    parser.add_argument(
        "--reset-on-disconnect",
        action="store_true",
        help="reset the device whenever a client leaves; without it the device lives on",
    )
    parser.add_argument("--waves", type=Path, metavar="FST", help="write a waveform (RTL only)")
    parser.add_argument("--pcap", type=Path, metavar="PCAP", help="write every DOE object")
    parser.add_argument(
        "--keylog",
        type=Path,
        metavar="FILE",
        help="write the DHE secret of each session, to decrypt the capture with",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="log with every frame")
    parser.add_argument(
        "--check", action="store_true", help="compare with the reference device (RTL only)"
    )
    parser.add_argument(
        "--config-dump",
        type=Path,
        metavar="FILE",
        help="write the configuration space of each function, for lspci -F (RTL only)",
    )
    options = parser.parse_args(argv)
    if options.dut == "model" and (options.waves or options.check or options.config_dump):
        parser.error("--waves, --check and --config-dump need --dut rtl")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; 0 for a clean end."""
    options = arguments(argv)
    log = make_log()
    try:
        with ExitStack() as stack:
            if options.log is not None:
                log_to(options.log, log)
            serve(options, log, stack)
    except InterruptedStartError:
        log.info("stopped before the device was ready")
    except DeviceLostError as error:
        lines = str(error).splitlines()
        log.debug("%s", error)
        log.error("the simulation has ended: %s", "; ".join(dict.fromkeys([lines[0], lines[-1]])))
        return 1
    except (ConfigError, OSError) as error:
        log.error("%s", error)
        return 1
    return 0


def make_log() -> logging.Logger:
    """Lines for the terminal."""
    log = logging.getLogger("serve")
    log.setLevel(logging.DEBUG)
    console = logging.StreamHandler(sys.stdout)
    console.setLevel(logging.INFO)
    _add(console, log)
    return log


def log_to(file: Path, log: logging.Logger) -> None:
    """The same lines for a file, and every frame."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _add(logging.FileHandler(file, mode="w"), log)


def _add(handler: logging.Handler, log: logging.Logger) -> None:
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    log.addHandler(handler)


def serve(options: argparse.Namespace, log: logging.Logger, stack: ExitStack) -> None:
    """Make the device, serve it until the end; `stack` closes what was opened."""
    signals = Signals()
    text, folder, config = "", Path(), ServerConfig()
    if options.config is not None:
        text, folder = read_text(options.config), options.config.parent
        config = parse_file(options.config, text)
    listener = stack.enter_context(listen(options.host, options.port))
    seed = secrets.randbits(SEED_BITS) if config.seed is None else config.seed
    setup = Setup(
        text,
        str(folder.resolve()),
        seed,
        options.check,
        key_file(options.keylog, log),
        dump_file(options.config_dump),
    )
    slots = setup.slots()
    write_root(slots, config.identity.root)
    log.info("root certificate: %s", config.identity.root)
    habits = Habits(reset_on_disconnect=options.reset_on_disconnect)
    if options.pcap is not None:
        habits = replace(habits, tap=stack.enter_context(capture(options.pcap)))
    if options.dut == "rtl":
        device = rtl_device(setup, Run(waves=options.waves), log, stack)
    else:
        device = model_device(setup, config, slots, stack)
    server = Server(listener, device, log, habits)
    signals.react = server.stop
    announce(config, listener.getsockname(), log)
    try:
        log.info("ended by %s", server.run().value)
    finally:
        signals.ignore()


def listen(host: str, port: int) -> socket:
    """A socket at an address; ConfigError when that is not to be had."""
    try:
        return bind(host, port)
    except OSError as error:
        raise ConfigError(f"{host}:{port}: {error.strerror}") from error
    except UnicodeError as error:
        raise ConfigError(f"{host}:{port}: no name of a host") from error


def key_file(path: Path | None, log: logging.Logger) -> str | None:
    """Where the secrets of sessions go; says what that means."""
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    KeyFile(path).close()  # now, not when the device has been built, if it cannot be written
    log.warning("%s will hold the secrets of all sessions: who has it can read them", path)
    return str(path.resolve())


def dump_file(path: Path | None) -> str | None:
    """Where configuration space goes; OSError when it cannot go there."""
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return str(path.resolve())


def model_device(
    setup: Setup, config: ServerConfig, slots: SlotStore, stack: ExitStack
) -> DoeDevice:
    """The reference device."""
    entropy, secrets_file = config.entropy(), setup.key_log()
    if secrets_file is not None:
        stack.callback(secrets_file.close)

    def responder(port: SessionKeyPort) -> SpdmResponder:
        return config.responder(slots, port, entropy, secrets_file)

    return ModelDevice(config, responder, entropy)


def rtl_device(setup: Setup, run: Run, log: logging.Logger, stack: ExitStack) -> DoeDevice:
    """The RTL on Verilator."""
    missing = [simulator_missing("verilator")]
    if run.waves is not None:
        missing.append(waves_missing("verilator"))
        run.waves.parent.mkdir(parents=True, exist_ok=True)
    for reason in filter(None, missing):
        raise ConfigError(reason)
    log.info("starting the device; the first start with these settings builds it: a minute or two")
    device = RtlDevice(setup, run, log)
    device.start()
    stack.callback(device.stop)
    return device


@contextmanager
def capture(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Writes each DOE object to a capture file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = PcapWriter(file, LINKTYPE_PCI_DOE)
        yield lambda raw: writer.write(Packet(time.time_ns(), raw))


def announce(config: ServerConfig, address: tuple[str, int], log: logging.Logger) -> None:
    """Say what is there and who can reach it."""
    place, ide = config.place, config.ide
    rids = [place.pf_rid + n for n in range(place.vfs + 1)]
    log.info("FUNCTION_ID of each TDI: %s", ", ".join(f"0x{rid:04x}" for rid in rids))
    streams = ", ".join(str(stream) for stream in ide.streams)
    ports = ", ".join(str(port) for port in sorted({0, ide.port_index}))
    log.info("streams %s, default %d; IDE_KM PortIndex %s", streams, ide.default, ports)
    host, port = address[:2]
    if ip_address(host).is_loopback:
        log.info("listening on %s:%d: this host only, --host opens it to others", host, port)
    else:
        log.warning("listening on %s:%d: every host that can reach it may connect", host, port)


if __name__ == "__main__":
    sys.exit(main())
