# SPDX-License-Identifier: Apache-2.0
"""Secured message records as carried by DOE (SEC-REC-001 to SEC-REC-007).

A record is session id (4), length (2), cipher text, tag (16). Its plain text is the length
of the application data (2) and the data; there is no random padding (SEC-REC-006).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.spdm.codes import AEAD_IV_SIZE, AEAD_KEY_SIZE, AEAD_TAG_SIZE
from models.spdm.errors import RecordError

HEADER = struct.Struct("<IH")
LENGTH = struct.Struct("<H")
PADDING_MAX = 3
SEQUENCE_LIMIT = (1 << 64) - 1  # the last number is never used, so the counter never wraps
RECORD_MAX = 0xFFFF


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """AES-256-GCM key and IV salt of one direction."""

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != AEAD_KEY_SIZE or len(self.iv) != AEAD_IV_SIZE:
            raise RecordError(f"key of {len(self.key)} bytes with IV of {len(self.iv)} bytes")


def record_session_id(record: bytes) -> int:
    """The session id in front of `record`; RecordError when there is no whole header."""
    if len(record) < HEADER.size:
        raise RecordError(f"record of {len(record)} bytes has no header")
    session_id: int = HEADER.unpack_from(record)[0]
    return session_id


class RecordCipher:
    """One direction of one session between two keys: counts from 0, never repeats."""

    def __init__(self, keys: RecordKeys, sequence: int = 0) -> None:
        self._aead: AESGCM | None = AESGCM(keys.key)
        self._salt = keys.iv
        self._sequence = sequence

    @property
    def sequence(self) -> int:
        """The number of the next record."""
        return self._sequence

    def _nonce(self) -> bytes:
        number = self._sequence.to_bytes(AEAD_IV_SIZE, "little")
        return bytes(salt ^ count for salt, count in zip(self._salt, number, strict=True))

    def _next_aead(self) -> AESGCM:
        if self._aead is None:
            raise RecordError("an earlier record was refused")
        if self._sequence >= SEQUENCE_LIMIT:
            raise RecordError("sequence number exhausted")
        return self._aead

    def seal(self, session_id: int, application_data: bytes) -> bytes:
        """The exact record, without DW padding. RecordError when it would be too long."""
        aead = self._next_aead()
        length = LENGTH.size + len(application_data) + AEAD_TAG_SIZE
        if length > RECORD_MAX:
            raise RecordError(f"application data of {len(application_data)} bytes is too long")
        header = HEADER.pack(session_id, length)
        plain = LENGTH.pack(len(application_data)) + application_data
        sealed = aead.encrypt(self._nonce(), plain, header)
        self._sequence += 1
        return header + sealed

    def open(self, record: bytes) -> bytes:
        """The application data of `record`, which may end in DW padding (SEC-REC-004).

        Raises RecordError on a wrong length or tag. The cipher is dead from then on: a
        record that was refused ends the session (SEC-REC-007).
        """
        try:
            data = self._open(record)
        except RecordError:
            self._aead = None
            raise
        self._sequence += 1
        return data

    def _open(self, record: bytes) -> bytes:
        aead = self._next_aead()
        record_session_id(record)
        length: int = HEADER.unpack_from(record)[1]
        excess = len(record) - HEADER.size - length
        if length < AEAD_TAG_SIZE + LENGTH.size or not 0 <= excess <= PADDING_MAX:
            raise RecordError(f"length field {length} in a record of {len(record)} bytes")
        sealed = record[HEADER.size : HEADER.size + length]
        try:
            plain = aead.decrypt(self._nonce(), sealed, record[: HEADER.size])
        except InvalidTag:
            raise RecordError(f"wrong tag at sequence number {self._sequence}") from None
        size: int = LENGTH.unpack_from(plain)[0]
        if size != len(plain) - LENGTH.size:
            raise RecordError(f"application length {size} in {len(plain)} bytes of plain text")
        return plain[LENGTH.size :]
