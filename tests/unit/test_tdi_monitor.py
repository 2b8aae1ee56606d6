# SPDX-License-Identifier: Apache-2.0
"""Register tracking: which writes and events move which TDIs to ERROR."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

WATCH = ROOT / "rtl/cfg/lock_watch.v"
SIZES = pytest.mark.parametrize(("num_tdi", "num_streams"), [(1, 1), (4, 3), (256, 8)])


def parameters(num_tdi: int, num_streams: int) -> dict[str, int]:
    return {
        "NUM_TDI": num_tdi,
        "TDI_W": max(1, (num_tdi - 1).bit_length()),
        "NUM_IDE_STREAMS": num_streams,
        "STREAM_W": max(1, (num_streams - 1).bit_length()),
    }


def lock_watch(num_tdi: int, num_streams: int) -> Design:
    return Design("lock_watch", [WATCH], parameters(num_tdi, num_streams))


WITH_SDIS = {"SDIS": "1"}  # tells the tests of it


def sdi_watch() -> Design:
    """`lock_watch` of a function with three SDIs."""
    return Design("lock_watch", [WATCH], {**parameters(4, 3), "SDI_EN": 1})


def monitor(num_tdi: int, num_streams: int) -> Design:
    sources = [WATCH, ROOT / "rtl/cfg/tdi_monitor.v"]
    return Design("tdi_monitor", sources, parameters(num_tdi, num_streams))


@covers(
    "TDISP-FSM-001",
    "TDISP-TRK-001",
    "TDISP-TRK-002",
    "TDISP-TRK-003",
    "TDISP-TRK-004",
    "TDISP-TRK-005",
    "TDISP-TRK-007",
    "TDISP-TRK-008",
    "TDISP-TRK-009",
    "TDISP-TRK-010",
    "TDISP-TRK-011",
    "TDISP-TRK-012",
    "TDISP-TRK-013",
    "TDISP-TRK-014",
    "TDISP-TRK-016",
    "TDISP-P2P-003",
)
@attack("ATT-28")
@SIZES
def test_every_bit_of_every_register_hits_exactly_whom_it_should(
    num_tdi: int, num_streams: int
) -> None:
    run_simulation(lock_watch(num_tdi, num_streams), "tests.unit.cocotb_lock_watch")


@covers("TDISP-FSM-001", "TDISP-TRK-001", "TDISP-TRK-003", "TDISP-TRK-005", "TDISP-TRK-009")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_registers_of_the_function_are_those_of_all_its_sdis(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    module = "tests.unit.cocotb_lock_watch"
    run_simulation(sdi_watch(), module, env=WITH_SDIS, simulator=simulator)


@covers(
    "TDISP-FSM-001",
    "TDISP-FSM-003",
    "TDISP-FSM-004",
    "TDISP-FSM-005",
    "TDISP-FSM-007",
    "TDISP-FSM-008",
    "TDISP-FSM-009",
    "TDISP-FSM-010",
    "TDISP-TRK-012",
    "TDISP-P2P-005",
)
@SIZES
def test_every_event_reaches_its_tdis_with_its_cause(num_tdi: int, num_streams: int) -> None:
    run_simulation(monitor(num_tdi, num_streams), "tests.unit.cocotb_tdi_monitor")


@covers("TDISP-FSM-001")
def test_the_monitor_also_works_on_icarus() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    run_simulation(monitor(4, 3), "tests.unit.cocotb_tdi_monitor", simulator=SIMULATORS[1])
