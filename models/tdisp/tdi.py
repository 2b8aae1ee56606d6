# SPDX-License-Identifier: Apache-2.0
"""What a DSM keeps for one TDI: its state and, while it lasts, its lock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from models.tdisp.codes import ErrorCause, LockFlags, TdiState
from models.tdisp.message import Message
from models.tdisp.messages import (
    BindP2pStreamRequest,
    SetMmioAttributeRequest,
    UnbindP2pStreamRequest,
)
from models.tdisp.p2p import PeerTerms
from models.tdisp.report import DeviceInterfaceReport
from models.tdisp.table import CAUSES, TABLE, Event

LOCKED = frozenset({TdiState.CONFIG_LOCKED, TdiState.RUN})


@dataclass(slots=True)
class Lock:
    """Latched by LOCK_INTERFACE_REQUEST for the life of the lock (TDISP-LOCK-023)."""

    session: int  # that carried the request (TDISP-SES-005)
    stream_id: int  # default stream
    flags: int
    mmio_reporting_offset: int
    p2p_address_mask: int
    msix_locked: bool
    report: DeviceInterfaceReport
    nonce: bytes | None = field(default=None, repr=False)  # only in CONFIG_LOCKED
    # What requests in RUN have changed; it ends with RUN.
    p2p_streams: set[int] = field(default_factory=set)
    non_tee_pages: dict[int, bool] = field(default_factory=dict)  # by SET_MMIO_ATTRIBUTE

    @property
    def streams(self) -> frozenset[int]:
        """Stream IDs of all bound streams."""
        return frozenset({self.stream_id, *self.p2p_streams})

    @property
    def peer_terms(self) -> PeerTerms:
        """How translated requests to peers leave."""
        return PeerTerms(bool(self.flags & LockFlags.ALL_REQUEST_REDIRECT), self.p2p_address_mask)

    def grant(self, request: Message) -> None:
        """Carry out a good BIND_P2P_STREAM, UNBIND_P2P_STREAM or SET_MMIO_ATTRIBUTE."""
        if isinstance(request, BindP2pStreamRequest):
            self.p2p_streams.add(request.p2p_stream_id)
        elif isinstance(request, UnbindP2pStreamRequest):
            self.p2p_streams.discard(request.p2p_stream_id)
        elif isinstance(request, SetMmioAttributeRequest):
            wanted = request.mmio_range
            for page in range(wanted.first_page, wanted.first_page + wanted.num_pages):
                self.non_tee_pages[page] = wanted.is_non_tee

    def with_request(self, request: Message) -> Lock:
        """This lock as it would be after a good request; it stays as it is."""
        other = replace(
            self, p2p_streams=set(self.p2p_streams), non_tee_pages=dict(self.non_tee_pages)
        )
        other.grant(request)
        return other


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state."""

    tdi: int
    old: TdiState
    new: TdiState
    event: Event
    cause: ErrorCause


@dataclass(slots=True)
class Tdi:
    """One TDI. ERROR keeps its lock, without the nonce, until STOP."""

    index: int
    state: TdiState = TdiState.CONFIG_UNLOCKED
    cause: ErrorCause = ErrorCause.NONE  # why it is in ERROR
    lock: Lock | None = None
    scrub_count: int = 0  # how often its data was cleared

    @property
    def locked(self) -> bool:
        """CONFIG_LOCKED or RUN."""
        return self.state in LOCKED

    @property
    def msix_locked(self) -> bool:
        """Whether MSI-X table and PBA are locked and reported."""
        return self.lock is not None and self.lock.msix_locked

    def bound(self, stream_id: int) -> bool:
        """Whether the TDI is locked and bound to a stream."""
        return self.locked and self.lock is not None and stream_id in self.lock.streams

    def apply(self, event: Event, cause: ErrorCause | None = None) -> Transition | None:
        """Take the arc of the table; the transition, None when the state stays."""
        old, new = self.state, TABLE[self.state, event].next
        if new is TdiState.CONFIG_UNLOCKED and (
            old is not new or event is Event.CONVENTIONAL_RESET
        ):
            self.scrub_count += 1  # TDISP-STOP-004, TDISP-ZERO-001; not for TDISP-STOP-002
        if new is old:
            return None
        self.state = new
        self.cause = ErrorCause.NONE
        if new is TdiState.ERROR:
            self.cause = CAUSES.get(event, ErrorCause.NONE) if cause is None else cause
        if self.lock is not None and new is not TdiState.CONFIG_LOCKED:
            self.lock.nonce = None  # TDISP-START-005, TDISP-STOP-005, TDISP-FSM-018
        if self.lock is not None and new is not TdiState.RUN:
            self.lock.non_tee_pages.clear()
            self.lock.p2p_streams.clear()
        if new is TdiState.CONFIG_UNLOCKED:
            self.lock = None  # TDISP-STOP-006
        return Transition(self.index, old, new, event, self.cause)
