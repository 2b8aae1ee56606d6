# SPDX-License-Identifier: Apache-2.0
"""One TLP on the link."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pyuvm import uvm_sequence_item


class Side(Enum):
    """Direction on the link, seen from the host."""

    TO_DEVICE = "to device"
    FROM_DEVICE = "from device"


class TlpItem(uvm_sequence_item):
    """A raw TLP in wire byte order, to be sent to the device."""

    def __init__(self, raw: bytes) -> None:
        super().__init__("tlp")
        self.raw = raw

    def __str__(self) -> str:
        return self.raw.hex()


@dataclass(frozen=True, slots=True)
class SeenTlp:
    """A raw TLP in wire byte order that has passed, with the time of its last beat."""

    raw: bytes
    side: Side
    time_ns: float
