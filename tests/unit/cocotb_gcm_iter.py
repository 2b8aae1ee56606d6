# SPDX-License-Identifier: Apache-2.0
"""gcm_iter against `cryptography` and a published record, and its promises about secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from tests.unit.gcm_bench import VECTORS, Bench, Job, random_length

SECRETS = (
    "key_q",
    "h_q",
    "mask_q",
    "next_q",
    "stream_q",
    "block_q",
    "u_aes.window_q",
    "u_aes.planes_q",
    "u_ghash.factor_q",
    "u_ghash.acc_q",
)


@dataclass(frozen=True)
class Record:
    """A job with the key it is done with."""

    key: bytes
    job: Job


class IterBench(Bench):
    """gcm_iter after reset."""

    def __init__(self, dut: Any, stall: float = 0.0) -> None:
        super().__init__(dut, 4, stall)
        self.tags.timeout = 100_000  # the longest record

    async def up(self) -> IterBench:
        await self.reset()
        return self

    def beat(self, data: bytes, offset: int) -> dict[str, int]:
        exact = (1 << len(data[offset : offset + 4])) - 1
        keep = self.rng.choice((exact, 0xF))
        return {**super().beat(data, offset), "s_axis_tkeep": keep}

    async def check(self, records: Sequence[Record]) -> None:
        keys: Iterator[bytes] = iter(record.key for record in records)
        jobs = [record.job for record in records]
        await self.run(jobs, lambda job: self.request(next(keys), job))

    @staticmethod
    def request(key: bytes, job: Job) -> dict[str, int]:
        return {
            "key": int.from_bytes(key, "big"),
            "iv": int.from_bytes(job.iv, "big"),
            "aad": int.from_bytes(job.aad, "big"),
            "start_decrypt": int(job.decrypt),
            "start_len": len(job.data),
        }

    def record(self, length: int) -> Record:
        rng = self.rng
        key, iv, aad = rng.randbytes(32), rng.randbytes(12), rng.randbytes(6)
        return Record(key, Job.make(0, key, iv, aad, rng.randbytes(length), rng.random() < 0.5))

    def secrets(self) -> dict[str, Any]:
        values = {}
        for path in SECRETS:
            handle = self.dut
            for name in path.split("."):
                handle = getattr(handle, name)
            values[path] = handle.value
        return values


@cocotb.test()
async def published_records_both_ways(dut: Any) -> None:
    bench = await IterBench(dut).up()
    entries = json.loads((VECTORS / "records.json").read_text(encoding="utf-8"))
    records = []
    for entry in entries:
        key, iv, aad, plain, cipher, tag = (
            bytes.fromhex(entry[name]) for name in ("key", "iv", "aad", "plain", "cipher", "tag")
        )
        records.append(Record(key, Job(0, iv, aad, plain, False, cipher, tag)))
        records.append(Record(key, Job(0, iv, aad, cipher, True, plain, tag)))
    await bench.check(records)


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.8])
async def random_records(dut: Any, stall: float) -> None:
    bench = await IterBench(dut, stall).up()
    lengths = [random_length(bench.rng, 600) for _ in range(40 if stall < 0.5 else 15)]
    await bench.check([bench.record(length) for length in lengths])


@cocotb.test()
async def every_short_length(dut: Any) -> None:
    bench = await IterBench(dut).up()
    await bench.check([bench.record(length) for length in range(50)])


@cocotb.test()
async def the_longest_record(dut: Any) -> None:
    bench = await IterBench(dut).up()
    await bench.check([bench.record(0xFFFF)])


@cocotb.test()
async def secrets_are_gone_when_the_tag_was_taken(dut: Any) -> None:
    bench = await IterBench(dut).up()
    for length in (0, 1, 40, 64):
        await bench.check([bench.record(length)])
        assert not {name for name, value in bench.secrets().items() if int(value) != 0}


@cocotb.test()
async def reset_forgets_a_record_under_way(dut: Any) -> None:
    bench = await IterBench(dut).up()
    record = bench.record(64)
    await bench.start.send(bench.request(record.key, record.job))
    await bench.cycles(45)
    assert int(dut.key_q.value) != 0
    dut.rst.value = 1
    await bench.cycles(2)
    assert not {name for name, value in bench.secrets().items() if int(value) != 0}
    dut.rst.value = 0
    await bench.check([bench.record(20)])


@cocotb.test()
@cocotb.parametrize(kind=["early_tlast", "missing_tlast", "missing_byte"])
async def misuse_raises_fault_forgets_and_gives_no_tag(dut: Any, kind: str) -> None:
    bench = await IterBench(dut).up()
    record = bench.record(8)
    dut.m_axis_tready.value = 1
    dut.tag_ready.value = 1
    await bench.start.send(bench.request(record.key, record.job))
    keep = 0x7 if kind == "missing_byte" else 0xF
    last = int(kind == "early_tlast")
    for _ in range(2 if kind == "missing_tlast" else 1):
        beat = {"s_axis_tdata": 1, "s_axis_tkeep": keep, "s_axis_tlast": last}
        await bench.source.send(beat)
    for _ in range(60):
        await RisingEdge(dut.clk)
        assert dut.tag_valid.value == 0
    assert dut.fault.value == 1
    assert dut.start_ready.value == 0
    assert not {name for name, value in bench.secrets().items() if int(value) != 0}
    await bench.up()
    await bench.check([bench.record(20)])
