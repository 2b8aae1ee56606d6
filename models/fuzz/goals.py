# SPDX-License-Identifier: Apache-2.0
"""What a campaign has to have seen of a TDISP 1.0 device: every error code of every request."""

from __future__ import annotations

from models.fuzz.judge import Judge
from models.idekm.codes import KpStatus
from models.tdisp.codes import ErrorCode, Request, Response

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
}
# A header that is cut off, another version, and nothing else is looked at.
_NOT_BUILT = frozenset(
    {ErrorCode.INVALID_REQUEST, ErrorCode.VERSION_MISMATCH, ErrorCode.UNSUPPORTED_REQUEST}
)

ERRORS = frozenset(
    (request.name, error.name) for request in Request for error in _BUILT.get(request, _NOT_BUILT)
) | frozenset(("unknown", error.name) for error in _NOT_BUILT)

# An object of a wrong length has no answer (IDEKM section 6.2), so that nothing has status 01.
STATUSES = frozenset(status.name for status in KpStatus) - {KpStatus.INCORRECT_LENGTH.name}

ANSWERS = frozenset(
    {
        *(Response(request & 0x7F).name for request in _BUILT),
        *("QUERY_RESP", "KP_ACK", "K_GOSTOP_ACK", "SPDM", "SPDM ERROR", "silence"),
    }
)


def missed(judge: Judge) -> list[str]:
    """What no exchange has shown yet."""
    lines = [f"{request}: {error}" for request, error in sorted(ERRORS - set(judge.errors))]
    lines += [f"KP_ACK: {status}" for status in sorted(STATUSES - set(judge.statuses))]
    return lines + sorted(ANSWERS - set(judge.answers))


def foreign(judge: Judge) -> list[str]:
    """Answers that no request has by the rules."""
    lines = [f"{request}: {error}" for request, error in sorted(set(judge.errors) - ERRORS)]
    return lines + [f"KP_ACK: {status}" for status in sorted(set(judge.statuses) - STATUSES)]
