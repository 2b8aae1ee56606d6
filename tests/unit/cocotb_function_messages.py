# SPDX-License-Identifier: Apache-2.0
"""function_messages: each Invalidate Request is answered once, when its function is done."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from models.pcie.codes import FmtType, MessageCode
from tests.unit.tlp_bench import LIMIT, Common, Tlp, TlpSink, TlpSource, cycles, request

PF_RID = 0x0300
STREAMS = 4
ITAGS = 32
CLOCK_NS = 10


class Bench:
    """The module between a route that sends messages and a function that takes its time."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(cocotb.RANDOM_SEED)
        self.tdis = len(dut.tdi_present)
        self.patience = 0.1  # probability that the function is done in a cycle
        self.done: list[int] = []  # functions, in the order in which they were done
        self.expected: list[Tlp] = []

    async def start(self) -> Bench:
        dut = self.dut
        dut.rst.value = 1
        dut.inval_done.value = 0
        dut.pf_rid.value = PF_RID
        dut.tdi_present.value = (1 << self.tdis) - 1
        cocotb.start_soon(Clock(dut.clk, CLOCK_NS, "ns").start())
        self.source = TlpSource(dut, "msgin", self.rng)
        side = ("ide", "t", "stream", "tdi")
        self.sink = TlpSink(dut, "msgout", self.rng, side=side)
        await cycles(dut, 3)
        dut.rst.value = 0
        cocotb.start_soon(self._function())
        return self

    async def _function(self) -> None:
        """Says that a request is done, in a cycle in which one is there."""
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            dut.inval_done.value = 0
            await ReadOnly()
            if int(dut.inval_valid.value) and self.rng.random() < self.patience:
                tdi = int(dut.inval_tdi.value)
                assert len(self.sink.tlps) <= len(self.done), "an answer before it was done"
                await self._say_done(tdi)

    async def _say_done(self, tdi: int) -> None:
        await RisingEdge(self.dut.clk)
        self.dut.inval_done.value = 1
        self.done.append(tdi)

    def message(self, **fields: int) -> Tlp:
        """A random Invalidate Request; its answer is expected."""
        rng = self.rng
        side: dict[str, Any] = {"ide": 1, "t": 1, "stream": 1, **fields}
        side.setdefault("tdi", rng.randrange(self.tdis))
        tc, host, itag = rng.randrange(8), rng.getrandbits(16), rng.randrange(ITAGS)
        tlp = request(
            FmtType.MSGD_ID,
            PF_RID + side["tdi"] << 48,
            2,
            requester=host,
            tag=itag,
            enables=(MessageCode.INVALIDATE_REQUEST, 0),
            common=Common(tc=tc),
            **side,
        )
        self.expected.append(self.answer(tlp))
        return tlp

    def answer(self, tlp: Tlp) -> Tlp:
        """What must leave."""
        tc = tlp.bits(118, 116) if tlp.side["ide"] else 0
        rid = PF_RID + tlp.side["tdi"]
        dw0 = Common(tc=tc).dw0(FmtType.MSG_ID, 0)
        dw1 = rid << 16 | MessageCode.INVALIDATE_COMPLETION
        dw2, dw3 = tlp.requester << 16 | 1, 1 << (tlp.tag & 31)
        return Tlp(dw0 << 96 | dw1 << 64 | dw2 << 32 | dw3, (), dict(tlp.side))

    async def until_answered(self) -> None:
        """Wait for all answers, and for one too many."""
        for _ in range(4000):
            if len(self.sink.tlps) >= len(self.expected):
                break
            await RisingEdge(self.dut.clk)
        await cycles(self.dut, 60)
        assert self.sink.tlps == self.expected


@cocotb.test(**LIMIT)
async def each_request_is_answered_as_it_came_when_it_is_done(dut: Any) -> None:
    bench = await Bench(dut).start()
    rng = bench.rng
    for _ in range(80):
        ide = rng.getrandbits(1)
        side = {"ide": ide, "t": ide and rng.getrandbits(1), "stream": ide * rng.randrange(STREAMS)}
        await bench.source.send(bench.message(**side))
        await cycles(dut, rng.choice((0, 0, 5, 40)))
    await bench.until_answered()
    assert len(bench.done) == 80


@cocotb.test(**LIMIT)
async def as_many_wait_as_a_host_may_have_open(dut: Any) -> None:
    bench = await Bench(dut).start()
    bench.patience = 0
    for _ in range(ITAGS):
        await bench.source.send(bench.message())
    await cycles(dut, 200)
    assert not bench.sink.tlps, "answered although nothing is done"
    late = cocotb.start_soon(bench.source.send(bench.message()))
    await cycles(dut, 200)
    assert not late.done(), "the queue holds more than it can"
    bench.patience = 0.5
    await late
    await bench.until_answered()


@cocotb.test(**LIMIT)
async def nothing_is_answered_for_a_function_that_is_gone(dut: Any) -> None:
    bench = await Bench(dut).start()
    last = bench.tdis - 1
    bench.patience = 0
    await bench.source.send(bench.message(tdi=last))
    await cycles(dut, 20)
    dut.tdi_present.value = (1 << last) - 1
    bench.expected.clear()
    if last:
        await bench.source.send(bench.message(tdi=0))
    bench.patience = 0.5
    await cycles(dut, 100)
    await bench.until_answered()
    assert len(bench.done) == 1 + bool(last)


@cocotb.test(**LIMIT)
async def other_messages_and_first_beats_are_no_requests(dut: Any) -> None:
    bench = await Bench(dut).start()
    for code in (0x00, 0x02, 0x04, 0x05, 0x21, 0x81):
        fields: dict[str, Any] = {"ide": 0, "t": 0, "stream": 0, "tdi": 0}
        enables = code & 15, code >> 4
        await bench.source.send(request(FmtType.MSGD_ID, 0, 2, enables=enables, **fields))
    tlp = bench.message()
    lanes = 16
    await bench.source.send(Tlp(tlp.hdr, tuple(range(lanes)), tlp.side))
    await bench.until_answered()
    assert len(bench.done) == 1
