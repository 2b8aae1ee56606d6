# SPDX-License-Identifier: Apache-2.0
"""The search for the next request in turn."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, BuildError, Design, run_simulation, simulator_missing
from tests.plan import covers

MODULE = "tests.unit.cocotb_rotate_first"
SIMULATOR = "verilator" if simulator_missing("icarus") else "icarus"


def design(requests: int, width: int) -> Design:
    """`rotate_first` for so many requests."""
    return Design("rotate_first", [ROOT / "rtl/common/rotate_first.v"], {"N": requests, "W": width})


@covers("TDISP-STATE-004")
@pytest.mark.parametrize("requests", [1, 2, 3, 5, 8, 200, 256])
def test_every_request_is_found_in_its_turn(requests: int) -> None:
    width = max(1, (requests - 1).bit_length())
    run_simulation(design(requests, width), MODULE, simulator=SIMULATOR)


@covers("TDISP-STATE-004")
def test_an_index_that_is_too_narrow_is_refused() -> None:
    with pytest.raises(BuildError, match="must_hold_every_index"):
        run_simulation(design(5, 2), MODULE, simulator=SIMULATOR)
