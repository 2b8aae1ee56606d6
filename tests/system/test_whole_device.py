# SPDX-License-Identifier: Apache-2.0
"""A device that is built as one TDI."""

from __future__ import annotations

import pytest

from tests.plan import covers
from tests.system.cases import needs_vfs, run_case

MODULE = "tests.system.cocotb_whole_device"
BUILD = {"WHOLE_DEVICE": 1}


@covers("TDISP-HDR-005", "TDISP-RPT-003", "TDISP-RPT-008", "TDISP-RPT-013", "TDISP-MMIO-001")
@covers("TDISP-DMA-002", "TDISP-STOP-004", "TDISP-ZERO-001", "TDISP-STATE-004")
@needs_vfs
def test_all_functions_live_as_one_tdi() -> None:
    run_case(MODULE, "AllFunctionsLiveAsOneTdi", parameters=BUILD)


@covers("TDISP-FSM-001", "TDISP-FSM-004", "TDISP-FSM-010", "TDISP-FSM-013", "TDISP-FSM-016")
@covers("TDISP-TRK-002", "TDISP-ZERO-005", "TDISP-STOP-004")
@pytest.mark.nightly
@needs_vfs
def test_an_event_of_any_function_ends_a_whole_device() -> None:
    run_case(MODULE, "AnEventOfAnyFunctionEndsAWholeDevice", parameters=BUILD)
