# SPDX-License-Identifier: Apache-2.0
"""ATT-17: sessions end, and what was set up in them must end with them."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_17_session_end"


@attack("ATT-17")
@covers("SPDM-SES-002", "SPDM-SES-003", "SEC-REC-002", "SEC-REC-007", "IDE-KEY-008")
@on_verilator
def test_stream_and_tdi_end_with_their_session(simulator: str) -> None:
    run_case(MODULE, "StreamAndTdiEndWithTheirSession", simulator)


@attack("ATT-17")
@covers("SEC-REC-008", "SPDM-SES-003", "TDISP-ZERO-002")
@on_verilator
def test_all_end_with_the_connection(simulator: str) -> None:
    run_case(MODULE, "AllEndWithTheConnection", simulator)


@attack("ATT-17")
@covers("TDISP-FSM-014", "TDISP-ZERO-001", "IDE-KEY-008")
@on_verilator
def test_conventional_reset_leaves_nothing(simulator: str) -> None:
    run_case(MODULE, "ConventionalResetLeavesNothing", simulator)


@attack("ATT-17")
@covers("SEC-REC-005", "SPDM-SES-001")
@on_verilator
def test_others_sessions_do_not_matter(simulator: str) -> None:
    run_case(MODULE, "OthersSessionsDoNotMatter", simulator)
