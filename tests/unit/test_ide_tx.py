# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, transmit side."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers
from tests.unit.test_ide_rx import design

MODULE = "tests.unit.cocotb_ide_tx"


@covers("IDE-TLP-001", "IDE-TLP-008", "IDE-GCM-003", "IDE-GCM-007", "IDE-CNT-001", "IDE-SEL-002")
@pytest.mark.parametrize(("data_w", "streams"), [(128, 2), (256, 3), (512, 2)])
def test_sent_traffic_decrypts_in_order(data_w: int, streams: int) -> None:
    case = "traffic_leaves_in_order_and_decrypts"
    run_simulation(design(data_w, streams), MODULE, testcase=case)


@covers("IDE-CNT-001", "IDE-CNT-002", "IDE-CNT-003", "IDE-MSG-001", "IDE-MSG-003")
def test_sync_is_sent_in_time() -> None:
    run_simulation(design(), MODULE, testcase="sync_is_sent_when_a_counter_reaches_245")


@covers("IDE-ST-005", "IDE-ST-012", "IDE-KEY-002")
@attack("ATT-15")
@attack("ATT-33")
@pytest.mark.parametrize("data_w", [128, 512])
def test_nothing_of_a_stream_leaves_without_its_key(data_w: int) -> None:
    cases = [
        "insecure_stream_sends_nothing_and_never_plain",
        "stream_that_dies_lets_no_plaintext_and_no_valid_mac_out",
        "link_stall_does_not_keep_a_dead_stream_sending",
        "stop_waits_for_the_tlp_that_holds_its_key",
    ]
    run_simulation(design(data_w), MODULE, testcase=cases, label=f"dead-{data_w}")


@covers("IDE-ST-002", "IDE-ST-004", "IDE-ST-010", "IDE-MSG-001")
def test_every_way_out_of_secure_sends_or_omits_its_fail() -> None:
    run_simulation(design(), MODULE, testcase="every_way_out_of_secure_sends_its_fail")


@covers("IDE-SEL-001", "IDE-SEL-005")
@pytest.mark.parametrize(("num_tdi", "streams"), [(1, 1), (4, 2), (256, 3)])
def test_association_asks_the_ats_enable_of_the_sender(num_tdi: int, streams: int) -> None:
    parameters = {
        "NUM_TDI": num_tdi,
        "TDI_W": max(1, (num_tdi - 1).bit_length()),
        "NUM_IDE_STREAMS": streams,
        "STREAM_W": max(1, (streams - 1).bit_length()),
    }
    sources = [ROOT / f"rtl/ide/{name}.v" for name in ("ide_tx_select", "tlp_class")]
    select = Design("ide_tx_select", sources, parameters)
    run_simulation(select, "tests.unit.cocotb_ide_tx_select")


@covers("IDE-SEL-001", "IDE-SEL-005", "IDE-TLP-009")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_association_is_that_of_the_model(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    cases = [
        "requests_without_a_stream_are_associated_as_the_model_says",
        "types_a_stream_may_not_carry_are_not_sent_on_it",
    ]
    run_simulation(design(), MODULE, simulator=simulator, testcase=cases, label="association")
