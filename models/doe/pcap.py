# SPDX-License-Identifier: Apache-2.0
"""DOE objects as a capture file: classic pcap, link type 292 (PCI DOE)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

LINKTYPE_PCI_DOE = 292
MAGIC_NANOSECONDS = 0xA1B23C4D
SNAPLEN = 1 << 18
_FILE_HEADER = struct.Struct("<IHHiIII")
_RECORD_HEADER = struct.Struct("<IIII")
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CapturedObject:
    """One DOE object, header included, with the time at which it passed, in nanoseconds."""

    time_ns: int
    raw: bytes


def encode_pcap(objects: Iterable[CapturedObject]) -> bytes:
    """The capture file with `objects` in their order."""
    parts = [_FILE_HEADER.pack(MAGIC_NANOSECONDS, 2, 4, 0, 0, SNAPLEN, LINKTYPE_PCI_DOE)]
    for item in objects:
        size = len(item.raw)
        parts.append(_RECORD_HEADER.pack(item.time_ns // _NS, item.time_ns % _NS, size, size))
        parts.append(item.raw)
    return b"".join(parts)


def decode_pcap(raw: bytes) -> list[CapturedObject]:
    """The objects of a capture that `encode_pcap` wrote; ValueError when it is none."""
    magic, *_, link_type = _FILE_HEADER.unpack_from(raw)
    if magic != MAGIC_NANOSECONDS or link_type != LINKTYPE_PCI_DOE:
        raise ValueError(f"not a PCI DOE capture: magic {magic:08x}, link type {link_type}")
    objects, at = [], _FILE_HEADER.size
    while at < len(raw):
        seconds, nanoseconds, size, _ = _RECORD_HEADER.unpack_from(raw, at)
        at += _RECORD_HEADER.size
        objects.append(CapturedObject(seconds * _NS + nanoseconds, raw[at : at + size]))
        at += size
    return objects
