# SPDX-License-Identifier: Apache-2.0
"""Agent of configuration space."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequencer

from tb.agents.cfg.driver import CfgDriver
from tb.agents.cfg.monitor import CfgMonitor


class CfgAgent(uvm_agent):
    """Sequencer and driver over the root complex; the monitor listens to the link."""

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = CfgMonitor("monitor", self)
        if self.get_is_active():
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = CfgDriver("driver", self)

    def connect_phase(self) -> None:
        if self.get_is_active():
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
