# SPDX-License-Identifier: Apache-2.0
"""ATT-27: resets, power states, VF Enable and bus numbers under traffic."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_27_events"


@attack("ATT-27")
@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-FSM-006", "TDISP-ZERO-005", "TDISP-DMA-004")
@on_verilator
def test_flr_ends_its_own_tdi_only(simulator: str) -> None:
    run_case(MODULE, "FlrEndsItsOwnTdiOnly", simulator)


@attack("ATT-27")
@covers("TDISP-FSM-003", "TDISP-TRK-007", "TDISP-DMA-004")
@on_verilator
def test_changes_of_every_function_end_every_tdi(simulator: str) -> None:
    run_case(MODULE, "ChangesOfEveryFunctionEndEveryTdi", simulator)


@attack("ATT-27")
@covers("TDISP-FSM-005", "TDISP-FSM-014", "TDISP-ZERO-003")
@on_verilator
def test_resets_end_every_tdi(simulator: str) -> None:
    run_case(MODULE, "ResetsEndEveryTdi", simulator)


@attack("ATT-27")
@covers("TDISP-MMIO-003", "TDISP-DMA-001", "TDISP-FSM-016", "TDISP-FSM-017", "TDISP-STOP-004")
@on_verilator
def test_events_cut_short_what_is_under_way(simulator: str) -> None:
    run_case(MODULE, "EventsCutShortWhatIsUnderWay", simulator)


@attack("ATT-27")
@covers("TDISP-TRK-011", "TDISP-FSM-005", "TDISP-STATE-004")
@on_verilator
def test_events_elsewhere_leave_a_tdi_alone(simulator: str) -> None:
    run_case(MODULE, "EventsElsewhereLeaveATdiAlone", simulator)
