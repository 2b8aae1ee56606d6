# SPDX-License-Identifier: Apache-2.0
"""Verilator lint of RTL files or of the whole device: `python -m tools.lint [file.v ...]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tb.sim import ROOT, verilator_executable


def lint(top: str, sources: list[Path]) -> int:
    """Run `verilator --lint-only -Wall` with `top` as the top module; the exit code."""
    command = [verilator_executable(), "--lint-only", "-Wall", "--language", "1364-2005"]
    command += [f"-I{ROOT / 'rtl' / 'include'}", "--top-module", top]
    return subprocess.run([*command, *map(str, sources)], check=False).returncode


def main(arguments: list[str]) -> int:
    """Lint each named file as a top of its own, or `tdisp_device` when none is named."""
    library = sorted((ROOT / "rtl").glob("*/*.v"))
    if not arguments:
        return lint("tdisp_device", library)
    codes = [lint(Path(name).stem, library) for name in arguments]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
