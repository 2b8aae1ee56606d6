# SPDX-License-Identifier: Apache-2.0
"""How to come to a goal on purpose: the state that a TDI has to be in, and the message to send.

A campaign on a simulator cannot wait for the rarest error: part of its messages aims at what is
still missed. Everything else about them stays random, and one that misses is judged like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from models.fuzz.goals import UNKNOWN, Goal, Sort
from models.fuzz.grammar import Grammar
from models.fuzz.mutations import extend
from models.idekm.codes import KpStatus
from models.idekm.messages import KSetGo, Query
from models.spdm.codes import VERSION_1_2
from models.spdm.messages import GetDigests
from models.tdisp.codes import HEADER_SIZE, ErrorCode, Request, Response, TdiState
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.interface_id import InterfaceId

Make = Callable[[Grammar, InterfaceId], bytes]  # for the TDI of this name
U, L, R, E = TdiState
ANY = frozenset(TdiState)
LOCKED = frozenset({L, R})
NO_SPDM_CODE = 0xF0
MAJOR = 4  # bit number in a TDISP version


class Around(Enum):
    """What the host does around the message."""

    NOTHING = "nothing"
    MISCONFIGURED = "misconfigured"
    WITHOUT_ENTROPY = "without entropy"


@dataclass(frozen=True, slots=True)
class Aim:
    """`make` gives the message, for a TDI in one of `states`, in the session that has the keys.

    `foreign`: in another session. `peer`: the stream to a peer has keys as well. `first` gives a
    message that comes before it, from the session that has the keys.
    """

    make: Make
    states: frozenset[TdiState] = ANY
    around: Around = Around.NOTHING
    foreign: bool = False
    peer: bool = False
    first: Make | None = None


_RIGHT = {  # states in which a request can succeed; ANY for all others
    Request.LOCK_INTERFACE_REQUEST: frozenset({U}),
    Request.START_INTERFACE_REQUEST: frozenset({L}),
    Request.GET_DEVICE_INTERFACE_REPORT: LOCKED,
    Request.BIND_P2P_STREAM_REQUEST: frozenset({R}),
    Request.UNBIND_P2P_STREAM_REQUEST: frozenset({R}),
    Request.SET_MMIO_ATTRIBUTE_REQUEST: frozenset({R}),
}
_AROUND = {
    ErrorCode.INVALID_DEVICE_CONFIGURATION: Around.MISCONFIGURED,
    ErrorCode.INSUFFICIENT_ENTROPY: Around.WITHOUT_ENTROPY,
}


def aim(goal: Goal) -> Aim:
    """How to come to `goal`."""
    if goal.sort is Sort.ERROR:
        return _error(goal.name, ErrorCode[goal.error])
    if goal.sort is Sort.STATUS:
        return Aim(_STATUSES[KpStatus[goal.name]])
    if goal.sort is Sort.FOREIGN:
        request = Request[goal.name]
        return replace(_success(request, _RIGHT.get(request, LOCKED)), foreign=True)
    if goal.name in Response.__members__:
        request = Request(Response[goal.name] | 0x80)
        return _success(request, _RIGHT.get(request, ANY))
    return Aim(_ANSWERS[goal.name])


def _success(request: Request, states: frozenset[TdiState]) -> Aim:
    """With which the session that has the keys succeeds."""
    unbind = request is Request.UNBIND_P2P_STREAM_REQUEST
    return Aim(
        _good(request.name),
        states,
        peer=unbind or request is Request.BIND_P2P_STREAM_REQUEST,
        first=_good(Request.BIND_P2P_STREAM_REQUEST.name) if unbind else None,
    )


def _error(name: str, error: ErrorCode) -> Aim:
    if error is ErrorCode.INVALID_INTERFACE_STATE:
        return Aim(_good(name), ANY - _RIGHT[Request[name]])
    if error is ErrorCode.INVALID_NONCE:
        return Aim(_other_nonce, frozenset({L}))
    if error in _AROUND:
        return Aim(_good(name), frozenset({U}), _AROUND[error])
    return Aim(_SPOILED[error](name))


# ---------------------------------------------------------------------- TDISP


def _body(grammar: Grammar, name: str, tdi: InterfaceId) -> bytes:
    if name != UNKNOWN:
        return grammar.good(Request[name], tdi)
    codes = [code for code in range(256) if code not in set(Request)]
    return grammar.good(grammar.rng.choice(codes), tdi)


def _good(name: str) -> Make:
    return lambda grammar, tdi: grammar.vendor(TDISP, _body(grammar, name, tdi))


def _wrong_length(name: str) -> Make:
    """Part of the header is missing, or something follows; unbuilt requests see the former only."""

    def make(grammar: Grammar, tdi: InterfaceId) -> bytes:
        rng, body = grammar.rng, _body(grammar, name, tdi)
        cut = body[: rng.randrange(2, HEADER_SIZE)]
        return grammar.vendor(TDISP, rng.choice((cut, extend(rng, body))))

    return make


def _other_version(name: str) -> Make:
    def make(grammar: Grammar, tdi: InterfaceId) -> bytes:
        body = _body(grammar, name, tdi)
        version = body[0] ^ grammar.rng.randrange(1, 1 << MAJOR) << MAJOR
        return grammar.vendor(TDISP, bytes((version,)) + body[1:])

    return make


def _other_interface(name: str) -> Make:
    return lambda grammar, _: grammar.vendor(TDISP, _body(grammar, name, grammar.other_name()))


def _other_nonce(grammar: Grammar, tdi: InterfaceId) -> bytes:
    body = grammar.good(Request.START_INTERFACE_REQUEST, tdi)
    at = grammar.rng.randrange(HEADER_SIZE, len(body))
    changed = bytes((body[at] ^ 1 << grammar.rng.randrange(8),))
    return grammar.vendor(TDISP, body[:at] + changed + body[at + 1 :])


_SPOILED: Mapping[ErrorCode, Callable[[str], Make]] = {
    ErrorCode.INVALID_REQUEST: _wrong_length,
    ErrorCode.VERSION_MISMATCH: _other_version,
    ErrorCode.INVALID_INTERFACE: _other_interface,
    ErrorCode.UNSUPPORTED_REQUEST: _good,
}

# ---------------------------------------------------------------------- IDE_KM and SPDM

# Key set 0 is in use, key set 1 is not.
_STATUSES: Mapping[KpStatus, Make] = {
    KpStatus.SUCCESS: lambda grammar, _: grammar.key(key_set=1),
    KpStatus.UNSPECIFIED_FAILURE: lambda grammar, _: grammar.key(key_set=0),
    KpStatus.UNSUPPORTED_PORT_INDEX: lambda grammar, _: grammar.key(port=grammar.other_port()),
    KpStatus.UNSUPPORTED_VALUE: lambda grammar, _: grammar.key(stream=grammar.other_stream()),
}


def _query(grammar: Grammar, _: InterfaceId) -> bytes:
    return grammar.key_object(Query(grammar.scene.port_indices[0]))


def _go(grammar: Grammar, _: InterfaceId) -> bytes:
    return grammar.key_object(KSetGo(grammar.scene.stream_ids[0], grammar.key_info(0)))


def _go_of_nothing(grammar: Grammar, _: InterfaceId) -> bytes:
    return grammar.key_object(KSetGo(grammar.other_stream(), grammar.key_info(0)))


_ANSWERS: Mapping[str, Make] = {
    "QUERY_RESP": _query,
    "KP_ACK": _STATUSES[KpStatus.SUCCESS],
    "K_GOSTOP_ACK": _go,
    "SPDM": lambda *_: GetDigests().encode(),
    "SPDM ERROR": lambda *_: bytes((VERSION_1_2, NO_SPDM_CODE, 0, 0)),
    "silence": _go_of_nothing,
}
