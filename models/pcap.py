# SPDX-License-Identifier: Apache-2.0
"""Classic pcap files: written with nanoseconds, read with either unit."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

MAGIC_NANOSECONDS = 0xA1B23C4D
MAGIC_MICROSECONDS = 0xA1B2C3D4
UNITS_NS = {MAGIC_NANOSECONDS: 1, MAGIC_MICROSECONDS: 1000}  # of the second word of a time
VERSION = (2, 4)
SNAPLEN = 1 << 20  # above the largest DOE object; readers may reserve it
_FILE_HEADER = struct.Struct("<IHHiIII")
_RECORD_HEADER = struct.Struct("<IIII")
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Packet:
    """Captured bytes with the time at which they passed, in nanoseconds."""

    time_ns: int
    raw: bytes


class PcapWriter:
    """Writes a capture packet by packet; what was written is readable at any time."""

    def __init__(self, file: BinaryIO, link_type: int) -> None:
        self._file = file
        file.write(_FILE_HEADER.pack(MAGIC_NANOSECONDS, *VERSION, 0, 0, SNAPLEN, link_type))
        file.flush()

    def write(self, packet: Packet) -> None:
        """Append one packet."""
        self._file.write(_record(packet))
        self._file.flush()


def encode_pcap(packets: Iterable[Packet], link_type: int) -> bytes:
    """The capture file with `packets` in their order."""
    header = _FILE_HEADER.pack(MAGIC_NANOSECONDS, *VERSION, 0, 0, SNAPLEN, link_type)
    return header + b"".join(map(_record, packets))


def _head(raw: bytes) -> tuple[int, int]:
    """The unit of time in nanoseconds and the link type; ValueError when it is no pcap."""
    if len(raw) < _FILE_HEADER.size:
        raise ValueError("not a pcap file: it is shorter than the header of one")
    magic, *_, found = _FILE_HEADER.unpack_from(raw)
    if magic not in UNITS_NS:
        raise ValueError(f"not a pcap file: magic {magic:08x}")
    return UNITS_NS[magic], found


def link_type_of(raw: bytes) -> int:
    """What a capture holds; ValueError when it is none."""
    return _head(raw)[1]


def decode_pcap(raw: bytes, link_type: int) -> list[Packet]:
    """The packets of a capture; a half record at the end is left out.

    ValueError for a file that is no little-endian pcap of `link_type`.
    """
    unit, found = _head(raw)
    if found != link_type:
        raise ValueError(f"a capture of link type {found}, not {link_type}")
    packets, at = [], _FILE_HEADER.size
    while at + _RECORD_HEADER.size <= len(raw):
        seconds, parts, size, _ = _RECORD_HEADER.unpack_from(raw, at)
        at += _RECORD_HEADER.size
        if at + size > len(raw):
            break
        packets.append(Packet(seconds * _NS + parts * unit, raw[at : at + size]))
        at += size
    return packets


def _record(packet: Packet) -> bytes:
    size = len(packet.raw)
    return _RECORD_HEADER.pack(packet.time_ns // _NS, packet.time_ns % _NS, size, size) + packet.raw
