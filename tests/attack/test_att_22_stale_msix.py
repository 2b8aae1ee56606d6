# SPDX-License-Identifier: Apache-2.0
"""ATT-22: an MSI-X table that was written before the LOCK."""

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
