# SPDX-License-Identifier: Apache-2.0
"""sdi_functions: one function as that of all TDIs."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, Design, run_simulation, simulator_missing
from tests.plan import covers

SIMULATOR = "verilator" if simulator_missing("icarus") else "icarus"
SOURCES = [ROOT / "rtl/cfg/sdi_functions.v"]


def design(num_tdi: int = 4) -> Design:
    """A function with one SDI less than TDIs."""
    return Design("sdi_functions", SOURCES, {"NUM_TDI": num_tdi})


@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-TRK-001", "TDISP-ATS-001", "TDISP-MMIO-001")
@pytest.mark.parametrize("num_tdi", [2, 256])
def test_sdis_have_what_their_function_has_but_translation(num_tdi: int) -> None:
    run_simulation(design(num_tdi), "tests.unit.cocotb_sdi_functions", simulator=SIMULATOR)
