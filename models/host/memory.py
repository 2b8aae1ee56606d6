# SPDX-License-Identifier: Apache-2.0
"""Host memory: regions, each with an owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from models.host.errors import HostError


class OwnerKind(Enum):
    """Whose side an owner is on."""

    TVM = "TVM"
    VMM = "VMM"
    LEGACY = "legacy VM"


@dataclass(frozen=True, slots=True)
class Owner:
    """A party that owns memory or is given a function."""

    kind: OwnerKind
    name: str

    @property
    def confidential(self) -> bool:
        """Whether the memory of this owner is closed to everybody whom it has not accepted."""
        return self.kind is OwnerKind.TVM


VMM = Owner(OwnerKind.VMM, "VMM")


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes from `base` on, all of one owner.

    `interrupts` marks the window that a memory write turns into an interrupt; `shared` marks
    memory that its owner lets devices of others reach.
    """

    base: int
    size: int
    owner: Owner
    interrupts: bool = False
    shared: bool = False

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.base + self.size

    def holds(self, address: int, length: int = 1) -> bool:
        """Whether all of `length` bytes from `address` on are inside."""
        return self.base <= address and address + length <= self.end


class HostMemory:
    """Contents and owners of the host's memory. It does not check who asks: `OwnerCheck` does."""

    def __init__(self) -> None:
        self._regions: list[Region] = []
        self._contents: dict[int, bytearray] = {}

    @property
    def regions(self) -> tuple[Region, ...]:
        """All regions, in the order in which they were added."""
        return tuple(self._regions)

    def add(self, region: Region) -> Region:
        """Add a region of zeros; HostError when it is empty or overlaps another."""
        if region.size <= 0:
            raise HostError(f"region of {region.size} bytes")
        for other in self._regions:
            if region.base < other.end and other.base < region.end:
                raise HostError(f"{region.base:#x} overlaps the region at {other.base:#x}")
        self._regions.append(region)
        self._contents[region.base] = bytearray(region.size)
        return region

    def region_at(self, address: int, length: int = 1) -> Region | None:
        """The region that holds all of the bytes; None where there is none."""
        return next((r for r in self._regions if r.holds(address, length)), None)

    def read(self, address: int, length: int) -> bytes:
        """Bytes at `address`; HostError when they are not inside one region."""
        region = self._find(address, length)
        start = address - region.base
        return bytes(self._contents[region.base][start : start + length])

    def write(self, address: int, data: bytes) -> None:
        """Put `data` at `address`; HostError when it is not inside one region."""
        region = self._find(address, len(data))
        start = address - region.base
        self._contents[region.base][start : start + len(data)] = data

    def _find(self, address: int, length: int) -> Region:
        region = self.region_at(address, length)
        if region is None:
            raise HostError(f"no region holds {length} bytes at {address:#x}")
        return region
