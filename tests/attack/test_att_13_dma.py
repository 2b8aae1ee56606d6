# SPDX-License-Identifier: Apache-2.0
"""ATT-13: DMA without T, or T without RUN."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_13_dma"


@attack("ATT-13")
@covers("TDISP-DMA-001", "TDISP-DMA-003", "TDISP-MMIO-001", "TDISP-MMIO-003")
@on_verilator
def test_dma_of_a_state_that_does_not_run_is_not_sent(simulator: str) -> None:
    run_case(MODULE, "DmaOfAStateThatDoesNotRunIsNotSent", simulator)


@attack("ATT-13")
@covers("TDISP-DMA-002", "TDISP-MMIO-005")
@on_verilator
def test_others_cannot_start_a_transfer_in_run(simulator: str) -> None:
    run_case(MODULE, "OthersCannotStartATransferInRun", simulator)


@attack("ATT-13")
@covers("TDISP-DMA-008", "TDISP-HOST-010")
@on_verilator
def test_function_of_a_legacy_vm_cannot_reach_a_tvm(simulator: str) -> None:
    run_case(MODULE, "FunctionOfALegacyVmCannotReachATvm", simulator)


@attack("ATT-13")
@covers("TDISP-DMA-004", "TDISP-DMA-005", "TDISP-FSM-016")
@on_verilator
def test_transfer_caught_by_error_ends_there(simulator: str) -> None:
    run_case(MODULE, "TransferCaughtByErrorEndsThere", simulator)


@attack("ATT-13")
@covers("TDISP-DMA-002", "IDE-SEL-002")
@on_verilator
def test_tvms_own_transfers_pass(simulator: str) -> None:
    run_case(MODULE, "TvmsOwnTransfersPass", simulator)
