# SPDX-License-Identifier: Apache-2.0
"""Configuration space around a lock."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.system.cocotb_config_space"


@covers("TDISP-LOCK-011", "TDISP-LOCK-014")
@on_verilator
def test_every_capability_is_watched(simulator: str) -> None:
    run_case(MODULE, "EveryCapabilityIsWatched", simulator)


@covers("TDISP-LOCK-025")
@on_verilator
def test_firmware_stays_as_it_is_from_lock_to_run(simulator: str) -> None:
    run_case(MODULE, "FirmwareStaysAsItIsFromLockToRun", simulator)


@covers("TDISP-ZERO-004")
@on_verilator
def test_configuration_space_keeps_nothing_of_a_life(simulator: str) -> None:
    run_case(MODULE, "ConfigurationSpaceKeepsNothingOfALife", simulator)
