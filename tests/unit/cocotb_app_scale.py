# SPDX-License-Identifier: Apache-2.0
"""What must not depend on the number of functions: latency, fairness, the order of clearing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.map import Bar0, Bar2, Control, Register, Status
from models.app.msi import CONTROL_RESET, ENABLE, Msi
from models.pcie.codes import CplStatus
from models.tdisp.codes import TdiState
from tests.unit.app_bench import AppBench
from tests.unit.tlp_bench import LIMIT, Tlp, cycles

MAX_READS = 4  # of one function
MAX_TAGS = 32  # of all
ADDRESS = 0xFEE0_0000
WRITE_LATENCY = 7  # cycles from START to the write, with a look-up of its data
READ_LATENCY = 5  # cycles from START to the read
MSI_LATENCY = 4  # cycles from the end of a mask to the message
MESSAGE_LATENCY = 8  # cycles from the last beat of a transfer to its interrupt


def sample(bench: AppBench, count: int) -> list[int]:
    """Functions at the ends and some between, in no order."""
    inner = bench.rng.sample(range(bench.tdis), min(count, bench.tdis))
    chosen = list(dict.fromkeys((bench.tdis - 1, *inner, 0)))
    bench.rng.shuffle(chosen)
    return chosen


async def cycles_to(dut: Any, name: str) -> int:
    """Clock cycles until a pin is 1."""
    for count in range(100):
        await RisingEdge(dut.clk)
        if int(getattr(dut, name).value):
            return count
    raise AssertionError(f"{name} did not come")


@cocotb.test(**LIMIT)
async def an_idle_function_is_served_in_the_same_time_at_any_size(dut: Any) -> None:
    bench = await AppBench(dut).start(stall=0, pause=0)
    for tdi in sample(bench, 4):
        await bench.msix_entry(tdi, 2, ADDRESS, tdi, 0)
        await bench.transfer(tdi, 0x1000, 0, 4, Control.WRITE_HOST | Control.INTERRUPT, 2)
        write = await cycles_to(dut, "appreq_tvalid")
        message = await cycles_to(dut, "appreq_tvalid")
        await bench.finished(tdi)
        await bench.transfer(tdi, 0x1000, 0, 4, 0)
        read = await cycles_to(dut, "appreq_tvalid")
        await bench.finished(tdi)
        assert (write, message, read) == (WRITE_LATENCY, MESSAGE_LATENCY, READ_LATENCY), tdi


@cocotb.test(**LIMIT)
async def every_function_transfers_and_interrupts(dut: Any) -> None:
    """All at once, with data, memory, Requester ID and message of their own."""
    bench = await AppBench(dut).start()
    expected = {}
    for tdi in range(bench.tdis):
        expected[tdi] = [bench.rng.getrandbits(32) for _ in range(8)]
        await bench.msix_entry(tdi, tdi % 4, ADDRESS + 16 * tdi, 0x100 + tdi, 0)
        bench.host.update({0x4000 * tdi + n: v for n, v in enumerate(expected[tdi])})
        control = Control.INTERRUPT
        await bench.transfer(tdi, 0x1_0000 * tdi, 4 * (tdi % 64), 32, control, tdi % 4)
    await bench.until(lambda: sum(t.side["msix"] for t in bench.requests) == bench.tdis)
    for tlp in bench.requests:
        assert tlp.requester == bench.rids[tlp.side["tdi"]]
        if tlp.side["msix"]:
            tdi = tlp.data[0] - 0x100
            assert (tdi, tlp.address) == (tlp.side["tdi"], ADDRESS + 16 * tdi)
        else:
            assert tlp.address == 0x1_0000 * tlp.side["tdi"]
    bench.requests.clear()
    for tdi in range(bench.tdis):
        assert await bench.register(tdi, Register.STATUS) == Status.DONE
        await bench.transfer(tdi, 0x1_0000 * tdi + 0x8000, 4 * (tdi % 64), 32, Control.WRITE_HOST)
    for tdi in range(bench.tdis):
        assert await bench.finished(tdi) == Status.DONE
        base = 0x4000 * tdi + 0x2000
        assert [bench.host[base + n] for n in range(8)] == expected[tdi], f"TDI {tdi}"
    assert not any(bench.count.values())


async def all_tags(bench: AppBench, tdis: list[int]) -> list[Tlp]:
    """Let functions read more than there are tags for, and nobody answer."""
    bench.held = []
    for tdi in tdis:
        await bench.transfer(tdi, 0x1_0000 * tdi, 0, 4096, 0)
    tags = min(MAX_READS * bench.tdis, MAX_TAGS)
    return await bench.held_reads(min(tags, MAX_READS * len(tdis)))


@cocotb.test(**LIMIT)
async def the_tag_pool_is_shared_fairly(dut: Any) -> None:
    """A tag that becomes free goes to the function that has waited for the longest turn."""
    bench = await AppBench(dut).start()
    tdis = sorted(sample(bench, 14))
    out = await all_tags(bench, tdis)
    await cycles(dut, 200)
    assert not bench.held, "more reads than tags, or than a function may have"
    assert len({t.tag for t in out}) == len(out)
    assert max(Counter(t.side["tdi"] for t in out).values()) <= MAX_READS
    if len(out) < MAX_TAGS:
        return  # the tags are enough for all
    last = out[-1].side["tdi"]
    for _ in range(3 * len(tdis)):
        done = out.pop(bench.rng.randrange(len(out)))
        for part in bench.split(done):
            await bench.cplin.send(part)
        (read,) = await bench.held_reads(1)
        own = Counter(t.side["tdi"] for t in out)
        waiting = [t for t in tdis if own[t] < MAX_READS]
        expected = min((t for t in waiting if t > last), default=waiting[0])
        last = read.side["tdi"]
        assert last == expected
        assert read.tag not in {t.tag for t in out}
        out.append(read)


@cocotb.test(**LIMIT)
async def writes_and_interrupts_pass_functions_that_wait_for_tags(dut: Any) -> None:
    bench = await AppBench(dut).start()
    *readers, writer = sample(bench, 10)
    if not readers:
        return  # one function has one transfer
    await bench.msix_entry(writer, 0, ADDRESS, 7, 0)
    await all_tags(bench, readers)
    await bench.transfer(writer, 0x100, 0, 4096, Control.WRITE_HOST | Control.INTERRUPT)
    await bench.until(lambda: any(t.side["msix"] for t in bench.requests))
    assert await bench.finished(writer) == Status.DONE


@cocotb.test(**LIMIT)
async def a_completion_reaches_the_function_of_its_tag_only(dut: Any) -> None:
    """A tag of one function with the Requester ID of another, both of which wait."""
    bench = await AppBench(dut).start()
    tdis = sample(bench, 3)[:3]
    bench.held = []
    for tdi in tdis:
        await bench.transfer(tdi, 0x1000, 0, 64, 0)
    reads = await bench.held_reads(len(tdis))
    for read in reads:
        for other in tdis:
            if other != read.side["tdi"]:
                part = bench.part(read, [0xBAD] * 16, 16, 0x1000)
                rid = bench.rids[other] << 48
                await bench.cplin.send(Tlp(part.hdr & ~(0xFFFF << 48) | rid, part.data, part.side))
    await cycles(dut, 20)
    assert bench.count["aer_unexpected_cpl"] == len(tdis) * (len(tdis) - 1)
    for read in reversed(reads):
        await bench.cplin.send(bench.part(read, [read.side["tdi"]] * 16, 16, 0x1000))
    for tdi in tdis:
        assert await bench.finished(tdi) == Status.DONE
        assert (await bench.memory(tdi))[:17] == [tdi] * 16 + [0]


@cocotb.test(**LIMIT)
async def an_msi_leaves_as_soon_whatever_the_number_of_functions(dut: Any) -> None:
    bench = AppBench(dut)
    tdi = bench.tdis - 1
    bench.msi[tdi] = Msi(CONTROL_RESET | ENABLE, ADDRESS, 7, mask=1)
    bench.enable[tdi] = 0
    await bench.start(stall=0)
    await bench.transfer(tdi, 0x100, 0, 4, Control.WRITE_HOST | Control.INTERRUPT)
    assert await bench.finished(tdi) == Status.DONE
    bench.msi[tdi] = replace(bench.msi[tdi], mask=0)
    bench.apply()
    assert await cycles_to(dut, "appreq_tvalid") == MSI_LATENCY
    assert (int(dut.appreq_msi.value), int(dut.appreq_tdi.value)) == (1, tdi)


def sweep_cycles(dut: Any) -> int:
    """Cycles in which one function is cleared: every other one clears a beat of its memory."""
    return 2 * 1024 // len(dut.mmio_tkeep)


async def pulse_scrub(bench: AppBench, tdi: int) -> None:
    bench.dut.tdi_scrub_req.value = 1 << tdi
    await RisingEdge(bench.dut.clk)
    bench.dut.tdi_scrub_req.value = 0


@cocotb.test(**LIMIT)
async def a_stop_does_not_wait_for_what_only_reset_asked_for(dut: Any) -> None:
    bench = await AppBench(dut).start(cleared=False)
    tdi = bench.tdis - 1
    await bench.transfer(tdi, 0x1000, 0, 64, Control.WRITE_HOST)
    status = (await bench.read_tlps(tdi, 0, Bar0.REGISTERS, 1))[0].completion["status"]
    assert status == CplStatus.UR, "not cleared yet"
    bench.quiesce[tdi] = 1
    bench.apply()
    await bench.until(lambda: bench.drained(tdi), 20)
    await pulse_scrub(bench, tdi)
    limit = 3 * sweep_cycles(dut) + 20  # the one under way, that of reset, that of the STOP
    await bench.until(lambda: not int(dut.tdi_scrub_busy.value) >> tdi & 1, limit)
    busy = int(dut.tdi_scrub_busy.value)
    assert busy.bit_count() >= bench.tdis - 5
    bench.quiesce[tdi] = 0
    bench.apply()
    await cycles(dut, 2)
    assert bench.requests == []
    assert await bench.memory(tdi) == [0] * 1024
    assert await bench.register(tdi, Register.STATUS) == 0


@cocotb.test(**LIMIT)
async def functions_are_cleared_in_the_order_of_their_requests(dut: Any) -> None:
    bench = await AppBench(dut).start()
    asked = sample(bench, 6)
    for tdi in asked:
        await bench.write(tdi, 0, Bar0.MEMORY, [1])
    for tdi in asked:
        await pulse_scrub(bench, tdi)
    ended: list[int] = []
    await cycles(dut, 1)
    before = int(dut.tdi_scrub_busy.value)
    assert before == sum(1 << tdi for tdi in asked)
    while before:
        await RisingEdge(dut.clk)
        now = int(dut.tdi_scrub_busy.value)
        ended += [tdi for tdi in asked if (before & ~now) >> tdi & 1]
        before = now
    assert ended == asked
    for tdi in asked:
        assert await bench.read(tdi, 0, Bar0.MEMORY) == [0]


@cocotb.test(**LIMIT)
async def a_state_change_of_one_function_leaves_all_others_at_work(dut: Any) -> None:
    bench = await AppBench(dut).start()
    stopped, *others = sample(bench, 8)
    bench.held = []
    for tdi in (stopped, *others):
        await bench.transfer(tdi, 0x1_0000 * tdi, 0, 256, 0)
    reads = await bench.held_reads(1 + len(others))
    await bench.set_state(stopped, TdiState.CONFIG_LOCKED)
    for read in reads:
        await bench.cplin.send(bench.part(read, [read.side["tdi"] + 1] * 64, 64, read.address))
    for tdi in others:
        assert await bench.finished(tdi) == Status.DONE
        assert (await bench.memory(tdi))[:65] == [tdi + 1] * 64 + [0]
    await bench.set_state(stopped, TdiState.CONFIG_UNLOCKED)
    await cycles(dut, 2)
    assert (await bench.memory(stopped))[:64] == [0] * 64
    assert await bench.read(stopped, 2, Bar2.MSIX_PBA) == [0]
