# SPDX-License-Identifier: Apache-2.0
"""Sends spoiled messages to a device and judges every answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from models.doe.codes import ObjectType
from models.doe.objects import DiscoveryRequest
from models.fuzz.aims import Around, aim
from models.fuzz.goals import GOALS, Goal, Sort, missed
from models.fuzz.grammar import VENDOR_HEADER, Grammar, Scene
from models.fuzz.judge import PROTOCOL_AT, FuzzError, Judge, States
from models.fuzz.mutations import mutate, mutate_fields
from models.fuzz.records import out_of_order, spoil, under_a_false_name
from models.fuzz.sessions import Sessions
from models.spdm.carrier import wrap
from models.spdm.codes import Request, Response
from models.spdm.errors import SpdmError
from models.spdm.requester import SpdmRequester
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import HEADER_SIZE, TdiState
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.codes import Request as TdispRequest
from models.tdisp.codes import Response as TdispResponse
from models.tdisp.interface_id import InterfaceId
from models.tdisp.message import Header
from models.transport import Transport

START_SHARE = 0.6  # of the TDIs that are attached
SAME_KEYS = 0.85  # how often a stream with keys keeps them for the next LOCK
FOREIGN = 0.1  # how often another session aims than the one that has the keys
IN_PLACE = 0.3  # how often a header is spoiled without moving what is behind it
TOO_LONG = 0.02  # of the objects: they do not fit the mailbox
GET_VERSION = b"\x10\x84"  # begins a new connection
DOE_HEADER = 8  # bytes
PEER_BLOCK = 1  # register block of the stream to a peer


class Kind(Enum):
    """What is sent next."""

    VALID = "a valid message"
    BODY = "a spoiled TDISP or IDE_KM message"
    VENDOR = "a spoiled vendor-defined message"
    SPDM = "an SPDM message, spoiled or not"
    RECORD = "a spoiled record"
    ORDER = "records out of order"
    OBJECT = "a spoiled DOE object, or a plain message"
    ATTACH = "the messages of an attach"
    ODD_LOCK = "a LOCK in surroundings that forbid it"
    AIM = "a message that aims at what is missed"


WEIGHTS: Mapping[Kind, int] = {
    Kind.VALID: 80,
    Kind.BODY: 84,
    Kind.VENDOR: 16,
    Kind.SPDM: 12,
    Kind.RECORD: 2,
    Kind.ORDER: 1,
    Kind.OBJECT: 6,
    Kind.ATTACH: 3,
    Kind.ODD_LOCK: 1,
    Kind.AIM: 6,
}

# Where messages are dear most of them aim, and few cost a session.
AIMED: Mapping[Kind, int] = {
    Kind.AIM: 60,
    Kind.BODY: 30,
    Kind.VALID: 12,
    Kind.VENDOR: 8,
    Kind.SPDM: 4,
    Kind.OBJECT: 4,
    Kind.RECORD: 1,
    Kind.ORDER: 1,
}
AIMED_MESSAGES = 400  # enough for all goals


class Surroundings(Protocol):
    """What the host does around the messages."""

    def states(self) -> States:
        """States of all TDIs, in the order of `Scene.names`."""

    def secure(self, block: int = 0) -> bool:
        """Whether a stream is Secure; block 0 has the default stream, block 1 that to a peer."""

    async def settle(self) -> None:
        """Let what the end of a session brings about come to its end."""

    async def revive(self) -> None:
        """Let Enable rise again where a stream was lost, so that it takes new keys."""

    def misconfigured(self) -> AbstractAsyncContextManager[None]:
        """A configuration that no LOCK accepts."""

    def without_entropy(self) -> AbstractAsyncContextManager[None]:
        """No entropy for nonces."""


@dataclass
class Campaign:
    """One run. `prepare` makes a requester that trusts the device.

    Every message depends on the seed of `rng` and on what the device has answered. Messages of
    Kind.AIM aim at `goals`.
    """

    transport: Transport
    prepare: Callable[[], SpdmRequester]
    surroundings: Surroundings
    scene: Scene
    rng: random.Random
    weights: Mapping[Kind, int] = field(default_factory=lambda: WEIGHTS)
    goals: Sequence[Goal] = GOALS
    judge: Judge = field(default_factory=Judge)
    sent: int = 0
    last: bytes = b""  # what was sent last, in plain

    def __post_init__(self) -> None:
        self._kinds, self._shares = list(self.weights), list(self.weights.values())
        self._grammar = Grammar(self.rng, self.scene)
        self._sessions = Sessions(self.prepare, self.rng)
        self._keyed: SecureSession | None = None  # the session that has set the keys

    async def run(self, messages: int) -> None:
        """Send so many; FuzzError when the device breaks a rule."""
        end = self.sent + messages
        while self.sent < end:
            try:
                await self._one()
            except SpdmError as error:
                raise FuzzError(f"no session works: {error}") from error

    async def replay(self, messages: Iterable[bytes]) -> None:
        """Send these, each in one of the sessions; FuzzError as with `run`."""
        for message in messages:
            self.sent += 1
            await self._message(await self._sessions.any(), message)

    async def close(self) -> None:
        """End the sessions, so that somebody else can begin."""
        await self._sessions.close()

    # ------------------------------------------------------------------ one message

    async def _one(self) -> None:
        self.sent += 1
        kind = self.rng.choices(self._kinds, self._shares)[0]
        if kind is Kind.OBJECT:
            await self._object()
        elif kind is Kind.AIM:
            await self._aim()
        elif kind is Kind.ATTACH:
            await self._attach()
        elif kind is Kind.ODD_LOCK:
            await self._odd_lock()
        elif kind is Kind.RECORD:
            await self._record(await self._sessions.any())
        elif kind is Kind.ORDER:
            await self._out_of_order(await self._sessions.any())
        else:
            await self._message(await self._sessions.any(), self._plain(kind))

    def _plain(self, kind: Kind) -> bytes:
        rng, grammar = self.rng, self._grammar
        if kind is Kind.SPDM:
            message = grammar.spdm()
            return mutate(rng, message) if rng.random() < 0.5 else message
        protocol, body = grammar.any_vendor()
        if kind is Kind.BODY:
            body = mutate(rng, body)
        message = grammar.vendor(protocol, body)
        if kind is not Kind.VENDOR:
            return message
        in_place = rng.random() < IN_PLACE
        return mutate_fields(rng, message, VENDOR_HEADER) if in_place else mutate(rng, message)

    async def _message(self, session: SecureSession, message: bytes) -> bytes | None:
        if len(message) > 1 and message[1] in (Request.END_SESSION, Request.KEY_UPDATE):
            return None  # change the keys: not for a message that is made by chance
        self.last = message
        before = self.surroundings.states()
        answer = await session.request(message)
        self.judge.session_message(message, answer, before, self.surroundings.states())
        if answer is not None:
            self._learn(answer)
        return answer

    def _learn(self, answer: bytes) -> None:
        """Keep the nonce of a LOCK, for a START to come."""
        body = answer[PROTOCOL_AT + 1 :]
        locked = (
            answer[1] == Response.VENDOR_DEFINED
            and answer[PROTOCOL_AT] == TDISP
            and body[1] == TdispResponse.LOCK_INTERFACE_RESPONSE
        )
        if locked:
            named = Header.decode(body).interface
            name = InterfaceId.of(named.rid, pasid=named.pasid)
            self.scene.nonces[name] = body[HEADER_SIZE:]

    # ------------------------------------------------------------------ lives of TDIs

    async def _send(self, session: SecureSession, message: bytes) -> bytes | None:
        """A message of a longer course; it counts as well."""
        self.sent += 1
        return await self._message(session, message)

    async def _request(self, session: SecureSession, code: TdispRequest, number: int) -> None:
        await self._send(session, self._grammar.request(code, self.scene.names[number]))

    async def _owner(self) -> SecureSession:
        """A session in which a LOCK can succeed: the default stream is Secure with its keys."""
        around, keyed = self.surroundings, self._keyed
        if keyed is not None and not keyed.alive:
            keyed = None
        if keyed is not None and around.secure() and self.rng.random() < SAME_KEYS:
            return keyed
        await around.revive()
        session = keyed or await self._sessions.any()
        others = [other for other in self._sessions.living() if other is not session]
        if not await self._give_keys(session) and others:  # the stream is another session's
            session = others[0]
            await self._give_keys(session)
        self._keyed = session if around.secure() else None
        return session

    async def _give_keys(self, session: SecureSession, block: int = 0) -> bool:
        """Whether the device takes keys in this session."""
        for number, message in enumerate(self._grammar.key_stream(block)):
            if await self._send(session, message) is None and number == 0:
                return False
        return True

    async def _stop(self, session: SecureSession, number: int) -> None:
        if self.surroundings.states()[number] is not TdiState.CONFIG_UNLOCKED:
            await self._request(session, TdispRequest.STOP_INTERFACE_REQUEST, number)

    async def _start(self, session: SecureSession, number: int, run: bool) -> None:
        """A life that nothing disturbs: CONFIG_LOCKED, and RUN where that is wanted."""
        await self._stop(session, number)
        await self._request(session, TdispRequest.LOCK_INTERFACE_REQUEST, number)
        if self.surroundings.states()[number] is not TdiState.CONFIG_LOCKED:
            await self._end(session)  # a K_SET_STOP has left the stream without keys for good
        elif run:
            await self._request(session, TdispRequest.START_INTERFACE_REQUEST, number)

    async def _end(self, session: SecureSession) -> None:
        before = self.surroundings.states()
        await session.end()
        await self.surroundings.settle()
        self.judge.lost_session(before, self.surroundings.states())

    async def _tdi_in(self, session: SecureSession, states: Collection[TdiState]) -> int:
        """Number of a TDI in one of these states; one is brought there if there is none."""
        now = self.surroundings.states()
        fitting = [number for number, state in enumerate(now) if state in states]
        if fitting:
            return self.rng.choice(fitting)
        number = self.rng.randrange(len(now))
        if TdiState.CONFIG_UNLOCKED in states:
            await self._stop(session, number)
        else:
            await self._start(session, number, TdiState.CONFIG_LOCKED not in states)
        return number

    async def _attach(self) -> None:
        session, number = await self._owner(), self.rng.randrange(len(self.scene.names))
        await self._start(session, number, self.rng.random() < START_SHARE)

    async def _odd_lock(self) -> None:
        session = await self._owner()
        number = await self._tdi_in(session, {TdiState.CONFIG_UNLOCKED})
        around = self.rng.choice((Around.MISCONFIGURED, Around.WITHOUT_ENTROPY))
        message = self._grammar.request(
            TdispRequest.LOCK_INTERFACE_REQUEST, self.scene.names[number]
        )
        async with self._around(around):
            await self._message(session, message)

    async def _aim(self) -> None:
        """A message that a goal asks for; any goal once all were seen."""
        goal = self.rng.choice(missed(self.judge, self.goals) or self.goals)
        wanted, session = aim(goal), await self._owner()
        number = await self._tdi_in(session, wanted.states)
        if not session.alive:  # it could not bring the TDI there
            return
        if wanted.peer and not self.surroundings.secure(PEER_BLOCK):
            await self._give_keys(session, PEER_BLOCK)
        if wanted.first is not None:
            await self._send(session, wanted.first(self._grammar, self.scene.names[number]))
        if wanted.foreign or self.rng.random() < FOREIGN:
            session = await self._sessions.other(session)
        message = wanted.make(self._grammar, self.scene.names[number])
        async with self._around(wanted.around):
            await self._message(session, message)
        if goal.sort is Sort.FOREIGN:
            self.judge.foreign[goal.name] += 1

    def _around(self, around: Around) -> AbstractAsyncContextManager[None]:
        if around is Around.MISCONFIGURED:
            return self.surroundings.misconfigured()
        if around is Around.WITHOUT_ENTROPY:
            return self.surroundings.without_entropy()
        return nullcontext()

    # ------------------------------------------------------------------ records and objects

    async def _record(self, session: SecureSession) -> None:
        self.last = self._plain(Kind.VALID)
        await self._lose(spoil(self.rng, session, self.last), session)

    async def _out_of_order(self, session: SecureSession) -> None:
        """Valid messages in a wrong place; GET_STATE is all that may be carried out."""
        code, name = TdispRequest.GET_DEVICE_INTERFACE_STATE, self.rng.choice(self.scene.names)
        asking, self.last = self._grammar.request(code, name), self._plain(Kind.VALID)
        other = self.rng.choice(self._sessions.living())
        if other is session:
            await self._lose(out_of_order(self.rng, session, asking, self.last), session)
        else:
            records = under_a_false_name(session, other, asking, self.last)
            await self._lose(records, session, other)

    async def _lose(self, records: Sequence[bytes], *sessions: SecureSession) -> None:
        """No session survives that, and nothing is carried out."""
        before = self.surroundings.states()
        for record in records:
            await self.transport.exchange(wrap(ObjectType.SECURED_SPDM, record))
        for session in sessions:
            session.close()
        await self.surroundings.settle()
        self.judge.lost_session(before, self.surroundings.states())

    async def _object(self) -> None:
        raw = self._object_bytes()
        if raw[DOE_HEADER:].startswith(GET_VERSION):
            return
        before = self.surroundings.states()
        answer = await self.transport.exchange(raw)
        self.judge.plain_object(raw, answer, before, self.surroundings.states())

    def _object_bytes(self) -> bytes:
        rng, grammar = self.rng, self._grammar
        messages = (grammar.vendor(*grammar.any_vendor()), grammar.spdm())
        self.last = rng.choice(messages)
        raw = wrap(ObjectType.SPDM, self.last)
        if rng.random() < IN_PLACE:
            raw = DiscoveryRequest(rng.choice((0, 1, 2, 3, 0xFF))).encode()
        way = rng.random()
        if way < IN_PLACE:
            raw = mutate_fields(rng, raw, DOE_HEADER)
        elif way < 1 - IN_PLACE:
            raw = mutate(rng, raw)
        if rng.random() < TOO_LONG:
            raw += bytes(self.scene.longest_object)
        return raw + bytes(-len(raw) % 4)
