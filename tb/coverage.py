# SPDX-License-Identifier: Apache-2.0
"""Functional coverage, sampled from what the scoreboard has compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pyuvm import uvm_subscriber


@dataclass(frozen=True)
class CoverItem:
    """One thing that was seen and compared.

    | group | point |
    |---|---|
    | transition | TDI or stream, old, new, cause |
    | message | request, answer or silence, error code |
    | mmio | state, T, bound or not, region, decision |
    | outbound | kind of request, state, T |
    | ide_receive | why an IDE TLP was not served |
    """

    group: str
    point: tuple[str, ...]


class Coverage(uvm_subscriber):
    """Counts each point; `hits` is what a coverage page would show."""

    def build_phase(self) -> None:
        self.hits: Counter[CoverItem] = Counter()

    def write(self, tt: CoverItem) -> None:
        """Count one sample."""
        self.hits[tt] += 1
