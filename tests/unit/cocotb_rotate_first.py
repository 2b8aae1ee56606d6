# SPDX-License-Identifier: Apache-2.0
"""The first request after the one that was served last."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.triggers import Timer

EXHAUSTIVE = 8  # requests for which every combination is tried


def expected(request: int, last: int, count: int) -> int | None:
    """Index of the request that is next, by looking at one after the other."""
    for step in range(1, count + 1):
        if request >> (last + step) % count & 1:
            return (last + step) % count
    return None


def combinations(count: int, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Every pair of requests and last index; of many requests the corners and some at random."""
    if count <= EXHAUSTIVE:
        yield from ((r, last) for r in range(1 << count) for last in range(count))
        return
    for last in range(count):
        yield 0, last
        yield (1 << count) - 1, last
        yield 1 << last, last
        yield 1 << (last + 1) % count, last
        yield (1 << count) - 1 ^ 1 << (last + 1) % count, last
    for _ in range(2000):
        bits = rng.choice((1, 2, 3, count // 2, count))
        yield sum({1 << rng.randrange(count) for _ in range(bits)}), rng.randrange(count)


@cocotb.test()
async def the_next_request_in_turn_is_found(dut: Any) -> None:
    count = len(dut.request)
    for request, last in combinations(count, random.Random(cocotb.RANDOM_SEED)):
        dut.request.value = request
        dut.last.value = last
        await Timer(1, "ns")
        index = expected(request, last, count)
        what = f"requests {request:b}, last {last}"
        assert int(dut.any.value) == (index is not None), what
        assert int(dut.idx.value) == (index or 0), what
        assert int(dut.grant.value) == (0 if index is None else 1 << index), what
