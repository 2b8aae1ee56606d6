# SPDX-License-Identifier: Apache-2.0
"""Checks that another check hides in the whole device: the tests of the block notice their loss."""

from __future__ import annotations

import pytest

from tb.device import Mutation
from tests.mutants.mutants import assert_killed
from tests.plan import attack, covers
from tests.unit.test_app import design as app_design
from tests.unit.test_cfg_space import PAGING
from tests.unit.test_cfg_space import design as cfg_space
from tests.unit.test_dma_filter import ADMIT
from tests.unit.test_dsm import DSM, WHOLE, WHOLE_ENVIRONMENT
from tests.unit.test_ide_rx import design
from tests.unit.test_mmio_filter import DESIGN as MMIO_FILTER
from tests.unit.test_tdi_monitor import lock_watch

ADMIT_FILE = "filter/dma_admit.v"
ALLOW = "allow  = bus_master && at_ok && form_ok && rid_match && (plain || (trusted && secure));"
DIRECT = "direct = trusted && translated && peer && !redirect;"
ADMISSION = [
    Mutation(
        "locked_tdi_sends", ADMIT_FILE, "tdi_state == `TDI_CONFIG_UNLOCKED", "tdi_state != `TDI_RUN"
    ),
    Mutation("without_bus_master", ADMIT_FILE, ALLOW, ALLOW.replace("bus_master && ", "")),
    Mutation("any_requester_id", ADMIT_FILE, ALLOW, ALLOW.replace("rid_match && ", "")),
    Mutation("insecure_stream_sends", ADMIT_FILE, ALLOW, ALLOW.replace(" && secure", "")),
    Mutation("any_address_type", ADMIT_FILE, ALLOW, ALLOW.replace("at_ok && ", "")),
    Mutation("any_pasid", ADMIT_FILE, "!pasid || (pasid_enable && !msix)", "1'b1"),
    Mutation(
        "pasid_without_enable", ADMIT_FILE, "!pasid || (pasid_enable && !msix)", "!pasid || !msix"
    ),
    Mutation(
        "interrupt_with_pasid",
        ADMIT_FILE,
        "!pasid || (pasid_enable && !msix)",
        "!pasid || pasid_enable",
    ),
    *(
        Mutation(name, ADMIT_FILE, "!hint || (hint_enable && hinted_form)", new)
        for name, new in (
            ("any_hint", "1'b1"),
            ("hint_without_enable", "!hint || hinted_form"),
            ("hint_of_any_form", "!hint || hint_enable"),
        )
    ),
    Mutation("any_form", ADMIT_FILE, ALLOW, ALLOW.replace("form_ok && ", "")),
    Mutation("untranslated_to_a_peer", ADMIT_FILE, DIRECT, DIRECT.replace("translated && ", "")),
    Mutation("redirection_ignored", ADMIT_FILE, DIRECT, DIRECT.replace(" && !redirect", "")),
    Mutation("insecure_peer", ADMIT_FILE, "direct ? p2p_secure : stream_secure", "stream_secure"),
]
CHECKS_FILE = "tdisp/tdisp_checks.v"
TABLE_FILE = "tdisp/tdi_table.v"
P2P_FILE = "tdisp/tdisp_p2p_check.v"
RESPONDER_FILE = "tdisp/tdisp_responder.v"
DSM_CHECKS = [
    ("cocotb_dsm", "lock_fails_when_any_one_condition_is_missing", "lock_without_keys"),
    ("cocotb_dsm_life", "session_end_takes_exactly_the_tdis_locked_on_it", "session_end_ignored"),
    ("cocotb_dsm", "every_code_and_version_gets_its_answer", "any_version"),
    ("cocotb_dsm", "every_wrong_length_is_refused", "any_length"),
    ("cocotb_dsm", "interface_is_found_by_requester_id_of_present_functions", "any_interface"),
    ("cocotb_dsm_life", "every_cell_of_the_table_holds", "lock_in_any_state"),
    ("cocotb_dsm", "tph_in_a_mode_that_is_not_offered_forbids_a_lock", "any_st_mode"),
    ("cocotb_dsm", "report_is_the_same_in_any_portions", "tph_without_interrupts"),
    (
        "cocotb_dsm_optional",
        "bind_is_refused_for_each_reason_and_for_nothing_else",
        "bind_with_foreign_keys",
    ),
    *(
        ("cocotb_dsm_optional", "bind_is_refused_for_each_reason_and_for_nothing_else", name)
        for name in ("bind_without_ats", "bind_of_any_block", "bind_where_ranges_overlap")
    ),
    (
        "cocotb_dsm_optional",
        "bind_looks_again_at_everything_in_its_last_cycle",
        "bind_of_an_insecure_stream",
    ),
    *(
        ("cocotb_dsm_optional", "optional_requests_need_run_their_flag_and_their_session", name)
        for name in ("bind_without_its_flag", "foreign_session_binds", "optional_in_any_state")
    ),
    (
        "cocotb_dsm_optional",
        "an_attribute_is_set_for_the_memory_page_only",
        "attribute_of_any_page",
    ),
    (
        "cocotb_dsm_optional",
        "an_attribute_is_set_for_the_memory_page_only",
        "any_attribute_is_set",
    ),
    (
        "cocotb_dsm_optional",
        "what_is_opened_is_shown_for_its_tdi_until_run_ends",
        "open_beyond_run",
    ),
    (
        "cocotb_dsm_optional",
        "what_is_opened_is_shown_for_its_tdi_until_run_ends",
        "unbind_of_what_is_not_bound",
    ),
    ("cocotb_dsm_optional", "bind_and_unbind_answer_after_draining_only", "bind_holds_nothing"),
    (
        "cocotb_dsm_optional",
        "a_page_is_closed_at_once_and_the_answer_waits_for_old_accesses",
        "closed_before_old_accesses_are_done",
    ),
    ("cocotb_dsm_optional", "the_mask_of_every_lock_can_be_looked_up", "mask_without_lock"),
]
DSM_MUTATIONS = [
    Mutation("any_st_mode", "tdisp/dsm.v", "lock_config_ok && tph_ok", "lock_config_ok"),
    Mutation(
        "tph_without_interrupts",
        "tdisp/tdisp_report.v",
        "msix_locked_q ? tph_control_q : 9'h0",
        "tph_control_q",
    ),
    Mutation(
        "lock_without_keys",
        "tdisp/tdisp_lock_check.v",
        "keys_ok = stream_keys_ready[stream];",
        "keys_ok = 1'b1;",
    ),
    Mutation("session_end_ignored", TABLE_FILE, "held & of_session", "{NUM_TDI{1'b0}}"),
    Mutation("any_version", CHECKS_FILE, "version == `TDISP_VERSION_1_0", "1'b1"),
    Mutation("any_length", CHECKS_FILE, "count != right_count", "1'b0"),
    Mutation("any_interface", CHECKS_FILE, "!found", "1'b0"),
    Mutation("lock_in_any_state", CHECKS_FILE, "state_ok    = unlocked;", "state_ok    = 1'b1;"),
    Mutation(
        "bind_with_foreign_keys",
        P2P_FILE,
        "stream_owner_session[SESSION_W*n+:SESSION_W] == session",
        "1'b1",
    ),
    Mutation(
        "bind_without_its_flag",
        P2P_FILE,
        "bind_allowed   = permitted && ats_enable && alone && usable && apart;",
        "bind_allowed   = ats_enable && alone && usable && apart;",
    ),
    Mutation(
        "bind_without_ats",
        P2P_FILE,
        "bind_allowed   = permitted && ats_enable && alone && usable && apart;",
        "bind_allowed   = permitted && alone && usable && apart;",
    ),
    Mutation(
        "bind_where_ranges_overlap",
        P2P_FILE,
        "bind_allowed   = permitted && ats_enable && alone && usable && apart;",
        "bind_allowed   = permitted && ats_enable && alone && usable;",
    ),
    Mutation(
        "bind_of_any_block",
        P2P_FILE,
        "named & keyed & stream_secure & ide_enable & ~ide_default",
        "named & keyed & stream_secure & ide_enable",
    ),
    Mutation(
        "bind_of_an_insecure_stream",
        P2P_FILE,
        "named & keyed & stream_secure & ide_enable & ~ide_default",
        "named & keyed & ide_enable & ~ide_default",
    ),
    Mutation("unbind_of_what_is_not_bound", P2P_FILE, "|(named & bound)", "|named"),
    Mutation(
        "foreign_session_binds", CHECKS_FILE, "foreign && (is_bind || is_unbind || is_mmio)", "1'b0"
    ),
    Mutation(
        "optional_in_any_state",
        CHECKS_FILE,
        "!state_ok",
        "!state_ok && !(is_bind || is_unbind || is_mmio)",
    ),
    Mutation(
        "any_attribute_is_set",
        CHECKS_FILE,
        "(mmio_range[111:96] & FIXED_ATTRIBUTES) == 16'd0",
        "1'b1",
    ),
    Mutation(
        "bind_holds_nothing",
        RESPONDER_FILE,
        "quieting && !is_lock ? selected : {NUM_TDI{1'b0}}",
        "{NUM_TDI{1'b0}}",
    ),
    Mutation(
        "closed_before_old_accesses_are_done",
        RESPONDER_FILE,
        "is_lock || is_bind || is_unbind || closes",
        "is_lock || is_bind || is_unbind",
    ),
    Mutation(
        "mask_without_lock",
        "tdisp/tdi_p2p_masks.v",
        "held_q && sound ? row[63:0] : 64'h0",
        "row[63:0]",
    ),
    Mutation(
        "attribute_of_any_page",
        CHECKS_FILE,
        "mmio_range[63:0] == {12'h0, memory_page}",
        "1'b1",
    ),
    Mutation(
        "open_beyond_run",
        "tdisp/tdi_grants.v",
        "open_d & {NUM_SLICES{stays_running}}",
        "open_d",
    ),
]


