# SPDX-License-Identifier: Apache-2.0
"""DOE data objects: header, padding to DWs, Discovery (DOE-OBJ-002, DOE-DSC-001, DOE-DSC-002)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from models.doe.codes import HEADER_DWORDS, LENGTH_2_18, VENDOR_PCI_SIG, ObjectType

DWORD = 4
HEADER = struct.Struct("<HBBI")
LENGTH_MASK = LENGTH_2_18 - 1
UNKNOWN_VENDOR = 0xFFFF  # of an answer to Discovery with an index beyond the last
UNKNOWN_TYPE = 0xFF
SUPPORTED = tuple(ObjectType)


class DoeError(Exception):
    """Bytes that are no data object, or an object that cannot be encoded."""


def length_field(dwords: int) -> int:
    """The Length field for an object of `dwords` DW, header included (DOE-OBJ-002)."""
    if not HEADER_DWORDS <= dwords <= LENGTH_2_18:
        raise DoeError(f"an object of {dwords} DW")
    return dwords & LENGTH_MASK


def object_dwords(second_dword: int) -> int:
    """Number of DW that the second DW of a header announces; reserved bits are ignored."""
    return second_dword & LENGTH_MASK or LENGTH_2_18


@dataclass(frozen=True, slots=True)
class DataObject:
    """One data object. A decoded payload still has its padding."""

    kind: int  # data object type
    payload: bytes
    vendor: int = VENDOR_PCI_SIG

    def encode(self) -> bytes:
        """Header and payload, padded with zeros to a DW."""
        padded = self.payload + bytes(-len(self.payload) % DWORD)
        dwords = HEADER_DWORDS + len(padded) // DWORD
        return HEADER.pack(self.vendor, self.kind, 0, length_field(dwords)) + padded

    @classmethod
    def decode(cls, raw: bytes) -> DataObject:
        """Raises DoeError when `raw` is not exactly one object (DOE-FSM-008)."""
        if len(raw) < HEADER.size:
            raise DoeError(f"object of {len(raw)} bytes")
        vendor, kind, _, second = HEADER.unpack_from(raw)
        if DWORD * object_dwords(second) != len(raw) or second & LENGTH_MASK == 1:
            raise DoeError(f"Length {second & LENGTH_MASK} in an object of {len(raw)} bytes")
        return cls(kind, raw[HEADER.size :], vendor)


@dataclass(frozen=True, slots=True)
class DiscoveryRequest:
    """Asks for the data object type with a number."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBH")

    index: int
    version: int = 0  # 2 where the capability has version 2

    def encode(self) -> bytes:
        """The whole object."""
        payload = self.LAYOUT.pack(self.index, self.version, 0)
        return DataObject(ObjectType.DISCOVERY, payload).encode()

    @classmethod
    def decode(cls, payload: bytes) -> DiscoveryRequest:
        """From the payload of a data object; DoeError when it is not one DW."""
        if len(payload) != cls.LAYOUT.size:
            raise DoeError(f"Discovery of {len(payload)} bytes")
        index, version, _ = cls.LAYOUT.unpack(payload)
        return cls(index, version)


@dataclass(frozen=True, slots=True)
class DiscoveryResponse:
    """One supported data object type."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<HBB")

    vendor: int
    kind: int
    next_index: int  # 0 after the last

    def encode(self) -> bytes:
        """The whole object."""
        payload = self.LAYOUT.pack(self.vendor, self.kind, self.next_index)
        return DataObject(ObjectType.DISCOVERY, payload).encode()

    @classmethod
    def decode(cls, payload: bytes) -> DiscoveryResponse:
        """From the payload of a data object; DoeError when it is not one DW."""
        if len(payload) != cls.LAYOUT.size:
            raise DoeError(f"Discovery response of {len(payload)} bytes")
        return cls(*cls.LAYOUT.unpack(payload))


def discover(index: int, types: Sequence[int] = SUPPORTED) -> DiscoveryResponse:
    """What a device with data object `types` of PCI-SIG answers (DOE-DSC-001, DOE-DSC-002)."""
    if index >= len(types):
        return DiscoveryResponse(UNKNOWN_VENDOR, UNKNOWN_TYPE, 0)
    return DiscoveryResponse(VENDOR_PCI_SIG, types[index], (index + 1) % len(types))


def to_dwords(raw: bytes) -> list[int]:
    """The DWs of an object as the mailbox registers carry them."""
    if len(raw) % DWORD:
        raise DoeError(f"{len(raw)} bytes are no whole DWs")
    return [value for (value,) in struct.iter_unpack("<I", raw)]


def from_dwords(dwords: Iterable[int]) -> bytes:
    """The object whose DWs these are."""
    return b"".join(value.to_bytes(DWORD, "little") for value in dwords)
