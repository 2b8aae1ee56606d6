# SPDX-License-Identifier: Apache-2.0
"""The transition table of a TDI on the whole device."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import on_both_simulators, on_verilator, run_case

MODULE = "tests.system.cocotb_transitions"


@covers("TDISP-LOCK-001", "TDISP-LOCK-017", "TDISP-START-001", "TDISP-START-002", "TDISP-STOP-001")
@covers("TDISP-RPT-001", "TDISP-STATE-001", "TDISP-VER-002", "TDISP-CAP-005", "TDISP-STOP-002")
@on_verilator
def test_every_request_in_every_state(simulator: str) -> None:
    run_case(MODULE, "EveryRequestInEveryState", simulator)


@covers("TDISP-FSM-001", "TDISP-FSM-004", "TDISP-FSM-006", "TDISP-FSM-007", "TDISP-FSM-010")
@covers("TDISP-FSM-019", "TDISP-TRK-015", "TDISP-SES-007", "TDISP-SES-008")
@on_both_simulators
def test_every_event_in_every_state(simulator: str) -> None:
    run_case(MODULE, "EveryEventInEveryState", simulator)


@covers("TDISP-HDR-003", "TDISP-HDR-004", "TDISP-HDR-005", "TDISP-HDR-006")
@on_verilator
def test_wrong_headers_are_refused_in_every_state(simulator: str) -> None:
    run_case(MODULE, "WrongHeadersAreRefusedInEveryState", simulator)
