# SPDX-License-Identifier: Apache-2.0
"""Memory requests to functions of a TVM and of a legacy VM."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.system.cocotb_mmio"


@covers("TDISP-MMIO-001", "TDISP-MMIO-006", "TDISP-MMIO-015")
@on_verilator
def test_partial_accesses_reach_their_bytes_only(simulator: str) -> None:
    run_case(MODULE, "PartialAccessesReachTheirBytesOnly", simulator)


@covers("TDISP-MMIO-001", "TDISP-MMIO-005", "TDISP-MMIO-015")
@on_verilator
def test_registers_take_parts_of_themselves(simulator: str) -> None:
    run_case(MODULE, "RegistersTakePartsOfThemselves", simulator)


@covers("TDISP-MMIO-001", "TDISP-DMA-002", "TDISP-DMA-008")
@on_verilator
def test_bursts_of_the_largest_payload_pass(simulator: str) -> None:
    run_case(MODULE, "BurstsOfTheLargestPayloadPass", simulator)


@covers("TDISP-MMIO-001", "TDISP-MMIO-015", "IDE-CNT-001")
@on_verilator
def test_requests_follow_each_other_without_a_pause(simulator: str) -> None:
    run_case(MODULE, "RequestsFollowEachOtherWithoutAPause", simulator)


@covers("TDISP-MMIO-014", "TDISP-MMIO-009", "TDISP-MMIO-007")
@on_verilator
def test_accesses_across_a_page_border_have_no_effect(simulator: str) -> None:
    run_case(MODULE, "AccessesAcrossAPageBorderHaveNoEffect", simulator)


@covers("TDISP-MMIO-007", "TDISP-MMIO-011", "TDISP-MMIO-006")
@on_verilator
def test_requests_that_nobody_serves_are_refused(simulator: str) -> None:
    run_case(MODULE, "RequestsThatNobodyServesAreRefused", simulator)
