# SPDX-License-Identifier: Apache-2.0
"""dma_filter: whole TLPs in random states, decided at their first beat."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.ide.select import AddressAssociation
from models.pcie.admission import MemoryRequest, outbound_memory
from models.pcie.codes import AddressType, FmtType, MessageCode
from models.pcie.layout import ATOMICS, MEMORY_WRITES
from models.tdisp.codes import TdiState
from models.tdisp.p2p import masked
from tb.coverage import CoverItem, save_simulation
from tests.unit.tlp_bench import (
    LIMIT,
    Common,
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
PEER = 1  # a stream to a peer
MIB = 1 << 20
READS = (FmtType.MRD32, FmtType.MRD64)
PASID_VALID = 1 << 20
TH = 112  # bit of the header
METADATA = 0x5A << 48  # in addresses


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
        self.secure = [1] * STREAMS
        self.ats = [1] * self.tdis
        self.atomic_enable = 1
        self.p2p = [0] * self.tdis  # a bit for each stream
        self.redirect = [0] * self.tdis
        self.mask = [0] * self.tdis
        self.pasid_enable = self.pri_enable = 1
        self.hints = [1] * self.tdis
        self.enabled = [1] * STREAMS
        self.windows = [AddressAssociation(0, MIB - 1, valid=False)] * STREAMS
        self.left: list[tuple[int, int]] = []  # what the filter says of each TLP that leaves
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
        self.dut.ats_enable.value = sum(b << n for n, b in enumerate(self.ats))
        self.dut.atomic_enable.value = self.atomic_enable
        self.dut.pasid_enable.value = self.pasid_enable
        self.dut.pri_enable.value = self.pri_enable
        self.dut.hint_enable.value = sum(b << n for n, b in enumerate(self.hints))
        self.dut.tdi_p2p.value = sum(b << STREAMS * n for n, b in enumerate(self.p2p))
        self.dut.tdi_redirect.value = sum(b << n for n, b in enumerate(self.redirect))
        self.dut.ide_enable.value = sum(b << n for n, b in enumerate(self.enabled))
        self.dut.ide_addr_valid.value = sum(w.valid << n for n, w in enumerate(self.windows))
        self.dut.ide_addr_base.value = sum(w.base << 64 * n for n, w in enumerate(self.windows))
        self.dut.ide_addr_limit.value = sum(w.limit << 64 * n for n, w in enumerate(self.windows))

    async def start(self) -> None:
        self.dut.rst.value = 1
        cocotb.start_soon(Clock(self.dut.clk, 10, "ns").start())
        self.source = TlpSource(self.dut, "appreq", self.rng)
        self.answers = TlpSource(self.dut, "msgout", self.rng)
        self.sink = TlpSink(self.dut, "dma", self.rng)
        self.dut.appreq_tdi.value = self.dut.appreq_msi.value = 0
        cocotb.start_soon(self._masks())
        await cycles(self.dut, 3)
        self.dut.rst.value = 0
        cocotb.start_soon(self._results())

    async def _masks(self) -> None:
        """The table of masks, which answers a cycle later."""
        while True:
            await RisingEdge(self.dut.clk)
            self.dut.p2p_mask.value = self.mask[int(self.dut.appreq_tdi.value)]

    async def _results(self) -> None:
        """What is said of each TLP in the cycle after its last beat."""
        dut, ended = self.dut, False
        while True:
            await RisingEdge(dut.clk)
            denied = int(dut.appreq_denied.value)
            assert ended or not denied, "a refusal at another time"
            self.denied += denied
            if ended and not denied:
                ide = int(dut.appreq_ide.value)
                self.left.append((ide, int(dut.appreq_stream.value) if ide else 0))
            taken = int(dut.appreq_tvalid.value) and int(dut.appreq_tready.value)
            ended = bool(taken and int(dut.appreq_tlast.value))

    async def send(self, tlp: Tlp) -> None:
        """Send a request; the function knows whose it is a cycle before."""
        self.dut.appreq_tdi.value = tlp.side["tdi"]
        await cycles(self.dut, 1)
        await self.source.send(tlp)

    def peer(self, tlp: Tlp) -> int | None:
        """The first bound P2P stream that has the address of a request."""
        tdi = tlp.side["tdi"]
        address = masked(tlp.address, self.mask[tdi])
        for stream, window in enumerate(self.windows):
            bound = self.p2p[tdi] >> stream & 1 and self.enabled[stream]
            if bound and window.contains(address):
                return stream
        return None

    def expected(self, tlp: Tlp) -> Tlp | None:
        """The TLP as it must leave now, or None when it must not."""
        tdi, msix, msi = tlp.side["tdi"], tlp.side["msix"], tlp.side.get("msi", 0)
        interrupt = msix or msi
        state, stream = self.state[tdi], self.stream[tdi]
        if tlp.requester != PF_RID + tdi or not self.bme[tdi] or state == TdiState.ERROR:
            return None
        write, atomic = tlp.fmt_type in MEMORY_WRITES, tlp.fmt_type in ATOMICS
        if interrupt and not (write and len(tlp.data) == 1):
            return None
        at = AddressType(tlp.bits(107, 106))
        page = tlp.fmt_type == FmtType.MSG_RC and tlp.bits(71, 64) == MessageCode.PAGE_REQUEST
        page = bool(page and self.pri_enable and at is AddressType.UNTRANSLATED)
        if not (page or write or tlp.fmt_type in READS or (atomic and self.atomic_enable)):
            return None
        peer = self.peer(tlp)
        request = MemoryRequest(
            at,
            write,
            bool(self.ats[tdi]),
            peer is not None,
            bool(self.redirect[tdi]),
            atomic,
        )
        pasid = tlp.side.get("pasid", 0)
        if pasid & PASID_VALID and (interrupt or not self.pasid_enable):
            return None
        moves = write or (tlp.fmt_type in READS and at is not AddressType.TRANSLATION_REQUEST)
        if tlp.bits(TH, TH) and (interrupt or not moves or not self.hints[tdi]):
            return None
        if interrupt and at is not AddressType.UNTRANSLATED:
            return None
        if not interrupt and not outbound_memory(state, request).allowed:
            return None
        trusted = state == TdiState.RUN and not msi and (not msix or self.locked[tdi])
        if peer is not None and request.direct and not interrupt:
            stream = peer
        if trusted and not self.secure[stream]:
            return None
        side = {"ide": int(trusted), "t": int(trusted), "stream": stream if trusted else 0}
        side["pasid"] = pasid
        return replace(tlp, side=side)

    def shuffle(self) -> None:
        """Another state of every TDI."""
        rng = self.rng
        self.state = [rng.choice(list(TdiState)) for _ in range(self.tdis)]
        self.locked = [rng.getrandbits(1) for _ in range(self.tdis)]
        self.bme = [int(rng.random() < 0.9) for _ in range(self.tdis)]
        self.stream = [rng.randrange(STREAMS) for _ in range(self.tdis)]
        self.secure = [int(rng.random() < 0.8) for _ in range(STREAMS)]
        self.ats = [int(rng.random() < 0.8) for _ in range(self.tdis)]
        self.atomic_enable = rng.getrandbits(1)
        self.p2p = [rng.getrandbits(STREAMS) for _ in range(self.tdis)]
        self.redirect = [int(rng.random() < 0.2) for _ in range(self.tdis)]
        self.mask = [rng.choice((0, METADATA, MIB)) for _ in range(self.tdis)]
        self.pasid_enable = int(rng.random() < 0.8)
        self.pri_enable = int(rng.random() < 0.8)
        self.hints = [int(rng.random() < 0.8) for _ in range(self.tdis)]
        self.enabled = [int(rng.random() < 0.9) for _ in range(STREAMS)]
        self.windows = [self._window() for _ in range(STREAMS)]
        self.apply()

    def _window(self) -> AddressAssociation:
        """An address association: some MiB at the start of memory or above 4 GiB."""
        base = self.rng.choice((0, 1 << 32)) + MIB * self.rng.randrange(3)
        limit = base + MIB * self.rng.choice((1, 2)) - 1
        return AddressAssociation(base, limit, self.rng.random() < 0.9)


def random_tlp(bench: Bench) -> Tlp:
    rng, last = bench.rng, bench.tdis - 1
    tdi = rng.choice((0, last, rng.randint(0, last)))
    msix, msi = rng.choice(((0, 0), (0, 0), (0, 0), (1, 0), (0, 1)))
    rid = PF_RID + tdi
    if rng.random() < 0.1:
        rid ^= rng.choice((1, 0x80, 0x100))
    address = rng.choice((0, 0, 1 << 32)) + MIB * rng.randrange(5)
    address += rng.choice((0, MIB - 4, 4 * rng.randrange(64)))
    if address >> 32 and rng.random() < 0.5:
        address |= METADATA
    at = rng.choice((*AddressType, *[AddressType.TRANSLATED] * 4, *[AddressType.UNTRANSLATED] * 4))
    fields: dict[str, Any] = {
        "requester": rid,
        "tdi": tdi,
        "msix": msix,
        "msi": msi,
        "pasid": rng.choice((0, PASID_VALID)) | rng.getrandbits(20),
        "common": Common(attr=rng.randrange(8), hint=rng.random() < 0.2, address_type=at),
    }
    if (msix or msi) and rng.random() < 0.9:
        return memory_write(address, [rng.getrandbits(32)], **fields)
    kind = rng.random()
    if kind < 0.5:
        data = [rng.getrandbits(32) for _ in range(rng.randint(1, 20))]
        return memory_write(address, data, **fields)
    if kind < 0.8:
        return memory_read(address, rng.randint(1, 64), **fields)
    if kind < 0.9:
        code = rng.choice((*[MessageCode.PAGE_REQUEST] * 3, MessageCode.PRG_RESPONSE))
        return request(FmtType.MSG_RC, address, 0, enables=(code & 0xF, code >> 4), **fields)
    other = rng.choice((*ATOMICS, FmtType.DMWR32, FmtType.DMWR64, FmtType.MRDLK32))
    data = [1, 2] if other & 0x40 else []
    return request(other, address if other & 0x20 else address & 0xFFFFFFFF, 2, data=data, **fields)


@cocotb.test(**LIMIT)
async def only_admitted_tlps_leave_and_each_refusal_is_told_once(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    expected: list[Tlp] = []
    refused = 0
    for _ in range(800):
        bench.shuffle()
        tlp = random_tlp(bench)
        leaves = bench.expected(tlp)
        before = bench.denied
        await bench.send(tlp)
        await cycles(dut, 2)
        assert bench.denied - before == int(leaves is None), (tlp, leaves)
        refused += leaves is None
        expected += [leaves] if leaves else []
    await cycles(dut, 100)
    assert bench.sink.tlps == expected
    assert bench.left == [(tlp.side["ide"], tlp.side["stream"]) for tlp in expected]
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


@cocotb.test(**LIMIT)
async def a_translated_request_without_its_mask_is_refused(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    if bench.tdis == 1:
        return
    bench.source.pause = 0.0
    bench.state = [TdiState.RUN] * bench.tdis
    bench.apply()
    for at, refused in ((AddressType.TRANSLATED, True), (AddressType.UNTRANSLATED, False)):
        for tdi in (bench.tdis - 1, 0):  # another in the cycle before
            common = Common(address_type=at)
            before = bench.denied
            await bench.source.send(
                memory_write(0x2000, [1], requester=PF_RID + tdi, common=common, tdi=tdi, msix=0)
            )
            await cycles(dut, 4)
            assert bench.denied - before == refused, f"TDI {tdi}, {at.name}"


@cocotb.test(**LIMIT)
async def a_translated_request_goes_to_its_peer_unless_it_is_redirected(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    last, expected = bench.tdis - 1, []
    points: Counter[CoverItem] = Counter()
    bench.state = [TdiState.RUN] * bench.tdis
    bench.stream = [0] * bench.tdis
    bench.p2p = [1 << PEER] * bench.tdis
    bench.windows[PEER] = AddressAssociation(0, MIB - 1)
    for mask, redirect in product((0, METADATA), (0, 1)):
        bench.mask, bench.redirect = [mask] * bench.tdis, [redirect] * bench.tdis
        bench.apply()
        fields = {"requester": PF_RID + last, "tdi": last, "msix": 0, "pasid": 0}
        common = Common(address_type=AddressType.TRANSLATED)
        tlp = memory_write(mask or 0x2000, [1], common=common, **fields)
        leaves = bench.expected(tlp)
        assert leaves is not None
        assert leaves.side["stream"] == (0 if redirect else PEER)
        expected.append(leaves)
        await bench.send(tlp)
        await cycles(dut, 4)
        subject = "redirected" if redirect else "translated"
        subject += " by a masked address" if mask else ""
        way = "default stream" if redirect else "peer stream"
        points[CoverItem("rule", ("request to a peer", subject, TdiState.RUN.name, way))] += 1
    await cycles(dut, 100)
    assert bench.sink.tlps == expected
    save_simulation(points)


def random_answer(bench: Bench) -> Tlp:
    """An Invalidate Completion, now and then in the name of another function."""
    rng = bench.rng
    tdi = rng.randrange(bench.tdis)
    rid = PF_RID + tdi ^ rng.choice((0, 0, 0, 0, 1, 0x100))
    ide, t, stream = rng.getrandbits(1), rng.getrandbits(1), rng.randrange(STREAMS)
    fields: dict[str, Any] = {"ide": ide, "t": t, "stream": stream, "tdi": tdi}
    return request(FmtType.MSG_ID, rng.getrandbits(64), 0, requester=rid, enables=(2, 0), **fields)


def answer_leaves(bench: Bench, tlp: Tlp) -> Tlp | None:
    """As it came, in every state of the TDI; an Insecure stream carries nothing."""
    side = tlp.side
    insecure = side["ide"] and not bench.secure[side["stream"]]
    if tlp.requester != PF_RID + side["tdi"] or insecure:
        return None
    way = {name: side[name] if side["ide"] else 0 for name in ("ide", "t", "stream")}
    way["pasid"] = 0
    return replace(tlp, side=way)


@cocotb.test(**LIMIT)
async def answers_leave_between_requests_as_what_they_answer_came(dut: Any) -> None:
    """In random states beside a stream of requests, all of which leave whole and in order."""
    bench = Bench(dut)
    await bench.start()
    bench.stream = [0] * bench.tdis
    wanted: dict[bool, list[Tlp]] = {False: [], True: []}
    for _ in range(150):
        bench.state = [bench.rng.choice(list(TdiState)) for _ in range(bench.tdis)]
        bench.secure = [1, *(int(bench.rng.random() < 0.7) for _ in range(STREAMS - 1))]
        bench.apply()
        tlp, answers = random_tlp(bench), [random_answer(bench) for _ in range(3)]
        for is_answer, leaves in ((False, bench.expected(tlp)), *_expected(bench, answers)):
            wanted[is_answer] += [leaves] if leaves else []
        sending = cocotb.start_soon(bench.send(tlp))
        for answer in answers:
            await bench.answers.send(answer)
        await sending
        await cycles(dut, 2)
    await cycles(dut, 100)
    for is_answer, tlps in wanted.items():
        left = [tlp for tlp in bench.sink.tlps if (tlp.fmt_type == FmtType.MSG_ID) == is_answer]
        assert left == tlps
    assert min(map(len, wanted.values())) > 15


def _expected(bench: Bench, answers: list[Tlp]) -> list[tuple[bool, Tlp | None]]:
    return [(True, answer_leaves(bench, answer)) for answer in answers]


WINDOW = AddressAssociation(3 * MIB, 4 * MIB - 1)
NO_WINDOW = replace(WINDOW, valid=False)
# What is changed where everything leads to the peer -> stream that the request then takes.
PEER = 2
CHANGES: dict[str, tuple[Callable[[Bench, int], None], int | None]] = {
    "nothing": (lambda bench, tdi: None, PEER),
    "the default stream is Insecure": (lambda bench, tdi: _set(bench.secure, 0, 0), PEER),
    "the P2P stream is Insecure": (lambda bench, tdi: _set(bench.secure, PEER, 0), None),
    "its block is not enabled": (lambda bench, tdi: _set(bench.enabled, PEER, 0), 0),
    "it has no valid association": (lambda bench, tdi: _set(bench.windows, PEER, NO_WINDOW), 0),
    "it is not bound": (lambda bench, tdi: _set(bench.p2p, tdi, 0b011), 0),
    "all requests are redirected": (lambda bench, tdi: _set(bench.redirect, tdi, 1), 0),
    "the address keeps its metadata": (lambda bench, tdi: _set(bench.mask, tdi, 0), 0),
    "ATS Enable is 0": (lambda bench, tdi: _set(bench.ats, tdi, 0), None),
}


def _set(values: list[Any], index: int, value: object) -> None:
    values[index] = value


def _lead_to_peer(bench: Bench, tdi: int) -> None:
    bench.state[tdi] = TdiState.RUN
    bench.stream[tdi] = 0
    bench.p2p = [0b111 if n == tdi else 0 for n in range(bench.tdis)]
    bench.redirect = [int(n != tdi) for n in range(bench.tdis)]
    bench.ats = [int(n == tdi) for n in range(bench.tdis)]
    bench.mask = [METADATA if n == tdi else 0 for n in range(bench.tdis)]
    bench.secure = [1] * STREAMS
    bench.enabled = [1] * STREAMS
    bench.windows = [NO_WINDOW, NO_WINDOW, WINDOW]


@cocotb.test(**LIMIT)
async def a_request_goes_to_a_peer_when_every_condition_holds(dut: Any) -> None:
    bench = Bench(dut)
    await bench.start()
    tdi = bench.tdis - 1
    common = Common(address_type=AddressType.TRANSLATED)
    address = METADATA | WINDOW.base + 0x1000
    for what, (change, stream) in CHANGES.items():
        _lead_to_peer(bench, tdi)
        change(bench, tdi)
        bench.apply()
        tlp = memory_write(address, [1], requester=PF_RID + tdi, common=common, tdi=tdi, msix=0)
        await bench.send(tlp)
        await cycles(dut, 10)
        got = [sent.side["stream"] for sent in bench.sink.tlps]
        assert got == ([] if stream is None else [stream]), what
        bench.sink.tlps.clear()
