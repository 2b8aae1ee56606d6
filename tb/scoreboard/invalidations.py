# SPDX-License-Identifier: Apache-2.0
"""Invalidate Requests of the host and what the device answers (TDISP-ATS-003)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.pcie.ats import ITAGS, InvalidateCompletion, InvalidateRequest, Span
from models.pcie.codes import AddressType, FmtType, MessageCode
from models.pcie.layout import DW
from models.pcie.tlp import Tlp
from tb.coverage import CoverItem
from tb.scoreboard.function_shadow import FunctionShadow
from tb.scoreboard.states import LAG_NS
from tb.scoreboard.timeline import RACE_NS
from tb.scoreboard.translations import Translations
from tb.scoreboard.world import Route, World


@dataclass
class Taking:
    """An Invalidate Request that is not complete yet."""

    request: InvalidateRequest
    route: Route
    time_ns: float
    tdi: int | None  # None: no such function
    required: bool  # an answer is owed
    missing: int | None = None  # completions; known from the first one


class Invalidations:
    """Pairs requests and completions, and looks at what the device still does with translations."""

    def __init__(
        self, world: World, shadows: Sequence[FunctionShadow], translations: Translations
    ) -> None:
        self.world = world
        self.shadows = shadows
        self.translations = translations
        self._open: list[Taking] = []
        self.covered: list[CoverItem] = []

    def __str__(self) -> str:
        return ", ".join(f"{item.request}, {item.route}" for item in self._open) or "none"

    # ------------------------------------------------------------------ messages

    def request(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        """A message has reached the device; others than Invalidate Requests count for nothing."""
        request = InvalidateRequest.of(tlp)
        if request is None:
            self._odd_request(time_ns, tlp, route)
            return
        views = [v for v in self.world.functions() if v.present and v.rid == request.target]
        tdi = views[0].number if views else None
        awake = any(view.memory_space or view.bus_master for view in views)
        self._open.append(Taking(request, route, time_ns, tdi, awake))

    def _odd_request(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        """One whose form nobody has to check may be answered, and takes nothing back."""
        alike = tlp.fmt_type is FmtType.MSGD_ID and not tlp.ep
        if alike and tlp.message_code == MessageCode.INVALIDATE_REQUEST:
            target = int.from_bytes(tlp.message[:2], "big")
            request = InvalidateRequest(tlp.requester_id, target, tlp.tag % ITAGS, Span(0))
            self._open.append(Taking(request, route, time_ns, None, required=False))

    def completion(self, time_ns: float, tlp: Tlp, route: Route) -> bool:
        """Whether a message of the device completes what is open, by the way that it came."""
        completion = InvalidateCompletion.of(tlp)
        if completion is None or not completion.itags:
            return False
        found = [self._find(completion, itag, route) for itag in completion.itags]
        taken = [taking for taking in found if taking is not None]
        if len(taken) < len(found):
            return False
        for taking in taken:
            taking.missing = (taking.missing or completion.count) - 1
            if taking.missing == 0:
                self._open.remove(taking)
                self._complete(time_ns, taking)
        return True

    def _find(self, completion: InvalidateCompletion, itag: int, route: Route) -> Taking | None:
        wanted = (completion.requester_id, completion.target, itag)
        for taking in self._open:
            request = taking.request
            if (request.target, request.requester_id, request.itag) != wanted:
                continue
            if taking.route == route:
                return taking
        return None

    def _complete(self, time_ns: float, taking: Taking) -> None:
        if taking.tdi is None:
            return
        states = self.world.states_during(taking.tdi, taking.time_ns, time_ns)
        if len(states) == 1:
            way = "plain" if taking.route.stream is None else f"T{int(taking.route.t)}"
            self.covered.append(CoverItem("invalidation", (min(states).name, way, "completed")))
        span = taking.request.span
        for run in self.shadows[taking.tdi].runs if taking.required else ():
            for read in run.open.values() if run.ended_ns is None else ():
                size = DW * read.request.length
                touched = span.base < read.host_address + size and read.host_address < span.end
                if (
                    read.request.at == AddressType.TRANSLATED
                    and touched
                    and read.asked_ns < taking.time_ns
                ):
                    self.world.findings.mismatch(
                        ("TDISP-ATS-003", "TDISP-ATS-005"),
                        time_ns,
                        "Invalidate Completion before a read by that translation is done",
                        {"open reads": "none"},
                        {"tag": read.request.tag, "since": read.time_ns, "request": read.request},
                        taking.tdi,
                    )
        self.translations.invalidated(time_ns, taking.tdi, span, taking.time_ns)

    # ------------------------------------------------------------------ ends

    def reset(self, tdi: int) -> None:
        """The function is reset: it may forget what it was asked."""
        for taking in self._open:
            taking.required = taking.required and taking.tdi != tdi

    def forget(self) -> None:
        """Reset or link down: nothing is owed any more."""
        self._open.clear()

    def finish(self, time_ns: float) -> None:
        """The run ends: what the device could answer is answered."""
        views = self.world.functions()
        for taking in self._open:
            late = taking.required and time_ns - taking.time_ns > LAG_NS
            if not late or taking.tdi is None or not views[taking.tdi].present:
                continue
            if taking.route.stream is not None:
                start = taking.time_ns - RACE_NS
                if False in self.world.secure(taking.route.stream, start, time_ns):
                    continue
            self.world.findings.mismatch(
                ("TDISP-ATS-003",),
                time_ns,
                "Invalidate Request is not completed",
                {"completion": f"by {taking.route}"},
                {"completion": "none", "request": taking.request},
                taking.tdi,
            )
        self._open.clear()
