# SPDX-License-Identifier: Apache-2.0
"""ATT-33: one interface stalls for ever while errors arrive."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_33_backpressure"


@attack("ATT-33")
@covers("TDISP-MMIO-001", "TDISP-MMIO-015", "TDISP-DMA-002", "DOE-FSM-001")
@on_verilator
def test_all_is_served_without_a_stall(simulator: str) -> None:
    run_case(MODULE, "AllIsServedWithoutAStall", simulator)


@attack("ATT-33")
@covers("TDISP-FSM-002", "TDISP-FSM-005", "TDISP-FSM-013", "TDISP-SES-007", "IDE-ST-002")
@on_verilator
def test_errors_pass_a_stalled_link(simulator: str) -> None:
    run_case(MODULE, "ErrorsPassAStalledLink", simulator)


@attack("ATT-33")
@covers("DOE-FSM-001", "TDISP-FSM-013")
@on_verilator
def test_messages_pass_a_stalled_link(simulator: str) -> None:
    run_case(MODULE, "MessagesPassAStalledLink", simulator)


@attack("ATT-33")
@covers("TDISP-FSM-017", "TDISP-DMA-001", "TDISP-DMA-009")
@on_verilator
def test_transfers_in_a_stall_stay_protected(simulator: str) -> None:
    run_case(MODULE, "TransfersInAStallStayProtected", simulator)


@attack("ATT-33")
@covers("TDISP-STOP-003", "TDISP-STOP-007", "TDISP-DMA-006")
@on_verilator
def test_stop_waits_for_the_link(simulator: str) -> None:
    run_case(MODULE, "StopWaitsForTheLink", simulator)


@attack("ATT-33")
@covers("TDISP-FSM-013", "TDISP-SES-007", "DOE-FSM-002", "DOE-FSM-006")
@on_verilator
def test_errors_pass_a_stalled_root_of_trust(simulator: str) -> None:
    run_case(MODULE, "ErrorsPassAStalledRootOfTrust", simulator)


@attack("ATT-33")
@covers("TDISP-LOCK-016", "TDISP-FSM-013")
@on_verilator
def test_lock_without_entropy_ends(simulator: str) -> None:
    run_case(MODULE, "LockWithoutEntropyEnds", simulator)


@attack("ATT-33")
@covers("DOE-FSM-002", "TDISP-STOP-001", "TDISP-STOP-008")
@on_verilator
def test_abandoned_lock_holds_nobody_up(simulator: str) -> None:
    run_case(MODULE, "AbandonedLockHoldsNobodyUp", simulator)
