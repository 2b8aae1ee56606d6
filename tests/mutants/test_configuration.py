# SPDX-License-Identifier: Apache-2.0
"""Configuration space and register tracking without one check at a time."""

from __future__ import annotations

import pytest

from tb.device import Mutation
from tests.mutants.mutants import UNIT, Mutant, assert_killed, each_mutant
from tests.plan import attack, covers
from tests.unit.test_cfg_space import PAGING
from tests.unit.test_cfg_space import design as cfg_space
from tests.unit.test_tdi_monitor import lock_watch, monitor

LOCK_CHECK_FILE = "cfg/cfg_lock_check.v"
FUNCTIONS = f"{UNIT}cfg_functions"
OVERLAP = "overlapping_address_ranges_forbid_a_lock"
LOCK_CHECKS = [
    *(
        Mutant(shows, f"{UNIT}cfg_optional", None, Mutation(name, LOCK_CHECK_FILE, old, "1'b1"))
        for shows, name, old in (
            (covers("TDISP-LOCK-010"), "rom_on_a_bar", "!rom_pf_overlap"),
            (covers("TDISP-LOCK-010", "TDISP-LOCK-012"), "rom_on_a_vf_bar", "!rom_vf_overlap"),
        )
    ),
    *(
        Mutant(shows, FUNCTIONS, OVERLAP, Mutation(name, LOCK_CHECK_FILE, old, "1'b1"))
        for shows, name, old in (
            (
                covers("TDISP-LOCK-009"),
                "bars_that_overlap",
                "!overlap(pf_bar0, pf_end0, pf_bar2, pf_end2)",
            ),
            (covers("TDISP-LOCK-012"), "vf_bars_that_overlap", "!vf_overlap"),
            (covers("TDISP-LOCK-012"), "vf_bar0_on_bar0", "!vf0_pf0_overlap"),
            (covers("TDISP-LOCK-012"), "vf_bar0_on_bar2", "!vf0_pf2_overlap"),
            (covers("TDISP-LOCK-012"), "vf_bar2_on_bar0", "!vf2_pf0_overlap"),
            (covers("TDISP-LOCK-012"), "vf_bar2_on_bar2", "!vf2_pf2_overlap"),
        )
    ),
    Mutant(
        covers("TDISP-LOCK-013"),
        FUNCTIONS,
        "only_a_supported_page_size_allows_a_lock",
        Mutation(
            "any_page_size",
            LOCK_CHECK_FILE,
            "(system_page_size & ~`CFG_SUPPORTED_PAGE_SIZES) == 32'd0",
            "1'b1",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-013"),
        FUNCTIONS,
        "only_a_supported_page_size_allows_a_lock",
        Mutation("no_page_size", LOCK_CHECK_FILE, "system_page_size != 32'd0", "1'b1"),
    ),
]
ATS_CONTROL = "{enable_q[func], 10'd0, physical ? smallest_unit_q : 5'd0, ATS_CAPABILITY}"
EVERY_REGISTER = "every_register_of_the_physical_function_is_as_in_the_table"
REGISTERS = [
    Mutant(shows, f"{UNIT}cfg_registers", EVERY_REGISTER, Mutation(name, file, old, new))
    for shows, name, file, old, new in (
        (
            covers("TDISP-ATS-004"),
            "invalidations_of_all_address_spaces",
            "cfg/cfg_ats.v",
            ATS_CONTROL,
            f"{ATS_CONTROL} | 32'h40",
        ),
        (
            covers("TDISP-LOCK-008"),
            "phantom_functions_unnoticed",
            "cfg/cfg_pcie.v",
            "{16'd0, CONTROL_MASK} & own",
            "{16'd0, CONTROL_MASK | 16'h0200} & own",
        ),
        (
            covers("TDISP-TRK-011"),
            "states_that_power_management_loses",
            "cfg/cfg_pm.v",
            "{30'd0, power_state_q} | NO_SOFT_RESET",
            "{30'd0, power_state_q}",
        ),
    )
]
SPACE = [*LOCK_CHECKS, *REGISTERS]

WATCH_FILE = "cfg/lock_watch.v"
EVERY_BIT = "every_bit_of_every_register_hits_exactly_whom_it_should"
UNWATCHED = [
    Mutant(shows, f"{UNIT}lock_watch", EVERY_BIT, Mutation(name, WATCH_FILE, old, "1'b0"))
    for shows, name, old in (
        (covers("TDISP-TRK-003"), "bist_unseen", "|(changed & BIST)"),
        (covers("TDISP-TRK-004"), "device_control_unseen", "|(changed & DEVICE_CONTROL)"),
        (covers("TDISP-TRK-004"), "device_control_2_unseen", "|(changed & DEVICE_CONTROL_2)"),
        (covers("TDISP-TRK-005"), "tph_unseen", "addr == `CFG_REG_TPH_CONTROL"),
        (covers("TDISP-TRK-008"), "ari_unseen", "addr == `CFG_REG_ARI_CONTROL"),
        (covers("TDISP-TRK-008"), "pasid_unseen", "addr == `CFG_REG_PASID_CONTROL"),
        (covers("TDISP-TRK-008"), "pri_unseen", "addr == `CFG_REG_PRI_CONTROL"),
        (covers("TDISP-TRK-008"), "pri_allocation_unseen", "addr == `CFG_REG_PRI_ALLOCATION"),
        (
            covers("TDISP-TRK-016"),
            "smallest_translation_unit_unseen",
            "physical && |(changed & ATS_STU)",
        ),
    )
]

OVERWATCHED = [
    Mutant(shows, f"{UNIT}lock_watch", EVERY_BIT, Mutation(name, WATCH_FILE, old, new))
    for shows, name, old, new in (
        (
            covers("TDISP-TRK-010"),
            "registers_of_any_stream_count",
            "tdi_stream[STREAM_W*n+:STREAM_W] == ide_block",
            "1'b1",
        ),
        (covers("TDISP-TRK-012"), "status_of_a_stream_counts", "in_ide && !ide_status", "in_ide"),
        (
            covers("TDISP-TRK-013"),
            "registers_of_any_function_count",
            "SDI_EN != 0 ? {NUM_TDI{1'b1}} : ONE << watch_func",
            "{NUM_TDI{1'b1}}",
        ),
    )
]
WATCHES = [*UNWATCHED, *OVERWATCHED]

MONITOR_FILE = "cfg/tdi_monitor.v"
EVENTS = [
    Mutant(
        shows,
        f"{UNIT}tdi_monitor",
        "every_event_ends_its_tdis_and_no_other",
        Mutation(name, MONITOR_FILE, old, new),
    )
    for shows, name, old, new in (
        (
            covers("TDISP-FSM-009"),
            "poison_not_watched",
            "insecure_hit | poison_event",
            "insecure_hit",
        ),
        (
            covers("TDISP-FSM-010", "TDISP-FSM-011"),
            "completion_errors_not_watched",
            "cpl_error_event | internal_error",
            "internal_error",
        ),
        (
            covers("TDISP-FSM-008"),
            "insecure_streams_end_all",
            "insecure[tdi_stream[STREAM_W*n+:STREAM_W]]",
            "|insecure",
        ),
    )
]
WRITES = [
    Mutant(
        covers("TDISP-FSM-001"),
        f"{UNIT}tdi_monitor",
        "writes_that_a_lock_forbids_end_tdis_and_others_do_not",
        Mutation("writes_not_watched", MONITOR_FILE, "write_hit | flr_req", "flr_req"),
    )
]
MONITORED = [*EVENTS, *WRITES]


@attack("ATT-16")
@pytest.mark.nightly
@each_mutant(SPACE)
def test_configuration_space_without_a_check_is_found(mutant: Mutant) -> None:
    assert_killed(cfg_space(paging=1), SPACE, mutant, PAGING)


@attack("ATT-28")
@each_mutant(WATCHES, alike="case")
def test_registers_that_count_where_they_should_not_are_found(mutant: Mutant) -> None:
    assert_killed(lock_watch(4, 3), WATCHES, mutant)


@attack("ATT-27")
@each_mutant(MONITORED, alike="case")
def test_events_that_nobody_watches_are_found(mutant: Mutant) -> None:
    assert_killed(monitor(4, 3), MONITORED, mutant)
