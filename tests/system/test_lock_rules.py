# SPDX-License-Identifier: Apache-2.0
"""What a lock forbids and what it allows."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_lock_rules"


@covers("TDISP-FSM-001", "TDISP-FSM-002", "TDISP-TRK-002", "TDISP-TRK-005", "TDISP-TRK-007")
@covers("TDISP-TRK-016", "TDISP-LOCK-022", "TDISP-FSM-015", "TDISP-STOP-001")
@on_verilator
def test_forbidden_changes_move_a_locked_tdi_to_error(simulator: str) -> None:
    run_case(MODULE, "ForbiddenChangesMoveALockedTdiToError", simulator)


@covers("TDISP-LOCK-009", "TDISP-LOCK-013", "TDISP-LOCK-017")
@on_verilator
def test_configurations_that_cannot_be_locked(simulator: str) -> None:
    run_case(MODULE, "ConfigurationsThatCannotBeLocked", simulator)


@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-FSM-006", "TDISP-SES-009")
@on_verilator
@needs_vfs
def test_flr_of_the_function_moves_it_to_error_and_clears_it(simulator: str) -> None:
    run_case(MODULE, "FlrOfTheFunctionMovesItToErrorAndClearsIt", simulator)


@covers("TDISP-TRK-009", "TDISP-TRK-010")
def test_changes_of_the_bound_stream_move_its_tdis_to_error() -> None:
    run_case(MODULE, "ChangesOfTheBoundStreamMoveItsTdisToError", "verilator")


@covers("TDISP-TRK-001", "TDISP-TRK-012", "TDISP-TRK-013", "TDISP-TRK-014")
@needs_vfs
def test_allowed_changes_leave_a_locked_tdi_alone() -> None:
    run_case(MODULE, "AllowedChangesLeaveALockedTdiAlone", "verilator")
