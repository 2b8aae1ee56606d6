# SPDX-License-Identifier: Apache-2.0
"""Functions on the link: enumeration, interrupts, transfers."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_both_simulators, on_verilator, run_case

MODULE = "tests.system.cocotb_functions"


@covers("IDE-CAP-001", "DOE-REG-001", "TDISP-MMIO-007")
@on_both_simulators
def test_root_complex_enumerates_the_device(simulator: str) -> None:
    run_case(MODULE, "RootComplexEnumeratesTheDevice", simulator)


@covers("IDE-CAP-001", "TDISP-MMIO-007")
@on_verilator
@needs_vfs
def test_virtual_functions_have_their_own_capabilities(simulator: str) -> None:
    run_case(MODULE, "VirtualFunctionsHaveTheirOwnCapabilities", simulator)


@covers("TDISP-INT-002", "TDISP-DMA-007")
@on_verilator
@needs_vfs
def test_function_mask_holds_all_vectors_back(simulator: str) -> None:
    run_case(MODULE, "FunctionMaskHoldsAllVectorsBack", simulator)


@covers("TDISP-INT-002", "TDISP-INT-004")
@on_verilator
@needs_vfs
def test_interrupts_go_to_their_vms(simulator: str) -> None:
    run_case(MODULE, "InterruptsGoToTheirVms", simulator)


@covers("TDISP-DMA-002", "TDISP-DMA-007", "TDISP-DMA-008", "TDISP-MMIO-001")
@on_verilator
def test_transfers_run_side_by_side(simulator: str) -> None:
    run_case(MODULE, "TransfersRunSideBySide", simulator)


@covers("TDISP-DMA-008", "TDISP-FSM-019")
@on_verilator
@needs_vfs
def test_transfers_that_fail_say_so(simulator: str) -> None:
    run_case(MODULE, "TransfersThatFailSaySo", simulator)
