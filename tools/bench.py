# SPDX-License-Identifier: Apache-2.0
"""Writes docs/performance.md: cycles and flip-flops of devices with few and many functions."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tb.device import device
from tb.sim import ROOT, SimulationError, run_simulation, simulator_missing
from tools.yosys_check import YosysError, synthesize

DOCUMENT = ROOT / "docs" / "performance.md"
MODULE, CASE, VARIABLE = "tests.system.cocotb_latency", "CyclesAreCounted", "LATENCY_OUTPUT"
SIZES = (1, 4, 256)
HEAD = """# Performance

Written by `make bench` from the RTL: cycles on Verilator, flip-flops from Yosys.

"""
CYCLES = """\
## Cycles

From the last beat of a request on the link to the last beat of the first TLP that it causes, with
no back-pressure; a VF of the device answers, in the largest one the last. A test compares these
numbers between the sizes, and others with and without a neighbour: a legacy VM is served beside a
TVM as it is without one, and a TVM as without the legacy VM (`tests/system/test_sizes.py`).

"""
AREA = """
## Flip-flops

Of the whole device, before optimisation. What a function has in wide tables is RAM with a clocked
read port at each size; `make lint` fails when a table becomes flip-flops
(`tools/yosys_check.py`).

"""


def count_cycles(num_tdi: int, folder: Path) -> dict[str, list[int]]:
    """Cycles of each thing measured. Raises SimulationError."""
    output = folder / f"{num_tdi}.json"
    design = device({"NUM_TDI": num_tdi})
    run_simulation(design, MODULE, testcase=CASE, env={VARIABLE: str(output)})
    cycles: dict[str, list[int]] = json.loads(output.read_text())
    return cycles


def table(head: Sequence[str], lines: Mapping[str, Sequence[object]]) -> str:
    """A table with a first column for names."""
    rows = [head, ["---"] * len(head), *([name, *cells] for name, cells in lines.items())]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def cycles_table(cycles: Mapping[int, Mapping[str, Sequence[int]]]) -> str:
    """A row for each thing, with the ratio between the largest and the smallest device."""
    small, large = cycles[SIZES[0]], cycles[SIZES[-1]]

    def row(what: str) -> Iterator[str]:
        for size in SIZES:
            low, high = min(cycles[size][what]), max(cycles[size][what])
            yield str(low) if low == high else f"{low} to {high}"
        yield f"{max(large[what]) / max(small[what]):.2f}"

    head = ["`NUM_TDI`", *map(str, SIZES), f"{SIZES[-1]} : {SIZES[0]}"]
    return table(head, {what: list(row(what)) for what in small})


def area_table(flip_flops: Mapping[int, int]) -> str:
    """The whole device at each size, and what one function more costs."""
    few, many = SIZES[1:]
    each = (flip_flops[many] - flip_flops[few]) / (many - few)
    cells = [flip_flops[few], flip_flops[many], f"{flip_flops[many] / flip_flops[few]:.2f}"]
    head = ["`NUM_TDI`", str(few), str(many), f"{many} : {few}", "each function"]
    return table(head, {"flip-flops": [*cells, f"{each:.0f}"]})


def main() -> int:
    """0 once the document is written."""
    missing = simulator_missing("verilator")
    if missing is not None:
        print(f"bench: {missing}", file=sys.stderr)
        return 1
    cycles, flip_flops = {}, {}
    try:
        with TemporaryDirectory() as folder:
            for size in SIZES:
                print(f"cycles with {size} functions ...", flush=True)
                cycles[size] = count_cycles(size, Path(folder))
        for size in SIZES[1:]:
            print(f"flip-flops with {size} functions ...", flush=True)
            flip_flops[size] = synthesize(size).flip_flops
    except SimulationError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except YosysError:
        return 1
    DOCUMENT.write_text(HEAD + CYCLES + cycles_table(cycles) + AREA + area_table(flip_flops))
    print(DOCUMENT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
