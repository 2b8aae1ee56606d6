# SPDX-License-Identifier: Apache-2.0
"""The DOE mailbox by itself: every rule, and random use with aborts at any moment."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers

SOURCES = [ROOT / "rtl/cfg/doe_mailbox.v", ROOT / "rtl/cfg/doe_ram.v"]


def design(dwords: int = 12) -> Design:
    """A mailbox with a short buffer and a short time-out."""
    return Design("doe_mailbox", SOURCES, {"DOE_DWORDS": dwords, "TIMEOUT": 400})


@covers(
    "DOE-REG-001",
    "DOE-REG-002",
    "DOE-REG-003",
    "DOE-FSM-001",
    "DOE-FSM-002",
    "DOE-FSM-003",
    "DOE-FSM-004",
    "DOE-FSM-005",
    "DOE-FSM-006",
    "DOE-FSM-007",
    "DOE-FSM-008",
    "DOE-OBJ-002",
)
@attack("ATT-29")
@pytest.mark.parametrize("dwords", [8, 12])
def test_the_mailbox_obeys_every_rule(dwords: int) -> None:
    env = {"DOE_DWORDS": str(dwords)}
    run_simulation(design(dwords), "tests.unit.cocotb_doe_mailbox", env=env)


@covers("DOE-FSM-002", "DOE-FSM-005", "DOE-FSM-006", "DOE-FSM-008")
@attack("ATT-29")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_response_of_an_aborted_request_is_ever_seen(seed: int) -> None:
    run_simulation(design(), "tests.unit.cocotb_doe_random", seed=seed)


@covers("DOE-FSM-001")
def test_the_mailbox_also_works_on_icarus() -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    env = {"DOE_DWORDS": "12"}
    run_simulation(design(), "tests.unit.cocotb_doe_mailbox", simulator=SIMULATORS[1], env=env)
