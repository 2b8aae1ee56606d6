# SPDX-License-Identifier: Apache-2.0
"""The Expansion ROM of the physical function, and TPH Requester capabilities, around a lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.config_map import ConfigRegister as Reg
from models.app.map import HINT_SHIFT, ROM_BYTES, Bar0, Control, Status
from models.app.rom import EXPANSION_ROM
from models.pcie.codes import CplStatus
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, LockFlags, Request, TdiState
from models.tdisp.report import DeviceInterfaceReport
from tb.base_test import BaseTest
from tb.host.route import PLAIN, Route
from tb.scenario import DEFAULT_STREAM, Scenario
from tests.system.cocotb_functions import TwoVms

PF, VF1, VF2 = 0, 1, 2
ROM_AT = 0xE000_0000
ENABLE = 1
CHUNK = 512
UNTRUSTED = Route(DEFAULT_STREAM)
TPH_ENABLE = 0x100
OTHER_MODES = (1, 2, 4)  # than No ST Mode
WHOLE_REPORT = bytes([0, 0, 0xFF, 0xFF])  # OFFSET, LENGTH
REPORT_HEAD = 4  # bytes in front of it
SIZE, QUIET = 256, 600  # bytes of a transfer, cycles after it
WRONG = ErrorCode.INVALID_DEVICE_CONFIGURATION


class Around(BaseTest):
    """A session and a keyed stream; nothing is locked."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        self.session: SecureSession = await kit.open_session()
        await kit.key_stream(self.session)
        await self.use()

    async def use(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides use()")

    async def lock_error(self, index: int) -> ErrorCode | None:
        """The error of a LOCK; a TDI that is locked by it is stopped again."""
        answer = await self.kit.lock_request(self.session, index)
        assert answer is not None
        if answer.error is None:
            await self.kit.stop(self.session, index)
        return answer.error


@pyuvm.test()
class TheRomIsReadInTheClearWhateverIsLocked(Around):
    """With T = 0 only, never written; where it lies on a BAR, nothing can be locked."""

    async def use(self) -> None:
        kit = self.kit
        await self._refused(PLAIN, "not enabled")
        await self._place(ROM_AT)
        found = b""
        for at in range(0, ROM_BYTES, CHUNK):
            found += (await kit.host.mem_read(ROM_AT + at, CHUNK)).data
        assert found == EXPANSION_ROM
        await self._overlap()
        await kit.start(self.session, await kit.lock(self.session, VF1))
        tdi = await kit.lock(self.session, PF)
        for state in (TdiState.CONFIG_LOCKED, TdiState.RUN):
            if state is TdiState.RUN:
                await kit.start(self.session, tdi)
            await kit.host.mem_write(ROM_AT, bytes(16))
            for route in (PLAIN, UNTRUSTED):
                result = await kit.host.mem_read(ROM_AT, 64, route)
                assert result.data == EXPANSION_ROM[:64], f"{state.name}, {route}"
            await self._refused(kit.tee, state.name)
        await self._place(ROM_AT, 0)
        assert self.adapter.tdi_states()[:2] == (TdiState.ERROR, TdiState.RUN)
        await self._refused(PLAIN, "not enabled any more")

    async def _place(self, base: int, enable: int = ENABLE) -> None:
        await self.kit.host.config_write(self.kit.host.pf_rid, Reg.ROM, base | enable)

    async def _refused(self, route: Route, what: str) -> None:
        result = await self.kit.host.mem_read(ROM_AT, 64, route)
        assert (result.status, result.data) == (CplStatus.UR, b""), f"{what}: {result}"

    async def _overlap(self) -> None:
        """BAR0 below and on the ROM."""
        host, bar0 = self.kit.host, self.kit.function(PF).bar0
        for base, error in ((ROM_AT - Bar0.SIZE, None), (ROM_AT & ~(Bar0.SIZE - 1), WRONG)):
            await host.config_write(host.pf_rid, Reg.BAR0, base)
            await host.config_write(host.pf_rid, Reg.BAR1, 0)
            for index in (PF, VF1):
                assert await self.lock_error(index) is error, f"BAR0 at {base:#x}"
        await host.config_write(host.pf_rid, Reg.BAR0, bar0 & 0xFFFFFFFF)
        await host.config_write(host.pf_rid, Reg.BAR1, bar0 >> 32)


@pyuvm.test()
class HintsAreLockedWithTheInterrupts(Around):
    """A mode that is not supported is refused; the report shows TPH with MSI-X; a change ends."""

    async def use(self) -> None:
        kit = self.kit
        await self._control(VF2, TPH_ENABLE | 1)  # of a legacy VM
        for function, mode in ((VF1, 1), (VF1, 2), (PF, 2)):
            await self._control(function, TPH_ENABLE | mode)
            assert await self.lock_error(VF1) is WRONG, f"mode {mode} of function {function}"
            await self._control(function, mode)
            assert await self.lock_error(VF1) is None, "not enabled"
        await self._control(PF, 0)
        await self._control(VF1, TPH_ENABLE)
        for flags, shown in ((LockFlags.LOCK_MSIX, TPH_ENABLE), (LockFlags(0), 0)):
            tdi = await kit.lock(self.session, VF1, flags)
            assert await self._reported() == shown
            await kit.start(self.session, tdi)
            await self._control(VF1, 0)
            ended = TdiState.ERROR if shown else TdiState.RUN
            assert self.adapter.tdi_states()[VF1] is ended
            await kit.stop(self.session, VF1)
            await self._control(VF1, TPH_ENABLE)

    async def _control(self, index: int, value: int) -> None:
        rid = self.kit.function(index).rid
        await self.kit.host.config_write(rid, Reg.TPH_CONTROL, value)

    async def _reported(self) -> int:
        request = Request.GET_DEVICE_INTERFACE_REPORT
        answer = await self.kit.tdisp(self.session, request, VF1, WHOLE_REPORT)
        assert answer is not None
        return DeviceInterfaceReport.decode(answer.payload[REPORT_HEAD:]).tph_control


@pyuvm.test()
class RequestsHaveHintsWhereTphIsEnabled(TwoVms):
    """Those that software asks for, from both VMs; without Steering Tag."""

    async def configure(self) -> None:
        for index, _, _ in self.vms():
            await self._control(index, TPH_ENABLE)

    async def use(self) -> None:
        await self.side_by_side(self._asking(None, {self.tvm: None, self.legacy: None}))
        for hint in range(4):
            await self.side_by_side(self._asking(hint, {self.tvm: hint, self.legacy: hint}))
        for value in (0, *(TPH_ENABLE | mode for mode in OTHER_MODES)):
            await self._control(self.legacy, value)
            await self.side_by_side(self._asking(3, {self.tvm: 3, self.legacy: None}))
        assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN
        assert not self.kit.host.inbound.refused

    async def _control(self, index: int, value: int) -> None:
        rid = self.kit.function(index).rid
        await self.kit.host.config_write(rid, Reg.TPH_CONTROL, value)

    def _asking(
        self, hint: int | None, expected: dict[int, int | None]
    ) -> Callable[[int, Route, int], Awaitable[None]]:
        async def vm(index: int, route: Route, base: int) -> None:
            asked = Control(0) if hint is None else Control.HINT | Control(hint << HINT_SHIFT)
            rid, served = self.kit.function(index).rid, self.kit.host.inbound.served
            for control in (Control(0), Control.WRITE_HOST):
                status = await self.move(index, route, control | asked, base, SIZE)
                assert status == Status.DONE
            await ClockCycles(self.adapter.clk, QUIET)
            new = [r for r in served if r.tlp.requester_id == rid][-3:]  # a read and two writes
            assert len({r.tlp.fmt_type for r in new}) == 2
            assert {r.route for r in new} == {route}
            found = {(r.tlp.th, r.tlp.ph) for r in new}
            wanted = expected[index]
            assert found == {(wanted is not None, wanted or 0)}, f"VF{index}: {found}"
            assert wanted is None or not any(r.tlp.steering_tag for r in new)

        return vm
