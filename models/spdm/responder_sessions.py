# SPDX-License-Identifier: Apache-2.0
"""Responder: sessions from KEY_EXCHANGE to END_SESSION (SPDM-KEX-001 to SPDM-SES-003).

With HANDSHAKE_IN_THE_CLEAR on both sides FINISH is a plain message and names no session: it belongs
to the last KEY_EXCHANGE, and one that was not finished by then never can be.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from models.spdm.codes import (
    NONCE_SIZE,
    OPAQUE_FORMAT_1,
    VERSION_1_2,
    VERSION_1_3,
    Capability,
    ErrorCode,
    KeyUpdateOperation,
)
from models.spdm.curves import OF_DHE
from models.spdm.key_log import KeyLog, SessionKeyLog
from models.spdm.key_port import Direction, SessionKeyPort
from models.spdm.key_schedule import ApplicationSecrets
from models.spdm.messages import (
    EndSession,
    EndSessionAck,
    Finish,
    FinishRsp,
    Heartbeat,
    HeartbeatAck,
    KeyExchange,
    KeyExchangeRsp,
    KeyUpdate,
    KeyUpdateAck,
)
from models.spdm.messages.base import PADDING_MAX
from models.spdm.opaque import decode_supported, encode_selected
from models.spdm.responder_attestation import Attestor
from models.spdm.responder_state import (
    Connection,
    RefusedError,
    ResponderConfig,
    Session,
    SessionPhase,
)
from models.spdm.signing import SigningContext, exchange_data, private_key, shared_secret

SESSION_ID_LIMIT = 1 << 16
HEARTBEAT_GRACE = 2  # a session ends after twice the period without a request
# IDE_KM and TDISP have their responders in the record layer, which knows this version only.
VENDOR_DEFINED_VERSION = VERSION_1_2
# A key update while another is under way, or a verification without one; libspdm answers so.
KEY_UPDATE_OUT_OF_ORDER = ErrorCode.INVALID_REQUEST
EVENT_ALL_POLICY = 2  # bit of the session policy, from version 1.3 on


def compose_session_id(responder_id: int, requester_id: int) -> int:
    """SPDM-SES-001."""
    return responder_id << 16 | requester_id


class SessionTable:
    """The sessions of a responder and the keys it gives to the record layer."""

    def __init__(
        self,
        attestor: Attestor,
        port: SessionKeyPort,
        config: ResponderConfig,
        key_log: KeyLog | None = None,
    ) -> None:
        self._attestor = attestor
        self._port = port
        self._config = config
        self._key_log = key_log
        self._sessions: dict[int, Session] = {}
        self._last_responder_id = 0

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the living sessions."""
        return tuple(self._sessions)

    def get(self, session_id: int) -> Session | None:
        """The session, None when it does not live."""
        return self._sessions.get(session_id)

    @property
    def in_the_clear(self) -> Session | None:
        """The session that a plain FINISH belongs to."""
        waiting = (s for s in self._sessions.values() if not s.has_keys)
        return next(waiting, None)

    def forget(self, session_id: int) -> None:
        """Drop a session that the record layer has ended already."""
        self._sessions.pop(session_id, None)

    def forget_all(self) -> None:
        """Drop all sessions without a word to the record layer."""
        self._sessions.clear()

    def end_all(self) -> None:
        """Drop all sessions and their keys, now (SEC-REC-008)."""
        self._sessions.clear()
        self._port.end_all()

    def expire(self, now: float) -> None:
        """End sessions without a request for twice their heartbeat period; `now` in seconds."""
        late = [
            session
            for session in self._sessions.values()
            if session.heartbeat_period
            and now - session.last_heard > HEARTBEAT_GRACE * session.heartbeat_period
        ]
        for session in late:
            self.end(session, deferred=False)

    def _new_responder_id(self) -> int:
        taken = {session_id >> 16 for session_id in self._sessions}
        number = self._last_responder_id
        while True:
            number = number % (SESSION_ID_LIMIT - 1) + 1
            if number not in taken:
                self._last_responder_id = number
                return number

    def _select_version(self, opaque: bytes, connection: Connection) -> int:
        version = connection.suite.version
        formats = connection.algorithms.other_params if connection.algorithms else 0
        if version >= VERSION_1_2 and formats != OPAQUE_FORMAT_1:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        offered = decode_supported(opaque, version)
        for secured_version in self._config.secured_versions:
            if secured_version in offered:
                return secured_version
        raise RefusedError(ErrorCode.INVALID_REQUEST)

    def key_exchange(self, raw: bytes, connection: Connection) -> tuple[bytes, Session]:
        """The answer to KEY_EXCHANGE and the session that `open` then admits."""
        suite = connection.suite
        request, exact = KeyExchange.decode_padded(raw, suite.shape())
        identity = self._attestor.identity(request.slot, suite)
        if request.version >= VERSION_1_3 and request.policy & EVENT_ALL_POLICY:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        summary = self._attestor.summary(request.summary_type, suite)
        selected = self._select_version(request.opaque, connection)
        opaque = encode_selected(selected, suite.version)
        entropy = self._attestor.entropy
        key = private_key(entropy, OF_DHE[suite.dhe])
        secret = shared_secret(key, request.exchange_data)
        common = connection.requester_flags & self._config.flags
        in_the_clear = bool(common & Capability.HANDSHAKE_IN_THE_CLEAR)
        if len(self._sessions) - bool(self.in_the_clear) >= self._config.max_sessions:
            raise RefusedError(ErrorCode.SESSION_LIMIT_EXCEEDED)
        beats = common & Capability.HBEAT
        answer = KeyExchangeRsp(
            version=suite.version,
            heartbeat_period=self._config.heartbeat_period if beats else 0,
            responder_session_id=self._new_responder_id(),
            random=entropy.randbytes(NONCE_SIZE),
            exchange_data=exchange_data(key),
            summary=summary,
            opaque=opaque,
        )
        chain_hash = identity.digest_under(suite.base_hash)
        log = connection.logs.vca.fork().append(chain_hash, exact, answer.signed_part())
        signature = identity.sign(SigningContext.KEY_EXCHANGE_RSP, log.digest(), suite)
        th1 = log.append(signature).digest()
        secrets = suite.schedule.handshake(secret, th1)
        verify_data = b"" if in_the_clear else suite.schedule.verify_data(secrets.response, th1)
        log.append(verify_data)
        session = Session(
            compose_session_id(answer.responder_session_id, request.requester_session_id),
            log,
            connection.logs.new_measurements(),
            secrets,
            suite,
            in_the_clear,
            dhe_secret=secret,
            heartbeat_period=answer.heartbeat_period,
        )
        answer = replace(answer, signature=signature, verify_data=verify_data)
        return answer.encode(), session

    def open(self, session: Session) -> None:
        """Admit a session and load its handshake keys, if it uses them."""
        secrets = session.handshake
        if secrets is None:
            raise RefusedError(ErrorCode.UNSPECIFIED)
        if (unfinished := self.in_the_clear) is not None:
            self.forget(unfinished.session_id)
        self._sessions[session.session_id] = session
        self._log_of(session).handshake(session.dhe_secret, secrets)
        session.dhe_secret = b""
        if session.in_the_clear:
            return
        for direction, secret in (
            (Direction.REQUEST, secrets.request),
            (Direction.RESPONSE, secrets.response),
        ):
            self._load(session, direction, secret, deferred=False)

    def _log_of(self, session: Session) -> SessionKeyLog:
        return SessionKeyLog(self._key_log, session.session_id, session.suite)

    def _load(
        self,
        session: Session,
        direction: Direction,
        secret: bytes,
        *,
        deferred: bool,
    ) -> None:
        keys = session.suite.schedule.record_keys(secret)
        established = session.phase is SessionPhase.ESTABLISHED
        application = established and session.suite.version == VENDOR_DEFINED_VERSION
        self._port.load(
            session.session_id,
            direction,
            keys.key,
            keys.iv,
            application=application,
            deferred=deferred,
        )

    def end(self, session: Session, *, deferred: bool = True) -> None:
        """Drop a session; its keys go once the current response was sealed, or now."""
        self.forget(session.session_id)
        if session.has_keys:
            self._port.end_session(session.session_id, deferred=deferred)

    def finish(self, raw: bytes, session: Session) -> bytes:
        """Answer FINISH; wrong verify data ends the session (SPDM-KEX-002)."""
        suite, schedule = session.suite, session.suite.schedule
        padding_max = PADDING_MAX if session.in_the_clear else 0
        request, _ = Finish.decode_padded(raw, suite.shape(), padding_max)
        if request.signature or session.handshake is None:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        log = session.transcript.fork().append(request.authenticated_part())
        expected = schedule.verify_data(session.handshake.request, log.digest())
        if not hmac.compare_digest(expected, request.verify_data):
            self.end(session)
            raise RefusedError(ErrorCode.DECRYPT_ERROR)
        answer = FinishRsp(version=suite.version)
        log.append(request.verify_data, answer.encode())
        if session.in_the_clear:
            proof = schedule.verify_data(session.handshake.response, log.digest())
            answer = replace(answer, verify_data=proof)
            log.append(proof)
        session.application = schedule.application(session.handshake.handshake, log.digest())
        self._log_of(session).application(session.handshake.handshake, session.application)
        session.handshake = None
        session.phase = SessionPhase.ESTABLISHED
        for direction, secret in (
            (Direction.REQUEST, session.application.request),
            (Direction.RESPONSE, session.application.response),
        ):
            self._load(session, direction, secret, deferred=True)
        return answer.encode()

    def heartbeat(self, raw: bytes, session: Session) -> bytes:
        """Answer HEARTBEAT."""
        Heartbeat.decode(raw)
        return HeartbeatAck(version=session.suite.version).encode()

    def end_session(self, raw: bytes, session: Session) -> bytes:
        """Answer END_SESSION under the session's keys, which then go (SPDM-SES-002)."""
        EndSession.decode(raw)
        self.end(session)
        return EndSessionAck(version=session.suite.version).encode()

    def key_update(self, raw: bytes, session: Session) -> bytes:
        """Answer KEY_UPDATE; one update has to be verified before the next."""
        request = KeyUpdate.decode(raw)
        if request.operation not in KeyUpdateOperation.__members__.values():
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        verifying = request.operation == KeyUpdateOperation.VERIFY_NEW_KEY
        if session.application is None or verifying != session.update_pending:
            raise RefusedError(KEY_UPDATE_OUT_OF_ORDER)
        if not verifying:
            both = request.operation == KeyUpdateOperation.UPDATE_ALL_KEYS
            session.application = self._update(session, session.application, both=both)
        session.update_pending = not verifying
        return KeyUpdateAck(
            version=session.suite.version, operation=request.operation, tag=request.tag
        ).encode()

    def _update(
        self, session: Session, secrets: ApplicationSecrets, *, both: bool
    ) -> ApplicationSecrets:
        schedule, log = session.suite.schedule, self._log_of(session)
        if both:  # the acknowledgement already uses the new response key
            response = schedule.updated(secrets.response)
            secrets = replace(secrets, response=response)
            self._load(session, Direction.RESPONSE, response, deferred=False)
            log.updated_response(response)
        request = schedule.updated(secrets.request)
        self._load(session, Direction.REQUEST, request, deferred=True)
        log.updated_request(request)
        return replace(secrets, request=request)
