# SPDX-License-Identifier: Apache-2.0
"""dsm: bits that flip in registers fail closed. Needs hierarchical access."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import ErrorCause, LockFlags, Response, TdiState
from models.tdisp.messages import StartInterfaceRequest, StopInterfaceRequest
from tests.unit.dsm_bench import LIMIT, SESSION, DsmBench, cycles, make

STATE_BITS = 6
RESPONDER_BITS = 8


async def flip(dut: Any, register: Any, bit: int) -> None:
    """Turn one bit of a register over, right after an edge."""
    await RisingEdge(dut.clk)
    register.value = int(register.value) ^ 1 << bit


@cocotb.test(**LIMIT)
async def one_flipped_bit_of_a_state_is_an_error(dut: Any) -> None:
    bench = await make(dut)
    register = dut.u_table.g_tdi[1].u_fsm.state_q
    for state in TdiState:
        for bit in range(STATE_BITS):
            await bench.bring_to(1, state)
            await flip(dut, register, bit)
            await cycles(dut, 3)
            assert bench.states() == [0, TdiState.ERROR, 0, 0]
            assert await bench.cause(1) == ErrorCause.DSM_FAULT or state is TdiState.ERROR
            await bench.raw(StopInterfaceRequest(interface=bench.name(1)).encode())
            bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def a_flipped_bit_of_what_is_latched_is_an_error(dut: Any) -> None:
    bench = await make(dut)
    for name, index, bit in (
        ("session_q", 2, 0),
        ("session_q", 2, 1),
        ("stream_q", 2, 0),
        ("msix_q", None, 2),
        ("offset_q", 2, 63),
        ("offset_q", 2, 12),
        ("parity_q", None, 2),
    ):
        await bench.lock(2, LockFlags.LOCK_MSIX, 0x1000)
        vector = getattr(dut.u_table, name)
        await flip(dut, vector if index is None else vector[index], bit)
        await cycles(dut, 3)
        assert bench.states()[2] == TdiState.ERROR, (name, bit)
        assert await bench.cause(2) == ErrorCause.DSM_FAULT
        await bench.raw(StopInterfaceRequest(interface=bench.name(2)).encode())
        bench.model.conventional_reset()


@cocotb.test(**LIMIT)
async def nonces_are_nowhere_after_their_life(dut: Any) -> None:
    bench = await make(dut)

    def traces() -> list[int]:
        stored = [int(dut.u_table.nonce_q[n].value) for n in range(4)]
        return [
            *stored,
            int(dut.u_nonce.nonce_q.value),
            int(dut.u_responder.u_request.bytes_q.value),
        ]

    nonce = await bench.bring_to(0, TdiState.CONFIG_LOCKED)
    assert traces() == [int.from_bytes(nonce, "big"), 0, 0, 0, 0, 0]
    for end in ("start", "stop", "error", "session"):
        if bench.states()[0] != TdiState.CONFIG_LOCKED:
            nonce = await bench.lock(0)
        if end == "start":
            await bench.ask(StartInterfaceRequest(interface=bench.name(0), nonce=nonce))
        elif end == "error":
            await bench.error(1, ErrorCause.FLR)
        elif end == "session":
            await bench.session_end(SESSION)
        if end in ("start", "error", "session"):
            assert not any(traces()), end
        await bench.stop(0)
        assert not any(traces()), end


async def request_with_fault(bench: DsmBench, phase: int, bit: int) -> bool:
    """A STOP of TDI 3 during which the responder loses its state; whether silence was told."""
    dut = bench.dut
    silent = []

    async def watch() -> None:
        while True:
            await RisingEdge(dut.clk)
            if int(dut.tdisp_rsp_none.value):
                silent.append(1)

    watcher = cocotb.start_soon(watch())
    await bench.send(StopInterfaceRequest(interface=bench.name(3)).encode())
    for _ in range(phase):
        await RisingEdge(dut.clk)
    await flip(dut, dut.u_responder.state_q, bit)
    await cycles(dut, 200)
    watcher.cancel()
    return bool(silent)


@cocotb.test(**LIMIT)
async def a_responder_without_a_state_takes_every_lock_to_error(dut: Any) -> None:
    bench = await make(dut)
    bench.ready_chance = 1.0
    for phase in (0, 1, 2, 4, 8, 16, 24, 40, 80):
        bit = phase % RESPONDER_BITS
        for n, state in ((0, TdiState.RUN), (1, TdiState.CONFIG_LOCKED), (3, TdiState.RUN)):
            await bench.bring_to(n, state)
        silent = await request_with_fault(bench, phase, bit)
        assert bench.states()[:3] == [TdiState.ERROR, TdiState.ERROR, 0]
        assert await bench.cause(0) == ErrorCause.DSM_FAULT
        assert silent != bool(bench.answers)
        if not bench.answers and bench.states()[3] == TdiState.ERROR:
            assert await bench.cause(3) == ErrorCause.DSM_FAULT
        bench.answers.clear()
        for n in (0, 1, 3):
            answer = await bench.raw(StopInterfaceRequest(interface=bench.name(n)).encode())
            assert answer[1] == Response.STOP_INTERFACE_RESPONSE
        bench.model.conventional_reset()
        bench.compare()
