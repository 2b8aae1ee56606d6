# SPDX-License-Identifier: Apache-2.0
"""Interrupts of the function under protection by its MSI capability."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import cocotb

from models.app.map import Bar2, Control
from models.app.msi import CONTROL_RESET, ENABLE, VECTORS, Msi
from models.tdisp.codes import TdiState
from tests.unit.app_bench import AppBench
from tests.unit.cocotb_app_msix import interrupt
from tests.unit.tlp_bench import LIMIT, Tlp, cycles

ADDRESS = 0xFEE0_0000
GRANTED = {1: 0, 2: 1, 4: 2}  # code of Multiple Message Enable


def registers(tdi: int = 0, granted: int = 4, mask: int = 0) -> Msi:
    """Registers of a function with MSI enabled; address and data tell its number."""
    control = CONTROL_RESET | ENABLE | GRANTED[granted] << 20
    return Msi(control, 1 << 32 | ADDRESS + 16 * tdi, 0xA503 + 16 * tdi, mask)


async def bench_with(dut: Any, **fields: int) -> AppBench:
    """MSI is enabled in all functions, MSI-X in none."""
    bench = AppBench(dut)
    bench.msi = [registers(tdi, **fields) for tdi in range(bench.tdis)]
    bench.enable = [0] * bench.tdis
    return await bench.start()


def messages(bench: AppBench) -> list[Tlp]:
    """Interrupts by MSI so far; forgets them and all else. None claims to be one of MSI-X."""
    got = [t for t in bench.requests if t.side["msi"]]
    assert not any(t.side["msix"] for t in bench.requests)
    bench.requests.clear()
    return got


def pending(bench: AppBench, tdi: int) -> int:
    """Pending bits of a function as configuration space will show them."""
    value = int(bench.dut.msi_pending.value)
    return sum((value >> bench.tdis * v + tdi & 1) << v for v in range(VECTORS))


def change(bench: AppBench, tdi: int, **fields: int) -> None:
    """Other values of some registers."""
    bench.msi[tdi] = replace(bench.msi[tdi], **fields)
    bench.apply()


@cocotb.test(**LIMIT)
async def each_vector_leaves_as_the_message_that_stands_for_it(dut: Any) -> None:
    bench = await bench_with(dut)
    for granted in GRANTED:
        bench.msi = [registers(tdi, granted) for tdi in range(bench.tdis)]
        bench.apply()
        for tdi in range(bench.tdis):
            for vector in range(VECTORS):
                await interrupt(bench, tdi, vector)
                wanted = bench.msi[tdi].message(vector)
                assert wanted is not None
                (message,) = messages(bench)
                assert (message.address, message.data) == (wanted.address, (wanted.data,))
                assert message.requester == bench.rids[tdi]
                assert not message.side["pasid"]


@cocotb.test(**LIMIT)
async def a_masked_vector_waits_and_leaves_once_with_the_registers_of_then(dut: Any) -> None:
    bench = await bench_with(dut, mask=0xF)
    for tdi in range(bench.tdis):
        for vector in range(VECTORS):
            await interrupt(bench, tdi, vector)
            await interrupt(bench, tdi, vector)
            assert messages(bench) == []
            assert pending(bench, tdi) == 1 << vector
            change(bench, tdi, mask=0xF & ~(1 << vector), data=0x40)
            await cycles(dut, 60)
            assert pending(bench, tdi) == 0
            (message,) = messages(bench)
            assert message.data == (0x40 + vector,)
            change(bench, tdi, mask=0xF)


@cocotb.test(**LIMIT)
async def a_vector_that_is_not_granted_any_more_waits(dut: Any) -> None:
    bench = await bench_with(dut, mask=0xF)
    await interrupt(bench, 1, 3)
    for granted in (1, 2):
        change(bench, 1, control=registers(1, granted).control, mask=0)
        await cycles(dut, 60)
        assert messages(bench) == []
        assert bench.drained(1)
    change(bench, 1, control=registers(1).control)
    await cycles(dut, 60)
    assert len(messages(bench)) == 1


@cocotb.test(**LIMIT)
async def msix_enable_wins_where_both_are_enabled(dut: Any) -> None:
    bench = await bench_with(dut, mask=1)
    await bench.msix_entry(0, 0, ADDRESS + 0x100, 7, 0)
    await interrupt(bench, 0, 0)
    assert pending(bench, 0) == 1
    bench.enable[0] = 1
    change(bench, 0, mask=0)
    await cycles(dut, 60)
    assert messages(bench) == [], "what MSI has held back"
    await interrupt(bench, 0, 0)
    (message,) = (t for t in bench.requests if t.side["msix"])
    assert not message.side["msi"]
    assert (message.address, message.data) == (ADDRESS + 0x100, (7,))
    bench.requests.clear()
    bench.enable[0] = 0
    bench.apply()
    await cycles(dut, 60)
    assert len(messages(bench)) == 1, "one that came before"
    assert (await bench.read(0, 2, Bar2.MSIX_PBA))[0] == 0


@cocotb.test(**LIMIT)
async def a_disabled_function_loses_its_interrupts(dut: Any) -> None:
    bench = await bench_with(dut)
    change(bench, 0, control=CONTROL_RESET)
    await interrupt(bench, 0, 0)
    assert pending(bench, 0) == 0
    change(bench, 0, control=registers().control)
    await cycles(dut, 60)
    assert messages(bench) == []


@cocotb.test(**LIMIT)
async def a_pending_interrupt_of_an_old_life_never_fires(dut: Any) -> None:
    bench = await bench_with(dut, mask=0xF)
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 4)
    await interrupt(bench, 1, 0)
    assert pending(bench, 1) == 1
    await bench.set_state(1, TdiState.ERROR)
    change(bench, 1, mask=0)
    await cycles(dut, 100)
    assert messages(bench) == [], "ERROR sends nothing"
    await bench.scrub(1)
    await bench.set_state(1, TdiState.CONFIG_UNLOCKED)
    await cycles(dut, 100)
    assert messages(bench) == []
    assert pending(bench, 1) == 0


@cocotb.test(**LIMIT)
async def a_quiesced_function_is_drained_when_what_is_due_has_left(dut: Any) -> None:
    bench = await bench_with(dut, mask=0xF)
    for vector in (0, 1):
        await interrupt(bench, 0, vector)
    assert bench.drained(0), "masked vectors are not due"
    bench.appreq.stall = 1.0
    bench.quiesce[0] = 1
    change(bench, 0, mask=0xE)
    await cycles(dut, 100)
    assert not bench.drained(0)
    bench.appreq.stall = 0.0
    await bench.until(lambda: bench.drained(0))
    (message,) = messages(bench)
    assert message.data[0] & 3 == 0


@cocotb.test(**LIMIT)
async def due_messages_of_a_function_that_may_not_send_hold_nothing_up(dut: Any) -> None:
    bench = await bench_with(dut, mask=0xF)
    await interrupt(bench, 0, 0)
    bench.bme[0] = 0
    change(bench, 0, mask=0)
    await cycles(dut, 40)
    assert bench.drained(0), "no Bus Master Enable"
    bench.bme[0] = 1
    await bench.set_state(0, TdiState.ERROR)
    await cycles(dut, 40)
    assert bench.drained(0), "ERROR"
    assert messages(bench) == []


@cocotb.test(**LIMIT)
async def registers_that_change_while_a_message_waits_are_those_that_count(dut: Any) -> None:
    bench = await bench_with(dut, mask=0xF)
    await interrupt(bench, 0, 2)
    bench.appreq.stall = 1.0
    await bench.transfer(1, 0x1000, 0, 4, Control.WRITE_HOST)
    await bench.until(lambda: int(dut.appreq_tvalid.value) == 1)
    change(bench, 0, mask=0)
    await cycles(dut, 60)
    change(bench, 0, address=7 << 32 | ADDRESS, data=0x30)
    await cycles(dut, 20)
    bench.appreq.stall = 0.3
    await bench.until(lambda: any(t.side["msi"] for t in bench.requests))
    (message,) = messages(bench)
    assert (message.address, message.data) == (7 << 32 | ADDRESS, (0x32,))


@cocotb.test(**LIMIT)
async def messages_of_both_kinds_take_turns(dut: Any) -> None:
    """A function with MSI and one with MSI-X, with all their vectors due at once."""
    bench = await bench_with(dut, mask=0xF)
    bench.enable[1] = bench.mask[1] = 1
    bench.apply()
    for vector in range(VECTORS):
        await bench.msix_entry(1, vector, ADDRESS, vector, 0)
        for tdi in (0, 1):
            await interrupt(bench, tdi, vector)
    bench.requests.clear()
    bench.appreq.stall = 0.9
    bench.mask[1] = 0
    change(bench, 0, mask=0)
    await bench.until(lambda: len(bench.requests) == 2 * VECTORS)
    kinds = [t.side["msi"] for t in bench.requests]
    assert sum(kinds) == VECTORS
    assert all(one != next_one for one, next_one in pairwise(kinds)), kinds
    for tdi in (0, 1):
        sent = [t.data[0] & 3 for t in bench.requests if t.side["tdi"] == tdi]
        assert sorted(sent) == list(range(VECTORS))
