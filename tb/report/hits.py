# SPDX-License-Identifier: Apache-2.0
"""Functional coverage of a simulation, counted from what the scoreboard has compared."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from pyuvm import uvm_subscriber

from tb.coverage import CoverItem, Run, save


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
        if self.scoreboard.findings.announced:
            return
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]
        seed = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))
        save(Path(), Run(test or self.get_full_name(), seed, self.hits))
