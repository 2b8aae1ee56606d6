# SPDX-License-Identifier: Apache-2.0
"""ATT-04: BARs and memory enables that change under a lock."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_04_remap"


@attack("ATT-04")
@covers("TDISP-FSM-001", "TDISP-FSM-002", "TDISP-TRK-001", "TDISP-TRK-003", "TDISP-TRK-007")
@on_verilator
def test_moved_mappings_are_never_served(simulator: str) -> None:
    run_case(MODULE, "MovedMappingsAreNeverServed", simulator)


@attack("ATT-04")
@covers("TDISP-TRK-013", "TDISP-TRK-015", "TDISP-FSM-019", "TDISP-MMIO-001")
@on_verilator
def test_mappings_moved_before_the_lock_are_served(simulator: str) -> None:
    run_case(MODULE, "MappingsMovedBeforeTheLockAreServed", simulator)
