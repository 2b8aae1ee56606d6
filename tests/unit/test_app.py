# SPDX-License-Identifier: Apache-2.0
"""The function under protection: completer, DMA engine, MSI-X, clearing."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, BuildError, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

SOURCES = [*sorted((ROOT / "rtl/app").glob("*.v")), ROOT / "rtl/common/rotate_first.v"]

LONG_TIMEOUT = 10000  # cycles: no read of these tests waits for so long unless it is lost


def design(data_w: int = 128, num_tdi: int = 3, timeout: int = 3000, pri: int = 0) -> Design:
    """`app` with two stream bits."""
    parameters = {
        "DATA_W": data_w,
        "NUM_TDI": num_tdi,
        "TDI_W": max(1, (num_tdi - 1).bit_length()),
        "STREAM_W": 2,
        "CPL_TIMEOUT": timeout,
    }
    if pri:
        parameters["PRI_EN"] = pri
    return Design("app", SOURCES, parameters)


@covers("TDISP-MMIO-006", "TDISP-MMIO-007", "TDISP-MMIO-015", "TDISP-MMIO-003")
@attack("ATT-34")
@pytest.mark.parametrize("data_w", [128, 256, 512])
def test_completer_serves_every_access_by_the_rules(data_w: int) -> None:
    run_simulation(design(data_w), "tests.unit.cocotb_app_mmio")


@covers("TDISP-DMA-004", "TDISP-DMA-007", "TDISP-ATS-001", "TDISP-ATS-002", "IDE-SEL-003")
@attack("ATT-12")
@pytest.mark.parametrize("data_w", [128, 256, 512])
def test_dma_engine_moves_exactly_its_bytes_and_trusts_no_completion(data_w: int) -> None:
    run_simulation(design(data_w), "tests.unit.cocotb_app_dma")


@covers("TDISP-DMA-001", "TDISP-DMA-004", "TDISP-DMA-007", "TDISP-FSM-010")
@pytest.mark.parametrize("data_w", [128, 512])
def test_atomic_operations_are_requests_like_all_others(data_w: int) -> None:
    run_simulation(design(data_w), "tests.unit.cocotb_app_atomic")


@covers("TDISP-ATS-001", "TDISP-ATS-002", "TDISP-ATS-005", "TDISP-LOCK-020", "TDISP-FSM-011")
@covers("TDISP-STOP-003", "TDISP-FSM-010", "IDE-SEL-003")
@attack("ATT-23")
@pytest.mark.parametrize("data_w", [128, 512])
def test_a_translation_is_used_by_its_owner_for_as_long_as_it_holds(data_w: int) -> None:
    run_simulation(design(data_w), "tests.unit.cocotb_app_ats")


@covers("TDISP-DMA-007", "TDISP-ATS-005", "TDISP-ZERO-001")
def test_requests_have_the_pasid_of_their_transfer() -> None:
    run_simulation(design(), "tests.unit.cocotb_app_pasid")


@covers("TDISP-DMA-007", "TDISP-DMA-004")
def test_requests_have_the_hint_of_their_transfer() -> None:
    run_simulation(design(), "tests.unit.cocotb_app_hints")


@covers("TDISP-ATS-001", "TDISP-FSM-012", "TDISP-LOCK-021", "TDISP-STOP-003")
def test_page_requests_and_responses_belong_to_one_life_and_one_way() -> None:
    run_simulation(design(pri=1), "tests.unit.cocotb_app_pages")


@covers("TDISP-INT-001", "TDISP-INT-003")
def test_interrupts_by_msi_obey_their_registers_and_never_outlive_their_tdi() -> None:
    run_simulation(design(), "tests.unit.cocotb_app_msi")


@covers("TDISP-INT-004")
@attack("ATT-22")
def test_interrupts_obey_masks_and_never_outlive_their_tdi() -> None:
    run_simulation(design(), "tests.unit.cocotb_app_msix")


@covers(
    "TDISP-DMA-004",
    "TDISP-DMA-005",
    "TDISP-DMA-006",
    "TDISP-STOP-003",
    "TDISP-STOP-004",
    "TDISP-STOP-008",
    "TDISP-ZERO-001",
    "TDISP-ZERO-003",
)
@attack("ATT-02")
@attack("ATT-25")
def test_no_life_of_a_function_leaves_anything_to_the_next() -> None:
    run_simulation(design(), "tests.unit.cocotb_app_life")


@covers("TDISP-DMA-004", "TDISP-DMA-005", "TDISP-STOP-003", "TDISP-STOP-008", "TDISP-ZERO-001")
def test_a_life_among_256_functions_leaves_nothing_to_the_next() -> None:
    names = [
        "data_that_arrives_after_run_is_discarded",
        "reads_of_an_old_life_never_match_a_new_transfer",
        "quiesce_of_one_function_leaves_the_others_alone",
        "a_lost_read_stops_a_running_tdi_and_its_tag_rests",
        "clearing_removes_everything_of_one_function_and_nothing_of_another",
    ]
    run_simulation(
        design(num_tdi=256, timeout=LONG_TIMEOUT),
        "tests.unit.cocotb_app_life",
        testcase=names,
        env={"CPL_TIMEOUT": str(LONG_TIMEOUT)},
        label="cocotb_app_life-among-256",
    )


@covers("TDISP-STATE-004", "TDISP-STOP-004", "TDISP-STOP-008", "TDISP-DMA-004", "TDISP-DMA-007")
@covers("TDISP-ZERO-003")
@pytest.mark.parametrize("num_tdi", [1, 4, 256])
def test_no_function_waits_longer_for_having_more_neighbours(num_tdi: int) -> None:
    built = design(num_tdi=num_tdi, timeout=LONG_TIMEOUT)
    run_simulation(built, "tests.unit.cocotb_app_scale")


@covers("TDISP-DMA-004", "TDISP-ZERO-001")
def test_the_function_also_works_on_icarus() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    names = [
        "a_completion_that_does_not_fit_its_request_changes_nothing",
        "the_interrupt_comes_after_the_data",
    ]
    run_simulation(design(), "tests.unit.cocotb_app_dma", simulator=SIMULATORS[1], testcase=names)


@covers("TDISP-MMIO-009")
@pytest.mark.parametrize("size", [64, 384, 8192])
def test_a_payload_size_that_no_boundary_divides_is_refused(size: int) -> None:
    wrong = Design("app", SOURCES, {**design().parameters, "MAX_PAYLOAD": size})
    with pytest.raises(BuildError, match="MAX_PAYLOAD"):
        run_simulation(wrong, "tests.unit.cocotb_app_msix")


@covers("TDISP-FSM-009", "TDISP-FSM-013")
@attack("ATT-37")
def test_a_fault_of_the_function_stops_every_locked_tdi() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    run_simulation(design(), "tests.unit.cocotb_app_faults", simulator="icarus")
