# SPDX-License-Identifier: Apache-2.0
"""Configuration that LOCK_INTERFACE_REQUEST refuses (TDISP-LOCK-008 to TDISP-LOCK-015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

ADDRESS_END = 1 << 64


@dataclass(frozen=True, slots=True)
class Aperture:
    """Addresses that a BAR claims."""

    name: str
    base: int
    size: int

    def overlaps(self, other: Aperture) -> bool:
        """Whether one address belongs to both."""
        return self.base < other.base + other.size and other.base < self.base + self.size


@dataclass(frozen=True, slots=True)
class LockConfig:
    """What the checks look at, in Function 0 and the hosting function."""

    bars: Sequence[Aperture]  # of the PF
    vf_bars: Sequence[Aperture] = ()  # each over all VFs; empty while there are none
    rom: Aperture | None = None  # None when there is none or it is disabled
    phantom_functions: bool = False
    unsupported_bar_size: bool = False  # a Resizable BAR control holds a size that is not offered
    system_page_size: int = 1  # one bit for each power of two, from 4 KiB on
    supported_page_sizes: int = 0x553
    cache_line_differs: bool = False  # LN requester enabled with another cache line size
    unsupported_st_mode: bool = False  # TPH enabled with a Steering Tag mode not offered


def configuration_fault(config: LockConfig) -> str | None:
    """What is wrong, with its requirement; None when a TDI can be locked."""
    if config.phantom_functions:
        return "TDISP-LOCK-008: Phantom Functions are enabled"
    size = config.system_page_size
    if size.bit_count() != 1 or not size & config.supported_page_sizes:
        return f"TDISP-LOCK-013: System Page Size {size:#x}"
    if config.unsupported_bar_size:
        return "TDISP-LOCK-011: Resizable BAR size"
    if config.cache_line_differs:
        return "TDISP-LOCK-014: cache line size"
    if config.unsupported_st_mode:
        return "TDISP-LOCK-015: Steering Tag mode"
    return _overlap(config)


def _overlap(config: LockConfig) -> str | None:
    rom = [] if config.rom is None else [config.rom]
    groups = (
        ("TDISP-LOCK-009", list(combinations(config.bars, 2))),
        ("TDISP-LOCK-010", [(one, other) for one in rom for other in config.bars]),
        (
            "TDISP-LOCK-012",
            list(combinations(config.vf_bars, 2))
            + [(one, other) for one in config.vf_bars for other in (*config.bars, *rom)],
        ),
    )
    for requirement, pairs in groups:
        for one, other in pairs:
            if one.overlaps(other):
                return f"{requirement}: {one.name} overlaps {other.name}"
    for vf_bar in config.vf_bars:
        if vf_bar.base + vf_bar.size > ADDRESS_END:
            return f"TDISP-LOCK-012: {vf_bar.name} leaves the address space"
    return None
