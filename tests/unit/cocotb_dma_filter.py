# SPDX-License-Identifier: Apache-2.0
"""dma_filter: whole TLPs in random states, decided at their first beat."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.tdisp.codes import TdiState
from tests.unit.tlp_bench import (
    LIMIT,
    Tlp,
    TlpSink,
    TlpSource,
    cycles,
    memory_read,
    memory_write,
    request,
)

PF_RID = 0x0100
STREAMS = 3


class Bench:
    """The filter with its TDI inputs as lists."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(cocotb.RANDOM_SEED)
        self.tdis = len(dut.tdi_bme)
        self.state = [TdiState.CONFIG_UNLOCKED] * self.tdis
        self.locked = [0] * self.tdis
        self.bme = [1] * self.tdis
        self.stream = [n % STREAMS for n in range(self.tdis)]
        self.secure = [1, 1, 1]
        self.denied = 0
        self.apply()

    def apply(self) -> None:
        width = len(self.dut.dma_stream)
        self.dut.tdi_state.value = sum(int(s) << 2 * n for n, s in enumerate(self.state))
        self.dut.tdi_msix_locked.value = sum(b << n for n, b in enumerate(self.locked))
        self.dut.tdi_bme.value = sum(b << n for n, b in enumerate(self.bme))
        self.dut.stream_secure.value = sum(b << n for n, b in enumerate(self.secure))
        self.dut.tdi_stream.value = sum(s << width * n for n, s in enumerate(self.stream))
        self.dut.pf_rid.value = PF_RID

    async def start(self) -> None:
        self.dut.rst.value = 1
        cocotb.start_soon(Clock(self.dut.clk, 10, "ns").start())
        self.source = TlpSource(self.dut, "appreq", self.rng)
        self.sink = TlpSink(self.dut, "dma", self.rng)
        await cycles(self.dut, 3)
        self.dut.rst.value = 0
        cocotb.start_soon(self._count_denied())

    async def _count_denied(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            self.denied += int(self.dut.appreq_denied.value)

    def expected(self, tlp: Tlp) -> Tlp | None:
        """The TLP as it must leave now, or None when it must not."""
        tdi, msix = tlp.side["tdi"], tlp.side["msix"]
        state, stream = self.state[tdi], self.stream[tdi]
        if tlp.requester != PF_RID + tdi or not self.bme[tdi] or state == TdiState.ERROR:
            return None
        if tlp.fmt_type not in (0x40, 0x60) and (msix or tlp.fmt_type not in (0x00, 0x20)):
            return None
        trusted = state == TdiState.RUN and (not msix or self.locked[tdi])
        if state == TdiState.CONFIG_LOCKED and not msix:
            return None
        if trusted and not self.secure[stream]:
            return None
        side = {"ide": int(trusted), "t": int(trusted), "stream": stream if trusted else 0}
        return replace(tlp, side=side)

    def shuffle(self) -> None:
        """Another state of every TDI."""
        rng = self.rng
        self.state = [rng.choice(list(TdiState)) for _ in range(self.tdis)]
        self.locked = [rng.getrandbits(1) for _ in range(self.tdis)]
        self.bme = [int(rng.random() < 0.9) for _ in range(self.tdis)]
        self.stream = [rng.randrange(STREAMS) for _ in range(self.tdis)]
        self.secure = [int(rng.random() < 0.8) for _ in range(STREAMS)]
        self.apply()


def random_tlp(bench: Bench) -> Tlp:
    rng, last = bench.rng, bench.tdis - 1
    tdi, msix = rng.choice((0, last, rng.randint(0, last))), int(rng.random() < 0.3)
    rid = PF_RID + tdi
    if rng.random() < 0.1:
        rid ^= rng.choice((1, 0x80, 0x100))
    address = rng.choice((0x1000, 0x1_0000_0000)) + 4 * rng.randrange(64)
    if msix and rng.random() < 0.9:
        return memory_write(address, [rng.getrandbits(32)], requester=rid, tdi=tdi, msix=1)
    kind = rng.random()
    if kind < 0.5:
        data = [rng.getrandbits(32) for _ in range(rng.randint(1, 20))]
        return memory_write(address, data, requester=rid, tdi=tdi, msix=msix)
    if kind < 0.9:
        return memory_read(address, rng.randint(1, 64), requester=rid, tdi=tdi, msix=msix)
    return request(0x4C, address, 1, requester=rid, data=[1], tdi=tdi, msix=msix)


@cocotb.test(**LIMIT)
async def only_admitted_tlps_leave_and_each_refusal_is_told_once(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    expected: list[Tlp] = []
    refused = 0
    for _ in range(400):
        bench.shuffle()
        tlp = random_tlp(bench)
        leaves = bench.expected(tlp)
        before = bench.denied
        await bench.source.send(tlp)
        await cycles(dut, 2)
        assert bench.denied - before == int(leaves is None), (tlp, leaves)
        refused += leaves is None
        expected += [leaves] if leaves else []
    await cycles(dut, 100)
    assert bench.sink.tlps == expected
    assert refused > 50
    assert len(expected) > 50


@cocotb.test(**LIMIT)
async def a_state_change_inside_a_tlp_neither_cuts_nor_opens_it(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    last = bench.tdis - 1
    for first, second in ((TdiState.RUN, TdiState.ERROR), (TdiState.ERROR, TdiState.RUN)):
        bench.state[last] = first
        bench.apply()
        data = list(range(64))
        tlp = memory_write(0x2000, data, requester=PF_RID + last, tdi=last, msix=0)
        task = cocotb.start_soon(bench.source.send(tlp))
        while not (int(dut.appreq_tvalid.value) and int(dut.appreq_tready.value)):
            await RisingEdge(dut.clk)
        await cycles(dut, 2)
        assert not task.done()
        bench.state[last] = second
        bench.apply()
        await task
        await cycles(dut, 60)
        assert [t.data for t in bench.sink.tlps] == ([tuple(data)] if first == 2 else [])
        assert bench.denied == int(first != TdiState.RUN)
        bench.sink.tlps.clear()
