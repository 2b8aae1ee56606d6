# SPDX-License-Identifier: Apache-2.0
"""Secured sessions on the device: set-up, limits, upkeep, broken records and their consequences."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.system.cocotb_sessions"


@covers("SEC-VDM-002", "TDISP-SES-001", "SPDM-KEX-002", "SPDM-VCA-003")
@on_verilator
def test_nothing_is_served_before_finish(simulator: str) -> None:
    run_case(MODULE, "NothingIsServedBeforeFinish", simulator)


@covers("SPDM-SES-001", "SPDM-SES-002", "SEC-REC-003", "TDISP-SES-004")
@on_verilator
def test_sessions_have_a_limit(simulator: str) -> None:
    run_case(MODULE, "SessionsHaveALimit", simulator)


@covers("SPDM-VCA-002", "SPDM-VCA-003", "SPDM-ERR-001", "TDISP-SES-001")
@on_verilator
def test_each_message_has_its_place(simulator: str) -> None:
    run_case(MODULE, "EachMessageHasItsPlace", simulator)


@covers("SPDM-SES-002", "SPDM-MEA-001", "SPDM-KEY-001", "TDISP-SES-007", "TDISP-SES-008")
@on_verilator
def test_upkeep_does_not_disturb_a_life_cycle(simulator: str) -> None:
    run_case(MODULE, "UpkeepDoesNotDisturbALifeCycle", simulator)


@attack("ATT-17")
@covers("SEC-REC-002", "SEC-REC-007", "TDISP-SES-002", "TDISP-SES-007", "TDISP-SES-008")
@on_verilator
def test_broken_records_end_their_session_only(simulator: str) -> None:
    run_case(MODULE, "BrokenRecordsEndTheirSessionOnly", simulator)


@attack("ATT-17")
@covers("SEC-REC-001", "SEC-REC-004", "SEC-REC-006", "SEC-REC-007", "TDISP-SES-002")
@on_verilator
def test_records_of_wrong_form_end_their_session(simulator: str) -> None:
    run_case(MODULE, "RecordsOfWrongFormEndTheirSession", simulator)


@covers("SEC-REC-005", "TDISP-SES-002")
@on_verilator
def test_records_of_nobody_do_nothing(simulator: str) -> None:
    run_case(MODULE, "RecordsOfNobodyDoNothing", simulator)


@covers("SEC-REC-008", "SPDM-SES-003", "TDISP-SES-007", "TDISP-SES-008", "TDISP-FSM-019")
@on_verilator
def test_connection_starts_again_in_every_state(simulator: str) -> None:
    run_case(MODULE, "ConnectionStartsAgainInEveryState", simulator)
