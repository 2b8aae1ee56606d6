# SPDX-License-Identifier: Apache-2.0
"""The fuzzer against the reference device, and against devices that are wrong."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.fuzz.campaign import AIMED, AIMED_MESSAGES
from models.fuzz.corpus import CORPUS
from models.fuzz.goals import GENERIC, GOALS, foreign, missed
from models.fuzz.grammar import Grammar
from models.fuzz.judge import FuzzError, Judge
from models.fuzz.mutations import MUTATIONS, mutate
from models.fuzz.outcome import Outcome
from models.fuzz.reference import SdiConfig, reference_run
from models.tdisp.codes import TdiState
from tests.plan import covers
from tools.plan_check import check

MESSAGES = 6_000  # several times what the rarest goal takes with every seed below
U, L, R, E = TdiState
# VENDOR_DEFINED with TDISP: GET_DEVICE_INTERFACE_STATE of 0101, and its answer
ASK = bytes.fromhex("12fe0000 0300 02 0100 1100 01 1085 0000 01010000 0000000000000000")
SAID = bytes.fromhex("127e0000 0300 02 0100 1200 01 1005 0000 01010000 0000000000000000 00")
STOP = ASK[:13] + b"\x87" + ASK[14:]
STOPPED = SAID[:9] + b"\x11" + SAID[10:13] + b"\x07" + SAID[14:-1]
# ... and IDE_KM: K_SET_GO of stream 5
GO = bytes.fromhex("12fe0000 0300 02 0100 0800 00 040000 05 00 10 00")
GONE = bytes.fromhex("127e0000 0300 02 0100 0800 00 060000 05 00 10 00")


@covers("TDISP-HDR-004", "TDISP-HDR-010", "TDISP-FSM-019")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_error_of_every_request_is_hit_and_no_other(seed: int) -> None:
    run = reference_run(seed)
    run.run(MESSAGES)
    judge = run.campaign.judge
    assert missed(judge) == []
    assert foreign(judge) == []
    run.live()


@covers("TDISP-HDR-004", "TDISP-HDR-010")
@pytest.mark.parametrize("seed", range(10))
def test_messages_that_aim_come_to_every_error_soon(seed: int) -> None:
    run = reference_run(seed, AIMED)
    run.run(AIMED_MESSAGES)
    assert missed(run.campaign.judge) == []
    assert foreign(run.campaign.judge) == []
    run.live()


@covers("TDISP-HDR-005", "TDISP-HDR-007", "TDISP-HDR-010")
@pytest.mark.parametrize("seed", [1, 2])
def test_every_error_is_hit_with_sdis_as_well(seed: int) -> None:
    run = reference_run(seed, config=SdiConfig())
    run.run(MESSAGES)
    assert missed(run.campaign.judge) == []
    assert foreign(run.campaign.judge) == []
    run.live()


@covers("TDISP-HDR-005")
def test_names_that_no_sdi_has_differ_by_pasid_or_requester_id() -> None:
    scene = reference_run(1, config=SdiConfig()).campaign.scene
    grammar = Grammar(random.Random(1), scene)
    pf = scene.names[0].rid
    others = [grammar.other_name() for _ in range(400)]
    assert not set(others) & set(scene.names)
    kinds = {(name.rid == pf, name.pasid in (None, *scene.pasids)) for name in others}
    assert kinds == {(True, False), (False, True)}
    assert {name.pasid for name in others if name.rid != pf} == {None, *scene.pasids}


@covers("TDISP-SES-003", "TDISP-HDR-008")
def test_messages_that_once_found_something_are_judged() -> None:
    run = reference_run(1)
    run.replay()
    judge = run.campaign.judge
    assert (judge.answers["silence"], judge.errors["unknown", "INVALID_REQUEST"]) == (1, 1)
    assert all(find.requirement in check().entries for find in CORPUS)


@covers("TDISP-FSM-019")
def test_only_what_belongs_to_the_goals_is_missed() -> None:
    judge = Judge(Counter({("VDM_REQUEST", "BUSY"): 1}), Counter(INCORRECT_LENGTH=1))
    assert missed(judge) == list(GOALS)
    assert [str(goal) for goal in foreign(judge)] == [
        "VDM_REQUEST: BUSY",
        "KP_ACK: INCORRECT_LENGTH",
    ]
    assert [str(goal) for goal in foreign(judge, GENERIC)] == ["KP_ACK: INCORRECT_LENGTH"]


@covers("TDISP-FSM-019")
def test_an_outcome_survives_its_way_between_processes() -> None:
    run = reference_run(5)
    run.run(300)
    outcome = Outcome.of(run.campaign, "a finding")
    assert Outcome.decode(outcome.encode()) == outcome


@covers("TDISP-FSM-019", "TDISP-STATE-003")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 32), messages=st.integers(1, 400))
def test_a_life_cycle_works_straight_after_any_campaign(seed: int, messages: int) -> None:
    run = reference_run(seed)
    run.run(messages)
    run.live()


@covers("TDISP-FSM-019", "TDISP-STATE-003")
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(rng=st.randoms(use_true_random=False), messages=st.integers(1, 20))
def test_every_choice_of_a_campaign_can_be_made_small(rng: random.Random, messages: int) -> None:
    """Hypothesis makes each choice of the grammar and of the mutations."""
    run = reference_run(rng, AIMED)
    run.run(messages)
    run.live()


@covers("TDISP-FSM-019")
def test_a_campaign_is_repeated_by_its_seed() -> None:
    runs = [reference_run(seed) for seed in (7, 7, 8)]
    for run in runs:
        run.run(600)
    first, again, other = (run.campaign for run in runs)
    assert (first.last, first.judge) == (again.last, again.judge)
    assert first.judge != other.judge


@covers("TDISP-FSM-019")
@given(raw=st.binary(min_size=1, max_size=80), rng=st.randoms(use_true_random=False))
def test_mutations_take_messages_of_any_length(raw: bytes, rng: random.Random) -> None:
    for mutation in MUTATIONS:
        assert isinstance(mutation(rng, raw), bytes)
    assert isinstance(mutate(rng, raw), bytes)


# ---------------------------------------------------------------------- what the judge finds


@covers("TDISP-STATE-003", "SEC-VDM-001")
def test_right_answers_are_accepted() -> None:
    judge = Judge()
    judge.session_message(ASK, SAID, [U, U], [U, U])
    judge.session_message(STOP, STOPPED, [U, R], [U, U])
    judge.session_message(GO, GONE, [U, R], [U, R])
    judge.session_message(GO, None, [U, R], [U, R])
    assert sum(judge.answers.values()) == 4


@covers("SEC-VDM-001")
@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (ASK, SAID[:3]),
        (ASK, b"\x11" + SAID[1:]),
        (ASK, SAID[:1] + b"\x61" + SAID[2:]),
        (ASK, SAID[:1] + b"\xfe" + SAID[2:]),
        (ASK, SAID[:4] + b"\x04" + SAID[5:]),
        (ASK, SAID + b"\0"),
        (ASK, SAID[:11] + b"\0" + SAID[12:]),
        (ASK, SAID[:12] + b"\x11" + SAID[13:]),
        (ASK, SAID[:13] + b"\x06" + SAID[14:]),
        (ASK, SAID[:16] + b"\x02" + SAID[17:]),
        (GO, GONE[:15] + b"\x06" + GONE[16:]),
        (GO, GONE[:17] + b"\x11" + GONE[18:]),
        (GO, GONE[:18] + b"\x01"),
        (GO, GONE[:12] + b"\x03" + GONE[13:]),
    ],
)
def test_a_wrong_form_is_found(request_: bytes, answer: bytes) -> None:
    with pytest.raises(FuzzError):
        Judge().session_message(request_, answer, [U, U], [U, U])


@covers("TDISP-FSM-019", "TDISP-STATE-003")
@pytest.mark.parametrize(
    ("request_", "answer", "before", "after"),
    [
        (ASK, SAID, [U, R], [U, E]),
        (ASK, None, [U, R], [U, E]),
        (GO, GONE, [U, R], [U, U]),
        (STOP, STOPPED, [R, R], [U, U]),
        (STOP, STOPPED, [U, R], [U, L]),
    ],
)
def test_a_move_that_is_not_the_requests_is_found(
    request_: bytes, answer: bytes | None, before: list[TdiState], after: list[TdiState]
) -> None:
    with pytest.raises(FuzzError):
        Judge().session_message(request_, answer, before, after)


@covers("SEC-REC-007", "TDISP-SES-007")
@pytest.mark.parametrize("arc", [(a, b) for a in TdiState for b in TdiState if a is not b])
def test_a_lost_session_moves_locked_tdis_to_error_and_nothing_else(
    arc: tuple[TdiState, TdiState],
) -> None:
    before, after = [U, arc[0]], [U, arc[1]]
    if arc in ((L, E), (R, E)):
        Judge().lost_session(before, after)
    else:
        with pytest.raises(FuzzError):
            Judge().lost_session(before, after)


@covers("DOE-OBJ-001", "SEC-VDM-002")
def test_a_plain_object_that_moves_a_tdi_is_found() -> None:
    with pytest.raises(FuzzError, match="moves a TDI"):
        Judge().plain_object(bytes(12), None, [U, R], [U, E])


class _Weak:
    """A transport that changes answers at times."""

    def __init__(self, wire: object, change: Callable[[bytes | None], bytes | None]) -> None:
        self._exchange = wire.exchange  # type: ignore[attr-defined]
        self._change = change

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """The answer, changed."""
        return self._change(await self._exchange(doe_object))


@covers("DOE-OBJ-002")
def test_a_wrong_length_of_an_object_is_found() -> None:
    run = reference_run(1)
    run.campaign.transport = _Weak(run.wire, lambda raw: None if raw is None else raw + bytes(4))
    with pytest.raises(FuzzError, match="wrong length"):
        asyncio.run(run.campaign.run(2000))
