# SPDX-License-Identifier: Apache-2.0
"""The device with one check taken out at a time, and the test that must notice each."""

from __future__ import annotations

from dataclasses import dataclass

from tb.device import Mutation

ATTACK = "tests.attack.cocotb_att_"
LOCK_RULES = "tests.system.cocotb_lock_rules"
MESSAGES = "tests.system.cocotb_tdisp_messages"
TRANSITIONS = "tests.system.cocotb_transitions"
SESSIONS = "tests.system.cocotb_sessions"
KEY_MANAGEMENT = "tests.system.cocotb_key_management"
FAULTS = "tests.system.cocotb_faults"


@dataclass(frozen=True)
class Weakness:
    """A mutation, and module and test class that find fault with it.

    `also` is the hostile part of the device that the test is about, if it is about one.
    """

    mutation: Mutation
    module: str
    case: str
    also: Mutation | None = None


def _weak(module: str, case: str, name: str, file: str, old: str, new: str) -> Weakness:
    return Weakness(Mutation(name, file, old, new), module, case)


# Parts of the function under protection that turn against the rest of the device.
SPOOFER = Mutation(
    "requests_with_anothers_requester_id",
    "app/app_sender.v",
    "rid_q     <= tdi_rid[16*tdi_q+:16];",
    "rid_q     <= tdi_rid[16*(tdi_q^{TDI_W{1'b1}})+:16];",
)
HOSTILE = (SPOOFER,)

