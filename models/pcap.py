# SPDX-License-Identifier: Apache-2.0
"""Classic pcap files with nanoseconds: what public capture tools read."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

MAGIC_NANOSECONDS = 0xA1B23C4D
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


def decode_pcap(raw: bytes, link_type: int) -> list[Packet]:
    """The packets of a capture; a half record at the end is left out.

    ValueError for a file that is no little-endian nanosecond pcap of `link_type`.
    """
    if len(raw) < _FILE_HEADER.size:
        raise ValueError("not a pcap file: it is shorter than the header of one")
    magic, *_, found = _FILE_HEADER.unpack_from(raw)
    if magic != MAGIC_NANOSECONDS:
        raise ValueError(f"not a pcap file with nanoseconds: magic {magic:08x}")
    if found != link_type:
        raise ValueError(f"a capture of link type {found}, not {link_type}")
    packets, at = [], _FILE_HEADER.size
    while at + _RECORD_HEADER.size <= len(raw):
        seconds, nanoseconds, size, _ = _RECORD_HEADER.unpack_from(raw, at)
        at += _RECORD_HEADER.size
        if at + size > len(raw):
            break
        packets.append(Packet(seconds * _NS + nanoseconds, raw[at : at + size]))
        at += size
    return packets


def _record(packet: Packet) -> bytes:
    size = len(packet.raw)
    return _RECORD_HEADER.pack(packet.time_ns // _NS, packet.time_ns % _NS, size, size) + packet.raw
