# SPDX-License-Identifier: Apache-2.0
"""The device with one function and with 256: what is tested at length with four holds there too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plan import covers
from tests.system.cases import DEFAULT_SIZE, run_case

SMALLEST, LARGEST = 1, 256
SIZES = (SMALLEST, DEFAULT_SIZE, LARGEST)
at_both_ends = pytest.mark.parametrize("num_tdi", [SMALLEST, LARGEST])


@covers("TDISP-MMIO-001", "TDISP-STOP-001", "TDISP-STOP-004", "TDISP-ZERO-001", "TDISP-STATE-001")
@at_both_ends
@pytest.mark.parametrize(
    "case",
    [
        "TvmReadsAndWritesMmio",
        "StopEndsInConfigUnlockedWithClearedMemory",
        "StateIsReportedInEveryState",
    ],
)
def test_life_cycle(case: str, num_tdi: int) -> None:
    run_case("tests.system.cocotb_life_cycle", case, num_tdi=num_tdi)


@pytest.mark.nightly
@covers("TDISP-STATE-003", "TDISP-STATE-004", "TDISP-FSM-001", "TDISP-FSM-004", "TDISP-FSM-007")
@at_both_ends
@pytest.mark.parametrize("case", ["EveryRequestInEveryState", "EveryEventInEveryState"])
def test_transitions(case: str, num_tdi: int) -> None:
    run_case("tests.system.cocotb_transitions", case, num_tdi=num_tdi)


@covers("TDISP-FSM-002", "TDISP-TRK-001", "TDISP-TRK-002", "TDISP-TRK-003", "TDISP-TRK-007")
@at_both_ends
def test_lock_rules(num_tdi: int) -> None:
    case = "ForbiddenChangesMoveALockedTdiToError"
    run_case("tests.system.cocotb_lock_rules", case, num_tdi=num_tdi)


@pytest.mark.nightly
@covers("TDISP-DMA-002", "TDISP-DMA-004", "TDISP-DMA-007", "TDISP-DMA-008")
@at_both_ends
def test_dma(num_tdi: int) -> None:
    run_case("tests.system.cocotb_dma", "CompletionsOvertakeEachOther", num_tdi=num_tdi)


@pytest.mark.nightly
@covers("TDISP-MMIO-007", "TDISP-MMIO-010", "TDISP-MMIO-011")
@at_both_ends
def test_mmio(num_tdi: int) -> None:
    run_case("tests.system.cocotb_mmio", "RequestsThatNobodyServesAreRefused", num_tdi=num_tdi)


@covers("TDISP-INT-002", "TDISP-INT-004", "TDISP-DMA-007")
@pytest.mark.parametrize("case", ["InterruptsGoToTheirVms", "TransfersRunSideBySide"])
def test_functions(case: str) -> None:
    run_case("tests.system.cocotb_functions", case, num_tdi=LARGEST)


@covers("IDE-CAP-001", "TDISP-MMIO-007")
def test_the_last_of_256_functions_has_its_capabilities() -> None:
    case = "VirtualFunctionsHaveTheirOwnCapabilities"
    run_case("tests.system.cocotb_functions", case, num_tdi=LARGEST)


@covers("TDISP-TRK-007", "TDISP-FSM-004", "TDISP-FSM-006", "TDISP-ZERO-001")
@pytest.mark.parametrize(
    ("case", "num_tdi"),
    [
        ("PhysicalFunctionWithoutVfs", SMALLEST),
        ("FunctionWithoutIov", SMALLEST),
        ("PhysicalFunctionWithVfsOfLegacyVms", LARGEST),
        ("PhysicalFunctionAndItsVfAsTdis", LARGEST),
    ],
)
def test_kinds(case: str, num_tdi: int) -> None:
    run_case("tests.system.cocotb_kinds", case, num_tdi=num_tdi)


@pytest.mark.nightly
@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-FSM-006", "TDISP-ZERO-005", "IDE-KEY-008")
@at_both_ends
def test_resets(num_tdi: int) -> None:
    case = "FlrOfThePhysicalFunctionTakesAllAway"
    run_case("tests.system.cocotb_resets", case, num_tdi=num_tdi)


@covers("TDISP-MMIO-001", "TDISP-DMA-002")
def test_no_latency_depends_on_the_number_of_functions(tmp_path: Path) -> None:
    cycles = {}
    for num_tdi in SIZES:
        output = tmp_path / f"{num_tdi}.json"
        env = {"LATENCY_OUTPUT": str(output)}
        run_case("tests.system.cocotb_latency", "CyclesAreCounted", num_tdi=num_tdi, env=env)
        cycles[num_tdi] = json.loads(output.read_text())
    assert cycles[SMALLEST], "nothing was counted"
    assert cycles == dict.fromkeys(SIZES, cycles[SMALLEST])


@covers("TDISP-MMIO-001", "TDISP-MMIO-015")
@pytest.mark.parametrize("num_tdi", [DEFAULT_SIZE, LARGEST])
def test_neighbours_cost_no_cycles(num_tdi: int) -> None:
    run_case("tests.system.cocotb_latency", "NeighboursCostNoCycles", num_tdi=num_tdi)
