# SPDX-License-Identifier: Apache-2.0
"""Builds with Scalable Device Interfaces without one check at a time."""

from __future__ import annotations

import pytest

from tb.device import Mutation, device
from tests.mutants.mutants import SYSTEM, UNIT, Mutant, assert_killed, each_mutant
from tests.plan import attack, covers
from tests.system.test_sdis import BUILD
from tests.unit.test_cfg_space import sdi_design
from tests.unit.test_dma_filter import WITH_SDIS as DMA_FILTER
from tests.unit.test_dsm import WITH_SDIS, environment
from tests.unit.test_dsm import design as dsm
from tests.unit.test_sdi_functions import design as sdi_functions
from tests.unit.test_tdi_monitor import WITH_SDIS as WATCHED
from tests.unit.test_tdi_monitor import sdi_watch
from tests.unit.test_tlp_route import WITH_SDIS as ROUTED
from tests.unit.test_tlp_route import sdi_route

FILTER_FILE = "filter/dma_filter.v"
OUT_PASID = "!is_sdi ? appreq_pasid : interrupt ? 21'd0 : {1'b1, sdi_number}"
OWN_PASID = "an_sdi_leaves_by_its_own_pasid_whatever_its_software_says"
FILTER_RULES = [
    Mutant(
        covers("TDISP-DMA-007"),
        f"{UNIT}dma_filter_sdi",
        case,
        Mutation(name, FILTER_FILE, old, new),
    )
    for case, name, old, new in (
        (OWN_PASID, "pasid_that_software_asks_for", OUT_PASID, "appreq_pasid"),
        (
            "an_interrupt_of_an_sdi_has_no_pasid",
            "interrupt_of_an_sdi_with_pasid",
            OUT_PASID,
            "!is_sdi ? appreq_pasid : {1'b1, sdi_number}",
        ),
        (
            "the_physical_function_never_has_the_pasid_of_an_sdi",
            "function_in_the_name_of_an_sdi",
            "is_sdi || !of_an_sdi",
            "1'b1",
        ),
        (
            OWN_PASID,
            "sdi_with_a_requester_id_of_its_own",
            "is_sdi ? {appreq_hdr[127:96], pf_rid, appreq_hdr[79:0]} : appreq_hdr",
            "appreq_hdr",
        ),
        (
            "only_the_physical_function_asks_for_pages",
            "pages_of_an_sdi",
            "pri_enable && !is_sdi",
            "pri_enable",
        ),
    )
]

RESPONDER_FILE = "tdisp/tdisp_responder.v"
SDI_OK = "sdi_ok = function_number == 16'd0 && sdi_number[19:16] == 4'd0 && sdi_number != 20'd0;"
DSM_RULES = [
    *(
        Mutant(
            covers("TDISP-HDR-005"),
            f"{UNIT}dsm_sdi",
            "other_names_are_unknown",
            Mutation(name, RESPONDER_FILE, SDI_OK, SDI_OK.replace(condition, "")),
        )
        for name, condition in (
            ("sdi_of_any_function", "function_number == 16'd0 && "),
            ("part_of_the_pasid", "sdi_number[19:16] == 4'd0 && "),
            ("function_by_a_pasid", " && sdi_number != 20'd0"),
        )
    ),
    Mutant(
        covers("TDISP-RPT-011"),
        f"{UNIT}dsm",
        "report_is_the_same_in_any_portions",
        Mutation(
            "sdi_reports_dma_without_pasid",
            "tdisp/tdisp_report.v",
            "sdi_q ? 16'h0 : INFO_NO_PASID",
            "INFO_NO_PASID",
        ),
    ),
]

