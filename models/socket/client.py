# SPDX-License-Identifier: Apache-2.0
"""A DOE device behind a socket, as a transport for a requester."""

from __future__ import annotations

import socket
from types import TracebackType

from models.socket.codes import CLIENT_HELLO, SERVER_HELLO, Command, command_name
from models.socket.frames import Frame, FrameError, FrameReader

MAX_ANSWER = 4 << 18  # bytes; the longest DOE object there is


class SocketError(Exception):
    """The server is not there, has gone, or does not keep to the protocol."""


class SocketTransport:
    """Is a `Transport`. One connection; `close` or leaving the `with` block ends it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = FrameReader(MAX_ANSWER)

    @classmethod
    def connect(cls, host: str, port: int, seconds: float = 60.0) -> SocketTransport:
        """Connect; `seconds` bounds this and every later exchange."""
        try:
            connection = socket.create_connection((host, port), seconds)
        except OSError as error:
            raise SocketError(f"no server at {host}:{port}: {error.strerror or error}") from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connection)

    def __enter__(self) -> SocketTransport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    # ------------------------------------------------------------------ frames

    def request(self, command: int, payload: bytes = b"") -> bytes:
        """Send one frame; the payload of its answer, which must have the same command."""
        try:
            self._socket.sendall(Frame(command, payload).encode())
            answer = self._receive()
        except OSError as error:
            raise SocketError(f"connection lost: {error.strerror or error}") from error
        except FrameError as error:
            raise SocketError(f"the server sent no frame: {error}") from error
        if answer.command != command:
            raise SocketError(f"{command_name(command)} answered with {answer}")
        return answer.payload

    def _receive(self) -> Frame:
        while True:
            data = self._socket.recv(min(self._reader.wanted, 1 << 16))
            if not data:
                raise SocketError("the server has closed the connection")
            frame = self._reader.feed(data)
            if frame is not None:
                return frame

    # ------------------------------------------------------------------ commands

    def hello(self) -> None:
        """TEST: is there a server of this protocol?"""
        answer = self.request(Command.TEST, CLIENT_HELLO)
        if answer != SERVER_HELLO:
            raise SocketError(f"TEST answered with {answer[:16]!r}")

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Deliver a DOE object; its answer, None when the device keeps silent."""
        return self.request(Command.NORMAL, doe_object) or None

    def leave(self) -> None:
        """CONTINUE: the server may go on with its next client."""
        self.request(Command.CONTINUE)

    def shut_down(self) -> None:
        """SHUTDOWN: the server ends."""
        self.request(Command.SHUTDOWN)
