# SPDX-License-Identifier: Apache-2.0
"""Responder: sessions from KEY_EXCHANGE to END_SESSION (SPDM-KEX-001 to SPDM-SES-003)."""

from __future__ import annotations

import hmac
from dataclasses import replace

from models.spdm.codes import NONCE_SIZE, Capability, ErrorCode, KeyUpdateOperation
from models.spdm.key_port import Direction, SessionKeyPort
from models.spdm.key_schedule import ApplicationSecrets, KeySchedule
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
from models.spdm.opaque import decode_supported, encode_selected
from models.spdm.record import RecordKeys
from models.spdm.responder_attestation import SLOT, Attestor
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


def compose_session_id(responder_id: int, requester_id: int) -> int:
    """SPDM-SES-001."""
    return responder_id << 16 | requester_id


class SessionTable:
    """The sessions of a responder and the keys it gives to the record layer."""

    def __init__(self, attestor: Attestor, port: SessionKeyPort, config: ResponderConfig) -> None:
        self._attestor = attestor
        self._port = port
        self._config = config
        self._schedule = KeySchedule()
        self._sessions: dict[int, Session] = {}
        self._last_responder_id = 0

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the living sessions."""
        return tuple(self._sessions)

    def get(self, session_id: int) -> Session | None:
        """The session, None when it does not live."""
        return self._sessions.get(session_id)

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
        """End sessions without a request for twice the heartbeat period; `now` in seconds."""
        limit = HEARTBEAT_GRACE * self._config.heartbeat_period
        late = [s for s in self._sessions.values() if limit and now - s.last_heard > limit]
        for session in late:
            self.forget(session.session_id)
            self._port.end_session(session.session_id, deferred=False)

    def _new_responder_id(self) -> int:
        taken = {session_id >> 16 for session_id in self._sessions}
        number = self._last_responder_id
        while True:
            number = number % (SESSION_ID_LIMIT - 1) + 1
            if number not in taken:
                self._last_responder_id = number
                return number

    def _select_version(self, opaque: bytes) -> int:
        offered = decode_supported(opaque)
        for version in self._config.secured_versions:
            if version in offered:
                return version
        raise RefusedError(ErrorCode.INVALID_REQUEST)

    def key_exchange(self, raw: bytes, connection: Connection) -> tuple[bytes, Session]:
        """The answer to KEY_EXCHANGE and the session that `open` then admits."""
        request, exact = KeyExchange.decode_padded(raw)
        if request.slot != SLOT:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        summary = self._attestor.summary(request.summary_type)
        opaque = encode_selected(self._select_version(request.opaque))
        entropy, identity = self._attestor.entropy, self._attestor.identity
        key = private_key(entropy)
        secret = shared_secret(key, request.exchange_data)
        if len(self._sessions) >= self._config.max_sessions:
            raise RefusedError(ErrorCode.SESSION_LIMIT_EXCEEDED)
        beats = connection.common_flags & self._config.flags & Capability.HBEAT
        answer = KeyExchangeRsp(
            heartbeat_period=self._config.heartbeat_period if beats else 0,
            responder_session_id=self._new_responder_id(),
            random=entropy.randbytes(NONCE_SIZE),
            exchange_data=exchange_data(key),
            summary=summary,
            opaque=opaque,
        )
        log = connection.logs.vca.fork().append(identity.chain_digest, exact, answer.signed_part())
        signature = identity.sign(SigningContext.KEY_EXCHANGE_RSP, log.digest())
        th1 = log.append(signature).digest()
        secrets = self._schedule.handshake(secret, th1)
        verify_data = self._schedule.verify_data(secrets.response, th1)
        log.append(verify_data)
        session = Session(
            compose_session_id(answer.responder_session_id, request.requester_session_id),
            log,
            connection.logs.vca.fork(),
            secrets,
        )
        answer = replace(answer, signature=signature, verify_data=verify_data)
        return answer.encode(), session

    def open(self, session: Session) -> None:
        """Admit a session and load its handshake keys."""
        secrets = session.handshake
        if secrets is None:
            raise RefusedError(ErrorCode.UNSPECIFIED)
        self._sessions[session.session_id] = session
        for direction, secret in (
            (Direction.REQUEST, secrets.request),
            (Direction.RESPONSE, secrets.response),
        ):
            self._load(session, direction, secret, application=False, deferred=False)

    def _load(
        self,
        session: Session,
        direction: Direction,
        secret: bytes,
        *,
        application: bool,
        deferred: bool,
    ) -> None:
        keys: RecordKeys = self._schedule.record_keys(secret)
        self._port.load(
            session.session_id,
            direction,
            keys.key,
            keys.iv,
            application=application,
            deferred=deferred,
        )

    def end(self, session: Session) -> None:
        """Drop a session; its keys go once the current response was sealed."""
        self.forget(session.session_id)
        self._port.end_session(session.session_id, deferred=True)

    def finish(self, raw: bytes, session: Session) -> bytes:
        """Answer FINISH; wrong verify data ends the session (SPDM-KEX-002)."""
        request = Finish.decode(raw)
        if request.signature or session.handshake is None:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        log = session.transcript.fork().append(request.authenticated_part())
        expected = self._schedule.verify_data(session.handshake.request, log.digest())
        if not hmac.compare_digest(expected, request.verify_data):
            self.end(session)
            raise RefusedError(ErrorCode.DECRYPT_ERROR)
        answer = FinishRsp().encode()
        th2 = log.append(request.verify_data, answer).digest()
        session.application = self._schedule.application(session.handshake.handshake, th2)
        session.handshake = None
        session.phase = SessionPhase.ESTABLISHED
        for direction, secret in (
            (Direction.REQUEST, session.application.request),
            (Direction.RESPONSE, session.application.response),
        ):
            self._load(session, direction, secret, application=True, deferred=True)
        return answer

    def heartbeat(self, raw: bytes) -> bytes:
        """Answer HEARTBEAT."""
        Heartbeat.decode(raw)
        return HeartbeatAck().encode()

    def end_session(self, raw: bytes, session: Session) -> bytes:
        """Answer END_SESSION under the session's keys, which then go (SPDM-SES-002)."""
        EndSession.decode(raw)
        self.end(session)
        return EndSessionAck().encode()

    def key_update(self, raw: bytes, session: Session) -> bytes:
        """Answer KEY_UPDATE; one update has to be verified before the next."""
        request = KeyUpdate.decode(raw)
        if request.operation not in KeyUpdateOperation.__members__.values():
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        verifying = request.operation == KeyUpdateOperation.VERIFY_NEW_KEY
        if session.application is None or verifying != session.update_pending:
            raise RefusedError(ErrorCode.UNEXPECTED_REQUEST)
        if not verifying:
            both = request.operation == KeyUpdateOperation.UPDATE_ALL_KEYS
            session.application = self._update(session, session.application, both=both)
        session.update_pending = not verifying
        return KeyUpdateAck(operation=request.operation, tag=request.tag).encode()

    def _update(
        self, session: Session, secrets: ApplicationSecrets, *, both: bool
    ) -> ApplicationSecrets:
        if both:  # the acknowledgement already uses the new response key
            response = self._schedule.updated(secrets.response)
            secrets = replace(secrets, response=response)
            self._load(session, Direction.RESPONSE, response, application=True, deferred=False)
        request = self._schedule.updated(secrets.request)
        self._load(session, Direction.REQUEST, request, application=True, deferred=True)
        return replace(secrets, request=request)
