# SPDX-License-Identifier: Apache-2.0
"""dsm: every message, byte for byte, and every check, against the reference DSM."""

from __future__ import annotations

from functools import partial
from itertools import chain, repeat
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import ErrorCode, LockFlags, Request, Response, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    StartInterfaceRequest,
    StopInterfaceRequest,
)
from tests.unit.dsm_bench import (
    ALL,
    ALONE,
    CONFIG,
    FIRST,
    LAST,
    LIMIT,
    MIDDLE,
    MMIO,
    NUM_TDI,
    OPTIONAL,
    P2P,
    SECOND,
    SESSION,
    STREAM,
    STREAM_W,
    TDIS,
    DsmBench,
    at,
    cycles,
    make,
)

SIZES = {
    Request.GET_TDISP_VERSION: 16,
    Request.GET_TDISP_CAPABILITIES: 20,
    Request.LOCK_INTERFACE_REQUEST: 36,
    Request.GET_DEVICE_INTERFACE_REPORT: 20,
    Request.GET_DEVICE_INTERFACE_STATE: 16,
    Request.START_INTERFACE_REQUEST: 48,
    Request.STOP_INTERFACE_REQUEST: 16,
}
OPTIONAL_SIZES = {
    Request.BIND_P2P_STREAM_REQUEST: 17,
    Request.UNBIND_P2P_STREAM_REQUEST: 17,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: 32,
    Request.SET_TDISP_CONFIG_REQUEST: 20,
}
SIZES |= {code: size for code, size in OPTIONAL_SIZES.items() if OPTIONAL[code]}


def error_of(answer: bytes) -> int:
    """ERROR_CODE of a TDISP_ERROR, 0 for another response."""
    return int.from_bytes(answer[16:20], "little") if answer[1] == Response.TDISP_ERROR else 0


def header(code: int, rid: int = 0x0100, version: int = 0x10) -> bytes:
    """Sixteen bytes, written by hand."""
    return bytes((version, code, 0, 0)) + rid.to_bytes(2, "little") + bytes(10)


@cocotb.test(**LIMIT)
async def byte_vectors_are_answered_exactly(dut: Any) -> None:
    bench = await make(dut)
    zeros = "00000000 00010000 00000000 00000000"

    async def vector(request: str, response: str) -> bytes:
        got = await bench.ask(bytes.fromhex(request))
        want = bytes.fromhex(response)
        assert got[: len(want)] == want
        assert len(want) == len(got) or len(want) == 16
        return got

    rest = zeros[9:]
    await vector(f"10810000 {rest}", f"10010000 {rest} 0110")
    messages = f"fe{0x03 * P2P | 0x04 * MMIO | 0x10 * CONFIG:02x}0000"
    flags = "1d" if P2P else "05"
    await vector(
        f"10820000 {rest} 00000000",
        f"10020000 {rest} 00000000 {messages} 00000000 00000000 00000000 {flags}000000 00400101",
    )
    await vector(f"10850000 {rest}", f"10050000 {rest} 00")
    await vector(f"10870000 {rest}", f"10070000 {rest}")
    await vector(f"108b0000 {rest}", f"107f0000 {rest} 07000000 8b000000")
    await vector(f"10840000 {rest} 0000ffff", f"107f0000 {rest} 04000000 00000000")
    lock = f"10830000 {rest} 05002100 00000080 ffffffff 00000000 00000000"
    nonce = (await vector(lock, f"10030000 {rest}"))[16:].hex()
    page = "01000000 0000 0000"
    memory = f"01000000 {0x08 * MMIO:02x}00 0000"
    report = (
        "03000000 03800000 00000000 05000000"
        f"00000000 00000000 {page} 01000000 00000000 01000000 0400 0000 02000000 00000000 {memory}"
        "00000100 00000000 01000000 0100 0200 10000100 00000000 01000000 0200 0200"
        "04000000 31494454"
    )
    size = len(bytes.fromhex(report)).to_bytes(2, "little").hex()
    await vector(f"10840000 {rest} 0000ffff", f"10040000 {rest} {size} 0000 {report}")
    wrong = bytes(32).hex()
    await vector(f"10860000 {rest} {wrong}", f"107f0000 {rest} 02010000 00000000")
    await vector(f"10860000 {rest} {nonce}", f"10060000 {rest}")
    await vector(f"10850000 {rest}", f"10050000 {rest} 02")
    bench.world.config_ok = False
    bench.world.drive(dut)
    await vector(f"10870000 {rest}", f"10070000 {rest}")
    await vector(lock, f"107f0000 {rest} 04010000 00000000")


