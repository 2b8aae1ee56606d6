# SPDX-License-Identifier: Apache-2.0
"""Serves one client after another on a listening socket; the device lives on across them.

Whatever a client sends, the server holds one frame and one answer at most. A client that breaks
off, stalls within a frame or does not take its answer is dropped with one line in the log.
"""

from __future__ import annotations

import select
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from logging import Logger

from models.socket.codes import Command
from models.socket.frames import MAX_PAYLOAD, FrameError, FrameReader
from models.socket.responder import After, DoeDevice, reply

HUNG_UP = getattr(select, "POLLRDHUP", 0)
QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)
BACKLOG = 8
KERNEL_BUFFER = 1 << 16  # bytes in either direction, so that a flood stays with its sender
WAKE = b"\0"


class StopReason(Enum):
    """Why the server ended."""

    SHUTDOWN = "SHUTDOWN command"
    STOPPED = "stop"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a client."""

    max_payload: int = MAX_PAYLOAD  # bytes
    frame_seconds: float = 10.0  # from the first byte of a frame to its last
    answer_seconds: float = 10.0  # until the client has taken an answer


@dataclass(frozen=True, slots=True)
class Habits:
    """How the server treats clients, and who sees the DOE objects that pass."""

    limits: Limits = Limits()
    reset_on_disconnect: bool = False
    tap: Callable[[bytes], None] | None = None
    clock: Callable[[], float] = time.monotonic


def bind(host: str, port: int) -> socket.socket:
    """A socket for `Server`; OSError when the address is not to be had. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            listener.setsockopt(socket.SOL_SOCKET, buffer, KERNEL_BUFFER)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class _Client:
    """One connection: the frame that comes in, the answer that goes out."""

    def __init__(self, connection: socket.socket, name: str, max_payload: int) -> None:
        self.socket = connection
        self.name = name
        self.reader = FrameReader(max_payload)
        self.out = b""
        self.deadline: float | None = None
        self.after = After.GO_ON
        self.frames = 0
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Between frames nothing else tells that the peer's machine has gone.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def acknowledge(self) -> None:
        """Acknowledge what was received now, not when an answer goes out.

        A peer with Nagle's algorithm that writes a frame in pieces waits for that between them.
        The kernel forgets the option, so it is set each time.
        """
        if QUICK_ACK is not None:
            with suppress(OSError):  # the peer has gone: `recv` says so
                self.socket.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)

    def hung_up(self) -> bool:
        """Whether the peer will send nothing more than what is here already."""
        poll = select.poll()
        poll.register(self.socket, HUNG_UP)
        return any(event & (HUNG_UP | select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


class Server:
    """Clients can connect from its making on; `run` serves them until SHUTDOWN or `stop`.

    It closes neither listener nor device.
    """

    def __init__(
        self, listener: socket.socket, device: DoeDevice, log: Logger, habits: Habits | None = None
    ) -> None:
        self._listener = listener
        self._device = device
        self._log = log
        self._habits = habits or Habits()
        self._client: _Client | None = None
        self._stop_asked = False
        self._ending = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector = selectors.DefaultSelector()
        listener.listen(BACKLOG)

    def stop(self) -> None:
        """End `run` after the exchange that is under way; for signal handlers and threads."""
        self._stop_asked = True
        with suppress(OSError):
            self._wake_out.send(WAKE)

    # ------------------------------------------------------------------ loop

    def run(self) -> StopReason:
        """Serve clients; why that ended."""
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        try:
            while not self._stop_asked:
                reason = self._turn()
                if reason is not None:
                    return reason
            return StopReason.STOPPED
        finally:
            self._ending = True
            self._drop()
            self._selector.close()
            self._wake_in.close()
            self._wake_out.close()

    def _turn(self) -> StopReason | None:
        ready = {key.fileobj for key, _ in self._selector.select(self._patience())}
        client = self._client
        if client is not None and client.socket in ready:
            self._serve(client)
        self._check_deadline()
        if client is not None and client.after is After.SHUTDOWN:
            if not client.out or self._client is None:
                return StopReason.SHUTDOWN
        elif self._listener in ready:
            self._newcomer()
        return None

    def _patience(self) -> float | None:
        if self._client is None or self._client.deadline is None:
            return None
        return max(0.0, self._client.deadline - self._habits.clock())

    def _check_deadline(self) -> None:
        client = self._client
        if client is None or client.deadline is None or self._habits.clock() < client.deadline:
            return
        if client.out:
            self._drop("does not take its answer")
        else:
            self._drop(f"stalls after {client.reader.pending} bytes of a frame")

    # ------------------------------------------------------------------ clients

    def _newcomer(self) -> None:
        current = self._client
        if current is not None and current.hung_up():
            # It will be gone once what it sent is read; the newcomer waits for that.
            self._selector.unregister(self._listener)
            return
        try:
            connection, address = self._listener.accept()
        except OSError:  # it has gone already
            return
        name = f"{address[0]}:{address[1]}"
        if current is not None:
            self._log.warning("client %s turned away: %s is being served", name, current.name)
            connection.close()
            return
        self._client = _Client(connection, name, self._habits.limits.max_payload)
        self._selector.register(connection, selectors.EVENT_READ)
        self._log.info("client %s connected", name)

    def _drop(self, complaint: str | None = None) -> None:
        """End the current client, if there is one, with one line in the log."""
        client, self._client = self._client, None
        if client is None:
            return
        self._selector.unregister(client.socket)
        client.socket.close()
        if self._listener not in self._selector.get_map():
            self._selector.register(self._listener, selectors.EVENT_READ)
        if complaint is None:
            self._log.info("client %s left after %d frames", client.name, client.frames)
        else:
            self._log.warning("client %s dropped: %s", client.name, complaint)
        if self._habits.reset_on_disconnect and not self._ending:
            self._device.reset()
            self._log.info("device reset")

    def _serve(self, client: _Client) -> None:
        try:
            if client.out:
                self._send(client)
            else:
                self._receive(client)
        except FrameError as error:
            self._drop(str(error))
        except OSError as error:
            between_frames = not client.out and not client.reader.pending
            self._drop(None if between_frames else f"connection lost: {error.strerror}")

    def _receive(self, client: _Client) -> None:
        try:
            data = client.socket.recv(client.reader.wanted)
        except BlockingIOError:
            return
        client.acknowledge()
        if not data:
            pending = client.reader.pending
            self._drop(f"vanished after {pending} bytes of a frame" if pending else None)
            return
        if not client.reader.pending:
            client.deadline = self._habits.clock() + self._habits.limits.frame_seconds
        frame = client.reader.feed(data)
        if frame is None:
            return
        client.frames += 1
        self._tap(frame.command, frame.payload)
        answer = reply(frame, self._device)
        self._tap(answer.frame.command, answer.frame.payload)
        if answer.complaint is not None:
            self._log.warning("client %s: %s", client.name, answer.complaint)
        self._log.debug("client %s: %s -> %s", client.name, frame, answer.frame)
        client.after = answer.after
        client.out = answer.frame.encode()
        client.deadline = self._habits.clock() + self._habits.limits.answer_seconds
        self._send(client)

    def _tap(self, command: int, payload: bytes) -> None:
        if self._habits.tap is not None and command == Command.NORMAL and payload:
            self._habits.tap(payload)

    def _send(self, client: _Client) -> None:
        with suppress(BlockingIOError):
            client.out = client.out[client.socket.send(client.out) :]
        if client.out:
            self._selector.modify(client.socket, selectors.EVENT_WRITE)
            return
        self._selector.modify(client.socket, selectors.EVENT_READ)
        client.deadline = None
        if client.after is After.NEXT_CLIENT:
            self._drop()
