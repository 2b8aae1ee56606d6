# SPDX-License-Identifier: Apache-2.0
"""Block dsm: TDISP messages, life cycle, races and faults."""

from __future__ import annotations

import pytest

from tb.device import RTL
from tb.sim import Design, run_simulation, simulator_missing
from tests.plan import attack, covers
from tests.unit.dsm_bench import NONCE_TIMEOUT, NUM_STREAMS, NUM_TDI, SESSION_W, STREAM_W

PARAMETERS = {
    "NUM_TDI": NUM_TDI,
    "TDI_W": 2,
    "NUM_IDE_STREAMS": NUM_STREAMS,
    "STREAM_W": STREAM_W,
    "SESSION_W": SESSION_W,
    "NONCE_TIMEOUT": NONCE_TIMEOUT,
}
DSM = Design("dsm", sorted(RTL.glob("tdisp/*.v")), PARAMETERS)


@pytest.fixture(autouse=True)
def _skip_without_simulator(request: pytest.FixtureRequest) -> None:
    simulator = getattr(request.node, "callspec", None)
    name = simulator.params.get("simulator", "verilator") if simulator else "verilator"
    if reason := simulator_missing(name):
        pytest.skip(reason)


@covers(
    *(
        "TDISP-HDR-001",
        "TDISP-HDR-002",
        "TDISP-HDR-003",
        "TDISP-HDR-004",
        "TDISP-HDR-005",
        "TDISP-HDR-006",
        "TDISP-HDR-007",
        "TDISP-HDR-008",
        "TDISP-HDR-009",
        "TDISP-HDR-010",
    ),
    *("TDISP-VER-001", "TDISP-VER-003", "TDISP-SES-005", "TDISP-SES-010", "TDISP-SES-012"),
    *(
        "TDISP-CAP-001",
        "TDISP-CAP-002",
        "TDISP-CAP-003",
        "TDISP-CAP-004",
        "TDISP-CAP-005",
        "TDISP-CAP-006",
        "TDISP-CAP-007",
    ),
    *(
        "TDISP-LOCK-001",
        "TDISP-LOCK-002",
        "TDISP-LOCK-003",
        "TDISP-LOCK-004",
        "TDISP-LOCK-005",
        "TDISP-LOCK-006",
        "TDISP-LOCK-007",
        "TDISP-LOCK-008",
    ),
    *("TDISP-LOCK-016", "TDISP-LOCK-017", "TDISP-LOCK-018", "TDISP-LOCK-023", "TDISP-LOCK-024"),
    *(
        "TDISP-RPT-001",
        "TDISP-RPT-002",
        "TDISP-RPT-003",
        "TDISP-RPT-004",
        "TDISP-RPT-005",
        "TDISP-RPT-006",
        "TDISP-RPT-007",
        "TDISP-RPT-008",
        "TDISP-RPT-009",
        "TDISP-RPT-010",
        "TDISP-RPT-011",
    ),
    *("TDISP-RPT-014", "TDISP-START-001", "TDISP-START-002", "TDISP-START-003"),
    *("TDISP-START-004", "TDISP-P2P-007", "TDISP-VDM-001", "TDISP-CFG-002"),
)
@attack("ATT-16")
@attack("ATT-18")
@attack("ATT-26")
@attack("ATT-36")
def test_messages_and_checks_are_those_of_the_reference() -> None:
    run_simulation(DSM, "tests.unit.cocotb_dsm")


@covers(
    *("TDISP-STATE-001", "TDISP-STATE-002", "TDISP-STATE-003", "TDISP-STATE-004"),
    *(
        "TDISP-STOP-001",
        "TDISP-STOP-002",
        "TDISP-STOP-003",
        "TDISP-STOP-004",
        "TDISP-STOP-005",
        "TDISP-STOP-006",
    ),
    *("TDISP-STOP-008", "TDISP-START-005", "TDISP-START-007", "TDISP-VER-002", "TDISP-SES-007"),
    *("TDISP-FSM-004", "TDISP-FSM-014", "TDISP-FSM-015", "TDISP-FSM-018", "TDISP-FSM-019"),
    *("TDISP-LOCK-019", "TDISP-LOCK-028", "TDISP-LOCK-029", "TDISP-ZERO-005"),
)
@attack("ATT-17")
@attack("ATT-27")
@attack("ATT-32")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lives_and_races_are_those_of_the_transition_table(seed: int) -> None:
    only = "long_random_lives_follow_the_reference" if seed > 1 else None
    run_simulation(DSM, "tests.unit.cocotb_dsm_life", testcase=only, seed=seed)


@covers("TDISP-FSM-013", "TDISP-ZERO-002", "TDISP-START-005", "TDISP-STOP-005")
@attack("ATT-20")
@attack("ATT-37")
@pytest.mark.parametrize("simulator", ["icarus"])
def test_flipped_bits_and_forgotten_nonces(simulator: str) -> None:
    run_simulation(DSM, "tests.unit.cocotb_dsm_faults", simulator=simulator)


@covers("TDISP-STATE-004")
@pytest.mark.parametrize("simulator", ["icarus"])
def test_the_manager_also_works_on_icarus(simulator: str) -> None:
    names = ["byte_vectors_are_answered_exactly", "every_wrong_length_is_refused"]
    run_simulation(DSM, "tests.unit.cocotb_dsm", simulator=simulator, testcase=names)
