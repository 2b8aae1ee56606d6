# SPDX-License-Identifier: Apache-2.0
"""tlp_route: every kind of TLP against an independent prediction of where it goes."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.app.function import Region, region_of
from models.app.map import ROM, ROM_BYTES, Bar0, Bar2, RangeClass
from models.pcie.codes import CplStatus, FmtType, MessageCode
from models.tdisp.codes import TdiState
from tests.unit.cocotb_mmio_filter import SERVED, sender_of, target_of
from tests.unit.tlp_bench import (
    LIMIT,
    Common,
    Tlp,
    TlpSink,
    TlpSource,
    completion,
    cycles,
    memory_read,
    memory_write,
    request,
)

PF_RID = 0x0300
SDIS = bool(os.environ.get("SDIS"))  # all TDIs have the Requester ID of the function
PF_BAR0, VF_BAR0 = 0x12_0000_0000, 0x12_0004_0000
PF_BAR2, VF_BAR2 = 0x0000_8000_0000, 0x0000_8004_0000
ROM_BASE = 0x9000_5000
ROM_PAGE = 0x3000  # of BAR0, inside the device
WINDOW = (0x0010, 0x0017)  # Requester IDs of every stream that is not the default
STREAMS = 3
CLASS_OF = {
    Region.REGISTERS: RangeClass.TEE,
    Region.MEMORY: RangeClass.TEE,
    Region.PUBLIC: RangeClass.NON_TEE,
    Region.MSIX_TABLE: RangeClass.MSIX,
    Region.MSIX_PBA: RangeClass.MSIX,
    Region.NONE: RangeClass.NONE,
    Region.ROM: RangeClass.NONE,
}
MEMORY_TYPES = (FmtType.MRD32, FmtType.MRD64, FmtType.MWR32, FmtType.MWR64)
CONFIG_TYPES = (FmtType.CFGRD0, FmtType.CFGRD1, FmtType.CFGWR0, FmtType.CFGWR1)
COMPLETION_TYPES = (FmtType.CPL, FmtType.CPLD, FmtType.CPLLK, FmtType.CPLDLK)
LOCKED_READS = (FmtType.MRDLK32, FmtType.MRDLK64)
INVALIDATE = MessageCode.INVALIDATE_REQUEST
KNOWN_MESSAGES = {0x00, 0x12, 0x14, 0x19, 0x50, 0x7F, *range(0x40, 0x50)}
OUTPUTS = ("cfgreq", "mmio", "cplin", "msgin", "errcpl")


@dataclass(frozen=True)
class Place:
    """Where an address leads."""

    tdi: int
    bar: int
    offset: int


@dataclass(frozen=True)
class Verdict:
    """What must happen to a TLP."""

    output: str | None
    tlp: Tlp | None = None
    unsupported: bool = False
    poisoned: bool = False
    poison_event: int = 0


class Bench:
    """tlp_route with its configuration as lists."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(cocotb.RANDOM_SEED)
        self.tdis = len(dut.tdi_mse)
        self.present = [1] * self.tdis
        self.mse = [1] * self.tdis
        self.state = [TdiState.CONFIG_UNLOCKED] * self.tdis
        self.stream = [n % STREAMS for n in range(self.tdis)]
        self.peers = [0] * self.tdis  # P2P streams of each TDI, one bit each
        self.locked = [0] * self.tdis
        self.opened = [0] * self.tdis
        self.scrub = [0] * self.tdis
        self.rom: int | None = ROM_BASE
        self.default = 0  # number of the default stream
        self.pulses = {"aer_unsupported": 0, "aer_poisoned": 0, "poison_event": 0}
        self.bars = {"pf_bar0": PF_BAR0, "pf_bar2": PF_BAR2, "vf_bar0": VF_BAR0, "vf_bar2": VF_BAR2}
        self.apply()

    def apply(self) -> None:
        dut, width = self.dut, len(self.dut.rx_stream)
        dut.pf_rid.value = PF_RID
        for name, value in self.bars.items():
            getattr(dut, name).value = value | 0xC  # the type bits of a 64-bit prefetchable BAR
        dut.tdi_present.value = sum(b << n for n, b in enumerate(self.present))
        dut.tdi_mse.value = sum(b << n for n, b in enumerate(self.mse))
        dut.tdi_state.value = sum(int(s) << 2 * n for n, s in enumerate(self.state))
        dut.tdi_stream.value = sum(s << width * n for n, s in enumerate(self.stream))
        dut.tdi_p2p.value = sum(b << STREAMS * n for n, b in enumerate(self.peers))
        dut.tdi_msix_locked.value = sum(b << n for n, b in enumerate(self.locked))
        dut.tdi_memory_open.value = sum(b << n for n, b in enumerate(self.opened))
        dut.tdi_scrub_busy.value = sum(b << n for n, b in enumerate(self.scrub))
        dut.rom_enable.value = int(self.rom is not None)
        dut.rom_base.value = self.rom or ROM_BASE
        dut.ide_default.value = 1 << self.default
        dut.ide_rid_base.value = sum(WINDOW[0] << 16 * n for n in range(STREAMS))
        dut.ide_rid_limit.value = sum(WINDOW[1] << 16 * n for n in range(STREAMS))

    async def start(self, stall: float = 0.3, pause: float = 0.2) -> Bench:
        self.dut.rst.value = 1
        cocotb.start_soon(Clock(self.dut.clk, 10, "ns").start())
        self.source = TlpSource(self.dut, "rx", self.rng, pause)
        side = ("ide", "t", "stream", "tdi", "bar", "offset")
        self.sinks = {n: TlpSink(self.dut, n, self.rng, stall, side) for n in OUTPUTS}
        await cycles(self.dut, 3)
        self.dut.rst.value = 0
        cocotb.start_soon(self._watch())
        return self

    async def _watch(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            for name in ("aer_unsupported", "aer_poisoned"):
                self.pulses[name] += int(getattr(self.dut, name).value)
            self.pulses["poison_event"] |= int(self.dut.poison_event.value)

    # ------------------------------------------------------------------ prediction

    def place(self, address: int) -> Place | None:
        """Function, BAR and offset of an address; None when none or several are hit."""
        hits = []
        for bar, size in ((0, Bar0.SIZE), (2, Bar2.SIZE)):
            for tdi in range(self.tdis):
                base = self.bars[f"pf_bar{bar}"]
                if tdi:
                    base = self.bars[f"vf_bar{bar}"] + (tdi - 1) * size
                if self.present[tdi] and self.mse[tdi] and base <= address < base + size:
                    hits.append(Place(tdi, bar, address - base))
        alive = self.present[0] and self.mse[0]
        if alive and self.rom is not None and self.rom <= address < self.rom + ROM_BYTES:
            hits.append(Place(0, ROM, address - self.rom))
        return hits[0] if len(hits) == 1 else None

    def admitted(self, tlp: Tlp, place: Place | None) -> bool:
        """The filter's table, for the place that was found."""
        if place is None or self.scrub[place.tdi]:
            return False
        if place.offset % 4096 + 4 * (tlp.length or 1024) > 4096:
            return False
        region = region_of(place.bar, place.offset)
        if region is Region.ROM:
            return tlp.fmt_type in MEMORY_TYPES[:2] and not tlp.side["t"]
        opened = region is Region.MEMORY and self.opened[place.tdi]
        opened = opened and self.state[place.tdi] is TdiState.RUN
        target = target_of(CLASS_OF[region], self.locked[place.tdi], opened)
        if target == "MSI-X locked" and self.state[place.tdi] == TdiState.CONFIG_UNLOCKED:
            target = "non-TEE"
        side = tlp.side
        bound = (
            side["stream"] == self.stream[place.tdi] or self.peers[place.tdi] >> side["stream"] & 1
        )
        sender = sender_of(side["ide"], side["t"], bool(bound))
        return target is not None and sender in SERVED[target][self.state[place.tdi]]

    def in_window(self, tlp: Tlp) -> bool:
        """Requester or Completer ID is one that the stream may carry."""
        if not tlp.side["ide"] or tlp.side["stream"] == self.default:
            return True
        return WINDOW[0] <= tlp.requester <= WINDOW[1]

    def refusal(self, tlp: Tlp, place: Place | None) -> Tlp:
        """The Completion with Unsupported Request."""
        count, lower = 4, 0
        if tlp.fmt_type in (*MEMORY_TYPES[:2], *LOCKED_READS):
            count, lower = span(tlp)
        elif tlp.fmt_type & 0x1F in (0x0C, 0x0D):
            count = 4 * tlp.length
        elif tlp.fmt_type & 0x1F == 0x0E:
            count = 2 * tlp.length
        kind = FmtType.CPLLK if tlp.fmt_type in LOCKED_READS else FmtType.CPL
        attr = tlp.bits(114, 114) << 2 | tlp.bits(109, 108)
        tag_high = tlp.bits(119, 119) << 1 | tlp.bits(115, 115)
        return replace(
            completion(
                tlp.requester,
                tlp.tag,
                status=CplStatus.UR,
                byte_count=count,
                lower=lower,
                completer=PF_RID + (place.tdi if place else 0),
                fmt_type=kind,
                common=Common(tc=tlp.bits(118, 116), attr=attr, tag_high=tag_high),
            ),
            side=dict(tlp.side),
        )

    def verdict(self, tlp: Tlp) -> Verdict:
        """What must happen to `tlp` in the present configuration."""
        kind, window = tlp.fmt_type, self.in_window(tlp)
        poisoned = bool(tlp.poisoned and kind & 0x40)
        plain = not tlp.bits(106, 106) and not tlp.bits(112, 112)  # AT, TH
        if kind in COMPLETION_TYPES:
            moved = tlp if window else replace(tlp, hdr=tlp.hdr ^ _other_bus(tlp))
            return Verdict("cplin", moved, poisoned=poisoned)
        if kind & 0x38 == 0x30 and not kind & 0x80:
            if kind == FmtType.MSGD_ID and tlp.bits(71, 64) == INVALIDATE:
                return self._invalidate(tlp, window, poisoned)
            known = tlp.bits(71, 64) in KNOWN_MESSAGES and window
            return Verdict(None, unsupported=not known, poisoned=poisoned)
        if kind in CONFIG_TYPES and window:
            return Verdict("cfgreq", tlp, poisoned=poisoned)
        if kind in CONFIG_TYPES:
            answer = self.refusal(tlp, self.place(tlp.address))
            return Verdict("errcpl", answer, unsupported=not window, poisoned=poisoned)
        place = self.place(tlp.address)
        if kind in MEMORY_TYPES and plain:
            return self._memory(tlp, place, window, poisoned)
        if kind in MEMORY_TYPES[2:] or kind not in set(FmtType):
            return Verdict(None, unsupported=True, poisoned=poisoned)
        answer = self.refusal(tlp, place)
        return Verdict("errcpl", answer, unsupported=True, poisoned=poisoned)

    def _invalidate(self, tlp: Tlp, window: bool, poisoned: bool) -> Verdict:
        target = tlp.bits(63, 48)
        tdi, functions = target - PF_RID, 1 if SDIS else self.tdis
        if not (window and tdi in range(functions) and self.present[tdi]):
            return Verdict(None, unsupported=True, poisoned=poisoned)
        if poisoned:
            return Verdict(None, poisoned=True)
        side = {**tlp.side, "tdi": tdi}
        return Verdict("msgin", Tlp(tlp.hdr, (), side))  # nobody needs its data

    def _memory(self, tlp: Tlp, place: Place | None, window: bool, poisoned: bool) -> Verdict:
        served = window and self.admitted(tlp, place)
        if served and place and not poisoned:
            side = {"tdi": place.tdi, "bar": int(place.bar == 2), "offset": place.offset}
            if place.bar == ROM:
                side["offset"] += ROM_PAGE
            return Verdict("mmio", replace(tlp, side={**tlp.side, **side}))
        if served and place:
            return Verdict(None, poisoned=True, poison_event=1 << place.tdi)
        if tlp.fmt_type in MEMORY_TYPES[2:]:
            return Verdict(None, unsupported=True, poisoned=poisoned)
        return Verdict("errcpl", self.refusal(tlp, place), unsupported=True)

    async def check(self, tlp: Tlp) -> Verdict:
        """Send one TLP and compare everything that happens with the prediction."""
        verdict = self.verdict(tlp)
        self.pulses = dict.fromkeys(self.pulses, 0)
        await self.source.send(tlp)
        for _ in range(80):
            if verdict.output is None or self.sinks[verdict.output].tlps:
                break
            await RisingEdge(self.dut.clk)
        await cycles(self.dut, 6)
        got = {name: sink.tlps for name, sink in self.sinks.items() if sink.tlps}
        expected = {verdict.output: [verdict.tlp]} if verdict.output else {}
        assert got == expected, f"{tlp}\n{verdict}"
        assert self.pulses == {
            "aer_unsupported": int(verdict.unsupported),
            "aer_poisoned": int(verdict.poisoned),
            "poison_event": verdict.poison_event,
        }, f"{tlp}\n{verdict}"
        for sink in self.sinks.values():
            sink.tlps.clear()
        return verdict


def span(tlp: Tlp) -> tuple[int, int]:
    """Byte Count and Lower Address of a refused read."""
    length = tlp.length or 1024
    first, last = tlp.bits(67, 64), tlp.bits(71, 68)
    if length == 1:
        last = first
    start = next((b for b in range(4) if first >> b & 1), 0)
    end = 4 * (length - 1) + max((b for b in range(4) if last >> b & 1), default=0)
    return (end + 1 - start) % 4096, (tlp.address + start) & 0x7F


def _other_bus(tlp: Tlp) -> int:
    """Bits that turn the Requester ID's bus into one that is not ours."""
    return (tlp.bits(63, 56) ^ ~(PF_RID >> 8) & 0xFF) << 56


# ---------------------------------------------------------------------- stimulus


def random_address(bench: Bench) -> int:
    """Mostly inside a BAR, mostly near the edge of a page."""
    rng = bench.rng
    bar = rng.choice((0, 0, 0, 0, 2, 2, ROM))
    if bar == ROM:
        return ROM_BASE + 4 * rng.choice((-1, 0, 1, 5, 1000, 1022, 1023, 1024))
    size = Bar0.SIZE if bar == 0 else Bar2.SIZE
    base = bench.bars[f"pf_bar{bar}"]
    if rng.random() < (0.8 if bench.tdis > 1 else 0.2):  # also just outside of all VFs
        last = bench.tdis - 1
        vf = rng.choice((0, 1, last, last + 1, *rng.choices(range(1, last + 1), k=min(last, 4))))
        base = bench.bars[f"vf_bar{bar}"] + (vf - 1) * size
    pages = range(4) if bar == 0 else (0, 0, 1, 15, 16, 16, 17, 31)
    offset = 4096 * rng.choice(pages) + 4 * rng.choice((0, 1, 5, 1000, 1022, 1023))
    return base + offset if rng.random() < 0.95 else rng.getrandbits(62) & ~3


def random_side(bench: Bench) -> dict[str, int]:
    ide = bench.rng.getrandbits(1)
    t = ide & bench.rng.getrandbits(1)
    return {"ide": ide, "t": t, "stream": bench.rng.randrange(STREAMS) if ide else 0}


def random_common(bench: Bench) -> Common:
    rng = bench.rng
    return Common(
        tc=rng.randrange(8),
        attr=rng.randrange(8),
        tag_high=rng.randrange(4),
        poisoned=int(rng.random() < 0.15),
        hint=int(rng.random() < 0.05),
        address_type=rng.choice((0, 0, 0, 0, 0, 0, 1, 2, 3)),
    )


def random_memory(bench: Bench) -> Tlp:
    rng = bench.rng
    write = rng.random() < 0.5
    length = rng.choice((1, 1, 2, 3, 4, 5, 24)) if write else rng.choice((1, 2, 3, 24, 128, 1024))
    fields: dict[str, Any] = {
        "requester": rng.choice((*WINDOW, WINDOW[0] - 1, WINDOW[1] + 1, 0x12)),
        "tag": rng.getrandbits(8),
        "enables": (rng.randint(0, 15), 0) if length == 1 else (rng.randint(1, 15), 1),
        "common": random_common(bench),
        **random_side(bench),
    }
    address = random_address(bench)
    if write:
        return memory_write(address, [rng.getrandbits(32) for _ in range(length)], **fields)
    return memory_read(address, length, **fields)


def random_other(bench: Bench) -> Tlp:
    """Any TLP that is no plain memory request."""
    rng = bench.rng
    kinds = [k for k in FmtType if k not in MEMORY_TYPES]
    kind = rng.choice([*kinds, *[0x30 + n for n in range(6)], *[0x70 + n for n in range(6)], 0x1B])
    fields: dict[str, Any] = {
        "requester": rng.choice((*WINDOW, WINDOW[0] - 1, WINDOW[1] + 1)),
        "tag": rng.getrandbits(8),
        "common": random_common(bench),
        **random_side(bench),
    }
    length = rng.choice((1, 2, 4, 8))
    data = [rng.getrandbits(32) for _ in range(length)] if kind & 0x40 else []
    if kind & 0x38 == 0x30:
        code = rng.choice((*KNOWN_MESSAGES, 0x01, 0x02, 0x10, 0x18, 0x20, 0x7E, 0x80))
        fields["enables"] = (code & 15, code >> 4)
    address = random_address(bench)
    if not kind & 0x20:
        address &= 0xFFFFFFFC
    return request(kind, address, length, data=data, **fields)


def shuffle_configuration(bench: Bench) -> None:
    rng = bench.rng
    bench.present = [int(rng.random() < 0.9) for _ in range(bench.tdis)]
    bench.mse = [int(rng.random() < 0.9) for _ in range(bench.tdis)]
    bench.scrub = [int(rng.random() < 0.1) for _ in range(bench.tdis)]
    bench.locked = [rng.getrandbits(1) for _ in range(bench.tdis)]
    bench.opened = [rng.getrandbits(1) for _ in range(bench.tdis)]
    bench.peers = [rng.getrandbits(STREAMS) & rng.getrandbits(STREAMS) for _ in range(bench.tdis)]
    bench.state = [rng.choice(list(TdiState)) for _ in range(bench.tdis)]
    bench.stream = [rng.randrange(STREAMS) for _ in range(bench.tdis)]
    bench.default = rng.randrange(STREAMS)
    bench.rom = ROM_BASE if rng.random() < 0.8 else None
    bench.apply()


# ---------------------------------------------------------------------- tests


@cocotb.test(**LIMIT)
async def every_memory_request_goes_where_the_tables_say(dut: Any) -> None:
    bench = await Bench(dut).start()
    outputs: dict[str | None, int] = {}
    for _ in range(900):
        shuffle_configuration(bench)
        verdict = await bench.check(random_memory(bench))
        outputs[verdict.output] = outputs.get(verdict.output, 0) + 1
    assert min(outputs["mmio"], outputs["errcpl"], outputs[None]) > 30


@cocotb.test(**LIMIT)
async def the_expansion_rom_is_read_with_t_0_in_every_state(dut: Any) -> None:
    bench = await Bench(dut).start()
    for state in TdiState:
        bench.state[0] = state
        bench.apply()
        for ide, t in ((0, 0), (1, 0), (1, 1)):
            side = {"ide": ide, "t": t, "stream": bench.stream[0], "requester": WINDOW[0]}
            verdict = await bench.check(memory_read(ROM_BASE, 3, **side))
            assert verdict.output == ("errcpl" if t else "mmio"), state
            assert (await bench.check(memory_write(ROM_BASE, [1], **side))).output is None
    bench.rom = PF_BAR2 + Bar2.MSIX_PBA
    bench.apply()
    for address in (bench.rom, PF_BAR0):
        plain = {"ide": 0, "t": 0, "stream": 0}
        verdict = await bench.check(memory_read(address, 1, **plain))
        assert verdict.output == "errcpl" or address == PF_BAR0, "two windows at one address"


@cocotb.test(**LIMIT)
async def every_other_tlp_goes_where_its_type_says(dut: Any) -> None:
    bench = await Bench(dut).start()
    outputs: dict[str | None, int] = {}
    for _ in range(700):
        shuffle_configuration(bench)
        verdict = await bench.check(random_other(bench))
        outputs[verdict.output] = outputs.get(verdict.output, 0) + 1
    assert min(outputs[n] for n in ("cfgreq", "cplin", "errcpl", None)) > 30


@cocotb.test(**LIMIT)
async def io_space_leads_nowhere(dut: Any) -> None:
    bench = await Bench(dut).start()
    for kind, data in ((FmtType.IORD, []), (FmtType.IOWR, [1])):
        for tdi in range(bench.tdis):
            bench.state[tdi] = TdiState.RUN
        bench.apply()
        for address in (PF_BAR2, VF_BAR2, 0, 0xFFFFFFFC):
            side: dict[str, Any] = {"ide": 0, "t": 0, "stream": 0}
            tlp = request(kind, address & 0xFFFFFFFF, 1, data=data, **side)
            assert (await bench.check(tlp)).output == "errcpl"


@cocotb.test(**LIMIT)
async def an_invalidate_request_reaches_its_function_with_its_stream_and_t(dut: Any) -> None:
    bench = await Bench(dut).start()
    passed = 0
    for _ in range(80):
        shuffle_configuration(bench)
        target = PF_RID + bench.rng.randint(-1, 1 if SDIS else bench.tdis)
        fields: dict[str, Any] = {
            "requester": bench.rng.choice((*WINDOW, WINDOW[1] + 1)),
            "tag": bench.rng.randrange(32),
            "enables": (INVALIDATE, 0),
            "common": random_common(bench),
            **random_side(bench),
        }
        tlp = request(FmtType.MSGD_ID, target << 48, 2, data=[0, 0], **fields)
        passed += (await bench.check(tlp)).output == "msgin"
    assert passed > (5 if SDIS else 10)


@cocotb.test(**LIMIT)
async def a_window_moved_onto_another_functions_opens_neither(dut: Any) -> None:
    bench = await Bench(dut).start()
    side = {"ide": 0, "t": 0, "stream": 0}
    victim = VF_BAR0 if bench.tdis > 1 else PF_BAR0
    assert (await bench.check(memory_read(victim, 1, **side))).output == "mmio"
    for name in ("pf_bar0", "pf_bar2", "vf_bar2") if bench.tdis > 1 else ("pf_bar2",):
        original = bench.bars[name]
        bench.bars[name] = victim & ~(0x3FFF if name == "pf_bar0" else 0x1FFFF)
        bench.apply()
        assert (await bench.check(memory_read(victim, 1, **side))).output == "errcpl"
        bench.bars[name] = original


@cocotb.test(**LIMIT)
async def a_burst_keeps_its_order_at_every_output(dut: Any) -> None:
    bench = await Bench(dut).start(stall=0.5, pause=0)
    for _ in range(12):
        shuffle_configuration(bench)
        await cycles(dut, 2)
        burst = [random_memory(bench) for _ in range(12)] + [random_other(bench) for _ in range(12)]
        bench.rng.shuffle(burst)
        expected: dict[str, list[Tlp]] = {name: [] for name in OUTPUTS}
        for tlp in burst:
            verdict = bench.verdict(tlp)
            if verdict.output and verdict.tlp:
                expected[verdict.output].append(verdict.tlp)
        for tlp in burst:
            await bench.source.send(tlp)
        await cycles(dut, 150)
        assert {name: sink.tlps for name, sink in bench.sinks.items()} == expected
        for sink in bench.sinks.values():
            sink.tlps.clear()


@cocotb.test(**LIMIT)
async def the_state_of_the_first_beat_decides_for_the_whole_tlp(dut: Any) -> None:
    bench = await Bench(dut).start(stall=0, pause=0)
    data = list(range(1, 65))
    for first, second in ((TdiState.RUN, TdiState.ERROR), (TdiState.ERROR, TdiState.RUN)):
        bench.state[0] = first
        bench.apply()
        await cycles(dut, 2)
        side = {"ide": 1, "t": 1, "stream": bench.stream[0]}
        tlp = memory_write(PF_BAR0 + Bar0.MEMORY, data, requester=0x10, **side)
        task = cocotb.start_soon(bench.source.send(tlp))
        await cycles(dut, 6)
        bench.state[0] = second
        bench.apply()
        await task
        await cycles(dut, 10)
        got = [t.data for t in bench.sinks["mmio"].tlps]
        assert got == ([tuple(data)] if first == TdiState.RUN else [])
        bench.sinks["mmio"].tlps.clear()
