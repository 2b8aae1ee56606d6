# SPDX-License-Identifier: Apache-2.0
"""Translated addresses of the function under protection: asked for, used, forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.map import ATTRIBUTE_SHIFT, PAGE, Bar0, Control, Register, Status
from models.pcie.ats import Span, TranslationEntry
from models.pcie.codes import AddressType, CplStatus, FmtType
from models.tdisp.codes import ErrorCause, TdiState
from tests.unit.app_bench import (
    AppBench,
    Translate,
    address_type,
    attributes,
    untranslated,
)
from tests.unit.tlp_bench import LIMIT, Common, Tlp, cycles

FAILED = Status.DONE | Status.ERROR
ASKED, TRANSLATED = AddressType.TRANSLATION_REQUEST, AddressType.TRANSLATED
FAR = 0x4_0000_0000  # between an untranslated and its translated address
TDI = 1
MOVE = Control.TRANSLATE | Control.WRITE_HOST


def moved(tdi: int, address: int) -> TranslationEntry:
    """Pages of a function lie far away from where it sees them."""
    return TranslationEntry(Span((address & -PAGE) + (tdi + 1) * FAR))


def place(tdi: int, address: int) -> int:
    """Translated address."""
    return moved(tdi, address).target.base | address & (PAGE - 1)


def always(entry: TranslationEntry) -> Translate:
    """The same translation for every question."""
    return lambda tdi, address: entry


async def ended(bench: AppBench, tdi: int = TDI) -> int:
    """STATUS at the end; cleared for the next one."""
    status = await bench.finished(tdi)
    await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
    return status


def kinds(bench: AppBench) -> list[int]:
    """AT of the requests so far; forgets them."""
    got = [address_type(t) for t in bench.requests if not t.side["msix"]]
    bench.requests.clear()
    return got


async def start(dut: Any, state: TdiState = TdiState.CONFIG_UNLOCKED) -> AppBench:
    bench = await AppBench(dut).start()
    bench.translate = moved
    await bench.set_state(TDI, state)
    await cycles(dut, 4)
    return bench


async def cached(bench: AppBench) -> None:
    """Let the function have a translation of the page at 1000h."""
    await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
    assert await ended(bench) == Status.DONE
    assert kinds(bench) == [ASKED, TRANSLATED]
    await bench.transfer(TDI, 0x1004, 0, 4, MOVE)
    assert await ended(bench) == Status.DONE
    assert kinds(bench) == [TRANSLATED]


@cocotb.test(**LIMIT)
async def transfers_go_to_translated_addresses_page_by_page(dut: Any) -> None:
    bench = await start(dut)
    bench.attr_enable = 7
    bench.apply()
    await bench.set_state(2, TdiState.RUN)
    images = [await bench.fill(tdi) for tdi in range(bench.tdis)]
    for number in range(24):
        tdi = number % bench.tdis
        base = bench.rng.choice((0x8000_0000, 0x1_0000_0000, 0x1_0000_0000 - PAGE))
        host, length = base + 4 * bench.rng.randrange(1024), 4 * bench.rng.randint(1, 1024)
        to_host = bench.rng.random() < 0.5
        data = [bench.rng.getrandbits(32) for _ in range(length // 4)]
        if to_host:
            data = images[tdi][: length // 4]
        for n, value in enumerate(data):
            bench.host[place(tdi, host + 4 * n) // 4] = 0 if to_host else value
        bench.requests.clear()
        attr = bench.rng.randrange(8)
        control = Control.WRITE_HOST if to_host else 0
        control |= Control.TRANSLATE | attr << ATTRIBUTE_SHIFT
        await bench.transfer(tdi, host, 0, length, control)
        assert await ended(bench, tdi) == Status.DONE
        asked = None
        for tlp in bench.requests:
            assert tlp.requester == bench.rids[tdi]
            if address_type(tlp) == ASKED:
                asked = untranslated(tlp)
                assert tlp.fmt_type == (FmtType.MRD64 if asked >> 32 else FmtType.MRD32)
                low = tlp.bits(11, 0) if asked >> 32 else tlp.bits(43, 32)
                assert (tlp.length, low, attributes(tlp)) == (2, int(not to_host), 0)
                assert (tlp.bits(71, 68), tlp.bits(67, 64)) == (0xF, 0xF)
                continue
            assert address_type(tlp) == TRANSLATED
            assert attributes(tlp) == attr & ~1, "a translation may forbid No Snoop"
            if asked is not None:
                assert tlp.address & -PAGE == place(tdi, asked)
        after = [bench.host[place(tdi, a) // 4] for a in range(host, host + length, 4)]
        assert after == data
        if not to_host:
            images[tdi][: length // 4] = data
        assert await bench.memory(tdi) == images[tdi]
    assert not any(bench.count.values())


@cocotb.test(**LIMIT)
async def a_translation_serves_its_whole_range(dut: Any) -> None:
    bench = await start(dut)
    for size, asks in ((PAGE, 3), (0x2000, 2), (0x4000, 1), (1 << 30, 1)):
        await bench.scrub(TDI)
        bench.translate = always(TranslationEntry(Span(1 << 40, size)))
        bench.requests.clear()
        for page in range(3):
            await bench.transfer(TDI, 0x8000_0004 + PAGE * page, 0, 4, MOVE)
            assert await ended(bench) == Status.DONE
        used = [t for t in bench.requests if address_type(t) == TRANSLATED]
        assert len(bench.requests) - len(used) == asks, f"{size:#x} bytes"
        places = [(1 << 40) + (0x8000_0004 + PAGE * page) % size for page in range(3)]
        assert [t.address for t in used] == places, f"{size:#x} bytes"


@cocotb.test(**LIMIT)
async def only_what_the_translation_grants_is_done(dut: Any) -> None:
    bench = await start(dut)
    for reads, writes, only in product((False, True), repeat=3):
        bench.translate = always(TranslationEntry(Span(0x5000), reads, writes, only))
        await invalidate(bench)
        for control, right in (
            (Control(0), reads),
            (Control.WRITE_HOST, writes),
            (Control.SWAP, reads and writes),
        ):
            allowed = right and not only
            what = f"{control!r} with {bench.translate(TDI, 0)}"
            await bench.transfer(TDI, 0x1000, 0, 4, Control.TRANSLATE | control)
            assert await ended(bench) == (Status.DONE if allowed else FAILED), what
            assert kinds(bench).count(TRANSLATED) == allowed, what
    assert bench.count["cpl_error_event"] == 0


@cocotb.test(**LIMIT)
async def what_was_asked_for_only_to_read_is_asked_for_again_to_be_written(dut: Any) -> None:
    """The host need not give a right that nobody asked for."""
    bench = await start(dut)
    for control in (Control.WRITE_HOST, Control.SWAP):
        bench.translate = always(TranslationEntry(Span(0x5000), read=True, write=False))
        await bench.transfer(TDI, 0x1000, 0, 4, Control.TRANSLATE)
        assert await ended(bench) == Status.DONE
        bench.translate = always(TranslationEntry(Span(0x6000)))
        bench.requests.clear()
        await bench.transfer(TDI, 0x1000, 0, 4, Control.TRANSLATE | control)
        assert await ended(bench) == Status.DONE, repr(control)
        assert bench.requests[-1].address == 0x6000
        assert kinds(bench) == [ASKED, TRANSLATED]
        await invalidate(bench)


@cocotb.test(**LIMIT)
async def nothing_is_asked_where_nothing_may_be_sent(dut: Any) -> None:
    bench = await start(dut)
    bench.ats[TDI] = 0
    bench.apply()
    await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
    assert await ended(bench) == FAILED, "without ATS Enable"
    bench.ats[TDI], bench.bme[TDI] = 1, 0
    bench.apply()
    await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
    assert await ended(bench) == FAILED, "without Bus Master Enable"
    bench.bme[TDI] = 1
    bench.apply()
    for state in (TdiState.CONFIG_LOCKED, TdiState.ERROR):
        await bench.set_state(TDI, state)
        await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
        await cycles(dut, 60)
    assert bench.requests == []


async def relock(bench: AppBench) -> None:
    for state in (TdiState.CONFIG_LOCKED, TdiState.RUN, TdiState.CONFIG_UNLOCKED):
        await bench.set_state(TDI, state)


async def error(bench: AppBench) -> None:
    for state in (TdiState.RUN, TdiState.ERROR, TdiState.CONFIG_UNLOCKED):
        await bench.set_state(TDI, state)


async def quiesce(bench: AppBench) -> None:
    for value in (1, 0):
        bench.quiesce[TDI] = value
        bench.apply()
        await cycles(bench.dut, 1)


async def clear(bench: AppBench) -> None:
    await bench.scrub(TDI)


async def disable(bench: AppBench) -> None:
    for value in (0, 1):
        bench.ats[TDI] = value
        bench.apply()
        await cycles(bench.dut, 1)


async def invalidate(bench: AppBench, tdi: int = TDI, limit: int = 2) -> None:
    """An Invalidate Request that is done within `limit` cycles."""
    dut = bench.dut
    dut.inval_tdi.value = tdi
    dut.inval_valid.value = 1
    for _ in range(limit):
        await RisingEdge(dut.clk)
        if int(dut.inval_done.value):
            dut.inval_valid.value = 0
            return
    raise AssertionError("the invalidation is not done")


CAUSES: tuple[Callable[[AppBench], Awaitable[None]], ...] = (
    relock,
    error,
    quiesce,
    clear,
    disable,
    invalidate,
)


@cocotb.test(**LIMIT)
async def every_end_of_a_life_and_every_invalidation_forgets_the_translation(dut: Any) -> None:
    bench = await start(dut)
    for cause in CAUSES:
        await cached(bench)
        await cause(bench)
        await cycles(dut, 4)
        await cached(bench)
        await invalidate(bench)


@cocotb.test(**LIMIT)
async def what_happens_to_one_function_leaves_the_translations_of_others(dut: Any) -> None:
    bench = await start(dut)
    await cached(bench)
    await invalidate(bench, 0)
    await bench.scrub(2)
    await bench.set_state(0, TdiState.CONFIG_LOCKED)
    bench.ats[2] = 0
    bench.apply()
    await cycles(dut, 4)
    await bench.transfer(TDI, 0x1008, 0, 4, MOVE)
    assert await ended(bench) == Status.DONE
    assert kinds(bench) == [TRANSLATED]


@cocotb.test(**LIMIT)
async def a_translation_that_comes_too_late_is_never_used(dut: Any) -> None:
    """Asked for in a life, or under an enable or a table of the host, that is no more."""
    bench = await start(dut)
    for cause in CAUSES:
        bench.held = []
        await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
        (old,) = await bench.held_reads(1)
        await cause(bench)
        await cycles(dut, 4)
        await bench.cplin.send(bench.translation(old))
        await cycles(dut, 20)
        held, bench.held = bench.held, None
        for tlp in held:
            assert address_type(tlp) == ASKED, cause
            await bench.cplin.send(bench.translation(tlp))
        await ended(bench)
        bench.requests.clear()
        await bench.scrub(TDI)
        await cached(bench)
        await invalidate(bench)


@cocotb.test(**LIMIT)
async def a_translation_that_comes_with_its_invalidation_is_never_used(dut: Any) -> None:
    """In each cycle around it; the transfer goes on with another."""
    bench = await start(dut)
    bench.cplin.pause = 0.0
    for delay in range(10):
        bench.held, bench.translate = [], always(TranslationEntry(Span(0xBAD000)))
        await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
        (old,) = await bench.held_reads(1)
        bench.held = None
        sending = cocotb.start_soon(bench.cplin.send(bench.translation(old)))
        await cycles(dut, delay)
        bench.translate = always(TranslationEntry(Span(0x7000)))
        await invalidate(bench, TDI, 400)
        used = len(bench.requests)
        await sending
        assert await ended(bench) == Status.DONE
        await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
        assert await ended(bench) == Status.DONE
        late = [t.address for t in bench.requests[used:] if address_type(t) == TRANSLATED]
        assert set(late) == {0x7000}, f"after {delay} cycles"
        await invalidate(bench)


@cocotb.test(**LIMIT)
async def an_invalidated_question_is_asked_again(dut: Any) -> None:
    """The transfer goes on with the new translation, whichever answer comes first."""
    bench = await start(dut)
    for order in (1, -1):
        bench.held = []
        await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
        (old,) = await bench.held_reads(1)
        await invalidate(bench)
        (new,) = await bench.held_reads(1)
        bench.requests.clear()
        answers = [(old, TranslationEntry(Span(0xBAD000))), (new, TranslationEntry(Span(0x7000)))]
        for tlp, entry in answers[::order]:
            bench.translate = always(entry)
            await bench.cplin.send(bench.translation(tlp))
        assert await ended(bench) == Status.DONE
        assert [t.address for t in bench.requests] == [0x7000]
        await invalidate(bench)


@cocotb.test(**LIMIT)
async def an_invalidation_waits_for_what_uses_the_translation(dut: Any) -> None:
    bench = await start(dut)
    await cached(bench)
    bench.held = []
    await bench.transfer(TDI, 0x1000, 0, 64, Control.TRANSLATE)
    (read,) = await bench.held_reads(1)
    await bench.transfer(0, 0x1000, 0, 64, 0)
    await bench.held_reads(1)
    await invalidate(bench, 0)
    task = cocotb.start_soon(invalidate(bench, TDI, 400))
    await cycles(dut, 100)
    assert not task.done()
    for part in bench.split(read):
        await bench.cplin.send(part)
    await task
    assert await ended(bench) == Status.DONE


@cocotb.test(**LIMIT)
async def an_invalidation_waits_for_the_write_that_is_being_sent(dut: Any) -> None:
    bench = await start(dut)
    await cached(bench)
    bench.appreq.stall = 1.0
    await bench.transfer(TDI, 0x1000, 0, 4096, MOVE)
    await bench.until(lambda: int(dut.appreq_tvalid.value) == 1)
    task = cocotb.start_soon(invalidate(bench, TDI, 400))
    await cycles(dut, 100)
    assert not task.done()
    bench.appreq.stall = 0.0
    await task
    assert kinds(bench)[:1] == [TRANSLATED]
    assert await ended(bench) == Status.DONE
    assert kinds(bench)[0] == ASKED, "nothing more by the old translation"


@cocotb.test(**LIMIT)
@cocotb.parametrize(ide=[0, 1])
async def a_translation_without_t_stops_a_running_tdi(dut: Any, ide: int) -> None:
    """On its stream with T = 0, or in the clear: the TDI goes to ERROR and nothing is sent."""
    bench = await start(dut, TdiState.RUN)
    bench.held = []
    await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
    (tlp,) = await bench.held_reads(1)
    bench.requests.clear()
    await bench.cplin.send(bench.translation(tlp, ide=ide, t=0))
    await cycles(dut, 40)
    assert [v for n, v in bench.events if n == "cpl_error_event"] == [1 << TDI]
    assert bench.causes == [ErrorCause.ATS]
    assert bench.requests == []


@cocotb.test(**LIMIT)
async def a_translation_with_t_serves_a_running_tdi(dut: Any) -> None:
    bench = await start(dut, TdiState.RUN)
    await cached(bench)
    assert not any(bench.count.values())


@cocotb.test(**LIMIT)
async def a_translation_on_another_stream_is_dropped_and_reported(dut: Any) -> None:
    bench = await start(dut, TdiState.RUN)
    bench.held = []
    await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
    (tlp,) = await bench.held_reads(1)
    await bench.cplin.send(bench.translation(tlp, stream=3))
    await cycles(dut, 20)
    assert bench.count == {**dict.fromkeys(bench.count, 0), "cpl_stream_error": 1}
    assert len(bench.requests) == 1
    bench.held = None
    await bench.cplin.send(bench.translation(tlp))
    assert await ended(bench) == Status.DONE


def other_shapes(bench: AppBench, tlp: Tlp) -> list[Tlp]:
    """Completions that are no translation."""
    return [
        bench.part(tlp, [0, 0x0350], 2, 0, byte_count=4),
        bench.part(tlp, [0], 2, 0),
        bench.part(tlp, [0, 0x0350, 0, 0x0350], 4, 0),
        bench.part(tlp, [], 2, 0),
    ]


@cocotb.test(**LIMIT)
async def what_is_no_translation_changes_nothing(dut: Any) -> None:
    bench = await start(dut)
    bench.held = []
    await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
    (tlp,) = await bench.held_reads(1)
    wrong = other_shapes(bench, tlp)
    for part in wrong:
        await bench.cplin.send(part)
    await cycles(dut, 20)
    assert bench.count == {**dict.fromkeys(bench.count, 0), "aer_unexpected_cpl": len(wrong)}
    bench.held = None
    await bench.cplin.send(bench.translation(tlp))
    assert await ended(bench) == Status.DONE
    assert bench.requests[-1].address == place(TDI, 0x1000)
    assert await bench.memory(TDI) == [0] * 1024


@cocotb.test(**LIMIT)
async def a_failed_question_fails_the_transfer(dut: Any) -> None:
    bench = await start(dut)
    for state, events in ((TdiState.CONFIG_UNLOCKED, 0), (TdiState.RUN, 1)):
        await bench.set_state(TDI, state)
        await cycles(dut, 4)
        for data, fields in (
            ([], {"status": CplStatus.UR}),
            ([], {"status": CplStatus.CA}),
            ([0, 0x0350_0000], {"common": Common(poisoned=1)}),
        ):
            bench.held, before = [], bench.count["cpl_error_event"]
            await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
            (tlp,) = await bench.held_reads(1)
            await bench.cplin.send(bench.part(tlp, data, 2, 0, **fields))
            assert await ended(bench) == FAILED
            assert bench.count["cpl_error_event"] - before == events
            assert kinds(bench) == [ASKED]
    assert bench.causes == [ErrorCause.COMPLETION, ErrorCause.COMPLETION, ErrorCause.POISONED]


@cocotb.test(**LIMIT)
async def a_lost_question_ends_the_transfer_by_its_time_out(dut: Any) -> None:
    bench = await start(dut)
    bench.held = []
    await bench.transfer(TDI, 0x1000, 0, 4, MOVE)
    (tlp,) = await bench.held_reads(1)
    await bench.until(lambda: bench.count["aer_cpl_timeout"] == 1)
    assert await ended(bench) == FAILED
    bench.held = None
    bench.requests.clear()
    await bench.cplin.send(bench.translation(tlp))
    await cycles(dut, 20)
    assert bench.count["aer_unexpected_cpl"] == 1
    await cached(bench)
