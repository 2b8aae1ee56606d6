# SPDX-License-Identifier: Apache-2.0
"""What the device has learned about addresses, and how long it may use that.

A translation lives until the next LOCK, STOP or reset of its TDI, or until an Invalidate Request
that covers it is completed (TDISP-ATS-002, TDISP-ATS-005).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from models.pcie.ats import (
    ENTRY_SIZE,
    Span,
    TranslationEntry,
    is_translation_request,
    spans,
)
from models.pcie.codes import CplStatus
from models.pcie.layout import ATOMICS, DW, MEMORY_READS
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from tb.coverage import CoverItem
from tb.scoreboard.findings import Findings
from tb.scoreboard.function_shadow import FunctionShadow
from tb.scoreboard.world import FunctionView, Route, World, completer_fits

KEPT = 64  # translations of a TDI
EARLIEST = 0.9  # share of the completion time-out at which it may come

READING = MEMORY_READS | ATOMICS


def _right(entry: TranslationEntry, *, reads: bool, writes: bool) -> bool:
    return (entry.read or not reads) and (entry.write or not writes)


@dataclass
class Asked:
    """A Translation Request that waits for its completion."""

    tdi: int
    request: Tlp
    route: Route
    time_ns: float
    data: bytes = b""
    void: bool = False  # its answer must not be used: the life of the TDI has ended


@dataclass
class Known:
    """A translation that a completion has brought."""

    span: Span
    entry: TranslationEntry
    asked_ns: float
    dead_ns: float | None = None
    raced: bool = False  # what was made before its end may leave after it

    def leads(self, untranslated: int, tlp: Tlp) -> bool:
        """Whether the request `tlp` is what it makes of one to `untranslated`."""
        right = _right(self.entry, reads=tlp.fmt_type in READING, writes=tlp.has_data)
        moved = self.entry.target.base + untranslated - self.span.base
        fits = self.span.holds(untranslated, DW * tlp.length) and tlp.address == moved
        return fits and right and not self.entry.untranslated_only

    def alive(self, made_ns: float) -> bool:
        """Whether a request that was made at `made_ns` or later may use it."""
        return self.dead_ns is None or (self.raced and made_ns <= self.dead_ns)


class Verdict(Enum):
    """What stands behind a translated request."""

    KNOWN = "a translation"
    STALE = "a translation that is no longer valid"
    NONE = "no translation"


@dataclass
class Translations:
    """Follows Translation Requests and their completions, TDI by TDI."""

    world: World
    shadows: list[FunctionShadow]
    completion_timeout_ns: float
    _open: dict[tuple[int, int], Asked] = field(default_factory=dict)  # by TDI and tag
    _known: dict[int, list[Known]] = field(default_factory=dict)
    _taken_back: dict[int, list[tuple[Span, float]]] = field(default_factory=dict)
    _disabled_ns: dict[int, float] = field(default_factory=dict)
    covered: list[CoverItem] = field(default_factory=list)

    @property
    def _findings(self) -> Findings:
        return self.world.findings

    # ------------------------------------------------------------------ from the device

    def asked(self, time_ns: float, tlp: Tlp, route: Route, view: FunctionView) -> None:
        """The device asks for a translation; where it may do so has been checked."""
        tdi = view.number
        in_use = any(tlp.tag in run.open for run in self.shadows[tdi].runs)
        if in_use or self.waits(tdi, tlp.tag, time_ns):
            expected, got = {"tag": "a free one"}, {"tag": tlp.tag}
            self._findings.mismatch(("TDISP-DMA-005",), time_ns, "tag in use", expected, got, tdi)
        if not is_translation_request(tlp):
            form = {"form": "pairs of DWs, all bytes enabled"}
            self._findings.mismatch(
                ("TDISP-ATS-001",),
                time_ns,
                "form of a Translation Request",
                form,
                {"got": tlp},
                tdi,
            )
        self.check_enabled(time_ns, tlp, view)
        self._open[tdi, tlp.tag] = Asked(tdi, tlp, route, time_ns)

    def waits(self, tdi: int, tag: int, time_ns: float) -> bool:
        """Whether a completion for this tag may still come, also for a former life."""
        asked = self._open.get((tdi, tag))
        early = EARLIEST * self.completion_timeout_ns
        return asked is not None and time_ns - asked.time_ns < early

    def check_enabled(self, time_ns: float, tlp: Tlp, view: FunctionView) -> None:
        """Nothing is translated while ATS Enable is 0."""
        since = self._disabled_ns.get(view.number, float("-inf"))
        if not view.ats_enable and self.world.made_since(time_ns) > since:
            self._findings.mismatch(
                ("TDISP-ATS-001", "TDISP-ATS-002"),
                time_ns,
                "address type without ATS Enable",
                {"AT": 0},
                {"request": tlp},
                view.number,
            )

    def behind(
        self, time_ns: float, tdi: int, untranslated: int, tlp: Tlp
    ) -> tuple[Verdict, float]:
        """What stands behind a translated request, and when it was asked for."""
        made_ns = self.world.made_since(time_ns)
        fitting = [known for known in self._of(tdi) if known.leads(untranslated, tlp)]
        alive = [known.asked_ns for known in fitting if known.alive(made_ns)]
        if alive:
            return Verdict.KNOWN, max(alive)
        return (Verdict.STALE if fitting else Verdict.NONE), float("-inf")

    def held(self, tdi: int) -> bool:
        """Whether the TDI may still use a translation, or has asked for one."""
        asked = any(one.tdi == tdi and not one.void for one in self._open.values())
        return asked or any(known.dead_ns is None for known in self._of(tdi))

    def _of(self, tdi: int) -> list[Known]:
        return self._known.setdefault(tdi, [])

    # ------------------------------------------------------------------ to the device

    def completion(self, time_ns: float, tlp: Tlp, route: Route) -> bool | None:
        """A completion of the host: None when it answers no Translation Request.

        False when it came on another stream than its request (IDE-SEL-003).
        """
        asked = self._find(tlp)
        if asked is None:
            return None
        wanted = asked.route.stream
        if wanted is not None and route.stream not in (None, wanted):
            self._cover(time_ns, asked, "another stream", "on another stream than its request")
            return False
        if wanted is not None and route.stream is None:
            self._cover(time_ns, asked, "plain", "dropped")
            # Ordinary receive processing drops it before anybody looks at T.
            self._findings.error(time_ns, "Unexpected Completion", asked.tdi)
            self._may_error(time_ns, asked, ErrorCause.ATS)
            return True
        if not completer_fits(self.world, tlp, route):
            self._findings.error(time_ns, "Unexpected Completion", asked.tdi)
            self._cover(time_ns, asked, "its way", "dropped")
            return True
        way = "its way" if route.t == asked.route.t else "its stream with another T"
        self._cover(time_ns, asked, way, self._effect(asked, tlp, route))
        self._take(time_ns, asked, tlp, route)
        return True

    @staticmethod
    def _effect(asked: Asked, tlp: Tlp, route: Route) -> str:
        if asked.void:
            return "dropped after its life"
        failed = (asked.route.t and not route.t) or tlp.ep or tlp.status != CplStatus.SC
        return "fails" if failed else "taken"

    def _cover(self, time_ns: float, asked: Asked, way: str, effect: str) -> None:
        states = self.world.states_during(asked.tdi, time_ns, time_ns)
        if len(states) == 1:
            point = ("translation", min(states).name, way, effect)
            self.covered.append(CoverItem("completion", point))

    def _find(self, tlp: Tlp) -> Asked | None:
        for asked in self._open.values():
            view = self.world.functions()[asked.tdi]
            if asked.request.tag == tlp.tag and view.present and view.rid == tlp.requester_id:
                return asked
        return None

    def _take(self, time_ns: float, asked: Asked, tlp: Tlp, route: Route) -> None:
        if asked.route.t and not route.t:  # TDISP-FSM-011
            self._findings.error(time_ns, "Translation Completion with T = 0", asked.tdi)
            self._error(time_ns, asked, ErrorCause.ATS)
            self._close(asked)
        elif tlp.ep:
            self._findings.error(time_ns, "failed Completion", asked.tdi)
            self._error(time_ns, asked, ErrorCause.POISONED)
            self._close(asked)
        elif tlp.status != CplStatus.SC:
            self._findings.error(time_ns, "failed Completion", asked.tdi)
            self._close(asked)
            if not asked.void:
                self._may_error(time_ns, asked, ErrorCause.COMPLETION)
                self.shadows[asked.tdi].may_fail(time_ns)
        else:
            asked.data += tlp.payload
            if len(tlp.payload) >= tlp.byte_count:
                self._close(asked)
                self._learn(time_ns, asked)

    def _close(self, asked: Asked) -> None:
        del self._open[asked.tdi, asked.request.tag]

    def _learn(self, time_ns: float, asked: Asked) -> None:
        ends = range(0, len(asked.data) - ENTRY_SIZE + 1, ENTRY_SIZE)
        entries = [TranslationEntry.decode(asked.data[at : at + ENTRY_SIZE]) for at in ends]
        for span, entry in spans(asked.request.address, entries):
            known = Known(span, entry, asked.time_ns)
            taken = self._taken_back.get(asked.tdi, [])
            if asked.void or any(
                asked.time_ns < since and span.overlaps(other) for other, since in taken
            ):
                known.dead_ns = float("-inf")
            self._of(asked.tdi).append(known)
            if not asked.void and self._denies(asked.tdi, known):
                self.shadows[asked.tdi].may_fail(time_ns)
        del self._of(asked.tdi)[:-KEPT]

    def _denies(self, tdi: int, known: Known) -> bool:
        """Whether a transfer needs a right that is not given."""
        for run in self.shadows[tdi].runs:
            first, end = run.host_address, run.transfer.host_address + run.transfer.length
            writes, atomic = run.transfer.to_host, bool(run.transfer.atomic)
            right = _right(known.entry, reads=not writes, writes=writes or atomic)
            if not right and known.span.base < end and first < known.span.end:
                return True
        return False

    def _error(self, time_ns: float, asked: Asked, cause: ErrorCause) -> None:
        running = TdiState.RUN in self.world.states_during(asked.tdi, time_ns, time_ns)
        if running and not asked.void:
            self.world.tdi_error(asked.tdi, cause, time_ns)

    def _may_error(self, time_ns: float, asked: Asked, cause: ErrorCause) -> None:
        if not asked.void:
            self.world.may_error(asked.tdi, cause, time_ns)

    # ------------------------------------------------------------------ ends

    def end_life(self, time_ns: float, tdi: int) -> None:
        """LOCK, STOP, ERROR or a reset: nothing that was learned or asked before counts."""
        for asked in self._open.values():
            asked.void = asked.void or asked.tdi == tdi
        for known in self._of(tdi):
            if known.dead_ns is None:
                known.dead_ns, known.raced = time_ns, True
        self._taken_back.pop(tdi, None)

    def disabled(self, time_ns: float, tdi: int) -> None:
        """ATS Enable of the function was set until now."""
        self._disabled_ns[tdi] = time_ns
        self.end_life(time_ns, tdi)

    def invalidated(self, time_ns: float, tdi: int, span: Span, since_ns: float) -> None:
        """The device has completed an Invalidate Request that came at `since_ns`."""
        self._taken_back.setdefault(tdi, []).append((span, since_ns))
        for known in self._of(tdi):
            if known.asked_ns < since_ns and known.span.overlaps(span) and known.dead_ns is None:
                known.dead_ns = time_ns

    def forget(self) -> None:
        """Reset or link down."""
        self._open.clear()
        self._known.clear()
        self._taken_back.clear()

    # ------------------------------------------------------------------ time

    def _overdue(self, time_ns: float) -> list[Asked]:
        early = EARLIEST * self.completion_timeout_ns
        waiting = [asked for asked in self._open.values() if not asked.void]
        return [asked for asked in waiting if time_ns - asked.time_ns >= early]

    def advance(self, time_ns: float) -> None:
        """Time has passed: outside RUN a request that nobody answers is given up."""
        if not self._open:
            return
        for asked in self._overdue(time_ns):
            if TdiState.RUN not in self.world.states_during(asked.tdi, asked.time_ns, time_ns):
                self.shadows[asked.tdi].may_fail(time_ns)
                asked.void = True

    def error_seen(self, tdi: int, time_ns: float) -> bool:
        """The device shows ERROR: whether a request that nobody answers explains it."""
        for asked in self._overdue(time_ns):
            if asked.tdi == tdi:
                self._findings.error(time_ns, "Completion Timeout", tdi)
                self._error(time_ns, asked, ErrorCause.COMPLETION)
                return True
        return False