WATCH_FILE = "cfg/lock_watch.v"
WATCH_RULES = [
    Mutant(
        covers("TDISP-TRK-001", "TDISP-TRK-003"),
        f"{UNIT}lock_watch",
        None,
        Mutation(
            "registers_of_the_function_alone",
            WATCH_FILE,
            "SDI_EN != 0 ? {NUM_TDI{1'b1}} : ONE << watch_func",
            "ONE << watch_func",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-005"),
        f"{UNIT}lock_watch",
        None,
        Mutation(
            "msix_control_of_any_sdi",
            WATCH_FILE,
            "{NUM_TDI{msix}} & tdi_msix_locked",
            "{NUM_TDI{msix && |tdi_msix_locked}}",
        ),
    ),
]

DEVICE_FILE = "device/tdisp_device.v"
FUNCTIONS_FILE = "cfg/sdi_functions.v"
SIDE_BY_SIDE = "SdisOfTwoTvmsLiveSideBySide"
ONLY_THE_FUNCTION = "OnlyTheFunctionTranslatesAndAsksForPages"
DEVICE_RULES = [
    Mutant(shows, f"{SYSTEM}sdis", case, Mutation(name, file, old, new))
    for shows, case, name, file, old, new in (
        (
            covers("TDISP-MMIO-006"),
            SIDE_BY_SIDE,
            "completions_by_the_number_of_an_sdi",
            DEVICE_FILE,
            "SDI_EN != 0 ? pf_rid : appcpl_hdr[95:80]",
            "appcpl_hdr[95:80]",
        ),
        (
            covers("TDISP-MMIO-006"),
            SIDE_BY_SIDE,
            "refusals_by_the_number_of_an_sdi",
            DEVICE_FILE,
            "SDI_EN != 0 ? pf_rid : errcpl_hdr[95:80]",
            "errcpl_hdr[95:80]",
        ),
        (
            covers("TDISP-ATS-001"),
            ONLY_THE_FUNCTION,
            "sdis_that_translate",
            FUNCTIONS_FILE,
            "PF & {NUM_TDI{ats_enable}}",
            "{NUM_TDI{ats_enable}}",
        ),
        (
            covers("TDISP-ATS-001"),
            ONLY_THE_FUNCTION,
            "sdis_that_ask_for_pages",
            FILTER_FILE,
            "pri_enable && !is_sdi",
            "pri_enable",
        ),
        (
            attack("ATT-11"),
            "NoProgramBorrowsAPasid",
            "function_as_an_sdi",
            FILTER_FILE,
            "is_sdi || !of_an_sdi",
            "1'b1",
        ),
    )
]

FUNCTIONS_RULES = [
    Mutant(shows, f"{UNIT}sdi_functions", None, Mutation(name, FUNCTIONS_FILE, old, new))
    for shows, name, old, new in (
        (
            covers("TDISP-ATS-001"),
            "translation_of_sdis",
            "PF & {NUM_TDI{ats_enable}}",
            "{NUM_TDI{ats_enable}}",
        ),
        (
            covers("TDISP-FSM-005"),
            "flr_of_the_function_alone",
            "{NUM_TDI{flr_req}}",
            "PF & flr_req",
        ),
        (
            covers("TDISP-MMIO-001"),
            "slices_one_above_another",
            "bar0 + `APP_BAR0_SIZE",
            "bar0",
        ),
    )
]

ROUTE = [
    Mutant(
        covers("TDISP-ATS-003"),
        f"{UNIT}tlp_route",
        "an_invalidate_request_reaches_its_function_with_its_stream_and_t",
        Mutation(
            "requester_ids_behind_the_function",
            "link/tlp_route.v",
            "a_target < FUNCTIONS[15:0]",
            "a_target < NUM_TDI[15:0]",
        ),
    )
]

SLICES = [
    Mutant(
        covers("TDISP-LOCK-012"),
        f"{UNIT}cfg_sdis",
        "no_slice_may_overlap_the_other_bar",
        Mutation(
            "slices_of_sdis_unchecked",
            "cfg/cfg_lock_check.v",
            "{33'd0, SLICES} * {1'b0, `APP_BAR2_SIZE}",
            "{1'b0, `APP_BAR2_SIZE}",
        ),
    )
]


@attack("ATT-11")
@each_mutant(FILTER_RULES, alike="mutation")
def test_sdis_without_a_check_of_their_names_are_found(mutant: Mutant) -> None:
    assert_killed(DMA_FILTER, FILTER_RULES, mutant)


@pytest.mark.nightly
@each_mutant(DSM_RULES)
def test_dsm_of_sdis_without_a_check_is_found(mutant: Mutant) -> None:
    assert_killed(dsm(4, WITH_SDIS), DSM_RULES, mutant, environment(4, WITH_SDIS))


@each_mutant(WATCH_RULES, alike="mutation")
def test_changes_of_the_function_that_an_sdi_does_not_see_are_found(mutant: Mutant) -> None:
    assert_killed(sdi_watch(), WATCH_RULES, mutant, WATCHED)


@pytest.mark.nightly
@each_mutant(DEVICE_RULES)
def test_device_with_sdis_without_a_check_is_found(mutant: Mutant) -> None:
    assert_killed(device(BUILD), DEVICE_RULES, mutant)


@pytest.mark.nightly
@each_mutant(FUNCTIONS_RULES)
def test_sdis_that_differ_from_their_function_are_found(mutant: Mutant) -> None:
    assert_killed(sdi_functions(), FUNCTIONS_RULES, mutant)


@pytest.mark.nightly
@each_mutant(ROUTE)
def test_an_sdi_with_a_requester_id_is_found(mutant: Mutant) -> None:
    assert_killed(sdi_route(), ROUTE, mutant, ROUTED)


@pytest.mark.nightly
@each_mutant(SLICES)
def test_slices_that_overlap_unnoticed_are_found(mutant: Mutant) -> None:
    assert_killed(sdi_design(), SLICES, mutant)
