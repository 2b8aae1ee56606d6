# SPDX-License-Identifier: Apache-2.0
"""gcm_stream against `cryptography`, published vectors, and its promises about keys."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from tests.unit.aes_zero import zero_key_cipher
from tests.unit.gcm_bench import (
    Bench,
    Channel,
    Job,
    Vector,
    nist_vectors,
    random_length,
    stored_vectors,
)

NUM_CTX = int(os.environ.get("NUM_CTX", "8"))


class StreamBench(Bench):
    """gcm_stream after reset, with its key ports."""

    def __init__(self, dut: Any, stall: float = 0.0) -> None:
        super().__init__(dut, 16, stall)
        self.keys = Channel(dut, "key_", self.rng, 0.0)
        self.clears = Channel(dut, "key_clear_", self.rng, 0.0)

    async def up(self) -> StreamBench:
        self.dut.key_valid.value = 0
        self.dut.key_clear_valid.value = 0
        await self.reset()
        await RisingEdge(self.dut.clk)
        while self.dut.busy.value == 1:
            assert self.dut.start_ready.value == 0
            assert self.dut.key_ready.value == 0
            await RisingEdge(self.dut.clk)
        return self

    async def load(self, ctx: int, key: bytes) -> None:
        await self.keys.send({"key_ctx": ctx, "key": int.from_bytes(key, "big")})

    async def clear(self, ctx: int) -> None:
        await self.clears.send({"key_clear_ctx": ctx})

    @staticmethod
    def request(job: Job) -> dict[str, int]:
        return {
            "start_ctx": job.ctx,
            "start_iv": int.from_bytes(job.iv, "big"),
            "start_aad": int.from_bytes(job.aad.ljust(32, b"\xa5"), "big"),
            "start_aad_len": len(job.aad),
            "start_decrypt": int(job.decrypt),
            "start_len": len(job.data),
        }

    async def check(self, jobs: Sequence[Job]) -> None:
        await self.run(jobs, self.request)

    def random_jobs(self, keys: Sequence[bytes], count: int, longest: int) -> list[Job]:
        rng = self.rng
        jobs = []
        for _ in range(count):
            ctx = rng.randrange(len(keys))
            aad = rng.randbytes(rng.choice((0, 1, 15, 16, 17, 20, 31, 32, rng.randint(0, 32))))
            plain = rng.randbytes(random_length(rng, longest))
            decrypt = rng.random() < 0.5
            jobs.append(Job.make(ctx, keys[ctx], rng.randbytes(12), aad, plain, decrypt))
        return jobs


async def check_vectors(bench: StreamBench, vectors: Sequence[Vector]) -> None:
    for first in range(0, len(vectors), NUM_CTX):
        group = vectors[first : first + NUM_CTX]
        for ctx, vector in enumerate(group):
            await bench.load(ctx, vector.key)
        await bench.check([v.job(ctx, d) for ctx, v in enumerate(group) for d in (False, True)])


@cocotb.test()
async def published_vectors_both_ways(dut: Any) -> None:
    await check_vectors(await StreamBench(dut).up(), stored_vectors("gcm.json"))


@cocotb.test()
async def nist_vectors_both_ways(dut: Any) -> None:
    vectors = nist_vectors(max_aad=32)
    assert len(vectors) > 200
    await check_vectors(await StreamBench(dut).up(), vectors)


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.8])
async def random_jobs_with_neighbouring_contexts(dut: Any, stall: float) -> None:
    bench = await StreamBench(dut, stall).up()
    keys = [bench.rng.randbytes(32) for _ in range(NUM_CTX)]
    for ctx, key in enumerate(keys):
        await bench.load(ctx, key)
    await bench.check(bench.random_jobs(keys, 120 if stall < 0.5 else 25, 4096))


@cocotb.test()
async def the_longest_payload(dut: Any) -> None:
    bench = await StreamBench(dut).up()
    key = bench.rng.randbytes(32)
    await bench.load(0, key)
    lengths = (8191, 8177, 8176, 4100, 4096)
    await bench.check([Job.make(0, key, bytes(12), b"", bytes(n), False) for n in lengths])


@cocotb.test()
async def a_key_change_takes_effect_between_invocations(dut: Any) -> None:
    """Starts, loads and clears in one order, payload and tags at their own pace."""
    bench = await StreamBench(dut, stall=0.1).up()
    rng = bench.rng
    keys: list[bytes] = [rng.randbytes(32) for _ in range(NUM_CTX)]
    for ctx, key in enumerate(keys):
        await bench.load(ctx, key)
    jobs: list[Job] = []
    loads: dict[int, tuple[int, bytes]] = {}
    for number in range(60):
        if rng.random() < 0.4:
            ctx = rng.randrange(NUM_CTX)
            keys[ctx] = rng.randbytes(32)
            loads[number] = (ctx, keys[ctx])
        jobs += bench.random_jobs(keys, 1, 100)

    async def requests() -> None:
        for number, job in enumerate(jobs):
            if number in loads:
                await bench.load(*loads[number])
            await bench.start.send(bench.request(job))

    parts = (requests(), bench.feed(jobs), bench.check_results(jobs), bench.check_tags(jobs))
    for task in [cocotb.start_soon(part) for part in parts]:
        await task
    assert dut.fault.value == 0


def keyless_job(rng: random.Random, ctx: int) -> Job:
    """What a context gives whose round keys and H are all zero."""
    iv, data = rng.randbytes(12), rng.randbytes(40)
    blocks = [zero_key_cipher(iv + n.to_bytes(4, "big")) for n in (1, 2, 3, 4)]
    result = bytes(a ^ b for a, b in zip(data, b"".join(blocks[1:]), strict=False))
    return Job(ctx, iv, rng.randbytes(20), data, False, result, blocks[0])


@cocotb.test()
async def a_cleared_context_holds_zero_round_keys_and_zero_h(dut: Any) -> None:
    bench = await StreamBench(dut).up()
    keys = [bench.rng.randbytes(32) for _ in range(NUM_CTX)]
    for ctx, key in enumerate(keys):
        await bench.load(ctx, key)
    await bench.check(bench.random_jobs(keys, 10, 64))
    gone = bench.rng.randrange(NUM_CTX)
    await bench.clear(gone)
    others = [job for job in bench.random_jobs(keys, 40, 64) if job.ctx != gone]
    await bench.check([keyless_job(bench.rng, gone), *others, keyless_job(bench.rng, gone)])


@cocotb.test()
async def reset_clears_every_context(dut: Any) -> None:
    bench = await StreamBench(dut).up()
    for ctx in range(NUM_CTX):
        await bench.load(ctx, bench.rng.randbytes(32))
    await bench.up()
    await bench.check([keyless_job(bench.rng, ctx) for ctx in range(NUM_CTX)])


@cocotb.test()
async def a_full_stream_takes_a_block_a_cycle(dut: Any) -> None:
    """In steady state: AAD blocks + payload blocks + 1 cycle for an invocation."""
    bench = await StreamBench(dut).up()
    key = bench.rng.randbytes(32)
    await bench.load(0, key)
    data = bench.rng.randbytes(256)
    jobs = [Job.make(0, key, n.to_bytes(12, "big"), bytes(16), data, False) for n in range(20)]
    ends: list[int] = []
    cycle = 0

    async def watch() -> None:
        nonlocal cycle
        while True:
            await RisingEdge(dut.clk)
            cycle += 1
            if dut.tag_valid.value == 1 and dut.tag_ready.value == 1:
                ends.append(cycle)

    watcher = cocotb.start_soon(watch())
    await bench.check(jobs)
    watcher.cancel()
    gaps = [b - a for a, b in pairwise(ends)]
    dut._log.warning("cycles per 256-byte invocation: %s", gaps)
    assert max(gaps) <= 16 + 2


@cocotb.test()
@cocotb.parametrize(kind=["early_tlast", "missing_tlast", "long_aad"])
async def misuse_raises_fault_and_gives_no_tag(dut: Any, kind: str) -> None:
    bench = await StreamBench(dut).up()
    key = bench.rng.randbytes(32)
    await bench.load(0, key)
    request = bench.request(Job.make(0, key, bytes(12), b"", bytes(64), False))
    if kind == "long_aad":
        request["start_aad_len"] = 33
    dut.m_axis_tready.value = 1
    dut.tag_ready.value = 1
    await bench.start.send(request)
    for beat in range(4 if kind == "missing_tlast" else 1):
        if kind != "long_aad":
            last = int(kind == "early_tlast")
            await bench.source.send({"s_axis_tdata": beat, "s_axis_tlast": last})
    for _ in range(60):
        await RisingEdge(dut.clk)
        assert dut.tag_valid.value == 0
    assert dut.fault.value == 1
    assert dut.start_ready.value == 0
    assert dut.key_ready.value == 0
    await bench.up()
    await bench.load(0, key)
    await bench.check([Job.make(0, key, bytes(12), b"aad", bytes(64), False)])
