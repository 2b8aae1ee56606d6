# SPDX-License-Identifier: Apache-2.0
"""One cocotb test that passes and one that fails."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles


@cocotb.test()
async def passes(dut: Any) -> None:
    """The clock runs."""
    cocotb.start_soon(Clock(dut.clk, 2, "ns").start())
    await ClockCycles(dut.clk, 3)


@cocotb.test()
async def fails(dut: Any) -> None:
    """A false claim."""
    cocotb.start_soon(Clock(dut.clk, 2, "ns").start())
    await ClockCycles(dut.clk, 3)
    assert len(dut.count) == 5
