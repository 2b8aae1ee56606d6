# SPDX-License-Identifier: Apache-2.0
"""The stream pieces of rtl/common."""

from __future__ import annotations

import pytest

from tb.sim import ROOT, Design, run_simulation, simulator_missing
from tests.plan import covers

MODULE = "tests.unit.cocotb_common_stream"
# Small designs: their build takes longer than their run, and Icarus builds at once.
SIMULATOR = "verilator" if simulator_missing("icarus") else "icarus"


def run(built: Design, label: str, *cases: str) -> None:
    """Run `cases` on `built`."""
    run_simulation(built, MODULE, simulator=SIMULATOR, testcase=cases, label=label)


def design(name: str, **parameters: int) -> Design:
    """One module of rtl/common."""
    return Design(name, [ROOT / "rtl/common" / f"{name}.v"], parameters)


@covers("IDE-KEY-006")
@pytest.mark.parametrize("width", [1, 37])
def test_skid_buffer_loses_and_repeats_nothing(width: int) -> None:
    cases = ["words_pass_once_and_in_order", "a_word_passes_each_cycle"]
    run(design("skid_buffer", W=width), f"skid-{width}", *cases)


@covers("IDE-KEY-006")
@pytest.mark.parametrize("depth", [2, 3, 8])
def test_sync_fifo_holds_its_depth_in_order(depth: int) -> None:
    cases = ["words_pass_once_and_in_order", "a_word_passes_each_cycle", "fifo_holds_its_depth"]
    run(design("sync_fifo", W=16, DEPTH=depth), f"fifo-{depth}", *cases)


@covers("IDE-GCM-005")
@pytest.mark.parametrize("data_w", [128, 256, 512])
def test_wide_beats_are_cut_and_joined_exactly(data_w: int) -> None:
    split, join = design("beat_split", DATA_W=data_w), design("beat_join", DATA_W=data_w)
    run(split, f"split-{data_w}", "beats_are_cut_into_parts")
    run(join, f"join-{data_w}", "parts_are_put_together")
