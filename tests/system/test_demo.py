# SPDX-License-Identifier: Apache-2.0
"""The scenario of `make demo`, as a test."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import run_case


@covers("TDISP-HOST-002", "TDISP-HOST-003", "TDISP-HOST-005", "IDEKM-ORD-001", "IDEKM-QRY-001")
@covers("TDISP-DMA-002", "TDISP-INT-002", "TDISP-MMIO-002", "TDISP-MMIO-004", "TDISP-TRK-007")
@covers("IDE-ST-002", "IDE-GCM-011", "TDISP-FSM-007", "TDISP-FSM-015", "IDE-ST-007")
def test_tvm_attaches_uses_defends_and_detaches_a_tdi() -> None:
    run_case("tests.system.cocotb_demo", "Demo", "verilator")
