# SPDX-License-Identifier: Apache-2.0
"""Requester: a session, from the first record under handshake keys to END_SESSION."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import ec

from models.doe.codes import ObjectType
from models.spdm.carrier import Channel, PlainChannel, Transport, unwrap, wrap
from models.spdm.codes import HEADER_SIZE, KeyUpdateOperation, Request
from models.spdm.dialogue import (
    MeasurementQuery,
    MeasurementReport,
    ask,
    check_error,
    read_chain,
    read_measurements,
)
from models.spdm.errors import (
    RecordError,
    SessionError,
    SignatureError,
    SpdmError,
    UnexpectedResponseError,
)
from models.spdm.key_log import KeyLog, SessionKeyLog
from models.spdm.key_schedule import ApplicationSecrets, HandshakeSecrets
from models.spdm.messages import (
    Digests,
    EndSession,
    EndSessionAck,
    Finish,
    FinishRsp,
    GetDigests,
    Heartbeat,
    HeartbeatAck,
    KeyUpdate,
    KeyUpdateAck,
    VendorDefinedRequest,
    VendorDefinedResponse,
)
from models.spdm.record import RecordCipher, record_session_id
from models.spdm.signing import Entropy
from models.spdm.suite import DEFAULT_SUITE, Suite
from models.spdm.transcript import ConnectionLogs, Transcript


@dataclass(frozen=True, slots=True)
class SessionParameters:
    """What KEY_EXCHANGE settled."""

    session_id: int
    secured_version: int
    heartbeat_period: int  # seconds, 0 for none
    summary: bytes  # measurement summary hash, empty when none was asked for
    secrets: HandshakeSecrets = field(repr=False)
    transcript: Transcript = field(repr=False)  # TH up to the responder's verify data
    logs: ConnectionLogs = field(repr=False)
    device_key: ec.EllipticCurvePublicKey = field(repr=False)
    suite: Suite = DEFAULT_SUITE
    in_the_clear: bool = False  # FINISH goes as a plain message
    key_log: KeyLog | None = None
    slot: int = 0  # of the certificate chain


class SecureSession:
    """Sends messages as records. Any failure of the record layer ends it for good."""

    padding_max = 0

    def __init__(
        self, transport: Transport, entropy: Entropy, parameters: SessionParameters
    ) -> None:
        self.parameters = parameters
        self._transport = transport
        self._entropy = entropy
        self.suite = parameters.suite
        self._schedule = parameters.suite.schedule
        self._key_log = SessionKeyLog(parameters.key_log, self.session_id, self.suite)
        self._secrets: ApplicationSecrets | None = None
        secrets = parameters.secrets
        self._send: RecordCipher | None = self._cipher(secrets.request)
        self._receive: RecordCipher | None = self._cipher(secrets.response)
        self._next_receive: RecordCipher | None = None  # while UPDATE_ALL_KEYS is under way
        self.measurements = parameters.logs.new_measurements()  # L1 of this session

    @property
    def session_id(self) -> int:
        """RspSessionID << 16 | ReqSessionID."""
        return self.parameters.session_id

    @property
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._send is not None

    def close(self) -> None:
        """Erase the keys; nothing is sent."""
        self._send = self._receive = self._next_receive = self._secrets = None

    def _cipher(self, secret: bytes) -> RecordCipher:
        return RecordCipher(self._schedule.record_keys(secret))

    def seal(self, spdm_message: bytes) -> bytes:
        """The next record, for whoever sends it in a way of his own."""
        if self._send is None:
            raise SessionError(f"session 0x{self.session_id:08x} is over")
        return self._send.seal(self.session_id, spdm_message)

    async def request(self, spdm_message: bytes) -> bytes | None:
        """The answer to a message, None when there is none (the session lives on).

        Raises SessionError when the session is over, RecordError and
        UnexpectedResponseError when it ends now because of the answer.
        """
        record = self.seal(spdm_message)
        if len(spdm_message) >= HEADER_SIZE:
            self.parameters.logs.begin(spdm_message[1], self)
        answer = await self._transport.exchange(wrap(ObjectType.SECURED_SPDM, record))
        if answer is None:
            return None
        try:
            return self._open(answer)
        except SpdmError:
            self.close()
            raise

    def _open(self, doe_object: bytes) -> bytes:
        kind, record = unwrap(doe_object)
        if kind != ObjectType.SECURED_SPDM:
            raise UnexpectedResponseError(f"DOE type {kind} answers a record")
        session_id = record_session_id(record)
        if session_id != self.session_id:
            raise UnexpectedResponseError(f"record of session 0x{session_id:08x} as an answer")
        if self._receive is None:
            raise SessionError(f"session 0x{self.session_id:08x} ended while it waited")
        if self._next_receive is not None:
            return self._open_under_update(self._next_receive, record, self._receive)
        return self._receive.open(record)

    def _open_under_update(self, new: RecordCipher, record: bytes, old: RecordCipher) -> bytes:
        """An acknowledgement comes under the new key, a refusal (ERROR) under the old one."""
        try:
            data = new.open(record)
        except RecordError:
            return old.open(record)
        self._receive = new
        return data

    async def finish(self, slot: int = 0) -> None:
        """FINISH; the application keys are in use afterwards. Any failure closes the session."""
        secrets, log = self.parameters.secrets, self.parameters.transcript
        try:
            header = Finish(version=self.suite.version, slot=slot).authenticated_part()
            verify_data = self._schedule.verify_data(secrets.request, log.append(header).digest())
            log.append(verify_data)
            await self._finish(Finish(slot=slot, verify_data=verify_data))
        except SpdmError:
            self.close()
            raise
        self._secrets = self._schedule.application(secrets.handshake, log.digest())
        self._key_log.application(secrets.handshake, self._secrets)
        self._send = self._cipher(self._secrets.request)
        self._receive = self._cipher(self._secrets.response)

    async def _finish(self, request: Finish) -> None:
        """Send FINISH, log FINISH_RSP and check its verify data, if it has to have them."""
        secrets, log = self.parameters.secrets, self.parameters.transcript
        in_the_clear = self.parameters.in_the_clear
        channel: Channel = self
        if in_the_clear:
            plain = PlainChannel(self._transport)
            plain.suite = self.suite
            channel = plain
            self.parameters.logs.begin(request.CODE, self)
        shape = self.suite.shape(in_the_clear=in_the_clear)
        answer = (await ask(channel, request, FinishRsp, shape)).answer
        log.append(replace(answer, verify_data=b"").encode())
        if in_the_clear:
            expected = self._schedule.verify_data(secrets.response, log.digest())
            if not hmac.compare_digest(expected, answer.verify_data):
                raise SignatureError("FINISH_RSP: verify data is wrong")
            log.append(answer.verify_data)

    async def vendor_defined(self, protocol_id: int, body: bytes) -> bytes | None:
        """The body of the answer to an IDE_KM or TDISP message, None for silence.

        Raises ErrorResponseError when the device answers with the SPDM message ERROR.
        """
        request = VendorDefinedRequest(
            version=self.suite.version, protocol_id=protocol_id, body=body
        )
        raw = await self.request(request.encode())
        if raw is None:
            return None
        header = check_error(raw)
        if header.version != request.version or header.code != VendorDefinedResponse.CODE:
            raise UnexpectedResponseError(f"VENDOR_DEFINED answered with {raw[:2].hex()}")
        answer = VendorDefinedResponse.decode(raw)
        if answer.protocol_id != protocol_id:
            raise UnexpectedResponseError(f"answer of protocol {answer.protocol_id}")
        return answer.body

    async def heartbeat(self) -> None:
        """Keep the session alive."""
        await ask(self, Heartbeat(), HeartbeatAck)

    async def get_digests(self) -> tuple[bytes, ...]:
        """Digests of the certificate chains, within the session."""
        return (await ask(self, GetDigests(), Digests)).answer.digests

    async def get_certificate(self, slot: int = 0, portion: int = 0x400) -> bytes:
        """The certificate chain structure of `slot`, read within the session."""
        return await read_chain(self, slot, portion)

    async def get_measurements(self, query: MeasurementQuery | None = None) -> MeasurementReport:
        """Measurements read within the session, signed with the key that opened it.

        The signature covers this session's log; the slot of `query` has no meaning here.
        """
        query = replace(query or MeasurementQuery(), slot=self.parameters.slot)
        log, key = self.measurements, self.parameters.device_key
        if query.signed:
            self.measurements = self.parameters.logs.new_measurements()
        return await read_measurements(self, query, log, self._entropy, key)

    async def key_update(self, kind: KeyUpdateOperation) -> None:
        """UPDATE_KEY or UPDATE_ALL_KEYS, followed by VERIFY_NEW_KEY."""
        secrets = self._secrets
        if secrets is None or kind == KeyUpdateOperation.VERIFY_NEW_KEY:
            raise SessionError(f"no key update of kind {kind.name} is possible")
        if kind == KeyUpdateOperation.UPDATE_ALL_KEYS:
            response = self._schedule.updated(secrets.response)
            self._key_log.updated_response(response)
            self._next_receive = self._cipher(response)
            secrets = replace(secrets, response=response)
        new = self._next_receive
        try:
            await self._key_operation(kind)
        finally:
            self._next_receive = None
        if new not in (None, self._receive):
            self.close()
            raise UnexpectedResponseError("KEY_UPDATE acknowledged under the old response key")
        secrets = replace(secrets, request=self._schedule.updated(secrets.request))
        self._secrets = secrets
        self._key_log.updated_request(secrets.request)
        self._send = self._cipher(secrets.request)
        await self._key_operation(KeyUpdateOperation.VERIFY_NEW_KEY)

    async def _key_operation(self, operation: KeyUpdateOperation) -> None:
        tag = self._entropy.randbytes(1)[0]
        request = KeyUpdate(operation=operation, tag=tag)
        answer = (await ask(self, request, KeyUpdateAck)).answer
        if (answer.operation, answer.tag) != (operation, tag):
            self.close()
            raise UnexpectedResponseError(f"{Request.KEY_UPDATE.name}: operation or tag differ")

    async def end(self) -> None:
        """END_SESSION; the keys are gone afterwards, whatever the device answers."""
        try:
            await ask(self, EndSession(), EndSessionAck)
        finally:
            self.close()
