# SPDX-License-Identifier: Apache-2.0
"""dsm: P2P streams and MMIO attributes against the reference DSM, and what is shown of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import ErrorCause, ErrorCode, LockFlags, RangeAttributes, Response, TdiState
from models.tdisp.messages import (
    BindP2pStreamRequest,
    GetDeviceInterfaceReport,
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
    NUM_STREAMS,
    NUM_TDI,
    PEER,
    SECOND,
    SESSION,
    SPARE,
    STREAM,
    TDIS,
    DsmBench,
    World,
    at,
    cycles,
    make,
)

NON_TEE = RangeAttributes.IS_NON_TEE_MEM
REFUSED = ErrorCode.INVALID_REQUEST
WRONG_STATE = ErrorCode.INVALID_INTERFACE_STATE
BLOCK = 1  # register block of PEER
Spoil = Callable[[World], None]


def error_of(answer: bytes) -> int:
    """ERROR_CODE of a TDISP_ERROR, 0 for another response."""
    return int.from_bytes(answer[16:20], "little") if answer[1] == Response.TDISP_ERROR else 0


def bind(bench: DsmBench, tdi: int, stream: int = PEER) -> Message:
    """BIND_P2P_STREAM_REQUEST."""
    return BindP2pStreamRequest(interface=bench.name(tdi), p2p_stream_id=stream)


def unbind(bench: DsmBench, tdi: int, stream: int = PEER) -> Message:
    """UNBIND_P2P_STREAM_REQUEST."""
    return UnbindP2pStreamRequest(interface=bench.name(tdi), p2p_stream_id=stream)


def memory_range(bench: DsmBench, tdi: int) -> MmioRange:
    """The range that can be updated, as the report has it."""
    lock = bench.model.tdis[tdi].lock
    assert lock is not None
    return lock.report.ranges[MEMORY_RANGE]


def attribute(bench: DsmBench, tdi: int, value: int) -> Message:
    """SET_MMIO_ATTRIBUTE_REQUEST for the memory page."""
    item = memory_range(bench, tdi)
    wanted = MmioRange(item.first_page, item.num_pages, value, item.range_id)
    return SetMmioAttributeRequest(interface=bench.name(tdi), mmio_range=wanted)


def shown(bench: DsmBench) -> tuple[int, int]:
    """What the block says is open: memory pages and P2P streams."""
    return int(bench.dut.tdi_memory_open.value), int(bench.dut.tdi_p2p.value)


async def bring(bench: DsmBench, tdi: int, state: TdiState) -> None:
    """From CONFIG_UNLOCKED to `state`, with leave to bind streams and ATS enabled."""
    bench.world.ats |= 1 << tdi
    bench.world.drive(bench.dut)
    if state is TdiState.CONFIG_LOCKED:
        await bench.lock(tdi, LockFlags.BIND_P2P)
    elif state is not TdiState.CONFIG_UNLOCKED:
        await bench.run(tdi, LockFlags.BIND_P2P | LockFlags.ALL_REQUEST_REDIRECT)
    if state is TdiState.ERROR:
        await bench.error(1 << tdi, ErrorCause.BAR)


def second(world: World, **changes: Any) -> None:
    """Change the register block of PEER."""
    for name, value in changes.items():
        setattr(world.streams[BLOCK], name, value)


def third(world: World, **changes: Any) -> None:
    """Change the register block of SPARE."""
    for name, value in changes.items():
        setattr(world.streams[BLOCK + 1], name, value)


# What takes the right to bind away; the digest has a line for each.
FAULTS: list[Spoil] = [
    lambda world: second(world, stream_id=PEER ^ 1),
    lambda world: second(world, stream_id=PEER ^ 0x80),
    lambda world: second(world, keys=False),
    lambda world: second(world, owner=SESSION ^ 1),
    lambda world: second(world, owner=None),
    lambda world: second(world, default=True),
    lambda world: second(world, enable=False),
    lambda world: second(world, secure=False),
    lambda world: second(world, rids=(0x00FF, 0x0300)),
    lambda world: second(world, rids=(0x0000, 0xFFFF)),
    lambda world: second(world, rids=(0x0080, 0x0080)),
    lambda world: second(world, addresses=(0x8_0000_0000, 0x8_000F_FFFF)),
    lambda world: second(world, addresses=(0x7_FFF0_0000, 0x8_000F_FFFF)),
    lambda world: second(world, addresses=(0x8_FFF0_0000, 0x9_FFFF_FFFF)),
    lambda world: third(world, rids=(0x0307, 0x0307)),
    lambda world: third(world, rids=(0x0200, 0x0300)),
    lambda world: third(world, addresses=(0x4FF0_0000, 0x5FFF_FFFF)),
    lambda world: third(world, stream_id=PEER),
    lambda world: third(world, stream_id=PEER, enable=False, addresses=None),
    lambda world: setattr(world, "ats", world.ats & ~(1 << MIDDLE)),
]
# What leaves it: ranges side by side, ranges that are not valid or not enabled, other traffic.
HARMLESS: list[Spoil] = [
    lambda world: second(world, rids=(0x0100, 0xFFFF)),
    lambda world: second(world, addresses=(0x9_0000_0000, 0xFFFF_FFFF_FFFF_FFFF)),
    lambda world: second(world, addresses=(0x0, 0x7_FFFF_FFFF)),
    lambda world: second(world, rids=None, addresses=None),
    lambda world: third(world, enable=False, addresses=world.streams[BLOCK].addresses),
    lambda world: third(world, rids=(0x0308, 0xFFFF), addresses=(0x5000_0000, 0x5FFF_FFFF)),
    lambda world: third(world, rids=(0x0200, 0x02FF), addresses=(0x0, 0x3FFF_FFFF)),
    lambda world: third(world, addresses=None),
    lambda world: second(world, tc=3),
    lambda world: setattr(world, "ats", 1 << MIDDLE),
]


@cocotb.test(**LIMIT)
async def bind_is_refused_for_each_reason_and_for_nothing_else(dut: Any) -> None:
    bench = await make(dut)
    await bring(bench, MIDDLE, TdiState.RUN)
    for spoil in (*FAULTS, *HARMLESS):
        bench.world.streams, bench.world.ats = World().streams, ALL
        spoil(bench.world)
        bench.world.drive(dut)
        got = error_of(await bench.ask(bind(bench, MIDDLE)))
        assert got == (REFUSED if spoil in FAULTS else 0)
        assert shown(bench)[1] == (0 if got else 1 << NUM_STREAMS * MIDDLE + BLOCK)
        bench.world.streams = World().streams
        bench.world.drive(dut)
        assert error_of(await bench.ask(unbind(bench, MIDDLE))) == got
    for stream in (STREAM, 0x00, 0xFF):
        assert error_of(await bench.ask(bind(bench, MIDDLE, stream))) == REFUSED
    assert bench.states() == at(MIDDLE, TdiState.RUN)


@cocotb.test(**LIMIT)
async def optional_requests_need_run_their_flag_and_their_session(dut: Any) -> None:
    bench = await make(dut)
    for state in TdiState:
        await bring(bench, LAST, state)
        page = MmioRange(0x80002, 1, NON_TEE, 0)
        for request in (
            bind(bench, LAST),
            unbind(bench, LAST),
            SetMmioAttributeRequest(interface=bench.name(LAST), mmio_range=page),
        ):
            got = error_of(await bench.ask(request))
            assert (got == WRONG_STATE) == (state is not TdiState.RUN), state
            assert error_of(await bench.ask(request, SESSION ^ 1)) != 0
        await bench.stop(LAST)
    await bench.run(LAST, LockFlags.LOCK_MSIX)
    for request in (bind(bench, LAST), unbind(bench, LAST)):
        assert error_of(await bench.ask(request)) == REFUSED, "without BIND_P2P in LOCK"
    assert error_of(await bench.ask(attribute(bench, LAST, NON_TEE))) == 0
    assert error_of(await bench.ask(attribute(bench, LAST, 0), SESSION ^ 1)) == REFUSED
    assert shown(bench) == (1 << LAST, 0)


@cocotb.test(**LIMIT)
async def what_is_opened_is_shown_for_its_tdi_until_run_ends(dut: Any) -> None:
    bench = await make(dut)
    bench.world.streams[2].owner = SESSION
    for tdi in TDIS:
        await bring(bench, tdi, TdiState.RUN)
    for n, tdi in enumerate(TDIS):
        await bench.ask(bind(bench, tdi))
        await bench.ask(bind(bench, tdi))
        await bench.ask(bind(bench, tdi, SPARE))
        await bench.ask(attribute(bench, tdi, NON_TEE))
        p2p = sum(0b110 << NUM_STREAMS * other for other in TDIS[: n + 1])
        assert shown(bench) == (sum(1 << other for other in TDIS[: n + 1]), p2p)
    await bench.ask(unbind(bench, LAST))
    assert shown(bench)[1] >> NUM_STREAMS * LAST == 0b100
    assert error_of(await bench.ask(unbind(bench, LAST))) == REFUSED, "no longer bound"
    await bench.ask(attribute(bench, LAST, 0))
    assert shown(bench)[0] >> LAST == 0
    await bench.stop(FIRST)
    await bench.error(1 << MIDDLE, ErrorCause.STREAM_INSECURE)
    await bench.session_end(SESSION)
    assert shown(bench) == (0, 0)
    for tdi in TDIS:
        await bench.stop(tdi, session=1)
        await bench.run(tdi)
        assert shown(bench) == (0, 0), "the next life begins closed"


@cocotb.test(**LIMIT)
async def reset_closes_everything(dut: Any) -> None:
    bench = await make(dut)
    await bring(bench, LAST, TdiState.RUN)
    await bench.ask(bind(bench, LAST))
    await bench.ask(attribute(bench, LAST, NON_TEE))
    await bench.pulse(rst=1)
    bench.model.conventional_reset()
    bench.compare()
    assert shown(bench) == (0, 0)


@cocotb.test(**LIMIT)
async def an_attribute_is_set_for_the_memory_page_only(dut: Any) -> None:
    bench = await make(dut)
    rng = bench.rng
    for tdi in TDIS:
        bench.world.pf_bars = (rng.getrandbits(64) & ~0x3FFF, 0)
        bench.world.vf_bars = (rng.getrandbits(64) & ~0x3FFF, 0)
        bench.world.drive(dut)
        nonce = await bench.lock(tdi, LockFlags.LOCK_MSIX, rng.getrandbits(51) << 12)
        await bench.ask(StartInterfaceRequest(interface=bench.name(tdi), nonce=nonce))
        before = await bench.ask(GetDeviceInterfaceReport(interface=bench.name(tdi)))
        page = memory_range(bench, tdi).first_page
        good = (page, 1, NON_TEE, 0)
        cases = [good, (page, 1, 0xFFF4, 0), (page, 1, 0xFFF0, 0)]
        cases += [(page ^ 1 << bit, *good[1:]) for bit in range(64)]
        cases += [(page, pages, NON_TEE, 0) for pages in (0, 2, 3, 0x10001, 0xFFFFFFFF)]
        cases += [(page, 1, NON_TEE | 1 << bit, 0) for bit in range(16)]
        cases += [(page, 1, NON_TEE, 1 << bit) for bit in range(16)]
        rng.shuffle(cases)
        for case in (*cases, good):
            wanted = SetMmioAttributeRequest(interface=bench.name(tdi), mmio_range=MmioRange(*case))
            await bench.ask(wanted)
        assert shown(bench) == (1 << tdi, 0)
        after = await bench.ask(GetDeviceInterfaceReport(interface=bench.name(tdi)))
        assert after == before, "the report keeps the value of the LOCK"
        await bench.stop(tdi)


@cocotb.test(**LIMIT)
async def bind_and_unbind_answer_after_draining_only(dut: Any) -> None:
    bench = await make(dut)
    await bring(bench, MIDDLE, TdiState.RUN)
    bit = 1 << NUM_STREAMS * MIDDLE + BLOCK
    scrubs = list(bench.scrubs)
    for request, before, after in (
        (bind(bench, MIDDLE), 0, bit),
        (unbind(bench, MIDDLE), bit, 0),
    ):
        bench.hold_drain = 1 << MIDDLE
        await bench.send(request.encode())
        await cycles(dut, 100)
        assert not bench.answers
        assert shown(bench)[1] == before
        assert int(dut.tdi_hold.value) == 1 << MIDDLE
        assert int(dut.tdi_quiesce.value) == 0, "its transfer is not ended"
        assert int(dut.tdi_stopping.value) == 0, "its registers can still be reached"
        bench.hold_drain = 0
        assert await bench.answer() == bench.model.handle(SESSION, request.encode())
        assert shown(bench)[1] == after
        assert int(dut.tdi_hold.value) == 0
    assert bench.scrubs == scrubs, "nothing is cleared"


@cocotb.test(**LIMIT)
async def a_page_is_closed_at_once_and_the_answer_waits_for_old_accesses(dut: Any) -> None:
    bench = await make(dut)
    await bring(bench, MIDDLE, TdiState.RUN)
    for _ in range(4):
        await bench.ask(attribute(bench, MIDDLE, NON_TEE))
        assert shown(bench)[0] == 1 << MIDDLE
        closing = attribute(bench, MIDDLE, 0)
        bench.hold_drain = 1 << MIDDLE
        await bench.send(closing.encode())
        await cycles(dut, 100)
        assert not bench.answers
        assert shown(bench)[0] == 0
        assert int(dut.tdi_hold.value) == 1 << MIDDLE
        assert int(dut.tdi_quiesce.value) == 0
        bench.hold_drain = 0
        assert await bench.answer() == bench.model.handle(SESSION, closing.encode())
        assert int(dut.tdi_hold.value) == 0
        bench.compare()
    await bench.ask(attribute(bench, MIDDLE, NON_TEE))
    bench.hold_drain = 1 << MIDDLE
    await bench.send(attribute(bench, MIDDLE, 0).encode())
    await cycles(dut, 60)
    await bench.error(1 << MIDDLE, ErrorCause.BAR)
    await cycles(dut, 60)
    bench.hold_drain = 0
    assert error_of(await bench.answer()) == WRONG_STATE, "an error came first"


@cocotb.test(**LIMIT)
async def an_old_drained_does_not_count(dut: Any) -> None:
    """The function was drained before it was told to be, and then takes its time."""
    bench = await make(dut)
    await bring(bench, MIDDLE, TdiState.RUN)
    bench.drain_least = bench.drain_most = 9
    for request in [bind(bench, MIDDLE), unbind(bench, MIDDLE)] * 8:
        before, quiet = shown(bench), 0
        await bench.send(request.encode())
        while shown(bench) == before:
            await RisingEdge(dut.clk)
            quiet += int(dut.tdi_hold.value) >> MIDDLE & 1
        assert quiet > bench.drain_least
        assert await bench.answer() == bench.model.handle(SESSION, request.encode())


@cocotb.test(**LIMIT)
async def refused_requests_do_not_disturb_the_function(dut: Any) -> None:
    bench = await make(dut)
    await bring(bench, MIDDLE, TdiState.RUN)
    bench.hold_drain, quieted = ALL, []

    async def watch() -> None:
        while True:
            await RisingEdge(dut.clk)
            quieted.append(int(dut.tdi_quiesce.value) | int(dut.tdi_hold.value))

    watcher = cocotb.start_soon(watch())
    for request in (bind(bench, MIDDLE, STREAM), unbind(bench, MIDDLE)):
        assert error_of(await bench.ask(request)) == REFUSED
        assert error_of(await bench.ask(request, SESSION ^ 1)) == REFUSED
    for value in (NON_TEE, 0x8):
        await bench.ask(attribute(bench, MIDDLE, value))
    watcher.cancel()
    assert not any(quieted)
    assert quieted


@cocotb.test(**LIMIT)
async def bind_looks_again_at_everything_in_its_last_cycle(dut: Any) -> None:
    bench = await make(dut)
    await bring(bench, SECOND, TdiState.RUN)
    changes: list[tuple[str, int]] = [
        ("ats_enable", ALL & ~(1 << SECOND)),
        ("ide_enable", 0b101),
        ("ide_default", 0b011),
        ("ide_stream_id", 0),
        ("ide_rid_limit", 0xFFFF),
        ("ide_addr_base", 0),
        ("stream_secure", 0b101),
        ("stream_keys_ready", 0b101),
        ("stream_owner_valid", 0),
        ("stream_owner_session", 0),
    ]
    for name, value in (("none", 0), *changes):
        dut.cfg_write_busy.value = 1
        await bench.send(bind(bench, SECOND).encode())
        await cycles(dut, 60)
        assert not bench.answers, "a configuration write is under way"
        assert shown(bench) == (0, 0)
        if name == "ide_rid_limit":
            dut.ide_rid_base.value = 0
        if name == "ide_addr_base":
            dut.ide_addr_limit.value = (1 << 64 * NUM_STREAMS) - 1
        if name != "none":
            getattr(dut, name).value = value
        await cycles(dut, 3)
        dut.cfg_write_busy.value = 0
        assert error_of(await bench.answer()) == (0 if name == "none" else REFUSED), name
        assert shown(bench)[1] == (1 << NUM_STREAMS * SECOND + BLOCK if name == "none" else 0)
        bench.world.drive(dut)
        if name == "none":
            await bench.raw(unbind(bench, SECOND).encode())
    bench.compare()


async def raced(bench: DsmBench, kind: str, phase: int) -> tuple[int, int]:
    """A request with an error `phase` cycles after its last byte: error code and final state."""
    await bring(bench, SECOND, TdiState.RUN)
    requests = {
        "bind": bind(bench, SECOND),
        "unbind": unbind(bench, SECOND),
        "attribute": attribute(bench, SECOND, NON_TEE),
    }
    if kind == "unbind":
        await bench.ask(requests["bind"])
    await bench.settle()
    await bench.send(requests[kind].encode())
    await cycles(bench.dut, phase)
    await bench.pulse(tdi_error_req=1 << SECOND, tdi_error_cause=ErrorCause.BAR)
    answer = await bench.answer()
    await cycles(bench.dut, 3)
    outcome = error_of(answer), bench.states()[SECOND]
    assert shown(bench) == (0, 0), (kind, phase)
    await bench.raw(StopInterfaceRequest(interface=bench.name(SECOND)).encode())
    bench.model.conventional_reset()
    bench.compare()
    return outcome


@cocotb.test(**LIMIT)
async def an_error_wins_over_what_opens_a_tdi(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    for kind in ("bind", "unbind", "attribute"):
        outcomes = [await raced(bench, kind, phase) for phase in range(24)]
        first = outcomes.index((0, TdiState.ERROR))
        assert first > 0
        assert set(outcomes[:first]) == {(WRONG_STATE, TdiState.ERROR)}, kind
        assert set(outcomes[first:]) == {(0, TdiState.ERROR)}, kind


@cocotb.test(**LIMIT)
async def the_mask_of_every_lock_can_be_looked_up(dut: Any) -> None:
    bench = await make(dut)
    masks: dict[int, int] = {}
    for tdi in (*TDIS, *TDIS):
        if tdi in masks:
            await bench.stop(tdi)
        masks[tdi] = bench.rng.getrandbits(64)
        request = bench.lock_request(tdi, LockFlags.BIND_P2P, mask=masks[tdi])
        assert error_of(await bench.ask(request)) == 0
    if not ALONE:
        await bench.stop(SECOND)
        masks[SECOND] = 0
    asked: list[int] = []
    for tdi in [bench.rng.choice((*TDIS, bench.rng.randrange(NUM_TDI))) for _ in range(200)]:
        dut.p2p_mask_tdi.value = tdi
        await RisingEdge(dut.clk)
        asked.append(tdi)
        if len(asked) > 2:
            assert int(dut.p2p_mask.value) == masks.get(asked[-2], 0), "one cycle later"
    await bench.error(ALL, ErrorCause.REQUESTER_ID)
    for tdi in TDIS:
        dut.p2p_mask_tdi.value = tdi
        await cycles(dut, 3)
        assert int(dut.p2p_mask.value) == 0, "not locked"


@cocotb.test(**LIMIT)
async def redirection_lasts_as_long_as_its_lock(dut: Any) -> None:
    bench = await make(dut)
    for flags in (LockFlags.ALL_REQUEST_REDIRECT, LockFlags.BIND_P2P, LockFlags.LOCK_MSIX):
        await bench.run(LAST, flags)
        redirected = flags is LockFlags.ALL_REQUEST_REDIRECT
        assert int(dut.tdi_redirect.value) == redirected << LAST
        await bench.stop(LAST)
        assert int(dut.tdi_redirect.value) == 0


async def change(bench: DsmBench, *spoils: Spoil) -> None:
    """Other registers of the streams; a TDI with one of them bound goes to ERROR first."""
    bound = sum(bool(tdi.lock and tdi.lock.p2p_streams) << tdi.index for tdi in bench.model.tdis)
    await bench.error(bound, ErrorCause.IDE_REGISTERS)
    bench.world.streams, bench.world.ats = World().streams, ALL
    for spoil in spoils:
        spoil(bench.world)
    bench.world.drive(bench.dut)
    await RisingEdge(bench.dut.clk)


async def random_step(bench: DsmBench, tdi: int) -> None:
    """One request or event for a TDI that is locked or running."""
    rng = bench.rng
    session = rng.choice((SESSION, SESSION, SESSION, SESSION, 1))
    stream = rng.choice((PEER, PEER, PEER, SPARE, STREAM))
    kind = rng.randrange(20)
    if kind < 6:
        await bench.ask(bind(bench, tdi, stream), session)
    elif kind < 10:
        await bench.ask(unbind(bench, tdi, stream), session)
    elif kind < 14:
        await bench.ask(attribute(bench, tdi, rng.choice((NON_TEE, 0, 0x8))), session)
    elif kind == 14:
        await bench.stop(tdi, session)
    elif kind == 15:
        await bench.error(rng.getrandbits(NUM_TDI), ErrorCause.BAR)
    elif kind == 16:
        await bench.session_end(rng.randrange(4))
    else:
        await change(bench, rng.choice((*FAULTS, *HARMLESS)))


@cocotb.test(**LIMIT)
async def long_random_lives_with_optional_requests_follow_the_reference(dut: Any) -> None:
    bench = await make(dut, seed=int(cocotb.RANDOM_SEED))
    for _ in range(300):
        tdi = bench.rng.choice(TDIS)
        state = bench.model.tdis[tdi].state
        if state is TdiState.CONFIG_UNLOCKED:
            await change(bench)
            await bench.run(tdi, bench.rng.getrandbits(16) & 0xFFFD | LockFlags.BIND_P2P)
        elif state is TdiState.ERROR:
            await bench.stop(tdi)
        else:
            await random_step(bench, tdi)
        bench.compare()
