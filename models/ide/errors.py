# SPDX-License-Identifier: Apache-2.0
"""Failures of an IDE stream."""

from __future__ import annotations

from enum import Enum


class IdeFailure(Enum):
    """What became of a TLP that was not served, or of a key that was not taken."""

    NOT_IDE = "no IDE TLP"
    MISROUTED = "Misrouted IDE TLP"
    DISCARDED = "discarded, the stream is Insecure"
    MALFORMED = "Malformed TLP"
    CHECK_FAILED = "IDE Check Failed"
    PCRC_FAILED = "PCRC Check Failed"
    NOT_PERMITTED = "may not be sent on this stream"
    SYNC_OVERDUE = "an IDE Sync has to be sent first"
    NO_KEY = "no usable key for sending"
    KEY_REFUSED = "key refused"


class InsecureCause(Enum):
    """Why a stream left Secure."""

    ENABLE_CLEARED = "Enable cleared"
    CHECK_FAILED = "IDE Check Failed"
    FAIL_RECEIVED = "IDE Fail received"
    LINK_DOWN = "data link down"
    SESSION_ENDED = "the SPDM session that set the keys ended"
    RESET = "conventional reset"
    FLR = "function level reset of the function with the IDE capability"
    ASSOCIATION_INVALID = "RID association no longer valid"
    INTERNAL_FAULT = "internal fault"


class IdeError(Exception):
    """A TLP that was not served or not sent, or a key that was not taken."""

    def __init__(self, failure: IdeFailure, detail: str) -> None:
        super().__init__(f"{failure.value}: {detail}")
        self.failure = failure
