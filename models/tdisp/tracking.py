# SPDX-License-Identifier: Apache-2.0
"""Which configuration writes a locked TDI does not survive, as data (TDISP-TRK-001 to 016).

A write counts when it would alter the stored value of a tracked field; byte enables are respected
and rewriting the same value is nothing (TDISP-TRK-014). What no rule names is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from models.pcie.codes import IdeRegister, SelectiveBlock
from models.tdisp.codes import ErrorCause

DWORD = 4
ALL_BITS = 0xFFFFFFFF
LOW = 0x0000FFFF
HIGH = 0xFFFF0000
D3HOT = 3
POWER_STATE = 0x3
NO_SOFT_RESET = 1 << 3


class Space(Enum):
    """Where a register is."""

    HEADER = auto()  # offsets count from the start of configuration space
    CAPABILITY = auto()  # offsets count from the start of the capability
    EXTENDED = auto()


class Scope(Enum):
    """Whom a change hits."""

    FUNCTION = auto()  # the TDI of the function that is written
    HIERARCHY = auto()  # the PF's TDI and those of its VFs, which depend on the register
    STREAM = auto()  # the TDIs that are bound to the stream of a register block


class Change(Enum):
    """Which change of a tracked field counts."""

    ANY = auto()
    CLEARED = auto()  # a bit falls from 1 to 0


@dataclass(frozen=True, slots=True)
class TrackRule:
    """Tracked bits in the DWs `first` to `last` of a header or capability."""

    space: Space
    capability: int  # 0 in the header
    first: int
    last: int
    mask: int
    cause: ErrorCause
    requirement: str
    scope: Scope = Scope.FUNCTION
    change: Change = Change.ANY
    only_msix_locked: bool = False
    tolerated: bool = False  # a checker of a foreign device also accepts no event


def _header(first: int, last: int, mask: int, cause: ErrorCause, requirement: str) -> TrackRule:
    return TrackRule(Space.HEADER, 0, first, last, mask, cause, requirement)


def _capability(
    number: int, offset: int, mask: int, cause: ErrorCause, requirement: str
) -> TrackRule:
    scope = Scope.HIERARCHY if cause is ErrorCause.DEVICE_CONTROL else Scope.FUNCTION
    msix = cause is ErrorCause.MSIX
    return TrackRule(
        Space.CAPABILITY,
        number,
        offset,
        offset,
        mask,
        cause,
        requirement,
        scope,
        only_msix_locked=msix,
    )


def _extended(
    number: int, span: tuple[int, int], mask: int, cause: ErrorCause, requirement: str
) -> TrackRule:
    return TrackRule(Space.EXTENDED, number, *span, mask, cause, requirement, Scope.HIERARCHY)


_BAR = ErrorCause.BAR
_CONTROL = ErrorCause.DEVICE_CONTROL
_ENABLES = 1 << 1 | 1 << 2  # Memory Space Enable, Bus Master Enable
_EXTENDED_TAG = 1 << 8
_PHANTOM = 1 << 9
_NO_SNOOP = 1 << 11
_TEN_BIT_TAG = 1 << 12
_FOURTEEN_BIT_TAG = 1 << 2
_LAST = 0xFFC
_ATS_ENABLE = 1 << 31
_ATS_STU = 0x1F << 16

RULES: tuple[TrackRule, ...] = (
    TrackRule(
        Space.HEADER,
        0,
        0x04,
        0x04,
        _ENABLES,
        ErrorCause.COMMAND,
        "TDISP-TRK-001",
        change=Change.CLEARED,
    ),
    _header(0x0C, 0x0C, 0xFF000000, _BAR, "TDISP-TRK-003"),  # BIST
    _header(0x10, 0x24, ALL_BITS, _BAR, "TDISP-TRK-003"),
    _header(0x30, 0x30, ALL_BITS, _BAR, "TDISP-TRK-003"),  # Expansion ROM
    _capability(0x10, 0x08, _EXTENDED_TAG | _PHANTOM | _NO_SNOOP, _CONTROL, "TDISP-TRK-004"),
    _capability(0x10, 0x28, _TEN_BIT_TAG, _CONTROL, "TDISP-TRK-004"),
    _capability(0x11, 0x00, HIGH, ErrorCause.MSIX, "TDISP-TRK-005"),
    _capability(0x14, 0x04, ALL_BITS, _BAR, "TDISP-TRK-008"),  # Enhanced Allocation
    TrackRule(
        Space.EXTENDED,
        0x0F,
        0x04,
        0x04,
        _ATS_ENABLE,
        ErrorCause.ATS,
        "TDISP-TRK-016",
        tolerated=True,
    ),
    TrackRule(
        Space.EXTENDED,
        0x0F,
        0x04,
        0x04,
        _ATS_STU,
        ErrorCause.ATS,
        "TDISP-TRK-016",
        Scope.HIERARCHY,
        tolerated=True,
    ),
    _extended(0x10, (0x08, 0x08), LOW, ErrorCause.SRIOV, "TDISP-TRK-007"),
    _extended(0x10, (0x10, 0x10), LOW, ErrorCause.SRIOV, "TDISP-TRK-007"),
    _extended(0x10, (0x14, 0x3C), ALL_BITS, ErrorCause.SRIOV, "TDISP-TRK-007"),
    _extended(0x0E, (0x04, 0x04), HIGH, _CONTROL, "TDISP-TRK-008"),  # ARI
    _extended(0x12, (0x04, _LAST), ALL_BITS, _CONTROL, "TDISP-TRK-008"),  # Multicast
    _extended(0x13, (0x04, 0x04), LOW, _CONTROL, "TDISP-TRK-008"),  # PRI control
    _extended(0x13, (0x0C, 0x0C), ALL_BITS, _CONTROL, "TDISP-TRK-008"),  # PRI allocation
    _extended(0x15, (0x04, _LAST), ALL_BITS, _BAR, "TDISP-TRK-008"),  # Resizable BAR
    TrackRule(
        Space.EXTENDED,
        0x17,
        0x08,
        0x08,
        ALL_BITS,
        ErrorCause.MSIX,
        "TDISP-TRK-005",
        only_msix_locked=True,
        tolerated=True,
    ),  # TPH control is reported
    _extended(0x1B, (0x04, 0x04), HIGH, _CONTROL, "TDISP-TRK-008"),  # PASID
    _extended(0x24, (0x04, _LAST), ALL_BITS, _BAR, "TDISP-TRK-008"),  # VF Resizable BAR
    _extended(0x2F, (0x08, 0x08), _FOURTEEN_BIT_TAG, _CONTROL, "TDISP-TRK-004"),
)
PM_CAPABILITY = 0x01
PM_CONTROL = 0x04
IDE_CAPABILITY = 0x0030


@dataclass(frozen=True, slots=True)
class RegisterWrite:
    """A write to one DW of configuration space."""

    space: Space
    capability: int  # id; 0 in the header
    offset: int  # of the DW, from the start of the header or the capability
    enables: int  # byte enables
    old: int  # value before
    new: int  # value of the DW if all bytes that are enabled were written


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """A change that moves locked TDIs to ERROR."""

    cause: ErrorCause
    scope: Scope
    requirement: str
    block: int | None = None  # selective stream register block, with Scope.STREAM
    tolerated: bool = False


BYTE_MASKS = tuple(
    sum(0xFF << 8 * byte for byte in range(DWORD) if enables >> byte & 1)
    for enables in range(1 << DWORD)
)


def byte_mask(enables: int) -> int:
    """The bits of the bytes that are enabled."""
    return BYTE_MASKS[enables & 0xF]


def track(
    write: RegisterWrite, *, physical: bool, msix_locked: bool, streams: Sequence[int] = ()
) -> TrackEvent | None:
    """What `write` does to locked TDIs; None when it is harmless.

    `physical` is whether the function is a PF or has no VFs: a change in a VF hits that VF only.
    `msix_locked` is that of the TDI of the function. `streams` gives the offset of each selective
    stream register block in the IDE capability.
    """
    mask = byte_mask(write.enables)
    changed = (write.old ^ write.new) & mask
    if not changed:
        return None
    if write.space is Space.CAPABILITY and write.capability == PM_CAPABILITY:
        return _power(write, mask, physical)
    if write.space is Space.EXTENDED and write.capability == IDE_CAPABILITY:
        return _ide(write, streams)
    for rule in RULES:
        if not _applies(rule, write) or (rule.only_msix_locked and not msix_locked):
            continue
        seen = changed & write.old if rule.change is Change.CLEARED else changed
        if seen & rule.mask:
            scope = rule.scope if physical else Scope.FUNCTION
            return TrackEvent(rule.cause, scope, rule.requirement, tolerated=rule.tolerated)
    return None


def _applies(rule: TrackRule, write: RegisterWrite) -> bool:
    place = (rule.space, rule.capability) == (write.space, write.capability)
    return place and rule.first <= write.offset <= rule.last


def _power(write: RegisterWrite, mask: int, physical: bool) -> TrackEvent | None:
    """To D3hot without No_Soft_Reset the function loses its state (TDISP-TRK-011)."""
    after = write.old & ~mask | write.new & mask
    falls = write.old & POWER_STATE != D3HOT and after & POWER_STATE == D3HOT
    if write.offset != PM_CONTROL or write.old & NO_SOFT_RESET or not falls:
        return None
    scope = Scope.HIERARCHY if physical else Scope.FUNCTION
    return TrackEvent(ErrorCause.POWER, scope, "TDISP-TRK-011")


def _ide(write: RegisterWrite, streams: Sequence[int]) -> TrackEvent | None:
    """Control, RID association and address association of one block (TDISP-TRK-009)."""
    if write.offset < IdeRegister.FIRST_BLOCK:
        return None
    starts = [index for index, start in enumerate(streams) if start <= write.offset]
    if not starts:
        return None
    block = starts[-1]
    register = write.offset - streams[block]
    if register in (SelectiveBlock.CAPABILITY, SelectiveBlock.STATUS):
        return None
    return TrackEvent(ErrorCause.IDE_REGISTERS, Scope.STREAM, "TDISP-TRK-009", block)
