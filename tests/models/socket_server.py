# SPDX-License-Identifier: Apache-2.0
"""A server on an ephemeral port, in a thread, and clients for it."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from models.socket.client import SocketTransport
from models.socket.config import ServerConfig
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.model_device import ModelDevice
from models.socket.responder import DoeDevice
from models.socket.server import Habits, Server, StopReason, bind
from models.spdm.identity import DeviceIdentity
from models.spdm.measurements import DeviceState
from models.spdm.responder import SpdmResponder
from models.tsm.trace import Observer, ignore

HOST = "127.0.0.1"
SECONDS = 20.0
IDENTITY = DeviceIdentity.generate(random.Random(1))
MEASUREMENTS = {block.index: block.value for block in DeviceState().measurements()}


def model_device(config: ServerConfig | None = None, seed: int = 2) -> ModelDevice:
    """A reference device with IDENTITY."""
    entropy = random.Random(seed)
    return ModelDevice(
        config or ServerConfig(), lambda port: SpdmResponder(IDENTITY, port, entropy), entropy
    )


@dataclass
class Running:
    """A server that runs."""

    port: int
    server: Server
    thread: threading.Thread
    lines: list[str]
    config: ServerConfig
    outcome: list[StopReason] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """Warnings of the log."""
        return [line for line in self.lines if line.startswith("WARNING")]

    def connect(self) -> SocketTransport:
        """A client."""
        return SocketTransport.connect(HOST, self.port, SECONDS)

    def raw(self) -> socket.socket:
        """A client that sends what it likes."""
        return socket.create_connection((HOST, self.port), SECONDS)

    def live(self, function: int = 1, observer: Observer = ignore) -> None:
        """One whole life cycle by a client of its own."""
        wanted = Wanted(self.config, [IDENTITY.root], MEASUREMENTS, function)
        with self.connect() as transport:
            transport.hello()
            life = LifeCycle(transport, wanted, random.Random(3), observer)
            asyncio.run(life.run())
            transport.leave()

    def join(self) -> StopReason:
        """Wait for the end of the server; why it ended."""
        self.thread.join(SECONDS)
        assert not self.thread.is_alive(), "the server does not end"
        return self.outcome[0]


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname} {record.getMessage()}")


@contextmanager
def served(
    device: DoeDevice | None = None,
    habits: Habits | None = None,
    config: ServerConfig | None = None,
) -> Iterator[Running]:
    """A server for the time of the block."""
    config = config or ServerConfig()
    listener = bind(HOST, 0)
    lines: list[str] = []
    log = logging.Logger("server", logging.INFO)
    log.addHandler(_Lines(lines))
    server = Server(listener, device or model_device(config), log, habits)
    outcome: list[StopReason] = []
    thread = threading.Thread(target=lambda: outcome.append(server.run()), daemon=True)
    running = Running(listener.getsockname()[1], server, thread, lines, config, outcome)
    thread.start()
    try:
        yield running
    finally:
        server.stop()
        thread.join(SECONDS)
        listener.close()
