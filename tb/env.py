# SPDX-License-Identifier: Apache-2.0
"""The environment: agents, the host, the scoreboard, captures and the place of coverage."""

from __future__ import annotations

from typing import Any

from pyuvm import ConfigDB, uvm_env

from tb.agents.cfg.agent import CfgAgent
from tb.agents.doe.agent import DoeAgent
from tb.agents.entropy.agent import EntropyAgent
from tb.agents.rot.agent import RotAgent
from tb.agents.tlp.agent import LinkInAgent, LinkOutAgent
from tb.clocking import clock_cycles
from tb.host.root_port import HostRootPort
from tb.report.captures import Captures
from tb.report.hits import Coverage
from tb.scoreboard.scoreboard import Scoreboard

SETTLE_CYCLES = 2000


class TdispEnv(uvm_env):
    """Everything around one device."""

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.host = HostRootPort("host", self)
        ConfigDB().set(None, "*", "HOST", self.host)
        self.link_in = LinkInAgent("link_in", self)
        self.link_out = LinkOutAgent("link_out", self)
        self.rot = RotAgent("rot", self)
        self.entropy = EntropyAgent("entropy", self)
        self.cfg = CfgAgent("cfg", self)
        self.doe = DoeAgent("doe", self)
        self.scoreboard = Scoreboard("scoreboard", self)
        self.coverage = Coverage("coverage", self)
        self.captures = Captures("captures", self)

    def connect_phase(self) -> None:
        self.host.connect(self.link_in.sequencer, self.cfg.sequencer)
        for monitor in (self.link_in.monitor, self.link_out.monitor):
            monitor.ap.connect(self.cfg.monitor.analysis_export)
            monitor.ap.connect(self.scoreboard.link_export)
        self.link_out.monitor.ap.connect(self.host.analysis_export)
        self.cfg.monitor.ap.connect(self.doe.monitor.analysis_export)
        self.cfg.monitor.ap.connect(self.scoreboard.cfg_export)
        self.doe.monitor.ap.connect(self.scoreboard.doe_export)
        self.doe.monitor.refused_ap.connect(self.scoreboard.refused_export)
        self.doe.monitor.ap.connect(self.captures.analysis_export)
        self.rot.monitor.ap.connect(self.scoreboard.rot_export)
        self.scoreboard.ap.connect(self.coverage.analysis_export)
        self.coverage.scoreboard = self.scoreboard

    async def settle(self) -> None:
        """Let everything that is under way come to an end."""
        await clock_cycles(self.adapter.clk, SETTLE_CYCLES)
