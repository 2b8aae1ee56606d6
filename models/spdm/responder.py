# SPDX-License-Identifier: Apache-2.0
"""The device's Root of Trust: answers SPDM messages, gives session keys to the record layer.

It meets the device at two places only: messages in and out, and the session-key port.
Records are sealed and opened by the device (SEC-REC-001), as are IDE_KM and TDISP messages.

What public texts leave open is in one place each: `OLDER_CODE` here, `KEY_UPDATE_OUT_OF_ORDER` in
responder_sessions and `MUT_AUTH_WITH_ENCAP_UNTIL` in negotiation. Mutual authentication is not
offered: no requester algorithm is selected, a FINISH with a signature is an invalid request, and
encapsulated requests are not supported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from models.spdm.codes import (
    DATA_TRANSFER_SIZE_MIN,
    VERSION_1_0,
    VERSION_1_1,
    VERSION_1_2,
    Capability,
    ErrorCode,
    Request,
)
from models.spdm.errors import DecodeError, NegotiationError
from models.spdm.identity import DeviceIdentity, SlotStore
from models.spdm.key_log import KeyLog
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
    KNOWN_FLAGS,
    MEASUREMENT_FLAGS,
    SESSION_FLAGS,
    AlgorithmOffer,
    check_requester,
    select,
    suite_of,
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
    since: int = VERSION_1_0  # first version that has the request


_ESTABLISHED = SessionPhase.ESTABLISHED


def _in_session(common: int, phase: SessionPhase = _ESTABLISHED) -> _Rule:
    return _Rule(session=phase, plain=False, common=common, since=VERSION_1_1)


RULES: dict[int, _Rule] = {
    Request.GET_CAPABILITIES: _Rule(Phase.AFTER_VERSION),
    Request.NEGOTIATE_ALGORITHMS: _Rule(Phase.AFTER_CAPABILITIES),
    Request.GET_DIGESTS: _Rule(session=_ESTABLISHED, own=Capability.CERT),
    Request.GET_CERTIFICATE: _Rule(session=_ESTABLISHED, own=Capability.CERT),
    Request.CHALLENGE: _Rule(own=Capability.CHAL),
    Request.GET_MEASUREMENTS: _Rule(session=_ESTABLISHED, own=MEASUREMENT_FLAGS),
    Request.KEY_EXCHANGE: _Rule(common=SESSION_FLAGS, since=VERSION_1_1),
    Request.FINISH: _in_session(SESSION_FLAGS, SessionPhase.HANDSHAKE),
    Request.HEARTBEAT: _in_session(Capability.HBEAT),
    Request.KEY_UPDATE: _in_session(Capability.KEY_UPD),
    Request.END_SESSION: _in_session(SESSION_FLAGS),
    Request.VENDOR_DEFINED: _Rule(session=_ESTABLISHED),
}
# Error codes that came with version 1.2, and what stands for them before; libspdm does it so for
# the first one.
OLDER_CODE = {
    ErrorCode.SESSION_REQUIRED: ErrorCode.UNSPECIFIED,
    ErrorCode.RESPONSE_TOO_LARGE: ErrorCode.UNSPECIFIED,
    ErrorCode.REQUEST_TOO_LARGE: ErrorCode.INVALID_REQUEST,
}


class SpdmResponder:
    """Takes one message at a time and gives its answer, or None for silence."""

    def __init__(
        self,
        identity: DeviceIdentity | SlotStore,
        port: SessionKeyPort,
        entropy: Entropy,
        config: ResponderConfig | None = None,
        measurements: tuple[Measurement, ...] | None = None,
        key_log: KeyLog | None = None,
    ) -> None:
        self.config = config or ResponderConfig()
        slots = identity if isinstance(identity, SlotStore) else SlotStore.single(identity)
        if measurements is None:
            measurements = DeviceState().measurements(self.config.measurement_hash)
        self._attestor = Attestor(slots, measurements, entropy)
        self._sessions = SessionTable(self._attestor, port, self.config, key_log)
        self._algorithms_offered = _signable(self.config.algorithms, slots)
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
            Request.HEARTBEAT: self._sessions.heartbeat,
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
        elif is_pci_protocol_request(message):
            return None
        try:
            return self._answer(message, session)
        except RefusedError as refusal:
            return self._error(message, refusal)
        except (DecodeError, NegotiationError):
            return self._error(message, RefusedError(ErrorCode.INVALID_REQUEST))

    def _error(self, message: bytes, refusal: RefusedError) -> bytes:
        version, code, extended = self._connection.version, refusal.code, refusal.extended
        if self._connection.phase is Phase.AFTER_VERSION:
            negotiating = message[1:2] == bytes((Request.GET_CAPABILITIES,))
            if negotiating and message[0] in self.config.versions:
                version = message[0]
        if version < VERSION_1_2 and code in OLDER_CODE:
            code, extended = OLDER_CODE[code], b""
        return Error(version=version, code=code, data=refusal.data, extended=extended).encode()

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
        if header.code == Request.FINISH and self._in_the_clear:
            session = self._sessions.in_the_clear
        if session is not None:
            session.last_heard = self._now
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
        if header.version not in self.config.versions:
            raise RefusedError(ErrorCode.VERSION_MISMATCH)
        own, common = self.config.flags, self.config.flags & connection.requester_flags
        lacking = (rule.own and not own & rule.own) or common & rule.common != rule.common
        if lacking or header.version < rule.since:
            raise RefusedError(ErrorCode.UNSUPPORTED_REQUEST, header.code)
        if header.code == Request.FINISH and self._in_the_clear:
            if session is not None or self._sessions.in_the_clear is None:
                raise RefusedError(ErrorCode.SESSION_REQUIRED)
            return
        if session is None and not rule.plain:
            raise RefusedError(ErrorCode.SESSION_REQUIRED)
        if session is not None and session.phase is not rule.session:
            raise RefusedError(ErrorCode.UNEXPECTED_REQUEST)

    @property
    def _in_the_clear(self) -> bool:
        """Whether both sides have HANDSHAKE_IN_THE_CLEAR."""
        common = self.config.flags & self._connection.requester_flags
        return bool(common & Capability.HANDSHAKE_IN_THE_CLEAR)

    @property
    def _room(self) -> int:
        """Bytes of an answer that the requester can take and the mailbox can carry."""
        requester = self._connection.requester
        if requester is None:
            return DATA_TRANSFER_SIZE_MIN
        if requester.version < VERSION_1_2:
            return self.config.message_size
        return min(requester.data_transfer_size, self.config.message_size)

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
        answer = Version(entries=tuple(v << 8 for v in self.config.versions)).encode()
        self._connection.logs.negotiation(exact, answer)
        return answer

    def _capabilities(self, raw: bytes, _: Session | None) -> bytes:
        request, exact = GetCapabilities.decode_padded(raw)
        check_requester(request)
        answer = Capabilities(
            version=request.version,
            ct_exponent=self.config.ct_exponent,
            flags=self.config.flags & KNOWN_FLAGS[request.version],
            data_transfer_size=self.config.message_size,
            max_message_size=self.config.message_size,
        ).encode()
        self._connection.requester = request
        self._connection.phase = Phase.AFTER_CAPABILITIES
        self._connection.logs.negotiation(exact, answer)
        return answer

    def _algorithms(self, raw: bytes, _: Session | None) -> bytes:
        connection = self._connection
        request, exact = NegotiateAlgorithms.decode_padded(raw)
        algorithms = select(
            request,
            connection.requester_flags & self.config.flags,
            self._algorithms_offered,
            self.config.measurement_hash,
        )
        answer = self._fit(algorithms.encode())
        connection.algorithms = algorithms
        connection.suite = suite_of(algorithms)
        connection.phase = Phase.NEGOTIATED
        connection.logs.negotiation(exact, answer)
        connection.logs.restart(connection.suite.base_hash, connection.suite.version)
        return answer

    def _digests(self, raw: bytes, session: Session | None) -> bytes:
        _, exact = GetDigests.decode_padded(raw, padding_max=_padding_max(session))
        answer = self._fit(self._attestor.digests(self._connection.suite))
        if session is None:
            self._connection.logs.certificates.append(exact, answer)
        return answer

    def _certificate(self, raw: bytes, session: Session | None) -> bytes:
        request, exact = GetCertificate.decode_padded(raw, padding_max=_padding_max(session))
        answer = self._attestor.certificate(request, self._connection.suite, self._room)
        if session is None:
            self._connection.logs.certificates.append(exact, answer)
        return answer

    def _challenge(self, raw: bytes, _: Session | None) -> bytes:
        connection = self._connection
        request, exact = Challenge.decode_padded(raw)
        self._check_summary(request.summary_type)
        log = connection.logs.certificates
        answer = self._fit(self._attestor.challenge(request, exact, log, connection.suite))
        connection.logs.certificates = connection.logs.vca.fork()
        return answer

    def _measurements(self, raw: bytes, session: Session | None) -> bytes:
        connection = self._connection
        if not connection.algorithms or not connection.algorithms.measurement_specification:
            raise RefusedError(ErrorCode.UNEXPECTED_REQUEST)
        request, exact = GetMeasurements.decode_padded(raw, padding_max=_padding_max(session))
        if request.signed and not self.config.flags & Capability.MEAS_SIG:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        holder = session or connection.logs
        answer, log = self._attestor.measure(request, exact, holder.measurements, connection.suite)
        self._fit(answer)
        holder.measurements = connection.logs.new_measurements() if request.signed else log
        return answer

    def _check_summary(self, kind: int) -> None:
        """A summary hash needs measurements, in the device and in the negotiation."""
        algorithms = self._connection.algorithms
        measured = algorithms is not None and algorithms.measurement_specification
        if kind and not (measured and self.config.flags & MEASUREMENT_FLAGS):
            raise RefusedError(ErrorCode.INVALID_REQUEST)

    def _key_exchange(self, raw: bytes, _: Session | None) -> bytes:
        self._check_summary(Header.decode(raw).param1)
        answer, session = self._sessions.key_exchange(raw, self._connection)
        self._fit(answer)
        session.last_heard = self._now
        self._sessions.open(session)
        return answer


def _signable(algorithms: AlgorithmOffer, slots: SlotStore) -> AlgorithmOffer:
    """Without the signature algorithms that slot 0 has no key for."""
    asym = tuple(one for one in algorithms.asym if one & slots.asym)
    if not asym:
        raise NegotiationError("slot 0 has no key for any of the offered algorithms")
    return replace(algorithms, asym=asym)


def _padding_max(session: Session | None) -> int:
    """Only a plain object is padded; a record has the exact length."""
    return PADDING_MAX if session is None else 0
