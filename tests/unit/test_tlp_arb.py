# SPDX-License-Identifier: Apache-2.0
"""tlp_arb: merging of transmitted TLPs."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, Design, run_simulation
from tests.plan import attack, covers

SOURCES = [ROOT / "rtl/link/tlp_arb.v", ROOT / "rtl/common/skid_buffer.v"]


@covers("TDISP-STOP-003", "TDISP-DMA-006")
@attack("ATT-33")
@pytest.mark.parametrize("data_w", [128, 512])
def test_completions_follow_earlier_requests_and_nobody_starves(data_w: int) -> None:
    design = Design("tlp_arb", SOURCES, {"DATA_W": data_w, "STREAM_W": 2})
    run_simulation(design, "tests.unit.cocotb_tlp_arb")
