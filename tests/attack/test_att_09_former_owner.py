# SPDX-License-Identifier: Apache-2.0
"""ATT-09: the former owner's mapping outlives its ownership."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_09_former_owner"


@attack("ATT-09")
@covers("TDISP-MMIO-002", "TDISP-MMIO-003", "TDISP-MMIO-008", "TDISP-START-006", "TDISP-ZERO-001")
@on_verilator
def test_former_owner_is_refused(simulator: str) -> None:
    run_case(MODULE, "FormerOwnerIsRefused", simulator)


@attack("ATT-09")
@covers("IDE-KEY-008", "IDE-ST-007", "IDE-GCM-011")
@on_verilator
def test_former_owners_tlp_dies_with_its_keys(simulator: str) -> None:
    run_case(MODULE, "FormerOwnersTlpDiesWithItsKeys", simulator)


@attack("ATT-09")
@covers("TDISP-MMIO-001", "TDISP-STOP-001")
@on_verilator
def test_owner_is_served_before_stop_and_after_start(simulator: str) -> None:
    run_case(MODULE, "OwnerIsServedBeforeStopAndAfterStart", simulator)
