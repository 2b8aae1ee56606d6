# SPDX-License-Identifier: Apache-2.0
"""INTERFACE_ID: the name of a TDI (TDISP-HDR-005, TDISP-HDR-006)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from models.tdisp.errors import DecodeError, EncodeError

RID_MASK = 0xFFFF
SEGMENT = 16  # bit number
SEGMENT_MASK = 0xFF
SEGMENT_VALID = 24  # bit number


@dataclass(frozen=True, slots=True)
class InterfaceId:
    """The 12 bytes as they are; `rid` and `segment` read FUNCTION_ID."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<I8s")
    SIZE: ClassVar[int] = LAYOUT.size

    function_id: int
    reserved: bytes = bytes(8)

    @classmethod
    def of(cls, rid: int, segment: int | None = None) -> InterfaceId:
        """The name of the function with Requester ID `rid`."""
        if not 0 <= rid <= RID_MASK:
            raise EncodeError(f"Requester ID {rid:#x}")
        if segment is None:
            return cls(rid)
        if not 0 <= segment <= SEGMENT_MASK:
            raise EncodeError(f"segment {segment:#x}")
        return cls(rid | segment << SEGMENT | 1 << SEGMENT_VALID)

    @property
    def rid(self) -> int:
        """Requester ID."""
        return self.function_id & RID_MASK

    @property
    def segment(self) -> int | None:
        """Requester Segment; None when it is not valid, whatever its bits say."""
        if not self.function_id >> SEGMENT_VALID & 1:
            return None
        return self.function_id >> SEGMENT & SEGMENT_MASK

    def echo(self) -> InterfaceId:
        """As a response carries it: the same FUNCTION_ID, the rest 0 (TDISP-HDR-002, 007)."""
        return InterfaceId(self.function_id)

    def encode(self) -> bytes:
        """The 12 bytes."""
        if not 0 <= self.function_id < 1 << 32 or len(self.reserved) != 8:
            raise EncodeError(f"{self} does not fit 12 bytes")
        return self.LAYOUT.pack(self.function_id, self.reserved)

    @classmethod
    def decode(cls, raw: bytes) -> InterfaceId:
        """From exactly 12 bytes."""
        if len(raw) != cls.SIZE:
            raise DecodeError(f"INTERFACE_ID of {len(raw)} bytes")
        return cls(*cls.LAYOUT.unpack(raw))

    def __str__(self) -> str:
        rid = f"{self.rid >> 8:02x}:{self.rid >> 3 & 0x1F:02x}.{self.rid & 7}"
        return rid if self.segment is None else f"{self.segment:02x}:{rid}"
