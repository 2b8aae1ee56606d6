# SPDX-License-Identifier: Apache-2.0
"""The device security manager between a TSM that speaks bytes and a function that takes its time.

The reference DSM of `models/tdisp` looks at the same configuration and foresees every answer.
The tests run at the size and with the optional requests that the environment names, on up to four
TDIs: the first two, one in the middle and the last.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.app.map import ID_VALUE, MSIX_VECTORS, Bar0, Bar2
from models.tdisp.codes import (
    NONCE_SIZE,
    ErrorCause,
    InterfaceInfo,
    LockFlags,
    RangeAttributes,
    Request,
    Response,
    TdiState,
)
from models.tdisp.dsm import ReferenceDsm
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    GetDeviceInterfaceState,
    LockInterfaceRequest,
    Message,
    StartInterfaceRequest,
    StopInterfaceRequest,
)
from models.tdisp.profile import DsmProfile, FunctionConfig, RangeProfile, StreamView

LIMIT: dict[str, Any] = {"timeout_time": 2, "timeout_unit": "ms"}
SIZE_VARIABLE = "DSM_NUM_TDI"  # of the environment
NUM_TDI = int(os.environ.get(SIZE_VARIABLE, "4"))
FEATURE_VARIABLE = "DSM_FEATURES"  # of the environment: what is built of P2P, MMIO and CONFIG
FEATURES = frozenset(os.environ.get(FEATURE_VARIABLE, "P2P MMIO").split())
P2P, MMIO, CONFIG = ("P2P" in FEATURES, "MMIO" in FEATURES, "CONFIG" in FEATURES)
SDIS = "SDI" in FEATURES
SDI_PASID = 0x300  # SDI n has SDI_PASID + n
NUM_STREAMS, STREAM_W, SESSION_W = 3, 2, 2
ALL = (1 << NUM_TDI) - 1  # a bit for each TDI
ALONE = NUM_TDI < 4  # a test of several TDIs has nothing to run on
FIRST, SECOND, MIDDLE, LAST = (n % NUM_TDI for n in (0, 1, NUM_TDI // 2, NUM_TDI - 1))
TDIS = tuple(sorted({FIRST, SECOND, MIDDLE, LAST}))
NONCE_TIMEOUT = 400  # cycles, a parameter of the build
STREAM, PEER, SPARE, SESSION = 0x21, 0x05, 0xC0, 2
WORDS = NONCE_SIZE // 4
ST_MODE = 0x7  # of TPH Requester Control, beside Enable in bit 8
INPUTS = (
    *("tdisp_tdata", "tdisp_tvalid", "tdisp_tlast", "tdisp_session", "tdisp_rsp_tready"),
    *("entropy_tdata", "entropy_tvalid", "session_end_valid", "session_end_idx"),
    *("cfg_write_busy", "tdi_error_req", "tdi_error_cause", "flr_req"),
    *("tdi_scrub_busy", "tdi_status_idx", "p2p_mask_tdi"),
)
OPTIONAL = {
    Request.BIND_P2P_STREAM_REQUEST: P2P,
    Request.UNBIND_P2P_STREAM_REQUEST: P2P,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: MMIO,
    Request.SET_TDISP_CONFIG_REQUEST: CONFIG,
}
MEMORY_ATTRIBUTES = RangeAttributes.IS_MEM_ATTR_UPDATABLE if MMIO else RangeAttributes(0)
MEMORY_RANGE = 2  # number of the range in the report
P2P_FLAGS = LockFlags.BIND_P2P | LockFlags.ALL_REQUEST_REDIRECT if P2P else LockFlags(0)
PROFILE = DsmProfile(
    num_tdi=NUM_TDI,
    sdis=SDIS,
    ranges=(
        RangeProfile(0, Bar0.REGISTERS, 1),
        RangeProfile(0, Bar0.PUBLIC, 1, RangeAttributes.IS_NON_TEE_MEM),
        RangeProfile(0, Bar0.MEMORY, 1, MEMORY_ATTRIBUTES),
        RangeProfile(2, Bar2.MSIX_TABLE, 1, RangeAttributes.MSIX_TABLE),
        RangeProfile(2, Bar2.MSIX_PBA, 1, RangeAttributes.MSIX_PBA),
    ),
    interface_info=InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID,
    device_specific_info=ID_VALUE.to_bytes(4, "little"),
    lock_flags=LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX | P2P_FLAGS,
    optional=frozenset(request for request, built in OPTIONAL.items() if built),
)


Range = tuple[int, int] | None  # first and last


@dataclass
class Stream:
    """One selective stream register block and its keys."""

    stream_id: int
    default: bool = False
    enable: bool = True
    tc: int = 0
    secure: bool = True
    keys: bool = True
    owner: int | None = SESSION
    rids: Range = None  # RID association, None when it is not valid
    addresses: Range = None  # address association

    def overlaps(self, other: Stream) -> bool:
        """Whether a Requester ID or an address belongs to both."""
        pairs = ((self.rids, other.rids), (self.addresses, other.addresses))
        return any(a and b and a[0] <= b[1] and b[0] <= a[1] for a, b in pairs)


@dataclass
class World:
    """Configuration around the DSM; also what the reference looks at."""

    present: int = ALL
    pf_rid: int = 0x0100
    pf_bars: tuple[int, int] = (0x80000000, 0x90000000)
    vf_bars: tuple[int, int] = (0x1_00000000, 0x2_00000000)
    msix_enable: int = 1 << FIRST | 1 << MIDDLE
    msix_mask: int = (1 << MIDDLE | 1 << LAST) & ~1
    ats: int = 0
    pasid: bool = False  # PASID Enable
    pri: bool = False  # Page Request Enable
    tph: list[int] = field(default_factory=lambda: [n % 2 << 8 for n in range(NUM_TDI)])
    config_ok: bool = True
    streams: list[Stream] = field(
        default_factory=lambda: [
            Stream(STREAM, default=True, rids=(0x0000, 0x00FF)),
            Stream(PEER, rids=(0x0300, 0x0307), addresses=(0x4000_0000, 0x4FFF_FFFF)),
            Stream(SPARE, owner=None, addresses=(0x8_0000_0000, 0x8_FFFF_FFFF)),
        ]
    )

    segment = None

    def rid(self, tdi: int) -> int:
        """Requester ID of a TDI."""
        return self.pf_rid + (0 if SDIS else tdi) & 0xFFFF

    def pasid_of(self, tdi: int) -> int | None:
        """PASID of an SDI."""
        return SDI_PASID + tdi if SDIS and tdi else None

    def msix_control(self, tdi: int) -> int:
        """Message Control of a function."""
        enable, mask = (vector >> tdi & 1 for vector in (self.msix_enable, self.msix_mask))
        return enable << 15 | mask << 14 | MSIX_VECTORS - 1

    def function(self, tdi: int) -> FunctionConfig:
        """As the reference asks for it."""
        bars = self.pf_bars
        if tdi:
            bars = (
                self.vf_bars[0] + (tdi - 1) * Bar0.SIZE,
                self.vf_bars[1] + (tdi - 1) * Bar2.SIZE,
            )
        return FunctionConfig(
            rid=self.rid(tdi),
            present=bool(self.present >> tdi & 1),
            pasid=self.pasid_of(tdi),
            bars={0: bars[0], 2: bars[1]},
            msix_control=self.msix_control(tdi),
            tph_control=self.tph[tdi],
            ats_enable=bool(self.ats >> tdi & 1),
            pasid_enable=self.pasid,
            prs_enable=self.pri and self.pasid_of(tdi) is None,
        )

    def views(self) -> list[StreamView]:
        """As the reference asks for it."""
        views = []
        for s in self.streams:
            overlaps = any(o is not s and o.enable and s.overlaps(o) for o in self.streams)
            fields = (s.stream_id, s.default, s.enable, s.tc, s.secure, s.keys, s.owner, overlaps)
            views.append(StreamView(*fields))
        return views

    def configuration_fault(self, tdi: int) -> str | None:
        """As the reference asks for it."""
        if any(self.tph[n] >> 8 & 1 and self.tph[n] & ST_MODE for n in self.looked_at(tdi)):
            return "TDISP-LOCK-015: Steering Tag mode"
        return None if self.config_ok else "TDISP-LOCK-009: overlap"

    def looked_at(self, tdi: int) -> Sequence[int]:
        """The functions that the checks of a LOCK look at."""
        return (0, tdi)

    def drive(self, dut: Any) -> None:
        """Show it to the device under test."""
        dut.tdi_present.value = self.present
        dut.pf_rid.value = self.pf_rid
        dut.pf_bar0.value, dut.pf_bar2.value = self.pf_bars
        dut.vf_bar0.value, dut.vf_bar2.value = self.vf_bars
        dut.msix_enable.value = self.msix_enable
        dut.msix_function_mask.value = self.msix_mask
        dut.ats_enable.value = self.ats
        dut.pasid_enable.value = int(self.pasid)
        dut.pri_enable.value = int(self.pri)
        dut.tph_enable.value = pack([value >> 8 & 1 for value in self.tph], 1)
        modes = [pack([value >> bit & 1 for value in self.tph], 1) for bit in range(3)]
        dut.tph_st_mode.value = pack(modes, NUM_TDI)
        dut.lock_config_ok.value = int(self.config_ok)
        streams = self.streams
        dut.ide_enable.value = pack([s.enable for s in streams], 1)
        dut.ide_stream_id.value = pack([s.stream_id for s in streams], 8)
        dut.ide_tc.value = pack([s.tc for s in streams], 3)
        dut.ide_default.value = pack([s.default for s in streams], 1)
        for name, width, ranges in (
            ("rid", 16, [s.rids for s in streams]),
            ("addr", 64, [s.addresses for s in streams]),
        ):
            getattr(dut, f"ide_{name}_valid").value = pack([r is not None for r in ranges], 1)
            getattr(dut, f"ide_{name}_base").value = pack([r[0] if r else 0 for r in ranges], width)
            getattr(dut, f"ide_{name}_limit").value = pack(
                [r[1] if r else 0 for r in ranges], width
            )
        dut.stream_secure.value = pack([s.secure for s in streams], 1)
        dut.stream_keys_ready.value = pack([s.keys for s in streams], 1)
        dut.stream_owner_valid.value = pack([s.owner is not None for s in streams], 1)
        # Where no session owns the keys its number is left over.
        owners = [SESSION if s.owner is None else s.owner for s in streams]
        dut.stream_owner_session.value = pack(owners, SESSION_W)


class PlatformView:
    """The world as `models.tdisp.profile.Platform`."""

    segment: int | None = None

    def __init__(self, world: World) -> None:
        self._world = world

    def function(self, tdi: int) -> FunctionConfig:
        """Configuration of the function behind a TDI."""
        return self._world.function(tdi)

    def streams(self) -> Sequence[StreamView]:
        """All register blocks."""
        return self._world.views()

    def configuration_fault(self, tdi: int) -> str | None:
        """What LOCK must refuse."""
        return self._world.configuration_fault(tdi)


class NoNonce:
    """The reference never makes a nonce here: it is told the one that came."""

    def nonce(self) -> bytes | None:
        """No entropy."""
        return None


def pack(values: Sequence[int], width: int) -> int:
    """Vector with element 0 in the least significant bits."""
    return sum(int(value) << width * n for n, value in enumerate(values))


def ones(mask: int) -> list[int]:
    """Numbers of the bits that are set."""
    return [n for n, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


def at(tdi: int, state: int, among: Sequence[int] | None = None) -> list[int]:
    """States of all TDIs: `state` for one, `among` for the others, all zero by default."""
    states = list(among or [0] * NUM_TDI)
    states[tdi] = state
    return states


async def cycles(dut: Any, count: int) -> None:
    """Wait clock edges."""
    for _ in range(count):
        await RisingEdge(dut.clk)


class DsmBench:
    """Everything around the DSM. `hold_drain` and `hold_scrub` keep the function from finishing."""

    def __init__(self, dut: Any, seed: int = 1) -> None:
        self.dut = dut
        self.rng = random.Random(seed)
        self.world = World()
        self.model = ReferenceDsm(PROFILE, PlatformView(self.world), NoNonce())
        self.words: list[int] = []  # entropy that was taken
        self.next_word: Callable[[], int] = lambda: self.rng.getrandbits(32)
        self.entropy_chance = 0.7
        self.ready_chance = 0.7
        self.drain_least, self.drain_most = 0, 12  # cycles
        self.scrub_most = 20  # cycles
        self.hold_drain = 0
        self.hold_scrub = 0
        self.scrubs = [0] * NUM_TDI  # pulses seen
        self.busy: dict[int, int] = {}  # cycles until a function is clear
        self.answers: list[bytes] = []
        self.cycle = 0
        self._offered = False  # a word of entropy
        self._waiting: dict[int, int] = {}  # cycles until a function that was told to is drained
        self._quiet = self._undrained = 0
        self._ready = False
        self._partial = bytearray()  # of an answer
        self._offer: tuple[int, int] | None = None  # that was not taken

    async def start(self) -> None:
        """Clock, reset, all agents."""
        dut = self.dut
        assert len(dut.tdi_present) == NUM_TDI, "another size was built"
        cocotb.start_soon(Clock(dut.clk, 4, "ns").start())
        for name in INPUTS:
            getattr(dut, name).value = 0
        dut.tdi_drained.value = ALL
        self.world.drive(dut)
        dut.rst.value = 1
        await cycles(dut, 3)
        dut.rst.value = 0
        await RisingEdge(dut.clk)
        cocotb.start_soon(self._agents())

    def steady(self) -> None:
        """Everything around the DSM needs the same time always."""
        self.ready_chance = self.entropy_chance = 1.0
        self.drain_most, self.scrub_most = 0, 1

    # ------------------------------------------------------------------ agents

    async def _agents(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            self.cycle += 1
            self._give_entropy()
            self._drain_and_clear()
            self._take_answer()

    def _give_entropy(self) -> None:
        dut = self.dut
        if self._offered and int(dut.entropy_tready.value):
            self.words.append(int(dut.entropy_tdata.value))
            self._offered = False
            dut.entropy_tvalid.value = 0
        if not self._offered and self.rng.random() < self.entropy_chance:
            self._offered = True
            dut.entropy_tdata.value = self.next_word()
            dut.entropy_tvalid.value = 1

    def _drain_and_clear(self) -> None:
        """Drains some cycles after it was told to, clears in some cycles."""
        dut = self.dut
        quiesce, scrub = int(dut.tdi_quiesce.value), int(dut.tdi_scrub_req.value)
        quiesce |= int(dut.tdi_hold.value)
        if self.busy or scrub:
            self._clear(scrub)
            dut.tdi_scrub_busy.value = sum(1 << n for n in self.busy)
        waiting = self._waiting
        for n in ones(quiesce & ~self._quiet):
            waiting[n] = self.rng.randint(self.drain_least, self.drain_most)
        for n, count in list(waiting.items()):
            if count and quiesce >> n & 1:
                waiting[n] -= 1
            else:
                del waiting[n]
        self._quiet = quiesce
        undrained = sum(1 << n for n in waiting) | self.hold_drain
        if self.drain_most:
            undrained |= self.rng.getrandbits(NUM_TDI) & ~quiesce
        if undrained != self._undrained:
            self._undrained = undrained
            dut.tdi_drained.value = ALL & ~undrained

    def _clear(self, requested: int) -> None:
        for n, count in list(self.busy.items()):
            if count > 1 or self.hold_scrub >> n & 1:
                self.busy[n] = max(1, count - 1)
            else:
                del self.busy[n]
        for n in ones(requested):
            self.scrubs[n] += 1
            self.busy[n] = self.rng.randint(1, self.scrub_most)

    def _take_answer(self) -> None:
        """Takes answers; checks that an offer holds."""
        dut = self.dut
        if int(dut.tdisp_rsp_tvalid.value):
            now = (int(dut.tdisp_rsp_tdata.value), int(dut.tdisp_rsp_tlast.value))
            assert self._offer in (None, now), "an offer changed"
            self._offer = None if self._ready else now
            if self._ready:
                self._partial.append(now[0])
                if now[1]:
                    self.answers.append(bytes(self._partial))
                    self._partial.clear()
        else:
            assert self._offer is None, "an offer was withdrawn"
        ready = self.rng.random() < self.ready_chance
        if ready != self._ready:
            self._ready = ready
            dut.tdisp_rsp_tready.value = int(ready)

    # ------------------------------------------------------------------ messages

    async def send(self, body: bytes, session: int = SESSION) -> None:
        """Hand a request in; returns right after the edge that took its last byte."""
        dut = self.dut
        for n, byte in enumerate(body):
            while self.rng.random() < 0.2:
                await RisingEdge(dut.clk)
            dut.tdisp_tdata.value = byte
            dut.tdisp_tlast.value = int(n == len(body) - 1)
            dut.tdisp_session.value = session
            dut.tdisp_tvalid.value = 1
            await RisingEdge(dut.clk)
            while not int(dut.tdisp_tready.value):
                await RisingEdge(dut.clk)
            dut.tdisp_tvalid.value = 0

    async def answer(self) -> bytes:
        """The next answer."""
        while not self.answers:
            await RisingEdge(self.dut.clk)
        await cycles(self.dut, 2)
        return self.answers.pop(0)

    async def raw(self, body: bytes, session: int = SESSION) -> bytes:
        """One exchange, not compared with the reference."""
        await self.send(body, session)
        return await self.answer()

    async def ask(self, body: bytes | Message, session: int = SESSION) -> bytes:
        """One exchange, compared with the reference, states included."""
        if not isinstance(body, bytes):
            body = body.encode()
        first = len(self.words)
        got = await self.raw(body, session)
        if got[1] == Response.LOCK_INTERFACE_RESPONSE:
            words = self.words[first:]
            assert got[16:] == b"".join(word.to_bytes(4, "little") for word in words[-WORDS:])
            assert len(words) == WORDS, "entropy for one nonce"
            self.model.expect_nonce(None, got[16:])
        expected = self.model.handle(session, body)
        assert got == expected, f"{body.hex()} -> {got.hex()}, expected {expected.hex()}"
        self.compare()
        return got

    def compare(self) -> None:
        """States of all TDIs, and what is open of them, are those of the reference."""
        assert self.states() == [int(state) for state in self.model.states]
        memory, p2p, redirect = 0, 0, 0
        for n, tdi in enumerate(self.model.tdis):
            if tdi.lock is None:
                continue
            redirect |= bool(tdi.lock.flags & LockFlags.ALL_REQUEST_REDIRECT) << n
            if tdi.state is TdiState.RUN:
                page = tdi.lock.report.ranges[MEMORY_RANGE].first_page
                memory |= tdi.lock.non_tee_pages.get(page, False) << n
                for s, stream in enumerate(self.world.streams):
                    p2p |= (stream.stream_id in tdi.lock.p2p_streams) << NUM_STREAMS * n + s
        assert int(self.dut.tdi_memory_open.value) == memory
        assert int(self.dut.tdi_p2p.value) == p2p
        assert int(self.dut.tdi_redirect.value) == redirect
        assert int(self.dut.tdisp_config.value) == self.model.config

    def states(self) -> list[int]:
        """TDI_STATE of every TDI."""
        value = int(self.dut.tdi_state.value)
        return [value >> 2 * n & 3 for n in range(NUM_TDI)]

    async def cause(self, tdi: int) -> int:
        """What the vendor-specific register would show."""
        self.dut.tdi_status_idx.value = tdi
        await cycles(self.dut, 2)
        status = int(self.dut.tdi_status_data.value)
        assert status & ~0xF3 == 0
        assert status & 3 == self.states()[tdi]
        return status >> 4

    # ------------------------------------------------------------------ life cycle

    def name(self, tdi: int) -> InterfaceId:
        """INTERFACE_ID of a TDI."""
        return InterfaceId.of(self.world.rid(tdi), pasid=self.world.pasid_of(tdi))

    def lock_request(
        self, tdi: int, flags: int = 0, offset: int = 0, mask: int = 0
    ) -> LockInterfaceRequest:
        """A request that passes all checks."""
        return LockInterfaceRequest(
            interface=self.name(tdi),
            flags=flags,
            default_stream_id=STREAM,
            mmio_reporting_offset=offset,
            bind_p2p_address_mask=mask,
        )

    async def run(self, tdi: int, flags: int = LockFlags.LOCK_MSIX | P2P_FLAGS) -> bytes:
        """From CONFIG_UNLOCKED to RUN; the nonce that was."""
        nonce = await self.lock(tdi, flags)
        await self.ask(StartInterfaceRequest(interface=self.name(tdi), nonce=nonce))
        return nonce

    async def lock(self, tdi: int, flags: int = LockFlags.LOCK_MSIX, offset: int = 0) -> bytes:
        """LOCK that succeeds; the nonce."""
        got = await self.ask(self.lock_request(tdi, flags, offset))
        assert got[1] == Response.LOCK_INTERFACE_RESPONSE
        return got[16:]

    async def stop(self, tdi: int, session: int = SESSION) -> bytes:
        """STOP."""
        return await self.ask(StopInterfaceRequest(interface=self.name(tdi)), session)

    async def get_state(self, tdi: int) -> int:
        """GET_DEVICE_INTERFACE_STATE."""
        return (await self.ask(GetDeviceInterfaceState(interface=self.name(tdi))))[16]

    async def bring_to(self, tdi: int, state: TdiState) -> bytes:
        """From CONFIG_UNLOCKED to `state`; the last nonce."""
        if state is TdiState.CONFIG_UNLOCKED:
            return b""
        nonce = await self.lock(tdi)
        if state is TdiState.RUN:
            await self.ask(StartInterfaceRequest(interface=self.name(tdi), nonce=nonce))
        if state is TdiState.ERROR:
            await self.error(1 << tdi, ErrorCause.BAR)
        assert self.states()[tdi] == state
        return nonce

    # ------------------------------------------------------------------ events

    async def pulse(self, **values: int) -> None:
        """Inputs for one cycle."""
        for name, value in values.items():
            getattr(self.dut, name).value = value
        await RisingEdge(self.dut.clk)
        for name in values:
            getattr(self.dut, name).value = 0
        await cycles(self.dut, 2)

    async def error(self, mask: int, cause: ErrorCause) -> None:
        """The monitor wants these TDIs in ERROR."""
        for n in ones(mask):
            self.model.config_change(n, cause)
        await self.pulse(tdi_error_req=mask, tdi_error_cause=cause)

    async def session_end(self, session: int) -> None:
        """A session is over."""
        self.model.session_end(session)
        await self.pulse(session_end_valid=1, session_end_idx=session)

    async def settle(self) -> None:
        """Until nothing is being cleared."""
        while self.busy:
            await RisingEdge(self.dut.clk)


async def make(dut: Any, seed: int = 1) -> DsmBench:
    """A running bench."""
    bench = DsmBench(dut, seed)
    await bench.start()
    return bench
