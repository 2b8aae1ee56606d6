# SPDX-License-Identifier: Apache-2.0
"""Watches one direction of the link."""

from __future__ import annotations

from typing import Any

from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamMonitor
from pyuvm import ConfigDB, uvm_analysis_port, uvm_component

from tb.agents.stream import read_only
from tb.agents.tlp.item import SeenTlp, Side


class TlpMonitor(uvm_component):
    """Writes a SeenTlp to `ap` for every packet that passes."""

    def __init__(self, name: str, parent: uvm_component, side: Side) -> None:
        self.side = side
        super().__init__(name, parent)

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.ap = uvm_analysis_port("ap", self)

    def start_of_simulation_phase(self) -> None:
        adapter = self.adapter
        to_device = self.side is Side.TO_DEVICE
        bus: AxiStreamBus = adapter.link_in if to_device else adapter.link_out
        self.monitor = AxiStreamMonitor(read_only(bus), adapter.clk, adapter.rst)
        self.monitor.log.setLevel("WARNING")

    async def run_phase(self) -> None:
        while True:
            frame = await self.monitor.recv()
            self.ap.write(SeenTlp(bytes(frame.tdata), self.side, get_sim_time("ns")))
