# SPDX-License-Identifier: Apache-2.0
"""The device security manager without one rule of a request at a time."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import UNIT, Mutant
from tests.plan import covers

MESSAGES = f"{UNIT}dsm"
LIFE = f"{UNIT}dsm_life"
CHECKS = "tdisp/tdisp_checks.v"
RESPONDER = "tdisp/tdisp_responder.v"
RESPONSE = "tdisp/tdisp_response.v"
TABLE = "tdisp/tdi_table.v"
HEADER = "{32'h0, sdi_id, function_id, 16'h0, rsp_code, `TDISP_VERSION_1_0}"
CAPABILITY = "CAPABILITIES[8*body_at[4:0]+:8]"

HEADERS = [
    Mutant(
        covers("TDISP-HDR-003"),
        MESSAGES,
        "every_code_and_version_gets_its_answer",
        Mutation("any_version", CHECKS, "version == `TDISP_VERSION_1_0", "1'b1"),
    ),
    Mutant(
        covers("TDISP-VER-001"),
        MESSAGES,
        "byte_vectors_are_answered_exactly",
        Mutation(
            "another_version_is_told",
            RESPONSE,
            "body_at[0] ? `TDISP_VERSION_1_0 : VERSION_COUNT",
            "body_at[0] ? 8'h11 : VERSION_COUNT",
        ),
    ),
    Mutant(
        covers("TDISP-VER-003"),
        MESSAGES,
        "every_code_and_version_gets_its_answer",
        Mutation(
            "versions_are_told_to_1_0_only",
            CHECKS,
            "version[7:4] == MAJOR_1",
            "version[7:0] == {MAJOR_1, 4'd0}",
        ),
    ),
    Mutant(
        covers("TDISP-HDR-004", "TDISP-VDM-001"),
        MESSAGES,
        "every_code_and_version_gets_its_answer",
        Mutation("unknown_codes_are_taken", CHECKS, "known = 1'b0;", "known = 1'b1;"),
    ),
    Mutant(
        covers("TDISP-HDR-004"),
        MESSAGES,
        "every_code_and_version_gets_its_answer",
        Mutation(
            "unsupported_code_is_not_told",
            RESPONSE,
            "error == `TDISP_ERR_UNSUPPORTED_REQUEST ? code : 8'h00",
            "8'h00",
        ),
    ),
    Mutant(
        covers("TDISP-HDR-009"),
        MESSAGES,
        "every_code_and_version_gets_its_answer",
        Mutation("responses_are_taken_for_requests", CHECKS, "(code)", "({1'b1, code[6:0]})"),
    ),
    Mutant(
        covers("TDISP-HDR-005"),
        MESSAGES,
        "interface_is_found_by_requester_id_of_present_functions",
        Mutation("any_interface", CHECKS, "!found", "1'b0"),
    ),
    Mutant(
        covers("TDISP-HDR-007"),
        MESSAGES,
        "reserved_fields_are_ignored_and_sent_as_zero",
        Mutation(
            "answers_name_no_interface",
            RESPONDER,
            "count < HEADER_BYTES ? 32'h0 : function_id",
            "32'h0",
        ),
    ),
    Mutant(
        covers("TDISP-HDR-006"),
        MESSAGES,
        "reserved_fields_are_ignored_and_sent_as_zero",
        Mutation(
            "segment_counts_that_is_not_valid",
            RESPONDER,
            "name_ok && {16'd0, named_number} < NUM_TDIS",
            """name_ok && {16'd0, named_number} < NUM_TDIS &&
      (function_id[24] || function_id[23:16] == 8'd0)""",
        ),
    ),
    Mutant(
        covers("TDISP-HDR-008"),
        MESSAGES,
        "every_wrong_length_is_refused",
        Mutation("any_length", CHECKS, "count != right_count", "1'b0"),
    ),
    Mutant(
        covers("TDISP-HDR-001"),
        MESSAGES,
        "byte_vectors_are_answered_exactly",
        Mutation(
            "response_code_out_of_place",
            RESPONSE,
            HEADER,
            HEADER.replace("16'h0, rsp_code", "8'h0, rsp_code, 8'h0"),
        ),
    ),
    Mutant(
        covers("TDISP-HDR-002"),
        MESSAGES,
        "reserved_fields_are_ignored_and_sent_as_zero",
        Mutation("reserved_bytes_are_sent", RESPONSE, HEADER, HEADER.replace("16'h0", "16'h1")),
    ),
    Mutant(
        covers("TDISP-CAP-001", "TDISP-CAP-004"),
        MESSAGES,
        "byte_vectors_are_answered_exactly",
        Mutation("capabilities_out_of_place", RESPONSE, CAPABILITY, f"{CAPABILITY} << 1"),
    ),
    Mutant(
        covers("TDISP-CAP-002", "TDISP-CAP-003"),
        MESSAGES,
        "byte_vectors_are_answered_exactly",
        Mutation("vdm_is_offered", RESPONSE, CAPABILITY, f"{CAPABILITY} | 8'h01"),
    ),
    Mutant(
        covers("TDISP-CAP-006"),
        MESSAGES,
        "byte_vectors_are_answered_exactly",
        Mutation("no_requests_at_a_time", RESPONSE, CAPABILITY, f"{CAPABILITY} & 8'hfe"),
    ),
    Mutant(
        covers("TDISP-HDR-010", "TDISP-START-002"),
        MESSAGES,
        "only_the_whole_nonce_of_this_lock_starts",
        Mutation(
            "refused_requests_are_carried_out",
            RESPONDER,
            "carry_out = state_q == ST_CHECK && error == NO_ERROR;",
            "carry_out = state_q == ST_CHECK;",
        ),
    ),
    Mutant(
        covers("TDISP-SES-010"),
        MESSAGES,
        "another_session_cannot_touch_a_locked_tdi",
        Mutation("start_in_any_session", CHECKS, "foreign && is_start", "1'b0"),
    ),
]
QUESTIONS = [
    Mutant(
        covers("TDISP-VER-002", "TDISP-CAP-005", "TDISP-STATE-001"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation(
            "questions_while_unlocked_only",
            CHECKS,
            "state_ok    = 1'b1;",
            "state_ok    = unlocked;",
        ),
    ),
    Mutant(
        covers("TDISP-STATE-001"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation("state_of_the_first_tdi", TABLE, "state[2*req_idx+:2]", "state[1:0]"),
    ),
]

REQUESTS = [*HEADERS, *QUESTIONS]
