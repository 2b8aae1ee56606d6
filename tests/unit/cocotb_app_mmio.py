# SPDX-License-Identifier: Apache-2.0
"""The completer of the function under protection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import cocotb

from models.app.function import FunctionModel
from models.app.map import PAGE, PUBLIC_ID_VALUE, Bar0, Bar2, Register
from models.app.rom import EXPANSION_ROM
from models.pcie.codes import CplStatus
from models.tdisp.codes import TdiState
from tests.unit.app_bench import AppBench
from tests.unit.tlp_bench import LIMIT, Tlp, cycles, memory_read

REGIONS = (
    (0, Bar0.REGISTERS, 0x80),
    (0, Bar0.PUBLIC, 0x10),
    (0, Bar0.MEMORY, PAGE),
    (2, Bar2.MSIX_TABLE, 0x60),
    (2, Bar2.MSIX_PBA, 0x20),
)
ROM_PAGE = 0x3000  # of BAR0, inside the device
CONTROL_AND_STATUS = range(Register.CONTROL // 4, Register.STATUS // 4 + 1)


def region(bench: AppBench) -> tuple[int, int, int]:
    """BAR, offset and length of a random access inside one region."""
    bar, base, size = bench.rng.choice(REGIONS)
    start = bench.rng.randrange(size // 4)
    length = min(size // 4 - start, bench.rng.choice((1, 1, 2, 3, 5, 8, 31, 32, 70)))
    return bar, base + 4 * start, length


async def random_access(bench: AppBench, models: list[FunctionModel]) -> None:
    tdi = bench.rng.randrange(bench.tdis)
    bar, offset, length = region(bench)
    first, last = bench.rng.randint(0, 15), bench.rng.randint(1, 15)
    enables = (first, 0) if length == 1 else (first or 8, last)
    if bench.rng.random() < 0.5:
        got = await bench.read(tdi, bar, offset, length, enables=enables)
        for number, value in enumerate(got):
            assert value in models[tdi].read_dword(bar, offset + 4 * number)
        return
    data = [bench.rng.getrandbits(32) for _ in range(length)]
    if bar == 0 and offset < PAGE:  # no transfer may start here
        data = [0 if offset // 4 + n in CONTROL_AND_STATUS else v for n, v in enumerate(data)]
    await bench.write(tdi, bar, offset, data, enables=enables)
    for number, value in enumerate(data):
        be = enables[0] if number == 0 else enables[1] if number == length - 1 else 0xF
        models[tdi].write_dword(bar, offset + 4 * number, value, be)


@cocotb.test(**LIMIT)
async def random_accesses_of_all_functions_read_what_the_model_says(dut: Any) -> None:
    bench = await AppBench(dut).start()
    models = [FunctionModel() for _ in range(bench.tdis)]
    for number in range(250):
        bench.payload = bench.rng.randrange(3)
        bench.apply()
        await random_access(bench, models)
        if number == 120:
            await bench.set_state(1, TdiState.RUN)
    for tdi in range(bench.tdis):
        assert await bench.memory(tdi) == [
            min(models[tdi].read_dword(0, Bar0.MEMORY + 4 * n)) for n in range(PAGE // 4)
        ]


@cocotb.test(**LIMIT)
async def the_expansion_rom_is_read_as_it_is_and_never_written(dut: Any) -> None:
    bench = await AppBench(dut).start()
    words = [int.from_bytes(EXPANSION_ROM[n : n + 4], "little") for n in range(0, PAGE, 4)]
    for start, length in ((0, 14), (12, 1), (6, 3), (0, 1), (14, 70), (1023, 1)):
        got = await bench.read(0, 0, ROM_PAGE + 4 * start, length)
        assert list(got) == words[start : start + length]
        await bench.write(0, 0, ROM_PAGE + 4 * start, [0xFFFFFFFF] * length)
    assert list(await bench.read(0, 0, ROM_PAGE, 14)) == words[:14]
    model = FunctionModel()
    for at in range(0, 0x40, 4):
        assert (await bench.read(0, 0, at, 1))[0] in model.read_dword(0, at), "registers"


@cocotb.test(**LIMIT)
async def every_byte_enable_gives_its_byte_count_and_writes_its_bytes(dut: Any) -> None:
    bench = await AppBench(dut).start()
    model = FunctionModel()
    for first in range(16):
        for last in (None, *range(1, 16)):
            length = 1 if last is None else 3
            enables = (first, 0) if last is None else (first or 1, last)
            data = [bench.rng.getrandbits(32) for _ in range(length)]
            await bench.write(0, 0, Bar0.MEMORY + 0x7C, data, enables=enables)
            for number, value in enumerate(data):
                be = enables[0] if number == 0 else enables[1] if number == length - 1 else 15
                model.write_dword(0, Bar0.MEMORY + 0x7C + 4 * number, value, be)
            got = await bench.read(0, 0, Bar0.MEMORY + 0x7C, length, enables=enables)
            assert [{v} for v in got] == [
                model.read_dword(0, Bar0.MEMORY + 0x7C + 4 * n) for n in range(length)
            ]


@cocotb.test(**LIMIT)
async def long_reads_are_cut_at_payload_boundaries(dut: Any) -> None:
    bench = await AppBench(dut).start()
    data = await bench.fill(2)
    for start, length in ((0, 1024), (1, 1023), (31, 34), (1023, 1), (5, 700), (992, 32)):
        bench.payload = bench.rng.randrange(3)
        bench.apply()
        got = await bench.read(2, 0, Bar0.MEMORY + 4 * start, length)
        assert got == data[start : start + length]


@cocotb.test(**LIMIT)
async def a_function_being_cleared_serves_nothing(dut: Any) -> None:
    bench = await AppBench(dut).start()
    await bench.fill(1)
    task = cocotb.start_soon(bench.scrub(1))
    await cycles(dut, 1)
    for bar, offset in ((0, Bar0.MEMORY), (0, Bar0.PUBLIC), (2, Bar2.MSIX_TABLE)):
        parts = await bench.read_tlps(1, bar, offset, 4)
        assert [p.completion["status"] for p in parts] == [CplStatus.UR]
        assert parts[0].data == ()
    await bench.write(1, 0, Bar0.MEMORY + 0x40, [0xFFFFFFFF] * 8)
    assert int(dut.tdi_scrub_busy.value) == 2, "the write came too late for this test"
    other = await bench.read(0, 0, Bar0.PUBLIC)
    assert other == [PUBLIC_ID_VALUE]
    await task
    assert await bench.memory(1) == [0] * 1024


async def offer_across_state_change(bench: AppBench, offset: int, delay: int, t: int) -> int:
    """Status of a read offered `delay` cycles before its TDI leaves RUN."""
    side = {"tdi": 1, "bar": 0, "offset": offset, "ide": t, "t": t, "stream": bench.stream[1]}
    cocotb.start_soon(bench.mmio.send(memory_read(offset, 2, tag=7, **side)))
    await cycles(bench.dut, delay)
    await bench.set_state(1, TdiState.ERROR)
    status = (await bench.appcpl.next()).completion["status"]
    await cycles(bench.dut, 5)
    await bench.set_state(1, TdiState.RUN)
    await cycles(bench.dut, 5)
    return status


@cocotb.test(**LIMIT)
async def a_request_admitted_just_before_a_state_change_is_refused(dut: Any) -> None:
    bench = await AppBench(dut).start(stall=0, pause=0)
    await bench.fill(1)
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 5)
    for delay in (0, 1):
        assert await offer_across_state_change(bench, Bar0.MEMORY, delay, 1) == CplStatus.UR
        assert await offer_across_state_change(bench, Bar0.PUBLIC, delay, 1) == CplStatus.UR
        assert await offer_across_state_change(bench, Bar0.PUBLIC, delay, 0) == CplStatus.SC
    assert await offer_across_state_change(bench, Bar0.MEMORY, 4, 1) == CplStatus.SC


async def read_across(
    bench: AppBench, page: int, act: Callable[[], Awaitable[None]], t: int
) -> list[Tlp]:
    """Completions of a long read; `act` is done when the first of them has left."""
    way = {"ide": t, "t": t, "stream": bench.stream[1]}
    read = cocotb.start_soon(bench.read_tlps(1, 0, page + 8, 100, enables=(0xC, 0x3), **way))
    left: list[Tlp] = []
    bench.appcpl.on_tlp.append(left.append)
    await bench.until(lambda: bool(left))
    bench.appcpl.on_tlp.remove(left.append)
    await act()
    parts: list[Tlp] = await read
    return parts


@cocotb.test(**LIMIT)
async def a_read_whose_tdi_changes_under_it_ends_with_one_refusal(dut: Any) -> None:
    bench = await AppBench(dut).start()
    data = await bench.fill(1)

    async def fail() -> None:
        await bench.set_state(1, TdiState.ERROR)

    async def fail_and_come_back() -> None:
        await bench.set_state(1, TdiState.ERROR)
        await bench.set_state(1, TdiState.RUN)

    for act in (fail, fail_and_come_back):
        await bench.set_state(1, TdiState.RUN)
        await cycles(dut, 5)
        parts = await read_across(bench, Bar0.MEMORY, act, 1)
        statuses = [p.completion["status"] for p in parts]
        assert statuses in ([CplStatus.SC, CplStatus.UR], [CplStatus.SC] * 2 + [CplStatus.UR])
        got = [value for p in parts for value in p.data]
        assert got == data[2 : 2 + len(got)]
    await bench.set_state(1, TdiState.RUN)
    await cycles(dut, 5)
    public = await read_across(bench, Bar0.PUBLIC, fail, 0)
    assert all(p.completion["status"] == CplStatus.SC for p in public), "open in every state"
    assert await bench.read(1, 0, Bar0.PUBLIC, t=0, ide=0) == [PUBLIC_ID_VALUE]


@cocotb.test(**LIMIT)
async def a_read_whose_function_is_cleared_under_it_ends_with_one_refusal(dut: Any) -> None:
    bench = await AppBench(dut).start()
    for page in (Bar0.MEMORY, Bar0.PUBLIC):
        await bench.fill(1)
        tasks: list[Any] = []

        async def clear(tasks: list[Any] = tasks) -> None:
            tasks.append(cocotb.start_soon(bench.scrub(1)))

        parts = await read_across(bench, page, clear, 0)
        statuses = [p.completion["status"] for p in parts]
        assert statuses in ([CplStatus.SC, CplStatus.UR], [CplStatus.SC] * 2 + [CplStatus.UR])
        await tasks[0]
        assert await bench.memory(1) == [0] * (PAGE // 4)
