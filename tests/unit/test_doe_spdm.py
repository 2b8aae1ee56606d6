# SPDX-License-Identifier: Apache-2.0
"""Block doe_spdm: DOE objects, secured records, the ways to those who answer."""

from __future__ import annotations

import pytest

from tb.device import RTL
from tb.sim import Design, run_simulation, simulator_missing
from tests.plan import attack, covers

SOURCES = sorted(path for room in ("doe", "crypto", "common") for path in RTL.glob(f"{room}/*.v"))
RECORDS = "tests.unit.cocotb_doe_records"


@covers("SEC-REC-001", "SEC-REC-003", "SEC-VDM-001", "DOE-DSC-001", "DOE-DSC-002", "DOE-OBJ-001")
@covers("SPDM-SES-001", "SPDM-SES-002", "SPDM-SES-003", "SEC-REC-008", "TDISP-SES-004")
@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_spdm_life_cycle_through_the_record_layer(simulator: str) -> None:
    if reason := simulator_missing(simulator):
        pytest.skip(reason)
    assert run_simulation(
        Design("doe_spdm", SOURCES),
        "tests.unit.cocotb_doe_spdm",
        simulator=simulator,
        testcase="life",
    )


@covers("SEC-REC-001", "SEC-REC-002", "SEC-REC-003", "SEC-REC-004", "SEC-REC-005", "SEC-REC-006")
@covers("SEC-REC-007", "SEC-VDM-001", "SEC-VDM-002", "SPDM-SES-003", "SPDM-VCA-002")
@covers("DOE-OBJ-001", "DOE-OBJ-002", "DOE-DSC-002")
@covers("TDISP-SES-001", "TDISP-SES-002", "TDISP-SES-003")
@pytest.mark.parametrize("seed", [1, 2])
def test_records_are_handled_as_the_reference_does(seed: int) -> None:
    if reason := simulator_missing("verilator"):
        pytest.skip(reason)
    run_simulation(Design("doe_spdm", SOURCES), RECORDS, seed=seed)


@covers("SEC-REC-001", "SEC-REC-002", "SEC-REC-003", "SPDM-SES-002", "SPDM-SES-003")
def test_records_are_handled_alike_with_undefined_values() -> None:
    if reason := simulator_missing("icarus"):
        pytest.skip(reason)
    cases = [
        "vectors_are_met_to_the_byte",
        "a_number_is_good_once_and_in_order",
        "padding_is_ignored",
        "the_key_port_misused_harms_only_its_own",
        "keys_change_with_the_answer",
        "a_session_that_ends_under_way_gets_no_answer",
    ]
    design = Design("doe_spdm", SOURCES)
    assert run_simulation(design, RECORDS, simulator="icarus", testcase=cases) == len(cases)


@covers("SEC-REC-001", "SEC-REC-002")
def test_sequence_numbers_never_wrap() -> None:
    if reason := simulator_missing("icarus"):
        pytest.skip(reason)
    run_simulation(Design("doe_spdm", SOURCES), "tests.unit.cocotb_doe_numbers", simulator="icarus")


@covers("SEC-REC-002", "SEC-REC-007", "SPDM-SES-003", "TDISP-FSM-013")
@attack("ATT-37")
def test_a_cipher_that_breaks_down_ends_its_session() -> None:
    if reason := simulator_missing("icarus"):
        pytest.skip(reason)
    run_simulation(Design("doe_spdm", SOURCES), "tests.unit.cocotb_doe_faults", simulator="icarus")


@covers("IDEKM-SEC-001", "IDE-KEY-008", "TDISP-ZERO-002", "TDISP-START-005")
def test_messages_with_keys_and_nonces_leave_nothing() -> None:
    if reason := simulator_missing("icarus"):
        pytest.skip(reason)
    module = "tests.unit.cocotb_doe_residue"
    run_simulation(Design("doe_spdm", SOURCES), module, simulator="icarus")
