# SPDX-License-Identifier: Apache-2.0
"""Page Requests of the device, and the responses that they get (TDISP-ATS-001, TDISP-FSM-012)."""

from __future__ import annotations

from dataclasses import dataclass

from models.app.function import WantedPage
from models.pcie.admission import OutboundKind
from models.pcie.pri import PageRequest, PageResponse
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from tb.coverage import CoverItem
from tb.scoreboard.function_shadow import FunctionShadow
from tb.scoreboard.way import WayChecker
from tb.scoreboard.world import FunctionView, Route, World


@dataclass
class Group:
    """A Page Request Group that waits for its response."""

    route: Route
    former_life: bool = False


class PageRequests:
    """Follows groups TDI by TDI.

    Args:
        offered: whether the device has the Page Request interface at all.
    """

    def __init__(
        self, world: World, way: WayChecker, shadows: list[FunctionShadow], *, offered: bool
    ) -> None:
        self.world = world
        self.way = way
        self.shadows = shadows
        self.offered = offered
        self.covered: list[CoverItem] = []
        self._enabled: tuple[float, int] = (float("-inf"), 0)  # until when, and how many at once
        self._open: dict[tuple[int, int], Group] = {}  # by TDI and group index

    def request(self, time_ns: float, tlp: Tlp, route: Route) -> bool:
        """Whether a message of the device is a Page Request that it may know of."""
        request = PageRequest.of(tlp)
        view = self._function(tlp.requester_id)
        if request is None or view is None or not self.offered:
            return False
        self.way.check(time_ns, tlp, route, view, OutboundKind.PAGE_REQUEST)
        self._check_wanted(time_ns, tlp, request, view)
        self._check_allowed(time_ns, tlp, view)
        group = self._open.get((view.number, request.index))
        if group is not None and not group.former_life and group.route != route:
            self.world.findings.mismatch(
                ("TDISP-ATS-001",),
                time_ns,
                "way of a Page Request Group",
                {"route": group.route},
                {"route": route, "request": request},
                view.number,
            )
        self._open[view.number, request.index] = Group(route)
        return True

    def _check_wanted(
        self, time_ns: float, tlp: Tlp, request: PageRequest, view: FunctionView
    ) -> None:
        """Software of the function has asked for it."""
        wanted = self.shadows[view.number].model.pages
        got = WantedPage(request.page, request.write, tlp.pasid)
        if got not in wanted or not request.read or tlp.pasid in view.sdi_pasids:
            self.world.findings.mismatch(
                ("TDISP-DMA-007", "TDISP-ATS-001"),
                time_ns,
                "Page Request not foreseen",
                {"pages": sorted(map(str, wanted)) or "none"},
                {"request": request, "PASID": tlp.pasid},
                view.number,
            )

    def _check_allowed(self, time_ns: float, tlp: Tlp, view: FunctionView) -> None:
        """Enable is set, and the host has allotted more than are out."""
        until, before = self._enabled
        limit = view.pri_allocation if view.pri_enable else 0
        if self.world.made_since(time_ns) <= until:
            limit = max(limit, before)
        if len(self._open) >= limit:
            self.world.findings.mismatch(
                ("TDISP-TRK-008", "TDISP-ATS-001"),
                time_ns,
                "Page Requests that are out",
                {"at most": limit},
                {"out": len(self._open) + 1, "request": tlp},
                view.number,
            )

    def limited(self, time_ns: float, before: FunctionView) -> None:
        """Enable and allocation were those of `before` until now."""
        self._enabled = time_ns, before.pri_allocation if before.pri_enable else 0

    def response(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        """A message has reached the device; others than PRG Responses count for nothing."""
        response = PageResponse.of(tlp)
        view = None if response is None else self._function(response.target)
        if response is None or view is None:
            return
        group = self._open.get((view.number, response.index))
        self._cover(time_ns, view.number, route, group)
        if group is None:
            return  # nobody has asked: discarded
        if group.former_life:  # TDISP-LOCK-021
            del self._open[view.number, response.index]
            return
        if group.route.t and route != group.route:
            self.world.findings.error(time_ns, "PRG Response by another way", view.number)
            if TdiState.RUN in self.world.states_during(view.number, time_ns, time_ns):
                self.world.tdi_error(view.number, ErrorCause.ATS, time_ns)
            return
        del self._open[view.number, response.index]

    def _cover(self, time_ns: float, tdi: int, route: Route, group: Group | None) -> None:
        states = self.world.states_during(tdi, time_ns, time_ns)
        if len(states) != 1:
            return
        way, effect = "any", "discarded"
        if group is not None:
            way = "its way" if route == group.route else "another way"
            refused = group.route.t and route != group.route
            effect = "refused" if refused else "taken"
            effect = "discarded after its life" if group.former_life else effect
        self.covered.append(CoverItem("page response", (min(states).name, way, effect)))

    def _function(self, rid: int) -> FunctionView | None:
        views = [view for view in self.world.functions() if view.present and view.rid == rid]
        return views[0] if views else None

    def end_life(self, tdi: int) -> None:
        """LOCK, STOP, ERROR or a reset: responses to what was asked before are discarded."""
        for (owner, _), group in self._open.items():
            group.former_life = group.former_life or owner == tdi

    def forget(self) -> None:
        """Reset or link down."""
        self._open.clear()
