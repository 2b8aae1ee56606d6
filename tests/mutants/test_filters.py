# SPDX-License-Identifier: Apache-2.0
"""Admission and routing without one check at a time: the tests of each block notice its loss."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import UNIT, Mutant, assert_killed, each_mutant
from tests.plan import attack, covers
from tests.unit.test_dma_filter import ADMIT, dma_filter
from tests.unit.test_mmio_filter import DESIGN as MMIO_FILTER
from tests.unit.test_tlp_route import design as tlp_route

ADMIT_FILE = "filter/dma_admit.v"
ALLOW = "allow  = bus_master && at_ok && form_ok && rid_match && (plain || (trusted && secure));"
DIRECT = "direct = trusted && translated && peer && !redirect;"
INTERRUPTS = "(interrupt && (locked || (run && !trusted)))"
TRUSTED = "run && !msi && (!msix || msix_locked)"
PASID = "!pasid || (pasid_enable && !interrupt)"
HINT = "!hint || (hint_enable && hinted_form)"
ADMISSION = [
    Mutant(shows, f"{UNIT}dma_admit", None, Mutation(name, ADMIT_FILE, old, new))
    for shows, name, old, new in (
        (
            covers("TDISP-DMA-001"),
            "locked_tdi_sends",
            "tdi_state == `TDI_CONFIG_UNLOCKED",
            "tdi_state != `TDI_RUN",
        ),
        (
            covers("TDISP-FSM-017"),
            "sends_in_clear_in_error",
            "tdi_state == `TDI_CONFIG_UNLOCKED",
            "tdi_state == `TDI_CONFIG_UNLOCKED || tdi_state == `TDI_ERROR",
        ),
        (
            attack("ATT-13"),
            "without_bus_master",
            ALLOW,
            ALLOW.replace("bus_master && ", ""),
        ),
        (
            covers("TDISP-DMA-007"),
            "any_requester_id",
            ALLOW,
            ALLOW.replace("rid_match && ", ""),
        ),
        (
            covers("TDISP-DMA-009"),
            "insecure_stream_sends",
            ALLOW,
            ALLOW.replace(" && secure", ""),
        ),
        (
            covers("TDISP-ATS-001", "TDISP-ATS-002"),
            "any_address_type",
            ALLOW,
            ALLOW.replace("at_ok && ", ""),
        ),
        (covers("TDISP-DMA-007"), "any_pasid", PASID, "1'b1"),
        (covers("TDISP-DMA-007"), "pasid_without_enable", PASID, "!pasid || !interrupt"),
        (covers("TDISP-DMA-007"), "interrupt_with_pasid", PASID, "!pasid || pasid_enable"),
        (attack("ATT-13"), "any_hint", HINT, "1'b1"),
        (attack("ATT-13"), "hint_without_enable", HINT, "!hint || hinted_form"),
        (attack("ATT-13"), "hint_of_any_form", HINT, "!hint || hint_enable"),
        (attack("ATT-13"), "any_form", ALLOW, ALLOW.replace("form_ok && ", "")),
        (
            covers("TDISP-ATS-006"),
            "untranslated_to_a_peer",
            DIRECT,
            DIRECT.replace("translated && ", ""),
        ),
        (
            covers("TDISP-ATS-007", "TDISP-LOCK-027"),
            "redirection_ignored",
            DIRECT,
            DIRECT.replace(" && !redirect", ""),
        ),
        (
            covers("TDISP-DMA-009"),
            "insecure_peer",
            "direct ? p2p_secure : stream_secure",
            "stream_secure",
        ),
        (
            covers("TDISP-INT-003"),
            "no_interrupt_while_locked",
            INTERRUPTS,
            "(interrupt && run && !trusted)",
        ),
        (covers("TDISP-INT-003"), "interrupt_in_error", INTERRUPTS, "(interrupt && !trusted)"),
        (
            covers("TDISP-INT-002"),
            "interrupts_of_open_tables_with_t",
            TRUSTED,
            "run && !msi",
        ),
        (
            covers("TDISP-STOP-007"),
            "t_after_run",
            TRUSTED,
            TRUSTED.replace("run", "(run || unlocked)"),
        ),
        (covers("TDISP-INT-001"), "msi_with_t", TRUSTED, "run && (!msix || msix_locked)"),
    )
]

FILTER_FILE = "filter/dma_filter.v"
TO_ITS_PEER = "a_translated_request_goes_to_its_peer_unless_it_is_redirected"
EVERY_CONDITION = "a_request_goes_to_a_peer_when_every_condition_holds"
ONLY_ADMITTED = "only_admitted_tlps_leave_and_each_refusal_is_told_once"
AS_THEY_CAME = "answers_leave_between_requests_as_what_they_answer_came"
WAYS_OUT = [
    Mutant(shows, f"{UNIT}dma_filter", case, Mutation(name, FILTER_FILE, old, new))
    for shows, case, name, old, new in (
        (
            covers("TDISP-DMA-002"),
            ONLY_ADMITTED,
            "interrupts_of_any_length",
            "write && (!interrupt || one_dw)",
            "write",
        ),
        (
            covers("TDISP-P2P-006"),
            TO_ITS_PEER,
            "address_is_not_masked",
            "address & ~p2p_mask",
            "address",
        ),
        (
            covers("TDISP-P2P-006"),
            "a_translated_request_without_its_mask_is_refused",
            "mask_of_another_tdi",
            "mask_there || at != `PCIE_AT_TRANSLATED",
            "1'b1",
        ),
        (
            covers("TDISP-ATS-007", "TDISP-DMA-003"),
            ONLY_ADMITTED,
            "peer_below_its_window",
            "peer_address >= ide_addr_base[64*s+:64]",
            "1'b1",
        ),
        (
            covers("TDISP-ATS-007", "TDISP-DMA-003"),
            ONLY_ADMITTED,
            "peer_above_its_window",
            "peer_address <= ide_addr_limit[64*s+:64]",
            "1'b1",
        ),
        (
            covers("TDISP-ATS-007", "TDISP-DMA-003"),
            EVERY_CONDITION,
            "peer_that_is_not_bound",
            "p2p_bound[s] && ide_enable[s]",
            "ide_enable[s]",
        ),
        (
            covers("TDISP-ATS-003"),
            AS_THEY_CAME,
            "answers_without_t",
            "msgout_ide && msgout_t",
            "1'b0",
        ),
        (
            covers("TDISP-ATS-003"),
            AS_THEY_CAME,
            "answers_on_the_first_stream",
            "msgout_ide ? msgout_stream : {STREAM_W{1'b0}}",
            "{STREAM_W{1'b0}}",
        ),
    )
]

ROUTE_FILE = "link/tlp_route.v"
ROUTES = [
    Mutant(shows, f"{UNIT}tlp_route", case, Mutation(name, ROUTE_FILE, old, new))
    for shows, case, name, old, new in (
        (
            covers("TDISP-MMIO-006"),
            "every_memory_request_goes_where_the_tables_say",
            "refusals_without_t",
            "errcpl_t = c_t_q;",
            "errcpl_t = 1'b0;",
        ),
        (
            covers("TDISP-MMIO-009"),
            "every_memory_request_goes_where_the_tables_say",
            "poisoned_writes_that_are_refused_are_told",
            "poison_served = b_rid_ok_q && admit && b_poisoned_q;",
            "poison_served = b_rid_ok_q && b_poisoned_q;",
        ),
        (
            covers("TDISP-FSM-009"),
            "every_memory_request_goes_where_the_tables_say",
            "poisoned_writes_are_not_told",
            "poison_served = b_rid_ok_q && admit && b_poisoned_q;",
            "poison_served = 1'b0;",
        ),
        (
            covers("TDISP-ATS-003"),
            "an_invalidate_request_reaches_its_function_with_its_stream_and_t",
            "invalidations_lose_their_t",
            "msgin_t = c_t_q;",
            "msgin_t = 1'b0;",
        ),
    )
]

MMIO_FILE = "filter/mmio_filter.v"
ACCESSES = [
    Mutant(shows, f"{UNIT}mmio_filter", None, Mutation(name, MMIO_FILE, old, new))
    for shows, name, old, new in (
        (covers("TDISP-MMIO-003"), "rom_with_t", "rom && !t", "rom"),
        (
            covers("TDISP-MMIO-005"),
            "non_tee_memory_without_t_only",
            "!t || (run && ide)",
            "!t",
        ),
        (
            covers("TDISP-MMIO-003"),
            "non_tee_memory_with_t_in_any_state",
            "!t || (run && ide)",
            "!t || ide",
        ),
        (
            covers("TDISP-MMIO-015"),
            "nothing_for_a_legacy_vm",
            "unlocked ? !t : run && trusted && stream_bound",
            "!unlocked && run && trusted && stream_bound",
        ),
    )
]


@attack("ATT-13")
@each_mutant(ADMISSION, alike="mutation")
def test_admission_without_a_check_is_found(mutant: Mutant) -> None:
    assert_killed(ADMIT, ADMISSION, mutant)


@attack("ATT-24")
@each_mutant(WAYS_OUT, alike="case")
def test_requests_that_leave_another_way_are_found(mutant: Mutant) -> None:
    assert_killed(dma_filter(128, 4), WAYS_OUT, mutant)


@attack("ATT-34")
@each_mutant(ROUTES, alike="case")
def test_tlps_that_go_elsewhere_are_found(mutant: Mutant) -> None:
    assert_killed(tlp_route(128, 4), ROUTES, mutant)


@attack("ATT-14")
@each_mutant(ACCESSES, alike="case")
def test_accesses_that_are_served_by_another_rule_are_found(mutant: Mutant) -> None:
    assert_killed(MMIO_FILTER, ACCESSES, mutant)
