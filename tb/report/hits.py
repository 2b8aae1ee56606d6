# SPDX-License-Identifier: Apache-2.0
"""Functional coverage of a simulation, counted from what the scoreboard has compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pyuvm import uvm_subscriber

from tb.coverage import CoverItem, save_simulation


class Coverage(uvm_subscriber):
    """Connect the scoreboard's `ap`; the hits go to the folder in which the simulation runs.

    They are saved when all checks have passed: what a check has not confirmed is no hit, nor is
    anything of a device of which a test expects mismatches.
    """

    def build_phase(self) -> None:
        self.hits: Counter[CoverItem] = Counter()
        self.scoreboard: Any = None

    def write(self, tt: CoverItem) -> None:
        """Count one sample."""
        self.hits[tt] += 1

    def report_phase(self) -> None:
        if not self.scoreboard.findings.announced:
            save_simulation(self.hits)
