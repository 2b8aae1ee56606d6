# SPDX-License-Identifier: Apache-2.0
"""Reference model of one function under protection: registers, memory, MSI-X, DMA engine.

The model works on bytes and does not know time: while a transfer runs, what software may read is
given as a set of allowed values.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum

from models.app.map import (
    ATOMIC,
    ATTRIBUTE_SHIFT,
    ATTRIBUTES,
    HINT_SHIFT,
    ID_VALUE,
    MEMORY_BYTES,
    MSIX_VECTORS,
    PAGE,
    PASID_MASK,
    PUBLIC_ID_VALUE,
    ROM,
    ROM_BYTES,
    SCRATCH_REGISTERS,
    Bar0,
    Bar2,
    Control,
    PublicRegister,
    Register,
    Status,
)
from models.app.rom import EXPANSION_ROM

# What PAGE_REQUEST may read once a page was asked for; 0 where Page Requests are not built
PAGE_STATUS = frozenset({0, int(Status.BUSY), int(Status.DONE), int(Status.DONE | Status.ERROR)})
MSIX_ENTRY = 16  # bytes: address low, address high, data, vector control
VECTOR_MASKED = 0x1
NO_ATOMIC = Control(0)


class Region(Enum):
    """Which part of a BAR an offset falls into; the admission rules differ by region."""

    REGISTERS = "registers"
    PUBLIC = "public"
    MEMORY = "memory"
    MSIX_TABLE = "MSI-X table"
    MSIX_PBA = "MSI-X PBA"
    ROM = "Expansion ROM"
    NONE = "not implemented"


def region_of(bar: int, offset: int) -> Region:
    """Region at byte `offset` of BAR0 (`bar` = 0), BAR2 (`bar` = 2) or the ROM."""
    if bar == ROM:
        return Region.ROM if offset < ROM_BYTES else Region.NONE
    page = offset & ~(PAGE - 1)
    if bar == 0:
        return {
            Bar0.REGISTERS: Region.REGISTERS,
            Bar0.PUBLIC: Region.PUBLIC,
            Bar0.MEMORY: Region.MEMORY,
        }.get(Bar0(page) if page in Bar0.__members__.values() else Bar0.SIZE, Region.NONE)
    return {Bar2.MSIX_TABLE: Region.MSIX_TABLE, Bar2.MSIX_PBA: Region.MSIX_PBA}.get(
        Bar2(page) if page in Bar2.__members__.values() else Bar2.SIZE, Region.NONE
    )


@dataclass(frozen=True)
class Transfer:
    """One transfer of the DMA engine, as programmed when START was written."""

    to_host: bool
    host_address: int
    device_address: int
    length: int  # bytes
    vector: int | None  # MSI-X vector raised at the end
    atomic: Control = NO_ATOMIC  # FETCH_ADD, SWAP or CAS
    translate: bool = False  # by translated addresses
    attr: int = 0  # as in a TLP header: bit 0 No Snoop, 1 Relaxed Ordering, 2 ID-Based Ordering
    pasid: int | None = None
    hint: int | None = None  # Processing Hint

    @property
    def operands(self) -> int:
        """Bytes of device memory that an AtomicOp sends."""
        return self.length * (2 if self.atomic == Control.CAS else 1)

    @property
    def legal(self) -> bool:
        """Whether the engine carries it out."""
        if not self.atomic:
            sized = self.length >= 4 and self.length % 4 == 0
            return sized and self.device_address + self.length <= MEMORY_BYTES
        aligned = self.length in (4, 8) and self.host_address % self.length == 0
        in_page = self.host_address % PAGE + self.operands <= PAGE
        return aligned and in_page and self.device_address + self.operands <= MEMORY_BYTES


@dataclass(frozen=True)
class WantedPage:
    """A page that software lets the function ask the host for."""

    page: int  # address of its first byte
    write: bool
    pasid: int | None = None


@dataclass(frozen=True)
class Interrupt:
    """An MSI-X message: a one-DW memory write."""

    address: int
    data: int


def _empty_table() -> list[list[int]]:
    return [[0, 0, 0, VECTOR_MASKED] for _ in range(MSIX_VECTORS)]


@dataclass
class FunctionModel:
    """State of one function; all of it is cleared by `scrub`."""

    memory: bytearray = field(default_factory=lambda: bytearray(MEMORY_BYTES))
    public_scratch: int = 0
    registers: dict[int, int] = field(default_factory=dict)
    msix_table: list[list[int]] = field(default_factory=_empty_table)
    pending: int = 0
    done: bool = False
    error: bool = False
    transfer: Transfer | None = None
    maybe_finished: bool = False  # all bytes of the transfer have passed, the end is not yet seen
    maybe_failed: bool = False  # an error of the transfer was caused, the end is not yet seen
    pages: set[WantedPage] = field(default_factory=set)  # that software has ever asked for
    sdi_pasid: int | None = None  # of an SDI: that of its transfers, whatever software asks for

    def scrub(self) -> None:
        """Everything reads as after reset (TDISP-ZERO-001)."""
        self.__init__(sdi_pasid=self.sdi_pasid)  # type: ignore[misc]

    def take_table(self) -> None:
        """A LOCK takes the MSI-X table over: only what is written from now on counts.

        TDISP-INT-004.
        """
        self.msix_table = _empty_table()
        self.pending = 0

    # ------------------------------------------------------------------ software's side

    def read_dword(self, bar: int, offset: int) -> frozenset[int]:
        """Values that a read of the aligned DW at `offset` may return."""
        region = region_of(bar, offset)
        inner = offset & (PAGE - 1)
        if region is Region.REGISTERS:
            return self._read_register(inner)
        if region is Region.PUBLIC:
            public = {
                PublicRegister.ID: PUBLIC_ID_VALUE,
                PublicRegister.SCRATCH: self.public_scratch,
            }
            return frozenset({public.get(PublicRegister(inner), 0) if inner in (0, 4) else 0})
        if region is Region.ROM:
            return frozenset(struct.unpack_from("<I", EXPANSION_ROM, inner))
        if region is Region.MEMORY:
            return frozenset(struct.unpack_from("<I", self.memory, inner))
        if region is Region.MSIX_TABLE and inner < MSIX_ENTRY * MSIX_VECTORS:
            return frozenset({self.msix_table[inner // MSIX_ENTRY][inner % MSIX_ENTRY // 4]})
        if region is Region.MSIX_PBA and inner == 0:
            return frozenset({self.pending})
        return frozenset({0})

    def write_dword(self, bar: int, offset: int, value: int, enables: int) -> Transfer | None:
        """Write the aligned DW at `offset`; the transfer that this starts, if any.

        `enables` has one bit a byte.
        """
        region = region_of(bar, offset)
        inner = offset & (PAGE - 1)
        if region is Region.MEMORY:
            _merge_bytes(self.memory, inner, value, enables)
        elif region is Region.PUBLIC and inner == PublicRegister.SCRATCH:
            self.public_scratch = _merge(self.public_scratch, value, enables)
        elif region is Region.MSIX_TABLE and inner < MSIX_ENTRY * MSIX_VECTORS:
            entry, word = self.msix_table[inner // MSIX_ENTRY], inner % MSIX_ENTRY // 4
            writable = (0xFFFFFFFC, 0xFFFFFFFF, 0xFFFFFFFF, VECTOR_MASKED)[word]
            entry[word] = _merge(entry[word], value, enables) & writable
        elif region is Region.REGISTERS:
            return self._write_register(inner, value, enables)
        return None

    def _read_register(self, inner: int) -> frozenset[int]:
        if inner == Register.ID:
            return frozenset({ID_VALUE})
        if inner == Register.STATUS:
            return self._status_values()
        if inner == Register.PAGE_REQUEST:
            return PAGE_STATUS if self.pages else frozenset({0})
        return frozenset({self.registers.get(inner, 0)})

    def _status_values(self) -> frozenset[int]:
        flags = (Status.DONE if self.done else 0) | (Status.ERROR if self.error else 0)
        if self.transfer is None:
            return frozenset({int(flags)})
        values = {int(flags | Status.BUSY)}
        if self.maybe_finished:
            values.add(int(flags | Status.DONE))
        if self.maybe_failed:
            values.add(int(flags | Status.DONE | Status.ERROR))
        return frozenset(values)

    def _write_register(self, inner: int, value: int, enables: int) -> Transfer | None:
        writable = _WRITABLE.get(inner)
        if writable is not None:
            old = self.registers.get(inner, 0)
            self.registers[inner] = _merge(old, value, enables) & writable
        elif inner == Register.STATUS:
            cleared = _merge(0, value, enables)
            self.done = self.done and not cleared & Status.DONE
            self.error = self.error and not cleared & Status.ERROR
        elif inner == Register.CONTROL:
            return self._start(_merge(0, value, enables))
        elif inner == Register.PAGE_REQUEST:
            self._want_page(_merge(0, value, enables))
        return None

    def _want_page(self, control: int) -> None:
        """Whether it is sent, and when, is up to the device."""
        if control & Control.START:
            low, high = Register.HOST_ADDRESS_LOW, Register.HOST_ADDRESS_HIGH
            address = self.registers.get(low, 0) | self.registers.get(high, 0) << 32
            pasid = self.registers.get(Register.PASID, 0)
            with_pasid = control & Control.WITH_PASID
            wanted = WantedPage(
                address & -PAGE, bool(control & Control.WRITE_HOST), pasid if with_pasid else None
            )
            self.pages.add(wanted)

    def _start(self, control: int) -> Transfer | None:
        if not control & Control.START or self.transfer is not None:
            return None
        get = self.registers.get
        length, device = get(Register.LENGTH, 0), get(Register.DEVICE_ADDRESS, 0)
        transfer = Transfer(
            to_host=bool(control & Control.WRITE_HOST) and not control & ATOMIC,
            host_address=get(Register.HOST_ADDRESS_LOW, 0)
            | get(Register.HOST_ADDRESS_HIGH, 0) << 32,
            device_address=device,
            length=length,
            vector=get(Register.VECTOR, 0) if control & Control.INTERRUPT else None,
            atomic=Control(control & ATOMIC),
            translate=bool(control & Control.TRANSLATE),
            attr=(control & ATTRIBUTES) >> ATTRIBUTE_SHIFT,
            pasid=self._pasid(control),
            hint=_hint(control),
        )
        self.transfer = transfer
        self.maybe_failed = not transfer.legal
        return transfer if transfer.legal else None

    def _pasid(self, control: int) -> int | None:
        if self.sdi_pasid is not None:
            return self.sdi_pasid
        return self.registers.get(Register.PASID, 0) if control & Control.WITH_PASID else None

    # ------------------------------------------------------------------ the link's side

    def finish(self, failed: bool = False) -> None:
        """The transfer has ended, as seen from STATUS or from its interrupt."""
        self.transfer = None
        self.maybe_finished = self.maybe_failed = False
        self.done = True
        self.error = self.error or failed

    def interrupt(self, vector: int) -> Interrupt | None:
        """The message of `vector`, or None when the entry is masked."""
        low, high, data, control = self.msix_table[vector]
        if control & VECTOR_MASKED:
            return None
        return Interrupt(low | high << 32, data)


_WRITABLE = {
    Register.LENGTH: 0xFFFFFFFF,
    Register.HOST_ADDRESS_LOW: 0xFFFFFFFC,
    Register.HOST_ADDRESS_HIGH: 0xFFFFFFFF,
    Register.DEVICE_ADDRESS: 0xFFFFFFFC,
    Register.VECTOR: MSIX_VECTORS - 1,
    Register.PASID: PASID_MASK,
    **{Register.SCRATCH + 4 * n: 0xFFFFFFFF for n in range(SCRATCH_REGISTERS)},
}


def _hint(control: int) -> int | None:
    """Processing Hint of the requests of a transfer; an AtomicOp has none."""
    hinted = control & Control.HINT and not control & ATOMIC
    return control >> HINT_SHIFT & 3 if hinted else None


def _merge(old: int, new: int, enables: int) -> int:
    mask = sum(0xFF << (8 * n) for n in range(4) if enables >> n & 1)
    return (old & ~mask) | (new & mask)


def _merge_bytes(memory: bytearray, offset: int, value: int, enables: int) -> None:
    for n in range(4):
        if enables >> n & 1:
            memory[offset + n] = value >> (8 * n) & 0xFF
