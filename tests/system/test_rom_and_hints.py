# SPDX-License-Identifier: Apache-2.0
"""Expansion ROM and TPH around a lock."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, run_case

MODULE = "tests.system.cocotb_rom_and_hints"


@covers("TDISP-LOCK-010", "TDISP-TRK-003", "TDISP-MMIO-003", "TDISP-MMIO-005", "TDISP-MMIO-007")
@needs_vfs
def test_the_rom_is_read_in_the_clear_whatever_is_locked() -> None:
    run_case(MODULE, "TheRomIsReadInTheClearWhateverIsLocked")


@covers("TDISP-LOCK-015", "TDISP-RPT-010", "TDISP-TRK-005", "TDISP-LOCK-017")
@needs_vfs
def test_hints_are_locked_with_the_interrupts() -> None:
    run_case(MODULE, "HintsAreLockedWithTheInterrupts")


@covers("TDISP-DMA-007", "TDISP-DMA-001", "TDISP-DMA-002", "TDISP-LOCK-015")
@needs_vfs
def test_requests_have_hints_where_tph_is_enabled() -> None:
    run_case(MODULE, "RequestsHaveHintsWhereTphIsEnabled")
