# SPDX-License-Identifier: Apache-2.0
"""ATT-07: a host that prepares the function before LOCK, or lies about it."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_07_preconfigured"


@attack("ATT-07")
@covers("TDISP-HOST-004", "TDISP-HOST-006", "TDISP-HOST-009", "TDISP-RPT-006")
@on_verilator
def test_another_function_is_refused(simulator: str) -> None:
    run_case(MODULE, "AnotherFunctionIsRefused", simulator)


@attack("ATT-07")
@covers("TDISP-HOST-006", "TDISP-HOST-009", "TDISP-RPT-011")
@on_verilator
def test_what_nobody_asked_for_is_refused(simulator: str) -> None:
    run_case(MODULE, "WhatNobodyAskedForIsRefused", simulator)


@attack("ATT-07")
@covers("TDISP-LOCK-019", "TDISP-DMA-005")
@on_verilator
def test_work_from_before_the_lock_ends_with_it(simulator: str) -> None:
    run_case(MODULE, "WorkFromBeforeTheLockEndsWithIt", simulator)


@attack("ATT-07")
@covers("TDISP-HOST-004", "TDISP-RPT-007", "TDISP-RPT-008")
@on_verilator
def test_honest_configuration_runs(simulator: str) -> None:
    run_case(MODULE, "HonestConfigurationRuns", simulator)