@cocotb.test(**LIMIT)
async def every_code_and_version_gets_its_answer(dut: Any) -> None:
    bench = await make(dut)
    for code in range(256):
        if code not in SIZES:
            got = await bench.ask(header(code) + bytes(code % 40))
            assert error_of(got) == ErrorCode.UNSUPPORTED_REQUEST
            assert got[20:] == bytes((code, 0, 0, 0))
    for version in range(256):
        for code in (Request.GET_TDISP_VERSION, Request.GET_DEVICE_INTERFACE_STATE):
            got = await bench.ask(header(code, version=version))
            good = version >> 4 == 1 if code == Request.GET_TDISP_VERSION else version == 0x10
            assert (error_of(got) == ErrorCode.VERSION_MISMATCH) == (not good)
            assert got[0] == 0x10


@cocotb.test(**LIMIT)
async def every_wrong_length_is_refused(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_to(SECOND, TdiState.CONFIG_LOCKED)
    for size in (*range(1, 22), 31, 32, 33, 35, 36, 37, 47, 48, 49, 127, 128, 129, 144, 256, 300):
        for code, right in SIZES.items():
            if size == right:
                continue
            body = (header(code, bench.world.rid(SECOND)) + bench.rng.randbytes(300))[:size]
            assert error_of(await bench.ask(body)) == ErrorCode.INVALID_REQUEST
    assert bench.states()[SECOND] == TdiState.CONFIG_LOCKED


@cocotb.test(**LIMIT)
async def interface_is_found_by_requester_id_of_present_functions(dut: Any) -> None:
    bench = await make(dut)
    state = Request.GET_DEVICE_INTERFACE_STATE
    beyond = bench.world.rid(NUM_TDI)
    for rid in (0x0000, beyond, 0x00FF, 0x0300, beyond + 0x1000, 0x8100, 0xFFFF):
        assert error_of(await bench.ask(header(state, rid))) == ErrorCode.INVALID_INTERFACE
    for tdi in range(NUM_TDI):
        assert error_of(await bench.ask(header(state, bench.world.rid(tdi)))) == 0
        bench.world.present &= ~(1 << tdi)
        bench.world.drive(dut)
        for code in SIZES if tdi in TDIS else (state,):
            body = (header(code, bench.world.rid(tdi)) + bytes(48))[: SIZES[code]]
            assert error_of(await bench.ask(body)) == ErrorCode.INVALID_INTERFACE
    bench.world.present = ALL
    for pf_rid in (0x4200 if NUM_TDI == 256 else 0x4207, 0x0000, 0xFF00):
        bench.world.pf_rid = pf_rid
        bench.world.drive(dut)
        for tdi in TDIS:
            await bench.bring_to(tdi, TdiState.CONFIG_LOCKED)
            assert bench.states() == at(tdi, TdiState.CONFIG_LOCKED)
            await bench.stop(tdi)
        assert error_of(await bench.ask(header(state, 0x0100))) == ErrorCode.INVALID_INTERFACE


@cocotb.test(**LIMIT)
async def reserved_fields_are_ignored_and_sent_as_zero(dut: Any) -> None:
    bench = await make(dut)
    for _ in range(20):
        body = bytearray(bench.rng.randbytes(36))
        body[0:2] = bytes((0x10, Request.LOCK_INTERFACE_REQUEST))
        body[4:6] = bench.world.rid(SECOND).to_bytes(2, "little")
        body[16:18] = (bench.rng.getrandbits(16) & 0xFFE5).to_bytes(2, "little")
        body[18] = STREAM
        got = await bench.ask(bytes(body))
        assert got[2:4] == bytes(2)
        assert got[4:8] == body[4:8]
        assert got[8:16] == bytes(8)
        await bench.stop(SECOND)


async def with_lock(bench: DsmBench, *, msix: bool, tdi: int) -> bytes:
    """Lock with a random configuration; the whole report as the reference has it."""
    rng, world = bench.rng, bench.world
    page = 0xFFFFF000 << 20 | 0xFFFFF000
    world.pf_bars = (rng.getrandbits(64) & page, rng.getrandbits(64) & page)
    world.vf_bars = (rng.getrandbits(64) & page, rng.getrandbits(64) & page)
    world.msix_enable, world.msix_mask = rng.getrandbits(NUM_TDI), rng.getrandbits(NUM_TDI)
    world.ats = rng.getrandbits(NUM_TDI)
    world.pasid, world.pri = rng.random() < 0.5, rng.random() < 0.5
    world.tph = [rng.choice((0x100, rng.randrange(8))) for _ in range(NUM_TDI)]
    world.drive(bench.dut)
    offset = rng.choice(
        (0, -1, -(1 << 63), (1 << 63) - 1, rng.getrandbits(63), -rng.getrandbits(63))
    )
    await bench.lock(tdi, LockFlags.LOCK_MSIX if msix else 0, offset)
    lock = bench.model.tdis[tdi].lock
    assert lock is not None
    return lock.report.encode()


@cocotb.test(**LIMIT)
async def report_is_the_same_in_any_portions(dut: Any) -> None:
    bench = await make(dut)
    for tdi in TDIS:
        for msix in (False, True):
            whole = await with_lock(bench, msix=msix, tdi=tdi)
            collected = b""
            while len(collected) < len(whole):
                size = bench.rng.choice((1, 2, 3, 5, 7, 16, 31, 63, len(whole), 0xFFFF))
                request = GetDeviceInterfaceReport(
                    interface=bench.name(tdi), offset=len(collected), length=size
                )
                got = await bench.ask(request)
                assert int.from_bytes(got[16:18], "little") == len(got) - 20 <= size
                collected += got[20:]
            assert collected == whole
            await bench.stop(tdi)


@cocotb.test(**LIMIT)
async def report_beyond_its_end_or_of_no_bytes_is_refused(dut: Any) -> None:
    bench = await make(dut)
    whole = await with_lock(bench, msix=True, tdi=MIDDLE)
    end = len(whole)
    for offset in (0, 1, end - 1, end, end + 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF):
        for length in (0, 1, 2, end, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF):
            request = GetDeviceInterfaceReport(
                interface=bench.name(MIDDLE), offset=offset, length=length
            )
            got = await bench.ask(request)
            good = offset < end and length > 0
            assert error_of(got) == (0 if good else ErrorCode.INVALID_REQUEST)


@cocotb.test(**LIMIT)
async def report_never_mixes_two_configurations(dut: Any) -> None:
    bench = await make(dut)
    whole = await with_lock(bench, msix=True, tdi=SECOND)
    bench.ready_chance = 0.1
    request = GetDeviceInterfaceReport(interface=bench.name(SECOND))
    await bench.send(request.encode())
    while not int(dut.tdisp_rsp_tvalid.value):
        await RisingEdge(dut.clk)
    for name in ("pf_bar0", "pf_bar2", "vf_bar0", "vf_bar2", "msix_enable", "msix_function_mask"):
        getattr(dut, name).value = 0
    got = await bench.answer()
    assert got[20:] == whole


@cocotb.test(**LIMIT)
async def lock_fails_when_any_one_condition_is_missing(dut: Any) -> None:
    bench = await make(dut)
    config, request = ErrorCode.INVALID_DEVICE_CONFIGURATION, ErrorCode.INVALID_REQUEST
    cases: list[tuple[dict[str, Any], dict[str, Any], int]] = [
        ({"keys": False}, {}, request),
        ({"owner": 1}, {}, request),
        ({"owner": None}, {}, request),
        ({"default": False}, {}, request),
        ({"tc": 1}, {}, request),
        ({"tc": 4}, {}, request),
        ({"secure": False}, {}, request),
        ({"enable": False}, {}, request),
        ({"stream_id": STREAM ^ 0x80}, {}, request),
        ({}, {"config_ok": False}, config),
    ]
    for stream, world, code in cases:
        for name, value in stream.items():
            setattr(bench.world.streams[0], name, value)
        for name, value in world.items():
            setattr(bench.world, name, value)
        bench.world.drive(dut)
        assert error_of(await bench.ask(bench.lock_request(MIDDLE))) == code, stream | world
        assert not bench.words, "entropy for a LOCK that is refused"
        fresh = type(bench.world)()
        bench.world.streams, bench.world.config_ok = fresh.streams, fresh.config_ok
    bench.world.streams[1].default = True
    bench.world.drive(dut)
    assert error_of(await bench.ask(bench.lock_request(MIDDLE))) == request
    bench.world.streams[0].default = False
    bench.world.drive(dut)
    assert error_of(await bench.ask(bench.lock_request(MIDDLE))) == request, "the other stream's id"
    bench.world.streams[1].stream_id = STREAM
    bench.world.drive(dut)
    assert await bench.lock(MIDDLE)
    assert int(dut.tdi_stream.value) == 1 << STREAM_W * MIDDLE, "bound to block 1"


@cocotb.test(**LIMIT)
async def tph_in_a_mode_that_is_not_offered_forbids_a_lock(dut: Any) -> None:
    bench = await make(dut)
    refused = ErrorCode.INVALID_DEVICE_CONFIGURATION
    for function in TDIS:
        for control, code in ((0x101, refused), (0x102, refused), (0x104, refused), (0x007, 0)):
            bench.world.tph = [0x100] * NUM_TDI
            bench.world.tph[function] = control
            bench.world.drive(dut)
            for tdi in TDIS:
                expected = code if tdi == function or function == FIRST else 0
                got = await bench.ask(bench.lock_request(tdi))
                assert error_of(got) == expected, (function, tdi, control)
                await bench.stop(tdi)


@cocotb.test(**LIMIT)
async def lock_flags_that_are_not_offered_are_refused(dut: Any) -> None:
    bench = await make(dut)
    for bit in range(16):
        got = await bench.ask(bench.lock_request(LAST, 1 << bit))
        refused = bit == 1 or (bit in (3, 4) and not P2P)
        assert error_of(got) == (ErrorCode.INVALID_REQUEST if refused else 0)
        assert int(dut.tdi_msix_locked.value) == (1 << LAST if bit == 2 else 0)
        await bench.stop(LAST)
        assert int(dut.tdi_msix_locked.value) == 0


@cocotb.test(skip=ALONE, **LIMIT)
async def only_the_whole_nonce_of_this_lock_starts(dut: Any) -> None:
    bench = await make(dut)
    old = await bench.bring_to(MIDDLE, TdiState.CONFIG_LOCKED)
    await bench.stop(MIDDLE)
    other = await bench.bring_to(LAST, TdiState.CONFIG_LOCKED)
    nonce = await bench.lock(MIDDLE)
    assert len({old, other, nonce}) == 3
    flipped = [
        (int.from_bytes(nonce, "big") ^ 1 << bit).to_bytes(32, "big") for bit in range(0, 256, 5)
    ]
    for guess in (old, other, bytes(32), b"\xff" * 32, nonce[:31] + b"\0", *flipped):
        got = await bench.ask(StartInterfaceRequest(interface=bench.name(MIDDLE), nonce=guess))
        assert error_of(got) == ErrorCode.INVALID_NONCE
    good = StartInterfaceRequest(interface=bench.name(MIDDLE), nonce=nonce)
    assert error_of(await bench.ask(good)) == 0
    assert error_of(await bench.ask(good)) == ErrorCode.INVALID_INTERFACE_STATE
    await bench.stop(MIDDLE)
    await bench.lock(MIDDLE)
    assert error_of(await bench.ask(good)) == ErrorCode.INVALID_NONCE
    assert bench.states() == at(LAST, 1, at(MIDDLE, 1))


@cocotb.test(**LIMIT)
async def start_takes_as_long_whichever_byte_is_wrong(dut: Any) -> None:
    bench = await make(dut)
    nonce = await bench.lock(LAST)
    times = set()
    for place in (*range(0, 32, 3), 31):
        guess = bytearray(nonce)
        guess[place] ^= 1
        await bench.send(
            StartInterfaceRequest(interface=bench.name(LAST), nonce=bytes(guess)).encode()
        )
        first = bench.cycle
        while not int(dut.tdisp_rsp_tvalid.value):
            await RisingEdge(dut.clk)
        times.add(bench.cycle - first)
        await bench.answer()
    assert len(times) == 1


@cocotb.test(**LIMIT)
async def without_entropy_there_is_no_lock(dut: Any) -> None:
    bench = await make(dut)
    refused = ErrorCode.INSUFFICIENT_ENTROPY
    # The word that is offered already comes first.
    for words in ([7] * 20, [1, 2, 3, 4, 5, 6, 6], [0] * 20, [0xFFFFFFFF] * 20):
        bench.next_word = partial(next, chain(words, repeat(9)))
        await cycles(dut, 3)
        got = await bench.raw(bench.lock_request(SECOND).encode())
        assert error_of(got) == refused
        assert bench.states() == [0] * NUM_TDI
    bench.entropy_chance = 0
    await cycles(dut, 3)
    assert error_of(await bench.raw(bench.lock_request(SECOND).encode())) == refused
    assert int(dut.entropy_tready.value) == 0
    bench.entropy_chance, bench.next_word = 0.7, lambda: bench.rng.getrandbits(32)
    await cycles(dut, 20)
    bench.words.clear()
    await bench.lock(SECOND)


@cocotb.test(**LIMIT)
async def another_session_cannot_touch_a_locked_tdi(dut: Any) -> None:
    bench = await make(dut)
    other = SESSION ^ 1
    for state in (TdiState.CONFIG_LOCKED, TdiState.RUN):
        nonce = await bench.bring_to(SECOND, state)
        name = bench.name(SECOND)
        start = await bench.ask(StartInterfaceRequest(interface=name, nonce=nonce), other)
        locked = state is TdiState.CONFIG_LOCKED
        assert error_of(start) == (
            ErrorCode.INVALID_NONCE if locked else ErrorCode.INVALID_INTERFACE_STATE
        )
        for request in (
            StopInterfaceRequest(interface=name),
            GetDeviceInterfaceReport(interface=name),
        ):
            assert error_of(await bench.ask(request, other)) == ErrorCode.INVALID_REQUEST
        for harmless in (GetDeviceInterfaceState, GetTdispVersion, GetTdispCapabilities):
            assert error_of(await bench.ask(harmless(interface=name), other)) == 0
        assert bench.states()[SECOND] == state
        await bench.session_end(SESSION)
        assert bench.states()[SECOND] == TdiState.ERROR
        assert error_of(await bench.stop(SECOND, other)) == 0, (
            "any session stops what lost its owner"
        )


@cocotb.test(**LIMIT)
async def what_is_not_built_is_unsupported(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_to(FIRST, TdiState.RUN)
    absent = [code for code, built in OPTIONAL.items() if not built]
    for code in (*absent, Request.VDM_REQUEST):
        for body in (header(code), header(code) + bytes(1), header(code) + bytes(16)):
            got = await bench.ask(body)
            assert (error_of(got), got[20]) == (ErrorCode.UNSUPPORTED_REQUEST, code)
    assert InterfaceId.of(0x0100) == bench.name(FIRST)
