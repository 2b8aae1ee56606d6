# SPDX-License-Identifier: Apache-2.0
"""Take one TDI of a served device through its whole life, with the golden TSM.

Prints each step and ends with 0, or with the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from models.socket.client import SocketError, SocketTransport
from models.socket.codes import DEFAULT_HOST, DEFAULT_PORT
from models.socket.config import ConfigError, ServerConfig
from models.socket.identity import read_certificates
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.toml_config import load
from models.tsm.errors import TsmError
from models.tsm.trace import ON_REQUEST, Step, TraceEntry, TraceKind
from tools.arguments import PORT_MAX, whole_number

DESCRIPTION = "Take one TDI of a served device through its whole life, with the golden TSM."
RETRY_SECONDS = 0.2
STEPS = len(frozenset(Step) - ON_REQUEST)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="client", description=DESCRIPTION)
    parser.add_argument("--config", type=Path, help="TOML file of the server")
    parser.add_argument("--host", default=DEFAULT_HOST)
    parser.add_argument("--port", type=whole_number(1, PORT_MAX), default=DEFAULT_PORT)
    parser.add_argument("--root", type=Path, help="root certificates to trust, PEM or DER")
    parser.add_argument("--function", type=int, default=1, help="0 for the PF, n for VF n")
    cycles = whole_number(1)
    parser.add_argument("--cycles", type=cycles, default=1, help="life cycles, one a connection")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait for the server")
    parser.add_argument("--shutdown", action="store_true", help="end the server at the end")
    parser.add_argument("--verbose", action="store_true", help="print every message")
    return parser.parse_args(argv)


class Printer:
    """Prints steps with their time, and messages where they are wanted."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
        self._number = 0
        self._begun = 0.0

    def __call__(self, entry: TraceEntry) -> None:
        """One entry of the trace."""
        if entry.kind is TraceKind.BEGIN:
            self._number += 1
            self._begun = time.monotonic()
        elif entry.kind is TraceKind.DONE:
            took = 1000 * (time.monotonic() - self._begun)
            print(f"{self._number:2d}/{STEPS} {entry.step.value} ({took:.0f} ms)", flush=True)
        elif entry.kind is TraceKind.FAILED:
            print(f"{self._number:2d}/{STEPS} {entry.step.value}: FAILED", flush=True)
        elif self._verbose:
            arrow = "->" if entry.kind is TraceKind.REQUEST else "<-"
            print(f"      {arrow} {entry.text}", flush=True)


def connect(options: argparse.Namespace) -> SocketTransport:
    """Connect, with patience if it is wanted."""
    end = time.monotonic() + options.wait
    while True:
        try:
            return SocketTransport.connect(options.host, options.port)
        except SocketError:
            if time.monotonic() >= end:
                raise
            time.sleep(RETRY_SECONDS)


def run(options: argparse.Namespace) -> None:
    """All life cycles; raises what ends them early."""
    config = ServerConfig() if options.config is None else load(options.config)
    entropy = random.SystemRandom()
    for cycle in range(1, options.cycles + 1):
        with connect(options) as transport:
            transport.hello()
            roots = read_certificates(options.root or config.identity.root)
            wanted = Wanted(config, roots, config.expected_measurements, options.function)
            life = LifeCycle(transport, wanted, entropy, Printer(options.verbose))
            began = time.monotonic()
            asyncio.run(life.run())
            took = time.monotonic() - began
            transport.leave()
        print(f"life cycle {cycle} of {options.cycles} passed in {took:.2f} s", flush=True)
    if options.shutdown:
        with connect(options) as transport:
            transport.shut_down()


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0 when every life cycle passed."""
    options = arguments(argv)
    try:
        run(options)
    except (SocketError, TsmError, ConfigError) as error:
        print(f"client: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
