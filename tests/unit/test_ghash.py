# SPDX-License-Identifier: Apache-2.0
"""The two GHASH accumulators and the multiplier below them."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, BuildError, Design, run_simulation
from tests.plan import covers

MULTIPLIER = ROOT / "rtl/crypto/gf128_mul.v"
MODULE = "tests.unit.cocotb_ghash"
SHORT = ["published_square_of_h", "equals_the_library"]


def serial(digit: int) -> Design:
    sources = [ROOT / "rtl/crypto/ghash_serial.v", MULTIPLIER]
    return Design("ghash_serial", sources, {"DIGIT": digit})


FULL = Design("ghash", [ROOT / "rtl/crypto/ghash.v", MULTIPLIER])


@covers("IDE-GCM-001")
def test_block_a_cycle_accumulator() -> None:
    run_simulation(FULL, MODULE)


@covers("SEC-REC-001")
@pytest.mark.parametrize("digit", [1, 16])
def test_serial_accumulator(digit: int) -> None:
    run_simulation(serial(digit), MODULE)


@covers("IDE-GCM-001", "SEC-REC-001")
@pytest.mark.parametrize("design", [FULL, serial(32)], ids=["full", "serial"])
def test_accumulators_on_icarus(design: Design) -> None:
    run_simulation(design, MODULE, simulator="icarus", testcase=SHORT)


@covers("SEC-REC-001")
def test_a_digit_that_does_not_divide_the_block_is_refused() -> None:
    with pytest.raises(BuildError, match="DIGIT"):
        run_simulation(serial(24), MODULE, simulator="icarus", testcase=SHORT)
