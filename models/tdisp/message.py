# SPDX-License-Identifier: Apache-2.0
"""The common part of every TDISP message: header and payload (TDISP-HDR-001).

Bytes begin with TDISPVersion, behind the protocol id.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from models.tdisp.codes import HEADER_SIZE, VERSION_1_0
from models.tdisp.errors import DecodeError, EncodeError
from models.tdisp.interface_id import InterfaceId

_HEADER = struct.Struct(f"<BBH{InterfaceId.SIZE}s")


@dataclass(frozen=True, slots=True)
class Header:
    """The first 16 bytes."""

    version: int
    code: int
    interface: InterfaceId

    def encode(self) -> bytes:
        """Reserved bytes are 0 (TDISP-HDR-002)."""
        return _HEADER.pack(self.version, self.code, 0, self.interface.encode())

    @classmethod
    def decode(cls, raw: bytes) -> Header:
        """From the front of `raw`; DecodeError when there is no whole header."""
        if len(raw) < HEADER_SIZE:
            raise DecodeError(f"message of {len(raw)} bytes")
        version, code, _, interface = _HEADER.unpack_from(raw)
        return cls(version, code, InterfaceId.decode(interface))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Base of all messages. A subclass with a payload overrides `_payload` and `_parse`."""

    CODE: ClassVar[int]

    interface: InterfaceId
    version: int = VERSION_1_0

    def _payload(self) -> bytes:
        return b""

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        """`head` holds the fields of the header by name."""
        if payload:
            raise DecodeError(f"{cls.__name__} with a payload of {len(payload)} bytes")
        return cls(**head)

    def encode(self) -> bytes:
        """The whole message; EncodeError when a field does not fit."""
        try:
            payload = self._payload()
        except struct.error as error:
            raise EncodeError(f"{type(self).__name__}: {error}") from error
        return Header(self.version, self.CODE, self.interface).encode() + payload

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Raises DecodeError when `raw` is not exactly one such message (TDISP-HDR-008)."""
        header = Header.decode(raw)
        if header.code != cls.CODE:
            raise DecodeError(f"message code 0x{header.code:02x}, not {cls.__name__}")
        head = {"interface": header.interface, "version": header.version}
        return cls._parse(head, raw[HEADER_SIZE:])

    @classmethod
    def _unpack(cls, layout: struct.Struct, payload: bytes) -> tuple[Any, ...]:
        if len(payload) != layout.size:
            raise DecodeError(f"{cls.__name__} with a payload of {len(payload)} bytes")
        return layout.unpack(payload)
