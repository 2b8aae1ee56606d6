# SPDX-License-Identifier: Apache-2.0
"""The transition table of a TDI as data: (state, event) to (next state, reply).

Read by the reference DSM and by coverage; nothing else decides about states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from models.tdisp.codes import ErrorCause, ErrorCode, Request, Response, TdiState

_U = TdiState.CONFIG_UNLOCKED
_L = TdiState.CONFIG_LOCKED
_R = TdiState.RUN
_E = TdiState.ERROR


class Event(Enum):
    """What can happen to a TDI: requests with their outcome, and everything that is no message."""

    LOCK_GOOD = "LOCK, all checks pass"
    LOCK_BAD = "LOCK, a check fails"
    START_GOOD = "START, good nonce"
    START_BAD = "START, bad nonce"
    STOP = "STOP"
    GET_REPORT = "GET_DEVICE_INTERFACE_REPORT"
    GET_STATE = "GET_DEVICE_INTERFACE_STATE"
    GET_VERSION = "GET_TDISP_VERSION"
    GET_CAPABILITIES = "GET_TDISP_CAPABILITIES"
    BIND_P2P = "BIND_P2P_STREAM"
    UNBIND_P2P = "UNBIND_P2P_STREAM"
    SET_MMIO = "SET_MMIO_ATTRIBUTE"
    SET_CONFIG = "SET_TDISP_CONFIG"
    VDM = "VDM_REQUEST"
    CONFIG_CHANGE = "security-relevant configuration change"
    REQUESTER_ID_CHANGE = "bus or segment number changed"
    FLR = "function level reset of the hosting function"
    STREAM_INSECURE = "bound IDE stream turned Insecure"
    POISONED = "poisoned TLP or uncorrectable internal data error"
    COMPLETION_ERROR = "UR, CA or time-out of an own request"
    TRANSLATION_T0 = "Translation Completion with T = 0"
    PRG_RESPONSE_T0 = "PRG Response with T = 0 or on another stream"
    SESSION_END = "the SPDM session that locked the TDI ended"
    FORCED_UPDATE = "forced firmware update, or one to a lower security version"
    DEBUG = "debug authorised"
    DSM_FAULT = "DSM fault or loss of TDI state"
    POWER = "power management transition that loses state"
    CONVENTIONAL_RESET = "conventional reset"
    SELF_CLEAN = "voluntary clean-up finished"


class ByCheck(Enum):
    """A reply that depends on the checks of the request."""

    ERROR = "the code of the check that fails"
    RESPONSE_OR_ERROR = "the response, or the code of the check that fails"


Reply = Response | ErrorCode | ByCheck | None


@dataclass(frozen=True, slots=True)
class Cell:
    """Next state and reply; no reply means that the event is no message."""

    next: TdiState
    reply: Reply
    requirements: tuple[str, ...]


_STATES = (_U, _L, _R, _E)
_REFUSED = ErrorCode.INVALID_INTERFACE_STATE
_Row = Mapping[TdiState, Cell]


def _row(requirements: str, *cells: tuple[TdiState, Reply]) -> _Row:
    numbers = tuple(requirements.split())
    return {
        state: Cell(following, reply, numbers)
        for state, (following, reply) in zip(_STATES, cells, strict=True)
    }


def _request(requirements: str, legal: Mapping[TdiState, tuple[TdiState, Reply]]) -> _Row:
    """A request that is refused with INVALID_INTERFACE_STATE where it is not legal."""
    return _row(requirements, *(legal.get(state, (state, _REFUSED)) for state in _STATES))


def _everywhere(requirements: str, reply: Reply) -> _Row:
    return _row(requirements, *((state, reply) for state in _STATES))


def _error(requirements: str) -> _Row:
    """An event that moves a locked TDI to ERROR."""
    moves = ((_U, None), (_E, None), (_E, None), (_E, None))
    return _row(f"{requirements} TDISP-FSM-019", *moves)


_ROWS: Mapping[Event, _Row] = {
    Event.LOCK_GOOD: _request(
        "TDISP-LOCK-001 TDISP-STATE-003", {_U: (_L, Response.LOCK_INTERFACE_RESPONSE)}
    ),
    Event.LOCK_BAD: _request("TDISP-LOCK-001 TDISP-LOCK-017", {_U: (_U, ByCheck.ERROR)}),
    Event.START_GOOD: _request(
        "TDISP-START-001 TDISP-STATE-003", {_L: (_R, Response.START_INTERFACE_RESPONSE)}
    ),
    Event.START_BAD: _request(
        "TDISP-START-001 TDISP-START-002", {_L: (_L, ErrorCode.INVALID_NONCE)}
    ),
    Event.STOP: _row(
        "TDISP-STOP-001 TDISP-STOP-002 TDISP-FSM-015",
        *((_U, Response.STOP_INTERFACE_RESPONSE) for _ in _STATES),
    ),
    Event.GET_REPORT: _request(
        "TDISP-RPT-001",
        {
            _L: (_L, ByCheck.RESPONSE_OR_ERROR),
            _R: (_R, ByCheck.RESPONSE_OR_ERROR),
        },
    ),
    Event.GET_STATE: _everywhere("TDISP-STATE-001", Response.DEVICE_INTERFACE_STATE),
    Event.GET_VERSION: _everywhere("TDISP-VER-002", Response.TDISP_VERSION),
    Event.GET_CAPABILITIES: _everywhere("TDISP-CAP-005", Response.TDISP_CAPABILITIES),
    Event.BIND_P2P: _request("TDISP-P2P-001", {_R: (_R, ByCheck.RESPONSE_OR_ERROR)}),
    Event.UNBIND_P2P: _request("TDISP-P2P-001", {_R: (_R, ByCheck.RESPONSE_OR_ERROR)}),
    Event.SET_MMIO: _request("TDISP-MMA-001", {_R: (_R, ByCheck.RESPONSE_OR_ERROR)}),
    Event.SET_CONFIG: _request("TDISP-CFG-001", {_U: (_U, ByCheck.RESPONSE_OR_ERROR)}),
    # No vendor defines one here, so it gets no state of its own to be legal in.
    Event.VDM: _everywhere("TDISP-VDM-001", ErrorCode.UNSUPPORTED_REQUEST),
    Event.CONFIG_CHANGE: _error("TDISP-FSM-001"),
    Event.REQUESTER_ID_CHANGE: _error("TDISP-FSM-003"),
    Event.FLR: _error("TDISP-FSM-004 TDISP-FSM-006"),
    Event.STREAM_INSECURE: _error("TDISP-FSM-007"),
    Event.POISONED: _error("TDISP-FSM-009"),
    Event.COMPLETION_ERROR: _error("TDISP-FSM-010"),
    # In CONFIG_LOCKED no translation and no page is asked for: a late answer is rejected.
    Event.TRANSLATION_T0: _row("TDISP-FSM-011", (_U, None), (_L, None), (_E, None), (_E, None)),
    Event.PRG_RESPONSE_T0: _row("TDISP-FSM-012", (_U, None), (_L, None), (_E, None), (_E, None)),
    Event.SESSION_END: _error("TDISP-SES-007"),
    Event.FORCED_UPDATE: _error("TDISP-LOCK-025"),
    Event.DEBUG: _error("TDISP-FSM-001"),
    Event.DSM_FAULT: _error("TDISP-FSM-013"),
    Event.POWER: _error("TDISP-TRK-011"),
    Event.CONVENTIONAL_RESET: _row("TDISP-FSM-014", *((_U, None) for _ in _STATES)),
    Event.SELF_CLEAN: _row("TDISP-FSM-015", (_U, None), (_L, None), (_R, None), (_U, None)),
}

TABLE: Mapping[tuple[TdiState, Event], Cell] = {
    (state, event): cell for event, row in _ROWS.items() for state, cell in row.items()
}

# The event of a request that passes all its checks.
REQUEST_EVENTS: Mapping[Request, Event] = {
    Request.GET_TDISP_VERSION: Event.GET_VERSION,
    Request.GET_TDISP_CAPABILITIES: Event.GET_CAPABILITIES,
    Request.LOCK_INTERFACE_REQUEST: Event.LOCK_GOOD,
    Request.GET_DEVICE_INTERFACE_REPORT: Event.GET_REPORT,
    Request.GET_DEVICE_INTERFACE_STATE: Event.GET_STATE,
    Request.START_INTERFACE_REQUEST: Event.START_GOOD,
    Request.STOP_INTERFACE_REQUEST: Event.STOP,
    Request.BIND_P2P_STREAM_REQUEST: Event.BIND_P2P,
    Request.UNBIND_P2P_STREAM_REQUEST: Event.UNBIND_P2P,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: Event.SET_MMIO,
    Request.SET_TDISP_CONFIG_REQUEST: Event.SET_CONFIG,
}

# How this device shows an event in its vendor-specific register.
CAUSES: Mapping[Event, ErrorCause] = {
    Event.REQUESTER_ID_CHANGE: ErrorCause.REQUESTER_ID,
    Event.FLR: ErrorCause.FLR,
    Event.STREAM_INSECURE: ErrorCause.STREAM_INSECURE,
    Event.POISONED: ErrorCause.POISONED,
    Event.COMPLETION_ERROR: ErrorCause.COMPLETION,
    Event.TRANSLATION_T0: ErrorCause.ATS,
    Event.PRG_RESPONSE_T0: ErrorCause.ATS,
    Event.SESSION_END: ErrorCause.SESSION_END,
    Event.FORCED_UPDATE: ErrorCause.DSM_FAULT,
    Event.DEBUG: ErrorCause.DSM_FAULT,
    Event.DSM_FAULT: ErrorCause.DSM_FAULT,
    Event.POWER: ErrorCause.POWER,
}


def state_refusal(state: TdiState, request: Request) -> ErrorCode | None:
    """INVALID_INTERFACE_STATE where a request is not legal, else None."""
    event = REQUEST_EVENTS.get(request)
    reply = None if event is None else TABLE[state, event].reply
    return reply if isinstance(reply, ErrorCode) else None
