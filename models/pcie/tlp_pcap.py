# SPDX-License-Identifier: Apache-2.0
"""TLPs as a capture file: classic pcap, link type 147 (DLT_USER0), eight bytes before each TLP.

| byte | content |
|---|---|
| 0 | version of this framing: 1 |
| 1 | direction: 0 host to device, 1 device to host |
| 2 | layer: 0 as on the link, 1 before encryption or after decryption |
| 3 | 0 |
| 4-7 | number of the TLP in the capture, big-endian; both layers of a TLP have the same |

The TLP follows in wire order from its first prefix or header byte on, without sequence number,
LCRC or framing symbols. A TLP that travels in clear has layer 0 only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from models.pcap import Packet, decode_pcap, encode_pcap
from models.pcie.capture import TlpRecord

LINKTYPE_USER0 = 147
FRAMING_VERSION = 1
_HEADER = struct.Struct(">BBBBI")


class Layer(IntEnum):
    """Which side of IDE the bytes were taken from."""

    LINK = 0
    PLAIN = 1


@dataclass(frozen=True, slots=True)
class TlpPacket:
    """One packet of the capture."""

    time_ns: int
    to_device: bool
    layer: Layer
    number: int
    raw: bytes

    def encode(self) -> Packet:
        """The packet with its eight bytes of framing."""
        header = _HEADER.pack(FRAMING_VERSION, not self.to_device, self.layer, 0, self.number)
        return Packet(self.time_ns, header + self.raw)

    @classmethod
    def decode(cls, packet: Packet) -> TlpPacket:
        """ValueError for another version or framing that is cut off."""
        if len(packet.raw) < _HEADER.size:
            raise ValueError(f"a packet of {len(packet.raw)} bytes has no framing")
        version, direction, layer, _, number = _HEADER.unpack_from(packet.raw)
        if version != FRAMING_VERSION or direction > 1 or layer not in Layer.__members__.values():
            raise ValueError(f"unknown framing {packet.raw[:4].hex()}")
        raw = packet.raw[_HEADER.size :]
        return cls(packet.time_ns, not direction, Layer(layer), number, raw)


def encode_tlps(records: Iterable[TlpRecord]) -> bytes:
    """The capture file of a run."""
    return encode_pcap((p.encode() for p in _packets(records)), LINKTYPE_USER0)


def decode_tlps(raw: bytes) -> list[TlpPacket]:
    """The packets of a capture file; ValueError when it is none of TLPs."""
    return [TlpPacket.decode(packet) for packet in decode_pcap(raw, LINKTYPE_USER0)]


def _packets(records: Iterable[TlpRecord]) -> Iterator[TlpPacket]:
    for number, record in enumerate(records):
        time_ns = int(record.time_ns)
        yield TlpPacket(time_ns, record.to_device, Layer.LINK, number, record.wire)
        if record.plain is not None and record.prefix is not None:
            yield TlpPacket(time_ns, record.to_device, Layer.PLAIN, number, record.plain)
