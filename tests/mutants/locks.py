# SPDX-License-Identifier: Apache-2.0
"""The device without one rule of a lock at a time, and the test that notices each loss."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import ATTACK, SYSTEM, Mutant
from tests.plan import covers

STATES = "tdisp_device.tdi_state"
IN_ERROR = f"|({STATES} & {STATES} >> 1 & {{NUM_TDI{{2'b01}}}})"  # any TDI

LOCKS = [
    # LOCK and START
    Mutant(
        covers("TDISP-LOCK-007"),
        f"{ATTACK}16_lock",
        "LockNeedsEveryKey",
        Mutation(
            "lock_of_an_insecure_stream",
            "tdisp/tdisp_lock_check.v",
            "secure_ok = stream_secure[stream] && ide_enable[stream];",
            "secure_ok = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-004"),
        f"{ATTACK}16_lock",
        "LockNeedsKeysOfItsOwnSession",
        Mutation(
            "lock_with_keys_of_any_session",
            "tdisp/tdisp_lock_check.v",
            "stream_owner_session[SESSION_W*stream+:SESSION_W] == session",
            "1'b1",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-002"),
        f"{ATTACK}16_lock",
        "LockNeedsTheOneDefaultStream",
        Mutation(
            "lock_of_any_stream",
            "tdisp/tdisp_lock_check.v",
            "id_ok = ide_stream_id[8*stream+:8] == stream_id;",
            "id_ok = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-005"),
        f"{ATTACK}16_lock",
        "LockNeedsTheOneDefaultStream",
        Mutation(
            "lock_with_two_defaults",
            "tdisp/tdisp_lock_check.v",
            "one_default = defaults == 4'd1;",
            "one_default = defaults != 4'd0;",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-006"),
        f"{ATTACK}16_lock",
        "LockNeedsTheOneDefaultStream",
        Mutation(
            "lock_in_any_traffic_class",
            "tdisp/tdisp_lock_check.v",
            "tc_ok = ide_tc[3*stream+:3] == 3'd0;",
            "tc_ok = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-START-002"),
        f"{ATTACK}18_nonce",
        "AlmostRightNoncesAreRefused",
        Mutation(
            "nonce_compared_in_part",
            "tdisp/tdi_nonces.v",
            "row[255:0] == start_nonce",
            "row[255:8] == start_nonce[255:8]",
        ),
    ),
    Mutant(
        covers("TDISP-START-001"),
        f"{ATTACK}18_nonce",
        "NonceDiesWithItsLock",
        Mutation(
            "start_in_any_state",
            "tdisp/tdisp_checks.v",
            "state_ok    = locked;",
            "state_ok    = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-SES-010"),
        f"{ATTACK}17_session_end",
        "OthersSessionsDoNotMatter",
        Mutation("stop_in_any_session", "tdisp/tdisp_checks.v", "owner != session", "1'b0"),
    ),
    # What a lock forbids
    Mutant(
        covers("TDISP-TRK-001", "TDISP-TRK-002"),
        f"{SYSTEM}lock_rules",
        "ForbiddenChangesMoveALockedTdiToError",
        Mutation(
            "command_not_watched",
            "cfg/lock_watch.v",
            "own   = |(removed & COMMAND_ENABLES);",
            "own   = 1'b0;",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-007"),
        f"{SYSTEM}lock_rules",
        "ForbiddenChangesMoveALockedTdiToError",
        Mutation(
            "sriov_and_vf_bars_not_watched",
            "cfg/lock_watch.v",
            "all   = |changed;",
            "all   = 1'b0;",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-005"),
        f"{SYSTEM}lock_rules",
        "ForbiddenChangesMoveALockedTdiToError",
        Mutation(
            "msix_control_not_watched",
            "cfg/lock_watch.v",
            "msix  = |(changed & MESSAGE_CONTROL);",
            "msix  = 1'b0;",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-006"),
        f"{SYSTEM}locked_registers",
        "FreeRegistersEndNoTdi",
        Mutation(
            "msi_is_watched",
            "cfg/lock_watch.v",
            "addr == `CFG_REG_MSIX",
            "addr == `CFG_REG_MSIX || addr == `CFG_REG_MSI",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-016"),
        f"{SYSTEM}lock_rules",
        "ForbiddenChangesMoveALockedTdiToError",
        Mutation(
            "ats_not_watched",
            "cfg/lock_watch.v",
            "own   = |(changed & (ATS_ENABLE | ATS_STU));",
            "own   = 1'b0;",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-009"),
        f"{SYSTEM}lock_rules",
        "ChangesOfTheBoundStreamMoveItsTdisToError",
        Mutation(
            "ide_registers_not_watched", "cfg/lock_watch.v", "stream = |changed;", "stream = 1'b0;"
        ),
    ),
    Mutant(
        covers("TDISP-SES-009"),
        f"{SYSTEM}lock_rules",
        "FlrOfTheFunctionMovesItToErrorAndClearsIt",
        Mutation(
            "flr_of_any_function_ends_streams",
            "device/tdisp_device.v",
            "pf_flr = flr_req[0];",
            "pf_flr = |flr_req;",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-002"),
        f"{SYSTEM}lock_rules",
        "ForbiddenChangesMoveALockedTdiToError",
        Mutation(
            "writes_that_end_a_tdi_are_refused",
            "cfg/cfg_tlp.v",
            "served_q ? `PCIE_CPL_SC : `PCIE_CPL_UR",
            f"served_q && !(is_write && {IN_ERROR}) ? `PCIE_CPL_SC : `PCIE_CPL_UR",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-004"),
        f"{SYSTEM}lock_rules",
        "FlrOfTheFunctionMovesItToErrorAndClearsIt",
        Mutation("flr_not_watched", "cfg/tdi_monitor.v", "write_hit | flr_req", "write_hit"),
    ),
    Mutant(
        covers("TDISP-TRK-003"),
        f"{ATTACK}04_remap",
        "MovedMappingsAreNeverServed",
        Mutation(
            "bars_not_watched",
            "cfg/lock_watch.v",
            "in_bars) begin\n      own   = |changed;",
            "in_bars) begin\n      own   = 1'b0;",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-003"),
        f"{ATTACK}27_events",
        "ChangesOfEveryFunctionEndEveryTdi",
        Mutation(
            "bus_number_not_watched",
            "cfg/cfg_tlp.v",
            "cfg_watch_valid && rid_q != base_rid",
            "1'b0",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-014"),
        f"{ATTACK}28_bits",
        "ForbiddenBitsEndTheLock",
        Mutation(
            "byte_enables_of_configuration_ignored",
            "cfg/cfg_tlp.v",
            "written = reg_rw_mask & be_mask;",
            "written = reg_rw_mask;",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-004", "TDISP-TRK-012"),
        f"{ATTACK}28_bits",
        "HarmlessBitsChangeNothing",
        Mutation(
            "every_bit_of_device_control_counts",
            "cfg/lock_watch.v",
            "|(changed & DEVICE_CONTROL)",
            "|changed",
        ),
    ),
    Mutant(
        covers("TDISP-TRK-007"),
        f"{ATTACK}28_bits",
        "ValuesThatAreThereChangeNothing",
        Mutation(
            "any_write_of_sriov_counts", "cfg/lock_watch.v", "all   = |changed;", "all   = 1'b1;"
        ),
    ),
    # What the report shows
    Mutant(
        covers("TDISP-RPT-014"),
        f"{ATTACK}07_preconfigured",
        "AnotherFunctionIsRefused",
        Mutation(
            "report_of_another_function",
            "tdisp/dsm.v",
            "is_pf ? pf_bar0 : vf_bar0 + vf_number * `APP_BAR0_SIZE",
            "is_pf ? pf_bar0 : vf_bar0",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-011"),
        f"{ATTACK}07_preconfigured",
        "WhatNobodyAskedForIsRefused",
        Mutation(
            "ats_not_reported", "tdisp/tdisp_report.v", "ats_enable_q ? INFO_ATS : 16'h0", "16'd0"
        ),
    ),
    Mutant(
        covers("TDISP-RPT-006"),
        f"{ATTACK}26_report",
        "ReportIsOfOneConfiguration",
        Mutation(
            "report_kept_from_its_first_portion",
            "tdisp/tdisp_responder.v",
            "report_capture = state_q == ST_CAPTURE;",
            "report_capture = state_q == ST_CAPTURE && report_offset == 16'd0;",
        ),
    ),
    Mutant(
        covers("TDISP-RPT-003"),
        f"{ATTACK}26_report",
        "OddPortionsAndOffsetsAddUp",
        Mutation(
            "portion_wraps",
            "tdisp/tdisp_response.v",
            "report_length < rest",
            "report_length + report_offset < report_total",
        ),
    ),
    # What breaks around the device
    Mutant(
        covers("TDISP-FSM-013"),
        f"{SYSTEM}faults",
        "InternalErrorEndsItsTdiOnly",
        Mutation(
            "internal_error_not_watched",
            "cfg/tdi_monitor.v",
            "cpl_error_event | internal_error",
            "cpl_error_event",
        ),
    ),
    Mutant(
        covers("IDE-ST-010"),
        f"{SYSTEM}faults",
        "SurpriseLinkDown",
        Mutation(
            "streams_outlive_the_link",
            "ide/ide_stream_ctrl.v",
            "!enable || fail_received || !link_up",
            "!enable || fail_received",
        ),
    ),
]
