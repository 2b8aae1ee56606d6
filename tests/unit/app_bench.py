# SPDX-License-Identifier: Apache-2.0
"""Bench of the function under protection: software, filter and host memory around `app`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer

from models.app.map import PAGE, Bar0, Bar2, Control, Register, Status
from models.app.msi import VECTORS, Msi
from models.pcie.ats import Span, TranslationEntry
from models.pcie.codes import AddressType, CplStatus, FmtType
from models.pcie.layout import ATOMICS
from models.tdisp.codes import ErrorCause, TdiState
from tests.unit.tlp_bench import (
    Common,
    Tlp,
    TlpSink,
    TlpSource,
    completion,
    cycles,
    memory_read,
    memory_write,
)

HOST_RID = 0x0010
CLOCK_NS = 10
EVENTS = ("cpl_stream_error", "cpl_error_event", "aer_unexpected_cpl", "aer_cpl_timeout")
Deny = Callable[[Tlp], bool]
Translate = Callable[[int, int], TranslationEntry]  # by function and untranslated address


class AppBench:
    """Everything around `app`; `deny` plays the filter, `host` the host's memory by DW address."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(cocotb.RANDOM_SEED)
        self.tdis = len(dut.tdi_bme)
        self.stream_w = len(dut.mmio_stream)
        self.rids = [0x0100 + n for n in range(self.tdis)]
        self.state = [TdiState.CONFIG_UNLOCKED] * self.tdis
        self.stream = [n % (1 << self.stream_w) for n in range(self.tdis)]
        self.bme = [1] * self.tdis
        self.quiesce = [0] * self.tdis
        self.hold = [0] * self.tdis
        self.enable = [1] * self.tdis
        self.mask = [0] * self.tdis
        self.msi = [Msi()] * self.tdis
        self.msix_locked = [0] * self.tdis
        self.payload, self.request = 0, 2
        self.attr_enable = 0  # bits as in a TLP header
        self.atomic_enable = 1
        self.hints = [1] * self.tdis
        self.ats = [1] * self.tdis
        self.pasid_enable = 1
        self.pri_enable, self.pri_allocation = 1, 8
        self.translate: Translate = lambda tdi, address: TranslationEntry(Span(address & -PAGE))
        self.host: dict[int, int] = {}
        self.deny: Deny = lambda tlp: False
        self.way = self.default_way  # whether a request leaves with IDE, and its stream
        self.held: list[Tlp] | None = None  # reads that nobody answers, when not None
        self.requests: list[Tlp] = []
        self.count = dict.fromkeys(EVENTS, 0)
        self.events: list[tuple[str, int]] = []
        self.causes: list[ErrorCause] = []  # of each cpl_error_event
        self._answers: list[list[Tlp]] = []

    # ------------------------------------------------------------------ pins

    def apply(self) -> None:
        """Drive the inputs from the lists."""
        dut = self.dut
        dut.pf_rid.value = self.rids[0]
        dut.tdi_state.value = _pack([int(s) for s in self.state], 2)
        dut.tdi_bme.value = _pack(self.bme, 1)
        dut.tdi_quiesce.value = _pack(self.quiesce, 1)
        dut.tdi_hold.value = _pack(self.hold, 1)
        dut.tdi_msix_locked.value = _pack(self.msix_locked, 1)
        dut.msix_enable.value = _pack(self.enable, 1)
        dut.msix_function_mask.value = _pack(self.mask, 1)
        dut.msi_control.value = _pack(self._msi_slices(), self.tdis)
        dut.max_payload_size.value = self.payload
        dut.max_read_request_size.value = self.request
        dut.no_snoop_enable.value = self.attr_enable & 1
        dut.relaxed_ordering_enable.value = self.attr_enable >> 1 & 1
        dut.id_ordering_enable.value = self.attr_enable >> 2
        dut.atomic_enable.value = self.atomic_enable
        dut.hint_enable.value = _pack(self.hints, 1)
        dut.ats_enable.value = _pack(self.ats, 1)
        dut.pasid_enable.value = self.pasid_enable
        dut.pri_enable.value = self.pri_enable
        dut.pri_allocation.value = self.pri_allocation

    def _msi_slices(self) -> list[int]:
        """Enable, more than one vector, four vectors, masks: of all functions side by side."""
        bits = [[msi.enabled, msi.granted > 1, msi.granted > 2] for msi in self.msi]
        masks = [[msi.mask >> v & 1 for v in range(VECTORS)] for msi in self.msi]
        columns = zip(*(a + b for a, b in zip(bits, masks, strict=True)), strict=True)
        return [_pack([int(bit) for bit in column], 1) for column in columns]

    async def _msi_registers(self) -> None:
        """Address and data in configuration space, which answers a cycle later."""
        while True:
            await RisingEdge(self.dut.clk)
            msi = self.msi[int(self.dut.msi_tdi.value)]
            self.dut.msi_message.value = msi.data << 64 | msi.address

    async def start(self, stall: float = 0.3, pause: float = 0.2, cleared: bool = True) -> AppBench:
        """Reset and wait until all functions are clear, or not when `cleared` is false."""
        dut = self.dut
        dut.rst.value = 1
        dut.tdi_scrub_req.value = 0
        dut.appreq_denied.value = 0
        dut.appreq_ide.value = dut.appreq_stream.value = 0
        dut.msi_message.value = 0
        dut.inval_valid.value = dut.msgin_taken.value = dut.pri_reset_req.value = 0
        self.apply()
        cocotb.start_soon(Clock(dut.clk, CLOCK_NS, "ns").start())
        self.mmio = TlpSource(dut, "mmio", self.rng, pause)
        self.cplin = TlpSource(dut, "cplin", self.rng, pause)
        await cycles(dut, 4)
        dut.rst.value = 0
        await cycles(dut, 1)
        while cleared and int(dut.tdi_scrub_busy.value):
            await Timer(100 * CLOCK_NS, "ns")  # nobody looks at the pins meanwhile
        await RisingEdge(dut.clk)
        self.appcpl = TlpSink(dut, "appcpl", self.rng, stall)
        self.appreq = TlpSink(dut, "appreq", self.rng, stall, side=("tdi", "msix", "msi", "pasid"))
        self.appreq.on_tlp.append(self._on_request)
        cocotb.start_soon(self._watch())
        cocotb.start_soon(self._answer())
        if any(msi.enabled for msi in self.msi):
            cocotb.start_soon(self._msi_registers())
        return self

    async def until(self, condition: Callable[[], bool], limit: int = 20000) -> None:
        """Wait for `condition`, at most `limit` cycles."""
        for _ in range(limit):
            await RisingEdge(self.dut.clk)
            if condition():
                return
        raise AssertionError("the condition did not come")

    async def _watch(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            for name in EVENTS:
                value = int(getattr(self.dut, name).value)
                if value:
                    self.count[name] += 1
                    self.events.append((name, value))
                    if name == "cpl_error_event":
                        self.causes.append(ErrorCause(int(self.dut.cpl_error_cause.value)))

    # ------------------------------------------------------------------ filter and host

    def _on_request(self, tlp: Tlp) -> None:
        self.appreq.tlps.clear()
        self.dut.appreq_ide.value, self.dut.appreq_stream.value = self.way(tlp)
        if self.deny(tlp):
            cocotb.start_soon(self._pulse_denied())
            return
        self.requests.append(tlp)
        if tlp.fmt_type == FmtType.MSG_RC:
            return
        if tlp.fmt_type in (FmtType.MWR32, FmtType.MWR64):
            for number, value in enumerate(tlp.data):
                self.host[tlp.address // 4 + number] = value
        elif self.held is not None:
            self.held.append(tlp)
        elif address_type(tlp) == AddressType.TRANSLATION_REQUEST:
            self._answers.append([self.translation(tlp)])
        elif tlp.fmt_type in ATOMICS:
            self._answers.append([self.carry_out(tlp)])
        else:
            self._answers.append(self.split(tlp))

    def default_way(self, tlp: Tlp) -> tuple[int, int]:
        """A TDI in RUN sends on its default stream."""
        tdi = tlp.side["tdi"]
        run = int(self.state[tdi] == TdiState.RUN)
        return run, self.stream[tdi] if run else 0

    async def _pulse_denied(self) -> None:
        self.dut.appreq_denied.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.appreq_denied.value = 0

    def carry_out(self, tlp: Tlp) -> Tlp:
        """The Completion of an AtomicOp, with what the host's memory held before."""
        size = tlp.length // (2 if tlp.fmt_type in (FmtType.CAS32, FmtType.CAS64) else 1)
        at = tlp.address // 4
        old = [self.host.get(at + n, 0) for n in range(size)]
        first, second = list(tlp.data[:size]), list(tlp.data[size:])
        new = second if second and old == first else old if second else first
        if tlp.fmt_type in (FmtType.FETCH_ADD32, FmtType.FETCH_ADD64):
            total = _pack(old, 32) + _pack(first, 32)
            new = [total >> 32 * n & 0xFFFFFFFF for n in range(size)]
        self.host.update({at + n: value for n, value in enumerate(new)})
        return self.part(tlp, old, size, 0)

    def translation(self, tlp: Tlp, **fields: Any) -> Tlp:
        """The Completion of a Translation Request; its Lower Address says nothing."""
        raw = self.translate(tlp.side["tdi"], untranslated(tlp)).encode()
        data = [int.from_bytes(raw[n : n + 4], "little") for n in (0, 4)]
        return self.part(tlp, data, 2, self.rng.randrange(128), **fields)

    def split(self, tlp: Tlp, **fields: Any) -> list[Tlp]:
        """Completions of a read, cut at random multiples of 64 bytes."""
        address, left = tlp.address, tlp.length or 1024
        parts = []
        while left:
            boundary = 64 * self.rng.randint(1, 4)
            count = min(left, (boundary - address % 64) // 4, 128)
            data = [self.host.get(address // 4 + n, 0) for n in range(count)]
            parts.append(self.part(tlp, data, left, address, **fields))
            address, left = address + 4 * count, left - count
        return parts

    def part(self, tlp: Tlp, data: Sequence[int], left: int, address: int, **fields: Any) -> Tlp:
        """One Completion of the read `tlp` with `left` DWs to go from `address` on."""
        tdi = tlp.side["tdi"]
        run = int(self.state[tdi] == TdiState.RUN)
        side = {"ide": run, "t": run, "stream": self.stream[tdi]}
        values: dict[str, Any] = {
            "data": data,
            "byte_count": 4 * left,
            "common": Common(attr=attributes(tlp)),
            "lower": address & 0x7F,
            "completer": HOST_RID,
            **side,
            **fields,
        }
        return completion(tlp.requester, tlp.tag, **values)

    async def _answer(self) -> None:
        while True:
            if not self._answers:
                await RisingEdge(self.dut.clk)
                continue
            parts = self.rng.choice(self._answers)
            await RisingEdge(self.dut.clk)  # no host answers in the cycle of the request
            await self.cplin.send(parts.pop(0))
            self._answers = [p for p in self._answers if p]

    async def held_reads(self, count: int) -> list[Tlp]:
        """Wait until `count` reads are held, and take them."""
        assert self.held is not None
        await self.until(lambda: len(self.held or []) >= count)
        taken, self.held = self.held, []
        await RisingEdge(self.dut.clk)  # no host answers in the cycle of the request
        return taken

    # ------------------------------------------------------------------ software

    def side(self, tdi: int, bar: int, offset: int) -> dict[str, int]:
        """Sideband of an access that the state of the TDI admits."""
        run = int(self.state[tdi] == TdiState.RUN)
        return {
            "ide": run,
            "t": run,
            "stream": self.stream[tdi] if run else 0,
            "tdi": tdi,
            "bar": int(bar == 2),
            "offset": offset & ~3,
        }

    async def write(
        self, tdi: int, bar: int, offset: int, data: Sequence[int], **fields: Any
    ) -> None:
        """Memory write of DWs at `offset` of BAR0 or BAR2 of a function."""
        side = self.side(tdi, bar, offset)
        side.update({k: fields.pop(k) for k in ("ide", "t", "stream") if k in fields})
        await self.mmio.send(memory_write(0x4000_0000 + offset, data, **side, **fields))

    async def read_tlps(
        self, tdi: int, bar: int, offset: int, length: int, **fields: Any
    ) -> list[Tlp]:
        """Memory read; its Completions, checked against the rules for Completions."""
        side = self.side(tdi, bar, offset)
        side.update({k: fields.pop(k) for k in ("ide", "t", "stream") if k in fields})
        common = Common(tc=self.rng.randrange(8), attr=self.rng.randrange(8), tag_high=2)
        tlp = memory_read(
            0x4000_0000 + offset,
            length,
            requester=self.rng.getrandbits(16),
            tag=self.rng.getrandbits(8),
            common=common,
            **side,
            **fields,
        )
        self.mmio_task = cocotb.start_soon(self.mmio.send(tlp))
        parts: list[Tlp] = []
        while True:
            part = await self.appcpl.next()
            self.check_completion(tlp, tdi, parts, part)
            parts.append(part)
            if part.completion["status"] or sum(len(p.data) for p in parts) == length:
                await self.mmio_task
                return parts

    def check_completion(self, tlp: Tlp, tdi: int, before: list[Tlp], part: Tlp) -> None:
        """Header of a Completion: mirrored fields, Byte Count, Lower Address, where it is cut."""
        first, last = tlp.bits(67, 64), tlp.bits(71, 68)
        length = tlp.length or 1024
        enabled = [4 * n + b for n in range(length) for b in range(4) if _on(n, b, length, tlp)]
        start, end = (min(enabled), max(enabled)) if enabled else (0, 0)
        assert first or not last
        done = 4 * sum(len(p.data) for p in before)
        got = part.completion
        assert got["requester"] == tlp.requester
        assert got["tag"] == tlp.tag
        assert got["completer"] == self.rids[tdi]
        assert got["byte_count"] == (end + 1 - max(start, done)) % 4096
        assert got["lower"] == (tlp.address + max(start, done)) & 0x7F
        for high, low in ((119, 119), (118, 116), (115, 114), (109, 108)):
            assert part.bits(high, low) == tlp.bits(high, low)
        assert part.bits(113, 110) == 0
        assert all(part.side[k] == tlp.side[k] for k in ("ide", "t", "stream"))
        assert part.length == len(part.data)
        if not got["status"]:
            limit = 128 << self.payload
            assert part.fmt_type == FmtType.CPLD
            assert 0 < 4 * len(part.data) <= limit
            stop = tlp.address + done + 4 * len(part.data)
            assert stop % 128 == 0 or stop == tlp.address + 4 * length

    async def read(self, tdi: int, bar: int, offset: int, length: int = 1, **f: Any) -> list[int]:
        """DWs of a read that must succeed."""
        parts = await self.read_tlps(tdi, bar, offset, length, **f)
        assert all(p.completion["status"] == CplStatus.SC for p in parts)
        return [value for p in parts for value in p.data]

    async def register(self, tdi: int, register: Register) -> int:
        """Value of one register."""
        return (await self.read(tdi, 0, Bar0.REGISTERS + register))[0]

    async def fill(self, tdi: int) -> list[int]:
        """Random data in all of a function's memory."""
        data = [self.rng.getrandbits(32) for _ in range(PAGE // 4)]
        for start in range(0, len(data), 32):
            await self.write(tdi, 0, Bar0.MEMORY + 4 * start, data[start : start + 32])
        return data

    async def memory(self, tdi: int) -> list[int]:
        """All of a function's memory."""
        return await self.read(tdi, 0, Bar0.MEMORY, PAGE // 4)

    async def transfer(
        self, tdi: int, host: int, device: int, length: int, control: int, vector: int = 0
    ) -> None:
        """Program and start a transfer."""
        values = [length, host & 0xFFFFFFFF, host >> 32, device, vector]
        await self.write(tdi, 0, Bar0.REGISTERS + Register.LENGTH, values)
        await self.write(tdi, 0, Bar0.REGISTERS + Register.CONTROL, [control | Control.START])

    async def finished(self, tdi: int, limit: int = 300) -> int:
        """Poll STATUS until the transfer has ended; the final value."""
        for _ in range(limit):
            status = await self.register(tdi, Register.STATUS)
            if not status & Status.BUSY:
                return status
            await cycles(self.dut, 10)
        raise AssertionError("the transfer did not end")

    async def msix_entry(self, tdi: int, vector: int, address: int, data: int, mask: int) -> None:
        """Write one entry of the MSI-X table."""
        entry = [address & 0xFFFFFFFF, address >> 32, data, mask]
        await self.write(tdi, 2, Bar2.MSIX_TABLE + 16 * vector, entry)

    async def set_state(self, tdi: int, state: TdiState) -> None:
        """Change the state of a TDI at the next clock edge."""
        self.state[tdi] = state
        self.apply()
        await cycles(self.dut, 1)

    async def scrub(self, tdi: int) -> None:
        """Ask for clearing and wait for its end."""
        self.dut.tdi_scrub_req.value = 1 << tdi
        await RisingEdge(self.dut.clk)
        self.dut.tdi_scrub_req.value = 0
        await self.until(lambda: not int(self.dut.tdi_scrub_busy.value) >> tdi & 1)

    def drained(self, tdi: int) -> bool:
        """The function says that nothing of it is in flight."""
        return bool(int(self.dut.tdi_drained.value) >> tdi & 1)


def address_type(tlp: Tlp) -> int:
    """AT of a request."""
    return tlp.bits(107, 106)


def untranslated(tlp: Tlp) -> int:
    """Address that a Translation Request names."""
    return tlp.address & ~(PAGE - 1)


def attributes(tlp: Tlp) -> int:
    """Attributes of a TLP: bit 0 No Snoop, bit 1 Relaxed Ordering, bit 2 ID-Based Ordering."""
    return tlp.bits(114, 114) << 2 | tlp.bits(109, 108)


def _on(number: int, byte: int, length: int, tlp: Tlp) -> bool:
    first, last = tlp.bits(67, 64), tlp.bits(71, 68)
    enables = first if number == 0 else last if number == length - 1 else 0xF
    return bool(enables >> byte & 1)


def _pack(values: Sequence[int], width: int) -> int:
    return sum(int(value) << width * n for n, value in enumerate(values))
