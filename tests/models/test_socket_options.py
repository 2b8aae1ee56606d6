# SPDX-License-Identifier: Apache-2.0
"""What the server asks of the kernel for each connection."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from typing import Any

import pytest

from models.socket.codes import CLIENT_HELLO, SERVER_HELLO, Command
from models.socket.frames import Frame
from tests.models.socket_server import SECONDS, served
from tests.models.test_socket_server import receive
from tests.plan import covers

TCP = socket.IPPROTO_TCP
HELLO = Frame(Command.TEST, CLIENT_HELLO).encode()
ANSWER = Frame(Command.TEST, SERVER_HELLO).encode()
PIECES = (HELLO[:4], HELLO[4:8], HELLO[8:12], HELLO[12:])  # command, type, size, payload


class Options:
    """Counts the options that are set on the sockets of the server's thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[tuple[int, int, Any]] = Counter()
        self._changed = threading.Condition()
        self._client = threading.get_ident()
        original = socket.socket.setsockopt

        def record(sock: socket.socket, *option: Any) -> None:
            original(sock, *option)
            if threading.get_ident() != self._client:
                with self._changed:
                    self.counts[option] += 1
                    self._changed.notify_all()

        monkeypatch.setattr(socket.socket, "setsockopt", record, raising=False)

    def wait_for(self, option: tuple[int, int, Any], count: int) -> None:
        """Until an option has been set so many times."""
        with self._changed:
            done = self._changed.wait_for(lambda: self.counts[option] >= count, SECONDS)
        assert done, f"{option} was set {self.counts[option]} times, not {count}"


@covers("EMU-001")
@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="this system has no TCP_QUICKACK")
def test_each_piece_of_a_frame_is_acknowledged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(monkeypatch)
    quick = (TCP, socket.TCP_QUICKACK, 1)
    with served() as running, running.raw() as client:
        client.setsockopt(TCP, socket.TCP_NODELAY, 1)  # each piece is a segment of its own
        for number, piece in enumerate(PIECES, start=1):
            client.sendall(piece)
            options.wait_for(quick, number)
        assert receive(client, len(ANSWER)) == ANSWER


@covers("EMU-001")
def test_answers_do_not_wait_for_acknowledgements(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(monkeypatch)
    with served() as running, running.connect() as transport:
        transport.hello()
        options.wait_for((TCP, socket.TCP_NODELAY, 1), 1)


@covers("EMU-001")
def test_a_peer_whose_machine_has_gone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(monkeypatch)
    with served() as running, running.connect() as transport:
        transport.hello()
        options.wait_for((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), 1)
