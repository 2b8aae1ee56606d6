# SPDX-License-Identifier: Apache-2.0
"""ATT-11: a hostile function spoofs the Requester ID of another."""

from __future__ import annotations

from tb.device import device
from tests.mutants.hostile import SPOOFER
from tests.mutants.mutants import assert_sound
from tests.mutants.weaknesses import WEAKNESSES
from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_11_spoof"


@attack("ATT-11")
@covers("TDISP-DMA-007")
def test_spoofed_requests_are_dropped() -> None:
    assert_sound(device(), WEAKNESSES, MODULE, "SpoofedRequestsAreDropped", SPOOFER)


@attack("ATT-11")
@covers("TDISP-DMA-002", "TDISP-DMA-007", "TDISP-DMA-008")
@on_verilator
def test_honest_requests_pass(simulator: str) -> None:
    run_case(MODULE, "HonestRequestsPass", simulator)
