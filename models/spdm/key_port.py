# SPDX-License-Identifier: Apache-2.0
"""The write-only port through which the Root of Trust gives session keys to the device."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol


class Direction(IntEnum):
    """Which records a key protects."""

    REQUEST = 0  # requester to device
    RESPONSE = 1  # device to requester


class KeyOperation(IntEnum):
    """Operations of the session-key port."""

    LOAD = 0
    END_SESSION = 1
    END_ALL = 2


class SessionKeyPort(Protocol):
    """Keys go in and never come out.

    `deferred` puts an operation off until the response to the current request was sealed.
    Each load restarts that direction's sequence number at 0. `application` is False for
    handshake keys, True once the session is past FINISH.
    """

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
        """Set the key of one direction; an unknown session id gets a slot."""

    def end_session(self, session_id: int, *, deferred: bool) -> None:
        """Erase the keys of one session."""

    def end_all(self) -> None:
        """Erase the keys of all sessions, now."""
