# SPDX-License-Identifier: Apache-2.0
"""Configuration space: registers, requests, resets, virtual functions, enumeration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tb.sim import (
    ROOT,
    SIMULATORS,
    BuildError,
    Design,
    run_simulation,
    simulator_missing,
)
from tests.plan import attack, covers

SOURCES = sorted((ROOT / "rtl/cfg").glob("*.v"))


PAGING = {"PAGING": "1"}  # PASID, PRI, Expansion ROM, TPH and MSI are built


def design(
    num_tdi: int = 4, num_streams: int = 2, data_w: int = 128, pf_function: int = 0, paging: int = 0
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
        "PASID_EN": paging,
        "PRI_EN": paging,
        "ROM_EN": paging,
        "TPH_EN": paging,
        "MSI_EN": paging,
    }
    return Design("cfg_space", SOURCES, parameters)


def sdi_design() -> Design:
    """One function with two SDIs, so that its BARs have room for one more."""
    one = design(1, paging=1)
    return replace(one, parameters={**one.parameters, "NUM_SDI": 2, "STATUS_W": 2})


@covers("TDISP-LOCK-009", "TDISP-LOCK-012", "TDISP-MMIO-001")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_function_with_sdis_has_room_for_them(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    run_simulation(sdi_design(), "tests.unit.cocotb_cfg_sdis", simulator=simulator)


SIZES = pytest.mark.parametrize(("num_tdi", "num_streams"), [(1, 1), (4, 2), (8, 8), (256, 2)])


@covers(
    "IDE-CAP-001",
    "IDE-CAP-002",
    "IDE-CAP-007",
    "IDE-CAP-008",
    "IDE-CAP-009",
    "DOE-REG-001",
    "TDISP-MMIO-012",
    "TDISP-ATS-004",
    "TDISP-LOCK-008",
    "TDISP-TRK-011",
)
@SIZES
def test_every_register_is_as_in_the_table(num_tdi: int, num_streams: int) -> None:
    run_simulation(design(num_tdi, num_streams), "tests.unit.cocotb_cfg_registers")


@covers("TDISP-ATS-004")
@pytest.mark.parametrize("num_tdi", [1, 4])
def test_pasid_and_page_requests_are_as_in_the_table(num_tdi: int) -> None:
    built = design(num_tdi, paging=1)
    run_simulation(built, "tests.unit.cocotb_cfg_registers", env=PAGING)
    if num_tdi > 1:
        run_simulation(built, "tests.unit.cocotb_cfg_paging", env=PAGING)


@covers("TDISP-LOCK-010", "TDISP-LOCK-012", "TDISP-LOCK-015", "TDISP-FSM-004")
def test_expansion_rom_and_tph_are_checked_and_shown() -> None:
    run_simulation(design(paging=1), "tests.unit.cocotb_cfg_optional", env=PAGING)


@covers("TDISP-FSM-004", "TDISP-INT-001")
@pytest.mark.parametrize("num_tdi", [1, 4, 256])
def test_msi_of_every_function_is_its_own_until_a_reset(num_tdi: int) -> None:
    run_simulation(design(num_tdi, paging=1), "tests.unit.cocotb_cfg_msi", env=PAGING)


@covers("TDISP-ATS-004")
def test_pasid_and_page_requests_are_absent_when_not_built() -> None:
    run_simulation(design(), "tests.unit.cocotb_cfg_paging")


@covers(
    "TDISP-FSM-001",
    "TDISP-FSM-003",
    "TDISP-FSM-004",
    "TDISP-TRK-001",
    "TDISP-TRK-002",
    "TDISP-TRK-003",
    "TDISP-TRK-004",
    "TDISP-TRK-005",
    "TDISP-TRK-006",
    "TDISP-TRK-007",
    "TDISP-TRK-008",
    "TDISP-TRK-009",
    "TDISP-TRK-010",
    "TDISP-TRK-011",
    "TDISP-TRK-012",
    "TDISP-TRK-013",
    "TDISP-TRK-014",
    "TDISP-TRK-016",
    "TDISP-P2P-003",
)
@attack("ATT-28")
def test_each_row_of_register_tracking_ends_whom_it_should() -> None:
    run_simulation(design(paging=1), "tests.unit.cocotb_cfg_tracking", env=PAGING)


@covers("TDISP-FSM-002", "TDISP-FSM-003", "TDISP-LOCK-028", "TDISP-TRK-014", "IDE-CAP-009")
@pytest.mark.parametrize(("num_tdi", "data_w"), [(4, 128), (4, 512), (256, 128)])
def test_requests_are_answered_and_announced_by_the_rules(num_tdi: int, data_w: int) -> None:
    run_simulation(design(num_tdi, data_w=data_w), "tests.unit.cocotb_cfg_tlp")


@covers(
    "TDISP-FSM-004",
    "TDISP-FSM-005",
    "TDISP-LOCK-008",
    "TDISP-LOCK-009",
    "TDISP-LOCK-010",
    "TDISP-LOCK-012",
    "TDISP-LOCK-013",
    "IDE-CAP-003",
    "IDE-CAP-004",
    "IDE-CAP-005",
    "IDE-CAP-009",
)
@attack("ATT-27")
@pytest.mark.parametrize("num_tdi", [4, 256])
def test_functions_live_reset_and_report_by_the_rules(num_tdi: int) -> None:
    run_simulation(design(num_tdi), "tests.unit.cocotb_cfg_functions")


@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-LOCK-012", "TDISP-LOCK-028", "TDISP-HDR-005")
@covers("TDISP-TRK-011")
@pytest.mark.parametrize("num_tdi", [4, 200, 256])
def test_many_functions_are_independent_and_end_together(num_tdi: int) -> None:
    run_simulation(design(num_tdi), "tests.unit.cocotb_cfg_many")


@covers("TDISP-LOCK-028")
def test_an_access_to_a_single_function_takes_as_long() -> None:
    case = "an_access_takes_as_long_whatever_the_number_of_functions"
    run_simulation(design(1, 1), "tests.unit.cocotb_cfg_many", testcase=case)


@covers("TDISP-HDR-005")
@pytest.mark.parametrize(
    ("num_tdi", "pf_function", "message"),
    [
        (257, 0, "NUM_TDI_must_be_1_to_256"),
        (256, 1, "PF_FUNCTION_plus_NUM_TDI_must_be_at_most_256"),
        (9, 248, "PF_FUNCTION_plus_NUM_TDI_must_be_at_most_256"),
    ],
)
def test_more_functions_than_a_bus_holds_do_not_build(
    num_tdi: int, pf_function: int, message: str
) -> None:
    with pytest.raises(BuildError, match=f"PARAM_ERROR_{message}"):
        run_simulation(design(num_tdi, pf_function=pf_function), "tests.unit.cocotb_cfg_place")


@covers("DOE-FSM-001", "DOE-FSM-005", "DOE-FSM-007", "DOE-REG-001")
@attack("ATT-29")
def test_the_mailbox_works_through_configuration_requests() -> None:
    run_simulation(design(), "tests.unit.cocotb_cfg_doe")


@covers("TDISP-HDR-005", "TDISP-FSM-003")
@pytest.mark.parametrize(
    ("num_tdi", "pf_function"), [(4, 0), (4, 5), (4, 7), (9, 247), (200, 7), (256, 0)]
)
def test_virtual_functions_follow_the_physical_one_wherever_it_is(
    num_tdi: int, pf_function: int
) -> None:
    run_simulation(design(num_tdi, pf_function=pf_function), "tests.unit.cocotb_cfg_place")


@covers("DOE-REG-001", "IDE-CAP-001", "TDISP-HOST-001")
def test_a_root_complex_enumerates_the_device() -> None:
    run_simulation(design(), "tests.unit.cocotb_cfg_enumeration")


@covers("TDISP-FSM-002", "DOE-FSM-001")
def test_configuration_space_also_works_on_icarus() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    for module in ("cocotb_cfg_tlp", "cocotb_cfg_doe"):
        run_simulation(design(), f"tests.unit.{module}", simulator=SIMULATORS[1])
