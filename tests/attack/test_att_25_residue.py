# SPDX-License-Identifier: Apache-2.0
"""ATT-25: reads that show residue."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_25_residue"


@attack("ATT-25")
@covers("TDISP-ZERO-001", "TDISP-ZERO-005", "TDISP-STOP-004", "TDISP-FSM-015", "TDISP-FSM-016")
@on_verilator
def test_next_owner_finds_nothing(simulator: str) -> None:
    run_case(MODULE, "NextOwnerFindsNothing", simulator)


@attack("ATT-25")
@covers("TDISP-ZERO-001", "TDISP-DMA-005", "TDISP-DMA-006", "TDISP-MMIO-003")
@on_verilator
def test_next_tvm_finds_nothing(simulator: str) -> None:
    run_case(MODULE, "NextTvmFindsNothing", simulator)


@attack("ATT-25")
@covers("TDISP-MMIO-001", "TDISP-MMIO-008")
@on_verilator
def test_owner_finds_its_own(simulator: str) -> None:
    run_case(MODULE, "OwnerFindsItsOwn", simulator)
