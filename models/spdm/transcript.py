# SPDX-License-Identifier: Apache-2.0
"""Running hash over exchanged messages, padding excluded (SPDM-MEA-001, SPDM-KEX-001)."""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives import hashes

from models.spdm.codes import VERSION_1_2, BaseHash, Request
from models.spdm.key_schedule import HASHES

# Requests that do not start a log anew. VENDOR_DEFINED is among them on both sides, since
# IDE_KM and TDISP are answered by another part of the device than the one that keeps the logs.
_MEASUREMENT_LOG_KEEPERS = (Request.GET_MEASUREMENTS, Request.VENDOR_DEFINED)
_CERTIFICATE_LOG_KEEPERS = (Request.GET_CERTIFICATE, Request.CHALLENGE, Request.VENDOR_DEFINED)


def digest(base_hash: BaseHash, data: bytes) -> bytes:
    """Hash of `data`."""
    return Transcript(base_hash).append(data).digest()


class Transcript:
    """A message log of which only the hash is kept, so that it never grows."""

    def __init__(self, base_hash: BaseHash = BaseHash.SHA_384) -> None:
        self._state = hashes.Hash(HASHES[base_hash]())
        self._empty = True

    @property
    def empty(self) -> bool:
        """Whether nothing was appended to this log or to the one it was forked from."""
        return self._empty

    def append(self, *messages: bytes) -> Transcript:
        """Log `messages`; returns itself."""
        for message in messages:
            self._state.update(message)
            self._empty = False
        return self

    def fork(self) -> Transcript:
        """An independent log with the same content."""
        copy = Transcript.__new__(Transcript)
        copy._state, copy._empty = self._state.copy(), self._empty
        return copy

    def digest(self) -> bytes:
        """Hash of all that was appended; the log can go on."""
        return self._state.copy().finalize()


class ConnectionLogs:
    """Message logs of a connection, kept in the same way on both sides."""

    def __init__(self) -> None:
        self._negotiation = b""  # kept until the hash algorithm is known
        self._base_hash = BaseHash.SHA_384
        self._version = VERSION_1_2
        self.vca = Transcript()  # A: version, capabilities, algorithms
        self.certificates = Transcript()  # A and B of M1
        self.measurements = Transcript()  # L1 outside sessions

    def negotiation(self, *messages: bytes) -> None:
        """Log messages of A."""
        self._negotiation += b"".join(messages)

    def restart(self, base_hash: BaseHash, version: int) -> None:
        """Begin all logs, now that A is complete."""
        self._base_hash, self._version = base_hash, version
        self.vca = Transcript(base_hash).append(self._negotiation)
        self.certificates, self.measurements = self.vca.fork(), self.new_measurements()

    def new_measurements(self) -> Transcript:
        """L1 before its first message: it begins with A from version 1.2 on."""
        return self.vca.fork() if self._version >= VERSION_1_2 else Transcript(self._base_hash)

    def begin(self, code: int, session: SessionLog | None = None) -> None:
        """A request `code` starts, within `session` or outside: drop what it interrupts."""
        if code not in _MEASUREMENT_LOG_KEEPERS:
            (session or self).measurements = self.new_measurements()
        if code not in _CERTIFICATE_LOG_KEEPERS:
            self.certificates = self.vca.fork()


class SessionLog(Protocol):
    """A session, as far as its log is concerned."""

    measurements: Transcript  # L1 inside the session
