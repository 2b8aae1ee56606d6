# SPDX-License-Identifier: Apache-2.0
"""ATT-23: address translation."""

from __future__ import annotations

from tb.device import device
from tests.mutants.hostile import CLAIMANT
from tests.mutants.mutants import assert_sound
from tests.mutants.weaknesses import WEAKNESSES
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


@attack("ATT-23")
@covers("TDISP-ATS-005", "TDISP-ATS-002", "TDISP-LOCK-020")
@on_verilator
def test_translations_end_with_their_life(simulator: str) -> None:
    run_case(MODULE, "TranslationsEndWithTheirLife", simulator)


@attack("ATT-23")
@covers("TDISP-ATS-003", "TDISP-ATS-005")
@on_verilator
def test_translations_that_were_taken_back_are_not_used(simulator: str) -> None:
    run_case(MODULE, "TranslationsThatWereTakenBackAreNotUsed", simulator)


@attack("ATT-23")
@covers("TDISP-ATS-002", "TDISP-DMA-007")
def test_claimed_translations_never_leave() -> None:
    assert_sound(device(), WEAKNESSES, MODULE, "ClaimedTranslationsNeverLeave", CLAIMANT)
