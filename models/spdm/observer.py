# SPDX-License-Identifier: Apache-2.0
"""Follows a connection that it only sees, and opens its records with the DHE secrets.

Has no part in the dialogue: it draws everything from the messages, as any decoder of captures has
to (SPDM-KEY-001, SEC-REC-001).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from models.doe.codes import ObjectType
from models.doe.objects import DataObject
from models.spdm.codes import Capability, KeyUpdateOperation, Request, Response, SummaryType
from models.spdm.describe import is_request
from models.spdm.errors import DecodeError, RecordError, SpdmError
from models.spdm.key_schedule import ApplicationSecrets, HandshakeSecrets
from models.spdm.messages import (
    Algorithms,
    Capabilities,
    Certificate,
    Finish,
    FinishRsp,
    GetCapabilities,
    GetCertificate,
    GetVersion,
    KeyExchange,
    KeyExchangeRsp,
    KeyUpdate,
    NegotiateAlgorithms,
    Version,
)
from models.spdm.negotiation import MEASUREMENT_FLAGS, suite_of
from models.spdm.record import RecordCipher, record_session_id
from models.spdm.suite import DEFAULT_SUITE, Suite
from models.spdm.transcript import ConnectionLogs, Transcript, digest

NO_KEYS = "keys are not known"


@dataclass(frozen=True, slots=True)
class Seen:
    """One DOE object: the SPDM message in it, where there is one and it could be read."""

    kind: int  # see ObjectType
    message: bytes | None = None
    session_id: int | None = None
    note: str = ""


@dataclass
class _Direction:
    """One direction of a session: the secret of its keys and how many records have passed."""

    suite: Suite
    secret: bytes
    sequence: int = 0

    def open(self, record: bytes) -> bytes | None:
        """The application data, None when the record is not of this direction."""
        cipher = RecordCipher(self.suite.schedule.record_keys(self.secret), self.sequence)
        try:
            data = cipher.open(record)
        except RecordError:
            return None
        self.sequence += 1
        return data

    def updated(self) -> _Direction:
        """After a key update."""
        return _Direction(self.suite, self.suite.schedule.updated(self.secret))


@dataclass
class _Session:
    suite: Suite
    log: Transcript
    secrets: HandshakeSecrets
    in_the_clear: bool
    request: _Direction
    response: _Direction
    next_response: _Direction | None = None  # while UPDATE_ALL_KEYS is under way
    asked: bytes = b""

    def open(self, record: bytes) -> bytes | None:
        """The application data, whichever way the record goes."""
        if self.next_response is not None:
            data = self.next_response.open(record)
            if data is not None:
                self.response, self.next_response = self.next_response, None
                return data
        data = self.request.open(record)
        return self.response.open(record) if data is None else data

    def install(self, secrets: ApplicationSecrets) -> None:
        """FINISH_RSP has passed."""
        self.request = _Direction(self.suite, secrets.request)
        self.response = _Direction(self.suite, secrets.response)


@dataclass
class _Connection:
    """Everything that GET_VERSION forgets, sessions aside."""

    logs: ConnectionLogs = field(default_factory=ConnectionLogs)
    suite: Suite = DEFAULT_SUITE
    requester_flags: int = 0
    responder_flags: int = 0
    chains: dict[int, bytes] = field(default_factory=dict)
    asked: bytes = b""

    @property
    def in_the_clear(self) -> bool:
        common = self.requester_flags & self.responder_flags
        return bool(common & Capability.HANDSHAKE_IN_THE_CLEAR)


class SpdmObserver:
    """Give it every DOE object of both directions in order."""

    def __init__(self, dhe_secrets: Iterable[bytes] = ()) -> None:
        self._unused = list(dhe_secrets)
        self._connection = _Connection()
        self._sessions: dict[int, _Session] = {}

    def see(self, doe_object: bytes) -> Seen:
        """What an object holds; DoeError when it is none."""
        item = DataObject.decode(doe_object)
        if item.kind == ObjectType.SPDM:
            return self._plain(item.payload)
        if item.kind == ObjectType.SECURED_SPDM:
            return self._secured(item.payload)
        return Seen(item.kind)

    # ------------------------------------------------------------------ plain messages

    def _plain(self, message: bytes) -> Seen:
        note = ""
        try:
            if len(message) > 1 and is_request(message[1]):
                self._asked(message)
            elif len(message) > 1:
                note = self._answered(message)
        except SpdmError as error:
            note = str(error)
        return Seen(ObjectType.SPDM, message, note=note)

    def _asked(self, message: bytes) -> None:
        if message[1] == Request.GET_VERSION:
            self._connection = _Connection()
            self._sessions.clear()
        self._connection.asked = message

    def _answered(self, message: bytes) -> str:
        """Follow an answer; what is to be said about it."""
        connection, code = self._connection, message[1]
        asked, connection.asked = connection.asked, b""
        if not asked:
            return "an answer without a request"
        if code == Response.VERSION:
            self._log(GetVersion.decode_padded(asked)[1], Version.decode_padded(message)[1])
        elif code == Response.CAPABILITIES:
            request, exact = GetCapabilities.decode_padded(asked)
            answer, exact_answer = Capabilities.decode_padded(message)
            connection.requester_flags, connection.responder_flags = request.flags, answer.flags
            self._log(exact, exact_answer)
        elif code == Response.ALGORITHMS:
            algorithms, exact_answer = Algorithms.decode_padded(message)
            self._log(NegotiateAlgorithms.decode_padded(asked)[1], exact_answer)
            connection.suite = suite_of(algorithms)
            connection.logs.restart(connection.suite.base_hash, connection.suite.version)
        elif code == Response.CERTIFICATE:
            self._certificate(asked, message)
        elif code == Response.KEY_EXCHANGE_RSP:
            return self._key_exchange(asked, message)
        elif code == Response.FINISH_RSP:
            self._finish_in_the_clear(asked, message)
        return ""

    def _log(self, request: bytes, answer: bytes) -> None:
        self._connection.logs.negotiation(request, answer)

    def _certificate(self, asked: bytes, message: bytes) -> None:
        request, _ = GetCertificate.decode_padded(asked)
        answer, _ = Certificate.decode_padded(message)
        before = self._connection.chains.get(request.slot, b"")[: request.offset]
        if len(before) == request.offset and not request.size_wanted:
            self._connection.chains[request.slot] = before + answer.portion

    # ------------------------------------------------------------------ sessions

    def _key_exchange(self, asked: bytes, message: bytes) -> str:
        connection, suite = self._connection, self._connection.suite
        request, exact = KeyExchange.decode_padded(asked, suite.shape())
        measured = connection.responder_flags & MEASUREMENT_FLAGS
        shape = suite.shape(
            summary=bool(measured) and request.summary_type != SummaryType.NONE,
            in_the_clear=connection.in_the_clear,
        )
        answer, _ = KeyExchangeRsp.decode_padded(message, shape)
        chain = connection.chains.get(request.slot)
        if chain is None:
            return f"the certificate chain of slot {request.slot} was not seen: {NO_KEYS}"
        log = connection.logs.vca.fork()
        log.append(digest(suite.base_hash, chain), exact, answer.signed_part(), answer.signature)
        secrets = self._handshake(log, answer)
        if secrets is None:
            return NO_KEYS
        log.append(answer.verify_data)
        session_id = answer.responder_session_id << 16 | request.requester_session_id
        self._sessions[session_id] = _Session(
            suite,
            log,
            secrets,
            connection.in_the_clear,
            _Direction(suite, secrets.request),
            _Direction(suite, secrets.response),
        )
        return ""

    def _handshake(self, log: Transcript, answer: KeyExchangeRsp) -> HandshakeSecrets | None:
        """The secrets of the first unused DHE secret that fits."""
        schedule, th1 = self._connection.suite.schedule, log.digest()
        for number, dhe_secret in enumerate(self._unused):
            secrets = schedule.handshake(dhe_secret, th1)
            proof = schedule.verify_data(secrets.response, th1)
            fits = hmac.compare_digest(proof, answer.verify_data)
            if fits or self._connection.in_the_clear:  # which has nothing to compare with
                del self._unused[: number + 1]
                return secrets
        return None

    def _finish_in_the_clear(self, asked: bytes, message: bytes) -> None:
        waiting = [s for s in self._sessions.values() if s.in_the_clear and not s.request.sequence]
        if not waiting:
            return
        self._finish(waiting[-1], asked, message)

    def _finish(self, session: _Session, asked: bytes, message: bytes) -> None:
        shape = session.suite.shape(in_the_clear=session.in_the_clear)
        _, exact = Finish.decode_padded(asked, shape)
        answer, _ = FinishRsp.decode_padded(message, shape)
        head = replace(answer, verify_data=b"").encode()
        log = session.log.fork().append(exact, head, answer.verify_data)
        schedule = session.suite.schedule
        session.install(schedule.application(session.secrets.handshake, log.digest()))

    def _secured(self, record: bytes) -> Seen:
        kind = ObjectType.SECURED_SPDM
        try:
            session_id = record_session_id(record)
        except RecordError as error:
            return Seen(kind, note=str(error))
        session = self._sessions.get(session_id)
        if session is None:
            return Seen(kind, session_id=session_id, note=NO_KEYS)
        data = session.open(record)
        if data is None:
            return Seen(kind, session_id=session_id, note="no key fits")
        note = ""
        try:
            self._inside(session_id, session, data)
        except DecodeError as error:
            note = str(error)
        return Seen(kind, data, session_id, note)

    def _inside(self, session_id: int, session: _Session, message: bytes) -> None:
        """Follow a message of a session."""
        code = message[1] if len(message) > 1 else 0
        if is_request(code):
            session.asked = message
            both = bytes((Request.KEY_UPDATE, KeyUpdateOperation.UPDATE_ALL_KEYS))
            if message[1:3] == both:
                session.next_response = session.response.updated()
            return
        asked, session.asked = session.asked, b""
        if code == Response.FINISH_RSP:
            self._finish(session, asked, message)
        elif code == Response.END_SESSION_ACK:
            self._sessions.pop(session_id)
        elif code == Response.KEY_UPDATE_ACK:
            operation = KeyUpdate.decode(asked).operation
            if operation != KeyUpdateOperation.VERIFY_NEW_KEY:
                session.request = session.request.updated()
        else:
            session.next_response = None
