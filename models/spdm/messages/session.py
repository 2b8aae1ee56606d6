# SPDX-License-Identifier: Apache-2.0
"""Key exchange and the messages inside a session (SPDM-KEX-001, SPDM-SES-002)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from models.spdm.codes import NONCE_SIZE, Request, Response, SummaryType
from models.spdm.messages.base import Header, Message, Shape
from models.spdm.wire import Reader, counted, fixed, little

SIGNATURE_INCLUDED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExchange(Message):
    """KEY_EXCHANGE."""

    CODE: ClassVar[int] = Request.KEY_EXCHANGE

    summary_type: int = SummaryType.NONE
    slot: int = 0
    requester_session_id: int
    policy: int = 0
    random: bytes
    exchange_data: bytes  # X || Y, big-endian
    opaque: bytes

    def _params(self) -> tuple[int, int]:
        return self.summary_type, self.slot

    def _body(self) -> bytes:
        return (
            little("ReqSessionID", self.requester_session_id, 2)
            + little("SessionPolicy", self.policy, 1)
            + b"\0"
            + fixed("random data", self.random, NONCE_SIZE)
            + self.exchange_data
            + counted("opaque data", self.opaque)
        )

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        session_id, policy, _ = reader.number(2), reader.number(1), reader.take(1)
        return cls(
            version=header.version,
            summary_type=header.param1,
            slot=header.param2,
            requester_session_id=session_id,
            policy=policy,
            random=reader.take(NONCE_SIZE),
            exchange_data=reader.take(shape.exchange_size),
            opaque=reader.counted(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExchangeRsp(Message):
    """KEY_EXCHANGE_RSP; `summary` is empty when no measurement summary was asked for.

    It has no verify data when the handshake is in the clear: there is no key to prove yet.
    """

    CODE: ClassVar[int] = Response.KEY_EXCHANGE_RSP

    heartbeat_period: int = 0  # seconds
    responder_session_id: int
    mutual_authentication: int = 0
    slot_param: int = 0
    random: bytes
    exchange_data: bytes
    summary: bytes = b""
    opaque: bytes
    signature: bytes = b""
    verify_data: bytes = b""

    def _params(self) -> tuple[int, int]:
        return self.heartbeat_period, 0

    def _body(self) -> bytes:
        return (
            little("RspSessionID", self.responder_session_id, 2)
            + little("MutAuthRequested", self.mutual_authentication, 1)
            + little("SlotIDParam", self.slot_param, 1)
            + fixed("random data", self.random, NONCE_SIZE)
            + self.exchange_data
            + self.summary
            + counted("opaque data", self.opaque)
            + self.signature
            + self.verify_data
        )

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(
            version=header.version,
            heartbeat_period=header.param1,
            responder_session_id=reader.number(2),
            mutual_authentication=reader.number(1),
            slot_param=reader.number(1),
            random=reader.take(NONCE_SIZE),
            exchange_data=reader.take(shape.exchange_size),
            summary=reader.take(shape.hash_size if shape.summary else 0),
            opaque=reader.counted(),
            signature=reader.take(shape.signature_size),
            verify_data=reader.take(0 if shape.in_the_clear else shape.hash_size),
        )

    def signed_part(self) -> bytes:
        """The bytes before the signature."""
        return replace(self, signature=b"", verify_data=b"").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Message):
    """FINISH; a signature is there under mutual authentication only."""

    CODE: ClassVar[int] = Request.FINISH

    slot: int = 0
    signature: bytes = b""
    verify_data: bytes = b""

    def _params(self) -> tuple[int, int]:
        return SIGNATURE_INCLUDED if self.signature else 0, self.slot

    def _body(self) -> bytes:
        return self.signature + self.verify_data

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        signed = bool(header.param1 & SIGNATURE_INCLUDED)
        return cls(
            version=header.version,
            slot=header.param2,
            signature=reader.take(shape.signature_size if signed else 0),
            verify_data=reader.take(shape.hash_size),
        )

    def authenticated_part(self) -> bytes:
        """The bytes before the verify data."""
        return replace(self, verify_data=b"").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRsp(Message):
    """FINISH_RSP: 4 bytes, and verify data when the handshake is in the clear."""

    CODE: ClassVar[int] = Response.FINISH_RSP

    verify_data: bytes = b""

    def _body(self) -> bytes:
        return self.verify_data

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        size = shape.hash_size if shape.in_the_clear else 0
        return cls(version=header.version, verify_data=reader.take(size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Message):
    """HEARTBEAT: 4 bytes."""

    CODE: ClassVar[int] = Request.HEARTBEAT


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAck(Message):
    """HEARTBEAT_ACK: 4 bytes."""

    CODE: ClassVar[int] = Response.HEARTBEAT_ACK


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeyUpdateExchange(Message):
    operation: int  # see KeyUpdateOperation
    tag: int  # echoed

    def _params(self) -> tuple[int, int]:
        return self.operation, self.tag

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(version=header.version, operation=header.param1, tag=header.param2)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUpdate(_KeyUpdateExchange):
    """KEY_UPDATE: 4 bytes."""

    CODE: ClassVar[int] = Request.KEY_UPDATE


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUpdateAck(_KeyUpdateExchange):
    """KEY_UPDATE_ACK: 4 bytes."""

    CODE: ClassVar[int] = Response.KEY_UPDATE_ACK


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession(Message):
    """END_SESSION: 4 bytes."""

    CODE: ClassVar[int] = Request.END_SESSION

    attributes: int = 0  # bit 0: forget the negotiated state

    def _params(self) -> tuple[int, int]:
        return self.attributes, 0

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(version=header.version, attributes=header.param1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionAck(Message):
    """END_SESSION_ACK: 4 bytes."""

    CODE: ClassVar[int] = Response.END_SESSION_ACK
