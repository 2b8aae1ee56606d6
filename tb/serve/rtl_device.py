# SPDX-License-Identifier: Apache-2.0
"""The RTL on a simulator, behind the socket."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from tb.build_group import BuildGroup
from tb.device import device
from tb.serve.bridge import ENVIRONMENT, Bridge, BridgeError, Kind
from tb.serve.setup import Setup
from tb.sim import BUILD_ROOT, SimulationError, run_simulation

MODULE = "tb.serve.cocotb_serve"
POLL_SECONDS = 0.1
STOP_SECONDS = 60.0
WAVES_FILE = "dump.fst"


class DeviceLostError(Exception):
    """The simulation has ended, or could not be started."""


@dataclass(frozen=True, slots=True)
class Run:
    """How the simulation is run."""

    seed: int = 1  # of unreset state
    waves: Path | None = None  # where the waveform goes


class RtlDevice:
    """Is a `DoeDevice`. `start` first; `stop` ends the simulation cleanly."""

    def __init__(self, setup: Setup, run: Run, log: logging.Logger) -> None:
        self._setup = setup
        self._run = run
        self._log = log
        self._error: SimulationError | OSError | None = None
        self._label = f"serve-{os.getpid()}"
        self._folder = Path(tempfile.mkdtemp(prefix="serve-"))
        self._build = BuildGroup()
        self._thread = threading.Thread(target=self._simulate, daemon=True)
        self._bridge: Bridge | None = None

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Build the device if it is not there yet, start it, let the VMM set it up."""
        try:
            self._start()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """End the build; a simulation ends when it finds that nobody is there."""
        self._build.end()
        if self._bridge is not None:
            self._bridge.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        path = self._folder / "bridge"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen(1)
            listener.settimeout(POLL_SECONDS)
            self._thread.start()
            self._bridge = Bridge(self._accept(listener))
        self._command(Kind.SET_UP, self._setup.encode(), Kind.READY)

    def _accept(self, listener: socket.socket) -> socket.socket:
        while True:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                if not self._thread.is_alive():
                    raise self._lost() from None
                continue
            connection.setblocking(True)
            return connection

    def _simulate(self) -> None:
        config = self._setup.load()
        profile = config.profile
        parameters = {
            "NUM_TDI": profile.num_tdi,
            "NUM_IDE_STREAMS": profile.num_streams,
            "NUM_SESSIONS": profile.num_sessions,
            "PF_FUNCTION": profile.pf_function,
            "IDE_PORT_INDEX": config.ide.port_index,
        }
        try:
            run_simulation(
                device(parameters),
                MODULE,
                testcase="Serve",
                seed=self._run.seed,
                env={ENVIRONMENT: str(self._folder / "bridge")},
                waves=self._run.waves is not None,
                label=self._label,
                group=self._build,
            )
        except (SimulationError, OSError) as error:
            self._error = error

    def stop(self) -> None:
        """Let the simulation end; DeviceLostError when it has failed."""
        if self._bridge is not None:
            try:
                self._bridge.send(Kind.STOP)
            except BridgeError:
                self._log.warning("the simulation was gone already")
            self._bridge.close()
        self._thread.join(STOP_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._error is not None or self._thread.is_alive():
            raise self._lost()
        self._keep_waves()
        for folder in BUILD_ROOT.glob(f"tdisp_device/*/runs/{self._label}"):
            shutil.rmtree(folder, ignore_errors=True)

    def _keep_waves(self) -> None:
        if self._run.waves is None:
            return
        found = [
            *BUILD_ROOT.glob(f"tdisp_device/*/runs/{self._label}/*.fst"),
            *BUILD_ROOT.glob("tdisp_device/*/*.fst"),
        ]
        for path in found[:1]:
            self._run.waves.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, self._run.waves)
            self._log.info("waveform: %s", self._run.waves)

    def _lost(self) -> DeviceLostError:
        text = str(self._error) if self._error is not None else "the simulation does not answer"
        return DeviceLostError(text)

    # ------------------------------------------------------------------ DoeDevice

    def exchange(self, doe_object: bytes, /) -> bytes | None:
        """The answer that comes out of the mailbox; None for silence."""
        kind, payload = self._ask(Kind.EXCHANGE, doe_object)
        if kind is Kind.ANSWER:
            return payload
        if payload:
            self._log.warning("no end of a DOE exchange: %s, aborted", payload.decode())
        return None

    def reset(self) -> None:
        """Conventional reset and set-up."""
        self._command(Kind.RESET, b"", Kind.READY)

    def _command(self, kind: Kind, payload: bytes, expected: Kind) -> None:
        answer, _ = self._ask(kind, payload)
        if answer is not expected:
            raise DeviceLostError(f"{kind.name} answered with {answer.name}")

    def _ask(self, kind: Kind, payload: bytes) -> tuple[Kind, bytes]:
        assert self._bridge is not None, "start() comes first"
        try:
            self._bridge.send(kind, payload)
            return self._bridge.receive()
        except BridgeError:
            self._thread.join(STOP_SECONDS)
            raise self._lost() from None
