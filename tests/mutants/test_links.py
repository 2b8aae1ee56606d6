# SPDX-License-Identifier: Apache-2.0
"""Checks of the link side that are no refusal: each test notices the loss of the one it is for."""

from __future__ import annotations

from tb.device import Mutation, device
from tests.mutants.mutants import SYSTEM, Mutant, assert_killed, assert_sound, each_mutant
from tests.plan import covers

MMIO_FILE = "app/app_mmio.v"
MUTANTS = [
    Mutant(
        covers("TDISP-MMIO-007"),
        f"{SYSTEM}functions",
        "RootComplexEnumeratesTheDevice",
        Mutation(
            "missing_functions_answer",
            "cfg/cfg_tlp.v",
            "well_formed && !poisoned && present[function_number]",
            "well_formed && !poisoned",
        ),
    ),
    Mutant(
        covers("TDISP-INT-002"),
        f"{SYSTEM}functions",
        "FunctionMaskHoldsAllVectorsBack",
        Mutation(
            "function_mask_ignored",
            "app/app_msix.v",
            "msix_enable & ~msix_function_mask",
            "msix_enable",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-001"),
        f"{SYSTEM}mmio",
        "PartialAccessesReachTheirBytesOnly",
        Mutation(
            "bytes_written_that_are_not_enabled",
            MMIO_FILE,
            "mmio_tvalid ? beat_be : {DATA_W / 8{1'b0}}",
            "mmio_tvalid ? {DATA_W / 8{1'b1}} : {DATA_W / 8{1'b0}}",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-006"),
        f"{SYSTEM}mmio",
        "PartialAccessesReachTheirBytesOnly",
        Mutation(
            "byte_count_of_whole_words",
            MMIO_FILE,
            "{total[9:0], 2'b00} - {10'd0, skipped_low} - {10'd0, skipped_high}",
            "{total[9:0], 2'b00}",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-001"),
        f"{SYSTEM}mmio",
        "RegistersTakePartsOfThemselves",
        Mutation(
            "registers_written_whole",
            MMIO_FILE,
            "reg_first ? first_be : left_q == 11'd1 ? last_be : 4'hf",
            "4'hf",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-014"),
        f"{SYSTEM}mmio",
        "AccessesAcrossAPageBorderHaveNoEffect",
        Mutation(
            "page_borders_crossed",
            "filter/mmio_filter.v",
            "memory_space && !scrub_busy && one_class",
            "memory_space && !scrub_busy",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-008"),
        f"{SYSTEM}dma",
        "CompletionsThatFailEndTheirTransferOnly",
        Mutation(
            "failed_completions_taken",
            "app/app_cpl.v",
            "failed = !success || poisoned;",
            "failed = poisoned;",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-010"),
        f"{SYSTEM}dma",
        "ReadsThatNobodyAnswersTimeOut",
        Mutation(
            "reads_wait_for_ever",
            "app/app_tags.v",
            "out_q[scan_q] && !late_q[scan_q] && !scan_held && age >= LOST_AGE",
            "1'b0",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-008"),
        f"{SYSTEM}dma",
        "AnEngineTakesOneTransferAtATime",
        Mutation(
            "started_while_busy",
            "app/app_transfers.v",
            "started & ~busy_q & ~kill",
            "started & ~kill",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-007", "TDISP-LOCK-015"),
        f"{SYSTEM}rom_and_hints",
        "RequestsHaveHintsWhereTphIsEnabled",
        Mutation(
            "hints_in_a_mode_that_is_not_offered",
            "device/tdisp_device.v",
            """tph_enable & ~(tph_st_mode[0+:NUM_TDI] |
      tph_st_mode[NUM_TDI+:NUM_TDI] | tph_st_mode[2*NUM_TDI+:NUM_TDI])""",
            "tph_enable",
        ),
    ),
    Mutant(
        covers("IDE-CAP-004"),
        f"{SYSTEM}streams",
        "StatusFollowsTheStreams",
        Mutation(
            "status_shows_enable",
            "cfg/cfg_ide.v",
            "stream_secure[s] && ide_enable[s]",
            "ide_enable[s]",
        ),
    ),
    Mutant(
        covers("IDE-KEY-007"),
        f"{SYSTEM}streams",
        "StoppedKeysCarryNothing",
        Mutation(
            "stopped_keys_work",
            "ide/ide_stream_ctrl.v",
            "cmd_stop || (cmd_loaded && (!cmd_loading || wipe))",
            "cmd_loaded && (!cmd_loading || wipe)",
        ),
    ),
    Mutant(
        covers("IDE-CAP-003"),
        f"{SYSTEM}streams",
        "ControlIsSampledWithEnable",
        Mutation(
            "tee_limited_not_sampled",
            "cfg/cfg_ide.v",
            "ide_enable[stream] ? CONTROL_MASK & ~TEE_LIMITED : CONTROL_MASK",
            "CONTROL_MASK",
        ),
    ),
]


@each_mutant(MUTANTS, alike="mutation")
def test_loss_is_noticed(mutant: Mutant) -> None:
    assert_killed(device(), MUTANTS, mutant)


@covers("TDISP-MMIO-001")
def test_device_without_a_loss_passes() -> None:
    case = "PartialAccessesReachTheirBytesOnly"
    assert_sound(device(), MUTANTS, f"{SYSTEM}mmio", case)
