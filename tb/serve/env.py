# SPDX-License-Identifier: Apache-2.0
"""The environment of the server: agents and host, nothing that remembers what has passed."""

from __future__ import annotations

from typing import Any

from pyuvm import ConfigDB, uvm_env

from models.pcie.capture import TlpCapture, TlpRecord
from tb.agents.cfg.agent import CfgAgent
from tb.agents.doe.agent import DoeAgent
from tb.agents.entropy.agent import EntropyAgent
from tb.agents.rot.agent import RotAgent
from tb.agents.tlp.agent import LinkInAgent, LinkOutAgent
from tb.host.root_port import HostRootPort


class NoCapture(TlpCapture):
    """Keeps nothing."""

    def add(self, record: TlpRecord) -> None:
        """Forget `record`."""


class ServeEnv(uvm_env):
    """Everything that carries DOE objects to one device."""

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

    def connect_phase(self) -> None:
        self.host.capture = NoCapture()
        self.host.connect(self.link_in.sequencer, self.cfg.sequencer)
        self.link_out.monitor.ap.connect(self.host.analysis_export)
