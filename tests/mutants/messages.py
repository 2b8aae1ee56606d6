# SPDX-License-Identifier: Apache-2.0
"""The device without one check of messages and races at a time, and who notices each loss."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import ATTACK, SYSTEM, Mutant
from tests.plan import attack, covers

MESSAGES = [
    # Link and session
    Mutant(
        covers("IDE-GCM-001", "IDE-GCM-011"),
        f"{ATTACK}10_interposer",
        "FlippedBitEndsTheStream",
        Mutation(
            "mac_compared_in_part",
            "ide/ide_rx_judge.v",
            "tag[127:MAC_BIT] != end_mac",
            "tag[127:MAC_BIT+32] != end_mac[95:32]",
        ),
    ),
    Mutant(
        covers("IDE-ST-002"),
        f"{ATTACK}10_interposer",
        "FlippedBitEndsTheStream",
        Mutation(
            "stream_survives_a_failed_check",
            "ide/ide_stream_ctrl.v",
            "silent || check_failed || owner_ends",
            "silent || owner_ends",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-007"),
        f"{ATTACK}10_interposer",
        "FlippedBitEndsTheStream",
        Mutation(
            "tdi_survives_its_stream",
            "cfg/tdi_monitor.v",
            "{NUM_TDI{rid_change}} | insecure_hit",
            "{NUM_TDI{rid_change}}",
        ),
    ),
    Mutant(
        covers("TDISP-SES-008", "SPDM-SES-003"),
        f"{ATTACK}17_session_end",
        "StreamAndTdiEndWithTheirSession",
        Mutation(
            "stream_survives_its_session",
            "ide/ide_stream_ctrl.v",
            "session_end_valid && owner_valid_q && session_end_idx == owner_q",
            "1'b0",
        ),
    ),
    Mutant(
        covers("SEC-REC-007"),
        f"{ATTACK}17_session_end",
        "StreamAndTdiEndWithTheirSession",
        Mutation(
            "record_tag_compared_in_part",
            "doe/record_open.v",
            "gcm_tag == tag_q",
            "gcm_tag[127:64] == tag_q[127:64]",
        ),
    ),
    # What is wrong with a TDISP request
    Mutant(
        covers("TDISP-HDR-003"),
        f"{SYSTEM}tdisp_messages",
        "WrongHeadersWhileUnlocked",
        Mutation("any_version", "tdisp/tdisp_checks.v", "version == `TDISP_VERSION_1_0", "1'b1"),
    ),
    Mutant(
        covers("TDISP-HDR-005"),
        f"{SYSTEM}tdisp_messages",
        "WrongHeadersWhileUnlocked",
        Mutation("any_interface", "tdisp/tdisp_checks.v", "!found", "1'b0"),
    ),
    Mutant(
        covers("TDISP-HDR-008"),
        f"{SYSTEM}tdisp_messages",
        "WrongHeadersWhileUnlocked",
        Mutation("any_length", "tdisp/tdisp_checks.v", "count != right_count", "1'b0"),
    ),
    Mutant(
        covers("TDISP-SES-005"),
        f"{SYSTEM}tdisp_messages",
        "ForeignSessionsAreRefusedInEveryState",
        Mutation(
            "report_in_any_session",
            "tdisp/tdisp_checks.v",
            "foreign && (is_report || is_stop)",
            "foreign && is_stop",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-001"),
        f"{SYSTEM}transitions",
        "EveryRequestInEveryState",
        Mutation(
            "report_in_any_state",
            "tdisp/tdisp_checks.v",
            "state_ok    = locked || running;",
            "state_ok    = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-002"),
        f"{SYSTEM}tdisp_messages",
        "ReportComesInAnyPortions",
        Mutation(
            "report_beyond_its_end", "tdisp/tdisp_checks.v", "report_offset < report_total", "1'b1"
        ),
    ),
    # Sessions and IDE_KM
    Mutant(
        covers("SEC-VDM-002", "TDISP-SES-001"),
        f"{SYSTEM}sessions",
        "NothingIsServedBeforeFinish",
        Mutation("served_before_finish", "doe/spdm_message.v", "secured && established", "secured"),
    ),
    Mutant(
        covers("SEC-REC-004"),
        f"{SYSTEM}sessions",
        "RecordsOfWrongFormEndTheirSession",
        Mutation(
            "any_application_length",
            "doe/record_open.v",
            "plain_length == cipher_len - LENGTH_BYTES",
            "1'b1",
        ),
    ),
    Mutant(
        covers("SPDM-VCA-002"),
        f"{SYSTEM}sessions",
        "EachMessageHasItsPlace",
        Mutation("any_spdm_version", "doe/spdm_message.v", "spdm_version == VERSION", "1'b1"),
    ),
    Mutant(
        covers("IDEKM-KP-006"),
        f"{SYSTEM}key_management",
        "KeysBelongToTheirSession",
        Mutation(
            "keys_from_any_session",
            "ide/idekm_responder.v",
            "owner_valid[index_q] && owner_session[SESSION_W*index_q+:SESSION_W] != session_q",
            "1'b0",
        ),
    ),
    # Mailbox, races, stalls
    Mutant(
        covers("DOE-FSM-001", "TDISP-SES-011"),
        f"{ATTACK}29_doe",
        "GamesWithBusy",
        Mutation(
            "words_while_busy",
            "cfg/doe_mailbox.v",
            "(append && (busy || request_count_q == CAPACITY))",
            "(append && request_count_q == CAPACITY)",
        ),
    ),
    Mutant(
        covers("DOE-FSM-008"),
        f"{ATTACK}29_doe",
        "WrongLengthsAreDropped",
        Mutation(
            "object_of_any_length",
            "cfg/doe_mailbox.v",
            "{{(32 - COUNT_W) {1'b0}}, request_count_q} == {14'd0, request_length_q}",
            "1'b1",
        ),
    ),
    Mutant(
        covers("DOE-OBJ-001"),
        f"{ATTACK}29_doe",
        "ForeignObjectsAreDropped",
        Mutation(
            "object_of_any_vendor",
            "doe/doe_router.v",
            "s_axis_doe_tdata[15:0] == `DOE_VENDOR_PCI_SIG",
            "1'b1",
        ),
    ),
    Mutant(
        attack("ATT-32"),
        f"{ATTACK}32_races",
        "StopMeetsErrors",
        Mutation(
            "stop_beats_an_error",
            "tdisp/tdi_table.v",
            "error_req | session_lost | data_wrong",
            "(error_req & ~stops) | session_lost | data_wrong",
        ),
    ),
    Mutant(
        covers("TDISP-START-007"),
        f"{ATTACK}32_races",
        "StartMeetsErrors",
        Mutation(
            "start_beats_an_error",
            "tdisp/tdi_table.v",
            "error_req | session_lost | data_wrong",
            "(error_req & ~starts) | session_lost | data_wrong",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-028"),
        f"{ATTACK}32_races",
        "LockMeetsConfigurationWrites",
        Mutation(
            "lock_during_a_configuration_write",
            "tdisp/tdisp_responder.v",
            "!cfg_write_busy && drained",
            "drained",
        ),
    ),
    Mutant(
        covers("IDE-ST-002"),
        f"{ATTACK}33_backpressure",
        "ErrorsPassAStalledLink",
        Mutation(
            "stream_ends_with_its_message",
            "ide/ide_stream_ctrl.v",
            "event_q  <= leave;",
            "event_q  <= fail_taken;",
        ),
    ),
    Mutant(
        attack("ATT-33"),
        f"{ATTACK}33_backpressure",
        "ErrorsPassAStalledRootOfTrust",
        Mutation(
            "session_keys_wait_for_messages",
            "doe/doe_spdm.v",
            "at_rot || state_q == ST_IDLE",
            "state_q == ST_IDLE",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-016"),
        f"{ATTACK}33_backpressure",
        "LockWithoutEntropyEnds",
        Mutation("nonce_waits_for_ever", "tdisp/nonce_source.v", "cycle_q == LAST_CYCLE", "1'b0"),
    ),
]