WEAKNESSES = [
    # MMIO filter
    _weak(
        ATTACK + "14_t_bit",
        "ClaimedTIsRefused",
        "mmio_without_t",
        "filter/mmio_filter.v",
        "trusted = ide && t;",
        "trusted = ide;",
    ),
    _weak(
        ATTACK + "14_t_bit",
        "ClaimedTIsRefused",
        "mmio_from_any_stream",
        "filter/mmio_filter.v",
        "run && trusted && stream_bound",
        "run && trusted",
    ),
    _weak(
        ATTACK + "09_former_owner",
        "FormerOwnerIsRefused",
        "mmio_before_start",
        "filter/mmio_filter.v",
        "run = tdi_state == `TDI_RUN;",
        "run = tdi_state != `TDI_CONFIG_UNLOCKED;",
    ),
    _weak(
        ATTACK + "15_downgrade",
        "PlainRequestsToALockedTdiAreRefused",
        "mmio_in_clear",
        "filter/mmio_filter.v",
        "tee_ok || plain_ok",
        "tee_ok || plain_ok || !t",
    ),
    _weak(
        ATTACK + "15_downgrade",
        "PlainRequestsToALockedTdiAreRefused",
        "msix_table_in_clear",
        "filter/mmio_filter.v",
        "(!msix_locked || unlocked)",
        "1'b1",
    ),
    # DMA filter
    _weak(
        ATTACK + "13_dma",
        "TvmsOwnTransfersPass",
        "dma_without_t",
        "filter/dma_admit.v",
        "t      = trusted;",
        "t      = 1'b0;",
    ),
    _weak(
        ATTACK + "13_dma",
        "TvmsOwnTransfersPass",
        "dma_in_clear",
        "filter/dma_admit.v",
        "ide    = trusted;",
        "ide    = 1'b0;",
    ),
    _weak(
        ATTACK + "13_dma",
        "TvmsOwnTransfersPass",
        "dma_on_any_stream",
        "filter/dma_admit.v",
        "trusted ? bound_stream : {STREAM_W{1'b0}}",
        "trusted ? ~bound_stream : {STREAM_W{1'b0}}",
    ),
    _weak(
        ATTACK + "13_dma",
        "FunctionOfALegacyVmCannotReachATvm",
        "dma_of_a_legacy_vm_with_t",
        "filter/dma_admit.v",
        "trusted = run && (!msix || msix_locked);",
        "trusted = (run || unlocked) && (!msix || msix_locked);",
    ),
    _weak(
        ATTACK + "15_downgrade",
        "DowngradedCompletionsAreRefused",
        "completion_in_clear",
        "app/app_cpl.v",
        "in_clear = ide_q && !arrived_ide_q;",
        "in_clear = 1'b0;",
    ),
    _weak(
        ATTACK + "15_downgrade",
        "DowngradedCompletionsAreRefused",
        "completion_on_any_stream",
        "app/app_cpl.v",
        "known && ide_q && arrived_ide_q && arrived_stream_q != stream_q",
        "1'b0",
    ),
    Weakness(
        Mutation(
            "dma_with_any_requester_id",
            "filter/dma_admit.v",
            "form_ok && rid_match",
            "form_ok",
        ),
        ATTACK + "11_spoof",
        "SpoofedRequestsAreDropped",
        SPOOFER,
    ),
    _weak(
        ATTACK + "12_deputy",
        "EachTdiReachesItsOwnOnly",
        "completion_for_any_requester",
        "app/app_cpl.v",
        "hdr_q[63:48] == tdi_rid[16*tdi+:16]",
        "1'b1",
    ),
    _weak(
        ATTACK + "22_stale_msix",
        "EntriesFromBeforeTheLockSendNothing",
        "pending_bits_survive_the_lock",
        "app/app_msix.v",
        "(sweep_step && sweep_tdi == n[TDI_W-1:0]) || forget_req[n]",
        "sweep_step && sweep_tdi == n[TDI_W-1:0]",
    ),
    _weak(
        ATTACK + "23_ats",
        "TranslationOpensNothing",
        "translation_requests_served",
        "link/tlp_classify.v",
        "address_type_ok = !hdr[106];",
        "address_type_ok = 1'b1;",
    ),
    _weak(
        ATTACK + "24_peer",
        "NothingPassesTheHostBy",
        "dma_on_an_unbound_stream",
        "filter/dma_admit.v",
        "trusted ? bound_stream : {STREAM_W{1'b0}}",
        "trusted ? {STREAM_W{1'b1}} : {STREAM_W{1'b0}}",
    ),
    # LOCK and START
    _weak(
        ATTACK + "16_lock",
        "LockNeedsEveryKey",
        "lock_of_an_insecure_stream",
        "tdisp/tdisp_lock_check.v",
        "secure_ok = stream_secure[stream] && ide_enable[stream];",
        "secure_ok = 1'b1;",
    ),
    _weak(
        ATTACK + "16_lock",
        "LockNeedsKeysOfItsOwnSession",
        "lock_with_keys_of_any_session",
        "tdisp/tdisp_lock_check.v",
        "stream_owner_session[SESSION_W*stream+:SESSION_W] == session",
        "1'b1",
    ),
    _weak(
        ATTACK + "16_lock",
        "LockNeedsTheOneDefaultStream",
        "lock_of_any_stream",
        "tdisp/tdisp_lock_check.v",
        "id_ok = ide_stream_id[8*stream+:8] == stream_id;",
        "id_ok = 1'b1;",
    ),
    _weak(
        ATTACK + "16_lock",
        "LockNeedsTheOneDefaultStream",
        "lock_with_two_defaults",
        "tdisp/tdisp_lock_check.v",
        "one_default = defaults == 4'd1;",
        "one_default = defaults != 4'd0;",
    ),
    _weak(
        ATTACK + "16_lock",
        "LockNeedsTheOneDefaultStream",
        "lock_in_any_traffic_class",
        "tdisp/tdisp_lock_check.v",
        "tc_ok = ide_tc[3*stream+:3] == 3'd0;",
        "tc_ok = 1'b1;",
    ),
    _weak(
        ATTACK + "18_nonce",
        "AlmostRightNoncesAreRefused",
        "nonce_compared_in_part",
        "tdisp/tdi_table.v",
        "nonce_q[req_idx] == start_nonce",
        "nonce_q[req_idx][255:8] == start_nonce[255:8]",
    ),
    _weak(
        ATTACK + "18_nonce",
        "NonceDiesWithItsLock",
        "start_in_any_state",
        "tdisp/tdisp_checks.v",
        "state_ok    = locked;",
        "state_ok    = 1'b1;",
    ),
    _weak(
        ATTACK + "17_session_end",
        "OthersSessionsDoNotMatter",
        "stop_in_any_session",
        "tdisp/tdisp_checks.v",
        "owner != session",
        "1'b0",
    ),
    # Link and session
    _weak(
        ATTACK + "10_interposer",
        "FlippedBitEndsTheStream",
        "mac_compared_in_part",
        "ide/ide_rx_judge.v",
        "tag[127:MAC_BIT] != end_mac",
        "tag[127:MAC_BIT+32] != end_mac[95:32]",
    ),
    _weak(
        ATTACK + "10_interposer",
        "FlippedBitEndsTheStream",
        "stream_survives_a_failed_check",
        "ide/ide_stream_ctrl.v",
        "silent || check_failed || owner_ends",
        "silent || owner_ends",
    ),
    _weak(
        ATTACK + "10_interposer",
        "FlippedBitEndsTheStream",
        "tdi_survives_its_stream",
        "cfg/tdi_monitor.v",
        "{NUM_TDI{rid_change}} | insecure_hit",
        "{NUM_TDI{rid_change}}",
    ),
    _weak(
        ATTACK + "17_session_end",
        "StreamAndTdiEndWithTheirSession",
        "stream_survives_its_session",
        "ide/ide_stream_ctrl.v",
        "session_end_valid && owner_valid_q && session_end_idx == owner_q",
        "1'b0",
    ),
    _weak(
        ATTACK + "17_session_end",
        "StreamAndTdiEndWithTheirSession",
        "record_tag_compared_in_part",
        "doe/record_open.v",
        "gcm_tag == tag_q",
        "gcm_tag[127:64] == tag_q[127:64]",
    ),
    # What a lock forbids
    _weak(
        LOCK_RULES,
        "ForbiddenChangesMoveALockedTdiToError",
        "command_not_watched",
        "cfg/lock_watch.v",
        "own   = |(removed & COMMAND_ENABLES);",
        "own   = 1'b0;",
    ),
    _weak(
        LOCK_RULES,
        "ForbiddenChangesMoveALockedTdiToError",
        "sriov_and_vf_bars_not_watched",
        "cfg/lock_watch.v",
        "all   = |changed;",
        "all   = 1'b0;",
    ),
    _weak(
        LOCK_RULES,
        "ForbiddenChangesMoveALockedTdiToError",
        "msix_control_not_watched",
        "cfg/lock_watch.v",
        "msix  = |(changed & MESSAGE_CONTROL);",
        "msix  = 1'b0;",
    ),
    _weak(
        LOCK_RULES,
        "ForbiddenChangesMoveALockedTdiToError",
        "ats_not_watched",
        "cfg/lock_watch.v",
        "own   = |(changed & (ATS_ENABLE | ATS_STU));",
        "own   = 1'b0;",
    ),
    _weak(
        LOCK_RULES,
        "ChangesOfTheBoundStreamMoveItsTdisToError",
        "ide_registers_not_watched",
        "cfg/lock_watch.v",
        "stream = |changed;",
        "stream = 1'b0;",
    ),
    _weak(
        LOCK_RULES,
        "FlrOfTheFunctionMovesItToErrorAndClearsIt",
        "flr_not_watched",
        "cfg/tdi_monitor.v",
        "write_hit | flr_req",
        "write_hit",
    ),
    _weak(
        ATTACK + "04_remap",
        "MovedMappingsAreNeverServed",
        "bars_not_watched",
        "cfg/lock_watch.v",
        "own   = |changed;",
        "own   = 1'b0;",
    ),
    # What the report shows
    _weak(
        ATTACK + "07_preconfigured",
        "AnotherFunctionIsRefused",
        "report_of_another_function",
        "tdisp/dsm.v",
        "is_pf ? pf_bar0 : vf_bar0 + vf_number * `APP_BAR0_SIZE",
        "is_pf ? pf_bar0 : vf_bar0",
    ),
    _weak(
        ATTACK + "07_preconfigured",
        "WhatNobodyAskedForIsRefused",
        "ats_not_reported",
        "tdisp/tdisp_report.v",
        "{15'd0, ats_enable_q} << `TDISP_INFO_BIT_ATS",
        "16'd0",
    ),
    _weak(
        ATTACK + "26_report",
        "OddPortionsAndOffsetsAddUp",
        "portion_wraps",
        "tdisp/tdisp_response.v",
        "report_length < rest",
        "report_length + report_offset < report_total",
    ),
    # Clearing
    _weak(
        ATTACK + "25_residue",
        "NextTvmFindsNothing",
        "nothing_is_cleared",
        "app/app_scrub.v",
        "pending_q | scrub_req",
        "pending_q",
    ),
    # What is wrong with a TDISP request
    _weak(
        MESSAGES,
        "WrongHeadersWhileUnlocked",
        "any_version",
        "tdisp/tdisp_checks.v",
        "version == `TDISP_VERSION_1_0",
        "1'b1",
    ),
    _weak(
        MESSAGES,
        "WrongHeadersWhileUnlocked",
        "any_interface",
        "tdisp/tdisp_checks.v",
        "!found",
        "1'b0",
    ),
    _weak(
        MESSAGES,
        "WrongHeadersWhileUnlocked",
        "any_length",
        "tdisp/tdisp_checks.v",
        "count != right_count",
        "1'b0",
    ),
    _weak(
        MESSAGES,
        "ForeignSessionsAreRefusedInEveryState",
        "report_in_any_session",
        "tdisp/tdisp_checks.v",
        "foreign && (is_report || is_stop)",
        "foreign && is_stop",
    ),
    _weak(
        TRANSITIONS,
        "EveryRequestInEveryState",
        "report_in_any_state",
        "tdisp/tdisp_checks.v",
        "state_ok    = locked || running;",
        "state_ok    = 1'b1;",
    ),
    _weak(
        MESSAGES,
        "ReportComesInAnyPortions",
        "report_beyond_its_end",
        "tdisp/tdisp_checks.v",
        "report_offset < report_total",
        "1'b1",
    ),
    # Sessions and IDE_KM
    _weak(
        SESSIONS,
        "NothingIsServedBeforeFinish",
        "served_before_finish",
        "doe/spdm_message.v",
        "secured && established",
        "secured",
    ),
    _weak(
        SESSIONS,
        "RecordsOfWrongFormEndTheirSession",
        "any_application_length",
        "doe/record_open.v",
        "plain_length == cipher_len - LENGTH_BYTES",
        "1'b1",
    ),
    _weak(
        SESSIONS,
        "EachMessageHasItsPlace",
        "any_spdm_version",
        "doe/spdm_message.v",
        "spdm_version == VERSION",
        "1'b1",
    ),
    _weak(
        KEY_MANAGEMENT,
        "KeysBelongToTheirSession",
        "keys_from_any_session",
        "ide/idekm_responder.v",
        "owner_valid[index_q] && owner_session[SESSION_W*index_q+:SESSION_W] != session_q",
        "1'b0",
    ),
    # What breaks around the device
    _weak(
        FAULTS,
        "InternalErrorEndsItsTdiOnly",
        "internal_error_not_watched",
        "cfg/tdi_monitor.v",
        "cpl_error_event | internal_error",
        "cpl_error_event",
    ),
    _weak(
        FAULTS,
        "SurpriseLinkDown",
        "streams_outlive_the_link",
        "ide/ide_stream_ctrl.v",
        "!enable || fail_received || !link_up",
        "!enable || fail_received",
    ),
]

MUTATIONS = [*(weakness.mutation for weakness in WEAKNESSES), *HOSTILE]
