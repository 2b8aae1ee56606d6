# SPDX-License-Identifier: Apache-2.0
"""Each test of the device that a weakness calls for fails on a device with that weakness."""

from __future__ import annotations

import pytest

from tb.device import device
from tests.mutants.mutants import ATTACK, SYSTEM, Mutant, assert_killed, assert_sound, each_mutant
from tests.mutants.weaknesses import WEAKNESSES
from tests.plan import attack, covers

SOUND = (
    (f"{ATTACK}14_t_bit", "ClaimedTIsRefused"),
    (f"{ATTACK}25_residue", "NextTvmFindsNothing"),
    (f"{SYSTEM}lock_rules", "ForbiddenChangesMoveALockedTdiToError"),
    (f"{SYSTEM}tdisp_messages", "ForeignSessionsAreRefusedInEveryState"),
)


@attack("ATT-04")
@attack("ATT-07")
@attack("ATT-09")
@attack("ATT-10")
@attack("ATT-11")
@attack("ATT-12")
@attack("ATT-13")
@attack("ATT-14")
@attack("ATT-15")
@attack("ATT-16")
@attack("ATT-17")
@attack("ATT-18")
@attack("ATT-22")
@attack("ATT-23")
@attack("ATT-24")
@attack("ATT-25")
@attack("ATT-26")
@attack("ATT-27")
@attack("ATT-28")
@attack("ATT-29")
@attack("ATT-32")
@attack("ATT-33")
@attack("ATT-34")
@attack("ATT-35")
@each_mutant(WEAKNESSES)
def test_weakness_is_found(mutant: Mutant) -> None:
    assert_killed(device(), WEAKNESSES, mutant)


@covers("TDISP-MMIO-001")
@pytest.mark.parametrize(("module", "case"), SOUND)
def test_device_without_a_weakness_passes(module: str, case: str) -> None:
    assert_sound(device(), WEAKNESSES, module, case)
