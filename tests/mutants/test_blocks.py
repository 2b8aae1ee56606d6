# SPDX-License-Identifier: Apache-2.0
"""Checks that another check hides in the whole device: the tests of the block notice their loss."""

from __future__ import annotations

import pytest

from tb.device import Mutation
from tests.mutants.mutants import assert_killed
from tests.plan import attack, covers
from tests.unit.test_dma_filter import ADMIT
from tests.unit.test_dsm import DSM, WHOLE, WHOLE_ENVIRONMENT

ADMIT_FILE = "filter/dma_admit.v"
ALLOW = "allow  = bus_master && at_ok && form_ok && rid_match && (plain || (trusted && secure));"
ADMISSION = [
    Mutation(
        "locked_tdi_sends", ADMIT_FILE, "tdi_state == `TDI_CONFIG_UNLOCKED", "tdi_state != `TDI_RUN"
    ),
    Mutation("without_bus_master", ADMIT_FILE, ALLOW, ALLOW.replace("bus_master && ", "")),
    Mutation("any_requester_id", ADMIT_FILE, ALLOW, ALLOW.replace("rid_match && ", "")),
    Mutation("insecure_stream_sends", ADMIT_FILE, ALLOW, ALLOW.replace(" && secure", "")),
    Mutation("any_address_type", ADMIT_FILE, ALLOW, ALLOW.replace("at_ok && ", "")),
    Mutation("any_form", ADMIT_FILE, ALLOW, ALLOW.replace("form_ok && ", "")),
]
CHECKS_FILE = "tdisp/tdisp_checks.v"
TABLE_FILE = "tdisp/tdi_table.v"
DSM_CHECKS = [
    ("cocotb_dsm", "lock_fails_when_any_one_condition_is_missing", "lock_without_keys"),
    ("cocotb_dsm_life", "session_end_takes_exactly_the_tdis_locked_on_it", "session_end_ignored"),
    ("cocotb_dsm", "every_code_and_version_gets_its_answer", "any_version"),
    ("cocotb_dsm", "every_wrong_length_is_refused", "any_length"),
    ("cocotb_dsm", "interface_is_found_by_requester_id_of_present_functions", "any_interface"),
    ("cocotb_dsm_life", "every_cell_of_the_table_holds", "lock_in_any_state"),
    (
        "cocotb_dsm_optional",
        "bind_is_refused_for_each_reason_and_for_nothing_else",
        "bind_with_foreign_keys",
    ),
    (
        "cocotb_dsm_optional",
        "an_attribute_is_set_for_the_memory_page_only",
        "attribute_of_any_page",
    ),
    (
        "cocotb_dsm_optional",
        "what_is_opened_is_shown_for_its_tdi_until_run_ends",
        "open_beyond_run",
    ),
]
DSM_MUTATIONS = [
    Mutation(
        "lock_without_keys",
        "tdisp/tdisp_lock_check.v",
        "keys_ok = stream_keys_ready[stream];",
        "keys_ok = 1'b1;",
    ),
    Mutation("session_end_ignored", TABLE_FILE, "held & of_session", "{NUM_TDI{1'b0}}"),
    Mutation("any_version", CHECKS_FILE, "version == `TDISP_VERSION_1_0", "1'b1"),
    Mutation("any_length", CHECKS_FILE, "count != right_count", "1'b0"),
    Mutation("any_interface", CHECKS_FILE, "!found", "1'b0"),
    Mutation("lock_in_any_state", CHECKS_FILE, "state_ok    = unlocked;", "state_ok    = 1'b1;"),
    Mutation(
        "bind_with_foreign_keys",
        "tdisp/tdisp_p2p_check.v",
        "stream_owner_session[SESSION_W*n+:SESSION_W] == session",
        "1'b1",
    ),
    Mutation(
        "attribute_of_any_page",
        CHECKS_FILE,
        "mmio_range[63:0] == {12'h0, memory_page}",
        "1'b1",
    ),
    Mutation(
        "open_beyond_run",
        "tdisp/tdi_grants.v",
        "open_d & {NUM_SLICES{stays_running}}",
        "open_d",
    ),
]


SPAN_FILE = "tdisp/tdi_span.v"
WHOLE_CHECKS = [
    Mutation(
        "error_of_the_first_only",
        SPAN_FILE,
        "owner_error_req  = |error_req;",
        "owner_error_req  = error_req[PF];",
    ),
    Mutation(
        "drained_with_the_first",
        SPAN_FILE,
        "owner_drained    = &drained;",
        "owner_drained    = drained[PF];",
    ),
    Mutation(
        "cleared_with_the_first",
        SPAN_FILE,
        "owner_scrub_busy = |scrub_busy;",
        "owner_scrub_busy = scrub_busy[PF];",
    ),
    Mutation("clears_none", SPAN_FILE, "{EACH{owner_scrub_req}}", "{EACH{1'b0}}"),
    Mutation(
        "opens_all",
        SPAN_FILE,
        "{{(NUM_TDI - 1) {1'b0}}, owner_memory_open}",
        "{EACH{owner_memory_open}}",
    ),
    Mutation("report_of_the_first_only", SPAN_FILE, "EACH != 1 && present[n]", "1'b0"),
    Mutation("answers_of_any_size", "tdisp/tdisp_response.v", "asked < REPORT_PORTION_MAX", "1'b1"),
]


@covers("TDISP-RPT-003", "TDISP-RPT-013", "TDISP-STOP-003", "TDISP-STOP-004", "TDISP-FSM-005")
@pytest.mark.nightly
@pytest.mark.parametrize("mutation", WHOLE_CHECKS, ids=lambda mutation: mutation.name)
def test_whole_device_without_a_rule_is_found(mutation: Mutation) -> None:
    module = "tests.unit.cocotb_dsm_whole"
    assert_killed(WHOLE, WHOLE_CHECKS, mutation, module, env=WHOLE_ENVIRONMENT)


@attack("ATT-13")
@covers("TDISP-DMA-001", "TDISP-DMA-007", "TDISP-DMA-009")
@pytest.mark.parametrize("mutation", ADMISSION, ids=lambda mutation: mutation.name)
def test_admission_without_a_check_is_found(mutation: Mutation) -> None:
    assert_killed(ADMIT, ADMISSION, mutation, "tests.unit.cocotb_dma_admit")


@attack("ATT-16")
@covers(
    *("TDISP-LOCK-001", "TDISP-LOCK-003", "TDISP-HDR-005", "TDISP-SES-007"),
    *("TDISP-P2P-002", "TDISP-MMA-002", "TDISP-STOP-006"),
)
@pytest.mark.parametrize(("module", "case", "name"), DSM_CHECKS)
def test_dsm_without_a_check_is_found(module: str, case: str, name: str) -> None:
    mutation = next(m for m in DSM_MUTATIONS if m.name == name)
    assert_killed(DSM, DSM_MUTATIONS, mutation, f"tests.unit.{module}", case)
