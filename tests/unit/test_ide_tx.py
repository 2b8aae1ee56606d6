# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, transmit side."""

from __future__ import annotations

import pytest

from tb.sim import run_simulation
from tests.unit.test_ide_rx import design


@pytest.mark.parametrize("data_w", (128,))
def test_tx(data_w: int) -> None:
    run_simulation(design(data_w), "tests.unit.cocotb_ide_tx")
