# SPDX-License-Identifier: Apache-2.0
"""DOE objects as a capture file: classic pcap, link type 292 (PCI DOE)."""

from __future__ import annotations

from collections.abc import Iterable

from models import pcap
from models.pcap import Packet

LINKTYPE_PCI_DOE = 292

CapturedObject = Packet  # one DOE object, header included


def encode_pcap(objects: Iterable[CapturedObject]) -> bytes:
    """The capture file with `objects` in their order."""
    return pcap.encode_pcap(objects, LINKTYPE_PCI_DOE)


def decode_pcap(raw: bytes) -> list[CapturedObject]:
    """The objects of a capture; ValueError when it is none of DOE."""
    return pcap.decode_pcap(raw, LINKTYPE_PCI_DOE)
