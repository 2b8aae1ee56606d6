# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, receive side."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, Design, run_simulation
from tests.plan import attack, covers

SOURCES = [
    *sorted((ROOT / "rtl/ide").glob("*.v")),
    *sorted((ROOT / "rtl/common").glob("*.v")),
    *sorted((ROOT / "rtl/crypto").glob("*.v")),
]


def design(data_w: int = 128, streams: int = 2) -> Design:
    """`ide` with two session bits."""
    parameters = {
        "DATA_W": data_w,
        "NUM_IDE_STREAMS": streams,
        "STREAM_W": max(1, (streams - 1).bit_length()),
        "SESSION_W": 2,
        "MAX_PAYLOAD": 512,
    }
    return Design("ide", SOURCES, parameters)


@pytest.mark.parametrize("data_w", (128,))
def test_rx(data_w: int) -> None:
    run_simulation(design(data_w), "tests.unit.cocotb_ide_rx")
