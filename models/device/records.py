# SPDX-License-Identifier: Apache-2.0
"""The record layer of a device: keys of its sessions, records in and out (SEC-REC-001 to 007)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from models.spdm.errors import RecordError
from models.spdm.key_port import Direction
from models.spdm.record import RecordCipher, RecordKeys


@dataclass(slots=True)
class SessionSlot:
    """Keys of one session."""

    session_id: int
    ciphers: dict[Direction, RecordCipher] = field(default_factory=dict, repr=False)
    established: bool = False  # past FINISH: requests come under application keys


class RecordLayer:
    """Is the session-key port. `on_end` is called with the id of every session that ends."""

    def __init__(self, num_sessions: int, on_end: Callable[[int], None]) -> None:
        self._num_sessions = num_sessions
        self._slots: dict[int, SessionSlot] = {}
        self._deferred: list[Callable[[], None]] = []
        self._on_end = on_end

    @property
    def session_ids(self) -> tuple[int, ...]:
        """Sessions that have keys."""
        return tuple(self._slots)

    def get(self, session_id: int) -> SessionSlot | None:
        """The slot of a session, None when it has no keys."""
        return self._slots.get(session_id)

    # ------------------------------------------------------------------ session-key port

    def load(
        self,
        session_id: int,
        direction: Direction,
        key: bytes,
        iv: bytes,
        *,
        application: bool,
        deferred: bool,
    ) -> None:
        """Set a key; a session without slot gets one while there is one."""
        keys = RecordKeys(key, iv)
        self._do(lambda: self._load(session_id, direction, keys, application), deferred)

    def _load(
        self, session_id: int, direction: Direction, keys: RecordKeys, application: bool
    ) -> None:
        slot = self._slots.get(session_id)
        if slot is None:
            if len(self._slots) >= self._num_sessions:
                return
            slot = self._slots[session_id] = SessionSlot(session_id)
        slot.ciphers[direction] = RecordCipher(keys)
        if direction is Direction.REQUEST:
            slot.established = application

    def end_session(self, session_id: int, *, deferred: bool) -> None:
        """Erase the keys of a session."""
        self._do(lambda: self.end(session_id), deferred)

    def end_all(self) -> None:
        """Erase all keys, now; nothing that was put off happens any more."""
        self._deferred.clear()
        for session_id in tuple(self._slots):
            self.end(session_id)

    def _do(self, action: Callable[[], None], deferred: bool) -> None:
        if deferred:
            self._deferred.append(action)
        else:
            action()

    # ------------------------------------------------------------------ records

    def end(self, session_id: int) -> None:
        """A session is over (SPDM-SES-002, SPDM-SES-003)."""
        if self._slots.pop(session_id, None) is not None:
            self._on_end(session_id)

    def answered(self) -> None:
        """The answer to the current request is sealed: what was deferred happens now."""
        actions, self._deferred = self._deferred, []
        for action in actions:
            action()

    @staticmethod
    def open(slot: SessionSlot, record: bytes) -> bytes:
        """The application data of a request; RecordError when it fails its check."""
        cipher = slot.ciphers.get(Direction.REQUEST)
        if cipher is None:
            raise RecordError("no key for requests")
        return cipher.open(record)

    @staticmethod
    def seal(slot: SessionSlot, data: bytes) -> bytes | None:
        """The record of an answer; None when the session has no key for it."""
        cipher = slot.ciphers.get(Direction.RESPONSE)
        return None if cipher is None else cipher.seal(slot.session_id, data)
