# SPDX-License-Identifier: Apache-2.0
"""What a run leaves behind for other people's tools."""

from __future__ import annotations

import shutil

import pytest

from tests.plan import covers
from tests.system.cases import run_case

MODULE = "tests.system.cocotb_evidence"


@pytest.mark.skipif(
    shutil.which("lspci") is None,
    reason="lspci is not installed (Debian: apt-get install pciutils)",
)
@covers("IDE-CAP-001", "DOE-REG-001")
def test_lspci_reads_every_function() -> None:
    run_case(MODULE, "LspciReadsEveryFunction", "verilator")


@covers("IDE-GCM-001", "IDE-GCM-002", "IDE-TLP-001", "DOE-OBJ-002")
def test_captures_hold_what_passed() -> None:
    run_case(MODULE, "CapturesHoldWhatPassed", "verilator")
