# SPDX-License-Identifier: Apache-2.0
"""The transition table of a TDI on the whole device."""

from __future__ import annotations

from models.tdisp.codes import TdiState
from models.tdisp.table import TABLE, Event
from tests.plan import covers
from tests.system.cases import on_both_simulators, on_verilator, run_case
from tests.system.rows import BUILDS, CELLS_OUT_OF_REACH, GROUPS, OUT_OF_REACH

MODULE = "tests.system.cocotb_transitions"


@covers("TDISP-STATE-003")
def test_every_row_of_the_table_is_driven_once_or_says_why_not() -> None:
    driven = [event for rows in GROUPS.values() for event in rows]
    assert sorted(row.name for row in [*driven, *OUT_OF_REACH]) == sorted(e.name for e in Event)
    assert {(state, event) for state in TdiState for event in Event} == set(TABLE)
    assert {event for _, event in CELLS_OUT_OF_REACH} <= set(driven)


@covers("TDISP-LOCK-001", "TDISP-LOCK-017", "TDISP-START-001", "TDISP-START-002", "TDISP-STOP-001")
@covers("TDISP-RPT-001", "TDISP-STATE-001", "TDISP-VER-002", "TDISP-CAP-005", "TDISP-STOP-002")
@on_verilator
def test_every_request_in_every_state(simulator: str) -> None:
    run_case(MODULE, "EveryRequestInEveryState", simulator)


@covers("TDISP-P2P-001", "TDISP-MMA-001", "TDISP-CAP-003")
@on_verilator
def test_optional_requests_in_every_state(simulator: str) -> None:
    run_case(MODULE, "OptionalRequestsInEveryState", simulator)


@covers("TDISP-CFG-002", "TDISP-VDM-001", "TDISP-HDR-004", "TDISP-CAP-003")
@on_both_simulators
def test_requests_that_are_not_built_in_every_state(simulator: str) -> None:
    run_case(MODULE, "RequestsThatAreNotBuiltInEveryState", simulator)


@covers("TDISP-FSM-001", "TDISP-FSM-004", "TDISP-FSM-006", "TDISP-FSM-007")
@covers("TDISP-FSM-019", "TDISP-TRK-015", "TDISP-SES-007", "TDISP-SES-008")
@on_verilator
def test_every_event_in_every_state(simulator: str) -> None:
    run_case(MODULE, "EveryEventInEveryState", simulator)


@covers("TDISP-FSM-003", "TDISP-FSM-009", "TDISP-FSM-014", "TDISP-FSM-019", "TDISP-STATE-002")
@on_verilator
def test_rare_events_in_every_state(simulator: str) -> None:
    run_case(MODULE, "RareEventsInEveryState", simulator)


@covers("TDISP-FSM-009", "TDISP-FSM-010", "TDISP-FSM-011", "TDISP-FSM-019", "TDISP-DMA-005")
@on_verilator
def test_answers_in_every_state(simulator: str) -> None:
    run_case(MODULE, "AnswersInEveryState", simulator)


@covers("TDISP-FSM-012", "TDISP-FSM-019", "TDISP-LOCK-021")
@on_verilator
def test_page_responses_in_every_state(simulator: str) -> None:
    name = "PageResponsesInEveryState"
    run_case(MODULE, name, simulator, parameters=BUILDS[name])
