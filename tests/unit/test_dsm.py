# SPDX-License-Identifier: Apache-2.0
"""Block dsm: TDISP messages, life cycle, races and faults."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tb.device import RTL
from tb.sim import SIMULATORS, Design, run_simulation, simulator_missing
from tests.plan import attack, covers
from tests.unit.cocotb_dsm_size import LATENCY_FILE
from tests.unit.dsm_bench import (
    FEATURE_VARIABLE,
    NONCE_TIMEOUT,
    NUM_STREAMS,
    SDI_PASID,
    SESSION_W,
    SIZE_VARIABLE,
    STREAM_W,
)

SOURCES = [*sorted(RTL.glob("tdisp/*.v")), RTL / "crypto" / "secret_ram.v"]
SIZES = (1, 4, 256)


BUILT = "P2P MMIO"  # optional requests


def design(num_tdi: int, features: str = BUILT) -> Design:
    """The block with room for `num_tdi` TDIs."""
    parameters = {
        "NUM_TDI": num_tdi,
        "TDI_W": max(1, (num_tdi - 1).bit_length()),
        "NUM_IDE_STREAMS": NUM_STREAMS,
        "STREAM_W": STREAM_W,
        "SESSION_W": SESSION_W,
        "NONCE_TIMEOUT": NONCE_TIMEOUT,
        "P2P_EN": int("P2P" in features),
        "MMIO_ATTRIBUTE_EN": int("MMIO" in features),
        "TDISP_CONFIG_EN": int("CONFIG" in features),
    }
    if "SDI" in features:
        parameters |= {"SDI_EN": 1, "SDI_PASID": SDI_PASID}
    return Design("dsm", SOURCES, parameters)


def environment(num_tdi: int, features: str = BUILT) -> dict[str, str]:
    """What tells the tests how the block is built."""
    return {SIZE_VARIABLE: str(num_tdi), FEATURE_VARIABLE: features}


DSM = design(4)


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
        "TDISP-LOCK-015",
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
@pytest.mark.parametrize(
    ("num_tdi", "features"),
    [*((size, BUILT) for size in SIZES), (4, "MMIO"), (4, "P2P"), (4, "P2P MMIO CONFIG")],
)
def test_messages_and_checks_are_those_of_the_reference(num_tdi: int, features: str) -> None:
    env = environment(num_tdi, features)
    run_simulation(design(num_tdi, features), "tests.unit.cocotb_dsm", env=env)


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
    *("TDISP-FSM-004", "TDISP-FSM-006", "TDISP-FSM-014", "TDISP-FSM-015", "TDISP-FSM-018"),
    *("TDISP-FSM-019", "TDISP-LOCK-019", "TDISP-LOCK-022", "TDISP-LOCK-028", "TDISP-LOCK-029"),
    *("TDISP-LOCK-030", "TDISP-ZERO-005"),
)
@attack("ATT-17")
@attack("ATT-27")
@attack("ATT-32")
@pytest.mark.parametrize(("num_tdi", "seed"), [(1, 1), (4, 1), (4, 2), (4, 3), (256, 1)])
def test_lives_and_races_are_those_of_the_transition_table(num_tdi: int, seed: int) -> None:
    only = "long_random_lives_follow_the_reference" if seed > 1 else None
    module = "tests.unit.cocotb_dsm_life"
    run_simulation(design(num_tdi), module, testcase=only, seed=seed, env=environment(num_tdi))


@covers(
    *("TDISP-P2P-001", "TDISP-P2P-002", "TDISP-P2P-004", "TDISP-MMA-001", "TDISP-MMA-002"),
    *("TDISP-MMA-003", "TDISP-MMA-004", "TDISP-RPT-012", "TDISP-STOP-006", "TDISP-SES-010"),
    *("TDISP-LOCK-023", "TDISP-LOCK-028", "TDISP-START-007"),
)
@attack("ATT-24")
@pytest.mark.parametrize(("num_tdi", "seed"), [(1, 1), (4, 1), (4, 2), (4, 3), (256, 1)])
def test_streams_and_attributes_are_those_of_the_reference(num_tdi: int, seed: int) -> None:
    only = "long_random_lives_with_optional_requests_follow_the_reference" if seed > 1 else None
    module = "tests.unit.cocotb_dsm_optional"
    run_simulation(design(num_tdi), module, testcase=only, seed=seed, env=environment(num_tdi))


@covers("TDISP-CFG-001")
@pytest.mark.parametrize("num_tdi", SIZES)
def test_the_configuration_waits_until_every_tdi_is_unlocked(num_tdi: int) -> None:
    features = "P2P MMIO CONFIG"
    env = environment(num_tdi, features)
    run_simulation(design(num_tdi, features), "tests.unit.cocotb_dsm_config", env=env)


WHOLE_SIZE = 16  # functions: their report does not fit one response
WHOLE = replace(design(WHOLE_SIZE), parameters={**design(WHOLE_SIZE).parameters, "WHOLE_DEVICE": 1})
WHOLE_ENVIRONMENT = environment(WHOLE_SIZE) | {"DSM_WHOLE": "1"}


@covers("TDISP-HDR-005", "TDISP-RPT-003", "TDISP-RPT-004", "TDISP-RPT-005", "TDISP-RPT-008")
@covers("TDISP-RPT-013", "TDISP-FSM-001", "TDISP-FSM-005", "TDISP-STOP-003", "TDISP-STOP-004")
@covers("TDISP-LOCK-019", "TDISP-MMA-002", "TDISP-MMA-004", "TDISP-STATE-004")
def test_a_whole_device_is_one_tdi() -> None:
    run_simulation(WHOLE, "tests.unit.cocotb_dsm_whole", env=WHOLE_ENVIRONMENT)


@covers("TDISP-FSM-003", "TDISP-FSM-018", "TDISP-LOCK-029", "TDISP-STATE-004", "TDISP-SES-007")
@attack("ATT-20")
def test_answers_take_the_same_cycles_at_every_size(tmp_path: Path) -> None:
    found = []
    for num_tdi in SIZES:
        file = tmp_path / f"{num_tdi}.json"
        env = environment(num_tdi) | {LATENCY_FILE: str(file)}
        run_simulation(design(num_tdi), "tests.unit.cocotb_dsm_size", env=env)
        found.append(json.loads(file.read_text(encoding="utf-8")))
    assert len(found[0]) > 10
    assert found == [found[0]] * len(SIZES)


@covers("TDISP-FSM-013", "TDISP-ZERO-002", "TDISP-START-005", "TDISP-STOP-005")
@attack("ATT-20")
@attack("ATT-37")
@pytest.mark.parametrize("num_tdi", SIZES)
@pytest.mark.parametrize("simulator", ["icarus"])
def test_flipped_bits_and_forgotten_nonces(simulator: str, num_tdi: int) -> None:
    module = "tests.unit.cocotb_dsm_faults"
    run_simulation(design(num_tdi), module, simulator=simulator, env=environment(num_tdi))


@covers("TDISP-STATE-004")
@pytest.mark.parametrize("simulator", ["icarus"])
def test_the_manager_also_works_on_icarus(simulator: str) -> None:
    names = ["byte_vectors_are_answered_exactly", "every_wrong_length_is_refused"]
    run_simulation(DSM, "tests.unit.cocotb_dsm", simulator=simulator, testcase=names)


WITH_SDIS = f"{BUILT} SDI"


@covers("TDISP-HDR-005", "TDISP-HDR-007", "TDISP-STATE-001", "TDISP-SES-007")
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_sdis_are_named_by_the_pasid_of_their_function(simulator: str) -> None:
    if simulator_missing(simulator):
        pytest.skip(str(simulator_missing(simulator)))
    module, env = "tests.unit.cocotb_dsm_sdi", environment(4, WITH_SDIS)
    run_simulation(design(4, WITH_SDIS), module, env=env, simulator=simulator)


@covers("TDISP-RPT-003", "TDISP-RPT-007", "TDISP-RPT-011")
def test_the_report_of_an_sdi_says_that_it_needs_its_pasid() -> None:
    run_simulation(
        design(4, WITH_SDIS),
        "tests.unit.cocotb_dsm",
        testcase="report_is_the_same_in_any_portions",
        env=environment(4, WITH_SDIS),
    )
