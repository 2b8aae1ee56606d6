# SPDX-License-Identifier: Apache-2.0
"""Saved views of the demo's waveform, and what a waveform needs on the host."""

from __future__ import annotations

import subprocess
from pathlib import Path

TOP = "tdisp_device"
GROUPS = {
    "Clock and link": ("clk", "rst", "link_up"),
    "TLPs to the device": (
        "s_axis_rx_tdata",
        "s_axis_rx_tvalid",
        "s_axis_rx_tready",
        "s_axis_rx_tlast",
    ),
    "TLPs from the device": (
        "m_axis_tx_tdata",
        "m_axis_tx_tvalid",
        "m_axis_tx_tready",
        "m_axis_tx_tlast",
    ),
    "TDIs and streams": ("tdi_state", "stream_secure", "tdi_error_req", "tdi_error_cause"),
    "Messages": ("idekm_tvalid", "tdisp_tvalid", "tdisp_rsp_tvalid", "session_end_valid"),
    "DMA": ("appreq_tvalid", "appreq_denied", "dma_tvalid", "dma_ide", "dma_t"),
}
HEADERS = ("lz4.h", "zlib.h")


def waves_missing(simulator: str) -> str | None:
    """What is missing to write an FST with `simulator`, or None."""
    if simulator != "verilator":
        return None
    source = "".join(f"#include <{header}>\n" for header in HEADERS)
    command = ["g++", "-E", "-x", "c++", "-"]
    result = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
    if result.returncode == 0:
        return None
    return "waves need lz4 and zlib headers (Debian: apt-get install liblz4-dev zlib1g-dev)"


def save_views(folder: Path) -> None:
    """Write into `folder` demo.gtkw for GTKWave and demo.sucl, a command file for Surfer."""
    lines = ['[dumpfile] "demo.fst"', "[sst_expanded] 1"]
    commands = []
    for group, names in GROUPS.items():
        lines.append(f"-{group}")
        commands.append(f"divider_add {group}")
        lines += [f"{TOP}.{name}" for name in names]
        commands += [f"variable_add {TOP}.{name}" for name in names]
    (folder / "demo.gtkw").write_text("\n".join([*lines, ""]))
    (folder / "demo.sucl").write_text("\n".join([*commands, "zoom_fit", ""]))
