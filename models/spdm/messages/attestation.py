# SPDX-License-Identifier: Apache-2.0
"""Digests, certificates, challenge and measurements (SPDM-CRT-001, SPDM-MEA-001)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from models.spdm.codes import NONCE_SIZE, MeasurementAttribute, Request, Response, SummaryType
from models.spdm.errors import EncodeError
from models.spdm.messages.base import Header, Message, Shape
from models.spdm.wire import Reader, counted, fixed, little

SLOT_MASK = 0x0F


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDigests(Message):
    """GET_DIGESTS: 4 bytes."""

    CODE: ClassVar[int] = Request.GET_DIGESTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests(Message):
    """DIGESTS: one hash for each bit of the slot mask, ascending."""

    CODE: ClassVar[int] = Response.DIGESTS

    slot_mask: int
    digests: tuple[bytes, ...]

    def _params(self) -> tuple[int, int]:
        return 0, self.slot_mask

    def _body(self) -> bytes:
        if self.slot_mask.bit_count() != len(self.digests):
            raise EncodeError(f"{len(self.digests)} digests for slot mask {self.slot_mask:#x}")
        return b"".join(self.digests)

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        count = header.param2.bit_count()
        digests = tuple(reader.take(shape.hash_size) for _ in range(count))
        return cls(version=header.version, slot_mask=header.param2, digests=digests)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCertificate(Message):
    """GET_CERTIFICATE: 8 bytes."""

    CODE: ClassVar[int] = Request.GET_CERTIFICATE

    slot: int = 0
    offset: int  # bytes into the chain structure
    length: int  # bytes wanted

    def _params(self) -> tuple[int, int]:
        return self.slot, 0

    def _body(self) -> bytes:
        return little("Offset", self.offset, 2) + little("Length", self.length, 2)

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        offset, length = reader.number(2), reader.number(2)
        slot = header.param1 & SLOT_MASK
        return cls(version=header.version, slot=slot, offset=offset, length=length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Message):
    """CERTIFICATE: a portion of the chain structure."""

    CODE: ClassVar[int] = Response.CERTIFICATE
    FIXED_SIZE: ClassVar[int] = 8

    slot: int = 0
    portion: bytes
    remainder: int  # bytes after this portion

    def _params(self) -> tuple[int, int]:
        return self.slot, 0

    def _body(self) -> bytes:
        length = little("PortionLength", len(self.portion), 2)
        return length + little("RemainderLength", self.remainder, 2) + self.portion

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        length, remainder = reader.number(2), reader.number(2)
        portion = reader.take(length)
        slot = header.param1 & SLOT_MASK
        return cls(version=header.version, slot=slot, portion=portion, remainder=remainder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge(Message):
    """CHALLENGE: 36 bytes."""

    CODE: ClassVar[int] = Request.CHALLENGE

    slot: int = 0
    summary_type: int = SummaryType.NONE
    nonce: bytes

    def _params(self) -> tuple[int, int]:
        return self.slot, self.summary_type

    def _body(self) -> bytes:
        return fixed("nonce", self.nonce, NONCE_SIZE)

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(
            version=header.version,
            slot=header.param1,
            summary_type=header.param2,
            nonce=reader.take(NONCE_SIZE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeAuth(Message):
    """CHALLENGE_AUTH; `summary` is empty when no measurement summary was asked for."""

    CODE: ClassVar[int] = Response.CHALLENGE_AUTH

    slot: int = 0
    slot_mask: int = 1
    chain_hash: bytes
    nonce: bytes
    summary: bytes = b""
    opaque: bytes = b""
    signature: bytes = b""

    def _params(self) -> tuple[int, int]:
        return self.slot, self.slot_mask

    def _body(self) -> bytes:
        head = self.chain_hash + fixed("nonce", self.nonce, NONCE_SIZE) + self.summary
        return head + counted("opaque data", self.opaque) + self.signature

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(
            version=header.version,
            slot=header.param1,
            slot_mask=header.param2,
            chain_hash=reader.take(shape.hash_size),
            nonce=reader.take(NONCE_SIZE),
            summary=reader.take(shape.hash_size if shape.summary else 0),
            opaque=reader.counted(),
            signature=reader.take(shape.signature_size),
        )

    def signed_part(self) -> bytes:
        """The bytes before the signature."""
        return replace(self, signature=b"").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMeasurements(Message):
    """GET_MEASUREMENTS: 4 bytes, or 37 when a signature is asked for (a nonce is given)."""

    CODE: ClassVar[int] = Request.GET_MEASUREMENTS

    operation: int  # see MeasurementOperation, or an index
    attributes: int = 0  # MeasurementAttribute bits without SIGNATURE
    nonce: bytes = b""  # 32 bytes ask for a signature
    slot: int = 0

    @property
    def signed(self) -> bool:
        """Whether a signature is asked for."""
        return bool(self.nonce)

    def _params(self) -> tuple[int, int]:
        rest = self.attributes & ~MeasurementAttribute.SIGNATURE
        return rest | (MeasurementAttribute.SIGNATURE if self.signed else 0), self.operation

    def _body(self) -> bytes:
        if not self.signed:
            return b""
        return fixed("nonce", self.nonce, NONCE_SIZE) + little("slot", self.slot, 1)

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        signed = bool(header.param1 & MeasurementAttribute.SIGNATURE)
        return cls(
            version=header.version,
            operation=header.param2,
            attributes=header.param1 & ~MeasurementAttribute.SIGNATURE,
            nonce=reader.take(NONCE_SIZE) if signed else b"",
            slot=reader.number(1) & SLOT_MASK if signed else 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements(Message):
    """MEASUREMENTS; `signature` is empty when none was asked for."""

    CODE: ClassVar[int] = Response.MEASUREMENTS

    total: int = 0  # number of indices, for the operation COUNT
    slot: int = 0
    content_change: int = 0
    blocks: int  # number of blocks in the record
    record: bytes
    nonce: bytes
    opaque: bytes = b""
    signature: bytes = b""

    def _params(self) -> tuple[int, int]:
        return self.total, self.slot | self.content_change << 4

    def _body(self) -> bytes:
        head = little("block count", self.blocks, 1) + counted("record", self.record, 3)
        nonce = fixed("nonce", self.nonce, NONCE_SIZE)
        return head + nonce + counted("opaque data", self.opaque) + self.signature

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(
            version=header.version,
            total=header.param1,
            slot=header.param2 & SLOT_MASK,
            content_change=header.param2 >> 4 & 3,
            blocks=reader.number(1),
            record=reader.counted(3),
            nonce=reader.take(NONCE_SIZE),
            opaque=reader.counted(),
            signature=reader.take(shape.signature_size if shape.signed else 0),
        )

    def signed_part(self) -> bytes:
        """The bytes before the signature."""
        return replace(self, signature=b"").encode()
