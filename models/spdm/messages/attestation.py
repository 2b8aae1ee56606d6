# SPDX-License-Identifier: Apache-2.0
"""Digests, certificates, challenge and measurements (SPDM-CRT-001, SPDM-MEA-001).

From version 1.3 on requests that are signed carry a context of the requester; version 1.0 has no
slot in GET_MEASUREMENTS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from models.spdm.codes import (
    CONTEXT_SIZE,
    NONCE_SIZE,
    VERSION_1_1,
    VERSION_1_3,
    MeasurementAttribute,
    Request,
    Response,
    SummaryType,
)
from models.spdm.errors import EncodeError
from models.spdm.messages.base import Header, Message, Shape
from models.spdm.wire import Reader, counted, fixed, little

SLOT_MASK = 0x0F
SLOT_SIZE_REQUESTED = 1
NO_CONTEXT = bytes(CONTEXT_SIZE)


def _context(version: int, context: bytes) -> bytes:
    """The context as a message of `version` carries it."""
    return fixed("context", context, CONTEXT_SIZE) if version >= VERSION_1_3 else b""


def _read_context(version: int, reader: Reader) -> bytes:
    return reader.take(CONTEXT_SIZE) if version >= VERSION_1_3 else NO_CONTEXT


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
    supported_mask: int = 0  # slots that there are at all, from version 1.3 on

    def _params(self) -> tuple[int, int]:
        return self.supported_mask, self.slot_mask

    def _body(self) -> bytes:
        if self.slot_mask.bit_count() != len(self.digests):
            raise EncodeError(f"{len(self.digests)} digests for slot mask {self.slot_mask:#x}")
        return b"".join(self.digests)

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        count = header.param2.bit_count()
        digests = tuple(reader.take(shape.hash_size) for _ in range(count))
        return cls(
            version=header.version,
            slot_mask=header.param2,
            digests=digests,
            supported_mask=header.param1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCertificate(Message):
    """GET_CERTIFICATE: 8 bytes."""

    CODE: ClassVar[int] = Request.GET_CERTIFICATE

    slot: int = 0
    offset: int  # bytes into the chain structure
    length: int  # bytes wanted
    attributes: int = 0  # bit 0 asks for the size of the slot, from version 1.3 on

    @property
    def size_wanted(self) -> bool:
        """Whether the size is asked for in place of a portion."""
        return self.version >= VERSION_1_3 and bool(self.attributes & SLOT_SIZE_REQUESTED)

    def _params(self) -> tuple[int, int]:
        return self.slot, self.attributes

    def _body(self) -> bytes:
        return little("Offset", self.offset, 2) + little("Length", self.length, 2)

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        offset, length = reader.number(2), reader.number(2)
        return cls(
            version=header.version,
            slot=header.param1 & SLOT_MASK,
            offset=offset,
            length=length,
            attributes=header.param2,
        )


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
    """CHALLENGE: 36 bytes, 44 from version 1.3 on."""

    CODE: ClassVar[int] = Request.CHALLENGE

    slot: int = 0
    summary_type: int = SummaryType.NONE
    nonce: bytes
    context: bytes = NO_CONTEXT

    def _params(self) -> tuple[int, int]:
        return self.slot, self.summary_type

    def _body(self) -> bytes:
        return fixed("nonce", self.nonce, NONCE_SIZE) + _context(self.version, self.context)

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(
            version=header.version,
            slot=header.param1,
            summary_type=header.param2,
            nonce=reader.take(NONCE_SIZE),
            context=_read_context(header.version, reader),
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
    context: bytes = NO_CONTEXT  # as in the request
    signature: bytes = b""

    def _params(self) -> tuple[int, int]:
        return self.slot, self.slot_mask

    def _body(self) -> bytes:
        head = self.chain_hash + fixed("nonce", self.nonce, NONCE_SIZE) + self.summary
        tail = _context(self.version, self.context) + self.signature
        return head + counted("opaque data", self.opaque) + tail

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
            context=_read_context(header.version, reader),
            signature=reader.take(shape.signature_size),
        )

    def signed_part(self) -> bytes:
        """The bytes before the signature."""
        return replace(self, signature=b"").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMeasurements(Message):
    """GET_MEASUREMENTS: a nonce is given when a signature is asked for."""

    CODE: ClassVar[int] = Request.GET_MEASUREMENTS

    operation: int  # see MeasurementOperation, or an index
    attributes: int = 0  # MeasurementAttribute bits without SIGNATURE
    nonce: bytes = b""  # 32 bytes ask for a signature
    slot: int = 0
    context: bytes = NO_CONTEXT

    @property
    def signed(self) -> bool:
        """Whether a signature is asked for."""
        return bool(self.nonce)

    def _params(self) -> tuple[int, int]:
        rest = self.attributes & ~MeasurementAttribute.SIGNATURE
        return rest | (MeasurementAttribute.SIGNATURE if self.signed else 0), self.operation

    def _body(self) -> bytes:
        context = _context(self.version, self.context)
        if not self.signed:
            return context
        slot = little("slot", self.slot, 1) if self.version >= VERSION_1_1 else b""
        return fixed("nonce", self.nonce, NONCE_SIZE) + slot + context

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        signed = bool(header.param1 & MeasurementAttribute.SIGNATURE)
        slotted = signed and header.version >= VERSION_1_1
        return cls(
            version=header.version,
            operation=header.param2,
            attributes=header.param1 & ~MeasurementAttribute.SIGNATURE,
            nonce=reader.take(NONCE_SIZE) if signed else b"",
            slot=reader.number(1) & SLOT_MASK if slotted else 0,
            context=_read_context(header.version, reader),
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
    context: bytes = NO_CONTEXT  # as in the request
    signature: bytes = b""

    def _params(self) -> tuple[int, int]:
        return self.total, self.slot | self.content_change << 4

    def _body(self) -> bytes:
        head = little("block count", self.blocks, 1) + counted("record", self.record, 3)
        nonce = fixed("nonce", self.nonce, NONCE_SIZE)
        tail = _context(self.version, self.context) + self.signature
        return head + nonce + counted("opaque data", self.opaque) + tail

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
            context=_read_context(header.version, reader),
            signature=reader.take(shape.signature_size if shape.signed else 0),
        )

    def signed_part(self) -> bytes:
        """The bytes before the signature."""
        return replace(self, signature=b"").encode()
