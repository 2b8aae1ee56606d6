# SPDX-License-Identifier: Apache-2.0
"""The device security manager without one rule of a report or of optional requests at a time."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import UNIT, Mutant
from tests.plan import covers

MESSAGES = f"{UNIT}dsm"
OPTIONAL = f"{UNIT}dsm_optional"
CHECKS = "tdisp/tdisp_checks.v"
P2P = "tdisp/tdisp_p2p_check.v"
REPORT = "tdisp/tdisp_report.v"
RESPONDER = "tdisp/tdisp_responder.v"
RESPONSE = "tdisp/tdisp_response.v"
SPAN = "tdisp/tdi_span.v"

SAME_IN_ANY_PORTIONS = "report_is_the_same_in_any_portions"
REPORTS = [
    Mutant(
        covers("TDISP-RPT-004"),
        MESSAGES,
        SAME_IN_ANY_PORTIONS,
        Mutation(
            "every_portion_is_the_first",
            RESPONSE,
            "report_offset + body_at - REPORT_PORTION_AT",
            "body_at - REPORT_PORTION_AT",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-005"),
        MESSAGES,
        "byte_vectors_are_answered_exactly",
        Mutation(
            "whole_report_is_refused",
            CHECKS,
            "report_length != 16'd0",
            "report_length != 16'd0 && report_length != 16'hffff",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-006"),
        MESSAGES,
        "report_never_mixes_two_configurations",
        Mutation("report_of_what_is_there_now", REPORT, "(capture)", "(1'b1)"),
    ),
    *(
        Mutant(
            covers("TDISP-RPT-007"),
            MESSAGES,
            SAME_IN_ANY_PORTIONS,
            Mutation(name, REPORT, "address + offset_q", new),
        )
        for name, new in (
            ("no_reporting_offset", "address"),
            ("reporting_offset_of_32_bits", "address + {32'd0, offset_q[31:0]}"),
        )
    ),
    Mutant(
        covers("TDISP-RPT-008"),
        MESSAGES,
        SAME_IN_ANY_PORTIONS,
        Mutation(
            "ranges_out_of_order", REPORT, "{2'b10, bar2_number[0]}", "{2'b10, !bar2_number[0]}"
        ),
    ),
    Mutant(
        covers("TDISP-RPT-009"),
        MESSAGES,
        SAME_IN_ANY_PORTIONS,
        Mutation(
            "msix_ranges_without_lock",
            REPORT,
            "msix_locked_q ? {functions[10:0], 1'b0} : 12'd0",
            "{functions[10:0], 1'b0}",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-009"),
        MESSAGES,
        SAME_IN_ANY_PORTIONS,
        Mutation(
            "msix_control_without_lock",
            REPORT,
            "msix_locked_q ? msix_control_q : 16'h0",
            "msix_control_q",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-010"),
        MESSAGES,
        SAME_IN_ANY_PORTIONS,
        Mutation(
            "tph_without_interrupts",
            REPORT,
            "msix_locked_q ? tph_control_q : 9'h0",
            "tph_control_q",
        ),
    ),
    *(
        Mutant(
            covers("TDISP-RPT-011"),
            MESSAGES,
            SAME_IN_ANY_PORTIONS,
            Mutation(name, REPORT, old, "16'h0"),
        )
        for name, old in (
            ("page_requests_not_reported", "pri_enable_q && !sdi_q ? INFO_PRS : 16'h0"),
            ("pasid_not_reported", "pasid_enable_q ? INFO_PASID : 16'h0"),
        )
    ),
]

BIND_REASONS = "bind_is_refused_for_each_reason_and_for_nothing_else"
BIND_CONDITIONS = "named & keyed & stream_secure & ide_enable & ~ide_default"
BIND_ALLOWED = "bind_allowed   = permitted && ats_enable && alone && usable && apart;"
OPTIONAL_REQUESTS = [
    *(
        Mutant(covers("TDISP-P2P-002"), OPTIONAL, BIND_REASONS, Mutation(name, P2P, old, new))
        for name, old, new in (
            (
                "bind_with_foreign_keys",
                "stream_owner_session[SESSION_W*n+:SESSION_W] == session",
                "1'b1",
            ),
            ("bind_without_ats", BIND_ALLOWED, BIND_ALLOWED.replace("ats_enable && ", "")),
            ("bind_where_ranges_overlap", BIND_ALLOWED, BIND_ALLOWED.replace(" && apart", "")),
            ("bind_of_any_block", BIND_CONDITIONS, BIND_CONDITIONS.replace(" & ~ide_default", "")),
        )
    ),
    Mutant(
        covers("TDISP-LOCK-028", "TDISP-P2P-002"),
        OPTIONAL,
        "bind_looks_again_at_everything_in_its_last_cycle",
        Mutation(
            "bind_of_an_insecure_stream",
            P2P,
            BIND_CONDITIONS,
            BIND_CONDITIONS.replace("stream_secure & ", ""),
        ),
    ),
    Mutant(
        covers("TDISP-P2P-002"),
        OPTIONAL,
        "optional_requests_need_run_their_flag_and_their_session",
        Mutation(
            "bind_without_its_flag", P2P, BIND_ALLOWED, BIND_ALLOWED.replace("permitted && ", "")
        ),
    ),
    Mutant(
        covers("TDISP-SES-010"),
        OPTIONAL,
        "optional_requests_need_run_their_flag_and_their_session",
        Mutation(
            "foreign_session_binds",
            CHECKS,
            "foreign && (is_bind || is_unbind || is_mmio)",
            "1'b0",
        ),
    ),
    Mutant(
        covers("TDISP-P2P-001", "TDISP-MMA-001"),
        OPTIONAL,
        "optional_requests_need_run_their_flag_and_their_session",
        Mutation(
            "optional_in_any_state",
            CHECKS,
            "!state_ok",
            "!state_ok && !(is_bind || is_unbind || is_mmio)",
        ),
    ),
    Mutant(
        covers("TDISP-MMA-002", "TDISP-MMA-004"),
        OPTIONAL,
        "an_attribute_is_set_for_the_memory_page_only",
        Mutation(
            "attribute_of_any_page", CHECKS, "mmio_range[63:0] == {12'h0, memory_page}", "1'b1"
        ),
    ),
    Mutant(
        covers("TDISP-MMA-002"),
        OPTIONAL,
        "an_attribute_is_set_for_the_memory_page_only",
        Mutation(
            "any_attribute_is_set",
            CHECKS,
            "(mmio_range[111:96] & FIXED_ATTRIBUTES) == 16'd0",
            "1'b1",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-012"),
        OPTIONAL,
        "an_attribute_is_set_for_the_memory_page_only",
        Mutation(
            "report_follows_the_attribute",
            REPORT,
            "first ? MEMORY_ATTRIBUTES : 16'd0",
            """(first ? MEMORY_ATTRIBUTES : 16'd0) |
            {15'd0, dsm.owner_memory_open[dsm.req_idx]} << `TDISP_RANGE_BIT_IS_NON_TEE_MEM""",
        ),
    ),
    Mutant(
        covers("TDISP-STOP-006"),
        OPTIONAL,
        "what_is_opened_is_shown_for_its_tdi_until_run_ends",
        Mutation(
            "open_beyond_run",
            "tdisp/tdi_grants.v",
            "open_d & {NUM_SLICES{stays_running}}",
            "open_d",
        ),
    ),
    Mutant(
        covers("TDISP-P2P-004"),
        OPTIONAL,
        "what_is_opened_is_shown_for_its_tdi_until_run_ends",
        Mutation("unbind_of_what_is_not_bound", P2P, "|(named & bound)", "|named"),
    ),
    Mutant(
        covers("TDISP-P2P-004"),
        OPTIONAL,
        "bind_and_unbind_answer_after_draining_only",
        Mutation(
            "bind_holds_nothing",
            RESPONDER,
            "quieting && !is_lock ? selected : {NUM_TDI{1'b0}}",
            "{NUM_TDI{1'b0}}",
        ),
    ),
    Mutant(
        covers("TDISP-MMA-003"),
        OPTIONAL,
        "a_page_is_closed_at_once_and_the_answer_waits_for_old_accesses",
        Mutation(
            "closed_before_old_accesses_are_done",
            RESPONDER,
            "is_lock || is_bind || is_unbind || closes",
            "is_lock || is_bind || is_unbind",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-023", "TDISP-P2P-006"),
        OPTIONAL,
        "the_mask_of_every_lock_can_be_looked_up",
        Mutation(
            "mask_without_lock",
            "tdisp/tdi_p2p_masks.v",
            "held_q && sound ? row[63:0] : 64'h0",
            "row[63:0]",
        ),
    ),
    Mutant(
        covers("TDISP-CFG-001"),
        f"{UNIT}dsm_config",
        "the_configuration_is_set_while_all_tdis_are_unlocked",
        Mutation(
            "configuration_at_any_time",
            CHECKS,
            "state_ok    = all_unlocked;",
            "state_ok    = 1'b1;",
        ),
    ),
]

