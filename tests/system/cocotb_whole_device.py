# SPDX-License-Identifier: Apache-2.0
"""A physical function with all its VFs as one TDI: a life, and what ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB

from models.app.map import Bar0, Bar2, Control
from models.device.config import DeviceProfile
from models.pcie.codes import CplStatus
from models.tdisp.codes import ErrorCode, Request, TdiState
from models.tdisp.report import PAGE_SHIFT, DeviceInterfaceReport
from tb.host.route import PLAIN
from tb.host.vmm_host import COMMAND_MASTER
from tb.scenario import TVM, Scenario
from tests.system.cocotb_kinds import PF, QUIET, SECRET, VF1, VF2, Kinds

VF3 = 3
PORTION = 100  # bytes of the report in one response
REPORT_HEAD = 4  # bytes in front of a portion
PAGES = (Bar0.REGISTERS, Bar0.PUBLIC, Bar0.MEMORY)
MSIX_PAGES = (Bar2.MSIX_TABLE, Bar2.MSIX_PBA)
NO_MEMORY = 0x7000_0000


class WholeDevice(Kinds):
    """The TVM has all functions in RUN."""

    def build_phase(self) -> None:
        super().build_phase()
        profile = DeviceProfile(num_tdi=self.adapter.num_tdi, whole_device=True)
        ConfigDB().set(None, "*", "PROFILE", profile)

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up(self.vfs)
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await self.run()
        await self.use()

    async def run(self) -> None:
        """CONFIG_UNLOCKED to RUN; the TVM takes all functions."""
        await self.kit.start(self.session, await self.kit.lock(self.session, PF))
        for index in self.functions:
            self.kit.host.inbound.check.accept(TVM, self.kit.function(index).rid)

    @property
    def functions(self) -> range:
        """Numbers of all functions."""
        return range(self.vfs + 1)

    def assert_states(self, expected: TdiState, what: str) -> None:
        """All functions are in the state of the TDI."""
        states = self.adapter.tdi_states()
        assert set(states) == {expected}, f"{what}: {[state.name for state in states]}"

    async def assert_all_gone(self, what: str) -> None:
        """Nothing is left in any function after STOP."""
        await self.kit.stop(self.session, PF)
        self.assert_states(TdiState.CONFIG_UNLOCKED, what)
        for index in self.functions:
            result = await self.kit.host.mem_read(self.memory(index), len(SECRET))
            assert (result.status, result.data) == (CplStatus.SC, bytes(len(SECRET))), what


@pyuvm.test()
class AllFunctionsLiveAsOneTdi(WholeDevice):
    """Registers, memory and transfers of each with T = 1; a VF has no name; STOP clears all."""

    async def use(self) -> None:
        kit = self.kit
        for index in self.functions:
            await self.tvm_works(index)
        for vf in (VF1, VF3):
            for request, payload in (
                (Request.GET_DEVICE_INTERFACE_STATE, b""),
                (Request.STOP_INTERFACE_REQUEST, b""),
                (Request.GET_DEVICE_INTERFACE_REPORT, bytes([0, 0, 64, 0])),
            ):
                answer = await kit.tdisp(self.session, request, vf, payload)
                assert answer is not None
                assert answer.error is ErrorCode.INVALID_INTERFACE, f"VF{vf}: {answer}"
        self.assert_states(TdiState.RUN, "requests that name a VF")
        await self._report()
        await self.assert_all_gone("STOP")

    async def _report(self) -> None:
        """BAR0 of all functions, then BAR2 of all functions."""
        raw = b""
        while True:
            payload = len(raw).to_bytes(2, "little") + PORTION.to_bytes(2, "little")
            answer = await self.kit.tdisp(
                self.session, Request.GET_DEVICE_INTERFACE_REPORT, PF, payload
            )
            assert answer is not None
            assert answer.error is None, answer
            raw += answer.payload[REPORT_HEAD:]
            if not int.from_bytes(answer.payload[2:4], "little"):
                break
        report = DeviceInterfaceReport.decode(raw)
        places = [self.kit.function(index) for index in self.functions]
        expected = [(0, place.bar0 + page) for place in places for page in PAGES]
        expected += [(2, place.bar2 + page) for place in places for page in MSIX_PAGES]
        got = [(item.range_id, item.first_page << PAGE_SHIFT) for item in report.ranges]
        assert got == expected


@pyuvm.test()
class AnEventOfAnyFunctionEndsAWholeDevice(WholeDevice):
    """ERROR of all, no access to any, and all are cleared."""

    async def use(self) -> None:
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "FLR of a VF": lambda: self.flr(VF2),
            "internal error of a VF": lambda: self.kit.internal_error(VF3),
            "read of a VF that fails": self._fail,
            "Bus Master Enable of a VF": self._clear_master,
        }
        for what, act in acts.items():
            for index in self.functions:
                await self.kit.host.mem_write(self.memory(index), SECRET, self.kit.tee)
            await act()
            await ClockCycles(self.adapter.clk, QUIET)
            self.assert_states(TdiState.ERROR, what)
            for index in self.functions:
                for route in (self.kit.tee, PLAIN):
                    result = await self.kit.host.mem_read(self.memory(index), 16, route)
                    assert (result.status, result.data) == (CplStatus.UR, b""), what
            for vf in self.functions[1:]:
                await self.kit.vmm.write_command(vf)
            await self.assert_all_gone(what)
            await self.run()

    async def _fail(self) -> None:
        await self.start(
            VF1,
            self.kit.tee,
            Control(0),
            HOST_ADDRESS_LOW=NO_MEMORY,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=64,
        )

    async def _clear_master(self) -> None:
        await self.kit.vmm.write_command(VF1, cleared=COMMAND_MASTER)
