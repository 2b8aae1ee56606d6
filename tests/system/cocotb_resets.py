# SPDX-License-Identifier: Apache-2.0
"""FLR of the physical function and VF Enable off, while a TDI is in each of the four states."""

from __future__ import annotations

import pyuvm

from models.app.map import Bar0
from models.pcie.codes import CplStatus, ExtendedCapabilityId
from models.tdisp.codes import ErrorCode, Request, TdiState
from tb.agents.cfg.item import CfgItem
from tb.host.route import PLAIN
from tb.host.vmm_host import SRIOV_CONTROL
from tb.scenario import DEFAULT_STREAM, STREAM_BLOCKS
from tests.system.cocotb_transitions import Transitions

SIZE = 64
NEXT = dict.fromkeys(TdiState, TdiState.ERROR) | {
    TdiState.CONFIG_UNLOCKED: TdiState.CONFIG_UNLOCKED
}


class FunctionsGo(Transitions):
    """Brings a TDI to each state with a secret where it can have one, then takes the VFs away."""

    async def run_table(self) -> None:
        for state in TdiState:
            what = f"{type(self).__name__} in {state.name}"
            await self._with_secret(state)
            await self.take_away()
            await self.kit.wait_cleared()
            assert self.state() is NEXT[state], f"{what}: {self.state().name}"
            await self._absent(what)
            await self.bring_back()
            assert self.state() is NEXT[state], f"{what}, functions are back: {self.state().name}"
            await self._nothing_left(what, NEXT[state])

    async def take_away(self) -> None:
        """What the test does to the VFs."""
        raise AssertionError("a test overrides take_away()")

    async def bring_back(self) -> None:
        """Undo it, as far as the VMM can."""
        raise AssertionError("a test overrides bring_back()")

    def secure(self) -> bool:
        """Whether the default stream is Secure."""
        return self.adapter.streams_secure()[STREAM_BLOCKS[DEFAULT_STREAM]]

    async def _with_secret(self, state: TdiState) -> None:
        kit, secret = self.kit, self.rng.randbytes(SIZE)
        memory = kit.function(self.victim).bar0 + Bar0.MEMORY
        if state in (TdiState.RUN, TdiState.ERROR):
            await self.bring_to(TdiState.RUN)
            await kit.host.mem_write(memory, secret, kit.tee)
            result = await kit.host.mem_read(memory, SIZE, kit.tee)
            assert result.data == secret
            if state is TdiState.ERROR:
                await self.change()
        else:
            await self.bring_to(state)
        if state is TdiState.CONFIG_UNLOCKED:
            await kit.host.mem_write(memory, secret)
            assert (await kit.host.mem_read(memory, SIZE)).data == secret
        assert self.state() is state

    async def _absent(self, what: str) -> None:
        """VFs answer neither configuration nor memory requests nor TDISP, the PF no memory ones."""
        kit = self.kit
        for index in (self.victim, *kit.legacy_functions[:1]):
            function = kit.function(index)
            item = await kit.host.config(CfgItem(function.rid, 0, write=False))
            gone = CplStatus.UR if index else CplStatus.SC
            assert item.status is gone, f"{what}: configuration of function {index}"
            for route in (PLAIN, kit.tee) if self.secure() else (PLAIN,):
                result = await kit.host.mem_read(function.bar0 + Bar0.MEMORY, 16, route)
                assert (result.status, result.data) == (CplStatus.UR, b""), f"{what}: {result}"
        answer = await self.ask(Request.GET_DEVICE_INTERFACE_STATE)
        assert answer is not None, what
        expected = ErrorCode.INVALID_INTERFACE if self.victim else None
        assert answer.error is expected, f"{what}: {answer}"

    async def _nothing_left(self, what: str, state: TdiState) -> None:
        """Refused in ERROR until STOP, else zero; the function can be attached once more."""
        kit = self.kit
        memory = kit.function(self.victim).bar0 + Bar0.MEMORY
        await self.assert_state(state, what)
        if state is TdiState.ERROR:
            result = await kit.host.mem_read(memory, SIZE)
            assert (result.status, result.data) == (CplStatus.UR, b""), f"{what}: {result}"
            await kit.stop(self.session, self.victim)
        result = await kit.host.mem_read(memory, SIZE)
        assert (result.status, result.data) == (CplStatus.SC, bytes(SIZE)), f"{what}: {result}"


@pyuvm.test()
class FlrOfThePhysicalFunctionTakesAllAway(FunctionsGo):
    """All TDIs and streams end; the session lives on, and with new keys all begins anew."""

    async def take_away(self) -> None:
        await self.kit.vmm.reset_function(0)

    async def bring_back(self) -> None:
        kit = self.kit
        assert self.adapter.streams_secure() == (False,) * self.adapter.num_streams
        kit.host.streams.clear()
        assert self.session.alive
        await kit.bring_up_again()
        await kit.key_stream(self.session)


@pyuvm.test()
class VfEnableOffTakesAllAway(FunctionsGo):
    """Locked TDIs end in ERROR; streams stay."""

    async def take_away(self) -> None:
        host = self.kit.host
        at = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.SRIOV)
        await host.config_write(host.pf_rid, at + SRIOV_CONTROL, 0)

    async def bring_back(self) -> None:
        assert self.secure()
        await self.kit.vmm.enable_vfs(self.kit.vfs)
