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
ATS = "tests.system.cocotb_ats"
OPTIONAL = "tests.system.cocotb_optional"


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
    "pf_rid + {{(16 - TDI_W) {1'b0}}, tdi_q}",
    "pf_rid + {{(16 - TDI_W) {1'b0}}, ~tdi_q}",
)


def _sender(name: str, kind: str, length: str, last_byte: str) -> Mutation:
    """An engine that puts another type, length and byte enables or code into its requests."""
    rest = """
    long_address ? address_q[63:32] : low_address,
    long_address ? low_address : 32'd0
  };"""
    old = """appreq_hdr = {
    tlp_type,
    5'h00,
    attr_q[2],
    1'b0,
    hint_q[2],
    2'b00,
    attr_q[1:0],
    uses_q,
    asks_q,
    count_q[9:0],
    rid_q,
    tag,
    enables,"""
    new = f"appreq_hdr = {{{kind}, 8'h00, 6'h00, {length}, rid_q, tag, {last_byte},"
    return Mutation(name, "app/app_sender.v", old + rest, new + rest)


DATA = "(write_q && !msix_q)"
WRITES = "tlp_type == `PCIE_TYPE_MWR32 || tlp_type == `PCIE_TYPE_MWR64"
PAGE_REQUESTER = _sender(
    "reads_become_page_requests",
    "write_q ? tlp_type : `PCIE_TYPE_MSG_RC",
    "write_q ? count_q[9:0] : 10'd0",
    "write_q ? enables : 8'h04",
)
VENDOR_MESSENGER = _sender(
    "writes_become_vendor_messages",
    f"{DATA} ? `PCIE_TYPE_MSGD_RC : tlp_type",
    "count_q[9:0]",
    f"{DATA} ? `PCIE_MSG_VENDOR_DEFINED_1 : enables",
)
ATOMIC_SENDER = _sender(
    "writes_become_atomics",
    f"{DATA} ? (long_address ? `PCIE_TYPE_SWAP64 : `PCIE_TYPE_SWAP32) : tlp_type",
    "count_q[9:0]",
    "enables",
)
INSISTENT = Mutation(
    "interrupts_at_any_time",
    "app/app_msix.v",
    "sends = pending_q & ~masked_q & unmasked & may_send;",
    "sends = ~masked_q;",
)
CLAIMANT = Mutation(
    "claims_to_have_translated",
    "app/app_sender.v",
    "uses_q     <= uses;",
    "uses_q     <= !asks_q;",
)
HOSTILE = (SPOOFER, PAGE_REQUESTER, VENDOR_MESSENGER, ATOMIC_SENDER, INSISTENT, CLAIMANT)

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
        "hdr_q[63:48] == rid",
        "1'b1",
    ),
    _weak(
        ATTACK + "22_stale_msix",
        "EntriesFromBeforeTheLockSendNothing",
        "pending_bits_survive_the_lock",
        "app/app_msix.v",
        "forget_req | (sweep_step ? ONE << sweep_tdi : NONE)",
        "sweep_step ? ONE << sweep_tdi : NONE",
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
        ATTACK + "23_ats",
        "TranslationsEndWithTheirLife",
        "translations_outlive_their_life",
        "app/app_dma.v",
        "kill | worthless",
        "worthless",
    ),
    _weak(
        ATTACK + "23_ats",
        "TranslationsThatWereTakenBackAreNotUsed",
        "translations_that_are_taken_back_stay",
        "app/app_dma.v",
        "~ats_enable | invalidating",
        "~ats_enable",
    ),
    Weakness(
        Mutation(
            "translated_requests_without_ats",
            "filter/dma_admit.v",
            "ats_ok = ats_enable && !msix && (translated || asks);",
            "ats_ok = !msix && (translated || asks);",
        ),
        ATTACK + "23_ats",
        "ClaimedTranslationsNeverLeave",
        CLAIMANT,
    ),
    _weak(
        ATS,
        "TranslationsWithoutTStopARunningTdi",
        "translations_without_t_count",
        "app/app_cpl.v",
        "asks_q && ide_q && !(arrived_ide_q && arrived_t_q)",
        "1'b0",
    ),
    _weak(
        ATS,
        "TranslationsThatAreTakenBackAreAskedForAgain",
        "invalidations_wait_for_nothing",
        "app/app_dma.v",
        "inval_valid && !in_use && !sending[inval_tdi]",
        "inval_valid",
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
        "tdisp/tdi_nonces.v",
        "row[255:0] == start_nonce",
        "row[255:8] == start_nonce[255:8]",
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
        "in_bars) begin\n      own   = |changed;",
        "in_bars) begin\n      own   = 1'b0;",
    ),
    _weak(
        ATTACK + "27_events",
        "ChangesOfEveryFunctionEndEveryTdi",
        "bus_number_not_watched",
        "cfg/cfg_tlp.v",
        "cfg_watch_valid && rid_q != base_rid",
        "1'b0",
    ),
    _weak(
        ATTACK + "28_bits",
        "ForbiddenBitsEndTheLock",
        "byte_enables_of_configuration_ignored",
        "cfg/cfg_tlp.v",
        "written = reg_rw_mask & be_mask;",
        "written = reg_rw_mask;",
    ),
    _weak(
        ATTACK + "28_bits",
        "HarmlessBitsChangeNothing",
        "every_bit_of_device_control_counts",
        "cfg/lock_watch.v",
        "|(changed & DEVICE_CONTROL)",
        "|changed",
    ),
    _weak(
        ATTACK + "28_bits",
        "ValuesThatAreThereChangeNothing",
        "any_write_of_sriov_counts",
        "cfg/lock_watch.v",
        "all   = |changed;",
        "all   = 1'b1;",
    ),
    # Edges of the admission
    _weak(
        ATTACK + "34_edges",
        "BordersAreExact",
        "pages_decoded_in_pairs",
        "link/bar_decode.v",
        "{{(64 - BAR2_W) {1'b0}}, offset[16:12], 12'h000}",
        "{{(64 - BAR2_W) {1'b0}}, offset[16:13], 13'h0000}",
    ),
    _weak(
        ATTACK + "34_edges",
        "RequestsAcrossAPageAreRefused",
        "one_dw_too_far",
        "link/tlp_route.v",
        "{1'b0, a_address[11:2]} + a_dw_count <= 11'd1024",
        "{1'b0, a_address[11:2]} + a_dw_count <= 11'd1025",
    ),
    _weak(
        ATTACK + "34_edges",
        "RequestsAcrossAPageAreRefused",
        "length_of_1024_counts_as_none",
        "link/tlp_classify.v",
        "dw_count = {hdr[105:96] == 10'd0, hdr[105:96]};",
        "dw_count = {1'b0, hdr[105:96]};",
    ),
    _weak(
        ATTACK + "34_edges",
        "RequestsThatFitAreServed",
        "last_dw_of_a_page_is_out",
        "link/tlp_route.v",
        "{1'b0, a_address[11:2]} + a_dw_count <= 11'd1024",
        "{1'b0, a_address[11:2]} + a_dw_count < 11'd1024",
    ),
    _weak(
        ATTACK + "34_edges",
        "ByteEnablesAreObeyed",
        "byte_enables_ignored",
        "app/app_mmio.v",
        "mmio_tvalid ? beat_be : {DATA_W / 8{1'b0}}",
        "{DATA_W / 8{mmio_tvalid}}",
    ),
    _weak(
        ATTACK + "34_edges",
        "AddressesAreComparedInFull",
        "top_bit_not_compared",
        "link/bar_decode.v",
        "vf_number0 < {{(32 - BAR0_W) {1'b0}}, TDIS}",
        "vf_number0[62:BAR0_W] < {{(31 - BAR0_W) {1'b0}}, TDIS}",
    ),
    _weak(
        ATTACK + "34_edges",
        "AddressesAreComparedInFull",
        "short_address_in_the_upper_half",
        "link/tlp_classify.v",
        "long_header ? {hdr[63:2], 2'b00} : {32'd0, hdr[63:34], 2'b00}",
        "{hdr[63:2], 2'b00}",
    ),
    _weak(
        ATTACK + "34_edges",
        "WrappedAperturesAreNotLocked",
        "lock_of_wrapped_apertures",
        "cfg/cfg_lock_check.v",
        "vf_end0 <= ADDRESS_END && vf_end2 <= ADDRESS_END",
        "1'b1",
    ),
    _weak(
        ATTACK + "34_edges",
        "OtherRequestsChangeNothing",
        "swap_is_a_write",
        "link/tlp_classify.v",
        "tlp_type = hdr[127:120];",
        "tlp_type = hdr[127:120] == `PCIE_TYPE_SWAP64 ? `PCIE_TYPE_MWR64 : hdr[127:120];",
    ),
    _weak(
        ATTACK + "34_edges",
        "PoisonedDataIsNeverTaken",
        "poisoned_data_is_written",
        "link/tlp_route.v",
        "b_rid_ok_q && admit && !b_poisoned_q",
        "b_rid_ok_q && admit",
    ),
    # Other types
    _weak(
        ATTACK + "35_messages",
        "EachStateSendsItsTypesOnly",
        "interrupts_without_t",
        "filter/dma_admit.v",
        "t      = trusted;",
        "t      = trusted && !msix;",
    ),
    _weak(
        ATTACK + "35_messages",
        "EachStateSendsItsTypesOnly",
        "no_interrupts_while_locked",
        "filter/dma_admit.v",
        "(msix && (locked || (run && !msix_locked)))",
        "(msix && run && !msix_locked)",
    ),
    _weak(
        ATTACK + "35_messages",
        "MessagesMoveNothing",
        "messages_by_address_are_writes",
        "link/tlp_classify.v",
        "tlp_type = hdr[127:120];",
        "tlp_type = hdr[127:120] == `PCIE_TYPE_MSGD_ADDRESS ? `PCIE_TYPE_MWR64 : hdr[127:120];",
    ),
    _weak(
        ATTACK + "35_messages",
        "OtherSpacesLeadNowhere",
        "io_reads_memory",
        "link/tlp_classify.v",
        "tlp_type = hdr[127:120];",
        "tlp_type = hdr[127:120] == `PCIE_TYPE_IORD ? `PCIE_TYPE_MRD32 : hdr[127:120];",
    ),
    Weakness(
        Mutation(
            "interrupts_in_error",
            "filter/dma_admit.v",
            "(msix && (locked || (run && !msix_locked)))",
            "(msix && !(run && msix_locked))",
        ),
        ATTACK + "35_messages",
        "InterruptsInErrorAreDropped",
        INSISTENT,
    ),
    *(
        Weakness(
            Mutation(
                name,
                "filter/dma_filter.v",
                WRITES,
                f"{WRITES} || {added}",
            ),
            ATTACK + "35_messages",
            "OtherTypesNeverLeave",
            hostile,
        )
        for name, added, hostile in (
            ("page_requests_leave", "tlp_type == `PCIE_TYPE_MSG_RC", PAGE_REQUESTER),
            ("vendor_messages_leave", "tlp_type == `PCIE_TYPE_MSGD_RC", VENDOR_MESSENGER),
            ("atomics_leave", "tlp_type == `PCIE_TYPE_SWAP32", ATOMIC_SENDER),
        )
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
        "ats_enable_q ? INFO_ATS : 16'h0",
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
        "scrub_req & ~waiting",
        "{NUM_TDI{1'b0}}",
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
    # Mailbox, races, stalls
    _weak(
        ATTACK + "29_doe",
        "GamesWithBusy",
        "words_while_busy",
        "cfg/doe_mailbox.v",
        "(append && (busy || request_count_q == CAPACITY))",
        "(append && request_count_q == CAPACITY)",
    ),
    _weak(
        ATTACK + "29_doe",
        "WrongLengthsAreDropped",
        "object_of_any_length",
        "cfg/doe_mailbox.v",
        "{{(32 - COUNT_W) {1'b0}}, request_count_q} == {14'd0, request_length_q}",
        "1'b1",
    ),
    _weak(
        ATTACK + "29_doe",
        "ForeignObjectsAreDropped",
        "object_of_any_vendor",
        "doe/doe_router.v",
        "s_axis_doe_tdata[15:0] == `DOE_VENDOR_PCI_SIG",
        "1'b1",
    ),
    _weak(
        ATTACK + "32_races",
        "StopMeetsErrors",
        "stop_beats_an_error",
        "tdisp/tdi_table.v",
        "error_req | session_lost | data_wrong",
        "(error_req & ~stops) | session_lost | data_wrong",
    ),
    _weak(
        ATTACK + "32_races",
        "StartMeetsErrors",
        "start_beats_an_error",
        "tdisp/tdi_table.v",
        "error_req | session_lost | data_wrong",
        "(error_req & ~starts) | session_lost | data_wrong",
    ),
    _weak(
        ATTACK + "32_races",
        "LockMeetsConfigurationWrites",
        "lock_during_a_configuration_write",
        "tdisp/tdisp_responder.v",
        "!cfg_write_busy && drained",
        "drained",
    ),
    _weak(
        ATTACK + "33_backpressure",
        "ErrorsPassAStalledLink",
        "stream_ends_with_its_message",
        "ide/ide_stream_ctrl.v",
        "event_q  <= leave;",
        "event_q  <= fail_taken;",
    ),
    _weak(
        ATTACK + "33_backpressure",
        "ErrorsPassAStalledRootOfTrust",
        "session_keys_wait_for_messages",
        "doe/doe_spdm.v",
        "at_rot || state_q == ST_IDLE",
        "state_q == ST_IDLE",
    ),
    _weak(
        ATTACK + "33_backpressure",
        "LockWithoutEntropyEnds",
        "nonce_waits_for_ever",
        "tdisp/nonce_source.v",
        "cycle_q == LAST_CYCLE",
        "1'b0",
    ),
    # Peers
    _weak(
        ATTACK + "24_peer",
        "OnlyTheBoundPeerIsServed",
        "peer_reaches_every_tdi",
        "link/tlp_route.v",
        "peer_bound = {1'b0, b_stream} < STREAMS && p2p_bound[b_stream];",
        "peer_bound = {1'b0, b_stream} < STREAMS && |tdi_p2p;",
    ),
    _weak(
        ATTACK + "24_peer",
        "OnlyTheBoundPeerIsServed",
        "stream_of_another_session_is_bound",
        "tdisp/tdisp_p2p_check.v",
        "stream_owner_session[SESSION_W*n+:SESSION_W] == session",
        "1'b1",
    ),
    _weak(
        ATTACK + "24_peer",
        "OnlyTheBoundPeerIsServed",
        "untranslated_requests_to_the_peer",
        "filter/dma_admit.v",
        "direct = trusted && translated && peer && !redirect;",
        "direct = trusted && peer && !redirect;",
    ),
    _weak(
        ATTACK + "24_peer",
        "OnlyTheBoundPeerIsServed",
        "bound_streams_not_watched",
        "cfg/lock_watch.v",
        "|(tdi_p2p[NUM_IDE_STREAMS*n+:NUM_IDE_STREAMS] & one_block)",
        "1'b0",
    ),
    _weak(
        OPTIONAL,
        "ABoundStreamBreaksTheTdisThatBoundIt",
        "peers_stream_lost_unnoticed",
        "cfg/tdi_monitor.v",
        "|(tdi_p2p[NUM_IDE_STREAMS*n+:NUM_IDE_STREAMS] & stream_insecure_event)",
        "1'b0",
    ),
    _weak(
        OPTIONAL,
        "AnAttributeOpensOnePageToAll",
        "page_open_for_every_tdi",
        "link/tlp_route.v",
        "b_memory_q && tdi_memory_open[b_tdi_q]",
        "b_memory_q && |tdi_memory_open",
    ),
    _weak(
        OPTIONAL,
        "AnAttributeOpensOnePageToAll",
        "every_page_is_opened",
        "link/tlp_route.v",
        "b_memory_q && tdi_memory_open[b_tdi_q]",
        "tdi_memory_open[b_tdi_q]",
    ),
]

MUTATIONS = [*(weakness.mutation for weakness in WEAKNESSES), *HOSTILE]
