# SPDX-License-Identifier: Apache-2.0
"""Functional coverage, sampled from what the scoreboard has compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pyuvm import uvm_subscriber


@dataclass(frozen=True)
class CoverItem:
    """One thing that was seen and compared, such as ("transition", "RUN", "STOP")."""

    group: str
    point: tuple[str, ...]


class Coverage(uvm_subscriber):
    """Counts each point; `hits` is what a coverage page would show."""

    def build_phase(self) -> None:
        self.hits: Counter[CoverItem] = Counter()

    def write(self, tt: CoverItem) -> None:
        """Count one sample."""
        self.hits[tt] += 1
