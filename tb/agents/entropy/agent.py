# SPDX-License-Identifier: Apache-2.0
"""Source of random words for nonces."""

from __future__ import annotations

import random
from typing import Any

from cocotb.triggers import RisingEdge
from pyuvm import ConfigDB, uvm_agent

from tb.agents.tlp.driver import pauses


class EntropyAgent(uvm_agent):
    """Offers a fresh random word whenever the last one was taken; `enabled` = False starves."""

    def build_phase(self) -> None:
        super().build_phase()
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.rng: random.Random = ConfigDB().get(self, "", "RNG")
        self.pauses = pauses(self.rng, ConfigDB().get(self, "", "PAUSE_SHARE"))
        self.enabled = True
        self.stuck_word: int | None = None

    async def run_phase(self) -> None:
        bus, clk = self.adapter.entropy, self.adapter.clk
        bus.tvalid.value = 0
        await self.adapter.out_of_reset()
        while True:
            while next(self.pauses):
                bus.tvalid.value = 0
                await RisingEdge(clk)
            bus.tdata.value = self._word()
            bus.tvalid.value = int(self.enabled)
            await RisingEdge(clk)
            while not (int(bus.tready.value) and int(bus.tvalid.value)):
                if not int(bus.tready.value):
                    await RisingEdge(bus.tready)
                bus.tvalid.value = int(self.enabled)
                await RisingEdge(clk)

    def _word(self) -> int:
        return self.rng.getrandbits(32) if self.stuck_word is None else self.stuck_word
