# SPDX-License-Identifier: Apache-2.0
"""dma_admit and dma_filter against the table of outbound requests."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

ADMIT = Design("dma_admit", [ROOT / "rtl/filter/dma_admit.v"], {"STREAM_W": 2})
SOURCES = [
    ROOT / "rtl/filter/dma_admit.v",
    ROOT / "rtl/filter/dma_filter.v",
    ROOT / "rtl/common/skid_buffer.v",
]


def dma_filter(data_w: int, num_tdi: int) -> Design:
    """`dma_filter` with three streams."""
    parameters = {
        "DATA_W": data_w,
        "NUM_TDI": num_tdi,
        "TDI_W": max(1, (num_tdi - 1).bit_length()),
        "NUM_IDE_STREAMS": 3,
        "STREAM_W": 2,
    }
    return Design("dma_filter", SOURCES, parameters)


@covers(
    "TDISP-DMA-001",
    "TDISP-DMA-002",
    "TDISP-DMA-003",
    "TDISP-DMA-007",
    "TDISP-DMA-008",
    "TDISP-DMA-009",
    "TDISP-INT-001",
    "TDISP-INT-002",
    "TDISP-INT-003",
    "TDISP-ATS-001",
    "TDISP-ATS-002",
    "TDISP-ATS-006",
    "TDISP-ATS-007",
    "TDISP-LOCK-027",
    "TDISP-STOP-007",
    "TDISP-FSM-017",
)
@attack("ATT-11")
@attack("ATT-13")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_every_outbound_request_is_admitted_as_the_table_says(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    run_simulation(ADMIT, "tests.unit.cocotb_dma_admit", simulator=simulator)


@covers("TDISP-DMA-001", "TDISP-DMA-007", "TDISP-DMA-009", "TDISP-INT-002", "TDISP-ATS-007")
@covers("TDISP-P2P-006", "TDISP-ATS-003")
@attack("ATT-11")
@pytest.mark.parametrize(("data_w", "num_tdi"), [(128, 4), (512, 256), (256, 1)])
def test_refused_requests_disappear_whole(data_w: int, num_tdi: int) -> None:
    run_simulation(dma_filter(data_w, num_tdi), "tests.unit.cocotb_dma_filter")


WITH_SDIS = Design(
    "dma_filter", SOURCES, {**dma_filter(128, 4).parameters, "SDI_EN": 1, "SDI_PASID": 0x100}
)


@covers("TDISP-DMA-007")
@attack("ATT-11")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_sdis_leave_by_their_own_pasid(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    run_simulation(WITH_SDIS, "tests.unit.cocotb_dma_filter_sdi", simulator=simulator)
