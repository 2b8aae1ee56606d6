# SPDX-License-Identifier: Apache-2.0
"""The way of what a TDI sends: allowed in its state, with the right T, on the right stream."""

from __future__ import annotations

from models.ide.select import Outgoing, Way, depart
from models.pcie.admission import OutboundKind, outbound
from models.pcie.codes import AddressType
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import InterfaceInfo
from tb.coverage import CoverItem
from tb.scoreboard.world import FunctionView, Route, World

ATTRIBUTES = ("No Snoop", "Relaxed Ordering", "ID-Based Ordering")
INTERRUPTS = frozenset({OutboundKind.MSI, OutboundKind.MSIX_LOCKED, OutboundKind.MSIX_UNLOCKED})


class WayChecker:
    """Compares state, T and stream of requests and messages with what the digest allows.

    Args:
        info: INTERFACE_INFO that the device reports.
    """

    def __init__(self, world: World, info: InterfaceInfo) -> None:
        self.world = world
        # Whether requests with and without PASID are told of in the report.
        self.with_pasid = bool(info & InterfaceInfo.DMA_WITH_PASID)
        self.without_pasid = bool(info & InterfaceInfo.DMA_WITHOUT_PASID)
        self.covered: list[CoverItem] = []
        self._pasid_ns = float("-inf")  # last time at which PASID Enable was set

    def pasid_cleared(self, time_ns: float) -> None:
        """PASID Enable was set until now."""
        self._pasid_ns = time_ns

    def check(
        self, time_ns: float, tlp: Tlp, route: Route, view: FunctionView, kind: OutboundKind
    ) -> bool:
        """Whether a TLP may leave by `route`; reports a mismatch when it may not."""
        self._check_pasid(time_ns, tlp, view, kind)
        made_ns = self.world.made_since(time_ns)
        states = self.world.states_during(view.number, made_ns, time_ns)
        departs = self._departs(time_ns, tlp, route, view)
        fitting = [state for state in states if departs and outbound(state, kind).allows(route.t)]
        if len(states) == len(fitting) == 1:
            self._cover(tlp, route, view, kind, fitting[0].name)
        if not fitting:
            self._refuse(time_ns, tlp, route, view, kind)
        elif len(states) > 1:
            self.world.findings.tolerate("request that raced with a change of state")
        return bool(fitting)

    def _cover(
        self, tlp: Tlp, route: Route, view: FunctionView, kind: OutboundKind, state: str
    ) -> None:
        default = [block.stream_id for block in self.world.blocks() if block.default_stream]
        way = "default stream" if route.stream in default else "another stream"
        way = "plain" if route.stream is None else way
        t = f"T{int(route.t)}"
        self.covered.append(CoverItem("outbound", (kind.name, state, t, way)))
        if tlp.fmt_type in MEMORY_REQUESTS:
            name = tlp.fmt_type.name.removesuffix("32").removesuffix("64")
            attributes = [text for bit, text in enumerate(ATTRIBUTES) if tlp.attr >> bit & 1]
            attributes += ["Processing Hint"] if tlp.th else []
            point = (name, AddressType(tlp.at).name, " and ".join(attributes) or "none")
            with_pasid = "with PASID" if view.pasid is None else "PASID of an SDI"
            pasid = with_pasid if tlp.has_pasid else "without PASID"
            self.covered.append(CoverItem("dma", (*point, pasid, state)))

    def _check_pasid(
        self, time_ns: float, tlp: Tlp, view: FunctionView, kind: OutboundKind
    ) -> None:
        """Interrupts never have a PASID, others as software asks and PASID Enable allows."""
        interrupt, plain = kind in INTERRUPTS, kind is OutboundKind.TRANSLATED
        enabled = view.pasid_enable or self.world.made_since(time_ns) <= self._pasid_ns
        right = (self.with_pasid or enabled) and not interrupt and not plain
        # Neither execution nor privileges (TDISP-ATS-004)
        without = self.without_pasid and view.pasid is None  # an SDI has its own, always
        right = right and tlp.pasid == tlp.pasid_fields if tlp.has_pasid else without
        if not (right or (interrupt and not tlp.has_pasid)):
            self.world.findings.mismatch(
                ("TDISP-DMA-007", "TDISP-RPT-011"),
                time_ns,
                "PASID of a request",
                {"with PASID": self.with_pasid or enabled, "without PASID": self.without_pasid},
                {"PASID": tlp.has_pasid, "request": tlp},
                view.number,
            )

    def _bound(self, time_ns: float, tdi: int) -> frozenset[frozenset[int]]:
        return self.world.bound_streams(tdi, self.world.made_since(time_ns), time_ns)

    def _departs(self, time_ns: float, tlp: Tlp, route: Route, view: FunctionView) -> bool:
        """Whether a TLP with this T leaves by `route` (IDE-SEL-001, IDE-ST-005)."""
        secure = [
            block.stream_id
            for block in self.world.blocks()
            if True in self.world.secure(block.stream_id, self.world.made_since(time_ns), time_ns)
        ]
        outgoing = self._outgoing(tlp, route.t, view)
        bounds = self._bound(time_ns, view.number)
        return any(self._fits(outgoing, route, bound, secure) for bound in bounds)

    def _outgoing(self, tlp: Tlp, t: bool, view: FunctionView) -> Outgoing:
        """With T = 1 only translated requests may go to a peer (TDISP-ATS-006, TDISP-ATS-007)."""
        ats_enabled = self._function(view).ats_enable
        if not t:
            return Outgoing(tlp, ats_enabled=ats_enabled)
        terms = self.world.peer_terms(view.number)
        direct = tlp.at == AddressType.TRANSLATED and tlp.fmt_type in MEMORY_REQUESTS
        return Outgoing(
            tlp,
            t=True,
            ats_enabled=ats_enabled,
            redirected=terms.redirect or not direct,
            peer_address=terms.peer_address(tlp.address),
        )

    def _function(self, view: FunctionView) -> FunctionView:
        """Whose registers choose its stream: an SDI's are those of the physical function."""
        return view if view.pasid is None else self.world.functions()[0]

    def _fits(
        self, outgoing: Outgoing, route: Route, bound: frozenset[int], secure: list[int]
    ) -> bool:
        """Of the streams that claim an address only bound ones carry T = 1 (TDISP-DMA-003)."""
        if route.t and route.stream not in bound:
            return False
        blocks = [b for b in self.world.blocks() if not route.t or b.stream_id in bound]
        departure = depart(blocks, outgoing, secure)
        if departure.way is Way.STREAM:
            return route.stream == departure.stream_id
        return departure.way is Way.PLAIN and route.stream is None

    def _refuse(
        self, time_ns: float, tlp: Tlp, route: Route, view: FunctionView, kind: OutboundKind
    ) -> None:
        states = sorted(
            self.world.states_during(view.number, self.world.made_since(time_ns), time_ns)
        )
        requirements: list[str] = []
        for state in states:
            requirements += outbound(state, kind).requirements
        requirements += self._of_the_stream(tlp, route, view)
        bound = frozenset().union(*self._bound(time_ns, view.number))
        self.world.findings.mismatch(
            tuple(dict.fromkeys(requirements)),
            time_ns,
            f"{kind.value} in {' or '.join(s.name for s in states)}",
            {"bound stream": bound or "none", "peers": self.world.peer_terms(view.number)},
            {"route": route, "request": tlp},
            view.number,
        )

    def _of_the_stream(self, tlp: Tlp, route: Route, view: FunctionView) -> tuple[str, ...]:
        if route.stream is None:
            return ("TDISP-DMA-009",)
        if not route.t:
            return ()
        if tlp.at == AddressType.TRANSLATED:
            return ("TDISP-ATS-007", "TDISP-P2P-006")
        default = [b.stream_id for b in self.world.blocks() if b.default_stream]
        return () if route.stream in default else ("TDISP-ATS-006",)
