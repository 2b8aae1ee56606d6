# SPDX-License-Identifier: Apache-2.0
"""ATT-29: the DOE mailbox under a host that aborts, lies, mixes and interferes."""

from __future__ import annotations

from tests.plan import attack, covers
from tests.system.cases import on_verilator, run_case

MODULE = "tests.attack.cocotb_att_29_doe"


@attack("ATT-29")
@covers("DOE-FSM-002", "DOE-FSM-001")
@on_verilator
def test_abort_at_every_word_of_a_request(simulator: str) -> None:
    run_case(MODULE, "AbortAtEveryWordOfARequest", simulator)


@attack("ATT-29")
@covers("DOE-FSM-002", "DOE-FSM-006")
@on_verilator
def test_abort_at_every_word_of_an_answer(simulator: str) -> None:
    run_case(MODULE, "AbortAtEveryWordOfAnAnswer", simulator)


@attack("ATT-29")
@covers("DOE-FSM-001", "DOE-FSM-007")
@on_verilator
def test_error_at_every_word(simulator: str) -> None:
    run_case(MODULE, "ErrorAtEveryWord", simulator)


@attack("ATT-29")
@covers("DOE-FSM-008", "DOE-OBJ-002")
@on_verilator
def test_wrong_lengths_are_dropped(simulator: str) -> None:
    run_case(MODULE, "WrongLengthsAreDropped", simulator)


@attack("ATT-29")
@covers("DOE-OBJ-001")
@on_verilator
def test_foreign_objects_are_dropped(simulator: str) -> None:
    run_case(MODULE, "ForeignObjectsAreDropped", simulator)


@attack("ATT-29")
@covers("DOE-FSM-008", "DOE-FSM-002")
@on_verilator
def test_mixed_objects_are_dropped(simulator: str) -> None:
    run_case(MODULE, "MixedObjectsAreDropped", simulator)


@attack("ATT-29")
@covers("DOE-FSM-001", "DOE-FSM-006")
@on_verilator
def test_objects_behind_an_answer_wait(simulator: str) -> None:
    run_case(MODULE, "ObjectsBehindAnAnswerWait", simulator)


@attack("ATT-29")
@covers("DOE-FSM-001", "DOE-FSM-004", "DOE-FSM-006")
@on_verilator
def test_games_with_busy(simulator: str) -> None:
    run_case(MODULE, "GamesWithBusy", simulator)
