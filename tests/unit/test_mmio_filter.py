# SPDX-License-Identifier: Apache-2.0
"""mmio_filter against the table of inbound memory requests."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

DESIGN = Design("mmio_filter", [ROOT / "rtl/filter/mmio_filter.v"])


@covers(
    "TDISP-MMIO-001",
    "TDISP-MMIO-002",
    "TDISP-MMIO-003",
    "TDISP-MMIO-004",
    "TDISP-MMIO-005",
    "TDISP-MMIO-008",
    "TDISP-MMIO-010",
    "TDISP-MMIO-014",
    "TDISP-MMIO-015",
    "TDISP-MMA-003",
)
@attack("ATT-14")
@attack("ATT-15")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_every_inbound_request_is_admitted_as_the_table_says(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    run_simulation(DESIGN, "tests.unit.cocotb_mmio_filter", simulator=simulator)
