# SPDX-License-Identifier: Apache-2.0
"""Register tracking: which writes and events move which TDIs to ERROR."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

WATCH = ROOT / "rtl/cfg/lock_watch.v"
PARAMETERS = {"NUM_TDI": 4, "TDI_W": 2, "NUM_IDE_STREAMS": 3, "STREAM_W": 2}
LOCK_WATCH = Design("lock_watch", [WATCH], PARAMETERS)
MONITOR = Design("tdi_monitor", [WATCH, ROOT / "rtl/cfg/tdi_monitor.v"], PARAMETERS)


@covers(
    "TDISP-FSM-001",
    "TDISP-TRK-001",
    "TDISP-TRK-002",
    "TDISP-TRK-003",
    "TDISP-TRK-004",
    "TDISP-TRK-005",
    "TDISP-TRK-007",
    "TDISP-TRK-009",
    "TDISP-TRK-010",
    "TDISP-TRK-011",
    "TDISP-TRK-012",
    "TDISP-TRK-013",
    "TDISP-TRK-014",
    "TDISP-TRK-016",
)
@attack("ATT-28")
def test_every_bit_of_every_register_hits_exactly_whom_it_should() -> None:
    run_simulation(LOCK_WATCH, "tests.unit.cocotb_lock_watch")


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
)
def test_every_event_reaches_its_tdis_with_its_cause() -> None:
    run_simulation(MONITOR, "tests.unit.cocotb_tdi_monitor")


@covers("TDISP-FSM-001")
def test_the_monitor_also_works_on_icarus() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    run_simulation(MONITOR, "tests.unit.cocotb_tdi_monitor", simulator=SIMULATORS[1])
