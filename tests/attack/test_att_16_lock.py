# SPDX-License-Identifier: Apache-2.0
"""ATT-16: LOCK without all that it needs."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_16_lock"


@attack("ATT-16")
@covers("TDISP-LOCK-003", "TDISP-LOCK-007", "TDISP-LOCK-017")
@on_verilator
def test_lock_needs_every_key(simulator: str) -> None:
    run_case(MODULE, "LockNeedsEveryKey", simulator)


@attack("ATT-16")
@covers("TDISP-LOCK-004", "IDEKM-KP-006")
@on_verilator
def test_lock_needs_keys_of_its_own_session(simulator: str) -> None:
    run_case(MODULE, "LockNeedsKeysOfItsOwnSession", simulator)


@attack("ATT-16")
@covers("TDISP-LOCK-002", "TDISP-LOCK-005", "TDISP-LOCK-006")
@on_verilator
def test_lock_needs_the_one_default_stream(simulator: str) -> None:
    run_case(MODULE, "LockNeedsTheOneDefaultStream", simulator)


@attack("ATT-16")
@covers("TDISP-LOCK-001", "TDISP-LOCK-003")
@on_verilator
def test_lock_with_everything_in_place_succeeds(simulator: str) -> None:
    run_case(MODULE, "LockWithEverythingInPlaceSucceeds", simulator)
