# SPDX-License-Identifier: Apache-2.0
"""Block dsm without one check at a time: its own tests notice each loss."""

from __future__ import annotations

import pytest

from tb.sim import simulator_missing
from tests.mutants.dsm_lives import LIVES, NONCES_AND_FAULTS
from tests.mutants.dsm_reports import OPTIONAL_REQUESTS, REPORTS, UNBUILT, WHOLE_DEVICE
from tests.mutants.dsm_requests import REQUESTS
from tests.mutants.mutants import Mutant, assert_killed, each_mutant
from tests.plan import attack
from tests.unit.test_dsm import WHOLE, WHOLE_ENVIRONMENT, design, environment

FEATURES = "P2P MMIO CONFIG"
WITHOUT = "MMIO"
MUTANTS = [*REQUESTS, *LIVES, *REPORTS, *OPTIONAL_REQUESTS]


@attack("ATT-16")
@attack("ATT-18")
@each_mutant(MUTANTS, alike="case")
def test_dsm_without_a_check_is_found(mutant: Mutant) -> None:
    assert_killed(design(4, FEATURES), MUTANTS, mutant, environment(4, FEATURES))


@pytest.mark.nightly
@each_mutant(UNBUILT)
def test_requests_that_are_taken_but_not_built_are_found(mutant: Mutant) -> None:
    assert_killed(design(4, WITHOUT), UNBUILT, mutant, environment(4, WITHOUT))


@attack("ATT-20")
@each_mutant(NONCES_AND_FAULTS, alike="case")
def test_secrets_and_faults_that_are_forgotten_are_found(mutant: Mutant) -> None:
    if simulator_missing("icarus"):
        pytest.skip(str(simulator_missing("icarus")))
    assert_killed(design(4), NONCES_AND_FAULTS, mutant, environment(4), "icarus")


@pytest.mark.nightly
@each_mutant(WHOLE_DEVICE)
def test_whole_device_without_a_rule_is_found(mutant: Mutant) -> None:
    assert_killed(WHOLE, WHOLE_DEVICE, mutant, WHOLE_ENVIRONMENT)