UNBUILT = [
    Mutant(
        shows,
        MESSAGES,
        "what_is_not_built_is_unsupported",
        Mutation(name, CHECKS, old, "1'b1"),
    )
    for shows, name, old in (
        (covers("TDISP-P2P-007"), "p2p_is_taken", "P2P_EN != 0"),
        (covers("TDISP-CFG-002"), "configuration_is_taken", "TDISP_CONFIG_EN != 0"),
    )
]

WHOLE_DEVICE = [
    Mutant(shows, f"{UNIT}dsm_whole", None, Mutation(name, file, old, new))
    for shows, name, file, old, new in (
        (
            covers("TDISP-FSM-005"),
            "error_of_the_first_only",
            SPAN,
            "owner_error_req  = |error_req;",
            "owner_error_req  = error_req[PF];",
        ),
        (
            covers("TDISP-STOP-003"),
            "drained_with_the_first",
            SPAN,
            "owner_drained    = &drained;",
            "owner_drained    = drained[PF];",
        ),
        (
            covers("TDISP-STOP-004"),
            "cleared_with_the_first",
            SPAN,
            "owner_scrub_busy = |scrub_busy;",
            "owner_scrub_busy = scrub_busy[PF];",
        ),
        (
            covers("TDISP-STOP-004"),
            "clears_none",
            SPAN,
            "{EACH{owner_scrub_req}}",
            "{EACH{1'b0}}",
        ),
        (
            covers("TDISP-MMA-004"),
            "opens_all",
            SPAN,
            "{{(NUM_TDI - 1) {1'b0}}, owner_memory_open}",
            "{EACH{owner_memory_open}}",
        ),
        (
            covers("TDISP-RPT-013"),
            "report_of_the_first_only",
            SPAN,
            "EACH != 1 && present[n]",
            "1'b0",
        ),
        (
            covers("TDISP-RPT-003"),
            "answers_of_any_size",
            RESPONSE,
            "asked < REPORT_PORTION_MAX",
            "1'b1",
        ),
    )
]
