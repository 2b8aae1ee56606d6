# SPDX-License-Identifier: Apache-2.0
"""Shows that a test can fail: it is run on a device with a weakness put in."""

from __future__ import annotations

import pytest

from tb.device import Mutation, mutated_device
from tb.sim import CheckFailedError
from tests.system.cases import run_case


def assert_killed(mutation: Mutation, module: str, case: str) -> None:
    """The test class `case` of cocotb module `module` fails on the device with `mutation`.

    Verilator only. A device that cannot be built, or a simulation in which no test runs, does not
    count: the test itself has to find fault with the device.
    """
    with pytest.raises(CheckFailedError):
        run_case(module, case, "verilator", mutated_device(mutation))
