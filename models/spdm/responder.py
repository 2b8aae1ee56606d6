# SPDX-License-Identifier: Apache-2.0
"""The device's Root of Trust: answers SPDM messages, gives session keys to the record layer.

It meets the device at two places only: messages in and out, and the session-key port.
Records are sealed and opened by the device (SEC-REC-001), as are IDE_KM and TDISP messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.spdm.codes import (
    DATA_TRANSFER_SIZE_MIN,
    VERSION_1_0,
    VERSION_1_2,
    Capability,
    ErrorCode,
    Request,
)
from models.spdm.errors import DecodeError, NegotiationError
from models.spdm.identity import DeviceIdentity
from models.spdm.key_port import SessionKeyPort
from models.spdm.measurements import DeviceState, Measurement
from models.spdm.messages import (
    Capabilities,
    Challenge,
    Error,
    GetCapabilities,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    GetVersion,
    Header,
    NegotiateAlgorithms,
    Version,
    is_pci_protocol_request,
)
from models.spdm.messages.base import PADDING_MAX
from models.spdm.negotiation import (
    MEASUREMENT_FLAGS,
    SESSION_FLAGS,
    check_requester_flags,
    check_sizes,
    select,
)
from models.spdm.responder_attestation import Attestor
from models.spdm.responder_sessions import SessionTable
from models.spdm.responder_state import (
    Connection,
    Phase,
    RefusedError,
    ResponderConfig,
    Session,
    SessionPhase,
)
from models.spdm.signing import Entropy


@dataclass(frozen=True, slots=True)
class _Rule:
    """Where a request is allowed and what it takes."""

    phase: Phase = Phase.NEGOTIATED
    session: SessionPhase | None = None  # the session phase it is allowed in
    plain: bool = True
    own: int = 0  # flags of which the device needs at least one
    common: int = 0  # flags that both sides need


_ESTABLISHED = SessionPhase.ESTABLISHED
RULES: dict[int, _Rule] = {
    Request.GET_CAPABILITIES: _Rule(Phase.AFTER_VERSION),
    Request.NEGOTIATE_ALGORITHMS: _Rule(Phase.AFTER_CAPABILITIES),
    Request.GET_DIGESTS: _Rule(session=_ESTABLISHED, own=Capability.CERT),
    Request.GET_CERTIFICATE: _Rule(session=_ESTABLISHED, own=Capability.CERT),
    Request.CHALLENGE: _Rule(own=Capability.CHAL),
    Request.GET_MEASUREMENTS: _Rule(session=_ESTABLISHED, own=MEASUREMENT_FLAGS),
    Request.KEY_EXCHANGE: _Rule(common=SESSION_FLAGS),
    Request.FINISH: _Rule(session=SessionPhase.HANDSHAKE, plain=False, common=SESSION_FLAGS),
    Request.HEARTBEAT: _Rule(session=_ESTABLISHED, plain=False, common=Capability.HBEAT),
    Request.KEY_UPDATE: _Rule(session=_ESTABLISHED, plain=False, common=Capability.KEY_UPD),
    Request.END_SESSION: _Rule(session=_ESTABLISHED, plain=False, common=SESSION_FLAGS),
    Request.VENDOR_DEFINED: _Rule(session=_ESTABLISHED),
}


class SpdmResponder:
    """Takes one message at a time and gives its answer, or None for silence."""

    def __init__(
        self,
        identity: DeviceIdentity,
        port: SessionKeyPort,
        entropy: Entropy,
        config: ResponderConfig | None = None,
        measurements: tuple[Measurement, ...] | None = None,
    ) -> None:
        self.config = config or ResponderConfig()
        blocks = DeviceState().measurements() if measurements is None else measurements
        self._attestor = Attestor(identity, blocks, entropy)
        self._sessions = SessionTable(self._attestor, port, self.config)
        self._connection = Connection()
        self._now = 0.0
        self._handlers: dict[int, Callable[[bytes, Session | None], bytes]] = {
            Request.GET_CAPABILITIES: self._capabilities,
            Request.NEGOTIATE_ALGORITHMS: self._algorithms,
            Request.GET_DIGESTS: self._digests,
            Request.GET_CERTIFICATE: self._certificate,
            Request.CHALLENGE: self._challenge,
            Request.GET_MEASUREMENTS: self._measurements,
            Request.KEY_EXCHANGE: self._key_exchange,
        }
        self._session_handlers: dict[int, Callable[[bytes, Session], bytes]] = {
            Request.FINISH: self._sessions.finish,
            Request.HEARTBEAT: lambda raw, _: self._sessions.heartbeat(raw),
            Request.KEY_UPDATE: self._sessions.key_update,
            Request.END_SESSION: self._sessions.end_session,
        }

    @property
    def session_ids(self) -> tuple[int, ...]:
        """Ids of the living sessions."""
        return self._sessions.ids

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """What the device reports about itself."""
        return self._attestor.measurements

    @measurements.setter
    def measurements(self, blocks: tuple[Measurement, ...]) -> None:
        self._attestor.measurements = blocks

    def reset(self) -> None:
        """Conventional reset: connection and sessions are gone, as are the device's keys."""
        self._connection = Connection()
        self._sessions.forget_all()

    def session_ended(self, session_id: int) -> None:
        """The record layer ended this session and has no keys of it any more (SPDM-SES-003)."""
        self._sessions.forget(session_id)

    def advance_time(self, now: float) -> None:
        """Tell the time in seconds; sessions whose heartbeat is overdue end."""
        self._now = now
        self._sessions.expire(now)

    def handle(self, message: bytes, session_id: int | None = None) -> bytes | None:
        """The answer to one SPDM message, None for silence.

        A plain `message` may end in DW padding. The answer has no padding and goes out the
        way the request came. A session id that is not known gets silence (SEC-REC-005), as
        do IDE_KM and TDISP outside a session (SEC-VDM-002).
        """
        session = None
        if session_id is not None:
            session = self._sessions.get(session_id)
            if session is None:
                return None
            session.last_heard = self._now
        elif is_pci_protocol_request(message):
            return None
        try:
            return self._answer(message, session)
        except RefusedError as refusal:
            return self._error(message, refusal)
        except (DecodeError, NegotiationError):
            return self._error(message, RefusedError(ErrorCode.INVALID_REQUEST))

    def _error(self, message: bytes, refusal: RefusedError) -> bytes:
        version = self._connection.version
        if self._connection.phase is Phase.AFTER_VERSION:
            first = bytes((VERSION_1_2, Request.GET_CAPABILITIES))
            version = VERSION_1_2 if message[:2] == first else version
        return Error(
            version=version, code=refusal.code, data=refusal.data, extended=refusal.extended
        ).encode()

    def _answer(self, message: bytes, session: Session | None) -> bytes:
        if len(message) > self.config.message_size + PADDING_MAX:
            raise RefusedError(ErrorCode.REQUEST_TOO_LARGE)
        header = Header.decode(message)
        if header.code == Request.GET_VERSION:
            return self._version(message, header, session)
        rule = RULES.get(header.code)
        if rule is None:
            raise RefusedError(ErrorCode.UNSUPPORTED_REQUEST, header.code)
        self._check(header, rule, session)
        self._connection.logs.begin(header.code, session)
        if handler := self._handlers.get(header.code):
            return handler(message, session)
        if session is None or header.code not in self._session_handlers:
            raise RefusedError(ErrorCode.UNSUPPORTED_REQUEST, header.code)
        return self._session_handlers[header.code](message, session)

    def _check(self, header: Header, rule: _Rule, session: Session | None) -> None:
        """Order, version and capabilities, before anything else is looked at."""
        connection = self._connection
        if connection.requester and header.version != connection.version:
            raise RefusedError(ErrorCode.VERSION_MISMATCH)
        if connection.phase is not rule.phase:
            raise RefusedError(ErrorCode.UNEXPECTED_REQUEST)
        if header.version != VERSION_1_2:
            raise RefusedError(ErrorCode.VERSION_MISMATCH)
        own, common = self.config.flags, self.config.flags & connection.common_flags
        if (rule.own and not own & rule.own) or common & rule.common != rule.common:
            raise RefusedError(ErrorCode.UNSUPPORTED_REQUEST, header.code)
        if session is None and not rule.plain:
            raise RefusedError(ErrorCode.SESSION_REQUIRED)
        if session is not None and session.phase is not rule.session:
            raise RefusedError(ErrorCode.UNEXPECTED_REQUEST)

    @property
    def _room(self) -> int:
        """Bytes of an answer that the requester can take."""
        requester = self._connection.requester
        return requester.data_transfer_size if requester else DATA_TRANSFER_SIZE_MIN

    def _fit(self, answer: bytes) -> bytes:
        """`answer`, if the requester can take it; asked before any state changes."""
        if len(answer) > self._room:
            size = len(answer).to_bytes(4, "little")
            raise RefusedError(ErrorCode.RESPONSE_TOO_LARGE, 0, size)
        return answer

    def _version(self, raw: bytes, header: Header, session: Session | None) -> bytes:
        if session is not None:
            raise RefusedError(ErrorCode.UNEXPECTED_REQUEST)
        if header.version != VERSION_1_0:
            raise RefusedError(ErrorCode.VERSION_MISMATCH)
        _, exact = GetVersion.decode_padded(raw)
        self._sessions.end_all()
        self._connection = Connection(phase=Phase.AFTER_VERSION)
        answer = Version().encode()
        self._connection.logs.vca.append(exact, answer)
        return answer

    def _capabilities(self, raw: bytes, _: Session | None) -> bytes:
        request, exact = GetCapabilities.decode_padded(raw)
        check_sizes(request.flags, request.data_transfer_size, request.max_message_size)
        check_requester_flags(request.flags)
        answer = Capabilities(
            ct_exponent=self.config.ct_exponent,
            flags=self.config.flags,
            data_transfer_size=self.config.message_size,
            max_message_size=self.config.message_size,
        ).encode()
        self._connection.requester = request
        self._connection.phase = Phase.AFTER_CAPABILITIES
        self._connection.logs.vca.append(exact, answer)
        return answer

    def _algorithms(self, raw: bytes, _: Session | None) -> bytes:
        connection = self._connection
        request, exact = NegotiateAlgorithms.decode_padded(raw)
        algorithms = select(request, connection.common_flags & self.config.flags)
        answer = self._fit(algorithms.encode())
        connection.algorithms = algorithms
        connection.phase = Phase.NEGOTIATED
        connection.logs.vca.append(exact, answer)
        connection.logs.restart()
        return answer

    def _digests(self, raw: bytes, session: Session | None) -> bytes:
        _, exact = GetDigests.decode_padded(raw, padding_max=_padding_max(session))
        answer = self._fit(self._attestor.digests())
        if session is None:
            self._connection.logs.certificates.append(exact, answer)
        return answer

    def _certificate(self, raw: bytes, session: Session | None) -> bytes:
        request, exact = GetCertificate.decode_padded(raw, padding_max=_padding_max(session))
        answer = self._attestor.certificate(request, self._room)
        if session is None:
            self._connection.logs.certificates.append(exact, answer)
        return answer

    def _challenge(self, raw: bytes, _: Session | None) -> bytes:
        connection = self._connection
        request, exact = Challenge.decode_padded(raw)
        answer = self._fit(self._attestor.challenge(request, exact, connection.logs.certificates))
        connection.logs.certificates = connection.logs.vca.fork()
        return answer

    def _measurements(self, raw: bytes, session: Session | None) -> bytes:
        connection = self._connection
        if not connection.algorithms or not connection.algorithms.measurement_specification:
            raise RefusedError(ErrorCode.UNSUPPORTED_REQUEST, Request.GET_MEASUREMENTS)
        request, exact = GetMeasurements.decode_padded(raw, padding_max=_padding_max(session))
        if request.signed and not self.config.flags & Capability.MEAS_SIG:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        holder = session or connection.logs
        answer, log = self._attestor.measure(request, exact, holder.measurements)
        self._fit(answer)
        holder.measurements = connection.logs.vca.fork() if request.signed else log
        return answer

    def _key_exchange(self, raw: bytes, _: Session | None) -> bytes:
        answer, session = self._sessions.key_exchange(raw, self._connection)
        self._fit(answer)
        session.last_heard = self._now
        self._sessions.open(session)
        return answer


def _padding_max(session: Session | None) -> int:
    """Only a plain object is padded; a record has the exact length."""
    return PADDING_MAX if session is None else 0
