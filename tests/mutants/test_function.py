# SPDX-License-Identifier: Apache-2.0
"""The function under protection without one rule at a time: its own tests notice each loss."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import UNIT, Mutant, assert_killed, each_mutant
from tests.plan import covers
from tests.unit.test_app import design

LIFE = f"{UNIT}app_life"
MMIO = f"{UNIT}app_mmio"
PASID = f"{UNIT}app_pasid"
PAGES = f"{UNIT}app_pages"
HINTS = f"{UNIT}app_hints"
CPL_FILE = "app/app_cpl.v"
MMIO_FILE = "app/app_mmio.v"
PAGES_FILE = "app/app_pages.v"
SENDER_FILE = "app/app_sender.v"
TAGS_FILE = "app/app_tags.v"
TRANSFERS_FILE = "app/app_transfers.v"
HINTED = "select_hint[2] && hint_enable[tdi_q] && !select_is_atomic && !asks_q"

REQUESTS = [
    Mutant(
        covers("TDISP-DMA-007"),
        PASID,
        "nothing_is_sent_with_a_pasid_that_is_not_enabled",
        Mutation(
            "pasid_without_its_enable",
            TRANSFERS_FILE,
            "with_pasid_q & {NUM_TDI{!pasid_enable}}",
            "NONE",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-007", "TDISP-ATS-005"),
        PASID,
        "a_translation_is_of_no_use_in_another_address_space",
        Mutation(
            "translation_for_any_pasid",
            TRANSFERS_FILE,
            "start & (with_pasid_q | {NUM_TDI{start_pasid}})",
            "NONE",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-007"),
        PASID,
        "a_translation_is_of_no_use_in_another_address_space",
        Mutation(
            "translated_with_pasid", SENDER_FILE, "uses ? 21'd0 : select_pasid", "select_pasid"
        ),
    ),
    Mutant(
        covers("TDISP-DMA-007"),
        HINTS,
        "requests_have_the_hint_of_their_transfer_where_it_is_enabled",
        Mutation(
            "hint_without_its_enable",
            SENDER_FILE,
            HINTED,
            HINTED.replace("hint_enable[tdi_q] && ", ""),
        ),
    ),
    Mutant(
        covers("TDISP-DMA-007"),
        HINTS,
        "neither_atomic_operations_nor_translation_requests_have_hints",
        Mutation(
            "hint_in_every_request",
            SENDER_FILE,
            HINTED,
            HINTED.replace(" && !select_is_atomic && !asks_q", ""),
        ),
    ),
]
PAGE_REQUESTS = [
    Mutant(
        covers("TDISP-FSM-012"),
        PAGES,
        "a_response_by_another_way_is_an_error_and_no_answer",
        Mutation(
            "response_by_any_way",
            PAGES_FILE,
            "!out_ide || (rsp_ide_q && rsp_t_q && rsp_stream_q == out_rest[STREAM_W-1:0])",
            "1'b1",
        ),
    ),
    Mutant(
        covers("TDISP-ATS-001"),
        PAGES,
        "responses_that_match_nothing_are_told",
        Mutation(
            "response_of_any_index",
            PAGES_FILE,
            "rsp_q && is_out && rsp_index_q == out_index",
            "rsp_q && is_out",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-021"),
        PAGES,
        "a_response_to_a_former_life_is_discarded",
        Mutation(
            "request_while_an_old_one_is_out",
            PAGES_FILE,
            "may_ask & ~stale_q & ~loading",
            "may_ask & ~loading",
        ),
    ),
    Mutant(
        covers("TDISP-ATS-001"),
        PAGES,
        "no_more_are_out_than_the_host_allots",
        Mutation(
            "any_number_of_pages",
            PAGES_FILE,
            "{22'd0, count_q} < pri_allocation && pri_enable",
            "pri_enable",
        ),
    ),
]
LIVES = [
    Mutant(
        covers("TDISP-DMA-006", "TDISP-STOP-003"),
        LIFE,
        "quiesce_ends_a_write_transfer_at_a_tlp_boundary",
        Mutation(
            "quiesce_is_not_heard",
            "app/app_states.v",
            "tdi_quiesce | scrub_busy | state_changed",
            "scrub_busy | state_changed",
        ),
    ),
    Mutant(
        covers("TDISP-STOP-003"),
        LIFE,
        "data_that_arrives_after_run_is_discarded",
        Mutation(
            "drained_with_reads_out",
            "app/app.v",
            "outstanding | going | dma_active",
            "going | dma_active",
        ),
    ),
    Mutant(
        covers("TDISP-ZERO-003"),
        LIFE,
        "reset_clears_all_functions",
        Mutation(
            "reset_clears_the_first_only",
            "app/app_scrub.v",
            "begin_reset ? reset_grant : {NUM_TDI{1'b0}}",
            "{NUM_TDI{begin_reset}}",
        ),
    ),
    Mutant(
        covers("TDISP-P2P-004"),
        LIFE,
        "a_held_transfer_waits_between_two_requests_and_then_goes_on",
        Mutation(
            "held_function_sends_on",
            TRANSFERS_FILE,
            "may_send & ~kill & ~hold & ~without_pasid",
            "may_send & ~kill & ~without_pasid",
        ),
    ),
    Mutant(
        covers("TDISP-P2P-004"),
        LIFE,
        "a_held_function_is_drained_when_its_reads_are_answered",
        Mutation("held_function_never_drains", "app/app.v", "busy & ~tdi_hold", "busy"),
    ),
    Mutant(
        covers("TDISP-DMA-004"),
        LIFE,
        "data_that_arrives_after_run_is_discarded",
        Mutation("data_of_an_old_life_is_taken", CPL_FILE, "look_dead || kill[look_tdi]", "1'b0"),
    ),
    Mutant(
        covers("TDISP-DMA-004"),
        LIFE,
        "a_completion_cut_by_a_state_change_writes_exactly_what_came_before",
        Mutation(
            "data_goes_on_after_run",
            CPL_FILE,
            "wanted = !discard_q && !kill[tdi_q];",
            "wanted = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-005"),
        LIFE,
        "a_lost_read_stops_a_running_tdi_and_its_tag_rests",
        Mutation(
            "late_data_is_taken",
            CPL_FILE,
            "!late_q && !discard_q && !failed",
            "!discard_q && !failed",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-005"),
        LIFE,
        "a_quarantine_without_completion_ends_after_a_long_time",
        Mutation("late_tag_is_given_out", TAGS_FILE, "~out_q & ~held", "(~out_q | late_q) & ~held"),
    ),
]
COMPLETIONS = [
    Mutant(
        covers("TDISP-MMIO-007"),
        MMIO,
        "a_read_whose_function_is_cleared_under_it_ends_with_one_refusal",
        Mutation("read_looks_once", MMIO_FILE, "goes_on = !refuse;", "goes_on = 1'b1;"),
    ),
    Mutant(
        covers("TDISP-MMIO-003"),
        MMIO,
        "a_read_whose_tdi_changes_under_it_ends_with_one_refusal",
        Mutation(
            "change_forgotten",
            MMIO_FILE,
            "state_q == ST_IDLE ? mmio_tvalid && state_changed[mmio_tdi] : changed",
            "state_q == ST_IDLE ? mmio_tvalid && state_changed[mmio_tdi] : stale_q",
        ),
    ),
    *(
        Mutant(
            shows,
            MMIO,
            "random_accesses_of_all_functions_read_what_the_model_says",
            Mutation(name, MMIO_FILE, old, new),
        )
        for shows, name, old, new in (
            (
                covers("TDISP-MMIO-006"),
                "completions_without_t",
                "appcpl_t = t_q;",
                "appcpl_t = 1'b0;",
            ),
            (
                covers("IDE-SEL-002"),
                "completions_on_another_stream",
                "appcpl_stream = stream_q;",
                "appcpl_stream = ~stream_q;",
            ),
            (
                covers("IDE-SEL-002"),
                "completions_in_clear",
                "appcpl_ide = ide_q;",
                "appcpl_ide = 1'b0;",
            ),
        )
    ),
]
OLD_LIFE = "a_pending_interrupt_of_an_old_life_never_fires"
MSI = [
    Mutant(shows, f"{UNIT}app_msi", case, Mutation(name, file, old, new))
    for shows, case, name, file, old, new in (
        (
            covers("TDISP-INT-003"),
            OLD_LIFE,
            "due_in_error",
            "app/app_states.v",
            "tdi_bme & ~in_error & ~scrub_busy",
            "tdi_bme & ~scrub_busy",
        ),
        (
            covers("TDISP-ZERO-001"),
            OLD_LIFE,
            "msi_survives_clearing",
            "app/app_pending.v",
            "((pending_q & ~left) | raised) & ~gone_req",
            "(pending_q & ~left) | raised",
        ),
        (
            covers("TDISP-INT-001"),
            "msix_enable_wins_where_both_are_enabled",
            "msi_beside_msix",
            "app/app_msi.v",
            "msi_control[0+:NUM_TDI] & ~msix_enable",
            "msi_control[0+:NUM_TDI]",
        ),
        (
            covers("TDISP-INT-001"),
            "each_vector_leaves_as_the_message_that_stands_for_it",
            "msi_claims_to_be_msix",
            "app/app_sender.v",
            "interrupt_q && !msi_q",
            "interrupt_q",
        ),
    )
]
MUTANTS = [*REQUESTS, *PAGE_REQUESTS, *LIVES, *COMPLETIONS, *MSI]


@each_mutant(MUTANTS, alike="case")
def test_a_function_without_a_rule_is_found(mutant: Mutant) -> None:
    assert_killed(design(pri=1), MUTANTS, mutant)
