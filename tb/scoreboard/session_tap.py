# SPDX-License-Identifier: Apache-2.0
"""Reads the secured records that pass the DOE mailbox, with the keys seen at the RoT port."""

from __future__ import annotations

from models.doe.codes import ObjectType
from models.spdm.carrier import unwrap
from models.spdm.errors import SpdmError
from models.spdm.key_port import Direction, KeyOperation
from models.spdm.record import RecordCipher, RecordKeys, record_session_id
from tb.scoreboard.replay_rot import KeyWriteView


class SessionTap:
    """A third party that holds the keys of both directions of every session."""

    def __init__(self) -> None:
        self._ciphers: dict[tuple[int, Direction], tuple[RecordKeys, RecordCipher]] = {}
        self._deferred: list[KeyWriteView] = []

    def copy(self, direction: Direction) -> SessionTap:
        """A tap that can open the next record of each session without counting it here."""
        tap = SessionTap()
        for (session_id, way), (keys, cipher) in self._ciphers.items():
            if way is direction:
                copied = RecordCipher(keys, cipher.sequence)
                tap._ciphers[session_id, way] = (keys, copied)
        return tap

    def key(self, write: KeyWriteView) -> None:
        """A write to the session-key port."""
        if write.deferred:
            self._deferred.append(write)
        else:
            self._apply(write)

    def answered(self) -> None:
        """The answer to the current request has been sealed: deferred writes take effect."""
        for write in self._deferred:
            self._apply(write)
        self._deferred.clear()

    def _apply(self, write: KeyWriteView) -> None:
        if write.op == KeyOperation.LOAD:
            keys = RecordKeys(write.key, write.iv)
            slot = (write.session_id, Direction(write.direction))
            self._ciphers[slot] = (keys, RecordCipher(keys))
        elif write.op == KeyOperation.END_SESSION:
            self.ended(write.session_id)
        else:
            self._ciphers.clear()

    def keys(self, session_id: int, direction: Direction) -> tuple[RecordKeys, int]:
        """Keys of one direction and the number of its next record; for tests that forge records."""
        keys, cipher = self._ciphers[session_id, direction]
        return keys, cipher.sequence

    def ended(self, session_id: int) -> None:
        """The session is over."""
        for direction in Direction:
            self._ciphers.pop((session_id, direction), None)

    def open(self, doe_object: bytes, direction: Direction) -> tuple[int, bytes] | None:
        """Session and application data of a secured record; None when it is none or is broken."""
        try:
            kind, record = unwrap(doe_object)
            if kind != ObjectType.SECURED_SPDM:
                return None
            session_id = record_session_id(record)
            known = self._ciphers.get((session_id, direction))
            return None if known is None else (session_id, known[1].open(record))
        except SpdmError:
            return None
