# SPDX-License-Identifier: Apache-2.0
"""Verible style check of the RTL, or with `--format` its formatting in place."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# The rules that are off ask for SystemVerilog; parameters are ALL_CAPS in this project.
RULES = ",".join(
    (
        "-always-comb",
        "-unpacked-dimensions-range-ordering",
        "-explicit-parameter-storage-type",
        "parameter-name-style=localparam_style:ALL_CAPS;parameter_style:ALL_CAPS",
        "line-length=length:100",
    )
)
FORMAT = (
    "--column_limit=100",
    "--indentation_spaces=2",
    "--port_declarations_alignment=align",
    "--named_port_alignment=align",
    "--assignment_statement_alignment=align",
    "--inplace",
)


def main(arguments: list[str] | None = None) -> int:
    """Check or format all of rtl/; the exit code of Verible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", action="store_true", help="format the files in place")
    options = parser.parse_args(arguments)
    files = [str(path) for path in sorted((ROOT / "rtl").glob("*/*.v"))]
    if options.format:
        command = [str(BIN / "verible-verilog-format"), *FORMAT]
    else:
        command = [str(BIN / "verible-verilog-lint"), f"--rules={RULES}"]
    return subprocess.run([*command, *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
