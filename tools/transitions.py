# SPDX-License-Identifier: Apache-2.0
"""Draws docs/transitions.md from what the device does: every event in every state."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tb.device import device
from tb.report.transition_table import DOCUMENT, rows
from tb.report.transition_table import read as read_table
from tb.sim import SimulationError, run_simulation, simulator_missing
from tests.system.rows import BUILDS, CELLS_OUT_OF_REACH, GROUPS, OUT_OF_REACH

MODULE = "tests.system.cocotb_transitions"
VARIABLE = "TRANSITIONS_OUTPUT"
HEAD = """# What the device does at each event, in each state

Drawn by `make transitions` from the RTL on Verilator; the tests of the transition table compare
every run with it, and the run with the table of the digest (`docs/spec/tdisp.md`, section 7).
A cell is the next state and, for a request, the answer; `-` is a cell that nobody can reach at the
pins of this device. Page Requests are there with `PRI_EN`, all else is the default build. The
configuration change is that of Bus Master Enable; the tests of locked registers show all others.

Two rows are not the digest's. SET_TDISP_CONFIG is not in the default build, and for what is not
built UNSUPPORTED_REQUEST comes before the state is looked at; with `TDISP_CONFIG_EN` the device has
the digest's row, which `tests/unit/cocotb_dsm_config.py` shows. The digest has no row for
VDM_REQUEST: vendors say what it means and in which states, and here none does.

Of bus and segment only the bus can change: the device has no way to learn a segment number.
Completions and PRG Responses in CONFIG_LOCKED and ERROR are late: they answer what was asked for in
the state before. In CONFIG_UNLOCKED what was asked for has T = 0 as well.

| event | CONFIG_UNLOCKED | CONFIG_LOCKED | RUN | ERROR |
|---|---|---|---|---|
"""


def document(table: list[str]) -> str:
    """The whole file."""
    lines = [f"| {event.value} | {why} |" for event, why in OUT_OF_REACH.items()]
    cells = [
        f"| {event.value} in {state.name} | {why} |"
        for (state, event), why in CELLS_OUT_OF_REACH.items()
    ]
    tail = ["", "## Out of reach", "", "| event | why |", "|---|---|", *lines, *cells]
    return HEAD + "\n".join(table + tail) + "\n"


def main() -> int:
    """0 once the document is written."""
    missing = simulator_missing("verilator")
    if missing is not None:
        print(f"transitions: {missing}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for name in GROUPS:
            print(f"{name} ...", flush=True)
            try:
                design = device(dict(BUILDS.get(name, {})))
                run_simulation(design, MODULE, testcase=name, env={VARIABLE: folder})
            except SimulationError as error:
                print(f"transitions: {error}")
                return 1
        drawn = Path(folder) / "drawn.md"
        drawn.write_text("\n".join((Path(folder) / name).read_text() for name in GROUPS))
        DOCUMENT.write_text(document(list(rows(read_table(drawn)))))
    print(DOCUMENT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
