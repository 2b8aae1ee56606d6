# SPDX-License-Identifier: Apache-2.0
"""A root port that does nothing but configuration accesses, one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cocotb.triggers import SimTimeoutError, with_timeout
from pyuvm import ConfigDB, uvm_component

from models.pcie.codes import CplStatus
from models.pcie.errors import TlpError
from models.pcie.tlp import Tlp
from tb.agents.cfg.item import CfgItem
from tb.host.config_walk import ConfigWalk
from tb.host.root_port import HOST_RID
from tb.serve.axis import LeanSink, LeanSource

TAGS = 32
TIMEOUT_US = 400


class ServeHost(uvm_component, ConfigWalk):
    """Has what `VmmHost` and the DOE driver need of `HostRootPort`.

    Other TLPs of the device than completions, such as IDE Sync, are dropped: no stream of this
    host carries traffic.
    """

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.pf_rid = 0
        self.doe_base: int | None = None
        self.device_control: int | None = None  # of the physical function
        self._tag = 0

    def start_of_simulation_phase(self) -> None:
        adapter = self.adapter
        self.source = LeanSource(adapter.link_in, adapter.clk)
        self.sink = LeanSink(adapter.link_out, adapter.clk, adapter.rst)

    async def config(self, item: CfgItem) -> CfgItem:
        """Carry out one configuration access; RuntimeError when no completion comes."""
        self._tag = (self._tag + 1) % TAGS
        target = (HOST_RID, item.rid, item.address)
        if item.write:
            request = Tlp.cfg_write(*target, item.data, self._tag)
            request = replace(request, first_be=item.enables)
        else:
            request = Tlp.cfg_read(*target, self._tag)
        await self.source.send(request.encode())
        try:
            completion = await with_timeout(self._completion(), TIMEOUT_US, "us")
        except SimTimeoutError:
            raise RuntimeError(f"no completion: {item}") from None
        item.status = CplStatus(completion.status)
        if not item.write and item.status is CplStatus.SC:
            item.data = int.from_bytes(completion.payload, "little")
        return item

    async def _completion(self) -> Tlp:
        while True:
            packet = await self.sink.recv()
            try:
                tlp = Tlp.decode(packet.tdata)
            except TlpError:
                continue
            if tlp.is_completion and tlp.tag == self._tag:
                return tlp

    async def config_read(self, rid: int, address: int) -> int:
        """A DW of configuration space; all ones where the answer is not Successful."""
        item = await self.config(CfgItem(rid, address, write=False))
        return item.data if item.status is CplStatus.SC else 0xFFFFFFFF

    async def config_write(self, rid: int, address: int, data: int, enables: int = 0xF) -> None:
        """Write a DW of configuration space."""
        await self.config(CfgItem(rid, address, write=True, data=data, enables=enables))
