# SPDX-License-Identifier: Apache-2.0
"""Address translation: requests, the entries of their completions, invalidations."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.pcie.codes import AddressType, FmtType, MessageCode
from models.pcie.errors import Rule, TlpError
from models.pcie.layout import DW, MEMORY_READS, PAGE
from models.pcie.tlp import Tlp

ENTRY_SIZE = 8  # bytes
LARGE = 1 << 11  # S: the span is larger than a page
READ, WRITE, UNTRANSLATED_ONLY = 1 << 0, 1 << 1, 1 << 2
ITAGS = 32
MAX_COUNT = 8  # Completion Count 0
COUNT_MASK = 7


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses from `base` on; `size` is a power of two of pages, and `base` a multiple of it."""

    base: int
    size: int = PAGE  # bytes

    def __post_init__(self) -> None:
        if self.size < PAGE or self.size.bit_count() != 1 or self.base % self.size:
            raise ValueError(f"{self.size:#x} bytes at {self.base:#x} are no span")

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.base + self.size

    def holds(self, address: int, length: int = 1) -> bool:
        """Whether all of `length` bytes from `address` on are inside."""
        return self.base <= address and address + length <= self.end

    def overlaps(self, other: Span) -> bool:
        """Whether one address belongs to both."""
        return self.base < other.end and other.base < self.end

    def encode(self) -> int:
        """Bits 63:11: a span larger than a page sets S, and ones below the bit of half its size."""
        large = self.size > PAGE
        return self.base | (LARGE | (self.size >> 1) - PAGE if large else 0)

    @classmethod
    def decode(cls, value: int) -> Span:
        """From bits 63:11; the others are not looked at."""
        address = value & -PAGE
        if not value & LARGE:
            return cls(address)
        zeros = ~(address | PAGE - 1)
        size = 2 * (zeros & -zeros)  # the lowest 0 stands for half of it
        return cls(address & -size, size)


@dataclass(frozen=True, slots=True)
class TranslationEntry:
    """One entry of a Translation Completion."""

    target: Span
    read: bool = True
    write: bool = True
    untranslated_only: bool = False

    def encode(self) -> bytes:
        """The eight bytes; address bits 63:56 come first."""
        flags = self.read * READ | self.write * WRITE | self.untranslated_only * UNTRANSLATED_ONLY
        return (self.target.encode() | flags).to_bytes(ENTRY_SIZE, "big")

    @classmethod
    def decode(cls, raw: bytes) -> TranslationEntry:
        """From eight bytes; TlpError for another number. Global is ignored (TDISP-ATS-004)."""
        if len(raw) != ENTRY_SIZE:
            raise TlpError(Rule.LENGTH, f"translation of {len(raw)} bytes")
        value = int.from_bytes(raw, "big")
        return cls(
            Span.decode(value),
            bool(value & READ),
            bool(value & WRITE),
            bool(value & UNTRANSLATED_ONLY),
        )


def translation_request(requester_id: int, address: int, tag: int, count: int = 1) -> Tlp:
    """Ask for the translation of `count` pages from `address` on."""
    kind = FmtType.MRD32 if address < 1 << 32 else FmtType.MRD64
    return Tlp(
        kind,
        length=count * ENTRY_SIZE // DW,
        at=AddressType.TRANSLATION_REQUEST,
        requester_id=requester_id,
        tag=tag,
        first_be=0xF,
        last_be=0xF,
        address=address & -PAGE,
    )


def is_translation_request(tlp: Tlp) -> bool:
    """Whether a request has the form of a Translation Request."""
    return (
        tlp.fmt_type in MEMORY_READS
        and tlp.at == AddressType.TRANSLATION_REQUEST
        and tlp.length % (ENTRY_SIZE // DW) == 0
        and tlp.first_be == tlp.last_be == 0xF
    )


def translated(tlp: Tlp, address: int) -> Tlp:
    """The memory request `tlp` with the translated address in place of its own."""
    wide = address >= 1 << 32
    kind = FmtType(tlp.fmt_type | 0x20 if wide else tlp.fmt_type & ~0x20)
    return replace(tlp, fmt_type=kind, at=AddressType.TRANSLATED, address=address)


def spans(start: int, entries: list[TranslationEntry]) -> list[tuple[Span, TranslationEntry]]:
    """The untranslated addresses of each entry; the request began at `start`."""
    found, at = [], start
    for entry in entries:
        span = Span(at & -entry.target.size, entry.target.size)
        found.append((span, entry))
        at = span.end
    return found


# ---------------------------------------------------------------------- invalidation


@dataclass(frozen=True, slots=True)
class InvalidateRequest:
    """The host takes translations back."""

    requester_id: int  # of the host
    target: int  # Requester ID of the function
    itag: int
    span: Span

    def tlp(self) -> Tlp:
        """As a message."""
        return Tlp(
            FmtType.MSGD_ID,
            length=ENTRY_SIZE // DW,
            requester_id=self.requester_id,
            tag=self.itag,
            message_code=MessageCode.INVALIDATE_REQUEST,
            message=self.target.to_bytes(2, "big") + bytes(6),
            payload=self.span.encode().to_bytes(ENTRY_SIZE, "big"),
        )

    @classmethod
    def of(cls, tlp: Tlp) -> InvalidateRequest | None:
        """From a message; None for any other, and for one that is poisoned or misshaped."""
        if tlp.fmt_type is not FmtType.MSGD_ID or len(tlp.payload) != ENTRY_SIZE:
            return None
        if tlp.message_code != MessageCode.INVALIDATE_REQUEST or tlp.ep or tlp.tag >= ITAGS:
            return None
        span = Span.decode(int.from_bytes(tlp.payload, "big"))
        return cls(tlp.requester_id, int.from_bytes(tlp.message[:2], "big"), tlp.tag, span)


@dataclass(frozen=True, slots=True)
class InvalidateCompletion:
    """A function uses translations no more."""

    requester_id: int  # of the function
    target: int  # Requester ID of the host
    itags: tuple[int, ...]
    count: int = 1  # completions for these ITags in all

    def tlp(self) -> Tlp:
        """As a message."""
        vector = sum(1 << itag for itag in self.itags)
        fields = bytes([0, self.count % MAX_COUNT]) + vector.to_bytes(4, "big")
        return Tlp.msg(
            self.requester_id,
            MessageCode.INVALIDATE_COMPLETION,
            self.target.to_bytes(2, "big") + fields,
            FmtType.MSG_ID,
        )

    @classmethod
    def of(cls, tlp: Tlp) -> InvalidateCompletion | None:
        """From a message; None for any other."""
        if tlp.fmt_type is not FmtType.MSG_ID:
            return None
        if tlp.message_code != MessageCode.INVALIDATE_COMPLETION:
            return None
        vector = int.from_bytes(tlp.message[4:], "big")
        itags = tuple(itag for itag in range(ITAGS) if vector >> itag & 1)
        count = tlp.message[3] & COUNT_MASK or MAX_COUNT
        return cls(tlp.requester_id, int.from_bytes(tlp.message[:2], "big"), itags, count)
