# SPDX-License-Identifier: Apache-2.0
"""Address translation in the whole device."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_ats"


@covers("TDISP-ATS-001", "TDISP-ATS-002", "TDISP-ATS-006", "TDISP-DMA-007", "TDISP-RPT-011")
@on_verilator
def test_transfers_go_to_translated_addresses(simulator: str) -> None:
    run_case(MODULE, "TransfersGoToTranslatedAddresses", simulator)


@covers("TDISP-ATS-003", "TDISP-ATS-005")
@on_verilator
@needs_vfs
def test_translations_that_are_taken_back_are_asked_for_again(simulator: str) -> None:
    run_case(MODULE, "TranslationsThatAreTakenBackAreAskedForAgain", simulator)


@covers("TDISP-LOCK-020", "TDISP-ATS-005", "TDISP-STOP-003")
@on_verilator
@needs_vfs
def test_translations_end_with_the_life_of_their_tdi(simulator: str) -> None:
    run_case(MODULE, "TranslationsEndWithTheLifeOfTheirTdi", simulator)


@covers("TDISP-FSM-011", "TDISP-ATS-001")
@on_verilator
@needs_vfs
def test_translations_without_t_stop_a_running_tdi(simulator: str) -> None:
    run_case(MODULE, "TranslationsWithoutTStopARunningTdi", simulator)
