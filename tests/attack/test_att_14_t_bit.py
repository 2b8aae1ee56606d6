# SPDX-License-Identifier: Apache-2.0
"""ATT-14: the T bit is spoofed."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_14_t_bit"


@attack("ATT-14")
@covers("TDISP-MMIO-002", "TDISP-MMIO-004", "TDISP-MMIO-007", "TDISP-LOCK-002", "IDE-SEL-007")
@on_verilator
def test_claimed_t_is_refused(simulator: str) -> None:
    run_case(MODULE, "ClaimedTIsRefused", simulator)


@attack("ATT-14")
@covers(
    "TDISP-MMIO-001",
    "TDISP-MMIO-002",
    "TDISP-MMIO-003",
    "TDISP-MMIO-004",
    "TDISP-MMIO-005",
    "TDISP-MMIO-007",
    "TDISP-FSM-016",
)
@on_verilator
def test_t_is_worth_nothing_but_in_run_on_the_bound_stream(simulator: str) -> None:
    run_case(MODULE, "TIsWorthNothingButInRunOnTheBoundStream", simulator)


@attack("ATT-14")
@covers("IDE-GCM-004", "IDE-GCM-011", "IDE-ST-002", "IDE-ST-008")
@on_verilator
def test_t_cannot_be_set_on_the_way(simulator: str) -> None:
    run_case(MODULE, "TCannotBeSetOnTheWay", simulator)


@attack("ATT-14")
@covers("TDISP-MMIO-001", "TDISP-MMIO-005", "TDISP-LOCK-002")
@on_verilator
def test_true_t_is_served(simulator: str) -> None:
    run_case(MODULE, "TrueTIsServed", simulator)
