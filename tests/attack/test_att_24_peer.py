# SPDX-License-Identifier: Apache-2.0
"""ATT-24: peers around the host, without a bound stream and with one."""

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


@attack("ATT-24")
@covers("TDISP-P2P-002", "TDISP-P2P-003", "TDISP-P2P-004", "TDISP-MMIO-001", "TDISP-MMIO-004")
@covers("TDISP-ATS-006", "TDISP-MMIO-010", "IDE-SEL-004")
@on_verilator
def test_only_the_bound_peer_is_served(simulator: str) -> None:
    run_case(MODULE, "OnlyTheBoundPeerIsServed", simulator)


@attack("ATT-24")
@covers("TDISP-P2P-001", "TDISP-P2P-004", "TDISP-MMIO-001", "TDISP-DMA-003")
@on_verilator
def test_the_bound_peer_and_the_host_are_served(simulator: str) -> None:
    run_case(MODULE, "TheBoundPeerAndTheHostAreServed", simulator)
