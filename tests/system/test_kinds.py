# SPDX-License-Identifier: Apache-2.0
"""Kinds of TDI besides a VF."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_kinds"


@covers("TDISP-FSM-004", "TDISP-FSM-006", "TDISP-MMIO-001", "TDISP-DMA-002", "TDISP-ZERO-001")
@on_verilator
def test_physical_function_without_vfs(simulator: str) -> None:
    run_case(MODULE, "PhysicalFunctionWithoutVfs", simulator)


@covers("TDISP-TRK-007", "TDISP-FSM-006", "TDISP-FSM-019", "TDISP-DMA-007")
@on_verilator
@needs_vfs
def test_physical_function_with_vfs_of_legacy_vms(simulator: str) -> None:
    run_case(MODULE, "PhysicalFunctionWithVfsOfLegacyVms", simulator)


@covers("TDISP-FSM-005", "TDISP-FSM-006", "TDISP-FSM-004")
@on_verilator
@needs_vfs
def test_physical_function_and_its_vf_as_tdis(simulator: str) -> None:
    run_case(MODULE, "PhysicalFunctionAndItsVfAsTdis", simulator)
