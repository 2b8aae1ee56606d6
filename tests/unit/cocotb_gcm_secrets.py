# SPDX-License-Identifier: Apache-2.0
"""gcm_stream from inside: what is left of secrets in its registers and memories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from tests.unit.cocotb_gcm_stream import NUM_CTX, StreamBench
from tests.unit.gcm_bench import Job

STORE_WORDS = 32
NUM_ROUND_KEYS = 15
REGISTERS = (
    "u_key_ctrl.u_expand.window_q",
    "u_key_stream.u_ram.read_data",
    "u_datapath.h_q",
    "u_datapath.hash_h_q",
    "u_datapath.tag_mask_q",
    "u_datapath.u_ghash.acc_q",
    "u_h.read_data",
    "u_pipe.out_planes_q",
)


def inside(dut: Any, path: str) -> int:
    handle = dut
    for name in path.split("."):
        handle = getattr(handle, name)
    return int(handle.value)


def transient(dut: Any) -> Iterator[tuple[str, int]]:
    """Everything that may hold a secret of an invocation or a key being loaded."""
    for path in REGISTERS:
        yield path, inside(dut, path)
    for number in range(NUM_ROUND_KEYS):
        stage = dut.u_pipe.g_round[number]
        yield f"stage {number}", int(stage.planes_q.value)
        yield f"key register {number}", int(stage.u_keys.read_data.value)
    for word in range(STORE_WORDS):
        yield f"key stream {word}", int(dut.u_key_stream.u_ram.mem[word].value)


def context(dut: Any, ctx: int) -> list[int]:
    """H and round keys of a context."""
    rounds = [dut.u_pipe.g_round[n].u_keys.mem[ctx].value for n in range(NUM_ROUND_KEYS)]
    return [int(value) for value in (dut.u_h.mem[ctx].value, *rounds)]


async def loaded(dut: Any) -> tuple[StreamBench, list[Job]]:
    bench = await StreamBench(dut).up()
    keys = [bench.rng.randbytes(32) for _ in range(NUM_CTX)]
    for ctx, key in enumerate(keys):
        await bench.load(ctx, key)
    jobs = bench.random_jobs(keys, 6, 300)
    await bench.check(jobs)
    for ctx in range(NUM_CTX):
        assert all(context(dut, ctx))
    return bench, jobs


@cocotb.test()
async def nothing_of_an_invocation_is_left(dut: Any) -> None:
    bench, _ = await loaded(dut)
    await bench.cycles(STORE_WORDS + 5)
    assert not {name for name, value in transient(dut) if value != 0}


@cocotb.test()
async def clear_zeroes_one_context(dut: Any) -> None:
    bench, _ = await loaded(dut)
    await bench.clear(1)
    await bench.cycles(2)
    assert not any(context(dut, 1))
    assert all(context(dut, 0))


@cocotb.test()
async def reset_zeroes_everything_before_busy_falls(dut: Any) -> None:
    bench, jobs = await loaded(dut)
    await bench.start.send(bench.request(jobs[0]))
    await bench.cycles(25)
    await bench.up()
    assert not {name for name, value in transient(dut) if value != 0}
    for ctx in range(NUM_CTX):
        assert not any(context(dut, ctx))


@cocotb.test()
async def fault_wipes_the_keys(dut: Any) -> None:
    bench, _ = await loaded(dut)
    job = Job.make(0, bytes(32), bytes(12), b"", bytes(640), False)
    await bench.start.send(bench.request(job))
    dut.m_axis_tready.value = 1
    await bench.source.send({"s_axis_tdata": 0, "s_axis_tlast": 1})
    for _ in range(100):
        await RisingEdge(dut.clk)
    assert dut.fault.value == 1
    assert not {name for name, value in transient(dut) if value != 0}
    for ctx in range(NUM_CTX):
        assert not any(context(dut, ctx))
