# SPDX-License-Identifier: Apache-2.0
"""tlp_route against an independent prediction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tb.sim import ROOT, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

SOURCES = [
    *sorted((ROOT / "rtl/link").glob("*.v")),
    ROOT / "rtl/filter/mmio_filter.v",
    ROOT / "rtl/common/skid_buffer.v",
    ROOT / "rtl/common/sync_fifo.v",
]

# A small design: its build takes longer than its run, and Icarus builds at once.
SIMULATOR = "verilator" if simulator_missing("icarus") else "icarus"


def design(data_w: int, num_tdi: int) -> Design:
    """`tlp_route` with three streams."""
    parameters = {
        "DATA_W": data_w,
        "NUM_TDI": num_tdi,
        "TDI_W": max(1, (num_tdi - 1).bit_length()),
        "NUM_IDE_STREAMS": 3,
        "STREAM_W": 2,
    }
    return Design("tlp_route", SOURCES, parameters)


@covers(
    "TDISP-MMIO-004",
    "TDISP-MMIO-006",
    "TDISP-MMIO-007",
    "TDISP-MMIO-009",
    "TDISP-MMIO-010",
    "TDISP-MMIO-011",
    "TDISP-MMIO-014",
    "TDISP-MMA-003",
    "TDISP-MMA-004",
    "TDISP-ATS-003",
    "IDE-SEL-002",
    "IDE-SEL-004",
    "IDE-SEL-007",
)
@attack("ATT-14")
@attack("ATT-15")
@attack("ATT-34")
@pytest.mark.parametrize(("data_w", "num_tdi"), [(128, 4), (512, 256), (256, 1)])
def test_every_tlp_goes_where_header_tables_and_state_say(data_w: int, num_tdi: int) -> None:
    run_simulation(design(data_w, num_tdi), "tests.unit.cocotb_tlp_route")


@covers("TDISP-ATS-003", "TDISP-ATS-005", "TDISP-DMA-007")
@attack("ATT-23")
@pytest.mark.parametrize("num_tdi", [1, 4, 256])
def test_answers_to_messages_go_back_the_way_of_their_requests(num_tdi: int) -> None:
    parameters = {"NUM_TDI": num_tdi, "TDI_W": max(1, (num_tdi - 1).bit_length()), "STREAM_W": 2}
    built = Design("function_messages", SOURCES, parameters)
    run_simulation(built, "tests.unit.cocotb_function_messages", simulator=SIMULATOR)


WITH_SDIS = {"SDIS": "1"}  # tells the tests of it


def sdi_route() -> Design:
    """`tlp_route` of a function with three SDIs."""
    four = design(128, 4)
    return replace(four, parameters={**four.parameters, "SDI_EN": 1})


@covers("TDISP-ATS-003")
def test_no_sdi_has_a_requester_id() -> None:
    run_simulation(
        sdi_route(),
        "tests.unit.cocotb_tlp_route",
        testcase="an_invalidate_request_reaches_its_function_with_its_stream_and_t",
        env=WITH_SDIS,
        simulator=SIMULATOR,
    )


@covers("TDISP-MMIO-001", "TDISP-MMIO-007")
def test_routing_also_works_on_icarus() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    run_simulation(
        design(128, 4),
        "tests.unit.cocotb_tlp_route",
        simulator="icarus",
        testcase="every_other_tlp_goes_where_its_type_says",
    )


@covers("TDISP-MMIO-007")
@attack("ATT-37")
def test_a_flipped_decision_admits_nothing() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    run_simulation(design(128, 4), "tests.unit.cocotb_tlp_route_faults", simulator="icarus")
