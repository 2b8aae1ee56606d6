# SPDX-License-Identifier: Apache-2.0
"""Reads of the engines of a TVM's and of a legacy VM's function."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_dma"


@covers("TDISP-DMA-002", "TDISP-DMA-004", "TDISP-DMA-008", "IDE-CNT-001")
@on_verilator
def test_completions_overtake_each_other(simulator: str) -> None:
    run_case(MODULE, "CompletionsOvertakeEachOther", simulator)


@covers("TDISP-DMA-008", "TDISP-FSM-019")
@on_verilator
@needs_vfs
def test_completions_that_fail_end_their_transfer_only(simulator: str) -> None:
    run_case(MODULE, "CompletionsThatFailEndTheirTransferOnly", simulator)


@covers("TDISP-FSM-010", "TDISP-FSM-019", "TDISP-DMA-005")
@on_verilator
@needs_vfs
def test_reads_that_nobody_answers_time_out(simulator: str) -> None:
    run_case(MODULE, "ReadsThatNobodyAnswersTimeOut", simulator)


@covers("TDISP-DMA-002", "TDISP-DMA-008")
@on_verilator
def test_an_engine_takes_one_transfer_at_a_time(simulator: str) -> None:
    run_case(MODULE, "AnEngineTakesOneTransferAtATime", simulator)
