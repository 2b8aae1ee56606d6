# SPDX-License-Identifier: Apache-2.0
"""What breaks around the device."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_faults"


@covers("TDISP-FSM-007", "IDE-ST-007", "IDE-ST-010", "TDISP-ZERO-001")
@on_verilator
def test_surprise_link_down(simulator: str) -> None:
    run_case(MODULE, "SurpriseLinkDown", simulator)


@covers("TDISP-FSM-013", "TDISP-FSM-019")
@on_verilator
@needs_vfs
def test_internal_error_ends_its_tdi_only(simulator: str) -> None:
    run_case(MODULE, "InternalErrorEndsItsTdiOnly", simulator)
