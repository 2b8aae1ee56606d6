# SPDX-License-Identifier: Apache-2.0
"""ATT-18: nonces that are stale, guessed or compared in part."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_both_simulators, on_verilator, run_case

MODULE = "tests.attack.cocotb_att_18_nonce"


@attack("ATT-18")
@covers("TDISP-START-002")
@on_verilator
def test_almost_right_nonces_are_refused(simulator: str) -> None:
    run_case(MODULE, "AlmostRightNoncesAreRefused", simulator)


@attack("ATT-18")
@covers("TDISP-START-001", "TDISP-START-003", "TDISP-START-004", "TDISP-START-005")
@covers("TDISP-STOP-005", "TDISP-FSM-018")
@on_both_simulators
def test_nonce_dies_with_its_lock(simulator: str) -> None:
    run_case(MODULE, "NonceDiesWithItsLock", simulator)


@attack("ATT-18")
@covers("TDISP-LOCK-018")
@on_verilator
def test_nonces_cannot_be_guessed(simulator: str) -> None:
    run_case(MODULE, "NoncesCannotBeGuessed", simulator)


@attack("ATT-18")
@covers("TDISP-START-001", "TDISP-LOCK-018")
@on_verilator
def test_right_nonce_starts(simulator: str) -> None:
    run_case(MODULE, "RightNonceStarts", simulator)
