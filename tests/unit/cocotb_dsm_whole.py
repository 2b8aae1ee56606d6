# SPDX-License-Identifier: Apache-2.0
"""dsm whose functions are one TDI: one name, one state, one report, one end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cocotb

from models.device.config import REPORT_PORTION
from models.tdisp.codes import ErrorCause, ErrorCode, LockFlags, RangeAttributes, Response, TdiState
from models.tdisp.dsm import ReferenceDsm
from models.tdisp.messages import (
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    Message,
    SetMmioAttributeRequest,
    StartInterfaceRequest,
    StopInterfaceRequest,
)
from models.tdisp.profile import FunctionConfig
from models.tdisp.report import MmioRange
from tests.unit.dsm_bench import (
    ALL,
    LIMIT,
    NUM_TDI,
    PROFILE,
    DsmBench,
    NoNonce,
    PlatformView,
    World,
    cycles,
    ones,
)

WHOLE = os.environ.get("DSM_WHOLE") == "1"
PF, LAST = 0, NUM_TDI - 1
VFS = range(1, NUM_TDI)
WAIT = 60  # cycles: longer than draining and clearing take


class WholeWorld(World):
    """All functions that are present belong to the TDI of the first."""

    def looked_at(self, tdi: int) -> Sequence[int]:
        """All functions count."""
        return range(NUM_TDI)

    def function(self, tdi: int) -> FunctionConfig:
        """As the reference asks for it."""
        others = [vf for vf in VFS if self.present >> vf & 1]
        config = World.function(self, tdi)
        config.subordinates = [World.function(self, vf).bars for vf in others]
        config.ats_enable = bool(self.ats & self.present)
        return config


class WholeBench(DsmBench):
    """The reference has one TDI; the functions of the device all follow it."""

    def __init__(self, dut: Any, seed: int = 1) -> None:
        super().__init__(dut, seed)
        self.world = WholeWorld()
        profile = replace(PROFILE, num_tdi=1, report_portion_max=REPORT_PORTION)
        self.model = ReferenceDsm(profile, PlatformView(self.world), NoNonce())

    def compare(self) -> None:
        """Every function shows the state of the TDI."""
        assert self.states() == [int(self.model.states[0])] * NUM_TDI

    async def hit(self, mask: int, cause: ErrorCause) -> None:
        """Functions have an error."""
        self.model.config_change(PF, cause)
        await self.pulse(tdi_error_req=mask, tdi_error_cause=cause)
        self.compare()

    async def refused(self, request: Message) -> ErrorCode | None:
        """The error with which a request is answered."""
        answer = await self.ask(request)
        if answer[1] != Response.TDISP_ERROR:
            return None
        return ErrorCode(int.from_bytes(answer[16:20], "little"))


async def make(dut: Any) -> WholeBench:
    """A running bench."""
    bench = WholeBench(dut)
    await bench.start()
    return bench


@cocotb.test(skip=not WHOLE, **LIMIT)
async def only_the_physical_function_names_the_tdi(dut: Any) -> None:
    bench = await make(dut)
    for state in (TdiState.CONFIG_UNLOCKED, TdiState.RUN):
        await bench.bring_to(PF, state)
        for vf in (1, LAST):
            name = bench.name(vf)
            for request in (
                GetDeviceInterfaceState(interface=name),
                bench.lock_request(vf),
                GetDeviceInterfaceReport(interface=name, offset=0, length=64),
                StartInterfaceRequest(interface=name, nonce=bytes(32)),
                StopInterfaceRequest(interface=name),
            ):
                assert await bench.refused(request) is ErrorCode.INVALID_INTERFACE, vf
    assert await bench.get_state(PF) == TdiState.RUN


@cocotb.test(skip=not WHOLE, **LIMIT)
async def the_report_lists_the_ranges_of_all_functions_page_by_page(dut: Any) -> None:
    bench = await make(dut)
    for vfs, flags in ((LAST, LockFlags.LOCK_MSIX), (LAST, 0), (1, LockFlags.LOCK_MSIX), (0, 0)):
        bench.world.present = (1 << vfs + 1) - 1
        bench.world.ats = 1 << vfs
        bench.world.drive(dut)
        await bench.lock(PF, flags, offset=-0x1234_5000)
        lock = bench.model.tdis[PF].lock
        assert lock is not None
        whole, got = lock.report.encode(), b""
        assert len(lock.report.ranges) == (5 if flags else 3) * (vfs + 1)
        for length in (1, 37, 0xFFFF, 512, 0xFFFF, 0xFFFF):
            if len(got) == len(whole):
                break
            request = GetDeviceInterfaceReport(
                interface=bench.name(PF), offset=len(got), length=length
            )
            answer = await bench.ask(request)
            got += answer[20:]
        assert got == whole
        await bench.stop(PF)


@cocotb.test(skip=not WHOLE, **LIMIT)
async def tph_of_any_function_in_a_wrong_mode_forbids_a_lock(dut: Any) -> None:
    bench = await make(dut)
    for function in (PF, 1, LAST):
        bench.world.tph = [0x100] * NUM_TDI
        bench.world.tph[function] = 0x102
        bench.world.drive(dut)
        wrong = ErrorCode.INVALID_DEVICE_CONFIGURATION
        assert await bench.refused(bench.lock_request(PF)) is wrong
    bench.world.tph[LAST] = 0x100
    bench.world.drive(dut)
    await bench.lock(PF)


@cocotb.test(skip=not WHOLE, **LIMIT)
async def an_error_of_any_function_ends_all_and_clears_all(dut: Any) -> None:
    bench = await make(dut)
    for function in (PF, 1, LAST):
        for state in (TdiState.CONFIG_LOCKED, TdiState.RUN):
            await bench.bring_to(PF, state)
            before = list(bench.scrubs)
            await bench.hit(1 << function, ErrorCause.COMPLETION)
            assert bench.states() == [TdiState.ERROR] * NUM_TDI
            assert bench.scrubs == [count + 1 for count in before], function
            assert int(dut.tdi_quiesce.value) == ALL
            await bench.stop(PF)
    await bench.hit(ALL, ErrorCause.COMPLETION)
    assert bench.states() == [TdiState.CONFIG_UNLOCKED] * NUM_TDI


@cocotb.test(skip=not WHOLE, **LIMIT)
async def reset_of_one_function_clears_it_alone_while_the_tdi_is_unlocked(dut: Any) -> None:
    bench = await make(dut)
    await bench.pulse(flr_req=1 << LAST, tdi_error_req=1 << LAST)
    assert bench.scrubs == [int(n == LAST) for n in range(NUM_TDI)]
    bench.compare()


@cocotb.test(skip=not WHOLE, **LIMIT)
async def lock_and_stop_wait_for_every_function(dut: Any) -> None:
    bench = await make(dut)
    stop = StopInterfaceRequest(interface=bench.name(PF))
    for function in (PF, 1, LAST):
        bench.hold_drain = 1 << function
        locking = cocotb.start_soon(bench.ask(bench.lock_request(PF)))
        await cycles(dut, 8 * WAIT)
        assert not locking.done(), f"LOCK before function {function} was drained"
        assert int(dut.tdi_quiesce.value) == ALL
        bench.hold_drain = 0
        await locking
        for held in ("hold_drain", "hold_scrub"):
            setattr(bench, held, 1 << function)
            stopping = cocotb.start_soon(bench.ask(stop))
            await cycles(dut, 8 * WAIT)
            assert not stopping.done(), f"STOP with {held} of function {function}"
            assert int(dut.tdi_stopping.value) == ALL
            setattr(bench, held, 0)
            await stopping
            await bench.settle()
            if held == "hold_drain":
                await bench.lock(PF)


@cocotb.test(skip=not WHOLE, **LIMIT)
async def streams_and_attributes_are_shown_where_they_belong(dut: Any) -> None:
    bench = await make(dut)
    await bench.run(PF)
    lock = bench.model.tdis[PF].lock
    assert lock is not None
    assert int(dut.tdi_msix_locked.value) == ALL
    assert len(set(ones(int(dut.tdi_stream.value)))) in (0, NUM_TDI)
    memory = [item for item in lock.report.ranges if item.range_id == 0][2::3]
    assert [bool(item.is_updatable) for item in memory] == [n == PF for n in range(NUM_TDI)]
    for n, item in reversed(list(enumerate(memory))):
        wanted = MmioRange(item.first_page, 1, RangeAttributes.IS_NON_TEE_MEM, 0)
        request = SetMmioAttributeRequest(interface=bench.name(PF), mmio_range=wanted)
        refusal = await bench.refused(request)
        assert refusal is (None if n == PF else ErrorCode.INVALID_REQUEST), n
    assert int(dut.tdi_memory_open.value) == 1 << PF
