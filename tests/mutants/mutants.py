# SPDX-License-Identifier: Apache-2.0
"""Shows that a test can fail: it is run on a design with a weakness turned on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tb.device import Mutation, mutated, select, select_also
from tb.sim import CheckFailedError, Design, run_simulation


def assert_killed(
    design: Design,
    mutations: Sequence[Mutation],
    wanted: Mutation,
    module: str,
    case: str | None = None,
    also: Mutation | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """The test `case` of cocotb module `module`, or any of its tests, fails with `wanted`.

    `also` is a mutation that the test needs in any case: a part of the device that attacks another.

    Verilator only. A design that cannot be built, or a simulation in which no test runs, does not
    count: the test itself has to find fault with the design.
    """
    with pytest.raises(CheckFailedError):
        run_simulation(
            mutated(design, mutations),
            module,
            testcase=case,
            env=env,
            plusargs=[select(mutations, wanted), *_attacker(mutations, also)],
            label="-".join(["mutant", wanted.name, *_name(also)]),
        )


def assert_sound(
    design: Design,
    mutations: Sequence[Mutation],
    module: str,
    case: str | None = None,
    also: Mutation | None = None,
) -> None:
    """The same test passes on the same design while every weakness is turned off."""
    run_simulation(
        mutated(design, mutations),
        module,
        testcase=case,
        plusargs=_attacker(mutations, also),
        label="-".join(["sound", str(case), *_name(also)]),
    )


def _name(also: Mutation | None) -> list[str]:
    return [] if also is None else [also.name]


def _attacker(mutations: Sequence[Mutation], also: Mutation | None) -> list[str]:
    return [] if also is None else [select_also(mutations, also)]
