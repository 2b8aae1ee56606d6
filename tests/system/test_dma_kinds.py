# SPDX-License-Identifier: Apache-2.0
"""Attributes, AtomicOps and completions of the engines' requests."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_dma_kinds"


@covers("TDISP-TRK-004", "TDISP-DMA-002", "TDISP-DMA-008")
@on_verilator
def test_requests_have_the_attributes_that_are_enabled(simulator: str) -> None:
    run_case(MODULE, "RequestsHaveTheAttributesThatAreEnabled", simulator)


@covers("TDISP-DMA-002", "TDISP-DMA-003", "TDISP-DMA-007", "TDISP-DMA-008")
@on_verilator
@needs_vfs
def test_atomic_ops_work_on_the_memory_of_their_vm(simulator: str) -> None:
    run_case(MODULE, "AtomicOpsWorkOnTheMemoryOfTheirVm", simulator)


@covers("TDISP-DMA-004", "TDISP-DMA-007")
@on_verilator
@needs_vfs
def test_completions_that_fit_no_request_are_refused_and_logged(simulator: str) -> None:
    run_case(MODULE, "CompletionsThatFitNoRequestAreRefusedAndLogged", simulator)
