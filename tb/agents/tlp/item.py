# SPDX-License-Identifier: Apache-2.0
"""One TLP on the link."""

from __future__ import annotations

from enum import Enum

from pyuvm import uvm_sequence_item


class Side(Enum):
    """Direction on the link, seen from the host."""

    TO_DEVICE = "to device"
    FROM_DEVICE = "from device"


class TlpItem(uvm_sequence_item):
    """A raw TLP in wire byte order, with the time at which its last beat passed."""

    def __init__(self, raw: bytes, side: Side = Side.TO_DEVICE, time_ns: float = 0.0) -> None:
        super().__init__("tlp")
        self.raw = raw
        self.side = side
        self.time_ns = time_ns

    def __str__(self) -> str:
        return f"{self.side.value} {self.time_ns:.0f} ns {self.raw.hex()}"
