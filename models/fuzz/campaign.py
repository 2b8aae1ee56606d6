# SPDX-License-Identifier: Apache-2.0
"""Sends spoiled messages to a device and judges every answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from models.doe.codes import ObjectType
from models.fuzz.grammar import Grammar, Scene
from models.fuzz.judge import PROTOCOL_AT, FuzzError, Judge, States
from models.fuzz.mutations import mutate
from models.spdm.carrier import wrap
from models.spdm.codes import Request, Response
from models.spdm.errors import SpdmError
from models.spdm.requester import SpdmRequester
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import HEADER_SIZE, TdiState
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.codes import Response as TdispResponse
from models.transport import Transport

SESSIONS = 2  # messages are interleaved over them
VALID, SPOILED_BODY, SPOILED_VENDOR, SPDM, RECORD, OBJECT, ATTACH, ODD_LOCK = range(8)
WEIGHTS = (80, 84, 16, 12, 2, 6, 3, 1)
START_SHARE = 0.6  # of the TDIs that are attached


class Surroundings(Protocol):
    """What the host does around the messages."""

    def states(self) -> States:
        """States of all TDIs, in the order of `Scene.rids`."""

    async def revive(self) -> None:
        """Let Enable rise again where a stream was lost, so that it takes new keys."""

    def misconfigured(self) -> AbstractAsyncContextManager[None]:
        """A configuration that no LOCK accepts."""

    def without_entropy(self) -> AbstractAsyncContextManager[None]:
        """No entropy for nonces."""


@dataclass
class Campaign:
    """One run. `prepare` makes a requester that trusts the device.

    Every message depends on the seed of `rng` and on what the device has answered.
    """

    transport: Transport
    prepare: Callable[[], SpdmRequester]
    surroundings: Surroundings
    scene: Scene
    rng: random.Random
    weights: tuple[int, ...] = WEIGHTS
    judge: Judge = field(default_factory=Judge)
    sent: int = 0
    last: bytes = b""  # what was sent last, in plain

    def __post_init__(self) -> None:
        self._grammar = Grammar(self.rng, self.scene)
        self._requester: SpdmRequester | None = None
        self._sessions: list[SecureSession] = []

    async def run(self, messages: int) -> None:
        """Send so many; FuzzError when the device breaks a rule."""
        end = self.sent + messages
        while self.sent < end:
            await self._one()

    async def close(self) -> None:
        """End the sessions, so that somebody else can begin."""
        for session in self._living():
            await session.end()

    # ------------------------------------------------------------------ one message

    async def _one(self) -> None:
        self.sent += 1
        kind = self.rng.choices(range(len(self.weights)), self.weights)[0]
        if kind == OBJECT:
            await self._object()
            return
        session = await self._session()
        if kind == RECORD:
            await self._record(session)
        elif kind == ATTACH:
            await self._attach(session)
        elif kind == ODD_LOCK:
            await self._odd_lock(session)
        else:
            await self._message(session, self._plain(kind))

    def _plain(self, kind: int) -> bytes:
        grammar = self._grammar
        if kind == SPDM:
            message = grammar.spdm()
            return mutate(self.rng, message) if self.rng.random() < 0.5 else message
        protocol, body = grammar.any_vendor()
        if kind == SPOILED_BODY:
            body = mutate(self.rng, body)
        message = grammar.vendor(protocol, body)
        return mutate(self.rng, message) if kind == SPOILED_VENDOR else message

    async def _message(self, session: SecureSession, message: bytes) -> None:
        if len(message) > 1 and message[1] in (Request.END_SESSION, Request.KEY_UPDATE):
            return  # change the keys: not for a message that is made by chance
        self.last = message
        before = self.surroundings.states()
        answer = await session.request(message)
        self.judge.session_message(message, answer, before, self.surroundings.states())
        if answer is not None:
            self._learn(answer)

    def _learn(self, answer: bytes) -> None:
        """Keep the nonce of a LOCK, for a START to come."""
        body = answer[PROTOCOL_AT + 1 :]
        locked = (
            answer[1] == Response.VENDOR_DEFINED
            and answer[PROTOCOL_AT] == TDISP
            and body[1] == TdispResponse.LOCK_INTERFACE_RESPONSE
        )
        if locked:
            self.scene.nonces[int.from_bytes(body[4:6], "little")] = body[HEADER_SIZE:]

    async def _unlock(self, session: SecureSession) -> tuple[int, int]:
        """Number and Requester ID of a TDI that is stopped, with keys of its stream."""
        await self.surroundings.revive()
        number = self.rng.randrange(len(self.scene.rids))
        rid, messages = self.scene.rids[number], list(self._grammar.keys())
        if self.surroundings.states()[number] is not TdiState.CONFIG_UNLOCKED:
            messages.insert(0, self._grammar.stop(rid))
        for message in messages:
            self.sent += 1
            await self._message(session, message)
        return number, rid

    async def _attach(self, session: SecureSession) -> None:
        """A life that nothing disturbs begins: from keys to RUN, or half the way."""
        number, rid = await self._unlock(session)
        await self._message(session, self._grammar.lock(rid))
        locked = self.surroundings.states()[number] is TdiState.CONFIG_LOCKED
        if locked and self.rng.random() < START_SHARE:
            await self._message(session, self._grammar.start(rid))

    async def _odd_lock(self, session: SecureSession) -> None:
        """A LOCK that what surrounds the device forbids."""
        _, rid = await self._unlock(session)
        around = self.surroundings
        odd = self.rng.choice((around.misconfigured, around.without_entropy))
        async with odd():
            await self._message(session, self._grammar.lock(rid))

    async def _record(self, session: SecureSession) -> None:
        """A spoiled record: no session survives that, and nothing is carried out."""
        message = self._plain(VALID)
        self.last = message
        raw = session.seal(message)
        spoiled = mutate(self.rng, raw)
        if spoiled[: len(raw)] == raw:
            spoiled = raw[:-1] + bytes((raw[-1] ^ 1,))
        await self.transport.exchange(wrap(ObjectType.SECURED_SPDM, spoiled))
        session.close()
        self._sessions.remove(session)

    async def _object(self) -> None:
        """A spoiled DOE object, or a plain message that does not begin a connection."""
        rng = self.rng
        _, body = self._grammar.any_vendor()
        message = self._grammar.vendor(TDISP, body) if rng.random() < 0.5 else self._grammar.spdm()
        self.last = message
        raw = wrap(ObjectType.SPDM, message)
        raw = mutate(rng, raw) if rng.random() < 0.8 else raw
        raw += bytes(-len(raw) % 4)
        if raw[8:10] == b"\x10\x84":
            return
        before = self.surroundings.states()
        answer = await self.transport.exchange(raw)
        if before != self.surroundings.states():
            raise FuzzError(f"a plain object moves a TDI: {raw.hex()}")
        if answer is not None and len(answer) != 4 * int.from_bytes(answer[4:7], "little"):
            raise FuzzError(f"an object of a wrong length: {answer.hex()}")
        self.judge.answers["plain silence" if answer is None else "plain"] += 1

    # ------------------------------------------------------------------ sessions

    def _living(self) -> list[SecureSession]:
        self._sessions = [session for session in self._sessions if session.alive]
        return self._sessions

    async def _session(self) -> SecureSession:
        """One of the sessions; those that were lost are opened again."""
        while len(self._living()) < SESSIONS:
            self._sessions.append(await self._open())
        return self.rng.choice(self._sessions)

    async def _open(self) -> SecureSession:
        if self._requester is not None:
            try:
                return await self._requester.start_session()
            except SpdmError:  # the device still holds lost sessions
                self._sessions.clear()
        self._requester = self.prepare()
        await self._requester.connect()
        await self._requester.get_digests()
        await self._requester.get_certificate()
        return await self._requester.start_session()
