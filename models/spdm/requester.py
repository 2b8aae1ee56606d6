# SPDX-License-Identifier: Apache-2.0
"""Requester: connects to a device, attests it and opens sessions (SPDM-VCA-001)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from models.spdm.carrier import PlainChannel, Transport
from models.spdm.certificates import verify_chain
from models.spdm.codes import (
    NONCE_SIZE,
    SECURED_MESSAGE_1_0,
    SECURED_MESSAGE_1_1,
    VERSION_1_1,
    VERSION_1_2,
    Capability,
    Request,
    SummaryType,
)
from models.spdm.curves import OF_DHE
from models.spdm.dialogue import (
    Exchanged,
    MeasurementQuery,
    MeasurementReport,
    MessageT,
    ask,
    check_context,
    new_context,
    read_chain,
    read_measurements,
)
from models.spdm.errors import (
    CertificateError,
    NegotiationError,
    SessionError,
    SignatureError,
)
from models.spdm.key_log import KeyLog, SessionKeyLog
from models.spdm.messages import (
    Algorithms,
    Capabilities,
    Certificate,
    Challenge,
    ChallengeAuth,
    Digests,
    GetCapabilities,
    GetDigests,
    GetVersion,
    KeyExchange,
    KeyExchangeRsp,
    Message,
    Shape,
    Version,
)
from models.spdm.negotiation import (
    KNOWN_FLAGS,
    MEASUREMENT_FLAGS,
    PROFILE,
    REQUESTER_FLAGS,
    SESSION_FLAGS,
    AlgorithmOffer,
    check_responder_flags,
    check_selection,
    check_sizes,
    offer,
    suite_of,
)
from models.spdm.opaque import decode_selected, encode_supported
from models.spdm.secure_session import SecureSession, SessionParameters
from models.spdm.signing import (
    Entropy,
    SigningContext,
    exchange_data,
    private_key,
    shared_secret,
    verify,
)
from models.spdm.suite import Suite
from models.spdm.transcript import ConnectionLogs, digest


@dataclass(frozen=True, slots=True)
class RequesterConfig:
    """What this side offers."""

    flags: Capability = REQUESTER_FLAGS
    ct_exponent: int = 20
    message_size: int = 0x11C0  # bytes; a record of it fits a DOE mailbox of 1152 DW
    secured_versions: tuple[int, ...] = (SECURED_MESSAGE_1_0, SECURED_MESSAGE_1_1)
    time: datetime | None = None  # for the validity of certificates; None for no check
    versions: tuple[int, ...] = (VERSION_1_2,)  # best first
    algorithms: AlgorithmOffer = PROFILE
    key_log: KeyLog | None = field(default=None, repr=False)


class SpdmRequester:
    """One connection. `connect` comes first; every failure is an SpdmError."""

    def __init__(
        self,
        transport: Transport,
        rng: Entropy,
        trusted_roots: Sequence[x509.Certificate],
        config: RequesterConfig | None = None,
    ) -> None:
        self.config = config or RequesterConfig()
        self.capabilities: Capabilities | None = None
        self.algorithms: Algorithms | None = None
        self.digests: dict[int, bytes] = {}
        self.chains: dict[int, bytes] = {}  # verified certificate chain structures
        self._keys: dict[int, ec.EllipticCurvePublicKey] = {}
        self._roots = tuple(trusted_roots)
        self._transport = transport
        self._entropy = rng
        self._channel = PlainChannel(transport)
        self._sessions: list[SecureSession] = []
        self._reset()

    def _reset(self) -> None:
        for session in self._sessions:
            session.close()
        self._sessions = []
        self.capabilities = self.algorithms = None
        self.digests, self.chains, self._keys = {}, {}, {}
        self._logs = ConnectionLogs()

    @property
    def suite(self) -> Suite:
        """Version and algorithms of the connection."""
        return self._channel.suite

    async def _ask(
        self, request: Message, answer_type: type[MessageT], shape: Shape | None = None
    ) -> Exchanged[MessageT]:
        self._logs.begin(request.CODE)
        return await ask(self._channel, request, answer_type, shape)

    def _need(self, flags: int) -> None:
        """NegotiationError unless the device is connected and has one of `flags`."""
        if self.algorithms is None or self.capabilities is None:
            raise NegotiationError("not connected")
        if not self.capabilities.flags & flags:
            raise NegotiationError(f"device lacks {Capability(flags)!r}")

    async def connect(self) -> Capabilities:
        """Version, capabilities, algorithms. All earlier sessions are over."""
        self._reset()
        versions = await self._ask(GetVersion(), Version)
        version = self._best_version([entry >> 8 for entry in versions.answer.entries])
        self._channel.suite = Suite(version)
        self._log_negotiation(versions)
        capabilities = await self._ask(self._own_capabilities(version), Capabilities)
        answer = capabilities.answer
        check_responder_flags(answer.flags)
        if version >= VERSION_1_2:
            check_sizes(answer.flags, answer.data_transfer_size, answer.max_message_size)
        self._log_negotiation(capabilities)
        algorithms = await self._ask(offer(self.config.algorithms, version), Algorithms)
        check_selection(algorithms.answer, self.config.algorithms)
        self._log_negotiation(algorithms)
        self.capabilities, self.algorithms = answer, algorithms.answer
        self._channel.suite = suite_of(algorithms.answer)
        self._logs.restart(self.suite.base_hash, version)
        return answer

    def _best_version(self, offered: Sequence[int]) -> int:
        for version in self.config.versions:
            if version in offered:
                return version
        wanted = ", ".join(f"{version >> 4}.{version & 0xF}" for version in self.config.versions)
        raise NegotiationError(f"device does not support SPDM {wanted}")

    def _log_negotiation(self, exchanged: Exchanged[MessageT]) -> None:
        self._logs.negotiation(exchanged.request_bytes, exchanged.answer_bytes)

    def _own_capabilities(self, version: int) -> GetCapabilities:
        return GetCapabilities(
            ct_exponent=self.config.ct_exponent,
            flags=self.config.flags & KNOWN_FLAGS[version],
            data_transfer_size=self.config.message_size,
            max_message_size=self.config.message_size,
        )

    async def get_digests(self) -> dict[int, bytes]:
        """Digest of the certificate chain of each slot that is set."""
        self._need(Capability.CERT)
        reply = await self._ask(GetDigests(), Digests)
        self._logs.certificates.append(reply.request_bytes, reply.answer_bytes)
        slots = [bit for bit in range(8) if reply.answer.slot_mask >> bit & 1]
        self.digests = dict(zip(slots, reply.answer.digests, strict=True))
        return self.digests

    async def get_certificate(self, slot: int = 0, portion: int = 0x400) -> bytes:
        """The certificate chain structure of `slot`, verified up to a trusted root.

        Read in portions of at most `portion` bytes. Raises CertificateError when the chain
        is not to be trusted or differs from the digest of an earlier get_digests.
        """
        self._need(Capability.CERT)
        portion = min(portion, self.config.message_size - Certificate.FIXED_SIZE)
        self._logs.begin(Request.GET_CERTIFICATE)
        chain = await read_chain(self._channel, slot, portion, self._logs.certificates)
        self._take(slot, chain)
        return chain

    def know_certificate(self, chain: bytes, slot: int = 0) -> None:
        """Go on with a chain structure that was read over an earlier connection.

        `get_digests` comes first: raises CertificateError when the digest of `slot` is not that of
        `chain`, or the chain is not to be trusted.
        """
        if slot not in self.digests:
            raise CertificateError(f"the digest of slot {slot} has to come first")
        self._take(slot, chain)

    def _take(self, slot: int, chain: bytes) -> None:
        expected, suite = self.digests.get(slot), self.suite
        if expected is not None and expected != digest(suite.base_hash, chain):
            raise CertificateError(f"chain of slot {slot} differs from its digest")
        self._keys[slot] = verify_chain(
            chain, self._roots, self.config.time, suite.base_hash, suite.base_asym
        )
        self.chains[slot] = chain

    def _device_key(self, slot: int) -> ec.EllipticCurvePublicKey:
        if slot not in self._keys:
            raise CertificateError(f"get_certificate of slot {slot} has to come first")
        return self._keys[slot]

    def _chain_hash(self, slot: int) -> bytes:
        return digest(self.suite.base_hash, self.chains[slot])

    def _has_summary(self, summary_type: SummaryType) -> bool:
        if summary_type == SummaryType.NONE:
            return False
        self._need(MEASUREMENT_FLAGS)
        return True

    async def challenge(self, summary_type: SummaryType = SummaryType.NONE, slot: int = 0) -> bytes:
        """Prove that the device has the key of its certificate; returns the summary hash."""
        self._need(Capability.CHAL)
        key = self._device_key(slot)
        nonce = self._entropy.randbytes(NONCE_SIZE)
        context = new_context(self._entropy, self.suite.version)
        request = Challenge(slot=slot, summary_type=summary_type, nonce=nonce, context=context)
        shape = self.suite.shape(summary=self._has_summary(summary_type))
        log = self._logs.certificates
        self._logs.certificates = self._logs.vca.fork()
        reply = await self._ask(request, ChallengeAuth, shape)
        if reply.answer.chain_hash != self._chain_hash(slot):
            raise CertificateError("CHALLENGE_AUTH names another certificate chain")
        check_context(context, reply.answer.context)
        log.append(reply.request_bytes, reply.answer.signed_part())
        signature = reply.answer.signature
        verify(key, SigningContext.CHALLENGE_AUTH, log.digest(), signature, self.suite)
        return reply.answer.summary

    async def get_measurements(self, query: MeasurementQuery | None = None) -> MeasurementReport:
        """Measurements read outside a session; signed ones are verified."""
        query = query or MeasurementQuery()
        self._need(Capability.MEAS_SIG if query.signed else MEASUREMENT_FLAGS)
        key = self._device_key(query.slot) if query.signed else None
        self._logs.begin(Request.GET_MEASUREMENTS)
        log = self._logs.measurements
        if query.signed:
            self._logs.measurements = self._logs.new_measurements()
        return await read_measurements(self._channel, query, log, self._entropy, key)

    async def start_session(
        self,
        summary_type: SummaryType = SummaryType.NONE,
        slot: int = 0,
        requester_session_id: int | None = None,
    ) -> SecureSession:
        """KEY_EXCHANGE and FINISH; the session is authenticated and ready for use."""
        session = await self.exchange_keys(summary_type, slot, requester_session_id)
        await session.finish()
        return session

    async def exchange_keys(
        self,
        summary_type: SummaryType = SummaryType.NONE,
        slot: int = 0,
        requester_session_id: int | None = None,
    ) -> SecureSession:
        """KEY_EXCHANGE only: a session under handshake keys, for which FINISH is due."""
        for flag in (Capability.KEY_EX, Capability.ENCRYPT, Capability.MAC):
            self._need(flag & SESSION_FLAGS)
        if self.suite.version < VERSION_1_1:
            raise NegotiationError("SPDM 1.0 has no sessions")
        device_key = self._device_key(slot)
        if requester_session_id is None:
            requester_session_id = int.from_bytes(self._entropy.randbytes(2), "little")
        key = private_key(self._entropy, OF_DHE[self.suite.dhe])
        request = KeyExchange(
            summary_type=summary_type,
            slot=slot,
            requester_session_id=requester_session_id,
            random=self._entropy.randbytes(NONCE_SIZE),
            exchange_data=exchange_data(key),
            opaque=encode_supported(self.config.secured_versions, self.suite.version),
        )
        shape = self.suite.shape(
            summary=self._has_summary(summary_type), in_the_clear=self._in_the_clear
        )
        reply = await self._ask(request, KeyExchangeRsp, shape)
        parameters = self._accept(reply, requester_session_id, key, device_key, slot)
        session = SecureSession(self._transport, self._entropy, parameters)
        self._sessions = [old for old in self._sessions if old.alive] + [session]
        return session

    @property
    def _in_the_clear(self) -> bool:
        """Whether both sides have HANDSHAKE_IN_THE_CLEAR."""
        common = self.config.flags & (self.capabilities.flags if self.capabilities else 0)
        return bool(common & Capability.HANDSHAKE_IN_THE_CLEAR)

    def _accept(
        self,
        reply: Exchanged[KeyExchangeRsp],
        requester_session_id: int,
        key: ec.EllipticCurvePrivateKey,
        device_key: ec.EllipticCurvePublicKey,
        slot: int,
    ) -> SessionParameters:
        answer, suite, schedule = reply.answer, self.suite, self.suite.schedule
        log = self._logs.vca.fork()
        log.append(self._chain_hash(slot), reply.request_bytes, answer.signed_part())
        context = SigningContext.KEY_EXCHANGE_RSP
        verify(device_key, context, log.digest(), answer.signature, suite)
        th1 = log.append(answer.signature).digest()
        dhe_secret = shared_secret(key, answer.exchange_data)
        secrets = schedule.handshake(dhe_secret, th1)
        expected = schedule.verify_data(secrets.response, th1)
        if not self._in_the_clear and not hmac.compare_digest(expected, answer.verify_data):
            raise SignatureError("KEY_EXCHANGE_RSP: verify data is wrong")
        log.append(answer.verify_data)
        version = decode_selected(answer.opaque, suite.version)
        if version not in self.config.secured_versions:
            raise NegotiationError(f"device selected secured messages 0x{version:04x}")
        if answer.mutual_authentication:
            raise NegotiationError("device asks for mutual authentication")
        session_id = answer.responder_session_id << 16 | requester_session_id
        if any(session.session_id == session_id for session in self._sessions if session.alive):
            raise SessionError(f"device gave out session id 0x{session_id:08x} twice")
        SessionKeyLog(self.config.key_log, session_id, suite).handshake(dhe_secret, secrets)
        return SessionParameters(
            session_id=session_id,
            secured_version=version,
            heartbeat_period=answer.heartbeat_period,
            summary=answer.summary,
            secrets=secrets,
            transcript=log,
            logs=self._logs,
            device_key=device_key,
            suite=suite,
            in_the_clear=self._in_the_clear,
            key_log=self.config.key_log,
            slot=slot,
        )
