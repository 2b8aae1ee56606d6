# SPDX-License-Identifier: Apache-2.0
"""What passes the RoT port."""

from __future__ import annotations

from enum import Enum

from pyuvm import uvm_sequence_item

from tb.adapter import KeyWrite


class RotKind(Enum):
    """Which part of the RoT port an item passed."""

    REQUEST = "request"  # SPDM message to the root of trust
    RESPONSE = "response"  # its answer; raw is None for "no response"
    KEY = "key"  # write to the session-key port
    SESSION_ENDED = "session ended"  # the record layer ended a session


class RotItem(uvm_sequence_item):
    """One SPDM message, key write or session end at the RoT port."""

    def __init__(
        self,
        kind: RotKind,
        raw: bytes | None = None,
        session_id: int | None = None,
        key: KeyWrite | None = None,
    ) -> None:
        super().__init__("rot")
        self.kind = kind
        self.raw = raw
        self.session_id = session_id  # None: outside a session
        self.key = key
