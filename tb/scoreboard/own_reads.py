# SPDX-License-Identifier: Apache-2.0
"""Completions of the device's own reads: what they do to memory, transfers and the TDI."""

from __future__ import annotations

from models.pcie.admission import Decision, inbound_completion
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from tb.coverage import CoverItem
from tb.scoreboard.dma import DmaRun, Effect, OpenRead
from tb.scoreboard.findings import Findings
from tb.scoreboard.function_shadow import FunctionShadow
from tb.scoreboard.timeline import RACE_NS
from tb.scoreboard.world import Route, World, completer_fits

EARLIEST, LATEST = 0.9, 1.1  # when a time-out may come, and when it has come, as share of it


class OwnReads:
    """Follows reads of the device to their end (TDISP-DMA-004, TDISP-DMA-005, TDISP-FSM-010)."""

    def __init__(
        self, world: World, shadows: list[FunctionShadow], completion_timeout_ns: float
    ) -> None:
        self.world = world
        self.shadows = shadows
        self._timeout_ns = completion_timeout_ns
        self.covered: list[CoverItem] = []

    @property
    def _findings(self) -> Findings:
        return self.world.findings

    def completion(self, time_ns: float, tlp: Tlp, route: Route) -> bool:
        """The host has answered a read of the device; False: on another stream (IDE-SEL-003)."""
        found = self._open_read(tlp)
        if found is None:
            self._findings.error(time_ns, "Unexpected Completion")
            self.covered.append(CoverItem("completion", ("nothing", "any", "any", "dropped")))
            return True
        tdi, run, read = found
        if route.stream == read.route.stream and not completer_fits(self.world, tlp, route):
            self._findings.error(time_ns, "Unexpected Completion", tdi)
            self._cover(time_ns, tdi, read, route, "dropped")
            return True
        effect, offset, data = run.take(tlp, route)
        if effect in (Effect.OTHER_STREAM, Effect.DROPPED):
            self._cover(time_ns, tdi, read, route, effect.value)
        if effect is Effect.OTHER_STREAM:
            return False
        if effect is Effect.DROPPED:
            self._findings.error(time_ns, "Unexpected Completion", tdi)
            return True
        passes = self._completion_passes(time_ns, tdi, run, read)
        if len(passes) == 1:
            late = "dropped after its life"
            self._cover(time_ns, tdi, read, route, effect.value if True in passes else late)
        shadow = self.shadows[tdi]
        if effect is Effect.DATA and True in passes:
            certain = passes == {True} and run.ended_ns is None and run.required
            shadow.store(offset, data, certain=certain)
        elif effect is Effect.FAILED and True in passes:
            cause = ErrorCause.POISONED if tlp.ep else ErrorCause.COMPLETION
            self._findings.error(time_ns, "failed Completion", tdi)
            self._failed(time_ns, tdi, cause)
        if True in passes:
            shadow.progress(time_ns, run)
        return True

    def _cover(self, time_ns: float, tdi: int, read: OpenRead, route: Route, effect: str) -> None:
        way = "another stream"
        if route.stream == read.route.stream:
            way = "its way" if route.t == read.route.t else "its stream with another T"
        way = "plain" if route.stream is None and read.route.stream is not None else way
        states = self.world.states_during(tdi, time_ns - RACE_NS, time_ns)
        if len(states) == 1:
            point = ("read", min(states).name, way, effect)
            self.covered.append(CoverItem("completion", point))

    def _completion_passes(
        self, time_ns: float, tdi: int, run: DmaRun, read: OpenRead
    ) -> set[bool]:
        if run.ended_ns is not None and not run.alive(time_ns - RACE_NS):
            return {False}
        since = self.world.made_since(read.time_ns)
        issued = self.world.states_during(tdi, since, read.time_ns)
        now = self.world.states_during(tdi, time_ns - RACE_NS, time_ns)
        same_life = run.ended_ns is None or run.failed
        decisions = {inbound_completion(was, state, same_life) for was in issued for state in now}
        if not same_life:
            decisions.add(Decision.PASS)
        return {decision is Decision.PASS for decision in decisions}

    def _open_read(self, tlp: Tlp) -> tuple[int, DmaRun, OpenRead] | None:
        for view in self.world.functions():
            if not view.present or view.rid != tlp.requester_id:
                continue
            for run in self.shadows[view.number].runs:
                if tlp.tag in run.open:
                    return view.number, run, run.open[tlp.tag]
        return None

    def _failed(self, time_ns: float, tdi: int, cause: ErrorCause) -> None:
        if TdiState.RUN in self.world.states_during(tdi, time_ns, time_ns):
            self.world.tdi_error(tdi, cause, time_ns)

    def advance(self, time_ns: float) -> None:
        """Time has passed: reads that nobody has answered for long enough are given up.

        In RUN that ends in ERROR, which `error_seen` explains.
        """
        for tdi, shadow in enumerate(self.shadows):
            for run in shadow.runs:
                oldest = min((read.time_ns for read in run.open.values()), default=time_ns)
                if run.ended_ns is not None or time_ns - oldest < EARLIEST * self._timeout_ns:
                    continue
                if TdiState.RUN in self.world.states_during(tdi, oldest, time_ns):
                    continue
                shadow.may_fail(time_ns)
                given_up = oldest + LATEST * self._timeout_ns
                if time_ns >= given_up:
                    run.failed = True
                    run.end(given_up)

    def error_seen(self, tdi: int, time_ns: float) -> bool:
        """The device shows ERROR: whether a read that nobody answers explains it."""
        for run in self.shadows[tdi].runs:
            waiting = [read for read in run.open.values() if run.ended_ns is None]
            if any(time_ns - read.time_ns >= EARLIEST * self._timeout_ns for read in waiting):
                run.failed = True
                self._findings.error(time_ns, "Completion Timeout", tdi)
                self.shadows[tdi].progress(time_ns, run)
                self._failed(time_ns, tdi, ErrorCause.COMPLETION)
                return True
        return False
