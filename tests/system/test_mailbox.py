# SPDX-License-Identifier: Apache-2.0
"""The DOE mailbox of the device under a host that breaks its rules, aborts and resets."""

from __future__ import annotations

from tests.plan import covers
from tests.system.cases import needs_vfs, on_verilator, run_case

MODULE = "tests.system.cocotb_mailbox"


@covers("DOE-FSM-001", "DOE-FSM-002", "DOE-FSM-004", "DOE-FSM-007")
@on_verilator
def test_misuse_is_an_error_until_abort(simulator: str) -> None:
    run_case(MODULE, "MisuseIsAnErrorUntilAbort", simulator)


@covers("TDISP-SES-011", "DOE-FSM-002", "TDISP-STATE-004")
@on_verilator
@needs_vfs
def test_a_second_request_is_never_carried_out(simulator: str) -> None:
    run_case(MODULE, "ASecondRequestIsNeverCarriedOut", simulator)


@covers("DOE-FSM-004", "DOE-OBJ-002")
@on_verilator
def test_longest_object_is_taken_and_a_longer_one_is_an_error(simulator: str) -> None:
    run_case(MODULE, "LongestObjectIsTakenAndALongerOneIsAnError", simulator)


@covers("DOE-FSM-002", "DOE-FSM-006", "TDISP-STOP-001")
@on_verilator
def test_abort_at_any_moment_leaves_nothing_behind(simulator: str) -> None:
    run_case(MODULE, "AbortAtAnyMomentLeavesNothingBehind", simulator)


@covers("DOE-FSM-005", "TDISP-SES-009")
@on_verilator
def test_flr_empties_the_mailbox(simulator: str) -> None:
    run_case(MODULE, "FlrEmptiesTheMailbox", simulator)


@covers("DOE-REG-001", "DOE-REG-002", "DOE-REG-003")
@on_verilator
def test_registers_take_whole_words_and_keep_their_order(simulator: str) -> None:
    run_case(MODULE, "RegistersTakeWholeWordsAndKeepTheirOrder", simulator)


@covers("DOE-FSM-008", "DOE-OBJ-002")
@on_verilator
def test_lying_lengths_are_discarded(simulator: str) -> None:
    run_case(MODULE, "LyingLengthsAreDiscarded", simulator)
