# SPDX-License-Identifier: Apache-2.0
"""Requests of a TDI to a peer."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.system.cocotb_peers"


@attack("ATT-24")
@covers("TDISP-ATS-007", "TDISP-LOCK-027", "TDISP-P2P-006", "TDISP-P2P-001", "TDISP-DMA-003")
@covers("TDISP-LOCK-023", "TDISP-P2P-004")
@on_verilator
def test_translated_requests_reach_a_bound_peer(simulator: str) -> None:
    run_case(MODULE, "TranslatedRequestsReachABoundPeer", simulator)
