# SPDX-License-Identifier: Apache-2.0
"""ATT-35: interrupts, messages, I/O and undefined types."""

from __future__ import annotations

import pytest

from tb.device import Mutation, device
from tests.mutants.hostile import (
    ATOMIC_SENDER,
    INSISTENT,
    PAGE_REQUESTER,
    VENDOR_MESSENGER,
)
from tests.mutants.mutants import assert_sound
from tests.mutants.weaknesses import WEAKNESSES
from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_35_messages"


@attack("ATT-35")
@covers("TDISP-DMA-001", "TDISP-DMA-002", "TDISP-DMA-008", "TDISP-INT-002", "TDISP-INT-003")
@on_verilator
def test_each_state_sends_its_types_only(simulator: str) -> None:
    run_case(MODULE, "EachStateSendsItsTypesOnly", simulator)


@attack("ATT-35")
@covers("TDISP-INT-003")
def test_interrupts_in_error_are_dropped() -> None:
    assert_sound(device(), WEAKNESSES, MODULE, "InterruptsInErrorAreDropped", INSISTENT)


@attack("ATT-35")
@covers("TDISP-ATS-001", "TDISP-DMA-003")
@pytest.mark.parametrize(
    "hostile",
    [PAGE_REQUESTER, VENDOR_MESSENGER, ATOMIC_SENDER],
    ids=lambda mutation: mutation.name,
)
def test_other_types_never_leave(hostile: Mutation) -> None:
    assert_sound(device(), WEAKNESSES, MODULE, "OtherTypesNeverLeave", hostile)


@attack("ATT-35")
@covers("TDISP-MMIO-007", "TDISP-FSM-019")
@on_verilator
def test_messages_move_nothing(simulator: str) -> None:
    run_case(MODULE, "MessagesMoveNothing", simulator)


@attack("ATT-35")
@covers("TDISP-MMIO-007", "TDISP-MMIO-009", "TDISP-MMIO-011")
@on_verilator
def test_other_spaces_lead_nowhere(simulator: str) -> None:
    run_case(MODULE, "OtherSpacesLeadNowhere", simulator)
