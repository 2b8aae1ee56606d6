# SPDX-License-Identifier: Apache-2.0
"""Random sequences of messages and events keep what must always hold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from models.tdisp.codes import ErrorCause, TdiState
from models.tdisp.messages import (
    ErrorResponse,
    GetDeviceInterfaceReport,
    LockInterfaceResponse,
    decode_response,
)
from models.tdisp.table import TABLE, Event
from models.tdisp.tdi import Transition
from tests.models.tdisp_world import FOREIGN, SESSION, World, name
from tests.plan import covers

tdis = st.integers(0, 3)
sessions = st.sampled_from([SESSION, SESSION, SESSION, FOREIGN])
EVENTS = [event for event in Event if TABLE[TdiState.RUN, event].reply is None]


class TdispMachine(RuleBasedStateMachine):
    """Two sessions, four TDIs."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.nonces: dict[int, bytes] = {}
        self.seen: set[bytes] = set()
        self.transitions: list[Transition] = []
        self.world.dsm.observers.append(self.transitions.append)
        self.states = self.world.dsm.states

    def send(self, body: bytes, session: int) -> bool:
        """Send a request; whether it was served. A refusal must have no effect."""
        before = self.world.dsm.states
        acceptable = self.world.dsm.acceptable_error_codes(session, body)
        answer = decode_response(self.world.dsm.handle(session, body))
        refused = isinstance(answer, ErrorResponse)
        assert refused == bool(acceptable)
        if isinstance(answer, ErrorResponse):
            assert answer.error in acceptable
            assert self.world.dsm.states == before
        if isinstance(answer, LockInterfaceResponse):
            assert answer.nonce not in self.seen
            self.seen.add(answer.nonce)
        return not refused

    @rule(tdi=tdis, session=sessions)
    def lock(self, tdi: int, session: int) -> None:
        served = self.send(self.world.lock_request(tdi).encode(), session)
        assert served == (self.states[tdi] is TdiState.CONFIG_UNLOCKED and session == SESSION)
        lock = self.world.dsm.tdis[tdi].lock
        if served and lock is not None and lock.nonce is not None:
            self.nonces[tdi] = lock.nonce

    @rule(tdi=tdis, source=tdis, session=sessions)
    def start(self, tdi: int, source: int, session: int) -> None:
        nonce = self.nonces.get(source, bytes(32))
        lock = self.world.dsm.tdis[tdi].lock
        right = lock is not None and lock.nonce == nonce and session == SESSION
        assert self.send(self.world.start_request(nonce, tdi).encode(), session) == right

    @rule(tdi=tdis, session=sessions)
    def stop(self, tdi: int, session: int) -> None:
        foreign = self.world.dsm.tdis[tdi].locked and session == FOREIGN
        assert self.send(self.world.stop_request(tdi).encode(), session) == (not foreign)

    @rule(tdi=tdis, offset=st.integers(0, 200), length=st.integers(0, 0xFFFF))
    def report(self, tdi: int, offset: int, length: int) -> None:
        request = GetDeviceInterfaceReport(interface=name(tdi), offset=offset, length=length)
        self.send(request.encode(), SESSION)

    @rule(body=st.binary(max_size=60), session=sessions)
    def garbage(self, body: bytes, session: int) -> None:
        self.send(body, session)

    @rule(tdi=tdis, event=st.sampled_from(EVENTS))
    def event(self, tdi: int, event: Event) -> None:
        self.world.dsm.event(tdi, event)

    @rule(function=tdis)
    def flr(self, function: int) -> None:
        self.world.dsm.flr(function)

    @rule(session=sessions)
    def session_end(self, session: int) -> None:
        self.world.dsm.session_end(session)

    @invariant()
    def every_transition_is_in_the_table(self) -> None:
        for item in self.transitions:
            assert TABLE[item.old, item.event].next is item.new
        self.transitions.clear()
        self.states = self.world.dsm.states

    @invariant()
    def nonce_and_lock_fit_the_state(self) -> None:
        for tdi in self.world.dsm.tdis:
            unlocked = tdi.state is TdiState.CONFIG_UNLOCKED
            assert (tdi.lock is None) == unlocked
            has_nonce = tdi.lock is not None and tdi.lock.nonce is not None
            assert has_nonce == (tdi.state is TdiState.CONFIG_LOCKED)
            assert tdi.state is TdiState.ERROR or tdi.cause is ErrorCause.NONE


@covers(
    "TDISP-STATE-003",
    "TDISP-STATE-004",
    "TDISP-HDR-010",
    "TDISP-LOCK-018",
    "TDISP-START-003",
    "TDISP-START-004",
)
def test_random_sequences_keep_what_must_always_hold() -> None:
    limits = settings(max_examples=60, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(TdispMachine, settings=limits)
