# SPDX-License-Identifier: Apache-2.0
"""Interrupts by the MSI capability."""

from __future__ import annotations

import pytest

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case
from tests.system.test_sdis import BUILD

MODULE = "tests.system.cocotb_msi"


@covers("TDISP-INT-001", "TDISP-INT-003")
@on_verilator
@needs_vfs
def test_an_msi_is_never_trusted(simulator: str) -> None:
    run_case(MODULE, "AnMsiIsNeverTrusted", simulator)


@covers("TDISP-INT-003", "TDISP-FSM-004", "TDISP-ZERO-001")
@on_verilator
@needs_vfs
def test_an_msi_ends_with_its_life(simulator: str) -> None:
    run_case(MODULE, "AnMsiEndsWithItsLife", simulator)


@covers("TDISP-INT-001", "TDISP-TRK-006")
@pytest.mark.nightly
@needs_vfs
def test_msi_is_of_the_function_and_not_of_its_sdis() -> None:
    run_case(MODULE, "MsiIsOfTheFunctionAndNotOfItsSdis", parameters=BUILD)
