# SPDX-License-Identifier: Apache-2.0
"""Frames: a big-endian header of twelve bytes and a payload (EMU-001)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from models.socket.codes import TransportType, command_name, transport_name

MAX_PAYLOAD = 0x2000  # bytes; above the longest DOE object that the device takes


class FrameError(Exception):
    """The bytes of the peer are no frame, and where the next one begins is unknown."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; for PCI_DOE the payload of a NORMAL one is a whole DOE object, or empty."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(">III")

    command: int
    payload: bytes = b""
    transport: int = TransportType.PCI_DOE

    def encode(self) -> bytes:
        """Header and payload."""
        return self.LAYOUT.pack(self.command, self.transport, len(self.payload)) + self.payload

    def __str__(self) -> str:
        return f"{command_name(self.command)}, {len(self.payload)} bytes"


class FrameReader:
    """Puts frames together from what arrives, and never holds more than one.

    Read at most `wanted` bytes at a time: the reader then never takes bytes of a later frame.
    """

    def __init__(self, max_payload: int = MAX_PAYLOAD) -> None:
        self._max_payload = max_payload
        self._data = bytearray()
        self._size = Frame.LAYOUT.size  # of the header, then of the whole frame

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete; 0 between frames."""
        return len(self._data)

    @property
    def wanted(self) -> int:
        """Bytes that may come next, at least 1."""
        return self._size - len(self._data)

    def feed(self, data: bytes) -> Frame | None:
        """Take at most `wanted` bytes; the frame that they complete.

        FrameError for a transport type other than PCI_DOE and for a payload above the bound,
        both as soon as the header is there.
        """
        if len(data) > self.wanted:
            raise FrameError(f"{len(data)} bytes where {self.wanted} were wanted")
        self._data += data
        if self.wanted:
            return None
        command, transport, size = Frame.LAYOUT.unpack_from(self._data)
        if len(self._data) == Frame.LAYOUT.size:
            self._check(transport, size)
            self._size += size
            if size:
                return None
        frame = Frame(command, bytes(self._data[Frame.LAYOUT.size :]), transport)
        self._data.clear()
        self._size = Frame.LAYOUT.size
        return frame

    def _check(self, transport: int, size: int) -> None:
        if transport != TransportType.PCI_DOE:
            raise FrameError(f"{transport_name(transport)} instead of PCI_DOE")
        if size > self._max_payload:
            raise FrameError(f"payload of {size} bytes, the bound is {self._max_payload}")
