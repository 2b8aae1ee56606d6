# SPDX-License-Identifier: Apache-2.0
"""ATT-32: requests and errors that meet, shifted cycle by cycle."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_32_races"


@attack("ATT-32")
@covers("TDISP-STATE-003", "TDISP-STOP-001", "TDISP-FSM-001", "TDISP-FSM-004", "TDISP-FSM-013")
@on_verilator
def test_each_alone_has_its_effect(simulator: str) -> None:
    run_case(MODULE, "EachAloneHasItsEffect", simulator)


@attack("ATT-32")
@covers("TDISP-STATE-003", "TDISP-STOP-001", "TDISP-STOP-004", "TDISP-FSM-013", "TDISP-FSM-005")
@on_verilator
def test_stop_meets_errors(simulator: str) -> None:
    run_case(MODULE, "StopMeetsErrors", simulator)


@attack("ATT-32")
@covers("TDISP-START-007", "TDISP-FSM-013", "TDISP-FSM-002", "TDISP-FSM-005")
@on_verilator
def test_start_meets_errors(simulator: str) -> None:
    run_case(MODULE, "StartMeetsErrors", simulator)


@attack("ATT-32")
@covers("TDISP-START-007", "TDISP-TRK-016")
@on_verilator
def test_start_meets_the_end_of_keys(simulator: str) -> None:
    run_case(MODULE, "StartMeetsTheEndOfKeys", simulator)


@attack("ATT-32")
@covers("TDISP-STATE-003", "TDISP-LOCK-028", "TDISP-FSM-005")
@on_verilator
def test_lock_meets_errors(simulator: str) -> None:
    run_case(MODULE, "LockMeetsErrors", simulator)


@attack("ATT-32")
@covers("TDISP-LOCK-028", "TDISP-FSM-002")
@on_verilator
def test_lock_meets_configuration_writes(simulator: str) -> None:
    run_case(MODULE, "LockMeetsConfigurationWrites", simulator)
