# SPDX-License-Identifier: Apache-2.0
"""Runs one test class of a cocotb module on the whole device, on both simulators."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from tb.device import device
from tb.sim import SIMULATORS, run_simulation, simulator_missing
from tests.choices import chosen_seed, chosen_size

EVERYTHING_ON_ICARUS = os.environ.get("ICARUS") == "all"  # takes hours
on_both_simulators = pytest.mark.parametrize("simulator", SIMULATORS)
# What a step and its attacks have in variants
on_verilator = pytest.mark.parametrize(
    "simulator", SIMULATORS if EVERYTHING_ON_ICARUS else ["verilator"]
)
DEFAULT_SIZE = 4  # functions of a device
SIZE = chosen_size() or DEFAULT_SIZE  # where a test does not say how many
needs_vfs = pytest.mark.skipif(SIZE < DEFAULT_SIZE, reason="needs the VFs of the default size")


def run_case(
    module: str,
    name: str,
    simulator: str = "verilator",
    seed: int = 1,
    num_tdi: int = SIZE,
    env: Mapping[str, str] | None = None,
    parameters: Mapping[str, int] | None = None,
) -> None:
    """Run the test class `name` of cocotb module `module`; skips where a simulator is missing.

    `parameters` are those of the build besides NUM_TDI. SEED in the environment replaces `seed`.
    """
    reason = simulator_missing(simulator)
    if reason is not None:
        pytest.skip(reason)
    seed = chosen_seed() or seed
    size = {} if num_tdi == DEFAULT_SIZE else {"NUM_TDI": num_tdi}
    design = device(size | dict(parameters or {}))
    ran = run_simulation(design, module, simulator=simulator, testcase=name, seed=seed, env=env)
    assert ran == 1
