# SPDX-License-Identifier: Apache-2.0
"""Requester: one request with its response, checked; certificates and measurements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from models.spdm.carrier import Channel, need
from models.spdm.codes import (
    CONTEXT_SIZE,
    NONCE_SIZE,
    VERSION_1_3,
    MeasurementAttribute,
    MeasurementOperation,
    Response,
)
from models.spdm.errors import (
    CertificateError,
    ErrorResponseError,
    UnexpectedResponseError,
)
from models.spdm.measurements import Measurement, decode_record
from models.spdm.messages import (
    Certificate,
    GetCertificate,
    GetMeasurements,
    GetVersion,
    Header,
    Measurements,
    Message,
    Shape,
)
from models.spdm.signing import Entropy, SigningContext, verify
from models.spdm.transcript import Transcript

MessageT = TypeVar("MessageT", bound=Message)


@dataclass(frozen=True, slots=True)
class Exchanged(Generic[MessageT]):
    """A request that was answered, with the exact bytes of both messages."""

    answer: MessageT
    request_bytes: bytes
    answer_bytes: bytes


def check_error(raw: bytes) -> Header:
    """The header of `raw`; ErrorResponseError when it is ERROR."""
    header = Header.decode(raw)
    if header.code == Response.ERROR:
        raise ErrorResponseError(header.param1, header.param2)
    return header


async def ask(
    channel: Channel,
    request: Message,
    answer_type: type[MessageT],
    shape: Shape | None = None,
) -> Exchanged[MessageT]:
    """Send `request` in the version of `channel` and decode its answer.

    Raises ErrorResponseError for ERROR, NoResponseError for silence, DecodeError and
    UnexpectedResponseError for an answer of a wrong form, version or code.
    """
    if request.CODE != GetVersion.CODE:
        request = replace(request, version=channel.suite.version)
    sent = request.encode()
    name = type(request).__name__
    raw = need(await channel.request(sent), name)
    header = check_error(raw)
    if header.version != request.version:
        raise UnexpectedResponseError(f"{name} answered in version 0x{header.version:02x}")
    if header.code != answer_type.CODE:
        raise UnexpectedResponseError(f"{name} answered with code 0x{header.code:02x}")
    shape = shape or channel.suite.shape()
    answer, exact = answer_type.decode_padded(raw, shape, channel.padding_max)
    return Exchanged(answer, sent, exact)


def new_context(entropy: Entropy, version: int) -> bytes:
    """A fresh context of the requester; zeros where the version has none."""
    return entropy.randbytes(CONTEXT_SIZE) if version >= VERSION_1_3 else bytes(CONTEXT_SIZE)


def check_context(sent: bytes, received: bytes) -> None:
    """UnexpectedResponseError unless an answer repeats the context of its request."""
    if sent != received:
        raise UnexpectedResponseError("the answer has another context than its request")


@dataclass(frozen=True, slots=True)
class MeasurementReport:
    """Measurements as a device reported them."""

    blocks: tuple[Measurement, ...]
    total: int  # number of indices, when only that was asked for
    nonce: bytes  # of the device
    signed: bool


@dataclass(frozen=True, slots=True)
class MeasurementQuery:
    """What to ask for."""

    operation: int = MeasurementOperation.ALL  # or COUNT, or an index
    signed: bool = True
    raw: bool = False
    slot: int = 0


async def read_measurements(
    channel: Channel,
    query: MeasurementQuery,
    log: Transcript,
    entropy: Entropy,
    key: ec.EllipticCurvePublicKey | None,
) -> MeasurementReport:
    """Ask for measurements, append to `log` (L1), verify the signature with `key`."""
    request = GetMeasurements(
        operation=query.operation,
        attributes=MeasurementAttribute.RAW if query.raw else 0,
        nonce=entropy.randbytes(NONCE_SIZE) if query.signed else b"",
        slot=query.slot,
        context=new_context(entropy, channel.suite.version),
    )
    suite = channel.suite
    reply = await ask(channel, request, Measurements, suite.shape(signed=query.signed))
    answer = reply.answer
    check_context(request.context, answer.context)
    log.append(reply.request_bytes, answer.signed_part())
    if query.signed:
        if key is None:
            raise CertificateError("signed measurements need the certificate chain first")
        verify(key, SigningContext.MEASUREMENTS, log.digest(), answer.signature, suite)
    blocks = decode_record(answer.record, answer.blocks)
    _check_blocks(query.operation, blocks)
    return MeasurementReport(blocks, answer.total, answer.nonce, query.signed)


def _check_blocks(operation: int, blocks: tuple[Measurement, ...]) -> None:
    if operation == MeasurementOperation.COUNT:
        sound = not blocks
    elif operation == MeasurementOperation.ALL:
        sound = bool(blocks)
    else:
        sound = [block.index for block in blocks] == [operation]
    if not sound:
        raise UnexpectedResponseError(f"{len(blocks)} blocks answer operation 0x{operation:02x}")


async def read_chain(
    channel: Channel, slot: int, portion: int, log: Transcript | None = None
) -> bytes:
    """The whole certificate chain structure of `slot`, at most `portion` bytes at a time."""
    chain, total = b"", 1
    while len(chain) < total:
        request = GetCertificate(slot=slot, offset=len(chain), length=portion)
        reply = await ask(channel, request, Certificate)
        if log is not None:
            log.append(reply.request_bytes, reply.answer_bytes)
        answer = reply.answer
        end = len(chain) + len(answer.portion) + answer.remainder
        if not 0 < len(answer.portion) <= portion or (chain and end != total):
            raise CertificateError(f"portions of slot {slot} do not fit together")
        chain, total = chain + answer.portion, end
    return chain
