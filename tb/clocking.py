# SPDX-License-Identifier: Apache-2.0
"""Waiting for many cycles of a clock that runs evenly."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import RisingEdge, Timer
from cocotb.utils import get_sim_time

FEW = 4  # cycles for which it is not worth to measure the clock


async def clock_cycles(clock: Any, cycles: int) -> None:
    """As cocotb's ClockCycles, which wakes at every edge; this one sleeps until the last.

    Its timer ends half a period before the last edge, which therefore is not missed.
    """
    edge = RisingEdge(clock)
    if cycles > FEW:
        await edge
        first = get_sim_time("step")
        await edge
        period = get_sim_time("step") - first
        await Timer(period * (cycles - 2) - period // 2, "step")
        cycles = 1
    for _ in range(cycles):
        await edge
