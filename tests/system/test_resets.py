# SPDX-License-Identifier: Apache-2.0
"""Virtual functions that go while a TVM has one of them."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_resets"


@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-FSM-006", "TDISP-ZERO-005", "TDISP-FSM-015")
@covers("IDE-KEY-008", "TDISP-FSM-019")
@on_verilator
def test_flr_of_the_physical_function_takes_all_away(simulator: str) -> None:
    run_case(MODULE, "FlrOfThePhysicalFunctionTakesAllAway", simulator)


@covers("TDISP-TRK-007", "TDISP-FSM-001", "TDISP-FSM-015", "TDISP-FSM-019", "TDISP-ZERO-001")
@on_verilator
@needs_vfs
def test_vf_enable_off_takes_all_away(simulator: str) -> None:
    run_case(MODULE, "VfEnableOffTakesAllAway", simulator)
