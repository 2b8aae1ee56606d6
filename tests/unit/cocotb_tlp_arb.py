# SPDX-License-Identifier: Apache-2.0
"""tlp_arb: whole TLPs, order of Completions after requests, and fairness."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from tests.unit.tlp_bench import (
    LIMIT,
    Common,
    Tlp,
    TlpSink,
    TlpSource,
    completion,
    cycles,
    memory_write,
)

SOURCES = ("cfgcpl", "appcpl", "errcpl", "dma")


class Bench:
    """tlp_arb with a source on every input."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(cocotb.RANDOM_SEED)

    async def start(self, stall: float = 0.3, pause: float = 0.3) -> Bench:
        self.dut.rst.value = 1
        self.dut.ido_enable.value = 0
        cocotb.start_soon(Clock(self.dut.clk, 10, "ns").start())
        self.sources = {n: TlpSource(self.dut, n, self.rng, pause) for n in SOURCES}
        self.tx = TlpSink(self.dut, "tx", self.rng, stall)
        await cycles(self.dut, 3)
        self.dut.rst.value = 0
        return self

    def make(self, name: str, number: int) -> Tlp:
        """A TLP that names its source and number."""
        side: dict[str, Any] = {"ide": number & 1, "t": number >> 1 & 1, "stream": number % 3}
        side["pasid"] = self.rng.getrandbits(21) if name == "dma" else 0
        ident = SOURCES.index(name) << 12 | number
        size = self.rng.randint(1, 20)
        data = [ident << 16 | n for n in range(size)]
        if name == "dma":
            return memory_write(0x1000, data, requester=ident, **side)
        return completion(ident, 0, data=[] if name == "errcpl" else data, **side)


def source_of(tlp: Tlp) -> str:
    ident = tlp.requester if tlp.fmt_type == 0x40 else tlp.completion["requester"]
    return SOURCES[ident >> 12]


@cocotb.test(**LIMIT)
async def every_tlp_arrives_whole_and_in_the_order_of_its_source(dut: Any) -> None:
    bench = await Bench(dut).start()
    sent: dict[str, list[Tlp]] = {n: [bench.make(n, k) for k in range(60)] for n in SOURCES}

    async def feed(name: str) -> None:
        for tlp in sent[name]:
            await cycles(dut, bench.rng.choice((0, 0, 0, 5, 30)))
            await bench.sources[name].send(tlp)

    tasks = [cocotb.start_soon(feed(name)) for name in SOURCES]
    for task in tasks:
        await task
    await cycles(dut, 100)
    for name in SOURCES:
        assert [t for t in bench.tx.tlps if source_of(t) == name] == sent[name]
    assert len(bench.tx.tlps) == 240


@cocotb.test(**LIMIT)
async def completions_have_id_based_ordering_only_when_it_is_enabled(dut: Any) -> None:
    """Of the attributes of a request that are copied; its own requests keep theirs."""
    bench = await Bench(dut).start()
    for enabled in (0, 1):
        dut.ido_enable.value = enabled
        for name in SOURCES:
            for attr in range(8):
                plain = bench.make(name, 1)
                tlp, without = (
                    replace(plain, hdr=plain.hdr | Common(attr=a).dw0(0, 0) << 96)
                    for a in (attr, attr & 3)
                )
                await bench.sources[name].send(tlp)
                expected = tlp if enabled or name == "dma" else without
                assert await bench.tx.next() == expected, f"{name}, Attr {attr}"


async def completion_after(bench: Bench, source: str, writes: int) -> list[str]:
    """Order in which TLPs leave when a Completion comes in while `writes` requests queue."""

    async def feed() -> None:
        for number in range(writes):
            await bench.sources["dma"].send(bench.make("dma", number))

    task = cocotb.start_soon(feed())
    while not int(bench.dut.dma_tvalid.value):
        await RisingEdge(bench.dut.clk)
    await bench.sources[source].send(bench.make(source, 99))
    await task
    await cycles(bench.dut, 200)
    order = [source_of(t) for t in bench.tx.tlps]
    bench.tx.tlps.clear()
    return order


@cocotb.test(**LIMIT)
async def a_completion_stays_behind_the_requests_before_it_and_does_not_starve(dut: Any) -> None:
    bench = await Bench(dut).start(pause=0)
    for source in ("cfgcpl", "appcpl", "errcpl"):
        for _ in range(10):
            order = await completion_after(bench, source, 3)
            assert order == ["dma"] * 3 + [source]
            order = await completion_after(bench, source, 20)
            assert 3 <= order.index(source) <= 6


@cocotb.test(**LIMIT)
async def all_completions_get_their_turn_under_full_load(dut: Any) -> None:
    bench = await Bench(dut).start(stall=0.1, pause=0)

    async def feed(name: str) -> None:
        number = 0
        while True:
            await bench.sources[name].send(bench.make(name, number % 4096))
            number += 1

    for names in (SOURCES, SOURCES[:3]):  # with and without requests
        tasks = [cocotb.start_soon(feed(name)) for name in names]
        await cycles(dut, 4000)
        completions = [n for n in map(source_of, bench.tx.tlps) if n != "dma"]
        assert len(completions) > 60
        assert ("dma" in map(source_of, bench.tx.tlps)) == ("dma" in names)
        for start in range(0, len(completions) - 3, 3):
            assert set(completions[start : start + 3]) == {"cfgcpl", "appcpl", "errcpl"}
        for task in tasks:
            task.cancel()
        for name in names:
            getattr(dut, f"{name}_tvalid").value = 0
        dut.rst.value = 1
        await cycles(dut, 3)
        dut.rst.value = 0
        bench.tx.reset()


@cocotb.test(**LIMIT)
async def a_late_completion_does_not_use_the_wait_of_an_early_one(dut: Any) -> None:
    bench = await Bench(dut).start(stall=0.2, pause=0)

    async def load() -> None:
        number = 0
        while True:
            await bench.sources["dma"].send(bench.make("dma", number % 4096))
            number += 1

    task = cocotb.start_soon(load())
    for delay in range(0, 60, 3):
        early = cocotb.start_soon(bench.sources["errcpl"].send(bench.make("errcpl", 1)))
        await cycles(dut, delay)
        seen = len(bench.tx.tlps)
        await bench.sources["cfgcpl"].send(bench.make("cfgcpl", 2))
        await early
        await cycles(dut, 40)
        order = [source_of(t) for t in bench.tx.tlps]
        after = order[seen:]
        assert after[: after.index("cfgcpl")].count("dma") >= 3
        bench.tx.tlps.clear()
    task.cancel()
