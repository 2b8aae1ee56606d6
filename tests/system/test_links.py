# SPDX-License-Identifier: Apache-2.0
"""The link under back-pressure and with keys that change."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.system.cocotb_links"


@covers("IDE-CNT-001", "TDISP-DMA-002", "TDISP-MMIO-001")
@on_verilator
def test_transfers_under_back_pressure(simulator: str) -> None:
    run_case(MODULE, "TransfersUnderBackPressure", simulator)


@covers("IDE-CNT-001", "TDISP-DMA-002", "TDISP-MMIO-001")
@on_verilator
def test_transfers_under_heavy_back_pressure(simulator: str) -> None:
    run_case(MODULE, "TransfersUnderHeavyBackPressure", simulator)


@covers("IDE-KEY-003", "IDE-KEY-004", "IDE-KEY-006")
@on_verilator
def test_keys_are_refreshed_under_traffic(simulator: str) -> None:
    run_case(MODULE, "KeysAreRefreshedUnderTraffic", simulator)
