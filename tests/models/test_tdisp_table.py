# SPDX-License-Identifier: Apache-2.0
"""The transition table, cell by cell, and the reference DSM against it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.tdisp.codes import ErrorCause, ErrorCode, Request, Response, TdiState
from models.tdisp.messages import (
    BindP2pStreamRequest,
    ErrorResponse,
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    Message,
    SetMmioAttributeRequest,
    SetTdispConfigRequest,
    UnbindP2pStreamRequest,
    VdmRequest,
    decode_response,
)
from models.tdisp.profile import IMPLEMENTED, DsmProfile
from models.tdisp.report import MmioRange
from models.tdisp.table import CAUSES, TABLE, ByCheck, Event, state_refusal
from models.tdisp.tdi import Transition
from tests.models.tdisp_world import FLAGS, SESSION, STREAM, World, name
from tests.plan import covers

# Columns U, L, R, E: next state and reply; "inv" is INVALID_INTERFACE_STATE, "-" no message.
EXPECTED = """
LOCK_GOOD            L/03  L/inv R/inv E/inv
LOCK_BAD             U/chk L/inv R/inv E/inv
START_GOOD           U/inv R/06  R/inv E/inv
START_BAD            U/inv L/non R/inv E/inv
STOP                 U/07  U/07  U/07  U/07
GET_REPORT           U/inv L/rpt R/rpt E/inv
GET_STATE            U/05  L/05  R/05  E/05
GET_VERSION          U/01  L/01  R/01  E/01
GET_CAPABILITIES     U/02  L/02  R/02  E/02
BIND_P2P             U/inv L/inv R/rpt E/inv
UNBIND_P2P           U/inv L/inv R/rpt E/inv
SET_MMIO             U/inv L/inv R/rpt E/inv
SET_CONFIG           U/rpt L/inv R/inv E/inv
VDM                  U/uns L/uns R/uns E/uns
CONFIG_CHANGE        U/-   E/-   E/-   E/-
REQUESTER_ID_CHANGE  U/-   E/-   E/-   E/-
FLR                  U/-   E/-   E/-   E/-
STREAM_INSECURE      U/-   E/-   E/-   E/-
POISONED             U/-   E/-   E/-   E/-
COMPLETION_ERROR     U/-   E/-   E/-   E/-
TRANSLATION_T0       U/-   L/-   E/-   E/-
PRG_RESPONSE_T0      U/-   L/-   E/-   E/-
SESSION_END          U/-   E/-   E/-   E/-
FORCED_UPDATE        U/-   E/-   E/-   E/-
DEBUG                U/-   E/-   E/-   E/-
DSM_FAULT            U/-   E/-   E/-   E/-
POWER                U/-   E/-   E/-   E/-
CONVENTIONAL_RESET   U/-   U/-   U/-   U/-
SELF_CLEAN           U/-   L/-   R/-   U/-
"""
STATES = dict(zip("ULRE", TdiState, strict=True))
REPLIES: dict[str, object] = {
    "inv": ErrorCode.INVALID_INTERFACE_STATE,
    "non": ErrorCode.INVALID_NONCE,
    "uns": ErrorCode.UNSUPPORTED_REQUEST,
    "chk": ByCheck.ERROR,
    "rpt": ByCheck.RESPONSE_OR_ERROR,
    "-": None,
    **{f"{code:02x}": code for code in Response},
}
ROWS = [line.split() for line in EXPECTED.strip().splitlines()]
CELLS: list[tuple[TdiState, Event, str, str]] = [
    (state, Event[row[0]], cell[0], cell[2:])
    for row in ROWS
    for state, cell in zip(TdiState, row[1:], strict=True)
]


def full_profile() -> DsmProfile:
    """A DSM with everything that the reference can play."""
    base = World().dsm.profile
    return DsmProfile(4, base.ranges, optional=IMPLEMENTED)


REQUESTS: dict[Event, Callable[[], Message]] = {
    Event.GET_REPORT: lambda: GetDeviceInterfaceReport(interface=name(0)),
    Event.GET_STATE: lambda: GetDeviceInterfaceState(interface=name(0)),
    Event.GET_VERSION: lambda: GetTdispVersion(interface=name(0)),
    Event.GET_CAPABILITIES: lambda: GetTdispCapabilities(interface=name(0)),
    Event.BIND_P2P: lambda: BindP2pStreamRequest(interface=name(0), p2p_stream_id=9),
    Event.UNBIND_P2P: lambda: UnbindP2pStreamRequest(interface=name(0), p2p_stream_id=9),
    Event.SET_MMIO: lambda: SetMmioAttributeRequest(
        interface=name(0), mmio_range=MmioRange(0, 1, 0, 0)
    ),
    Event.SET_CONFIG: lambda: SetTdispConfigRequest(interface=name(0)),
    Event.VDM: lambda: VdmRequest(interface=name(0), vendor=bytes(2)),
}


def request_for(event: Event, world: World, nonce: bytes) -> Message | None:
    """The request that is this event."""
    if event is Event.LOCK_GOOD:
        return world.lock_request()
    if event is Event.LOCK_BAD:
        world.stream(secure=False)
        return world.lock_request()
    if event is Event.START_GOOD:
        return world.start_request(nonce)
    if event is Event.START_BAD:
        return world.start_request(bytes(32))
    if event is Event.STOP:
        return world.stop_request()
    return REQUESTS[event]() if event in REQUESTS else None


@covers("TDISP-STATE-003", "TDISP-LOCK-001", "TDISP-RPT-001", "TDISP-START-001", "TDISP-STOP-001")
def test_the_table_has_every_cell_of_the_specification() -> None:
    expected = {
        (state, event): (STATES[following], REPLIES[reply])
        for state, event, following, reply in CELLS
    }
    assert {key: (cell.next, cell.reply) for key, cell in TABLE.items()} == expected
    assert set(TABLE) == {(state, event) for state in TdiState for event in Event}
    assert all(cell.requirements for cell in TABLE.values())


@covers(
    "TDISP-STATE-001",
    "TDISP-STATE-003",
    "TDISP-STOP-002",
    "TDISP-VER-002",
    "TDISP-CAP-005",
    "TDISP-P2P-001",
    "TDISP-MMA-001",
    "TDISP-CFG-001",
    "TDISP-VDM-001",
    "TDISP-FSM-015",
    "TDISP-FSM-019",
)
@pytest.mark.parametrize(("state", "event", "following", "reply"), CELLS)
def test_the_reference_takes_every_arc(
    state: TdiState, event: Event, following: str, reply: str
) -> None:
    world = World(full_profile())
    nonce = world.bring_to(state, flags=0)
    request = request_for(event, world, nonce)
    if request is None:
        world.dsm.event(0, event)
    else:
        answer = decode_response(world.dsm.handle(SESSION, request.encode()))
        wanted = REPLIES[reply]
        if isinstance(wanted, ErrorCode):
            assert isinstance(answer, ErrorResponse)
            assert answer.error == wanted
        elif isinstance(wanted, Response):
            assert wanted == answer.CODE
    assert world.state() is STATES[following]
    assert all(world.state(tdi) is TdiState.CONFIG_UNLOCKED for tdi in (1, 2, 3))


@covers("TDISP-FSM-001")
@pytest.mark.parametrize("event", CAUSES)
def test_a_tdi_shows_why_it_is_in_error(event: Event) -> None:
    world = World()
    world.bring_to(TdiState.RUN)
    seen: list[Transition] = []
    world.dsm.observers.append(seen.append)
    world.dsm.event(0, event)
    assert world.dsm.tdis[0].cause is CAUSES[event]
    assert [(item.tdi, item.new, item.cause) for item in seen] == [
        (0, TdiState.ERROR, CAUSES[event])
    ]


@covers("TDISP-FSM-001")
def test_the_first_cause_stays() -> None:
    world = World()
    world.bring_to(TdiState.RUN)
    world.dsm.config_change(0, ErrorCause.BAR)
    world.dsm.poison(0)
    shown = [world.dsm.tdis[0].cause]
    world.send(world.stop_request())
    shown.append(world.dsm.tdis[0].cause)
    assert shown == [ErrorCause.BAR, ErrorCause.NONE]


@covers("TDISP-VDM-001")
def test_vendor_requests_follow_no_state() -> None:
    assert all(state_refusal(state, Request.VDM_REQUEST) is None for state in TdiState)
    with pytest.raises(ValueError, match="no model"):
        DsmProfile(1, (), optional=frozenset({Request.VDM_REQUEST}))


@covers("TDISP-LOCK-023", "TDISP-STOP-006")
def test_a_lock_lives_until_config_unlocked() -> None:
    world = World()
    world.bring_to(TdiState.RUN)
    lock = world.dsm.tdis[0].lock
    assert lock is not None
    assert (lock.session, lock.stream_id, lock.flags) == (SESSION, STREAM, FLAGS)
    world.dsm.poison(0)
    assert world.dsm.tdis[0].lock is lock
    world.send(world.stop_request())
    assert world.dsm.tdis[0].lock is None
