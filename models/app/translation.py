# SPDX-License-Identifier: Apache-2.0
"""Address translations of ATS as they travel: the entry of a Translation Completion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from models.app.map import PAGE

ENTRY_BYTES = 8


class EntryBit(IntFlag):
    """Bits below the address of an entry. Privileged, Execute and Global are not used here."""

    READ = 0x001
    WRITE = 0x002
    UNTRANSLATED_ONLY = 0x004
    NON_SNOOPED = 0x400
    SIZE = 0x800  # a range of more than one page


_RIGHTS = EntryBit.READ | EntryBit.WRITE | EntryBit.UNTRANSLATED_ONLY | EntryBit.NON_SNOOPED
READ_WRITE = EntryBit.READ | EntryBit.WRITE


@dataclass(frozen=True, slots=True)
class Translation:
    """Where a range of untranslated addresses lies, and what may be done there.

    `size` is a power of 2 of at least one page, `address` a multiple of it.
    """

    address: int
    size: int = PAGE  # bytes
    rights: EntryBit = READ_WRITE

    def encode(self) -> bytes:
        """The entry in wire byte order: the size is the number of 1s below the lowest 0."""
        if self.size < PAGE or self.size & (self.size - 1) or self.address % self.size:
            raise ValueError(f"no range: {self.size:#x} bytes at {self.address:#x}")
        value = self.address | int(self.rights & _RIGHTS)
        if self.size > PAGE:
            value |= EntryBit.SIZE | ((self.size // 2 - 1) & ~(PAGE - 1))
        return value.to_bytes(ENTRY_BYTES, "big")

    @classmethod
    def decode(cls, raw: bytes) -> Translation:
        """Raises ValueError when `raw` is not one entry."""
        if len(raw) != ENTRY_BYTES:
            raise ValueError(f"{len(raw)} bytes, expected {ENTRY_BYTES}")
        value = int.from_bytes(raw, "big")
        page = value // PAGE
        size = PAGE
        if value & EntryBit.SIZE:
            size = PAGE * 2 * ((page ^ (page + 1)) // 2 + 1)
        return cls(value & -size & (1 << 64) - 1, size, EntryBit(value) & _RIGHTS)

    def translate(self, address: int) -> int:
        """The translated address of an untranslated one."""
        return self.address | address & (self.size - 1)

    def permits(self, *, read: bool, write: bool) -> bool:
        """Whether a translated request may do this."""
        wanted = (EntryBit.READ if read else 0) | (EntryBit.WRITE if write else 0)
        return not self.rights & EntryBit.UNTRANSLATED_ONLY and self.rights & wanted == wanted
