# SPDX-License-Identifier: Apache-2.0
"""ATT-28: every bit of configuration space under a lock."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_28_bits"


@attack("ATT-28")
@covers("TDISP-TRK-001", "TDISP-TRK-004", "TDISP-TRK-010", "TDISP-TRK-012", "TDISP-TRK-013")
@on_verilator
def test_harmless_bits_change_nothing(simulator: str) -> None:
    run_case(MODULE, "HarmlessBitsChangeNothing", simulator)


@attack("ATT-28")
@covers("TDISP-TRK-001", "TDISP-TRK-002", "TDISP-TRK-003", "TDISP-TRK-004", "TDISP-TRK-005")
@covers("TDISP-TRK-007", "TDISP-TRK-009", "TDISP-TRK-014", "TDISP-TRK-016", "TDISP-FSM-002")
@on_verilator
def test_forbidden_bits_end_the_lock(simulator: str) -> None:
    run_case(MODULE, "ForbiddenBitsEndTheLock", simulator)


@attack("ATT-28")
@covers("TDISP-TRK-014", "TDISP-TRK-015", "TDISP-FSM-019")
@on_verilator
def test_values_that_are_there_change_nothing(simulator: str) -> None:
    run_case(MODULE, "ValuesThatAreThereChangeNothing", simulator)
