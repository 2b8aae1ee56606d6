# SPDX-License-Identifier: Apache-2.0
"""Lives of the function under protection: quiesce, state changes, lost reads, clearing."""

from __future__ import annotations

import os
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.map import Bar0, Bar2, Control, PublicRegister, Register, Status
from models.tdisp.codes import ErrorCause, TdiState
from tests.unit.app_bench import AppBench
from tests.unit.tlp_bench import LIMIT, Tlp, cycles

FAILED = Status.DONE | Status.ERROR
TIMEOUT = int(os.environ.get("CPL_TIMEOUT", "3000"))


async def run(bench: AppBench, *tdis: int) -> None:
    """Move TDIs to RUN."""
    for tdi in tdis:
        bench.state[tdi] = TdiState.RUN
    bench.apply()
    await cycles(bench.dut, 4)


async def answer(bench: AppBench, reads: list[Tlp], value: int, **fields: Any) -> None:
    """Complete reads with one value in every DW."""
    for read in reads:
        length = read.length or 1024
        bench.host.update({read.address // 4 + n: value for n in range(length)})
        for part in bench.split(read, **fields):
            await bench.cplin.send(part)


@cocotb.test(**LIMIT)
async def data_that_arrives_after_run_is_discarded(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await run(bench, 1, 2)
    image = await bench.fill(1)
    bench.held = []
    await bench.transfer(1, 0x1000, 0, 1024, Control.INTERRUPT)
    reads = await bench.held_reads(2)
    await bench.set_state(1, TdiState.ERROR)
    await cycles(dut, 10)
    assert not bench.drained(1)
    side = {"ide": 1, "t": 1, "stream": bench.stream[1]}
    await answer(bench, reads[:1], 0xDEAD, **side)
    await cycles(dut, 10)
    assert not bench.drained(1)
    await answer(bench, reads[1:], 0xDEAD, **side)
    await cycles(dut, 10)
    assert bench.drained(1)
    await bench.set_state(1, TdiState.CONFIG_UNLOCKED)
    await cycles(dut, 4)
    assert await bench.memory(1) == image, "only clearing removes data, and nothing was added"
    assert await bench.register(1, Register.STATUS) == FAILED
    assert not any(bench.count.values())


async def beats_taken_in_run(dut: Any, tdi: int, count: list[int]) -> None:
    """Count in `count[0]` the Completion beats taken while the TDI is in RUN."""
    while True:
        await RisingEdge(dut.clk)
        run = int(dut.tdi_state.value) >> 2 * tdi & 3 == TdiState.RUN
        if run and int(dut.cplin_tvalid.value) and int(dut.cplin_tready.value):
            count[0] += 1


@cocotb.test(**LIMIT)
async def a_completion_cut_by_a_state_change_writes_exactly_what_came_before(dut: Any) -> None:
    bench = await AppBench(dut).start(pause=0)
    lanes = len(dut.cplin_tkeep)
    cut = 0
    for delay in range(128 // lanes + 4):
        await run(bench, 1)
        await bench.scrub(1)
        bench.held = []
        await bench.transfer(1, 0x1000, 0, 512, 0)
        (read,) = await bench.held_reads(1)
        count = [0]
        counter = cocotb.start_soon(beats_taken_in_run(dut, 1, count))
        task = cocotb.start_soon(bench.cplin.send(bench.part(read, [0xDA7A] * 128, 128, 0x1000)))
        await cycles(dut, delay)
        await bench.set_state(1, TdiState.ERROR)
        await task
        counter.cancel()
        await bench.set_state(1, TdiState.CONFIG_UNLOCKED)
        await cycles(dut, 10)
        written = lanes * count[0]
        assert await bench.memory(1) == [0xDA7A] * written + [0] * (1024 - written)
        cut += 0 < written < 128
    assert cut > 128 // lanes // 2


@cocotb.test(**LIMIT)
async def reads_of_an_old_life_never_match_a_new_transfer(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await run(bench, 1)
    bench.held = []
    await bench.transfer(1, 0x1000, 0, 1024, 0)
    old = await bench.held_reads(2)
    await bench.set_state(1, TdiState.ERROR)
    await bench.scrub(1)
    await bench.set_state(1, TdiState.CONFIG_UNLOCKED)
    await cycles(dut, 4)
    await bench.transfer(1, 0x1000, 0, 1024, 0)
    new = await bench.held_reads(2)
    assert not {t.tag for t in old} & {t.tag for t in new}
    side = {"ide": 1, "t": 1, "stream": bench.stream[1]}
    await answer(bench, old, 0xDEAD, **side)
    await cycles(dut, 10)
    assert await bench.memory(1) == [0] * 1024
    await answer(bench, new, 0xF00D)
    assert await bench.finished(1) == Status.DONE
    assert await bench.memory(1) == [0xF00D] * 256 + [0] * 768


@cocotb.test(**LIMIT)
async def quiesce_ends_a_write_transfer_at_a_tlp_boundary(dut: Any) -> None:
    bench = await AppBench(dut).start(stall=0.7)
    image = await bench.fill(0)
    for _ in range(8):
        bench.requests.clear()
        await bench.transfer(0, 0x1000, 0, 4096, Control.WRITE_HOST | Control.INTERRUPT)
        await cycles(dut, bench.rng.randint(10, 200))
        bench.quiesce[0] = 1
        bench.apply()
        await bench.until(lambda: bench.drained(0))
        sent = len(bench.requests)
        await cycles(dut, 100)
        assert len(bench.requests) == sent < 32
        assert [v for t in bench.requests for v in t.data] == image[: 32 * sent]
        await bench.transfer(0, 0x1000, 0, 64, Control.WRITE_HOST)
        await cycles(dut, 50)
        assert len(bench.requests) == sent, "START does nothing while quiesced"
        assert bench.drained(0)
        bench.quiesce[0] = 0
        bench.apply()
        assert await bench.register(0, Register.STATUS) == FAILED
        await bench.write(0, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])


@cocotb.test(**LIMIT)
async def a_held_transfer_waits_between_two_requests_and_then_goes_on(dut: Any) -> None:
    bench = await AppBench(dut).start(stall=0.7)
    image = await bench.fill(0)
    for _ in range(8):
        bench.requests.clear()
        await bench.transfer(0, 0x1000, 0, 4096, Control.WRITE_HOST)
        await cycles(dut, bench.rng.randint(10, 200))
        bench.hold[0] = 1
        bench.apply()
        await bench.until(lambda: bench.drained(0))
        sent = len(bench.requests)
        await bench.transfer(1, 0x8000, 0, 64, Control.WRITE_HOST)
        assert await bench.finished(1) == Status.DONE, "the others work on"
        assert [t.requester for t in bench.requests].count(bench.rids[0]) == sent < 32
        assert await bench.register(0, Register.STATUS) == Status.BUSY
        bench.hold[0] = 0
        bench.apply()
        assert await bench.finished(0) == Status.DONE
        assert [bench.host[0x1000 // 4 + n] for n in range(1024)] == image
        for tdi in (0, 1):
            await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [Status.DONE])


@cocotb.test(**LIMIT)
async def a_held_function_is_drained_when_its_reads_are_answered(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.held = []
    await bench.transfer(0, 0x1000, 0, 4096, 0)
    reads = await bench.held_reads(4)
    bench.hold[0] = 1
    bench.apply()
    await cycles(dut, 100)
    assert not bench.drained(0)
    await answer(bench, reads, 1)
    await bench.until(lambda: bench.drained(0))
    await cycles(dut, 100)
    assert not bench.held, "nothing new is asked for"
    bench.held, bench.hold[0] = None, 0
    bench.apply()
    assert await bench.finished(0) == Status.DONE
    assert (await bench.memory(0))[:128] == [1] * 128, "what came while it was held counts"


@cocotb.test(**LIMIT)
async def quiesce_of_one_function_leaves_the_others_alone(dut: Any) -> None:
    bench = await AppBench(dut).start()
    image = await bench.fill(1)
    bench.held = []
    await bench.transfer(0, 0x1000, 0, 4096, 0)
    reads = await bench.held_reads(4)
    bench.quiesce[0] = 1
    bench.apply()
    await bench.transfer(1, 0x8000, 0, 4096, Control.WRITE_HOST)
    assert await bench.finished(1) == Status.DONE
    assert [bench.host[0x8000 // 4 + n] for n in range(1024)] == image
    assert not bench.drained(0)
    await answer(bench, reads, 1)
    await cycles(dut, 10)
    assert bench.drained(0)
    assert await bench.memory(0) == [0] * 1024


@cocotb.test(**LIMIT)
async def a_lost_read_stops_a_running_tdi_and_its_tag_rests(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.held = []
    for state, events in ((TdiState.CONFIG_UNLOCKED, 0), (TdiState.RUN, 1)):
        bench.count = dict.fromkeys(bench.count, 0)
        await bench.set_state(1, state)
        await cycles(dut, 4)
        await bench.transfer(1, 0x1000, 0, 64, 0)
        (lost,) = await bench.held_reads(1)
        await cycles(dut, TIMEOUT - 50)
        assert bench.count["aer_cpl_timeout"] == 0
        await cycles(dut, 150)
        assert bench.count["aer_cpl_timeout"] == 1
        assert bench.count["cpl_error_event"] == events
        assert bench.causes == [ErrorCause.COMPLETION] * events
        assert bench.drained(1), "a tag in quarantine is accounted for"
        assert await bench.finished(1) == FAILED
        await bench.write(1, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
        # A tag in quarantine counts as one of the four that the function may have.
        await bench.transfer(1, 0x1000, 0, 2048, 0)
        reads = await bench.held_reads(3)
        await cycles(dut, 200)
        assert not bench.held
        assert lost.tag not in {t.tag for t in reads}
        await answer(bench, [lost], 0xDEAD)
        await cycles(dut, 20)
        assert bench.count["aer_unexpected_cpl"] == 1
        assert await bench.memory(1) == [0] * 1024, "late data was taken"
        (last,) = await bench.held_reads(1)  # the late Completion ends the quarantine
        await answer(bench, [*reads, last], 0xF00D)
        assert await bench.finished(1) == Status.DONE
        await bench.write(1, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
        assert await bench.memory(1) == [0xF00D] * 512 + [0] * 512
        await bench.scrub(1)


@cocotb.test(**LIMIT)
async def a_quarantine_without_completion_ends_after_a_long_time(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.held = []
    await bench.transfer(0, 0x1000, 0, 2048, 0)
    lost = await bench.held_reads(4)
    await bench.until(lambda: bench.count["aer_cpl_timeout"] == 4)
    await bench.finished(0)
    await bench.transfer(0, 0x1000, 0, 512, 0)
    await cycles(dut, 7 * TIMEOUT)
    assert not bench.held, "all that the function may have is in quarantine"
    others = [bench.tdis - 1] * 10
    for tdi in others:
        await bench.transfer(tdi, 0x1000, 0, 2048, 0)
        reads = await bench.held_reads(4)
        assert not {t.tag for t in reads} & {t.tag for t in lost}, "another function got the tag"
        await answer(bench, reads, 4)
        assert await bench.finished(tdi) == Status.DONE
        await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [Status.DONE])
    await bench.until(lambda: bool(bench.held), 2 * TIMEOUT)
    (read,) = await bench.held_reads(1)
    await answer(bench, [read], 3)
    assert (await bench.memory(0))[:128] == [3] * 128


@cocotb.test(**LIMIT)
async def clearing_removes_everything_of_one_function_and_nothing_of_another(dut: Any) -> None:
    bench = await AppBench(dut).start()
    image = await bench.fill(0)
    for tdi in (0, 1):
        await bench.fill(tdi) if tdi else None
        await bench.msix_entry(tdi, 2, 0x5_0000_0000, 9, 0)
        await bench.write(tdi, 0, Bar0.PUBLIC + PublicRegister.SCRATCH, [0x1234])
        scratch = [bench.rng.getrandbits(32) | 1 for _ in range(16)]
        await bench.write(tdi, 0, Bar0.REGISTERS + Register.SCRATCH, scratch)
        await bench.transfer(tdi, 0x1_0000_0000, 8, 64, Control.WRITE_HOST, 3)
        await bench.finished(tdi)
    kept = await bench.read(0, 0, Bar0.REGISTERS, 24)
    bench.dut.tdi_scrub_req.value = 2
    await cycles(dut, 1)
    bench.dut.tdi_scrub_req.value = 0
    await cycles(dut, 1)
    assert int(dut.tdi_scrub_busy.value) == 2, "busy from the next cycle"
    await bench.until(lambda: int(dut.tdi_scrub_busy.value) == 0)
    fresh = await bench.read(2, 0, Bar0.REGISTERS, 1024)
    assert fresh[1:] == [0] * 1023
    assert await bench.read(1, 0, Bar0.REGISTERS, 1024) == fresh
    assert (await bench.read(1, 0, Bar0.PUBLIC, 1024))[1:] == [0] * 1023
    assert await bench.memory(1) == [0] * 1024
    assert await bench.read(1, 2, Bar2.MSIX_TABLE, 1024) == [0, 0, 0, 1] * 4 + [0] * 1008
    assert await bench.read(1, 2, Bar2.MSIX_PBA, 1024) == [0] * 1024
    assert await bench.read(0, 0, Bar0.REGISTERS, 24) == kept
    assert await bench.memory(0) == image
    assert (await bench.read(0, 2, Bar2.MSIX_TABLE + 32, 4)) == [0, 5, 9, 0]


@cocotb.test(**LIMIT)
async def clearing_during_a_transfer_leaves_nothing_behind(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for control in (0, Control.WRITE_HOST) * 3:
        await bench.fill(1)
        await bench.transfer(1, 0x1000, 0, 4096, control)
        await cycles(dut, bench.rng.randint(5, 150))
        await bench.scrub(1)
        await bench.until(lambda: bench.drained(1))
        assert await bench.memory(1) == [0] * 1024
        assert await bench.register(1, Register.STATUS) == 0


@cocotb.test(**LIMIT)
async def reset_clears_all_functions(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for tdi in range(bench.tdis):
        await bench.fill(tdi)
    dut.rst.value = 1
    await cycles(dut, 2)
    dut.rst.value = 0
    await cycles(dut, 1)
    assert int(dut.tdi_scrub_busy.value) == (1 << bench.tdis) - 1
    await bench.until(lambda: int(dut.tdi_scrub_busy.value) == 0)
    for tdi in range(bench.tdis):
        assert await bench.memory(tdi) == [0] * 1024
