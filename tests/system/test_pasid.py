# SPDX-License-Identifier: Apache-2.0
"""A device that is built with PASIDs and Page Requests."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, run_case

MODULE = "tests.system.cocotb_pasid"
BUILD = {"PASID_EN": 1, "PRI_EN": 1}


@covers("TDISP-DMA-007", "TDISP-RPT-011", "IDE-TLP-002", "TDISP-DMA-008")
def test_requests_carry_the_pasid_of_their_transfer() -> None:
    run_case(MODULE, "RequestsCarryThePasidOfTheirTransfer", parameters=BUILD)


@covers("TDISP-TRK-008", "TDISP-DMA-007", "TDISP-FSM-002")
@needs_vfs
def test_pasid_enable_is_locked_and_needed() -> None:
    run_case(MODULE, "PasidEnableIsLockedAndNeeded", parameters=BUILD)


PAGES = "tests.system.cocotb_pages"


@covers("TDISP-ATS-001", "TDISP-RPT-011", "TDISP-DMA-008")
@needs_vfs
def test_pages_are_asked_for_by_the_way_of_their_vm() -> None:
    run_case(PAGES, "PagesAreAskedForByTheWayOfTheirVm", parameters=BUILD)


@covers("TDISP-FSM-012", "TDISP-LOCK-021", "TDISP-ATS-001")
def test_a_response_by_another_way_is_an_error() -> None:
    run_case(PAGES, "AResponseByAnotherWayIsAnError", parameters=BUILD)


@covers("TDISP-TRK-008", "TDISP-ATS-001", "TDISP-LOCK-021")
@needs_vfs
def test_the_page_request_interface_is_locked_and_can_be_reset() -> None:
    run_case(PAGES, "TheInterfaceIsLockedAndCanBeReset", parameters=BUILD)
