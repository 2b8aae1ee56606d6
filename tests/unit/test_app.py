# SPDX-License-Identifier: Apache-2.0
"""The function under protection: completer, DMA engine, MSI-X, clearing."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

SOURCES = sorted((ROOT / "rtl/app").glob("*.v"))


def design(data_w: int = 128, num_tdi: int = 3, timeout: int = 3000) -> Design:
    """`app` with two stream bits."""
    parameters = {
        "DATA_W": data_w,
        "NUM_TDI": num_tdi,
        "TDI_W": 2 if num_tdi > 2 else 1,
        "STREAM_W": 2,
        "CPL_TIMEOUT": timeout,
    }
    return Design("app", SOURCES, parameters)


@covers("TDISP-MMIO-006", "TDISP-MMIO-007", "TDISP-MMIO-015", "TDISP-MMIO-003")
@attack("ATT-34")
@pytest.mark.parametrize("data_w", (128, 256, 512))
def test_completer_serves_every_access_by_the_rules(data_w: int) -> None:
    run_simulation(design(data_w), "tests.unit.cocotb_app_mmio")
