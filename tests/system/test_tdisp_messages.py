# SPDX-License-Identifier: Apache-2.0
"""TDISP messages on the device: wrong headers, foreign sessions and portions of reports."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_tdisp_messages"


@covers("TDISP-HDR-003", "TDISP-HDR-004", "TDISP-HDR-005", "TDISP-HDR-008", "TDISP-HDR-009")
@covers("TDISP-HDR-010")
@on_verilator
def test_wrong_headers_while_unlocked(simulator: str) -> None:
    run_case(MODULE, "WrongHeadersWhileUnlocked", simulator)


@covers("TDISP-HDR-003", "TDISP-HDR-004", "TDISP-HDR-005", "TDISP-HDR-008", "TDISP-HDR-009")
@covers("TDISP-HDR-010")
@on_verilator
def test_wrong_headers_while_locked(simulator: str) -> None:
    run_case(MODULE, "WrongHeadersWhileLocked", simulator)


@covers("TDISP-HDR-001", "TDISP-HDR-002", "TDISP-HDR-006", "TDISP-HDR-007", "TDISP-VER-001")
@covers("TDISP-VER-003", "TDISP-CAP-001", "TDISP-CAP-002", "TDISP-CAP-004", "TDISP-CAP-007")
@covers("TDISP-LOCK-024")
@on_verilator
def test_what_is_reserved_is_ignored(simulator: str) -> None:
    run_case(MODULE, "WhatIsReservedIsIgnored", simulator)


@attack("ATT-16")
@covers("TDISP-SES-005", "TDISP-SES-010", "TDISP-LOCK-004", "TDISP-VER-002", "TDISP-CAP-005")
@on_verilator
@needs_vfs
def test_foreign_sessions_are_refused_in_every_state(simulator: str) -> None:
    run_case(MODULE, "ForeignSessionsAreRefusedInEveryState", simulator)


@covers("TDISP-RPT-002", "TDISP-RPT-003", "TDISP-RPT-004", "TDISP-RPT-005", "TDISP-RPT-006")
@covers("TDISP-RPT-014", "TDISP-LOCK-029")
@on_verilator
def test_report_comes_in_any_portions(simulator: str) -> None:
    run_case(MODULE, "ReportComesInAnyPortions", simulator)
