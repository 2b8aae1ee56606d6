# SPDX-License-Identifier: Apache-2.0
"""What breaks around the device: the link by surprise, logic that the TDI depends on."""

from __future__ import annotations

import pyuvm
from cocotb.triggers import ClockCycles

from models.pcie.codes import AerUncorrectable, CplStatus
from models.tdisp.codes import TdiState
from tb.scenario import DEFAULT_STREAM, STREAM_BLOCKS
from tests.system.cocotb_functions import TwoVms

QUIET = 600  # cycles: longer than it takes
SECRET = bytes(range(96, 160))


class Broken(TwoVms):
    """A TVM has data in VF1 and a legacy VM works in VF2 when something breaks."""

    async def use(self) -> None:
        for index, route, _ in self.vms():
            await self.kit.host.mem_write(self.memory(index), SECRET, route)
        await self.breaks()

    async def breaks(self) -> None:
        """What happens."""
        raise AssertionError("a test overrides breaks()")

    def state(self) -> TdiState:
        """State of the TVM's TDI."""
        return self.adapter.tdi_states()[self.tvm]

    async def assert_gone(self, index: int) -> None:
        """A function has nothing of what it held, once its TDI is unlocked."""
        await self.kit.stop(self.session, index)
        assert self.adapter.tdi_states()[index] is TdiState.CONFIG_UNLOCKED
        result = await self.kit.host.mem_read(self.memory(index), len(SECRET))
        assert (result.status, result.data) == (CplStatus.SC, bytes(len(SECRET)))


@pyuvm.test()
class SurpriseLinkDown(Broken):
    """Streams are Insecure at once, TDIs are in ERROR, new keys and a new LOCK are needed."""

    async def breaks(self) -> None:
        kit, block = self.kit, STREAM_BLOCKS[DEFAULT_STREAM]
        if self.tvm:
            await kit.lock(self.session, 0)
        await kit.take_link_down()
        await ClockCycles(self.adapter.clk, QUIET)
        assert not self.adapter.streams_secure()[block]
        assert self.state() is TdiState.ERROR
        assert self.adapter.tdi_states()[0] is TdiState.ERROR, "locked and not in RUN"
        self.adapter.set_link(True)
        await ClockCycles(self.adapter.clk, QUIET)
        assert not self.adapter.streams_secure()[block]
        assert self.state() is TdiState.ERROR
        await self.assert_gone(self.tvm)
        await kit.vmm.place_stream(block, DEFAULT_STREAM, default=True)
        await kit.key_stream(self.session)
        await kit.start(self.session, await kit.lock(self.session, self.tvm))
        await kit.host.mem_write(self.memory(self.tvm), SECRET, kit.tee)
        result = await kit.host.mem_read(self.memory(self.tvm), len(SECRET), kit.tee)
        assert result.data == SECRET


@pyuvm.test()
class InternalErrorEndsItsTdiOnly(Broken):
    """ERROR in RUN and in CONFIG_LOCKED, nothing elsewhere; AER shows it, masked as it starts."""

    async def breaks(self) -> None:
        kit = self.kit
        await kit.vmm.take_errors()
        for index in (self.legacy, 0):  # not locked: nothing happens
            await kit.internal_error(index)
            await ClockCycles(self.adapter.clk, QUIET)
            assert self.state() is TdiState.RUN
        assert await kit.vmm.take_errors() == 1 << AerUncorrectable.INTERNAL_ERROR
        await kit.internal_error(self.tvm)
        await ClockCycles(self.adapter.clk, QUIET)
        assert self.state() is TdiState.ERROR
        refused = await kit.host.mem_read(self.memory(self.tvm), 4, kit.tee)
        assert refused.status is CplStatus.UR
        result = await kit.host.mem_read(self.memory(self.legacy), len(SECRET))
        assert result.data == SECRET, "the legacy VM has noticed"
        await self.assert_gone(self.tvm)
        await kit.lock(self.session, self.tvm)
        await kit.internal_error(self.tvm)
        await ClockCycles(self.adapter.clk, QUIET)
        assert self.state() is TdiState.ERROR
