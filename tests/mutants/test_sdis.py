# SPDX-License-Identifier: Apache-2.0
"""Builds with Scalable Device Interfaces without one check at a time."""

from __future__ import annotations

import pytest

from tb.device import Mutation, device
from tests.mutants.mutants import assert_killed
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
OUT_PASID = "!is_sdi ? appreq_pasid : appreq_msix ? 21'd0 : {1'b1, sdi_number}"
FILTER_RULES = [
    (
        "an_sdi_leaves_by_its_own_pasid_whatever_its_software_says",
        Mutation("pasid_that_software_asks_for", FILTER_FILE, OUT_PASID, "appreq_pasid"),
    ),
    (
        "an_interrupt_of_an_sdi_has_no_pasid",
        Mutation(
            "interrupt_of_an_sdi_with_pasid",
            FILTER_FILE,
            OUT_PASID,
            "!is_sdi ? appreq_pasid : {1'b1, sdi_number}",
        ),
    ),
    (
        "the_physical_function_never_has_the_pasid_of_an_sdi",
        Mutation("function_in_the_name_of_an_sdi", FILTER_FILE, "is_sdi || !of_an_sdi", "1'b1"),
    ),
    (
        "an_sdi_leaves_by_its_own_pasid_whatever_its_software_says",
        Mutation(
            "sdi_with_a_requester_id_of_its_own",
            FILTER_FILE,
            "is_sdi ? {appreq_hdr[127:96], pf_rid, appreq_hdr[79:0]} : appreq_hdr",
            "appreq_hdr",
        ),
    ),
    (
        "only_the_physical_function_asks_for_pages",
        Mutation("pages_of_an_sdi", FILTER_FILE, "pri_enable && !is_sdi", "pri_enable"),
    ),
]
FILTER_MUTATIONS = [mutation for _, mutation in FILTER_RULES]

RESPONDER_FILE = "tdisp/tdisp_responder.v"
SDI_OK = "sdi_ok = function_number == 16'd0 && sdi_number[19:16] == 4'd0 && sdi_number != 20'd0;"
UNKNOWN = ("cocotb_dsm_sdi", "other_names_are_unknown")
DSM_RULES = [
    (
        *UNKNOWN,
        Mutation(
            "sdi_of_any_function",
            RESPONDER_FILE,
            SDI_OK,
            SDI_OK.replace("function_number == 16'd0 && ", ""),
        ),
    ),
    (
        *UNKNOWN,
        Mutation(
            "part_of_the_pasid",
            RESPONDER_FILE,
            SDI_OK,
            SDI_OK.replace("sdi_number[19:16] == 4'd0 && ", ""),
        ),
    ),
    (
        *UNKNOWN,
        Mutation(
            "function_by_a_pasid",
            RESPONDER_FILE,
            SDI_OK,
            SDI_OK.replace(" && sdi_number != 20'd0", ""),
        ),
    ),
    (
        "cocotb_dsm",
        "report_is_the_same_in_any_portions",
        Mutation(
            "sdi_reports_dma_without_pasid",
            "tdisp/tdisp_report.v",
            "sdi_q ? 16'h0 : INFO_NO_PASID",
            "INFO_NO_PASID",
        ),
    ),
]
DSM_MUTATIONS = [mutation for _, _, mutation in DSM_RULES]

WATCH_MUTATIONS = [
    Mutation(
        "registers_of_the_function_alone",
        "cfg/lock_watch.v",
        "SDI_EN != 0 ? {NUM_TDI{1'b1}} : ONE << watch_func",
        "ONE << watch_func",
    ),
    Mutation(
        "msix_control_of_any_sdi",
        "cfg/lock_watch.v",
        "{NUM_TDI{msix}} & tdi_msix_locked",
        "{NUM_TDI{msix && |tdi_msix_locked}}",
    ),
]
DEVICE_FILE = "device/tdisp_device.v"
SIDE_BY_SIDE = "SdisOfTwoTvmsLiveSideBySide"
ONLY_THE_FUNCTION = "OnlyTheFunctionTranslatesAndAsksForPages"
DEVICE_RULES = [
    (
        SIDE_BY_SIDE,
        Mutation(
            "completions_by_the_number_of_an_sdi",
            DEVICE_FILE,
            "SDI_EN != 0 ? pf_rid : appcpl_hdr[95:80]",
            "appcpl_hdr[95:80]",
        ),
    ),
    (
        SIDE_BY_SIDE,
        Mutation(
            "refusals_by_the_number_of_an_sdi",
            DEVICE_FILE,
            "SDI_EN != 0 ? pf_rid : errcpl_hdr[95:80]",
            "errcpl_hdr[95:80]",
        ),
    ),
    (
        ONLY_THE_FUNCTION,
        Mutation(
            "sdis_that_translate",
            "cfg/sdi_functions.v",
            "PF & {NUM_TDI{ats_enable}}",
            "{NUM_TDI{ats_enable}}",
        ),
    ),
    (
        ONLY_THE_FUNCTION,
        Mutation("sdis_that_ask_for_pages", FILTER_FILE, "pri_enable && !is_sdi", "pri_enable"),
    ),
    (
        "NoProgramBorrowsAPasid",
        Mutation("function_as_an_sdi", FILTER_FILE, "is_sdi || !of_an_sdi", "1'b1"),
    ),
]
DEVICE_MUTATIONS = [mutation for _, mutation in DEVICE_RULES]

