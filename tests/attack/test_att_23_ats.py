# SPDX-License-Identifier: Apache-2.0
"""ATT-23: address translation; the functions of this device ask for none and keep none."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_23_ats"


@attack("ATT-23")
@covers("TDISP-MMIO-001", "TDISP-MMIO-007", "TDISP-ATS-003", "TDISP-FSM-016")
@on_verilator
def test_translation_opens_nothing(simulator: str) -> None:
    run_case(MODULE, "TranslationOpensNothing", simulator)


@attack("ATT-23")
@covers("TDISP-ATS-003", "TDISP-DMA-002")
@on_verilator
def test_invalidations_are_answered_in_every_state(simulator: str) -> None:
    run_case(MODULE, "InvalidationsAreAnsweredInEveryState", simulator)
