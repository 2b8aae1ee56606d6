# SPDX-License-Identifier: Apache-2.0
"""`tools.serve` as a process of its own, on a free port."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.socket.client import SocketTransport
from models.socket.codes import DEFAULT_HOST
from models.socket.identity import read_certificates
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.toml_config import load
from models.tsm.trace import Observer, ignore
from tb.sim import ROOT

LISTENING = re.compile(r"listening on [\d.]+:(\d+)")
START_SECONDS = 1200.0  # with the build of the device
SECONDS = 60.0


class ServerProcess:
    """One server; `port` is known once it listens."""

    def __init__(self, process: subprocess.Popen[str], config: Path) -> None:
        self.process = process
        self.config = load(config)
        self.lines: list[str] = []
        self.port = 0
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = LISTENING.search(line)
            if found:
                self.port = int(found[1])
                self._listening.set()
        self._listening.set()

    def wait_until_ready(self) -> None:
        """Wait until it listens."""
        assert self._listening.wait(START_SECONDS), "the server does not come up"
        assert self.port, "\n".join(self.lines)

    def wait(self, seconds: float) -> None:
        """Let time pass; it must not end meanwhile."""
        self._reader.join(seconds)
        assert self._reader.is_alive(), "\n".join(self.lines)

    @property
    def complaints(self) -> list[str]:
        """Warnings and errors."""
        return [line for line in self.lines if " WARNING " in line or " ERROR " in line]

    def connect(self) -> SocketTransport:
        """A client."""
        return SocketTransport.connect(DEFAULT_HOST, self.port, SECONDS)

    def raw(self) -> socket.socket:
        """A client that sends what it likes."""
        return socket.create_connection((DEFAULT_HOST, self.port), SECONDS)

    def life(self, transport: SocketTransport, observer: Observer = ignore) -> LifeCycle:
        """A life cycle that has not begun."""
        roots = read_certificates(self.config.identity.root)
        wanted = Wanted(self.config, roots, self.config.expected_measurements)
        return LifeCycle(transport, wanted, random.Random(3), observer)

    def live(self) -> None:
        """One whole life cycle by a client of its own."""
        with self.connect() as transport:
            transport.hello()
            asyncio.run(self.life(transport).run())
            transport.leave()

    def end(self, how: Callable[[], None]) -> int:
        """End it; its exit code once all its output is there."""
        how()
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def signal(self, number: signal.Signals) -> int:
        """End it with a signal."""
        return self.end(lambda: self.process.send_signal(number))


@contextmanager
def server(
    folder: Path, *options: str, toml: str = "", identity: str = ""
) -> Iterator[ServerProcess]:
    """A server for the time of the block; its files are in `folder`.

    `identity` are further lines of that table.
    """
    config = folder / "serve.toml"
    config.write_text(f'{toml}\n[identity]\nroot = "root.pem"\n{identity}')
    command = [sys.executable, "-m", "tools.serve", "--port", "0", "--config", str(config)]
    process = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = ServerProcess(process, config)
    try:
        running.wait_until_ready()
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SECONDS)
