# SPDX-License-Identifier: Apache-2.0
"""Compares the gate with the function that EXPECTED names."""

from __future__ import annotations

import os
from typing import Any

import cocotb
from cocotb.triggers import Timer

FUNCTIONS = {
    "a & b": lambda a, b: a & b,
    "a": lambda a, b: a,
    "b": lambda a, b: b,
    "not a": lambda a, b: 1 - a,
    "x": lambda a, b: 1 - (a & b),
}


@cocotb.test()
async def gate_is_as_expected(dut: Any) -> None:
    """All four inputs."""
    for a in (0, 1):
        for b in (0, 1):
            dut.a.value, dut.b.value = a, b
            await Timer(1, "ns")
            assert int(dut.y.value) == FUNCTIONS[os.environ["EXPECTED"]](a, b)
