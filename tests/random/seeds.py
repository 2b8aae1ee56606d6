# SPDX-License-Identifier: Apache-2.0
"""Seeds that the random tests run with: always the same ones, and those that once failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tb.device import device
from tb.sim import run_simulation, simulator_missing
from tests.choices import chosen_seed

PATH = Path(__file__).with_name("seeds.txt")


def failed_seeds(path: Path = PATH) -> dict[int, str]:
    """Seeds that once failed, with the requirement that was broken."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words:
            seed, requirement = words
            found[int(seed)] = requirement
    return found


def seeds(*always: int) -> list[int]:
    """`always`, the seeds that once failed, and the one that SEED in the environment asks for."""
    wanted = chosen_seed()
    return list(dict.fromkeys([*always, *failed_seeds(), *([wanted] if wanted else [])]))


def run_seed(
    module: str,
    name: str,
    simulator: str,
    seed: int,
    parameters: Mapping[str, int] | None = None,
) -> None:
    """Run the test class `name` of cocotb module `module`; skips where a simulator is missing."""
    reason = simulator_missing(simulator)
    if reason is not None:
        pytest.skip(reason)
    ran = run_simulation(device(parameters), module, simulator=simulator, testcase=name, seed=seed)
    assert ran == 1