LOCK_CHECK_FILE = "cfg/cfg_lock_check.v"
ROM_CHECKS = [
    Mutation("rom_on_a_bar", LOCK_CHECK_FILE, "!rom_pf_overlap", "1'b1"),
    Mutation("rom_on_a_vf_bar", LOCK_CHECK_FILE, "!rom_vf_overlap", "1'b1"),
]
TPH_UNSEEN = Mutation("tph_unseen", "cfg/lock_watch.v", "addr == `CFG_REG_TPH_CONTROL", "1'b0")
ROM_WITH_T = Mutation("rom_with_t", "filter/mmio_filter.v", "rom && !t", "rom")


@covers("TDISP-LOCK-010", "TDISP-LOCK-012")
@pytest.mark.nightly
@pytest.mark.parametrize("mutation", ROM_CHECKS, ids=lambda mutation: mutation.name)
def test_configuration_space_without_a_check_is_found(mutation: Mutation) -> None:
    module = "tests.unit.cocotb_cfg_optional"
    assert_killed(cfg_space(paging=1), ROM_CHECKS, mutation, module, env=PAGING)


@covers("TDISP-TRK-005")
def test_changes_of_tph_that_nobody_sees_are_found() -> None:
    assert_killed(lock_watch(4, 3), [TPH_UNSEEN], TPH_UNSEEN, "tests.unit.cocotb_lock_watch")


