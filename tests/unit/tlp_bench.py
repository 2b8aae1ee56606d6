# SPDX-License-Identifier: Apache-2.0
"""Internal TLP bus for unit tests: TLPs as values, a source and a sink with random stalls."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.pcie.codes import CplStatus, FmtType

# A test that waits for ever fails after this much simulated time.
LIMIT: dict[str, Any] = {"timeout_time": 4, "timeout_unit": "ms"}
SIDEBAND = ("ide", "t", "stream", "pasid")


@dataclass(frozen=True)
class Tlp:
    """One TLP on the internal bus: header of 128 bits, payload DWs, sideband values."""

    hdr: int
    data: tuple[int, ...] = ()
    side: Mapping[str, int] = field(default_factory=dict)

    def bits(self, high: int, low: int) -> int:
        """Header bits `high` down to `low`."""
        return self.hdr >> low & (1 << high - low + 1) - 1

    @property
    def fmt_type(self) -> int:
        return self.bits(127, 120)

    @property
    def length(self) -> int:
        """Length field in DWs; 0 stands for 1024."""
        return self.bits(105, 96)

    @property
    def poisoned(self) -> int:
        return self.bits(110, 110)

    @property
    def requester(self) -> int:
        """Requester ID of a request, Completer ID of a Completion."""
        return self.bits(95, 80)

    @property
    def tag(self) -> int:
        """Tag of a request."""
        return self.bits(79, 72)

    @property
    def address(self) -> int:
        """Address of a memory request."""
        if self.fmt_type & 0x20:
            return self.bits(63, 0) & ~3
        return self.bits(63, 32) & ~3

    @property
    def completion(self) -> dict[str, int]:
        """Fields of a Completion by name."""
        return {
            "completer": self.bits(95, 80),
            "status": self.bits(79, 77),
            "byte_count": self.bits(75, 64),
            "requester": self.bits(63, 48),
            "tag": self.bits(47, 40),
            "lower": self.bits(38, 32),
        }


@dataclass(frozen=True)
class Common:
    """Fields of DW0 that every TLP has besides its type and length."""

    tc: int = 0
    attr: int = 0  # 3 bits
    tag_high: int = 0  # T9 and T8
    poisoned: int = 0
    hint: int = 0
    address_type: int = 0

    def dw0(self, fmt_type: int, length: int) -> int:
        """DW0 with TLP byte 0 in the most significant bits."""
        return (
            fmt_type << 24
            | (self.tag_high >> 1) << 23
            | self.tc << 20
            | (self.tag_high & 1) << 19
            | (self.attr >> 2) << 18
            | self.hint << 16
            | self.poisoned << 14
            | (self.attr & 3) << 12
            | self.address_type << 10
            | length & 0x3FF
        )


def request(
    fmt_type: int,
    address: int,
    length: int,
    *,
    requester: int = 0,
    tag: int = 0,
    enables: tuple[int, int] | None = None,
    common: Common | None = None,
    data: Sequence[int] = (),
    **side: int,
) -> Tlp:
    """A memory, IO or atomic request of `length` DWs; `enables` are first and last DW enables."""
    first, last = enables or (0xF, 0xF if length > 1 else 0)
    dw1 = requester << 16 | tag << 8 | last << 4 | first
    rest = address if fmt_type & 0x20 else (address & 0xFFFFFFFF) << 32
    hdr = (common or Common()).dw0(fmt_type, length) << 96 | dw1 << 64 | rest
    return Tlp(hdr, tuple(data), side)


def memory_read(address: int, length: int, **fields: Any) -> Tlp:
    """MRd with the header size that the address needs."""
    return request(FmtType.MRD64 if address >> 32 else FmtType.MRD32, address, length, **fields)


def memory_write(address: int, data: Sequence[int], **fields: Any) -> Tlp:
    """MWr with the header size that the address needs."""
    fmt_type = FmtType.MWR64 if address >> 32 else FmtType.MWR32
    return request(fmt_type, address, len(data), data=data, **fields)


def completion(
    requester: int,
    tag: int,
    *,
    data: Sequence[int] = (),
    status: int = CplStatus.SC,
    byte_count: int = 4,
    lower: int = 0,
    completer: int = 0,
    fmt_type: int | None = None,
    common: Common | None = None,
    **side: int,
) -> Tlp:
    """CplD with `data`, or Cpl without."""
    kind = fmt_type if fmt_type is not None else (FmtType.CPLD if data else FmtType.CPL)
    dw1 = completer << 16 | status << 13 | byte_count & 0xFFF
    dw2 = requester << 16 | tag << 8 | lower
    hdr = (common or Common()).dw0(kind, len(data)) << 96 | dw1 << 64 | dw2 << 32
    return Tlp(hdr, tuple(data), side)


class TlpSource:
    """Drives TLPs on the bus `prefix`, with a pause before a beat with probability `pause`."""

    def __init__(self, dut: Any, prefix: str, rng: random.Random, pause: float = 0.2) -> None:
        self.dut = dut
        self.prefix = prefix
        self.rng = rng
        self.pause = pause
        self._set("tvalid", 0)

    def _set(self, name: str, value: int) -> None:
        handle = getattr(self.dut, f"{self.prefix}_{name}", None)
        if handle is not None:
            handle.value = value

    def _beats(self, data: Sequence[int]) -> list[tuple[int, int]]:
        lanes = len(self.dut.rx_tkeep if self.prefix == "rx" else self._keep_handle())
        beats = []
        for start in range(0, len(data), lanes):
            part = data[start : start + lanes]
            word = sum(value << 32 * lane for lane, value in enumerate(part))
            beats.append((word, (1 << len(part)) - 1))
        return beats or [(0, 0)]

    def _keep_handle(self) -> Any:
        return getattr(self.dut, f"{self.prefix}_tkeep", [0])

    async def send(self, tlp: Tlp) -> None:
        """Drive one TLP; returns when its last beat was taken."""
        beats = self._beats(tlp.data)
        ready = getattr(self.dut, f"{self.prefix}_tready")
        for number, (word, keep) in enumerate(beats):
            while self.rng.random() < self.pause:
                self._set("tvalid", 0)
                await RisingEdge(self.dut.clk)
            self._set("hdr", tlp.hdr)
            for name, value in tlp.side.items():
                self._set(name, value)
            self._set("tdata", word)
            self._set("tkeep", keep)
            self._set("tlast", int(number == len(beats) - 1))
            self._set("tvalid", 1)
            await RisingEdge(self.dut.clk)
            while not int(ready.value):
                await RisingEdge(self.dut.clk)
        self._set("tvalid", 0)


class TlpSink:
    """Collects TLPs of the bus `prefix`; `stall` is the probability of a cycle without ready.

    Checks that what is offered stays until it is taken.
    """

    def __init__(
        self,
        dut: Any,
        prefix: str,
        rng: random.Random,
        stall: float = 0.3,
        side: Sequence[str] = SIDEBAND,
    ) -> None:
        self.dut = dut
        self.prefix = prefix
        self.rng = rng
        self.stall = stall
        self.side = [name for name in side if hasattr(dut, f"{prefix}_{name}")]
        self.tlps: list[Tlp] = []
        self.on_tlp: list[Any] = []  # callables, called in the cycle of the last beat
        self._data: list[int] = []
        self._start: tuple[int, ...] | None = None
        self._offer: tuple[int, ...] | None = None
        self._lanes = len(getattr(dut, f"{prefix}_tkeep", [])) or 0
        self._get("tready").value = 0
        cocotb.start_soon(self._run())

    def reset(self) -> None:
        """Forget everything, also a TLP that was cut by a reset."""
        self.tlps.clear()
        self._data, self._start, self._offer = [], None, None

    def _get(self, name: str) -> Any:
        return getattr(self.dut, f"{self.prefix}_{name}")

    def _read(self, name: str, default: int) -> int:
        handle = getattr(self.dut, f"{self.prefix}_{name}", None)
        return default if handle is None else int(handle.value)

    async def _run(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            if int(self.dut.rst.value):
                continue
            valid, ready = int(self._get("tvalid").value), int(self._get("tready").value)
            if valid:
                self._beat(ready)
            else:
                assert self._offer is None, f"{self.prefix}: an offer was withdrawn"
            self._get("tready").value = int(self.rng.random() >= self.stall)

    def _beat(self, ready: int) -> None:
        side = tuple(self._read(name, 0) for name in self.side)
        hdr, keep, last = self._read("hdr", 0), self._read("tkeep", 0), self._read("tlast", 1)
        data = self._read("tdata", 0)
        offer = (hdr, data, keep, last, *side)
        assert self._offer in (None, offer), f"{self.prefix}: an offer changed"
        self._offer = None if ready else offer
        if not ready:
            return
        for lane in range(self._lanes):
            value = data >> 32 * lane & 0xFFFFFFFF
            if keep >> lane & 1:
                self._data.append(value)
            else:
                assert value == 0, f"{self.prefix}: data in a lane that is not part of the TLP"
        assert self._start in (None, (hdr, *side)), f"{self.prefix}: header changed inside a TLP"
        self._start = (hdr, *side)
        if last:
            tlp = Tlp(hdr, tuple(self._data), dict(zip(self.side, side, strict=True)))
            self._data, self._start = [], None
            self.tlps.append(tlp)
            for callback in self.on_tlp:
                callback(tlp)

    async def next(self, cycles: int = 3000) -> Tlp:
        """The next TLP, removed from the queue; fails after `cycles` clock cycles."""
        for _ in range(cycles):
            if self.tlps:
                return self.tlps.pop(0)
            await RisingEdge(self.dut.clk)
        raise AssertionError(f"{self.prefix}: no TLP came")


async def cycles(dut: Any, count: int) -> None:
    """Wait `count` clock cycles."""
    for _ in range(count):
        await RisingEdge(dut.clk)
