# SPDX-License-Identifier: Apache-2.0
"""Pairs configuration requests with their completions as they pass on the link."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_subscriber

from models.pcie.codes import CplStatus, FmtType
from models.pcie.errors import TlpError
from models.pcie.tlp import Tlp
from tb.agents.cfg.item import SeenAccess
from tb.agents.tlp.item import SeenTlp, Side

CONFIG_REQUESTS = (FmtType.CFGRD0, FmtType.CFGRD1, FmtType.CFGWR0, FmtType.CFGWR1)
CONFIG_WRITES = (FmtType.CFGWR0, FmtType.CFGWR1)


class CfgMonitor(uvm_subscriber):
    """Writes a SeenAccess to `ap` when the completion of a configuration request has passed.

    Connect the analysis ports of both link monitors to `write`.
    """

    def build_phase(self) -> None:
        self.ap = uvm_analysis_port("ap", self)
        self.open: dict[tuple[int, int], SeenAccess] = {}

    def write(self, tt: SeenTlp) -> None:
        """A TLP has passed on the link."""
        item = tt
        try:
            tlp = Tlp.decode(item.raw)
        except TlpError:
            return
        if item.side is Side.TO_DEVICE and tlp.fmt_type in CONFIG_REQUESTS:
            self.open[tlp.requester_id, tlp.tag] = SeenAccess(
                tlp.completer_id,
                tlp.register,
                tlp.fmt_type in CONFIG_WRITES,
                int.from_bytes(tlp.payload, "little"),
                tlp.first_be,
            )
        elif item.side is Side.FROM_DEVICE and tlp.fmt_type in (FmtType.CPL, FmtType.CPLD):
            access = self.open.pop((tlp.requester_id, tlp.tag), None)
            if access is None:
                return
            access.status = CplStatus(tlp.status)
            if not access.write and access.status is CplStatus.SC:
                access.data = int.from_bytes(tlp.payload, "little")
            self.ap.write(access)
