# SPDX-License-Identifier: Apache-2.0
"""What the soak of the server calls growth, and what it does not."""

from __future__ import annotations

import random

import pytest

from tests.plan import covers
from tools.soak import TICK, WARM_UP, Sample, grown, slowed

CYCLES = 30


def samples(megabytes: float = 0.0, seconds: float = 0.0, noise: float = 0.0) -> list[Sample]:
    """100 MiB and 2 s a cycle, with so much more from each cycle to the next."""
    rng = random.Random(1)
    return [
        Sample(2.0 + seconds * n + rng.uniform(0, noise), 100.0 + megabytes * n)
        for n in range(CYCLES)
    ]


@covers("EMU-002")
def test_equal_cycles_are_no_growth() -> None:
    assert grown(samples()) + slowed(samples(noise=0.3)) == []


@covers("EMU-002")
def test_memory_that_grows_a_little_each_cycle_is_told() -> None:
    assert grown(samples(megabytes=0.1)) == []
    assert grown(samples(megabytes=1.0)) == ["memory grew from 105 to 129 MiB"]


@covers("EMU-002")
def test_memory_of_the_warm_up_is_no_growth() -> None:
    steady = samples()
    assert grown([Sample(2.0, 50.0)] * WARM_UP + steady[WARM_UP:]) == []


@covers("EMU-002")
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_cycles_that_take_longer_and_longer_are_told(noise: float) -> None:
    assert slowed(samples(seconds=0.02, noise=noise)) == []
    (finding,) = slowed(samples(seconds=0.05, noise=noise))
    assert "s of processor time at first" in finding


@covers("EMU-002")
def test_a_single_slow_cycle_is_no_growth() -> None:
    steady = samples()
    assert slowed([*steady[:-1], Sample(60.0, 100.0)]) == []


@covers("EMU-002")
def test_a_tick_of_the_clock_is_no_growth() -> None:
    assert slowed([Sample(3 * TICK, 1.0)] * CYCLES + [Sample(4 * TICK, 1.0)] * CYCLES) == []
    assert slowed([Sample(3 * TICK, 1.0)] * CYCLES + [Sample(6 * TICK, 1.0)] * CYCLES) != []
