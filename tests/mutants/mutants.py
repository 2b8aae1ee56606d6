# SPDX-License-Identifier: Apache-2.0
"""Shows that a test can fail: it is run on a design with a weakness turned on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from tb.device import Mutation, mutated, select, select_also
from tb.sim import CheckFailedError, Design, run_simulation

UNIT = "tests.unit.cocotb_"
SYSTEM = "tests.system.cocotb_"
ATTACK = "tests.attack.cocotb_att_"


@dataclass(frozen=True)
class Mutant:
    """A mutation, the requirement or attack that it gives way to, and the test that finds it.

    `also` is the hostile part of the device that the test is about, if it is about one.
    """

    shows: pytest.MarkDecorator
    module: str
    case: str | None  # any test of the module when None
    mutation: Mutation
    also: Mutation | None = None


def each_mutant(mutants: Sequence[Mutant], alike: str = "module") -> pytest.MarkDecorator:
    """A test for each of `mutants`, marked with what it shows.

    The short run has the first of those that have the same `alike`, a field of Mutant.
    """
    found: set[object] = set()
    cases = []
    for mutant in mutants:
        late = [pytest.mark.nightly] if getattr(mutant, alike) in found else []
        cases.append(pytest.param(mutant, id=mutant.mutation.name, marks=[mutant.shows, *late]))
        found.add(getattr(mutant, alike))
    return pytest.mark.parametrize("mutant", cases)


def mutations(mutants: Sequence[Mutant]) -> list[Mutation]:
    """All that one design holds for `mutants`, with the hostile parts that they need."""
    hostile = [mutant.also for mutant in mutants if mutant.also is not None]
    return list(dict.fromkeys([*(mutant.mutation for mutant in mutants), *hostile]))


def assert_killed(
    design: Design,
    mutants: Sequence[Mutant],
    wanted: Mutant,
    env: Mapping[str, str] | None = None,
    simulator: str = "verilator",
) -> None:
    """The test of `wanted` fails on `design` with its mutation.

    A design that cannot be built, or a simulation in which no test runs, does not count: the test
    itself has to find fault with the design.
    """
    held = mutations(mutants)
    also = [] if wanted.also is None else [wanted.also]
    with pytest.raises(CheckFailedError):
        run_simulation(
            mutated(design, held),
            wanted.module,
            simulator=simulator,
            testcase=wanted.case,
            env=env,
            plusargs=[select(held, wanted.mutation), *(select_also(held, m) for m in also)],
            label="-".join(["mutant", wanted.mutation.name, *(m.name for m in also)]),
        )


def assert_sound(
    design: Design,
    mutants: Sequence[Mutant],
    module: str,
    case: str,
    also: Mutation | None = None,
) -> None:
    """The same test passes on the same design while every weakness is turned off."""
    held = mutations(mutants)
    run_simulation(
        mutated(design, held),
        module,
        testcase=case,
        plusargs=[] if also is None else [select_also(held, also)],
        label="-".join(["sound", case, *([] if also is None else [also.name])]),
    )
