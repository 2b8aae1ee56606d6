# SPDX-License-Identifier: Apache-2.0
"""Whole life cycles with traffic of every kind; SEED=n gives another one."""

from __future__ import annotations

import pytest

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_mixed"


@covers("TDISP-STATE-002", "TDISP-STOP-001", "TDISP-DMA-002", "TDISP-MMIO-001", "TDISP-INT-002")
@covers("IDE-CNT-001", "IDE-KEY-006", "TDISP-FSM-001", "TDISP-ZERO-001")
@on_verilator
@needs_vfs
def test_whole_life_under_back_pressure(simulator: str) -> None:
    run_case(MODULE, "WholeLifeUnderBackPressure", simulator)


@covers("TDISP-STATE-002", "TDISP-STOP-001", "IDE-CNT-001", "IDE-KEY-006", "TDISP-ZERO-001")
@pytest.mark.parametrize("seed", [1, 2, 3])
@on_verilator
@needs_vfs
def test_whole_life_under_heavy_back_pressure(simulator: str, seed: int) -> None:
    run_case(MODULE, "WholeLifeUnderHeavyBackPressure", simulator, seed)
