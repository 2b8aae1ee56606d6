# SPDX-License-Identifier: Apache-2.0
"""ATT-24: peers around the host, without a bound stream."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_24_peer"


@attack("ATT-24")
@covers("TDISP-DMA-003", "TDISP-MMIO-004", "TDISP-TRK-010", "IDE-SEL-004")
@on_verilator
def test_nothing_passes_the_host_by(simulator: str) -> None:
    run_case(MODULE, "NothingPassesTheHostBy", simulator)


@attack("ATT-24")
@covers("TDISP-DMA-002", "TDISP-DMA-003", "TDISP-DMA-008")
@on_verilator
def test_requests_of_all_go_upstream(simulator: str) -> None:
    run_case(MODULE, "RequestsOfAllGoUpstream", simulator)
