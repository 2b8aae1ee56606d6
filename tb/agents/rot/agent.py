# SPDX-License-Identifier: Apache-2.0
"""Agent of the RoT port."""

from __future__ import annotations

from pyuvm import uvm_agent

from tb.agents.rot.driver import RotDriver
from tb.agents.rot.monitor import RotMonitor


class RotAgent(uvm_agent):
    """Monitor and, when active, the root of trust itself."""

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = RotMonitor("monitor", self)
        if self.get_is_active():
            self.driver = RotDriver("driver", self)
