# SPDX-License-Identifier: Apache-2.0
"""MSI-X of the function under protection."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.map import Bar0, Bar2, Control, Register, Status
from models.tdisp.codes import TdiState
from tests.unit.app_bench import AppBench
from tests.unit.tlp_bench import LIMIT, Tlp, cycles

ADDRESS = 0xFEE0_0000


async def interrupt(bench: AppBench, tdi: int, vector: int) -> None:
    """Let a short transfer end with an interrupt."""
    control = Control.WRITE_HOST | Control.INTERRUPT
    await bench.transfer(tdi, 0x1000, 0, 4, control, vector)
    await bench.finished(tdi)
    await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [Status.DONE])
    await cycles(bench.dut, 60)


def messages(bench: AppBench) -> list[Tlp]:
    """Interrupt messages so far; forgets them."""
    got = [t for t in bench.requests if t.side["msix"]]
    bench.requests.clear()
    return got


async def pending(bench: AppBench, tdi: int) -> int:
    return (await bench.read(tdi, 2, Bar2.MSIX_PBA))[0]


@cocotb.test(**LIMIT)
async def a_masked_vector_waits_and_leaves_once_with_the_entry_of_then(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for tdi in range(bench.tdis):
        for vector in range(4):
            await bench.msix_entry(tdi, vector, ADDRESS, 0, 1)
            await interrupt(bench, tdi, vector)
            await interrupt(bench, tdi, vector)
            assert messages(bench) == []
            assert await pending(bench, tdi) == 1 << vector
            await bench.msix_entry(tdi, vector, ADDRESS + 16 * tdi, 0x20 + vector, 0)
            await cycles(dut, 60)
            assert await pending(bench, tdi) == 0
            (message,) = messages(bench)
            assert message.data == (0x20 + vector,)
            assert message.address == ADDRESS + 16 * tdi
            assert message.requester == bench.rids[tdi]


@cocotb.test(**LIMIT)
async def the_function_mask_holds_all_vectors_of_its_function_only(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for tdi in (0, 1):
        for vector in (1, 2):
            await bench.msix_entry(tdi, vector, ADDRESS, vector, 0)
    bench.mask[0] = 1
    bench.apply()
    for vector in (1, 2):
        await interrupt(bench, 0, vector)
        await interrupt(bench, 1, vector)
    assert [(m.side["tdi"], m.data[0]) for m in messages(bench)] == [(1, 1), (1, 2)]
    assert await pending(bench, 0) == 6
    bench.mask[0] = 0
    bench.apply()
    await cycles(dut, 100)
    assert sorted((m.side["tdi"], m.data[0]) for m in messages(bench)) == [(0, 1), (0, 2)]
    assert await pending(bench, 0) == 0


@cocotb.test(**LIMIT)
async def a_disabled_function_loses_its_interrupts(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.msix_entry(0, 0, ADDRESS, 1, 0)
    bench.enable[0] = 0
    bench.apply()
    await interrupt(bench, 0, 0)
    assert await pending(bench, 0) == 0
    bench.enable[0] = 1
    bench.apply()
    await cycles(dut, 60)
    assert messages(bench) == []


@cocotb.test(**LIMIT)
async def a_pending_interrupt_of_an_old_life_never_fires(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 4)
    await bench.msix_entry(1, 0, ADDRESS, 0x55, 0)
    bench.mask[1] = 1
    bench.apply()
    await interrupt(bench, 1, 0)
    assert await pending(bench, 1) == 1
    await bench.set_state(1, TdiState.ERROR)
    bench.mask[1] = 0
    bench.apply()
    await cycles(dut, 100)
    assert messages(bench) == [], "ERROR sends nothing"
    await bench.scrub(1)
    await bench.set_state(1, TdiState.CONFIG_UNLOCKED)
    await cycles(dut, 100)
    assert messages(bench) == []
    assert await pending(bench, 1) == 0
    assert await bench.read(1, 2, Bar2.MSIX_TABLE, 16) == [0, 0, 0, 1] * 4
    await bench.msix_entry(1, 0, ADDRESS, 0x66, 0)
    await cycles(dut, 100)
    assert messages(bench) == []


@cocotb.test(**LIMIT)
async def a_quiesced_function_is_drained_when_what_is_due_has_left(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for vector in (0, 1):
        await bench.msix_entry(0, vector, ADDRESS, vector, 1)
        await interrupt(bench, 0, vector)
    assert bench.drained(0), "masked vectors are not due"
    bench.appreq.stall = 1.0
    await bench.msix_entry(0, 0, ADDRESS, 7, 0)
    bench.quiesce[0] = 1
    bench.apply()
    await cycles(dut, 100)
    assert not bench.drained(0)
    bench.appreq.stall = 0.0
    await bench.until(lambda: bench.drained(0))
    (message,) = messages(bench)
    assert message.data == (7,)


@cocotb.test(**LIMIT)
async def due_messages_of_a_function_that_may_not_send_hold_nothing_up(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.set_state(0, TdiState.RUN)
    await cycles(dut, 4)
    await bench.msix_entry(0, 0, ADDRESS, 1, 0)
    bench.mask[0] = 1
    bench.apply()
    await interrupt(bench, 0, 0)
    bench.bme[0] = bench.mask[0] = 0
    bench.apply()
    await cycles(dut, 4)
    assert bench.drained(0), "no Bus Master Enable"
    bench.bme[0] = 1
    await bench.set_state(0, TdiState.ERROR)
    await cycles(dut, 4)
    assert bench.drained(0), "ERROR"
    assert messages(bench) == []


@cocotb.test(**LIMIT)
async def a_lock_empties_the_table_that_it_takes_over(dut: Any) -> None:
    """What the host has written before counts no more, in the table as in the pending bits."""
    bench = await AppBench(dut).start()
    old = [ADDRESS, 0, 0x11, 0]
    for tdi in range(bench.tdis):
        for vector in range(4):
            await bench.msix_entry(tdi, vector, ADDRESS, 0x11, vector == 3)
        await interrupt(bench, tdi, 3)
    messages(bench)
    bench.msix_locked[0] = 1
    for tdi in (0, 1):
        await bench.set_state(tdi, TdiState.CONFIG_LOCKED)
    await cycles(dut, 40)
    for tdi in (0, 1):
        await bench.set_state(tdi, TdiState.RUN)
    await cycles(dut, 4)
    assert await bench.read(0, 2, Bar2.MSIX_TABLE, 16) == [0, 0, 0, 1] * 4
    assert await pending(bench, 0) == 0
    for vector in range(4):
        await interrupt(bench, 0, vector)
        assert messages(bench) == [], "an entry from before the LOCK was used"
    await bench.msix_entry(0, 2, ADDRESS + 64, 0x22, 0)
    await cycles(dut, 60)
    (message,) = messages(bench)
    assert (message.address, message.data) == (ADDRESS + 64, (0x22,))
    for tdi in range(1, bench.tdis):
        assert await bench.read(tdi, 2, Bar2.MSIX_TABLE, 12) == old * 3, "not taken over"
        assert await pending(bench, tdi) == 1 << 3


@cocotb.test(**LIMIT)
async def tables_taken_over_together_are_all_emptied(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for distance in range(8):
        for tdi in range(bench.tdis):
            for vector in range(4):
                await bench.msix_entry(tdi, vector, ADDRESS, 0x11, 0)
        bench.msix_locked = [1] * bench.tdis
        for tdi in reversed(range(bench.tdis)):
            await bench.set_state(tdi, TdiState.CONFIG_LOCKED)
            await cycles(dut, distance)
        await cycles(dut, 30)
        for tdi in range(bench.tdis):
            await bench.set_state(tdi, TdiState.RUN)
        await cycles(dut, 4)
        for tdi in range(bench.tdis):
            assert await bench.read(tdi, 2, Bar2.MSIX_TABLE, 16) == [0, 0, 0, 1] * 4, distance
            await bench.set_state(tdi, TdiState.CONFIG_UNLOCKED)
        await cycles(dut, 4)


@cocotb.test(**LIMIT)
async def a_rewritten_entry_never_leaves_half_old(dut: Any) -> None:
    bench = await AppBench(dut).start(stall=0.6)
    old, new = (0x1_0000_1000, 0x111), (0x2_0000_2000, 0x222)
    for delay in range(40):
        await bench.msix_entry(0, 0, *old, 1)
        await interrupt(bench, 0, 0)
        bench.mask[0] = 1
        bench.apply()
        await bench.msix_entry(0, 0, *old, 0)
        bench.mask[0] = 0
        bench.apply()
        await cycles(dut, delay % 20)
        # High part, low part and data are three writes: the mask holds the message meanwhile.
        await bench.write(0, 2, Bar2.MSIX_TABLE + 12, [1])
        await bench.write(0, 2, Bar2.MSIX_TABLE, [new[0] & 0xFFFFFFFF, new[0] >> 32, new[1]])
        await bench.write(0, 2, Bar2.MSIX_TABLE + 12, [0])
        await cycles(dut, 60)
        (message,) = messages(bench)
        assert (message.address, message.data[0]) in (old, new)
        assert await pending(bench, 0) == 0


@cocotb.test(**LIMIT)
async def an_entry_written_while_its_message_waits_is_the_one_that_leaves(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.msix_entry(0, 0, ADDRESS, 1, 1)
    await interrupt(bench, 0, 0)
    bench.appreq.stall = 1.0
    await bench.transfer(1, 0x1000, 0, 4, Control.WRITE_HOST)
    await bench.until(lambda: int(dut.appreq_tvalid.value) == 1)
    await bench.msix_entry(0, 0, ADDRESS, 1, 0)
    await cycles(dut, 60)
    assert messages(bench) == []
    await bench.write(0, 2, Bar2.MSIX_TABLE, [ADDRESS + 64, 7, 2])
    await cycles(dut, 20)
    bench.appreq.stall = 0.3
    await bench.until(lambda: any(t.side["msix"] for t in bench.requests))
    (message,) = messages(bench)
    assert (message.address, message.data) == (7 << 32 | ADDRESS + 64, (2,))
