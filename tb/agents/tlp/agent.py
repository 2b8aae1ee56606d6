# SPDX-License-Identifier: Apache-2.0
"""The two link agents: TLPs to the device (active) and TLPs from it (ready driver, monitor)."""

from __future__ import annotations

import random
from typing import Any

from cocotbext.axi import AxiStreamSink
from pyuvm import ConfigDB, uvm_agent, uvm_sequencer

from tb.agents.stream import read_only
from tb.agents.tlp.driver import TlpDriver, pauses
from tb.agents.tlp.item import Side
from tb.agents.tlp.monitor import TlpMonitor


class LinkInAgent(uvm_agent):
    """Sequencer, driver and monitor of TLPs to the device."""

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = TlpMonitor("monitor", self, Side.TO_DEVICE)
        if self.get_is_active():
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = TlpDriver("driver", self)

    def connect_phase(self) -> None:
        if self.get_is_active():
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)


class LinkOutAgent(uvm_agent):
    """Monitor of TLPs from the device; the active one also drives ready."""

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = TlpMonitor("monitor", self, Side.FROM_DEVICE)
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.pause_share: float = ConfigDB().get(self, "", "PAUSE_SHARE")
        self.rng: random.Random = ConfigDB().get(self, "", "RNG")

    def start_of_simulation_phase(self) -> None:
        if not self.get_is_active():
            return
        adapter = self.adapter
        self.sink = AxiStreamSink(read_only(adapter.link_out), adapter.clk, adapter.rst)
        self.sink.log.setLevel("WARNING")
        if self.pause_share:
            self.sink.set_pause_generator(pauses(self.rng, self.pause_share))

    async def run_phase(self) -> None:
        while self.get_is_active():
            await self.sink.recv()