@covers("TDISP-MMIO-003")
def test_an_expansion_rom_that_takes_t_is_found() -> None:
    assert_killed(MMIO_FILTER, [ROM_WITH_T], ROM_WITH_T, "tests.unit.cocotb_mmio_filter")


SPAN_FILE = "tdisp/tdi_span.v"
WHOLE_CHECKS = [
    Mutation(
        "error_of_the_first_only",
        SPAN_FILE,
        "owner_error_req  = |error_req;",
        "owner_error_req  = error_req[PF];",
    ),
    Mutation(
        "drained_with_the_first",
        SPAN_FILE,
        "owner_drained    = &drained;",
        "owner_drained    = drained[PF];",
    ),
    Mutation(
        "cleared_with_the_first",
        SPAN_FILE,
        "owner_scrub_busy = |scrub_busy;",
        "owner_scrub_busy = scrub_busy[PF];",
    ),
    Mutation("clears_none", SPAN_FILE, "{EACH{owner_scrub_req}}", "{EACH{1'b0}}"),
    Mutation(
        "opens_all",
        SPAN_FILE,
        "{{(NUM_TDI - 1) {1'b0}}, owner_memory_open}",
        "{EACH{owner_memory_open}}",
    ),
    Mutation("report_of_the_first_only", SPAN_FILE, "EACH != 1 && present[n]", "1'b0"),
    Mutation("answers_of_any_size", "tdisp/tdisp_response.v", "asked < REPORT_PORTION_MAX", "1'b1"),
]


