# SPDX-License-Identifier: Apache-2.0
"""Configuration space: registers, requests, resets, virtual functions, enumeration."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

SOURCES = sorted((ROOT / "rtl/cfg").glob("*.v"))


def design(
    num_tdi: int = 4, num_streams: int = 2, data_w: int = 128, pf_function: int = 0
) -> Design:
    """`cfg_space` with a short DOE buffer and a short time-out."""
    parameters = {
        "DATA_W": data_w,
        "NUM_TDI": num_tdi,
        "TDI_W": max(1, (num_tdi - 1).bit_length()),
        "NUM_IDE_STREAMS": num_streams,
        "STREAM_W": max(1, (num_streams - 1).bit_length()),
        "DOE_DWORDS": 16,
        "DOE_TIMEOUT": 3000,
        "PF_FUNCTION": pf_function,
    }
    return Design("cfg_space", SOURCES, parameters)


SIZES = pytest.mark.parametrize(("num_tdi", "num_streams"), [(1, 1), (4, 2), (8, 8)])


@covers(
    "IDE-CAP-001",
    "IDE-CAP-002",
    "IDE-CAP-007",
    "IDE-CAP-008",
    "IDE-CAP-009",
    "DOE-REG-001",
    "TDISP-MMIO-012",
    "TDISP-ATS-004",
)
@SIZES
def test_every_register_is_as_in_the_table(num_tdi: int, num_streams: int) -> None:
    run_simulation(design(num_tdi, num_streams), "tests.unit.cocotb_cfg_registers")


@covers("TDISP-FSM-002", "TDISP-FSM-003", "TDISP-LOCK-028", "TDISP-TRK-014", "IDE-CAP-009")
@pytest.mark.parametrize("data_w", [128, 512])
def test_requests_are_answered_and_announced_by_the_rules(data_w: int) -> None:
    run_simulation(design(data_w=data_w), "tests.unit.cocotb_cfg_tlp")


@covers(
    "TDISP-FSM-004",
    "TDISP-FSM-005",
    "TDISP-LOCK-008",
    "TDISP-LOCK-009",
    "TDISP-LOCK-012",
    "TDISP-LOCK-013",
    "IDE-CAP-003",
    "IDE-CAP-004",
    "IDE-CAP-005",
    "IDE-CAP-009",
)
@attack("ATT-27")
def test_functions_live_reset_and_report_by_the_rules() -> None:
    run_simulation(design(), "tests.unit.cocotb_cfg_functions")


@covers("DOE-FSM-001", "DOE-FSM-005", "DOE-FSM-007", "DOE-REG-001")
@attack("ATT-29")
def test_the_mailbox_works_through_configuration_requests() -> None:
    run_simulation(design(), "tests.unit.cocotb_cfg_doe")


@covers("TDISP-HDR-005", "TDISP-FSM-003")
@pytest.mark.parametrize("pf_function", [0, 5, 7])
def test_virtual_functions_follow_the_physical_one_wherever_it_is(pf_function: int) -> None:
    run_simulation(design(pf_function=pf_function), "tests.unit.cocotb_cfg_place")


@covers("DOE-REG-001", "IDE-CAP-001", "TDISP-HOST-001")
def test_a_root_complex_enumerates_the_device() -> None:
    run_simulation(design(), "tests.unit.cocotb_cfg_enumeration")


@covers("TDISP-FSM-002", "DOE-FSM-001")
def test_configuration_space_also_works_on_icarus() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    for module in ("cocotb_cfg_tlp", "cocotb_cfg_doe"):
        run_simulation(design(), f"tests.unit.{module}", simulator=SIMULATORS[1])
