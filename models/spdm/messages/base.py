# SPDX-License-Identifier: Apache-2.0
"""The common part of every SPDM message: header, exact lengths, padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from models.spdm.codes import HEADER_SIZE, VERSION_1_2
from models.spdm.errors import DecodeError
from models.spdm.wire import Reader, little

PADDING_MAX = 3  # bytes that fill a DOE object up to a DW


@dataclass(frozen=True, slots=True)
class Shape:
    """What a message's layout depends on besides its own bytes.

    Sizes in bytes, of the negotiated algorithms; `summary` and `signed` follow from the
    request that a response answers.
    """

    hash_size: int = 48
    signature_size: int = 96
    exchange_size: int = 96
    summary: bool = False  # a measurement summary hash is present
    signed: bool = False  # a signature is present (MEASUREMENTS)
    in_the_clear: bool = False  # the handshake has no keys: FINISH_RSP has the verify data


DEFAULT_SHAPE = Shape()


@dataclass(frozen=True, slots=True)
class Header:
    """The four bytes in front of every message."""

    version: int
    code: int
    param1: int
    param2: int

    @classmethod
    def decode(cls, raw: bytes) -> Header:
        """The header at the front of `raw`; DecodeError when there are fewer than 4 bytes."""
        if len(raw) < HEADER_SIZE:
            raise DecodeError(f"length {len(raw)}, expected {HEADER_SIZE} or more")
        return cls(*raw[:HEADER_SIZE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Base of all messages. A subclass gives its two parameters, its body and their parser."""

    CODE: ClassVar[int]

    version: int = VERSION_1_2

    def _params(self) -> tuple[int, int]:
        return 0, 0

    def _body(self) -> bytes:
        return b""

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(version=header.version)

    def encode(self) -> bytes:
        """The exact bytes, without padding; EncodeError when a field does not fit."""
        param1, param2 = self._params()
        head = bytes((self.version, self.CODE))
        return head + little("param1", param1, 1) + little("param2", param2, 1) + self._body()

    @classmethod
    def _read(cls, raw: bytes, shape: Shape) -> tuple[Self, Reader]:
        header = Header.decode(raw)
        if header.code != cls.CODE:
            raise DecodeError(f"code 0x{header.code:02x}, expected 0x{cls.CODE:02x}")
        reader = Reader(raw)
        reader.take(HEADER_SIZE)
        return cls._parse(header, reader, shape), reader

    @classmethod
    def decode(cls, raw: bytes, shape: Shape = DEFAULT_SHAPE) -> Self:
        """Raises DecodeError when `raw` is not exactly one such message."""
        message, reader = cls._read(raw, shape)
        reader.finish()
        return message

    @classmethod
    def decode_padded(
        cls, raw: bytes, shape: Shape = DEFAULT_SHAPE, padding_max: int = PADDING_MAX
    ) -> tuple[Self, bytes]:
        """The message at the front of `raw` and its exact bytes.

        Up to `padding_max` bytes of DW padding may follow; their value is ignored and they
        never enter a transcript. Raises DecodeError when more follows.
        """
        message, reader = cls._read(raw, shape)
        if reader.remaining > padding_max:
            reader.finish()
        return message, raw[: reader.position]
