# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, keys and IDE_KM."""

from __future__ import annotations

import pytest

from tb.sim import run_simulation, simulator_missing
from tests.plan import attack, covers
from tests.unit.test_ide_rx import design

MODULE = "tests.unit.cocotb_idekm"


@covers("IDEKM-KP-001", "IDEKM-KP-002", "IDEKM-GO-001", "IDEKM-GO-002", "IDE-KEY-001")
def test_keys_arrive_in_their_slots_in_wire_order() -> None:
    cases = [
        "byte_vectors_of_the_digest_are_answered_exactly",
        "each_key_goes_to_its_own_slot_only",
    ]
    run_simulation(design(), MODULE, testcase=cases, label="slots")


@covers("IDEKM-QRY-001", "IDEKM-QRY-002")
def test_query_mirrors_the_registers() -> None:
    run_simulation(design(), MODULE, testcase="query_mirrors_the_registers")


@covers("IDEKM-QRY-002", "IDEKM-KP-004")
def test_another_port_index_can_be_served_besides_0() -> None:
    case = "port_index_7_is_served_besides_0"
    run_simulation(design(port_index=7), "tests.unit.cocotb_idekm_port", testcase=case)


@covers("IDEKM-KP-003", "IDEKM-KP-004", "IDEKM-KP-005", "IDE-KEY-009", "IDEKM-STP-001")
@attack("ATT-19")
def test_bad_requests_get_their_status_or_silence() -> None:
    cases = [
        "objects_of_a_wrong_size_or_kind_get_no_answer",
        "key_prog_refuses_what_the_port_does_not_have",
        "keys_in_use_are_refused_and_stopped_keys_are_gone",
    ]
    run_simulation(design(), MODULE, testcase=cases, label="refused")


@covers("IDEKM-KP-003", "IDEKM-KP-006", "IDEKM-KP-007", "IDEKM-GO-002", "IDE-GCM-002")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_answer_is_that_of_the_reference(seed: int) -> None:
    run_simulation(design(), "tests.unit.cocotb_idekm_random", seed=seed)


@covers("IDEKM-KP-006", "IDEKM-KP-007", "IDE-KEY-010", "TDISP-SES-006")
@attack("ATT-17")
def test_keys_belong_to_one_session_and_end_with_it() -> None:
    cases = [
        "foreign_session_is_ignored_until_the_owner_ends",
        "session_end_at_any_moment_of_key_prog_leaves_no_key",
    ]
    run_simulation(design(), MODULE, testcase=cases, label="owner")


@covers("IDE-ST-001", "IDE-ST-004", "IDE-ST-007", "IDE-ST-010", "IDE-CAP-006", "IDE-KEY-002")
@attack("ATT-16")
def test_secure_is_entered_and_left_by_the_table_only() -> None:
    cases = [
        "secure_needs_all_keys_of_one_set_and_enable",
        "enable_without_rid_association_stays_insecure",
        "every_way_out_of_secure_needs_new_keys",
        "enable_rewritten_as_one_does_not_restart",
    ]
    run_simulation(design(), MODULE, testcase=cases, label="table")


@covers("IDE-KEY-003", "IDE-KEY-004", "IDE-KEY-005", "IDE-KEY-006", "IDE-CNT-008", "IDE-AGG-003")
@attack("ATT-19")
def test_key_refresh_loses_nothing_and_accepts_no_old_key() -> None:
    cases = [
        "refresh_under_traffic_loses_nothing",
        "old_key_after_the_switch_is_refused_in_its_sub_stream_only",
    ]
    run_simulation(design(), MODULE, testcase=cases, label="refresh")


@covers("IDE-KEY-007", "IDE-KEY-008", "IDEKM-SEC-001", "IDE-CAP-007")
@attack("ATT-20")
def test_erased_keys_are_gone_from_every_memory() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    run_simulation(design(), "tests.unit.cocotb_ide_erase", simulator="icarus")


@covers("IDE-CNT-005", "IDE-GCM-007", "IDE-GCM-010", "IDE-ST-001", "IDE-ST-011")
@attack("ATT-21")
@attack("ATT-37")
def test_ends_of_counters_and_impossible_states_end_secure() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    run_simulation(design(), "tests.unit.cocotb_ide_limits", simulator="icarus")
