# SPDX-License-Identifier: Apache-2.0
"""ATT-15: IDE downgrade."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_both_simulators, on_verilator, run_case

MODULE = "tests.attack.cocotb_att_15_downgrade"


@attack("ATT-15")
@covers("TDISP-MMIO-002", "TDISP-MMIO-007", "TDISP-MMIO-008")
@on_both_simulators
def test_plain_requests_to_a_locked_tdi_are_refused(simulator: str) -> None:
    run_case(MODULE, "PlainRequestsToALockedTdiAreRefused", simulator)


@attack("ATT-15")
@covers("IDE-SEL-003", "TDISP-DMA-004", "TDISP-FSM-017")
@on_verilator
def test_downgraded_completions_are_refused(simulator: str) -> None:
    run_case(MODULE, "DowngradedCompletionsAreRefused", simulator)


@attack("ATT-15")
@covers("TDISP-MMIO-005", "TDISP-STOP-006")
@on_verilator
def test_plain_requests_to_an_unlocked_function_are_served(simulator: str) -> None:
    run_case(MODULE, "PlainRequestsToAnUnlockedFunctionAreServed", simulator)
