# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, receive side."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

SOURCES = [
    *sorted((ROOT / "rtl/ide").glob("*.v")),
    *sorted((ROOT / "rtl/common").glob("*.v")),
    *sorted((ROOT / "rtl/crypto").glob("*.v")),
]
MODULE = "tests.unit.cocotb_ide_rx"


def design(data_w: int = 128, streams: int = 2, port_index: int = 0, pasid: int = 0) -> Design:
    """`ide` with two session bits."""
    parameters = {
        "DATA_W": data_w,
        "NUM_IDE_STREAMS": streams,
        "STREAM_W": max(1, (streams - 1).bit_length()),
        "SESSION_W": 2,
        "MAX_PAYLOAD": 512,
        "PORT_INDEX": port_index,
    }
    if pasid:
        parameters["PASID_EN"] = pasid
    return Design("ide", SOURCES, parameters)


@covers("IDE-TLP-001", "IDE-TLP-004", "IDE-GCM-001", "IDE-GCM-002", "IDE-GCM-004", "IDE-KEY-005")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_vectors_of_the_digest_are_served(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    case = "vectors_of_the_digest_are_served"
    run_simulation(design(), MODULE, simulator=simulator, testcase=case)


@covers(
    "IDE-TLP-005",
    "IDE-GCM-003",
    "IDE-GCM-005",
    "IDE-GCM-006",
    "IDE-SEL-007",
    "IDE-CNT-006",
    "IDE-ST-011",
)
@pytest.mark.parametrize(("data_w", "streams"), [(128, 2), (256, 3), (512, 2)])
def test_received_traffic_arrives_exact_and_in_order(data_w: int, streams: int) -> None:
    case = "traffic_of_all_streams_arrives_in_order_and_exact"
    run_simulation(design(data_w, streams), MODULE, testcase=case)


@covers(
    "IDE-GCM-008",
    "IDE-GCM-009",
    "IDE-GCM-011",
    "IDE-CNT-004",
    "IDE-CNT-007",
    "IDE-ST-002",
    "IDE-ST-013",
    "IDE-AGG-001",
    "IDE-TLP-003",
    "IDE-TLP-009",
)
@attack("ATT-01")
@attack("ATT-10")
@attack("ATT-36")
@pytest.mark.parametrize("data_w", [128, 512])
def test_what_fails_a_check_is_never_served_and_ends_secure(data_w: int) -> None:
    cases = [
        "no_flipped_bit_is_served",
        "wrong_order_repetition_and_loss_are_refused",
        "header_checks_fail_like_a_mac",
        "m_and_p_are_refused_even_with_a_right_mac",
        "td_on_an_ide_tlp_is_malformed",
        "failed_tlp_and_all_later_ones_are_discarded",
        "sync_that_announces_too_much_is_refused",
    ]
    run_simulation(design(data_w), MODULE, testcase=cases, label=f"refused-{data_w}")


@covers("IDE-TLP-002", "IDE-ST-008", "IDE-ST-011")
@attack("ATT-08")
def test_foreign_streams_and_prefixes_change_nothing() -> None:
    case = "other_streams_and_other_prefixes_leave_the_stream_alone"
    run_simulation(design(), MODULE, testcase=case)


@covers("IDE-TLP-005", "IDE-ST-011")
@attack("ATT-10")
@pytest.mark.parametrize("data_w", [128, 256, 512])
def test_broken_framing_hangs_nothing(data_w: int) -> None:
    cases = [
        "truncated_and_overlong_packets_hang_nothing",
        "garbage_is_survived",
        "odd_keeps_make_a_packet_malformed",
        "payload_longer_than_allowed_is_malformed",
        "link_loss_inside_a_packet_is_survived",
        "short_link_loss_under_back_pressure_joins_no_packets",
    ]
    run_simulation(design(data_w), MODULE, testcase=cases, label=f"framing-{data_w}")


@covers(
    "IDE-ST-006",
    "IDE-ST-010",
    "IDE-ST-012",
    "IDE-SEL-003",
)
@attack("ATT-03")
def test_insecure_stream_serves_nothing_that_it_still_held() -> None:
    cases = [
        "insecure_stream_discards_in_silence",
        "tlps_in_the_buffer_die_with_their_stream",
        "held_back_tlps_do_not_outlive_a_new_life_of_the_stream",
        "completion_error_of_the_function_ends_secure",
    ]
    run_simulation(design(), MODULE, testcase=cases, label="insecure")


@covers("IDE-CNT-003", "IDE-ST-003", "IDE-MSG-001", "IDE-MSG-002", "IDE-MSG-003")
def test_ide_messages_end_in_the_port() -> None:
    cases = ["sync_and_fail_end_in_the_port", "fail_for_a_disabled_stream_is_ignored"]
    run_simulation(design(), MODULE, testcase=cases, label="messages")
