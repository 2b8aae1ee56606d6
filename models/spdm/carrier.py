# SPDX-License-Identifier: Apache-2.0
"""SPDM messages and records as whole DOE objects, and the transport that takes them."""

from __future__ import annotations

import struct
from typing import Protocol

from models.doe.codes import HEADER_DWORDS, LENGTH_2_18, VENDOR_PCI_SIG, ObjectType
from models.spdm.errors import DecodeError, NoResponseError, UnexpectedResponseError
from models.spdm.suite import DEFAULT_SUITE, Suite

HEADER = struct.Struct("<HBBI")
DWORD = 4
LENGTH_MASK = LENGTH_2_18 - 1


class Transport(Protocol):
    """A DOE mailbox, a socket or a model of a device."""

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Deliver a whole object; returns the answer, None when there is none."""


class Channel(Protocol):
    """Where a message can be sent: in plain text or within a session."""

    @property
    def padding_max(self) -> int:
        """Bytes of padding that may follow an answer."""

    @property
    def suite(self) -> Suite:
        """What was negotiated."""

    async def request(self, spdm_message: bytes, /) -> bytes | None:
        """The answer to a message, None when there is none."""


def wrap(kind: ObjectType, payload: bytes) -> bytes:
    """A DOE object, padded to a DW."""
    padded = payload + bytes(-len(payload) % DWORD)
    length = HEADER_DWORDS + len(padded) // DWORD
    return HEADER.pack(VENDOR_PCI_SIG, kind, 0, length & LENGTH_MASK) + padded


def unwrap(doe_object: bytes) -> tuple[int, bytes]:
    """Type and padded payload of a DOE object; DecodeError when its header is wrong."""
    if len(doe_object) < HEADER.size:
        raise DecodeError(f"DOE object of {len(doe_object)} bytes")
    vendor, kind, _, length = HEADER.unpack_from(doe_object)
    if vendor != VENDOR_PCI_SIG:
        raise DecodeError(f"DOE vendor 0x{vendor:04x}, expected PCI-SIG")
    if DWORD * (length & LENGTH_MASK or LENGTH_2_18) != len(doe_object):
        raise DecodeError(f"DOE length {length} DW in an object of {len(doe_object)} bytes")
    return kind, doe_object[HEADER.size :]


class PlainChannel:
    """Messages outside a session."""

    padding_max = DWORD - 1

    def __init__(self, transport: Transport) -> None:
        self.suite = DEFAULT_SUITE  # until something is negotiated
        self._transport = transport

    async def request(self, spdm_message: bytes) -> bytes | None:
        """The padded answer to a message, None when there is none."""
        answer = await self._transport.exchange(wrap(ObjectType.SPDM, spdm_message))
        if answer is None:
            return None
        kind, payload = unwrap(answer)
        if kind != ObjectType.SPDM:
            raise UnexpectedResponseError(f"DOE type {kind} answers a plain message")
        return payload


def need(answer: bytes | None, what: str) -> bytes:
    """`answer`; NoResponseError when there is none."""
    if answer is None:
        raise NoResponseError(f"no response to {what}")
    return answer
