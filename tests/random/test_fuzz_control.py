# SPDX-License-Identifier: Apache-2.0
"""Spoiled messages through the mailbox of the device: each answer and state as predicted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan import covers
from tests.random.seeds import failed_seeds, run_seed, seeds
from tests.system.cases import on_verilator
from tests.system.test_sdis import BUILD as WITH_SDIS
from tools.plan_check import check

MODULE = "tests.random.cocotb_fuzz_control"


@covers("DOE-FSM-003", "DOE-FSM-004", "DOE-FSM-008", "DOE-OBJ-001", "DOE-OBJ-002")
@covers("SEC-REC-002", "SEC-REC-005", "SEC-REC-007", "SEC-VDM-001", "SEC-VDM-002")
@covers("TDISP-HDR-003", "TDISP-HDR-004", "TDISP-HDR-005", "TDISP-HDR-008", "TDISP-HDR-010")
@covers("TDISP-SES-003", "TDISP-STATE-003", "TDISP-FSM-019", "TDISP-LOCK-012", "TDISP-LOCK-016")
@covers("IDEKM-KP-004", "IDEKM-KP-005", "IDEKM-GO-002")
@pytest.mark.parametrize("seed", seeds(1))
@on_verilator
def test_every_error_of_every_request_is_hit_as_predicted(simulator: str, seed: int) -> None:
    run_seed(MODULE, "EveryErrorOfEveryRequestIsHit", simulator, seed)


@covers("TDISP-HDR-005", "TDISP-HDR-007", "TDISP-HDR-010", "TDISP-LOCK-009")
@pytest.mark.nightly
def test_every_error_is_hit_with_sdis_as_predicted() -> None:
    run_seed(MODULE, "EveryErrorIsHitWithSdisAsWell", "verilator", 1, WITH_SDIS)


@covers("TDISP-FSM-019")
def test_a_seed_that_failed_has_a_requirement(tmp_path: Path) -> None:
    assert set(failed_seeds().values()) <= check().entries.keys()
    path = tmp_path / "seeds.txt"
    path.write_text("# none\n7 TDISP-HDR-008\n\n12 DOE-FSM-008 # length\n")
    assert failed_seeds(path) == {7: "TDISP-HDR-008", 12: "DOE-FSM-008"}


@covers("TDISP-FSM-019")
def test_seed_in_the_environment_is_run_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "77")
    assert seeds(1, 2)[:2] == [1, 2]
    assert seeds(1, 77).count(77) == 1
    assert 77 in seeds(1)
