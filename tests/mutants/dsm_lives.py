# SPDX-License-Identifier: Apache-2.0
"""The device security manager without one rule of a life at a time."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import UNIT, Mutant
from tests.plan import covers

MESSAGES = f"{UNIT}dsm"
LIFE = f"{UNIT}dsm_life"
FAULTS = f"{UNIT}dsm_faults"
CHECKS = "tdisp/tdisp_checks.v"
LOCK = "tdisp/tdisp_lock_check.v"
RESPONDER = "tdisp/tdisp_responder.v"
TABLE = "tdisp/tdi_table.v"
FSM = "tdisp/tdi_fsm.v"
NONCES = "tdisp/tdi_nonces.v"
RESPONSE_DUE = "nonce_ready && owner_state[2*req_idx+:2] == `TDI_CONFIG_LOCKED"  # of a LOCK

# What a request waits for, and what it leaves behind
LOCKS = [
    Mutant(
        covers("TDISP-LOCK-001"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation("lock_in_any_state", CHECKS, "state_ok    = unlocked;", "state_ok    = 1'b1;"),
    ),
    Mutant(
        covers("TDISP-LOCK-003"),
        MESSAGES,
        "lock_fails_when_any_one_condition_is_missing",
        Mutation(
            "lock_without_keys",
            LOCK,
            "keys_ok = stream_keys_ready[stream];",
            "keys_ok = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-CAP-007"),
        MESSAGES,
        "lock_flags_that_are_not_offered_are_refused",
        Mutation("any_flag", LOCK, "flags_ok && one_default", "one_default"),
    ),
    Mutant(
        covers("TDISP-LOCK-024"),
        MESSAGES,
        "reserved_fields_are_ignored_and_sent_as_zero",
        Mutation(
            "reserved_flags_are_refused",
            LOCK,
            "(flags & UNOFFERED) == 16'd0",
            "flags[15:5] == 11'd0",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-026"),
        MESSAGES,
        "lock_flags_that_are_not_offered_are_refused",
        Mutation(
            "table_is_never_locked",
            TABLE,
            "{lock_redirect, lock_p2p, lock_msix}",
            "{lock_redirect, lock_p2p, 1'b0}",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-017", "TDISP-LOCK-028"),
        LIFE,
        "lock_looks_again_at_everything_in_its_last_cycle",
        Mutation(
            "lock_is_decided_before_its_nonce",
            RESPONDER,
            "lock_req = decide && lock_ok;",
            "lock_req = decide && is_lock;",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-015"),
        MESSAGES,
        "tph_in_a_mode_that_is_not_offered_forbids_a_lock",
        Mutation("any_st_mode", "tdisp/dsm.v", "lock_config_ok && tph_ok", "lock_config_ok"),
    ),
    Mutant(
        covers("TDISP-LOCK-016"),
        MESSAGES,
        "without_entropy_there_is_no_lock",
        Mutation("stuck_entropy_is_taken", "tdisp/nonce_source.v", "take && stuck", "1'b0"),
    ),
    Mutant(
        covers("TDISP-LOCK-018", "TDISP-START-003"),
        MESSAGES,
        "only_the_whole_nonce_of_this_lock_starts",
        Mutation(
            "same_nonce_for_every_lock",
            RESPONDER,
            "nonce_drop  = state_q == ST_RECEIVE || state_q == ST_FAULT;",
            "nonce_drop  = state_q == ST_FAULT;",
        ),
    ),
    Mutant(
        covers("TDISP-START-004"),
        MESSAGES,
        "only_the_whole_nonce_of_this_lock_starts",
        Mutation(
            "nonce_of_a_neighbour",
            NONCES,
            "row[255:0] == start_nonce",
            "row[255:0] == start_nonce || u_ram.mem[req_idx^STEP][255:0] == start_nonce",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-019"),
        LIFE,
        "lock_answers_after_draining_only",
        Mutation(
            "lock_before_it_is_drained",
            RESPONDER,
            "settle_q && drained && !scrubbing",
            "settle_q && !scrubbing",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-019", "TDISP-LOCK-028"),
        LIFE,
        "lock_takes_effect_between_two_accesses_only",
        Mutation(
            "lock_in_the_middle_of_an_access",
            RESPONDER,
            "!cfg_write_busy && drained && !scrubbing",
            "!cfg_write_busy",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-030"),
        LIFE,
        "the_first_lock_waits_until_memory_is_ready",
        Mutation(
            "nothing_waits_for_clearing",
            RESPONDER,
            "scrubbing = |(tdi_scrub_busy & selected);",
            "scrubbing = 1'b0;",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-022"),
        LIFE,
        "an_error_wins_over_a_lock_of_the_same_cycle",
        Mutation(
            "changes_before_the_response_go_unseen",
            "tdisp/dsm.v",
            "(tdi_error_req)",
            f"(tdi_error_req & ~({{{{(NUM_TDI-1){{1'b0}}}}, {RESPONSE_DUE}}} << req_idx))",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-023"),
        MESSAGES,
        "report_is_the_same_in_any_portions",
        Mutation(
            "offset_is_not_latched",
            TABLE,
            "req_offset   = record[63:0];",
            "req_offset   = lock_offset;",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-029", "TDISP-STATE-004"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation(
            "lock_of_all_tdis",
            TABLE,
            "lock_req ? selected : {NUM_TDI{1'b0}}",
            "{NUM_TDI{lock_req}}",
        ),
    ),
]
STOPS = [
    Mutant(
        covers("TDISP-STOP-001", "TDISP-STOP-002"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation(
            "stop_of_an_unlocked_tdi_is_refused",
            CHECKS,
            "!state_ok",
            "!state_ok || (is_stop && unlocked)",
        ),
    ),
    Mutant(
        covers("TDISP-STOP-003"),
        LIFE,
        "stop_answers_after_draining_and_clearing_only",
        Mutation(
            "stop_does_not_wait_for_draining", RESPONDER, "(settle_q && drained)", "(settle_q)"
        ),
    ),
    Mutant(
        covers("TDISP-STOP-004"),
        LIFE,
        "stop_answers_after_draining_and_clearing_only",
        Mutation(
            "stop_does_not_wait_for_clearing",
            RESPONDER,
            "settle_q && !scrubbing && drained",
            "settle_q && drained",
        ),
    ),
    Mutant(
        covers("TDISP-STOP-006"),
        MESSAGES,
        "lock_flags_that_are_not_offered_are_refused",
        Mutation(
            "flags_outlive_their_lock",
            TABLE,
            "flags_q[NUM_TDI*s+:NUM_TDI] & ~unlocked",
            "flags_q[NUM_TDI*s+:NUM_TDI]",
        ),
    ),
    Mutant(
        covers("TDISP-STOP-008"),
        LIFE,
        "long_random_lives_follow_the_reference",
        Mutation(
            "stop_of_all_tdis",
            TABLE,
            "stop_req ? selected : {NUM_TDI{1'b0}}",
            "{NUM_TDI{stop_req}}",
        ),
    ),
]
ERRORS = [
    Mutant(
        covers("TDISP-SES-007"),
        LIFE,
        "session_end_takes_exactly_the_tdis_locked_on_it",
        Mutation("session_end_ignored", TABLE, "held & of_session", "{NUM_TDI{1'b0}}"),
    ),
    Mutant(
        covers("TDISP-START-007"),
        LIFE,
        "an_error_wins_over_start_and_never_over_stop",
        Mutation(
            "start_wins_over_an_error",
            FSM,
            "is_locked & start_req & ~stop_req & ~error_req",
            "is_locked & start_req & ~stop_req",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-014"),
        LIFE,
        "reset_unlocks_everything_and_forgets_the_nonce",
        Mutation("reset_spares_what_runs", FSM, "(rst)", "(rst && !(|is_run))"),
    ),
    Mutant(
        covers("TDISP-FSM-019", "TDISP-TRK-015"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation(
            "errors_while_unlocked",
            FSM,
            "(is_unlocked & ~locks) | stops",
            "(is_unlocked & ~locks & ~error_req) | stops",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-015"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation(
            "error_ends_by_itself",
            FSM,
            "(is_unlocked & ~locks) | stops",
            "(is_unlocked & ~locks) | stops | is_error",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-016"),
        LIFE,
        "error_and_flr_clear_and_error_keeps_the_function_quiet",
        Mutation("function_goes_on_in_error", "tdisp/dsm.v", "quiesce | in_error", "quiesce"),
    ),
    Mutant(
        covers("TDISP-ZERO-005"),
        LIFE,
        "error_and_flr_clear_and_error_keeps_the_function_quiet",
        Mutation("flr_clears_nothing", "tdisp/dsm.v", "span_scrub_req | flr_req", "span_scrub_req"),
    ),
    Mutant(
        covers("TDISP-MMIO-015"),
        LIFE,
        "a_function_that_goes_away_is_cleared_once",
        Mutation(
            "functions_that_go_stay_uncleared",
            "tdisp/dsm.v",
            "(present_q & ~tdi_present)",
            "{NUM_TDI{1'b0}}",
        ),
    ),
    Mutant(
        covers("TDISP-ZERO-001"),
        LIFE,
        "error_and_flr_clear_and_error_keeps_the_function_quiet",
        Mutation("error_clears_nothing", "tdisp/dsm.v", "scrub_req | enters_error", "scrub_req"),
    ),
]

FROM_RESET = "state_q[NUM_TDI*g+:NUM_TDI] <= {NUM_TDI{ST_CONFIG_UNLOCKED[g]}};"
STATES = [
    *(
        Mutant(
            covers("TDISP-STATE-002"),
            LIFE,
            "reset_unlocks_everything_and_forgets_the_nonce",
            Mutation(name, FSM, FROM_RESET, f"state_q[NUM_TDI*g+:NUM_TDI] <= {state};"),
        )
        for name, state in (
            (
                "last_tdi_is_locked_from_reset",
                "{ST_CONFIG_LOCKED[g], {NUM_TDI - 1{ST_CONFIG_UNLOCKED[g]}}}",
            ),
            ("all_tdis_are_in_error_from_reset", "{NUM_TDI{ST_ERROR[g]}}"),
        )
    ),
    Mutant(
        covers("TDISP-STATE-003"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation(
            "question_locks",
            RESPONDER,
            "lock_req = decide && lock_ok;",
            """lock_req = (decide && lock_ok) ||
      (carry_out && unlocked && code == `TDISP_REQ_GET_DEVICE_INTERFACE_STATE);""",
        ),
    ),
    Mutant(
        covers("TDISP-STATE-003"),
        LIFE,
        "every_cell_of_the_table_holds",
        Mutation(
            "report_starts",
            RESPONDER,
            "carry_out && is_start",
            "carry_out && (is_start || code == `TDISP_REQ_GET_DEVICE_INTERFACE_REPORT)",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-006"),
        LIFE,
        "error_and_flr_clear_and_error_keeps_the_function_quiet",
        Mutation("flr_resets_the_state", FSM, "(rst)", "(rst || |dsm.flr_req)"),
    ),
]