FUNCTIONS_FILE = "cfg/sdi_functions.v"
FUNCTIONS_MUTATIONS = [
    Mutation(
        "translation_of_sdis",
        FUNCTIONS_FILE,
        "PF & {NUM_TDI{ats_enable}}",
        "{NUM_TDI{ats_enable}}",
    ),
    Mutation("flr_of_the_function_alone", FUNCTIONS_FILE, "{NUM_TDI{flr_req}}", "PF & flr_req"),
    Mutation("slices_one_above_another", FUNCTIONS_FILE, "bar0 + `APP_BAR0_SIZE", "bar0"),
]
ROUTE = Mutation(
    "requester_ids_behind_the_function",
    "link/tlp_route.v",
    "a_target < FUNCTIONS[15:0]",
    "a_target < NUM_TDI[15:0]",
)
SLICES = Mutation(
    "slices_of_sdis_unchecked",
    "cfg/cfg_lock_check.v",
    "{33'd0, SLICES} * {1'b0, `APP_BAR2_SIZE}",
    "{1'b0, `APP_BAR2_SIZE}",
)


@attack("ATT-11")
@covers("TDISP-DMA-007")
@pytest.mark.parametrize(
    ("case", "mutation"), FILTER_RULES, ids=lambda item: getattr(item, "name", "")
)
def test_sdis_without_a_check_of_their_names_are_found(case: str, mutation: Mutation) -> None:
    module = "tests.unit.cocotb_dma_filter_sdi"
    assert_killed(DMA_FILTER, FILTER_MUTATIONS, mutation, module, case)


@covers("TDISP-HDR-005", "TDISP-RPT-011")
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("module", "case", "mutation"), DSM_RULES, ids=lambda item: getattr(item, "name", "")
)
def test_dsm_of_sdis_without_a_check_is_found(module: str, case: str, mutation: Mutation) -> None:
    assert_killed(
        dsm(4, WITH_SDIS),
        DSM_MUTATIONS,
        mutation,
        f"tests.unit.{module}",
        case,
        env=environment(4, WITH_SDIS),
    )


@covers("TDISP-TRK-001", "TDISP-TRK-003", "TDISP-TRK-005")
@pytest.mark.parametrize("mutation", WATCH_MUTATIONS, ids=lambda mutation: mutation.name)
def test_changes_of_the_function_that_an_sdi_does_not_see_are_found(mutation: Mutation) -> None:
    module = "tests.unit.cocotb_lock_watch"
    assert_killed(sdi_watch(), WATCH_MUTATIONS, mutation, module, env=WATCHED)


@attack("ATT-11")
@covers("TDISP-DMA-007", "TDISP-ATS-001", "TDISP-MMIO-006")
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("case", "mutation"), DEVICE_RULES, ids=lambda item: getattr(item, "name", "")
)
def test_device_with_sdis_without_a_check_is_found(case: str, mutation: Mutation) -> None:
    built = device(BUILD)
    assert_killed(built, DEVICE_MUTATIONS, mutation, "tests.system.cocotb_sdis", case)


@covers("TDISP-FSM-005", "TDISP-ATS-001", "TDISP-MMIO-001")
@pytest.mark.nightly
@pytest.mark.parametrize("mutation", FUNCTIONS_MUTATIONS, ids=lambda mutation: mutation.name)
def test_sdis_that_differ_from_their_function_are_found(mutation: Mutation) -> None:
    module = "tests.unit.cocotb_sdi_functions"
    assert_killed(sdi_functions(), FUNCTIONS_MUTATIONS, mutation, module)


@covers("TDISP-ATS-003")
@pytest.mark.nightly
def test_an_sdi_with_a_requester_id_is_found() -> None:
    module = "tests.unit.cocotb_tlp_route"
    case = "an_invalidate_request_reaches_its_function_with_its_stream_and_t"
    assert_killed(sdi_route(), [ROUTE], ROUTE, module, case, env=ROUTED)


@covers("TDISP-LOCK-012")
@pytest.mark.nightly
def test_slices_that_overlap_unnoticed_are_found() -> None:
    case = "no_slice_may_overlap_the_other_bar"
    assert_killed(sdi_design(), [SLICES], SLICES, "tests.unit.cocotb_cfg_sdis", case)
