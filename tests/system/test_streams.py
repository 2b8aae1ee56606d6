# SPDX-License-Identifier: Apache-2.0
"""IDE streams seen from configuration space."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.system.cocotb_streams"


@covers("IDE-CAP-004", "IDE-ST-001", "IDE-ST-004", "IDE-ST-007", "IDE-ST-011", "TDISP-FSM-007")
@covers("TDISP-FSM-008")
@on_verilator
def test_status_follows_the_streams(simulator: str) -> None:
    run_case(MODULE, "StatusFollowsTheStreams", simulator)


@covers("IDE-KEY-007", "IDEKM-STP-001", "IDE-ST-002", "IDE-ST-005", "IDE-ST-011")
@on_verilator
def test_stopped_keys_carry_nothing(simulator: str) -> None:
    run_case(MODULE, "StoppedKeysCarryNothing", simulator)


@covers("IDE-CAP-005", "IDE-ST-003", "IDE-ST-011", "TDISP-FSM-007", "TDISP-FSM-008")
@on_verilator
def test_received_fail_shows_until_it_is_cleared(simulator: str) -> None:
    run_case(MODULE, "ReceivedFailShowsUntilItIsCleared", simulator)


@covers("IDE-CAP-002", "IDE-CAP-003", "IDE-CAP-008")
@on_verilator
def test_control_is_sampled_with_enable(simulator: str) -> None:
    run_case(MODULE, "ControlIsSampledWithEnable", simulator)
