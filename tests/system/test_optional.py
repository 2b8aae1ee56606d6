# SPDX-License-Identifier: Apache-2.0
"""SET_MMIO_ATTRIBUTE, P2P streams, and a build with other optional requests."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_optional"
OTHER_BUILD = {"P2P_EN": 0, "MMIO_ATTRIBUTE_EN": 0, "TDISP_CONFIG_EN": 1}


@covers("TDISP-MMA-003", "TDISP-MMA-004", "TDISP-RPT-012", "TDISP-STOP-006", "TDISP-MMIO-005")
@on_verilator
@needs_vfs
def test_an_attribute_opens_one_page_to_all(simulator: str) -> None:
    run_case(MODULE, "AnAttributeOpensOnePageToAll", simulator)


@covers("TDISP-MMA-002", "TDISP-SES-010", "TDISP-HDR-002")
@on_verilator
def test_attributes_are_refused_for_each_reason(simulator: str) -> None:
    run_case(MODULE, "AttributesAreRefusedForEachReason", simulator)


@attack("ATT-24")
@covers("TDISP-P2P-002", "TDISP-SES-010", "TDISP-TRK-010")
@on_verilator
def test_streams_to_peers_are_refused_for_each_reason(simulator: str) -> None:
    run_case(MODULE, "StreamsToPeersAreRefusedForEachReason", simulator)


@attack("ATT-24")
@covers("TDISP-P2P-001", "TDISP-P2P-004", "TDISP-MMIO-001", "TDISP-MMIO-004", "TDISP-ATS-006")
@covers("TDISP-DMA-003", "TDISP-STOP-006")
@on_verilator
@needs_vfs
def test_peers_are_served_on_a_bound_stream_only(simulator: str) -> None:
    run_case(MODULE, "PeersAreServedOnABoundStreamOnly", simulator)


@covers("TDISP-P2P-003", "TDISP-P2P-005", "TDISP-FSM-007", "TDISP-FSM-008", "TDISP-TRK-009")
@on_verilator
@needs_vfs
def test_a_bound_stream_breaks_the_tdis_that_bound_it(simulator: str) -> None:
    run_case(MODULE, "ABoundStreamBreaksTheTdisThatBoundIt", simulator)


@covers("TDISP-P2P-004", "TDISP-P2P-001")
@on_verilator
def test_bind_and_unbind_wait_for_what_is_under_way(simulator: str) -> None:
    run_case(MODULE, "BindAndUnbindWaitForWhatIsUnderWay", simulator)


@covers("TDISP-CAP-003", "TDISP-CAP-007", "TDISP-P2P-007", "TDISP-CFG-001", "TDISP-HDR-004")
@on_verilator
def test_another_build_says_what_it_has(simulator: str) -> None:
    run_case(MODULE, "AnotherBuildSaysWhatItHas", simulator, parameters=OTHER_BUILD)
