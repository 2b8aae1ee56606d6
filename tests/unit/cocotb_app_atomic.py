# SPDX-License-Identifier: Apache-2.0
"""AtomicOps of the function under protection to the host's memory."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.function import Transfer
from models.app.map import ATTRIBUTE_SHIFT, Bar0, Control, Register, Status
from models.pcie.codes import CplStatus, FmtType
from models.tdisp.codes import TdiState
from tests.unit.app_bench import AppBench, attributes
from tests.unit.tlp_bench import LIMIT, completion, cycles

FAILED = Status.DONE | Status.ERROR
KINDS = {
    Control.FETCH_ADD: (FmtType.FETCH_ADD32, FmtType.FETCH_ADD64),
    Control.SWAP: (FmtType.SWAP32, FmtType.SWAP64),
    Control.CAS: (FmtType.CAS32, FmtType.CAS64),
}
MASK = {4: 0xFFFFFFFF, 8: 0xFFFFFFFF_FFFFFFFF}


def words(value: int, size: int) -> list[int]:
    """DWs of a value of `size` bytes, the lowest first."""
    return [value >> 32 * n & 0xFFFFFFFF for n in range(size // 4)]


async def ended(bench: AppBench, tdi: int) -> int:
    """STATUS at the end; cleared for the next one."""
    status = await bench.finished(tdi)
    await bench.write(tdi, 0, Bar0.REGISTERS + Register.STATUS, [FAILED])
    return status


@cocotb.test(**LIMIT)
async def an_atomic_op_sends_its_operands_and_keeps_what_was_there(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.attr_enable = 7
    bench.apply()
    for number in range(60):
        kind, size = bench.rng.choice(list(KINDS)), bench.rng.choice((4, 8))
        tdi = number % bench.tdis
        host = bench.rng.choice((0x8000_0000, 0x1_0000_0000)) + size * bench.rng.randrange(500)
        device = 4 * bench.rng.randint(0, 1020)
        old, first, second = (bench.rng.getrandbits(8 * size) for _ in range(3))
        if kind is Control.CAS and bench.rng.random() < 0.5:
            first = old
        new = {
            Control.FETCH_ADD: old + first & MASK[size],
            Control.SWAP: first,
            Control.CAS: second if old == first else old,
        }[kind]
        operands = words(first, size) + (words(second, size) if kind is Control.CAS else [])
        bench.host.update({host // 4 + n: v for n, v in enumerate(words(old, size))})
        await bench.write(tdi, 0, Bar0.MEMORY + device, operands)
        bench.requests.clear()
        attr = bench.rng.randrange(8)
        control = kind | bench.rng.choice((0, Control.WRITE_HOST)) | attr << ATTRIBUTE_SHIFT
        await bench.transfer(tdi, host, device, size, control)
        assert await ended(bench, tdi) == Status.DONE
        (tlp,) = bench.requests
        assert tlp.fmt_type == KINDS[kind][host >> 32 > 0]
        assert (tlp.address, list(tlp.data)) == (host, operands)
        assert (tlp.requester, attributes(tlp), tlp.bits(107, 106)) == (bench.rids[tdi], attr, 0)
        assert [bench.host[host // 4 + n] for n in range(size // 4)] == words(new, size)
        after = words(old, size) + operands[size // 4 :]
        assert await bench.read(tdi, 0, Bar0.MEMORY + device, len(operands)) == after
    assert not any(bench.count.values())


@cocotb.test(**LIMIT)
async def atomic_ops_with_a_wrong_program_send_nothing(dut: Any) -> None:
    """Exactly what the model calls illegal, around every limit."""
    bench = await AppBench(dut).start()
    for kind in KINDS:
        for host, device, size in (
            (0x1000, 0, 4),
            (0x1000, 0, 0),
            (0x1000, 0, 2),
            (0x1000, 0, 8),
            (0x1000, 0, 12),
            (0x1000, 0, 16),
            (0x1000, 0, 0x8000_0004),
            (0x1004, 0, 4),
            (0x1004, 0, 8),
            (0x1FF8, 0, 8),
            (0x1FFC, 0, 4),
            (0x1000, 0xFFC, 4),
            (0x1000, 0xFF8, 8),
            (0x1000, 0xFF0, 8),
            (0x1000, 0x1000, 4),
        ):
            bench.requests.clear()
            await bench.transfer(0, host, device, size, kind)
            legal = Transfer(False, host, device, size, None, kind).legal
            what = f"{kind!r} of {size} bytes from {device:#x} to {host:#x}"
            assert await ended(bench, 0) == (Status.DONE if legal else FAILED), what
            assert len(bench.requests) == legal, what


@cocotb.test(**LIMIT)
async def atomic_ops_need_the_host_and_the_state(dut: Any) -> None:
    bench = await AppBench(dut).start()
    bench.atomic_enable = 0
    bench.apply()
    await bench.transfer(1, 0x1000, 0, 4, Control.SWAP)
    assert await ended(bench, 1) == FAILED
    await bench.transfer(1, 0x1000, 0, 4, 0)
    assert await ended(bench, 1) == Status.DONE, "reads are not AtomicOps"
    bench.atomic_enable = 1
    await bench.set_state(1, TdiState.CONFIG_LOCKED)
    bench.requests.clear()
    await cycles(dut, 4)
    await bench.transfer(1, 0x1000, 0, 4, Control.SWAP)
    await cycles(dut, 100)
    assert bench.requests == []


@cocotb.test(**LIMIT)
async def a_completion_that_is_no_answer_to_an_atomic_op_changes_nothing(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 4)
    image = await bench.fill(1)
    bench.held = []
    await bench.transfer(1, 0x1008, 0x40, 8, Control.CAS)
    (tlp,) = await bench.held_reads(1)
    good: dict[str, Any] = {
        "data": [1, 2],
        "byte_count": 8,
        "ide": 1,
        "t": 1,
        "stream": bench.stream[1],
    }
    wrong: list[dict[str, Any]] = [
        {"data": [1, 2, 3, 4], "byte_count": 16},
        {"data": [1, 2], "lower": 8},
        {"data": [1], "byte_count": 4},
        {"ide": 0, "t": 0},
        {"data": [], "byte_count": 4},
    ]
    for fields in wrong:
        await bench.cplin.send(completion(tlp.requester, tlp.tag, **{**good, **fields}))
    await cycles(dut, 10)
    assert bench.count == {**dict.fromkeys(bench.count, 0), "aer_unexpected_cpl": len(wrong)}
    assert await bench.memory(1) == image
    await bench.cplin.send(completion(tlp.requester, tlp.tag, **good))
    assert await ended(bench, 1) == Status.DONE
    assert await bench.read(1, 0, Bar0.MEMORY + 0x40, 3) == [1, 2, image[18]]


@cocotb.test(**LIMIT)
async def a_failed_atomic_op_fails_as_a_read_does(dut: Any) -> None:
    bench = await AppBench(dut).start()
    image = await bench.fill(1)
    bench.held = []
    for state, events in ((TdiState.CONFIG_UNLOCKED, 0), (TdiState.RUN, 1)):
        await bench.set_state(1, state)
        await cycles(dut, 4)
        for status in (CplStatus.UR, CplStatus.CA):
            before = bench.count["cpl_error_event"]
            await bench.transfer(1, 0x1000, 0, 4, Control.FETCH_ADD)
            (tlp,) = await bench.held_reads(1)
            await bench.cplin.send(bench.part(tlp, [], 1, 0, status=status))
            assert await ended(bench, 1) == FAILED
            assert bench.count["cpl_error_event"] - before == events
    assert await bench.memory(1) == image
