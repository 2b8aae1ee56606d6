# SPDX-License-Identifier: Apache-2.0
"""Steps of the life cycle on the whole device."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import on_both_simulators, run_case

MODULE = "tests.system.cocotb_life_cycle"


@covers("TDISP-MMIO-001", "TDISP-MMIO-006", "IDE-GCM-001", "IDE-TLP-001", "IDE-SEL-002")
@on_both_simulators
def test_tvm_reads_and_writes_mmio(simulator: str) -> None:
    run_case(MODULE, "TvmReadsAndWritesMmio", simulator)


@covers("TDISP-STOP-001", "TDISP-STOP-004", "TDISP-STOP-007", "TDISP-ZERO-001", "TDISP-MMIO-015")
@on_both_simulators
def test_stop_ends_in_config_unlocked_with_cleared_memory(simulator: str) -> None:
    run_case(MODULE, "StopEndsInConfigUnlockedWithClearedMemory", simulator)


@covers("TDISP-STATE-001", "TDISP-STATE-002", "TDISP-STATE-003")
@on_both_simulators
def test_state_is_reported_in_every_state(simulator: str) -> None:
    run_case(MODULE, "StateIsReportedInEveryState", simulator)
