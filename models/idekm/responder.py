# SPDX-License-Identifier: Apache-2.0
"""The reference IDE_KM responder of one port.

It answers objects that came in an established session and is silent where the specification asks
for it. Keys belong to the session that set the first one of their stream, until that session ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from models.ide.codes import FIRST_INVOCATION, SubStream
from models.ide.keys import KeySlot
from models.idekm.codes import KpStatus
from models.idekm.errors import IdeKmError
from models.idekm.messages import (
    SUB_STREAMS,
    KeyInfo,
    KeyProg,
    KGoStopAck,
    KpAck,
    KSetGo,
    KSetStop,
    Query,
    QueryResponse,
    decode,
)

RID_BUS = 8  # bit number
BYTE = 0xFF


class KeyPort(Protocol):
    """The streams of a port, named by Stream ID."""

    def has_stream(self, stream_id: int, /) -> bool:
        """Whether a register block has this Stream ID."""

    def owner(self, stream_id: int, /) -> int | None:
        """The session that keys of the stream belong to, None for a stream without owner."""

    def has_key(self, stream_id: int, slot: KeySlot, /) -> bool:
        """Whether a slot holds a key."""

    def in_use(self, stream_id: int, slot: KeySlot, /) -> bool:
        """Whether the key of a slot is in active use."""

    def program(self, stream_id: int, slot: KeySlot, key: bytes, session: int, /) -> None:
        """Put a key into a slot; a stream without owner gets `session`."""

    def go(self, stream_id: int, slot: KeySlot, /) -> None:
        """Let a key be used."""

    def stop(self, stream_id: int, slot: KeySlot, /) -> None:
        """Erase a key."""


@dataclass(frozen=True, slots=True)
class PortIdentity:
    """What QUERY_RESP says besides the registers."""

    rid: int = 0
    segment: int = 0
    max_port_index: int = 0


class IdeKmResponder:
    """`identity` and `registers` are asked at the time of each QUERY (IDEKM-QRY-001).

    `aliases` are further port indices that this port answers to, for requesters that do not use 0.
    """

    def __init__(
        self,
        port: KeyPort,
        identity: Callable[[], PortIdentity],
        registers: Callable[[], bytes],
        aliases: frozenset[int] = frozenset(),
    ) -> None:
        self._port = port
        self._identity = identity
        self._registers = registers
        self._indices = aliases | {0}

    def handle(self, session: int, body: bytes) -> bytes | None:
        """The answer to the object `body`, behind the protocol id; None for silence.

        An object of unknown id or wrong size gets no answer.
        """
        try:
            request = decode(body)
        except IdeKmError:
            return None
        if isinstance(request, Query):
            return self._query(request)
        if isinstance(request, KeyProg):
            return self._key_prog(session, request)
        if isinstance(request, KSetGo | KSetStop):
            return self._go_stop(session, request)
        return None

    def _query(self, request: Query) -> bytes | None:
        if request.port_index not in self._indices:  # IDEKM-QRY-002
            return None
        identity = self._identity()
        return QueryResponse(
            port_index=request.port_index,
            dev_fn=identity.rid & BYTE,
            bus=identity.rid >> RID_BUS,
            segment=identity.segment,
            max_port_index=identity.max_port_index,
            registers=self._registers(),
        ).encode()

    def _key_prog(self, session: int, request: KeyProg) -> bytes | None:
        status = self._status(request)
        if status is KpStatus.SUCCESS:
            if self._foreign(session, request.stream_id):  # IDEKM-KP-006
                return None
            slot = _slot(request.info)
            if self._port.in_use(request.stream_id, slot):  # IDE-KEY-009
                status = KpStatus.UNSPECIFIED_FAILURE
            else:
                self._port.program(request.stream_id, slot, request.key, session)
        return KpAck(request.stream_id, status, request.info, request.port_index).encode()

    def _status(self, request: KeyProg) -> KpStatus:
        if request.port_index not in self._indices:
            return KpStatus.UNSUPPORTED_PORT_INDEX
        sound = request.info.sub_stream < SUB_STREAMS and request.invocation == FIRST_INVOCATION
        if not sound or not self._port.has_stream(request.stream_id):  # IDEKM-KP-004, 005
            return KpStatus.UNSUPPORTED_VALUE
        return KpStatus.SUCCESS

    def _foreign(self, session: int, stream_id: int) -> bool:
        return self._port.owner(stream_id) not in (None, session)

    def _go_stop(self, session: int, request: KSetGo | KSetStop) -> bytes | None:
        """Silence, without effect, for anything but a key that is there (IDEKM-GO-002)."""
        known = request.info.sub_stream < SUB_STREAMS and self._port.has_stream(request.stream_id)
        if request.port_index not in self._indices or not known:
            return None
        slot = _slot(request.info)
        if self._foreign(session, request.stream_id):
            return None
        if not self._port.has_key(request.stream_id, slot):
            return None
        act = self._port.go if isinstance(request, KSetGo) else self._port.stop
        act(request.stream_id, slot)
        return KGoStopAck(request.stream_id, request.info, request.port_index).encode()


def _slot(info: KeyInfo) -> KeySlot:
    return KeySlot(info.direction, SubStream(info.sub_stream), info.key_set)
