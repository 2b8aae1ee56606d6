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
# The specification says that an SDI is told apart by its PASID, but not where it stands. Here the
# first DW of the formerly reserved bytes holds it, with a valid bit.
SDI_VALID = 1 << 31
PASID_MASK = (1 << 20) - 1
SDI_SIZE = 4  # bytes


@dataclass(frozen=True, slots=True)
class InterfaceId:
    """The 12 bytes as they are; `rid` and `segment` read FUNCTION_ID."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<I8s")
    SIZE: ClassVar[int] = LAYOUT.size

    function_id: int
    reserved: bytes = bytes(8)

    @classmethod
    def of(cls, rid: int, segment: int | None = None, *, pasid: int | None = None) -> InterfaceId:
        """The name of the function with Requester ID `rid`, or of its SDI with `pasid`."""
        if pasid is not None:
            if not 0 <= pasid <= PASID_MASK:
                raise EncodeError(f"PASID {pasid:#x}")
            named = (pasid | SDI_VALID).to_bytes(SDI_SIZE, "little")
            return cls(cls.of(rid, segment).function_id, named + bytes(8 - SDI_SIZE))
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

    @property
    def pasid(self) -> int | None:
        """Which SDI of the function it is; None for the function itself."""
        value = int.from_bytes(self.reserved[:SDI_SIZE], "little")
        return value & PASID_MASK if value & SDI_VALID else None

    def echo(self, *, sdis: bool = False) -> InterfaceId:
        """As a response carries it: the same FUNCTION_ID, the rest 0 (TDISP-HDR-002, 007).

        A device with `sdis` also says which SDI it was.
        """
        named = InterfaceId.of(0, pasid=self.pasid if sdis else None).reserved
        return InterfaceId(self.function_id, named)

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
        name = rid if self.segment is None else f"{self.segment:02x}:{rid}"
        return name if self.pasid is None else f"{name} PASID {self.pasid:05x}"