@covers("TDISP-RPT-003", "TDISP-RPT-013", "TDISP-STOP-003", "TDISP-STOP-004", "TDISP-FSM-005")
@pytest.mark.nightly
@pytest.mark.parametrize("mutation", WHOLE_CHECKS, ids=lambda mutation: mutation.name)
def test_whole_device_without_a_rule_is_found(mutation: Mutation) -> None:
    module = "tests.unit.cocotb_dsm_whole"
    assert_killed(WHOLE, WHOLE_CHECKS, mutation, module, env=WHOLE_ENVIRONMENT)


AAD_FILE = "ide/ide_aad.v"
AAD_PASID = "{prefix, `PCIE_PREFIX_PASID, pasid[23:0], hdr}"
PASID_MUTATIONS = [
    Mutation("mac_without_pasid", AAD_FILE, "pasid_valid = pasid[24];", "pasid_valid = 1'b0;"),
    Mutation(
        "mac_of_pasid_only", AAD_FILE, AAD_PASID, AAD_PASID.replace("pasid[23", "4'h0, pasid[19")
    ),
]
PASID_KILLERS = {
    "mac_without_pasid": "vectors_with_a_pasid_are_served",
    "mac_of_pasid_only": "reserved_bits_of_a_pasid_prefix_are_covered_and_ignored",
}


@covers("IDE-TLP-002", "IDE-GCM-004")
@pytest.mark.parametrize("mutation", PASID_MUTATIONS, ids=lambda mutation: mutation.name)
def test_pasid_prefixes_without_a_check_are_found(mutation: Mutation) -> None:
    case = PASID_KILLERS[mutation.name]
    module = "tests.unit.cocotb_ide_pasid"
    assert_killed(design(pasid=1), PASID_MUTATIONS, mutation, module, case)


