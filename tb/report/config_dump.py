# SPDX-License-Identifier: Apache-2.0
"""Reads the configuration space of every function over the link, for `lspci -F`."""

from __future__ import annotations

from pathlib import Path

from models.pcie.config_dump import CONFIG_SIZE, FunctionDump, dump_text
from tb.host.vmm_host import VmmHost

CONFIG_FILE = "config.txt"


async def config_dump(vmm: VmmHost) -> str:
    """All functions that the VMM has found."""
    dumps = []
    for number, function in sorted(vmm.functions.items()):
        values = [await vmm.host.config_read(function.rid, at) for at in range(0, CONFIG_SIZE, 4)]
        raw = b"".join(value.to_bytes(4, "little") for value in values)
        title = f"virtual function {number}" if number else "physical function"
        dumps.append(FunctionDump(function.rid, title, raw))
    return dump_text(dumps)


async def save_config_dump(vmm: VmmHost, folder: Path) -> Path:
    """Write config.txt into a folder; its path."""
    path = folder / CONFIG_FILE
    path.write_text(await config_dump(vmm))
    return path
