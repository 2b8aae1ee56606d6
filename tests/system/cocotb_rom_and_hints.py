# SPDX-License-Identifier: Apache-2.0
"""The Expansion ROM of the physical function, and TPH Requester capabilities, around a lock."""

from __future__ import annotations

import pyuvm

from models.app.config_map import ConfigRegister as Reg
from models.app.map import ROM_BYTES, Bar0
from models.app.rom import EXPANSION_ROM
from models.pcie.codes import CplStatus
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, LockFlags, Request, TdiState
from models.tdisp.report import DeviceInterfaceReport
from tb.base_test import BaseTest
from tb.host.route import PLAIN, Route
from tb.scenario import DEFAULT_STREAM, Scenario

PF, VF1, VF2 = 0, 1, 2
ROM_AT = 0xE000_0000
ENABLE = 1
CHUNK = 512
UNTRUSTED = Route(DEFAULT_STREAM)
TPH_ENABLE = 0x100
WHOLE_REPORT = bytes([0, 0, 0xFF, 0xFF])  # OFFSET, LENGTH
REPORT_HEAD = 4  # bytes in front of it
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
