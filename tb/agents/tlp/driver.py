# SPDX-License-Identifier: Apache-2.0
"""Drives TLPs into the device."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from cocotbext.axi import AxiStreamSource
from pyuvm import ConfigDB, uvm_driver


def pauses(rng: random.Random, share: float) -> Iterator[bool]:
    """Whether to pause in each cycle: bursts of pauses that fill `share` of the time."""
    while True:
        length = rng.choice((1, 1, 2, 3, 8))
        paused = rng.random() < share
        for _ in range(length):
            yield paused


class TlpDriver(uvm_driver):
    """Sends each item as one AXI4-Stream packet; valid falls at random when back-pressure is on."""

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.pause_share: float = ConfigDB().get(self, "", "PAUSE_SHARE")
        self.rng: random.Random = ConfigDB().get(self, "", "RNG")

    def start_of_simulation_phase(self) -> None:
        adapter = self.adapter
        self.source = AxiStreamSource(adapter.link_in, adapter.clk, adapter.rst)
        self.source.log.setLevel("WARNING")
        if self.pause_share:
            self.source.set_pause_generator(pauses(self.rng, self.pause_share))

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.source.send(item.raw)
            self.seq_item_port.item_done()
