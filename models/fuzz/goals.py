# SPDX-License-Identifier: Apache-2.0
"""What a campaign has to have seen of a TDISP 1.0 device: every error code of every request."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from models.fuzz.judge import Judge
from models.idekm.codes import KpStatus
from models.tdisp.codes import ErrorCode, Request, Response

UNKNOWN = "unknown"  # the name of a request code that nobody has defined

# Length, version and interface can be wrong in every request that the device takes.
_ALWAYS = frozenset(
    {ErrorCode.INVALID_REQUEST, ErrorCode.VERSION_MISMATCH, ErrorCode.INVALID_INTERFACE}
)
_STATE = ErrorCode.INVALID_INTERFACE_STATE
_BUILT = {
    Request.GET_TDISP_VERSION: _ALWAYS,
    Request.GET_TDISP_CAPABILITIES: _ALWAYS,
    Request.GET_DEVICE_INTERFACE_STATE: _ALWAYS,
    Request.STOP_INTERFACE_REQUEST: _ALWAYS,
    Request.GET_DEVICE_INTERFACE_REPORT: _ALWAYS | {_STATE},
    Request.START_INTERFACE_REQUEST: _ALWAYS | {_STATE, ErrorCode.INVALID_NONCE},
    Request.LOCK_INTERFACE_REQUEST: _ALWAYS
    | {_STATE, ErrorCode.INVALID_DEVICE_CONFIGURATION, ErrorCode.INSUFFICIENT_ENTROPY},
    Request.BIND_P2P_STREAM_REQUEST: _ALWAYS | {_STATE},
    Request.UNBIND_P2P_STREAM_REQUEST: _ALWAYS | {_STATE},
    Request.SET_MMIO_ATTRIBUTE_REQUEST: _ALWAYS | {_STATE},
}
# A header that is cut off, another version, and nothing else is looked at.
_NOT_BUILT = frozenset(
    {ErrorCode.INVALID_REQUEST, ErrorCode.VERSION_MISMATCH, ErrorCode.UNSUPPORTED_REQUEST}
)

ERRORS = frozenset(
    (request.name, error.name) for request in Request for error in _BUILT.get(request, _NOT_BUILT)
) | frozenset((UNKNOWN, error.name) for error in _NOT_BUILT)

# With these a device may answer any request; ours answers with none of the last three.
GENERIC = frozenset(
    error.name
    for error in (
        ErrorCode.INVALID_REQUEST,
        ErrorCode.VERSION_MISMATCH,
        ErrorCode.INVALID_INTERFACE,
        ErrorCode.BUSY,
        ErrorCode.UNSPECIFIED,
        ErrorCode.VENDOR_SPECIFIC_ERROR,
    )
)

# An object of a wrong length has no answer (IDEKM section 6.2), so that nothing has status 01.
STATUSES = frozenset(status.name for status in KpStatus) - {KpStatus.INCORRECT_LENGTH.name}

ANSWERS = frozenset(
    {
        *(Response(request & 0x7F).name for request in _BUILT),
        *("QUERY_RESP", "KP_ACK", "K_GOSTOP_ACK", "SPDM", "SPDM ERROR", "silence"),
    }
)


# Another session asks where the owner of lock and keys would succeed.
FOREIGN = frozenset(
    request.name
    for request in (
        Request.LOCK_INTERFACE_REQUEST,
        Request.GET_DEVICE_INTERFACE_REPORT,
        Request.START_INTERFACE_REQUEST,
        Request.STOP_INTERFACE_REQUEST,
        Request.BIND_P2P_STREAM_REQUEST,
        Request.UNBIND_P2P_STREAM_REQUEST,
        Request.SET_MMIO_ATTRIBUTE_REQUEST,
    )
)


class Sort(Enum):
    """Where a goal is seen."""

    ERROR = "TDISP_ERROR"
    STATUS = "KP_ACK"
    ANSWER = "answer"
    FOREIGN = "another session"


class Goal(NamedTuple):
    """Something to be seen: an error of a request, a status, an answer, or a request of a session
    that has no right to it.
    """

    sort: Sort
    name: str  # of the request, the status or the answer
    error: str = ""

    def __str__(self) -> str:
        if self.sort is Sort.ERROR:
            return f"{self.name}: {self.error}"
        return self.name if self.sort is Sort.ANSWER else f"{self.sort.value}: {self.name}"


GOALS = (
    *(Goal(Sort.ERROR, *pair) for pair in sorted(ERRORS)),
    *(Goal(Sort.STATUS, name) for name in sorted(STATUSES)),
    *(Goal(Sort.ANSWER, name) for name in sorted(ANSWERS)),
    *(Goal(Sort.FOREIGN, name) for name in sorted(FOREIGN)),
)


def is_seen(judge: Judge, goal: Goal) -> bool:
    """Whether an exchange has shown it."""
    if goal.sort is Sort.ERROR:
        return (goal.name, goal.error) in judge.errors
    seen = {Sort.STATUS: judge.statuses, Sort.ANSWER: judge.answers, Sort.FOREIGN: judge.foreign}
    return goal.name in seen[goal.sort]


def missed(judge: Judge, goals: Iterable[Goal] = GOALS) -> list[Goal]:
    """What no exchange has shown yet."""
    return [goal for goal in goals if not is_seen(judge, goal)]


def foreign(judge: Judge, tolerated: frozenset[str] = frozenset()) -> list[Goal]:
    """What was seen and what no request has by the rules of this device.

    `tolerated` are errors that another device may give; GENERIC for one that nobody knows.
    """
    errors = sorted(pair for pair in set(judge.errors) - ERRORS if pair[1] not in tolerated)
    statuses = sorted(set(judge.statuses) - STATUSES)
    return [
        *(Goal(Sort.ERROR, *pair) for pair in errors),
        *(Goal(Sort.STATUS, name) for name in statuses),
    ]
