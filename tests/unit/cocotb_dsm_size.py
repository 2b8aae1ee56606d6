# SPDX-License-Identifier: Apache-2.0
"""dsm: what must not depend on the number of TDIs, and what happens to all of them at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import ErrorCause, ErrorCode, RangeAttributes, Response, TdiState
from models.tdisp.messages import (
    BindP2pStreamRequest,
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    Message,
    SetMmioAttributeRequest,
    StartInterfaceRequest,
    StopInterfaceRequest,
    UnbindP2pStreamRequest,
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
    NUM_TDI,
    P2P_FLAGS,
    PEER,
    SECOND,
    STREAM,
    TDIS,
    DsmBench,
    at,
    cycles,
    make,
)

LATENCY_FILE = "DSM_LATENCY_FILE"  # variable of the environment: where the numbers go
Step = tuple[str, Message | bytes]


def error_of(answer: bytes) -> int:
    """ERROR_CODE of a TDISP_ERROR, 0 for another response."""
    return int.from_bytes(answer[16:20], "little") if answer[1] == Response.TDISP_ERROR else 0


def life(bench: DsmBench, tdi: int) -> Iterator[Step]:
    """Every request in every state in which it has its own answer, also refused ones."""
    name = bench.name(tdi)
    yield "version", GetTdispVersion(interface=name)
    yield "capabilities", GetTdispCapabilities(interface=name)
    yield "state unlocked", GetDeviceInterfaceState(interface=name)
    yield "stop unlocked", StopInterfaceRequest(interface=name)
    yield "report unlocked", GetDeviceInterfaceReport(interface=name)
    yield "unknown", bytes((0x10, 0xFF)) + bytes(14)
    yield "short", bytes((0x10, 0x85)) + bytes(5)
    yield "another interface", bytes((0x10, 0x85, 0, 0)) + bytes(12)
    yield "lock", bench.lock_request(tdi, P2P_FLAGS)
    yield "lock locked", bench.lock_request(tdi)
    yield "state locked", GetDeviceInterfaceState(interface=name)
    yield "report", GetDeviceInterfaceReport(interface=name)
    yield "part of a report", GetDeviceInterfaceReport(interface=name, offset=17, length=3)
    yield "wrong nonce", StartInterfaceRequest(interface=name, nonce=bytes(32))
    lock = bench.model.tdis[tdi].lock
    assert lock is not None
    assert lock.nonce is not None
    yield "start", StartInterfaceRequest(interface=name, nonce=lock.nonce)
    yield "state running", GetDeviceInterfaceState(interface=name)
    page = lock.report.ranges[MEMORY_RANGE].first_page
    opened = MmioRange(page, 1, RangeAttributes.IS_NON_TEE_MEM, 0)
    yield "attribute", SetMmioAttributeRequest(interface=name, mmio_range=opened)
    yield "bind", BindP2pStreamRequest(interface=name, p2p_stream_id=PEER)
    yield "bind refused", BindP2pStreamRequest(interface=name, p2p_stream_id=STREAM)
    yield "unbind", UnbindP2pStreamRequest(interface=name, p2p_stream_id=PEER)
    yield "stop", StopInterfaceRequest(interface=name)


async def latencies(bench: DsmBench, tdi: int) -> dict[str, int]:
    """Cycles from the last byte of a request to the first byte of its answer."""
    found = {}
    for label, message in life(bench, tdi):
        asked = bench.cycle
        timer = cocotb.start_soon(first_byte(bench))
        await bench.ask(message)
        found[label] = await timer
        assert bench.cycle > asked
    return found


async def first_byte(bench: DsmBench) -> int:
    """Cycles from the last byte that is taken to the first that is offered."""
    dut, count = bench.dut, 0
    while not int(dut.tdisp_rsp_tvalid.value):
        await RisingEdge(dut.clk)
        taken = int(dut.tdisp_tvalid.value) and int(dut.tdisp_tready.value)
        count = 0 if taken else count + 1
    return count


@cocotb.test(**LIMIT)
async def answers_take_as_long_for_every_tdi(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    bench.world.ats = ALL
    bench.world.drive(dut)
    await cycles(dut, 20)
    found = [await latencies(bench, tdi) for tdi in TDIS]
    assert all(times == found[0] for times in found)
    assert all(0 < cycles < 60 for cycles in found[0].values())
    if LATENCY_FILE in os.environ:
        Path(os.environ[LATENCY_FILE]).write_text(json.dumps(found[0]), encoding="utf-8")


async def lock_all(bench: DsmBench) -> list[bytes]:
    """Every TDI to CONFIG_LOCKED; the nonces."""
    nonces = [await bench.lock(tdi) for tdi in range(NUM_TDI)]
    assert len(set(nonces)) == NUM_TDI
    assert bench.states() == [TdiState.CONFIG_LOCKED] * NUM_TDI
    return nonces


@cocotb.test(**LIMIT)
async def all_tdis_fall_in_one_cycle_and_rise_one_by_one(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    for order in (TDIS, tuple(reversed(TDIS))):
        nonces = await lock_all(bench)
        for tdi in order[1:2]:
            await bench.ask(StartInterfaceRequest(interface=bench.name(tdi), nonce=nonces[tdi]))
        await bench.error(ALL, ErrorCause.REQUESTER_ID)
        assert bench.states() == [TdiState.ERROR] * NUM_TDI
        for tdi in order:
            old = StartInterfaceRequest(interface=bench.name(tdi), nonce=nonces[tdi])
            assert error_of(await bench.ask(old)) == ErrorCode.INVALID_INTERFACE_STATE
            await bench.stop(tdi)
            nonce = await bench.lock(tdi)
            assert error_of(await bench.ask(old)) == ErrorCode.INVALID_NONCE
            await cycles(dut, bench.rng.choice((0, 3, NUM_TDI, 2 * NUM_TDI)))
            good = StartInterfaceRequest(interface=bench.name(tdi), nonce=nonce)
            assert error_of(await bench.ask(good)) == 0
            assert await bench.cause(tdi) == ErrorCause.NONE
        for tdi in range(NUM_TDI):
            assert tdi in order or await bench.cause(tdi) == ErrorCause.REQUESTER_ID
            await bench.stop(tdi)


@cocotb.test(**LIMIT)
async def a_lock_right_after_reset_or_errors_keeps_its_nonce(dut: Any) -> None:
    """What still has to be cleared then does not take the new nonce with it."""
    bench = await make(dut)
    bench.steady()
    for tdi in (*reversed(TDIS), *TDIS):
        await bench.pulse(rst=1)
        bench.model.conventional_reset()
        nonce = await bench.lock(tdi)
        await cycles(dut, 2 * NUM_TDI)
        start = StartInterfaceRequest(interface=bench.name(tdi), nonce=nonce)
        assert error_of(await bench.ask(start)) == 0
        assert bench.states() == at(tdi, TdiState.RUN)


@cocotb.test(**LIMIT)
async def a_lock_that_an_error_prevents_leaves_no_nonce(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    for phase in range(8, 40):
        await bench.send(bench.lock_request(LAST).encode())
        await cycles(dut, phase)
        await bench.pulse(tdi_error_req=ALL, tdi_error_cause=ErrorCause.BAR)
        await bench.answer()
        for guess in (bytes(32), b"\xff" * 32):
            start = StartInterfaceRequest(interface=bench.name(LAST), nonce=guess)
            assert error_of(await bench.raw(start.encode())) != 0
        await bench.raw(StopInterfaceRequest(interface=bench.name(LAST)).encode())
        assert bench.states() == [0] * NUM_TDI


@cocotb.test(skip=ALONE, **LIMIT)
async def ends_of_sessions_and_errors_name_their_cause_in_one_cycle(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    owners = dict(zip(TDIS, (1, 2, 1, 3), strict=True))
    for tdi, owner in owners.items():
        bench.world.streams[0].owner = owner
        bench.world.drive(dut)
        await bench.ask(bench.lock_request(tdi), session=owner)
    await bench.pulse(
        session_end_valid=1,
        session_end_idx=1,
        tdi_error_req=1 << FIRST | 1 << SECOND,
        tdi_error_cause=ErrorCause.MSIX,
    )
    assert [bench.states()[tdi] for tdi in TDIS] == [3, 3, 3, 1]
    causes = [await bench.cause(tdi) for tdi in TDIS]
    assert causes == [ErrorCause.MSIX, ErrorCause.MSIX, ErrorCause.SESSION_END, 0]
    assert await bench.cause(MIDDLE) == ErrorCause.SESSION_END
