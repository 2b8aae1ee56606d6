# SPDX-License-Identifier: Apache-2.0
"""What the check of the netlist makes of what Yosys prints."""

from __future__ import annotations

import pytest

from tools.yosys_check import FEW, FLIP_FLOPS, MANY, Netlist, count_flip_flops, find_memories, judge

DUMP = """
module \\a

  attribute \\src "rtl/a.v:3.7-3.9"
  cell $mem_v2 \\mem_q
    parameter \\SIZE 256
    parameter \\RD_PORTS 2
    parameter \\RD_CLK_ENABLE 2'{enable}
    connect \\RD_EN 2'11
  end
end
"""
RAM = (("rtl/a.v:3", MANY, True),)


def test_flip_flops_of_every_kind_are_counted_by_their_bits() -> None:
    cells = {"$dff_8": 2, "$dffe_3": 1, "$sdff_1": 4, "$sdffe_2": 1, "$sdffce_5": 1, "$and_9": 7}
    assert count_flip_flops(cells) == 16 + 3 + 4 + 2 + 5


@pytest.mark.parametrize(("enable", "clocked"), [("11", True), ("01", False), ("00", False)])
def test_a_memory_is_clocked_when_all_its_read_ports_are(enable: str, clocked: bool) -> None:
    found = list(find_memories(DUMP.replace("{enable}", enable)))
    assert found == [("rtl/a.v:3.7-3.9", 256, clocked)]


@pytest.mark.parametrize(
    ("many", "words"),
    [
        (Netlist(FLIP_FLOPS * (MANY - FEW), RAM), None),
        (Netlist(FLIP_FLOPS * (MANY - FEW) + MANY, RAM), f"{FLIP_FLOPS + 1} flip-flops"),
        (Netlist(0, (("rtl/a.v:3", MANY, False),)), "rtl/a.v:3: a table"),
        (Netlist(0, ()), "1 memories with 4 functions, 0 with 256"),
    ],
)
def test_a_table_that_is_no_ram_is_a_problem(many: Netlist, words: str | None) -> None:
    problems = list(judge(Netlist(0, RAM), many))
    assert len(problems) == (words is not None)
    assert words is None or words in problems[0]
