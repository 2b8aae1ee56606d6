# SPDX-License-Identifier: Apache-2.0
"""Carries out configuration accesses through the root port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyuvm import ConfigDB, uvm_driver

from models.pcie.codes import CplStatus
from models.pcie.tlp import Tlp
from tb.agents.cfg.item import CfgItem

HOST_RID = 0x0000


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
        target = (HOST_RID, item.rid, item.address)
        tag = self.host.new_tag()
        if item.write:
            request = Tlp.cfg_write(*target, item.data, tag)
            if item.enables != request.first_be:
                request = replace(request, first_be=item.enables)
        else:
            request = Tlp.cfg_read(*target, tag)
        result = await self.host.config_request(request)
        item.status = result.status
        if not item.write and item.status is CplStatus.SC:
            item.data = int.from_bytes(result.data, "little")
