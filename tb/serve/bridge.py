# SPDX-License-Identifier: Apache-2.0
"""Messages between the server and the simulation: a length, a kind, a payload.

The simulation blocks while it waits for one, so its time stands still while nobody asks.
"""

from __future__ import annotations

import socket
import struct
from enum import IntEnum

HEADER = struct.Struct("<BI")
ENVIRONMENT = "SERVE_SOCKET"  # variable that tells the simulation where the server listens


class BridgeError(Exception):
    """The other side has gone."""


class Kind(IntEnum):
    """What a message is."""

    SET_UP = 1  # to the simulation: JSON of Setup
    EXCHANGE = 2  # a DOE object
    RESET = 3
    STOP = 4
    READY = 16  # from the simulation: SET_UP or RESET is done
    ANSWER = 17  # a DOE object
    SILENCE = 18  # with a word for the log when it is none that the specification asks for


class Bridge:
    """One end."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Send a message; BridgeError when nobody takes it."""
        try:
            self._socket.sendall(HEADER.pack(kind, len(payload)) + payload)
        except OSError as error:
            raise BridgeError(str(error)) from error

    def receive(self) -> tuple[Kind, bytes]:
        """Wait for a message; BridgeError when none can come any more."""
        kind, size = HEADER.unpack(self._exactly(HEADER.size))
        return Kind(kind), self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                part = self._socket.recv(size - len(data))
            except OSError as error:
                raise BridgeError(str(error)) from error
            if not part:
                raise BridgeError("the other side has gone")
            data += part
        return data

    def close(self) -> None:
        """End the connection."""
        self._socket.close()
