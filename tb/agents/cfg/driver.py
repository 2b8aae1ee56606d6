# SPDX-License-Identifier: Apache-2.0
"""Carries out configuration accesses through the root complex."""

from __future__ import annotations

from typing import Any

from cocotbext.pcie.core.tlp import Tlp, TlpType
from cocotbext.pcie.core.utils import PcieId
from pyuvm import ConfigDB, uvm_driver

from models.pcie.codes import CplStatus
from tb.agents.cfg.item import CfgItem


class CfgDriver(uvm_driver):
    """One access at a time; `status` and read `data` are filled into the item."""

    def build_phase(self) -> None:
        self.host: Any = ConfigDB().get(self, "", "HOST")

    async def run_phase(self) -> None:
        while True:
            item: CfgItem = await self.seq_item_port.get_next_item()
            await self._access(item)
            self.seq_item_port.item_done()

    async def _access(self, item: CfgItem) -> None:
        request = Tlp()
        request.fmt_type = TlpType.CFG_WRITE_1 if item.write else TlpType.CFG_READ_1
        request.requester_id = PcieId(0, 0, 0)
        request.completer_id = PcieId.from_int(item.rid)
        request.address = item.address
        request.length = 1
        request.first_be = item.enables
        if item.write:
            request.set_data(item.data.to_bytes(4, "little"))
            request.first_be = item.enables
        completions = await self.host.rc.perform_nonposted_operation(request)
        item.status = CplStatus(int(completions[0].status))
        if not item.write and item.status is CplStatus.SC:
            item.data = int.from_bytes(completions[0].get_data(), "little")
