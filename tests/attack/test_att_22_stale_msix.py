# SPDX-License-Identifier: Apache-2.0
"""ATT-22: the MSI-X table before, while and after a TVM has it."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_22_stale_msix"


@attack("ATT-22")
@covers("TDISP-INT-004", "TDISP-DMA-003")
@on_verilator
def test_entries_from_before_the_lock_send_nothing(simulator: str) -> None:
    run_case(MODULE, "EntriesFromBeforeTheLockSendNothing", simulator)


@attack("ATT-22")
@covers("TDISP-INT-002", "TDISP-INT-004")
@on_verilator
def test_entries_of_the_owner_are_obeyed(simulator: str) -> None:
    run_case(MODULE, "EntriesOfTheOwnerAreObeyed", simulator)


@attack("ATT-22")
@covers("TDISP-MMIO-008", "TDISP-TRK-005", "TDISP-INT-004", "TDISP-LOCK-026")
@on_verilator
def test_locked_table_is_the_tvms_alone(simulator: str) -> None:
    run_case(MODULE, "LockedTableIsTheTvmsAlone", simulator)


@attack("ATT-22")
@covers("TDISP-STOP-003", "TDISP-STOP-004", "TDISP-ZERO-001")
@on_verilator
def test_interrupt_of_one_owner_never_reaches_the_next(simulator: str) -> None:
    run_case(MODULE, "InterruptOfOneOwnerNeverReachesTheNext", simulator)


@attack("ATT-22")
@covers("TDISP-INT-002", "TDISP-TRK-005", "TDISP-HOST-010")
@on_verilator
def test_unlocked_table_stays_the_hosts(simulator: str) -> None:
    run_case(MODULE, "UnlockedTableStaysTheHosts", simulator)
