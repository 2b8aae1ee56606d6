# SPDX-License-Identifier: Apache-2.0
"""ATT-26: races around the device interface report, and its arithmetic."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_26_report"


@attack("ATT-26")
@covers("TDISP-RPT-001", "TDISP-RPT-006", "TDISP-FSM-001", "TDISP-LOCK-022")
@on_verilator
def test_report_is_of_one_configuration(simulator: str) -> None:
    run_case(MODULE, "ReportIsOfOneConfiguration", simulator)


@attack("ATT-26")
@covers("TDISP-RPT-002", "TDISP-RPT-003", "TDISP-RPT-005", "TDISP-RPT-007", "TDISP-LOCK-023")
@on_verilator
def test_odd_portions_and_offsets_add_up(simulator: str) -> None:
    run_case(MODULE, "OddPortionsAndOffsetsAddUp", simulator)


@attack("ATT-26")
@covers("TDISP-RPT-004", "TDISP-RPT-006", "TDISP-RPT-014", "TDISP-STATE-004")
@on_verilator
def test_reports_of_two_tdis_do_not_mix(simulator: str) -> None:
    run_case(MODULE, "ReportsOfTwoTdisDoNotMix", simulator)
