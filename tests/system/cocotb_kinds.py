# SPDX-License-Identifier: Apache-2.0
"""Kinds of TDI besides a VF: the physical function alone, with VFs of legacy VMs, with a VF TDI."""

from __future__ import annotations

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import Control, Status
from models.pcie.codes import INITIATE_FLR, CapabilityId, CplStatus, ExtendedCapabilityId
from models.tdisp.codes import ErrorCode, Request, TdiState
from tb.agents.cfg.item import CfgItem
from tb.host.route import PLAIN
from tb.scenario import LEGACY, LEGACY_MEMORY, TVM_MEMORY, Scenario
from tests.system.cocotb_functions import TwoVms

PF, VF1, VF2 = 0, 1, 2
SECRET = bytes(range(32, 96))
QUIET = 1500  # cycles: longer than clearing takes
DEVICE_CONTROL = 0x08
SRIOV_CONTROL = 0x08
HEADER_TYPE = 0x0C
MULTI_FUNCTION = 1 << 23
FIRST_EXTENDED = 0x100
FUNCTIONS = 8  # that a device without ARI may have
OF_MANY_FUNCTIONS = {
    ExtendedCapabilityId.SRIOV,
    ExtendedCapabilityId.ARI,
    ExtendedCapabilityId.ACS,
}


class Kinds(TwoVms):
    """The TVM has the physical function in RUN; `vfs` VFs are enabled."""

    vfs = 3

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up(self.vfs)
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await kit.start(self.session, await kit.lock(self.session, PF))
        await self.use()

    def states(self) -> list[TdiState]:
        """States of the physical function and of the first two VFs."""
        return list(self.adapter.tdi_states()[:3])

    async def tvm_works(self, index: int = PF) -> None:
        """Memory, reads and writes of the engine of the TVM's function."""
        kit = self.kit
        await kit.host.mem_write(self.memory(index), SECRET, kit.tee)
        out = await self.move(index, kit.tee, Control.WRITE_HOST, TVM_MEMORY.base, len(SECRET))
        assert out & Status.DONE
        await kit.host.mem_write(self.memory(index), bytes(len(SECRET)), kit.tee)
        back = await self.move(index, kit.tee, Control(0), TVM_MEMORY.base, len(SECRET))
        assert back & Status.DONE
        result = await kit.host.mem_read(self.memory(index), len(SECRET), kit.tee)
        assert (result.status, result.data) == (CplStatus.SC, SECRET)
        refused = await kit.host.mem_read(self.memory(index), 4)
        assert refused.status is CplStatus.UR

    async def assert_gone(self, index: int) -> None:
        """Stopped, it has nothing of what it held."""
        await self.kit.stop(self.session, index)
        result = await self.kit.host.mem_read(self.memory(index), len(SECRET))
        assert (result.status, result.data) == (CplStatus.SC, bytes(len(SECRET)))

    async def flr(self, index: int) -> None:
        """Function level reset."""
        rid = self.kit.function(index).rid
        at = await self.kit.host.capability(rid, CapabilityId.PCIE) + DEVICE_CONTROL
        await self.kit.host.config_write(rid, at, INITIATE_FLR, enables=0b0011)
        await ClockCycles(self.adapter.clk, QUIET)


@pyuvm.test()
class PhysicalFunctionWithoutVfs(Kinds):
    """Life of the whole device as one TDI; a function level reset takes it to ERROR."""

    vfs = 0

    async def use(self) -> None:
        await self.tvm_works()
        await self.assert_gone(PF)
        await self.kit.start(self.session, await self.kit.lock(self.session, PF))
        await self.tvm_works()
        await self.flr(PF)
        assert self.states()[PF] is TdiState.ERROR


@pyuvm.test()
class FunctionWithoutIov(Kinds):
    """A device of one function: no capability of many, no other function, and a life as a TDI."""

    vfs = 0

    async def use(self) -> None:
        kit, rid = self.kit, self.kit.host.pf_rid
        assert not await kit.host.config_read(rid, HEADER_TYPE) & MULTI_FUNCTION
        at, found = FIRST_EXTENDED, set()
        while at:
            header = await kit.host.config_read(rid, at)
            found.add(header & 0xFFFF)
            at = header >> 20
        assert ExtendedCapabilityId.IDE in found
        assert not found & OF_MANY_FUNCTIONS
        for other in range(1, FUNCTIONS):
            item = await kit.host.config(CfgItem(rid + other, 0, write=False))
            assert item.status is CplStatus.UR, f"function {other}"
            request = Request.GET_DEVICE_INTERFACE_STATE
            answer = await kit.tdisp_to(self.session, request, rid + other)
            assert answer is not None
            assert answer.error is ErrorCode.INVALID_INTERFACE, f"function {other}"
        await self.tvm_works()
        await self.assert_gone(PF)


@pyuvm.test()
class PhysicalFunctionWithVfsOfLegacyVms(Kinds):
    """Its VFs go on in the clear, resets of theirs do not matter, VF Enable does."""

    async def use(self) -> None:
        kit = self.kit
        kit.host.inbound.check.assign(LEGACY, kit.function(VF1).rid)
        await self.tvm_works()
        for index in (VF1, VF2):
            await kit.host.mem_write(self.memory(index), bytes(64))
            done = await self.move(index, PLAIN, Control.WRITE_HOST, LEGACY_MEMORY.base, 64)
            assert done & Status.DONE
        await self.flr(VF1)
        assert self.states() == [TdiState.RUN, *[TdiState.CONFIG_UNLOCKED] * 2]
        await self.tvm_works()
        at = await kit.host.extended_capability(kit.host.pf_rid, ExtendedCapabilityId.SRIOV)
        await kit.host.config_write(kit.host.pf_rid, at + SRIOV_CONTROL, 0, enables=0b0001)
        await ClockCycles(self.adapter.clk, QUIET)
        assert self.states()[PF] is TdiState.ERROR
        await self.assert_gone(PF)


@pyuvm.test()
class PhysicalFunctionAndItsVfAsTdis(Kinds):
    """Both run; a reset of the VF spares the physical function, one of it takes both."""

    async def use(self) -> None:
        kit = self.kit
        await kit.start(self.session, await kit.lock(self.session, VF1))
        await self.tvm_works(PF)
        await self.tvm_works(VF1)
        await self.flr(VF1)
        assert self.states()[:2] == [TdiState.RUN, TdiState.ERROR]
        await self.tvm_works(PF)
        await self.assert_gone(VF1)
        await kit.start(self.session, await kit.lock(self.session, VF1))
        await self.flr(PF)
        assert self.states()[:2] == [TdiState.ERROR, TdiState.ERROR]
