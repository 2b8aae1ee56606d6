# SPDX-License-Identifier: Apache-2.0
"""dsm: every row of the transition table, what a state entails, and races of all of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import ErrorCause, ErrorCode, LockFlags, Response, TdiState
from models.tdisp.messages import (
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    Message,
    StartInterfaceRequest,
    StopInterfaceRequest,
)
from models.tdisp.table import TABLE, Event
from tests.unit.dsm_bench import (
    ALL,
    ALONE,
    FIRST,
    LAST,
    LIMIT,
    MIDDLE,
    NUM_TDI,
    SECOND,
    SESSION,
    TDIS,
    WORDS,
    DsmBench,
    at,
    cycles,
    make,
)

STATES = tuple(TdiState)
CAUSES = {
    Event.CONFIG_CHANGE: ErrorCause.BAR,
    Event.REQUESTER_ID_CHANGE: ErrorCause.REQUESTER_ID,
    Event.FLR: ErrorCause.FLR,
    Event.STREAM_INSECURE: ErrorCause.STREAM_INSECURE,
    Event.POISONED: ErrorCause.POISONED,
    Event.COMPLETION_ERROR: ErrorCause.COMPLETION,
    Event.POWER: ErrorCause.POWER,
}
Step = Callable[[DsmBench, int, bytes], Message]
REQUESTS: dict[Event, Step] = {
    Event.LOCK_GOOD: lambda b, n, _: b.lock_request(n),
    Event.LOCK_BAD: lambda b, n, _: b.lock_request(n, LockFlags.SYSTEM_CACHE_LINE_SIZE),
    Event.START_GOOD: lambda b, n, nonce: StartInterfaceRequest(
        interface=b.name(n), nonce=nonce or bytes(32)
    ),
    Event.START_BAD: lambda b, n, _: StartInterfaceRequest(interface=b.name(n), nonce=bytes(32)),
    Event.STOP: lambda b, n, _: StopInterfaceRequest(interface=b.name(n)),
    Event.GET_REPORT: lambda b, n, _: GetDeviceInterfaceReport(interface=b.name(n)),
    Event.GET_STATE: lambda b, n, _: GetDeviceInterfaceState(interface=b.name(n)),
    Event.GET_VERSION: lambda b, n, _: GetTdispVersion(interface=b.name(n)),
    Event.GET_CAPABILITIES: lambda b, n, _: GetTdispCapabilities(interface=b.name(n)),
}


def error_of(answer: bytes) -> int:
    """ERROR_CODE of a TDISP_ERROR, 0 for another response."""
    return int.from_bytes(answer[16:20], "little") if answer[1] == Response.TDISP_ERROR else 0


@cocotb.test(**LIMIT)
async def every_cell_of_the_table_holds(dut: Any) -> None:
    bench = await make(dut)
    for event in (*REQUESTS, *CAUSES, Event.SESSION_END):
        for state in STATES:
            nonce = await bench.bring_to(SECOND, state)
            cell = TABLE[state, event]
            if event in REQUESTS:
                got = await bench.ask(REQUESTS[event](bench, SECOND, nonce))
                reply = cell.reply
                assert not isinstance(reply, ErrorCode) or error_of(got) == reply
                assert not isinstance(reply, Response) or got[1] == reply
            elif event is Event.SESSION_END:
                await bench.session_end(SESSION)
            else:
                await bench.error(1 << SECOND, CAUSES[event])
            assert bench.states() == at(SECOND, int(cell.next)), (event, state)
            cause = ErrorCause.BAR  # that of bring_to
            if cell.next is TdiState.ERROR and state is not TdiState.ERROR:
                cause = CAUSES.get(event, ErrorCause.SESSION_END)
            assert await bench.cause(SECOND) == (cause if cell.next is TdiState.ERROR else 0)
            await bench.stop(SECOND)
            bench.compare()


@cocotb.test(**LIMIT)
async def error_spares_the_tdis_it_does_not_name(dut: Any) -> None:
    bench = await make(dut)
    for subset in range(1, 1 << len(TDIS)):
        for n in TDIS:
            await bench.bring_to(n, STATES[(subset + n) % 3])
        mask = sum(1 << n for index, n in enumerate(TDIS) if subset >> index & 1)
        await bench.error(mask, ErrorCause.COMMAND)
        bench.compare()
        for n in TDIS:
            await bench.stop(n)


@cocotb.test(skip=ALONE, **LIMIT)
async def session_end_takes_exactly_the_tdis_locked_on_it(dut: Any) -> None:
    bench = await make(dut)
    for ended in range(4):
        for session, n in enumerate(TDIS):
            bench.world.streams[0].owner = session
            bench.world.drive(dut)
            await bench.ask(bench.lock_request(n), session=session)
            assert bench.states()[n] == TdiState.CONFIG_LOCKED
        await bench.session_end(ended)
        bench.compare()
        assert bench.states().count(TdiState.ERROR) == 1
        for session, n in enumerate(TDIS):
            await bench.stop(n, session=session)


@cocotb.test(**LIMIT)
async def stop_answers_after_draining_and_clearing_only(dut: Any) -> None:
    bench = await make(dut)
    for state in (TdiState.CONFIG_LOCKED, TdiState.RUN, TdiState.ERROR):
        await bench.bring_to(MIDDLE, state)
        await bench.settle()
        before = list(bench.scrubs)
        bench.hold_drain = bench.hold_scrub = 1 << MIDDLE
        await bench.send(StopInterfaceRequest(interface=bench.name(MIDDLE)).encode())
        await cycles(dut, 100)
        assert not bench.answers
        assert int(dut.tdi_quiesce.value) >> MIDDLE & 1
        assert int(dut.tdi_stopping.value) == 1 << MIDDLE
        assert bench.scrubs == before, "cleared only after it is drained"
        assert bench.states()[MIDDLE] == state
        bench.hold_drain = 0
        await cycles(dut, 100)
        assert bench.scrubs[MIDDLE] == before[MIDDLE] + 1
        assert not bench.answers
        assert bench.states()[MIDDLE] == state
        bench.hold_scrub = 0
        answer = await bench.answer()
        assert answer == bench.model.handle(
            SESSION, StopInterfaceRequest(interface=bench.name(MIDDLE)).encode()
        )
        bench.compare()
        assert not int(dut.tdi_quiesce.value)
        assert not int(dut.tdi_stopping.value)


@cocotb.test(skip=ALONE, **LIMIT)
async def stop_of_an_unlocked_tdi_disturbs_nothing(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_to(SECOND, TdiState.RUN)
    bench.hold_drain = ALL
    assert error_of(await bench.stop(FIRST)) == 0
    assert sum(bench.scrubs) == 0


@cocotb.test(**LIMIT)
async def lock_answers_after_draining_only(dut: Any) -> None:
    bench = await make(dut)
    bench.hold_drain = 1 << LAST
    await bench.send(bench.lock_request(LAST).encode())
    await cycles(dut, 150)
    assert not bench.answers
    assert not bench.words
    assert int(dut.tdi_quiesce.value) == 1 << LAST
    assert int(dut.tdi_stopping.value) == 0
    assert bench.states() == [0] * NUM_TDI
    bench.hold_drain = 0
    assert (await bench.answer())[1] == Response.LOCK_INTERFACE_RESPONSE
    assert not int(dut.tdi_quiesce.value)


@cocotb.test(**LIMIT)
async def lock_waits_until_an_flr_has_cleared_the_function(dut: Any) -> None:
    bench = await make(dut)
    bench.hold_scrub = 1 << SECOND
    await bench.pulse(flr_req=1 << SECOND, tdi_error_req=1 << SECOND)
    await bench.send(bench.lock_request(SECOND).encode())
    await cycles(dut, 150)
    assert not bench.answers
    assert bench.states()[SECOND] == 0
    bench.hold_scrub = 0
    assert (await bench.answer())[1] == Response.LOCK_INTERFACE_RESPONSE


@cocotb.test(**LIMIT)
async def the_first_lock_waits_until_memory_is_ready(dut: Any) -> None:
    """After a reset a function clears its memory; until then nobody relies on it."""
    bench = await make(dut)
    bench.hold_scrub = ALL
    bench.busy = dict.fromkeys(range(NUM_TDI), 1)
    await cycles(dut, 2)
    await bench.send(bench.lock_request(LAST).encode())
    await cycles(dut, 150)
    assert not bench.answers
    assert bench.states() == [0] * NUM_TDI
    bench.hold_scrub = 0
    assert (await bench.answer())[1] == Response.LOCK_INTERFACE_RESPONSE


@cocotb.test(**LIMIT)
async def lock_takes_effect_between_two_accesses_only(dut: Any) -> None:
    """What the function accepts, or has to clear, while the nonce is made comes before the lock."""
    bench = await make(dut)
    for late in ("hold_drain", "hold_scrub"):
        bench.words.clear()
        dut.cfg_write_busy.value = 1
        await bench.send(bench.lock_request(LAST).encode())
        while len(bench.words) < WORDS:
            await RisingEdge(dut.clk)
        setattr(bench, late, 1 << LAST)
        if late == "hold_scrub":
            await bench.pulse(flr_req=1 << LAST, tdi_error_req=1 << LAST)
        await cycles(dut, 5)
        dut.cfg_write_busy.value = 0
        await cycles(dut, 150)
        assert not bench.answers, late
        assert bench.states() == [0] * NUM_TDI
        setattr(bench, late, 0)
        assert (await bench.answer())[1] == Response.LOCK_INTERFACE_RESPONSE
        await bench.raw(StopInterfaceRequest(interface=bench.name(LAST)).encode())


@cocotb.test(skip=ALONE, **LIMIT)
async def error_and_flr_clear_and_error_keeps_the_function_quiet(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_to(SECOND, TdiState.RUN)
    await bench.error(1 << FIRST | 1 << SECOND, ErrorCause.POISONED)
    assert bench.scrubs == at(SECOND, 1)
    assert int(dut.tdi_quiesce.value) == 1 << SECOND
    await bench.error(1 << SECOND, ErrorCause.COMMAND)
    assert bench.scrubs == at(SECOND, 1), "already in ERROR"
    assert await bench.cause(SECOND) == ErrorCause.POISONED, "the first cause stays"
    await bench.pulse(flr_req=ALL)
    assert bench.scrubs == at(SECOND, 2, [1] * NUM_TDI)
    assert int(dut.tdi_quiesce.value) == 1 << SECOND
    await bench.stop(SECOND)
    assert int(dut.tdi_quiesce.value) == 0


@cocotb.test(skip=ALONE, **LIMIT)
async def a_function_that_goes_away_is_cleared_once(dut: Any) -> None:
    bench = await make(dut)
    for present, scrubs in ((ALL & ~(1 << SECOND), 1), (ALL, 1), (ALL & ~(1 << SECOND), 2)):
        bench.world.present = present
        bench.world.drive(dut)
        await bench.pulse()
        assert bench.scrubs == at(SECOND, scrubs)
        await bench.settle()


@cocotb.test(**LIMIT)
async def a_tdi_that_vanished_can_be_stopped_when_it_is_back(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_to(LAST, TdiState.RUN)
    bench.world.present = ALL & ~(1 << LAST)
    bench.world.drive(dut)
    await bench.error(1 << LAST, ErrorCause.SRIOV)
    assert error_of(await bench.stop(LAST)) == ErrorCode.INVALID_INTERFACE
    assert bench.states()[LAST] == TdiState.ERROR
    bench.world.present = ALL
    bench.world.drive(dut)
    assert error_of(await bench.stop(LAST, session=0)) == 0
    assert bench.states()[LAST] == TdiState.CONFIG_UNLOCKED


@cocotb.test(skip=ALONE, **LIMIT)
async def reset_unlocks_everything_and_forgets_the_nonce(dut: Any) -> None:
    bench = await make(dut)
    nonce = await bench.bring_to(FIRST, TdiState.CONFIG_LOCKED)
    for n, state in ((MIDDLE, TdiState.RUN), (LAST, TdiState.ERROR)):
        await bench.bring_to(n, state)
    await bench.pulse(rst=1)
    bench.model.conventional_reset()
    bench.compare()
    await bench.lock(FIRST)
    start = StartInterfaceRequest(interface=bench.name(FIRST), nonce=nonce)
    assert error_of(await bench.ask(start)) == ErrorCode.INVALID_NONCE


# ---------------------------------------------------------------------- races


async def at_phase(bench: DsmBench, phase: int, act: Callable[[], Awaitable[None]]) -> bytes:
    """`act` begins `phase` cycles after the last byte was taken; the answer."""
    await cycles(bench.dut, phase)
    await act()
    return await bench.answer()


BEGIN = {
    Event.LOCK_GOOD: TdiState.CONFIG_UNLOCKED,
    Event.START_GOOD: TdiState.CONFIG_LOCKED,
    Event.STOP: TdiState.RUN,
}


async def race(bench: DsmBench, event: Event, phase: int) -> tuple[int, int]:
    """A request with an error `phase` cycles later: error code and final state."""
    nonce = await bench.bring_to(SECOND, BEGIN[event])
    await bench.settle()
    await bench.send(REQUESTS[event](bench, SECOND, nonce).encode())

    async def act() -> None:
        await bench.pulse(tdi_error_req=1 << SECOND, tdi_error_cause=ErrorCause.BAR)

    answer = await at_phase(bench, phase, act)
    await cycles(bench.dut, 3)
    outcome = error_of(answer), bench.states()[SECOND]
    await bench.raw(StopInterfaceRequest(interface=bench.name(SECOND)).encode())
    bench.model.conventional_reset()
    bench.compare()
    return outcome


@cocotb.test(**LIMIT)
async def an_error_wins_over_a_lock_of_the_same_cycle(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    outcomes = [await race(bench, Event.LOCK_GOOD, phase) for phase in range(40)]
    before = outcomes.index((ErrorCode.INVALID_DEVICE_CONFIGURATION, TdiState.CONFIG_UNLOCKED))
    assert before > 3
    assert set(outcomes[:before]) == {(0, TdiState.CONFIG_LOCKED)}, "errors of an unlocked TDI"
    assert set(outcomes[before + 1 :]) == {(0, TdiState.ERROR)}


@cocotb.test(**LIMIT)
async def an_error_wins_over_start_and_never_over_stop(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    refused = (ErrorCode.INVALID_INTERFACE_STATE, TdiState.ERROR)
    starts = [await race(bench, Event.START_GOOD, phase) for phase in range(40)]
    first = starts.index((0, TdiState.ERROR))
    assert first > 0
    assert set(starts[:first]) == {refused}
    assert set(starts[first:]) == {(0, TdiState.ERROR)}
    stops = [await race(bench, Event.STOP, phase) for phase in range(60)]
    assert set(stops) == {(0, TdiState.CONFIG_UNLOCKED)}


@cocotb.test(**LIMIT)
async def lock_looks_again_at_everything_in_its_last_cycle(dut: Any) -> None:
    bench = await make(dut)
    changes: list[tuple[str, int]] = [
        ("lock_config_ok", 0),
        ("tdi_present", ALL & ~(1 << SECOND)),
        ("pf_rid", 0),
        ("pf_rid", 0x0101),
        ("ide_enable", 0b10),
        ("ide_default", 0b11),
        ("ide_stream_id", 0),
        ("ide_tc", 1),
        ("stream_secure", 0b10),
        ("stream_keys_ready", 0b10),
        ("stream_owner_valid", 0),
        ("stream_owner_session", 0),
    ]
    codes = {
        "lock_config_ok": ErrorCode.INVALID_DEVICE_CONFIGURATION,
        "tdi_present": ErrorCode.INVALID_INTERFACE,
        "pf_rid": ErrorCode.INVALID_INTERFACE,
    }
    for name, value in changes:
        bench.hold_drain = 1 << SECOND
        await bench.send(bench.lock_request(SECOND).encode())
        await cycles(dut, 30)
        bench.hold_drain, dut.cfg_write_busy.value = 0, 1
        await cycles(dut, 100)
        assert not bench.answers, "a configuration write is under way"
        getattr(dut, name).value = value
        await cycles(dut, 3)
        dut.cfg_write_busy.value = 0
        answer = await bench.answer()
        assert error_of(answer) == codes.get(name, ErrorCode.INVALID_REQUEST), name
        assert bench.states() == [0] * NUM_TDI
        bench.world.drive(dut)
    bench.words.clear()
    await bench.lock(SECOND)


@cocotb.test(**LIMIT)
async def a_session_that_ends_at_any_phase_leaves_nothing_locked(dut: Any) -> None:
    bench = await make(dut)
    bench.steady()
    for phase in range(80):
        await bench.send(bench.lock_request(FIRST).encode())

        async def act() -> None:
            await bench.pulse(session_end_valid=1, session_end_idx=SESSION)

        await at_phase(bench, phase, act)
        assert bench.states()[FIRST] in (TdiState.CONFIG_UNLOCKED, TdiState.ERROR), phase
        await bench.raw(StopInterfaceRequest(interface=bench.name(FIRST)).encode())


@cocotb.test(**LIMIT)
async def a_lock_that_is_refused_late_shows_no_nonce(dut: Any) -> None:
    bench = await make(dut)
    dut.cfg_write_busy.value = 1
    await bench.send(bench.lock_request(FIRST).encode())
    await cycles(dut, 200)
    assert len(bench.words) == 8
    dut.lock_config_ok.value = 0
    dut.cfg_write_busy.value = 0
    answer = await bench.answer()
    assert len(answer) == 24
    dut.lock_config_ok.value = 1
    bench.words.clear()
    first = await bench.lock(FIRST)
    assert first != bytes(32)


@cocotb.test(**LIMIT)
async def long_random_lives_follow_the_reference(dut: Any) -> None:
    bench = await make(dut, seed=int(cocotb.RANDOM_SEED))
    rng = bench.rng
    nonces: dict[int, bytes] = {}
    for _ in range(400):
        tdi = rng.choice((*TDIS, rng.randrange(NUM_TDI)))
        session = rng.choice((SESSION, SESSION, SESSION, 1))
        kind = rng.randrange(14)
        if kind < 10:
            event = rng.choice(list(REQUESTS))
            request = REQUESTS[event](bench, tdi, nonces.get(tdi, b""))
            got = await bench.ask(request, session)
            if got[1] == Response.LOCK_INTERFACE_RESPONSE:
                nonces[tdi] = got[16:]
        elif kind < 12:
            await bench.error(rng.getrandbits(NUM_TDI), rng.choice(list(CAUSES.values())))
        elif kind == 12:
            await bench.session_end(rng.randrange(4))
        else:
            bench.world.config_ok = rng.random() < 0.8
            bench.world.streams[0].secure = rng.random() < 0.8
            bench.world.drive(dut)
            await RisingEdge(dut.clk)
        bench.compare()
