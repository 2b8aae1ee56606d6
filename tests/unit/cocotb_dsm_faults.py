# SPDX-License-Identifier: Apache-2.0
"""dsm: bits that flip in registers fail closed. Needs hierarchical access."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import (
    ErrorCause,
    ErrorCode,
    LockFlags,
    RangeAttributes,
    Response,
    TdiState,
)
from models.tdisp.messages import (
    BindP2pStreamRequest,
    GetDeviceInterfaceReport,
    SetMmioAttributeRequest,
    StartInterfaceRequest,
    StopInterfaceRequest,
)
from models.tdisp.report import MmioRange
from tests.unit.dsm_bench import (
    ALL,
    ALONE,
    FIRST,
    LAST,
    LIMIT,
    MEMORY_RANGE,
    MIDDLE,
    NUM_STREAMS,
    NUM_TDI,
    PEER,
    SECOND,
    SESSION,
    DsmBench,
    at,
    cycles,
    make,
)

STATE_BITS = 6
RESPONDER_BITS = 8


async def flip(dut: Any, register: Any, bit: int) -> None:
    """Turn one bit of a register over, right after an edge."""
    await RisingEdge(dut.clk)
    register.value = int(register.value) ^ 1 << bit


@cocotb.test(skip=ALONE, **LIMIT)
async def one_flipped_bit_of_a_state_is_an_error(dut: Any) -> None:
    bench = await make(dut)
    register = dut.u_table.u_fsm.state_q
    for state in TdiState:
        for bit in range(STATE_BITS):
            await bench.bring_to(SECOND, state)
            await flip(dut, register, NUM_TDI * bit + SECOND)
            await cycles(dut, 3)
            assert bench.states() == at(SECOND, TdiState.ERROR)
            assert await bench.cause(SECOND) == ErrorCause.DSM_FAULT or state is TdiState.ERROR
            await bench.raw(StopInterfaceRequest(interface=bench.name(SECOND)).encode())
            bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def a_flipped_bit_of_what_is_latched_is_an_error(dut: Any) -> None:
    bench = await make(dut)
    for name, bit in (
        ("session_q", 0),
        ("session_q", 1),
        ("stream_q", 0),
        ("flags_q", 0),
        ("flags_q", 1),
        ("flags_q", 2),
        ("parity_q", 0),
    ):
        await bench.lock(MIDDLE, LockFlags.LOCK_MSIX, 0x1000)
        await flip(dut, getattr(dut.u_table, name), NUM_TDI * bit + MIDDLE)
        await cycles(dut, 3)
        assert bench.states() == at(MIDDLE, TdiState.ERROR), (name, bit)
        assert await bench.cause(MIDDLE) == ErrorCause.DSM_FAULT
        await bench.raw(StopInterfaceRequest(interface=bench.name(MIDDLE)).encode())
        bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def a_flipped_bit_in_ram_is_an_error_when_it_is_read(dut: Any) -> None:
    bench = await make(dut)
    rows = {"offset": dut.u_table.u_records.mem, "nonce": dut.u_table.u_nonces.u_ram.mem}
    for row, bit, state in (
        ("offset", 0, TdiState.CONFIG_LOCKED),
        ("offset", 12, TdiState.RUN),
        ("offset", 63, TdiState.CONFIG_LOCKED),
        ("offset", 64, TdiState.RUN),
        ("nonce", 0, TdiState.CONFIG_LOCKED),
        ("nonce", 255, TdiState.CONFIG_LOCKED),
        ("nonce", 256, TdiState.CONFIG_LOCKED),
    ):
        nonce = await bench.bring_to(LAST, state)
        await flip(dut, rows[row][LAST], bit)
        await cycles(dut, 10)
        assert bench.states() == at(LAST, state), "nobody has read it"
        for request in (
            GetDeviceInterfaceReport(interface=bench.name(LAST)),
            StartInterfaceRequest(interface=bench.name(LAST), nonce=nonce),
        ):
            refused = await bench.raw(request.encode())
            assert refused[1] == Response.TDISP_ERROR
            assert refused[16] == ErrorCode.INVALID_INTERFACE_STATE
        assert bench.states() == at(LAST, TdiState.ERROR), (row, bit)
        assert await bench.cause(LAST) == ErrorCause.DSM_FAULT
        await bench.raw(StopInterfaceRequest(interface=bench.name(LAST)).encode())
        bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def a_flipped_bit_of_what_is_open_is_an_error(dut: Any) -> None:
    """Whether it opens or closes; nothing stays open."""
    bench = await make(dut)
    bench.world.ats = ALL
    bench.world.drive(dut)
    grants = dut.u_table.u_grants
    for register, bit in (
        *((grants.open_q, slice_) for slice_ in range(NUM_STREAMS + 1)),
        (grants.parity_q, 0),
    ):
        for opened in (False, True):
            await bench.run(MIDDLE)
            if opened:
                bind = BindP2pStreamRequest(interface=bench.name(MIDDLE), p2p_stream_id=PEER)
                assert (await bench.ask(bind))[1] == Response.BIND_P2P_STREAM_RESPONSE
            await flip(dut, register, NUM_TDI * bit + MIDDLE)
            await cycles(dut, 3)
            assert bench.states() == at(MIDDLE, TdiState.ERROR), bit
            assert await bench.cause(MIDDLE) == ErrorCause.DSM_FAULT
            assert int(dut.tdi_memory_open.value) == int(dut.tdi_p2p.value) == 0
            await bench.raw(StopInterfaceRequest(interface=bench.name(MIDDLE)).encode())
            bench.model.conventional_reset()


@cocotb.test(skip=ALONE, **LIMIT)
async def a_broken_state_shows_nothing_open(dut: Any) -> None:
    bench = await make(dut)
    bench.world.ats = ALL
    bench.world.drive(dut)
    await bench.run(MIDDLE)
    lock = bench.model.tdis[MIDDLE].lock
    assert lock is not None
    page = lock.report.ranges[MEMORY_RANGE]
    wanted = MmioRange(page.first_page, 1, RangeAttributes.IS_NON_TEE_MEM, 0)
    await bench.ask(SetMmioAttributeRequest(interface=bench.name(MIDDLE), mmio_range=wanted))
    await flip(dut, dut.u_table.u_fsm.state_q, MIDDLE)
    await RisingEdge(dut.clk)
    assert int(dut.tdi_memory_open.value) == 0, "in the very cycle"


@cocotb.test(**LIMIT)
async def a_flipped_bit_of_a_mask_is_an_error_when_it_is_looked_up(dut: Any) -> None:
    bench = await make(dut)
    dut.p2p_mask_tdi.value = FIRST if NUM_TDI > 1 else 1
    rows = dut.u_table.g_masks.u_masks.u_ram.mem
    for bit in (0, 13, 63, 64):
        request = bench.lock_request(LAST, LockFlags.BIND_P2P, mask=0xFF << 56)
        await bench.ask(request)
        await flip(dut, rows[LAST], bit)
        await cycles(dut, 10)
        assert bench.states() == at(LAST, TdiState.CONFIG_LOCKED), "nobody has looked"
        dut.p2p_mask_tdi.value = LAST
        for _ in range(4):
            await RisingEdge(dut.clk)
            assert int(dut.p2p_mask.value) == 0, "a mask that strips nothing"
        assert bench.states() == at(LAST, TdiState.ERROR), bit
        assert await bench.cause(LAST) == ErrorCause.DSM_FAULT
        dut.p2p_mask_tdi.value = FIRST if NUM_TDI > 1 else 1
        await bench.raw(StopInterfaceRequest(interface=bench.name(LAST)).encode())
        bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def a_row_that_is_cleared_too_early_starts_nothing(dut: Any) -> None:
    """The zeros of a cleared row are no nonce."""
    bench = await make(dut)
    await bench.lock(LAST)
    await flip(dut, dut.u_table.u_nonces.stale_q, LAST)
    await cycles(dut, 2 * NUM_TDI)
    assert stored(dut) == [0] * NUM_TDI
    zeros = StartInterfaceRequest(interface=bench.name(LAST), nonce=bytes(32))
    assert (await bench.raw(zeros.encode()))[1] == Response.TDISP_ERROR
    assert bench.states() == at(LAST, TdiState.ERROR)


def stored(dut: Any) -> list[int]:
    """What the rows of the nonces hold, their parity left out."""
    rows = (dut.u_table.u_nonces.u_ram.mem[n].value for n in range(NUM_TDI))
    return [int(row) & (1 << 256) - 1 for row in rows]


def traces(dut: Any) -> list[int]:
    """Every register outside the rows through which a nonce has gone."""
    registers = (
        dut.u_nonce.nonce_q,
        dut.u_responder.u_request.bytes_q,
        dut.u_table.u_nonces.u_ram.read_data,
    )
    return [int(register.value) for register in registers]


@cocotb.test(**LIMIT)
async def nonces_are_nowhere_after_their_life(dut: Any) -> None:
    bench = await make(dut)
    await cycles(dut, NUM_TDI + 2)
    assert not any(stored(dut)), "after reset"
    nonce = await bench.bring_to(FIRST, TdiState.CONFIG_LOCKED)
    assert stored(dut) == at(FIRST, int.from_bytes(nonce, "big"))
    assert not any(traces(dut))
    for end in ("start", "stop", "error", "session"):
        if bench.states()[FIRST] != TdiState.CONFIG_LOCKED:
            nonce = await bench.lock(FIRST)
        if end == "start":
            await bench.ask(StartInterfaceRequest(interface=bench.name(FIRST), nonce=nonce))
        elif end == "error":
            await bench.error(1 << FIRST, ErrorCause.FLR)
        elif end == "session":
            await bench.session_end(SESSION)
        if end in ("error", "session"):
            await cycles(dut, NUM_TDI)
        if end != "stop":
            assert not any([*stored(dut), *traces(dut)]), end
        await bench.stop(FIRST)
        assert not any([*stored(dut), *traces(dut)]), end


@cocotb.test(**LIMIT)
async def start_and_stop_clear_the_nonce_before_the_state_changes(dut: Any) -> None:
    bench = await make(dut)
    for state in (TdiState.RUN, TdiState.CONFIG_UNLOCKED):
        nonce = await bench.lock(LAST)
        start = StartInterfaceRequest(interface=bench.name(LAST), nonce=nonce)
        stop = StopInterfaceRequest(interface=bench.name(LAST))
        await bench.send((start if state is TdiState.RUN else stop).encode())
        while bench.states()[LAST] != state:
            assert stored(dut)[LAST] == int.from_bytes(nonce, "big")
            await RisingEdge(dut.clk)
        assert not any(stored(dut)), state
        await bench.answer()
        await bench.raw(StopInterfaceRequest(interface=bench.name(LAST)).encode())
        bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def errors_of_all_tdis_leave_no_nonce(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    for _ in range(2):
        for tdi in range(NUM_TDI):
            await bench.lock(tdi)
        assert all(stored(dut))
        await bench.error(ALL, ErrorCause.REQUESTER_ID)
        assert int(dut.u_table.u_nonces.valid_q.value) == 0, "at once"
        await cycles(dut, NUM_TDI)
        assert not any(stored(dut))
        for tdi in range(NUM_TDI):
            await bench.stop(tdi)


@cocotb.test(**LIMIT)
async def a_lock_while_rows_are_cleared_keeps_its_row_only(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    for cause in ("reset", "errors"):
        for tdi in range(NUM_TDI):
            await bench.lock(tdi)
        if cause == "reset":
            await bench.pulse(rst=1)
            bench.model.conventional_reset()
        else:
            await bench.error(ALL, ErrorCause.REQUESTER_ID)
            await bench.stop(LAST)
        nonce = await bench.lock(LAST)
        await cycles(dut, 2 * NUM_TDI)
        assert stored(dut) == at(LAST, int.from_bytes(nonce, "big")), cause
        await bench.pulse(rst=1)
        bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def a_lock_that_an_error_prevents_leaves_no_row(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    for phase in range(8, 40):
        await bench.send(bench.lock_request(LAST).encode())
        await cycles(dut, phase)
        await bench.pulse(tdi_error_req=ALL, tdi_error_cause=ErrorCause.BAR)
        await bench.answer()
        await cycles(dut, NUM_TDI)
        left = stored(dut)
        assert not any(left) or bench.states()[LAST] == TdiState.CONFIG_LOCKED, phase
        await bench.raw(StopInterfaceRequest(interface=bench.name(LAST)).encode())


async def request_with_fault(bench: DsmBench, phase: int, bit: int) -> bool:
    """A STOP of the last TDI in which the responder loses its state; whether silence was told."""
    dut = bench.dut
    silent = []

    async def watch() -> None:
        while True:
            await RisingEdge(dut.clk)
            if int(dut.tdisp_rsp_none.value):
                silent.append(1)

    watcher = cocotb.start_soon(watch())
    await bench.send(StopInterfaceRequest(interface=bench.name(LAST)).encode())
    for _ in range(phase):
        await RisingEdge(dut.clk)
    await flip(dut, dut.u_responder.state_q, bit)
    await cycles(dut, 200)
    watcher.cancel()
    return bool(silent)


@cocotb.test(skip=ALONE, **LIMIT)
async def a_responder_without_a_state_takes_every_lock_to_error(dut: Any) -> None:
    bench = await make(dut)
    bench.ready_chance = 1.0
    for phase in (0, 1, 2, 4, 8, 16, 24, 40, 80):
        bit = phase % RESPONDER_BITS
        begin = ((FIRST, TdiState.RUN), (SECOND, TdiState.CONFIG_LOCKED), (LAST, TdiState.RUN))
        for n, state in begin:
            await bench.bring_to(n, state)
        silent = await request_with_fault(bench, phase, bit)
        states = at(FIRST, TdiState.ERROR, at(SECOND, TdiState.ERROR))
        assert bench.states()[:LAST] == states[:LAST]
        assert await bench.cause(FIRST) == ErrorCause.DSM_FAULT
        assert silent != bool(bench.answers)
        if not bench.answers and bench.states()[LAST] == TdiState.ERROR:
            assert await bench.cause(LAST) == ErrorCause.DSM_FAULT
        bench.answers.clear()
        for n, _ in begin:
            answer = await bench.raw(StopInterfaceRequest(interface=bench.name(n)).encode())
            assert answer[1] == Response.STOP_INTERFACE_RESPONSE
        bench.model.conventional_reset()
        bench.compare()
