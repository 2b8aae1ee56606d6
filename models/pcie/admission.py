# SPDX-License-Identifier: Apache-2.0
"""What a TDI may take in and send out, by state: the tables of the specification as data.

Where the specification leaves a choice, `tolerated` holds what a checker of a foreign device
accepts besides the answer that this project gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from models.pcie.codes import AddressType
from models.tdisp.codes import TdiState

_U = TdiState.CONFIG_UNLOCKED
_L = TdiState.CONFIG_LOCKED
_R = TdiState.RUN
_E = TdiState.ERROR


class Decision(Enum):
    """Served, or rejected after all ordinary checks."""

    PASS = "pass"
    REJECT = "reject"


class RangeKind(Enum):
    """What a memory request aims at."""

    TEE = "TEE memory"
    OPENED = "TEE memory that SET_MMIO_ATTRIBUTE has opened"
    NON_TEE = "non-TEE memory"
    MSIX_LOCKED = "MSI-X table or PBA, locked"
    MSIX_UNLOCKED = "MSI-X table or PBA, not locked"
    ROM = "Expansion ROM"


class Arrival(Enum):
    """How a request came."""

    BOUND = "T = 1 on a bound stream"
    UNBOUND = "T = 1 on another stream"
    PLAIN = "T = 0 or without IDE"

    @classmethod
    def of(cls, t: bool, bound: bool) -> Arrival:
        """From the T bit and whether the stream is bound to the TDI."""
        if not t:
            return cls.PLAIN
        return cls.BOUND if bound else cls.UNBOUND


@dataclass(frozen=True, slots=True)
class InboundRule:
    """One cell of the inbound table."""

    decision: Decision
    requirements: tuple[str, ...]
    tolerated: frozenset[Decision] = frozenset()

    def allows(self, seen: Decision) -> bool:
        """Whether a checker accepts `seen`."""
        return seen is self.decision or seen in self.tolerated


def _pass(*requirements: str) -> InboundRule:
    return InboundRule(Decision.PASS, requirements)


def _reject(*requirements: str) -> InboundRule:
    return InboundRule(Decision.REJECT, requirements)


_LEGACY = _pass("TDISP-MMIO-015")
_UNLOCKED_T = _reject("TDISP-MMIO-003")
_WRONG_STREAM = _reject("TDISP-MMIO-004", "TDISP-MMIO-010")
_TEE_PLAIN = _reject("TDISP-MMIO-002")
_MSIX_PLAIN = _reject("TDISP-MMIO-008")
_NON_TEE = _pass("TDISP-MMIO-005")
_OPENED = _pass("TDISP-MMA-003", "TDISP-MMIO-005")
_NON_TEE_T = InboundRule(Decision.REJECT, ("TDISP-MMIO-003",), frozenset({Decision.PASS}))
_CLOSED_AGAIN = InboundRule(Decision.REJECT, ("TDISP-MMIO-002",), frozenset({Decision.PASS}))

Row = Mapping[TdiState, tuple[InboundRule, InboundRule, InboundRule]]

_NON_TEE_ROW: Row = {
    _U: (_NON_TEE_T, _NON_TEE_T, _NON_TEE),
    _L: (_NON_TEE_T, _NON_TEE_T, _NON_TEE),
    _R: (_NON_TEE, _NON_TEE, _NON_TEE),
    _E: (_NON_TEE_T, _NON_TEE_T, _NON_TEE),
}

# Columns: T = 1 on a bound stream, T = 1 on another stream, T = 0 or without IDE.
INBOUND: Mapping[RangeKind, Row] = {
    RangeKind.TEE: {
        _U: (_UNLOCKED_T, _UNLOCKED_T, _LEGACY),
        _L: (_UNLOCKED_T, _UNLOCKED_T, _TEE_PLAIN),
        _R: (_pass("TDISP-MMIO-001"), _WRONG_STREAM, _TEE_PLAIN),
        _E: (_UNLOCKED_T, _UNLOCKED_T, _TEE_PLAIN),
    },
    # In ERROR it is TEE memory again, and a device for which it is still open is right as well.
    RangeKind.OPENED: {
        _U: (_UNLOCKED_T, _UNLOCKED_T, _LEGACY),
        _L: (_UNLOCKED_T, _UNLOCKED_T, _TEE_PLAIN),
        _R: (_OPENED, _OPENED, _OPENED),
        _E: (_NON_TEE_T, _NON_TEE_T, _CLOSED_AGAIN),
    },
    RangeKind.NON_TEE: _NON_TEE_ROW,
    RangeKind.MSIX_LOCKED: {
        _U: (_UNLOCKED_T, _UNLOCKED_T, _LEGACY),
        _L: (_UNLOCKED_T, _UNLOCKED_T, _MSIX_PLAIN),
        _R: (_pass("TDISP-MMIO-001", "TDISP-INT-004"), _WRONG_STREAM, _MSIX_PLAIN),
        _E: (_UNLOCKED_T, _UNLOCKED_T, _MSIX_PLAIN),
    },
    RangeKind.MSIX_UNLOCKED: _NON_TEE_ROW,
    # No report names it: it is no memory of the TDI and holds nothing of a TVM.
    RangeKind.ROM: dict.fromkeys(TdiState, (_NON_TEE_T, _NON_TEE_T, _NON_TEE)),
}
_COLUMNS = tuple(Arrival)


def inbound_memory(state: TdiState, kind: RangeKind, t: bool, bound: bool) -> InboundRule:
    """The rule for a memory request to `kind` of a TDI in `state`."""
    return INBOUND[kind][state][_COLUMNS.index(Arrival.of(t, bound))]


def inbound_span(state: TdiState, kinds: Sequence[RangeKind], t: bool, bound: bool) -> InboundRule:
    """The rule for a request that touches all of `kinds`: every one must admit it."""
    if not kinds:
        raise ValueError("a request touches at least one range")
    rules = [inbound_memory(state, kind, t, bound) for kind in kinds]
    refusing = [rule for rule in rules if rule.decision is Decision.REJECT]
    if not refusing:
        return rules[0]
    tolerated = frozenset.intersection(*(rule.tolerated for rule in refusing))
    requirements = (*refusing[0].requirements, "TDISP-MMIO-014")
    return InboundRule(Decision.REJECT, requirements, tolerated)


class Answer(Enum):
    """What the requester gets."""

    NORMAL = "completion or nothing, as the request is served"
    UNSUPPORTED_REQUEST = "completion UR"
    NOTHING = "no completion"


def answers(decision: Decision, posted: bool) -> frozenset[Answer]:
    """Answers that a checker accepts: a rejected request may get UR or be dropped."""
    if decision is Decision.PASS:
        return frozenset({Answer.NORMAL})
    if posted:
        return frozenset({Answer.NOTHING})
    return frozenset({Answer.UNSUPPORTED_REQUEST, Answer.NOTHING})


def inbound_vdm(state: TdiState, t: bool) -> Decision:
    """A TDI-specific vendor message: once locked only with T = 1 (TDISP-MMIO-013)."""
    return Decision.PASS if t or state is _U else Decision.REJECT


# ---------------------------------------------------------------------- outbound


class OutboundKind(Enum):
    """What a TDI sends."""

    NON_POSTED = "memory read, AtomicOp, DMWr, untranslated"
    WRITE = "memory write that is no interrupt"
    MSI = "MSI"
    MSIX_UNLOCKED = "MSI-X, table not locked"
    MSIX_LOCKED = "MSI-X, table locked and reported"
    TRANSLATION_REQUEST = "ATS Translation Request"
    TRANSLATED = "translated memory request"
    PAGE_REQUEST = "Page Request message"
    INVALIDATION_COMPLETION = "Invalidation Completion"
    COMPLETION = "completion of an inbound request"
    VDM = "TDI-specific vendor message"


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """One cell of the outbound table.

    `t` is the T bit of an allowed TLP, None where it mirrors the request; with T = 1 the TLP
    travels on a bound stream. `tolerated` holds T values that a checker also accepts.
    """

    allowed: bool
    t: bool | None
    requirements: tuple[str, ...]
    tolerated: frozenset[bool] = frozenset()

    def allows(self, t: bool) -> bool:
        """Whether a checker accepts a TLP with this T bit; mirrored ones are for the caller."""
        return t in self.tolerated or (self.allowed and self.t in (None, t))


def _send(t: bool | None, *requirements: str) -> OutboundRule:
    return OutboundRule(True, t, requirements)


def _never(*requirements: str) -> OutboundRule:
    return OutboundRule(False, None, requirements)


_NO_DMA = _never("TDISP-DMA-001")
_DMA: Mapping[TdiState, OutboundRule] = {
    _U: _send(False, "TDISP-DMA-008"),
    _L: _NO_DMA,
    _R: _send(True, "TDISP-DMA-002", "TDISP-DMA-003"),
    _E: _NO_DMA,
}
_NO_ATS = _never("TDISP-ATS-001")
_ATS: Mapping[TdiState, OutboundRule] = {
    _U: _send(False, "TDISP-DMA-008"),
    _L: _NO_ATS,
    _R: _send(True, "TDISP-ATS-001"),
    _E: _NO_ATS,
}
_UNTRUSTED = _send(False, "TDISP-INT-001")
_UNTRUSTED_X = _send(False, "TDISP-INT-002")
_NO_INTERRUPT = OutboundRule(False, None, ("TDISP-INT-003",), frozenset({False}))
_MIRROR = _send(None, "TDISP-MMIO-006")

OUTBOUND: Mapping[OutboundKind, Mapping[TdiState, OutboundRule]] = {
    OutboundKind.NON_POSTED: _DMA,
    OutboundKind.WRITE: _DMA,
    OutboundKind.MSI: {_U: _UNTRUSTED, _L: _UNTRUSTED, _R: _UNTRUSTED, _E: _NO_INTERRUPT},
    OutboundKind.MSIX_UNLOCKED: {
        _U: _UNTRUSTED_X,
        _L: _send(False, "TDISP-INT-003"),
        _R: _UNTRUSTED_X,
        _E: _NO_INTERRUPT,
    },
    OutboundKind.MSIX_LOCKED: {
        _U: _never("TDISP-INT-002"),
        _L: _send(False, "TDISP-INT-003"),
        _R: _send(True, "TDISP-INT-002"),
        _E: _NO_INTERRUPT,
    },
    OutboundKind.TRANSLATION_REQUEST: _ATS,
    OutboundKind.TRANSLATED: {
        **_ATS,
        _R: _send(True, "TDISP-ATS-002"),
        _L: _never("TDISP-ATS-002"),
        _E: _never("TDISP-ATS-002"),
    },
    OutboundKind.PAGE_REQUEST: _ATS,
    OutboundKind.INVALIDATION_COMPLETION: dict.fromkeys(TdiState, _send(None, "TDISP-ATS-003")),
    OutboundKind.COMPLETION: dict.fromkeys(TdiState, _MIRROR),
    OutboundKind.VDM: {
        _U: _send(None, "TDISP-MMIO-013"),
        _L: _send(True, "TDISP-MMIO-013"),
        _R: _send(True, "TDISP-MMIO-013"),
        _E: _send(True, "TDISP-MMIO-013"),
    },
}


def outbound(state: TdiState, kind: OutboundKind) -> OutboundRule:
    """The rule for a TLP of `kind` sent by a TDI in `state`."""
    return OUTBOUND[kind][state]


_NOT_SENT = _never("TDISP-ATS-002")


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """A memory request of a function that is no interrupt, and what is known of it."""

    at: AddressType
    write: bool = False
    ats_enable: bool = False  # ATS Enable of the function
    peer: bool = False  # its masked address is one of a bound P2P stream
    redirect: bool = False  # ALL_REQUEST_REDIRECT of the lock
    atomic: bool = False  # an AtomicOp, which the function may send

    @property
    def kind(self) -> OutboundKind | None:
        """Its row of the table; None for what no function may send.

        A function uses ATS only with ATS Enable, and a Translation Request is a read.
        """
        asks = self.at is AddressType.TRANSLATION_REQUEST and not (self.write or self.atomic)
        if self.at is AddressType.UNTRANSLATED:
            return OutboundKind.WRITE if self.write else OutboundKind.NON_POSTED
        if self.at is AddressType.TRANSLATED and self.ats_enable:
            return OutboundKind.TRANSLATED
        if asks and self.ats_enable:
            return OutboundKind.TRANSLATION_REQUEST
        return None

    @property
    def direct(self) -> bool:
        """Whether it goes to a peer on a P2P stream, not upstream (TDISP-ATS-006, 007)."""
        return self.kind is OutboundKind.TRANSLATED and self.peer and not self.redirect


def outbound_memory(state: TdiState, request: MemoryRequest) -> OutboundRule:
    """The rule for a memory request sent by a TDI in `state`."""
    return _NOT_SENT if request.kind is None else outbound(state, request.kind)


def inbound_completion(issued_in: TdiState, now: TdiState, same_life: bool) -> Decision:
    """A completion of the TDI's own request, whatever its T bit (TDISP-DMA-004, TDISP-DMA-005).

    `same_life` is whether the TDI has been neither locked nor stopped nor reset since.
    """
    usable = same_life and issued_in is now and now in (_U, _R)
    return Decision.PASS if usable else Decision.REJECT
