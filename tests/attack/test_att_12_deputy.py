# SPDX-License-Identifier: Apache-2.0
"""ATT-12: a TDI as confused deputy against its neighbour."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_12_deputy"


@attack("ATT-12")
@covers("TDISP-DMA-003", "TDISP-DMA-005", "TDISP-DMA-007", "TDISP-FSM-010", "TDISP-HOST-010")
@on_verilator
def test_each_tdi_reaches_its_own_only(simulator: str) -> None:
    run_case(MODULE, "EachTdiReachesItsOwnOnly", simulator)


@attack("ATT-12")
@covers("TDISP-DMA-002", "TDISP-STATE-004")
@on_verilator
def test_neighbours_work_side_by_side(simulator: str) -> None:
    run_case(MODULE, "NeighboursWorkSideBySide", simulator)