LIVES = [*LOCKS, *STOPS, *ERRORS, *STATES]

# What is looked for inside the block
NONCES_AND_FAULTS = [
    *(
        Mutant(
            shows,
            FAULTS,
            "start_and_stop_clear_the_nonce_before_the_state_changes",
            Mutation(name, TABLE, "start_req || stop_req", new),
        )
        for shows, name, new in (
            (covers("TDISP-START-005"), "nonce_outlives_start", "stop_req"),
            (covers("TDISP-STOP-005"), "nonce_outlives_stop", "start_req"),
        )
    ),
    Mutant(
        covers("TDISP-FSM-018", "TDISP-ZERO-002"),
        FAULTS,
        "errors_of_all_tdis_leave_no_nonce",
        Mutation(
            "nonce_outlives_an_error", NONCES, "stale_q | (valid_q & ~stays_locked)", "stale_q"
        ),
    ),
    Mutant(
        covers("TDISP-FSM-018"),
        FAULTS,
        "errors_of_all_tdis_leave_no_nonce",
        Mutation(
            "nonce_stays_valid",
            NONCES,
            "enters_lock | (valid_q & stays_locked)",
            "enters_lock | valid_q",
        ),
    ),
    Mutant(
        covers("TDISP-ZERO-002"),
        FAULTS,
        "a_lock_that_an_error_prevents_leaves_no_row",
        Mutation(
            "nonce_of_no_lock_is_kept",
            NONCES,
            "lock_req ? requested & ~enters_lock : {NUM_TDI{1'b0}}",
            "{NUM_TDI{1'b0}}",
        ),
    ),
    Mutant(
        covers("TDISP-ZERO-002"),
        FAULTS,
        "nonces_are_nowhere_after_their_life",
        Mutation(
            "answered_nonce_is_kept",
            RESPONDER,
            "nonce_drop  = state_q == ST_RECEIVE || state_q == ST_FAULT;",
            "nonce_drop  = state_q == ST_FIND || state_q == ST_FAULT;",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-013"),
        FAULTS,
        "a_flipped_bit_of_what_is_latched_is_an_error",
        Mutation(
            "flipped_bits_are_not_seen",
            TABLE,
            "(parity ^ parity_q) | row_wrong | grants_wrong | mask_wrong",
            "row_wrong | grants_wrong | mask_wrong",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-013"),
        FAULTS,
        "a_responder_without_a_state_takes_every_lock_to_error",
        Mutation(
            "faults_of_the_responder_are_not_told",
            RESPONDER,
            "fault          = state_q != ST_FAULT && state_d == ST_FAULT;",
            "fault          = 1'b0;",
        ),
    ),
]