PAGES_FILE = "app/app_pages.v"
MMIO_FILE = "app/app_mmio.v"
SENDER_FILE = "app/app_sender.v"
TRANSFERS_FILE = "app/app_transfers.v"
STALE = "stale_q <= state_q == ST_IDLE ? mmio_tvalid && state_changed[mmio_tdi] : changed;"
HINTED = "hinted = select_hint[2] && hint_enable[tdi_q] && !select_is_atomic && !asks_q;"
FUNCTION_RULES = [
    (
        "cocotb_app_pasid",
        "nothing_is_sent_with_a_pasid_that_is_not_enabled",
        Mutation(
            "pasid_without_its_enable",
            TRANSFERS_FILE,
            "with_pasid_q & {NUM_TDI{!pasid_enable}}",
            "NONE",
        ),
    ),
    (
        "cocotb_app_pasid",
        "a_translation_is_of_no_use_in_another_address_space",
        Mutation(
            "translation_for_any_pasid",
            TRANSFERS_FILE,
            "start & (with_pasid_q | {NUM_TDI{start_pasid}})",
            "NONE",
        ),
    ),
    (
        "cocotb_app_pasid",
        "a_translation_is_of_no_use_in_another_address_space",
        Mutation(
            "translated_with_pasid",
            "app/app_sender.v",
            "uses ? 21'd0 : select_pasid",
            "select_pasid",
        ),
    ),
    (
        "cocotb_app_pages",
        "a_response_by_another_way_is_an_error_and_no_answer",
        Mutation(
            "response_by_any_way",
            PAGES_FILE,
            "!out_ide || (rsp_ide_q && rsp_t_q && rsp_stream_q == out_rest[STREAM_W-1:0])",
            "1'b1",
        ),
    ),
    (
        "cocotb_app_pages",
        "responses_that_match_nothing_are_told",
        Mutation(
            "response_of_any_index",
            PAGES_FILE,
            "rsp_q && is_out && rsp_index_q == out_index",
            "rsp_q && is_out",
        ),
    ),
    (
        "cocotb_app_pages",
        "a_response_to_a_former_life_is_discarded",
        Mutation(
            "request_while_an_old_one_is_out",
            PAGES_FILE,
            "may_ask & ~stale_q & ~loading",
            "may_ask & ~loading",
        ),
    ),
    (
        "cocotb_app_life",
        "a_held_transfer_waits_between_two_requests_and_then_goes_on",
        Mutation(
            "held_function_sends_on",
            TRANSFERS_FILE,
            "may_send & ~kill & ~hold & ~without_pasid",
            "may_send & ~kill & ~without_pasid",
        ),
    ),
    (
        "cocotb_app_life",
        "a_held_function_is_drained_when_its_reads_are_answered",
        Mutation(
            "held_function_never_drains", "app/app.v", "going = busy & ~tdi_hold;", "going = busy;"
        ),
    ),
    (
        "cocotb_app_mmio",
        "a_read_whose_function_is_cleared_under_it_ends_with_one_refusal",
        Mutation("read_looks_once", MMIO_FILE, "goes_on = !refuse;", "goes_on = 1'b1;"),
    ),
    (
        "cocotb_app_mmio",
        "a_read_whose_tdi_changes_under_it_ends_with_one_refusal",
        Mutation(
            "change_forgotten",
            MMIO_FILE,
            STALE,
            STALE.replace(": changed", ": stale_q"),
        ),
    ),
    (
        "cocotb_app_hints",
        "requests_have_the_hint_of_their_transfer_where_it_is_enabled",
        Mutation(
            "hint_without_its_enable",
            SENDER_FILE,
            HINTED,
            HINTED.replace("&& hint_enable[tdi_q] ", ""),
        ),
    ),
    (
        "cocotb_app_hints",
        "neither_atomic_operations_nor_translation_requests_have_hints",
        Mutation(
            "hint_in_every_request",
            SENDER_FILE,
            HINTED,
            HINTED.replace(" && !select_is_atomic && !asks_q", ""),
        ),
    ),
    (
        "cocotb_app_pages",
        "no_more_are_out_than_the_host_allots",
        Mutation(
            "any_number_of_pages",
            PAGES_FILE,
            "{22'd0, count_q} < pri_allocation && pri_enable",
            "pri_enable",
        ),
    ),
]
FUNCTION_MUTATIONS = [mutation for _, _, mutation in FUNCTION_RULES]


@covers("TDISP-DMA-007", "TDISP-ATS-001", "TDISP-ATS-005", "TDISP-FSM-012", "TDISP-LOCK-021")
@covers("TDISP-P2P-004", "TDISP-MMIO-003", "TDISP-MMIO-007")
@pytest.mark.parametrize(
    ("module", "case", "mutation"), FUNCTION_RULES, ids=lambda item: getattr(item, "name", "")
)
def test_a_function_without_a_check_is_found(module: str, case: str, mutation: Mutation) -> None:
    assert_killed(app_design(pri=1), FUNCTION_MUTATIONS, mutation, f"tests.unit.{module}", case)


@attack("ATT-13")
@covers("TDISP-DMA-001", "TDISP-DMA-007", "TDISP-DMA-009")
@pytest.mark.parametrize("mutation", ADMISSION, ids=lambda mutation: mutation.name)
def test_admission_without_a_check_is_found(mutation: Mutation) -> None:
    assert_killed(ADMIT, ADMISSION, mutation, "tests.unit.cocotb_dma_admit")


@attack("ATT-16")
@covers(
    *("TDISP-LOCK-001", "TDISP-LOCK-003", "TDISP-HDR-005", "TDISP-SES-007"),
    *("TDISP-P2P-002", "TDISP-MMA-002", "TDISP-STOP-006"),
)
@pytest.mark.parametrize(("module", "case", "name"), DSM_CHECKS)
def test_dsm_without_a_check_is_found(module: str, case: str, name: str) -> None:
    mutation = next(m for m in DSM_MUTATIONS if m.name == name)
    assert_killed(DSM, DSM_MUTATIONS, mutation, f"tests.unit.{module}", case)
