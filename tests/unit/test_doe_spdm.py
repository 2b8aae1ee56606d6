# SPDX-License-Identifier: Apache-2.0
"""Block doe_spdm: DOE objects, secured records, the ways to those who answer."""

from __future__ import annotations

import pytest

from tb.device import RTL
from tb.sim import Design, run_simulation, simulator_missing
from tests.plan import covers

SOURCES = sorted(path for room in ("doe", "crypto", "common") for path in RTL.glob(f"{room}/*.v"))


@covers("SEC-REC-001", "SEC-REC-003", "SEC-VDM-001", "DOE-DSC-001", "DOE-DSC-002", "DOE-OBJ-001")
@covers("SPDM-SES-001", "SPDM-SES-002", "SPDM-SES-003", "SEC-REC-008", "TDISP-SES-004")
@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_spdm_life_cycle_through_the_record_layer(simulator: str) -> None:
    if reason := simulator_missing(simulator):
        pytest.skip(reason)
    assert run_simulation(
        Design("doe_spdm", SOURCES),
        "tests.unit.cocotb_doe_spdm",
        simulator=simulator,
        testcase="life",
    )
