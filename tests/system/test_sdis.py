# SPDX-License-Identifier: Apache-2.0
"""A device whose TDIs are Scalable Device Interfaces of one function."""

from __future__ import annotations

import pytest

from tests.plan import attack, covers
from tests.system.cases import needs_vfs, run_case

MODULE = "tests.system.cocotb_sdis"
BUILD = {"SDI_EN": 1, "PASID_EN": 1, "PRI_EN": 1, "SDI_PASID": 0x300}


@covers("TDISP-HDR-005", "TDISP-DMA-007", "TDISP-STATE-001", "TDISP-STOP-004", "TDISP-ZERO-001")
@covers("TDISP-RPT-007", "TDISP-RPT-011", "TDISP-MMIO-001", "TDISP-HOST-010")
@needs_vfs
def test_sdis_of_two_tvms_live_side_by_side() -> None:
    run_case(MODULE, "SdisOfTwoTvmsLiveSideBySide", parameters=BUILD)


@covers("TDISP-DMA-007", "TDISP-HOST-010")
@attack("ATT-11")
@needs_vfs
def test_no_program_borrows_a_pasid() -> None:
    run_case(MODULE, "NoProgramBorrowsAPasid", parameters=BUILD)


@covers("TDISP-ATS-001", "TDISP-ATS-002", "TDISP-DMA-007")
@attack("ATT-11")
@pytest.mark.nightly
@needs_vfs
def test_only_the_function_translates_and_asks_for_pages() -> None:
    run_case(MODULE, "OnlyTheFunctionTranslatesAndAsksForPages", parameters=BUILD)


@covers("TDISP-HDR-005", "TDISP-SES-010", "TDISP-FSM-013")
@needs_vfs
def test_only_its_name_and_its_session_reach_an_sdi() -> None:
    run_case(MODULE, "OnlyItsNameAndItsSessionReachAnSdi", parameters=BUILD)


@covers("TDISP-INT-002")
@pytest.mark.nightly
@needs_vfs
def test_interrupts_of_sdis_go_to_their_vms() -> None:
    run_case(MODULE, "InterruptsOfSdisGoToTheirVms", parameters=BUILD)


@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-TRK-001", "TDISP-STOP-004")
@needs_vfs
def test_the_function_takes_all_its_sdis_along() -> None:
    run_case(MODULE, "TheFunctionTakesAllItsSdisAlong", parameters=BUILD)
