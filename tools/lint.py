# SPDX-License-Identifier: Apache-2.0
"""Verilator lint of RTL files or of builds of the device: `python -m tools.lint [file.v ...]`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tb.sim import ROOT, verilator_executable

# Both ends of what can be built
BUILDS: tuple[dict[str, int], ...] = (
    {},
    {"NUM_TDI": 1, "NUM_IDE_STREAMS": 1, "NUM_SESSIONS": 1, "MAX_PAYLOAD": 128, "DOE_DWORDS": 64},
    {"NUM_TDI": 256, "NUM_IDE_STREAMS": 8, "NUM_SESSIONS": 16, "DATA_W": 512, "MAX_PAYLOAD": 4096},
    {"WHOLE_DEVICE": 1, "PASID_EN": 1, "PRI_EN": 1, "TDISP_CONFIG_EN": 1},
    {"SDI_EN": 1, "NUM_TDI": 3, "PASID_EN": 1, "PRI_EN": 1, "SDI_PASID": 0xFFFFC},
    {"ROM_EN": 0, "TPH_EN": 0, "MSI_EN": 0, "P2P_EN": 0, "MMIO_ATTRIBUTE_EN": 0},
)


def lint(
    top: str, sources: list[Path], parameters: Mapping[str, int] = MappingProxyType({})
) -> int:
    """Run `verilator --lint-only -Wall` with `top` as the top module; the exit code."""
    command = [verilator_executable(), "--lint-only", "-Wall", "--language", "1364-2005"]
    command += [f"-I{ROOT / 'rtl' / 'include'}", "--top-module", top]
    command += [f"-G{name}={value}" for name, value in parameters.items()]
    return subprocess.run([*command, *map(str, sources)], check=False).returncode


def main(arguments: list[str]) -> int:
    """Lint each named file as a top of its own, or builds of `tdisp_device` when none is named."""
    library = sorted((ROOT / "rtl").glob("*/*.v"))
    if not arguments:
        return max(lint("tdisp_device", library, build) for build in BUILDS)
    codes = [lint(Path(name).stem, library) for name in arguments]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
