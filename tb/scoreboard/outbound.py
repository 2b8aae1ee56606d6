# SPDX-License-Identifier: Apache-2.0
"""Requests of the device: each must be foreseen, allowed in the state, on the right way."""

from __future__ import annotations

from dataclasses import dataclass

from models.app.function import Interrupt
from models.app.msi import VECTORS
from models.pcie.admission import OutboundKind
from models.pcie.codes import AddressType
from models.pcie.errors import TlpError
from models.pcie.layout import ATOMICS, DW, MEMORY_READS, MEMORY_REQUESTS, MEMORY_WRITES
from models.pcie.rules import check_limits
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.scoreboard.dma import DmaRun
from tb.scoreboard.findings import Findings
from tb.scoreboard.function_shadow import FunctionShadow, Owed
from tb.scoreboard.translations import Translations, Verdict
from tb.scoreboard.way import WayChecker
from tb.scoreboard.world import FunctionView, Route, World

ATTRIBUTES, ID_BASED_ORDERING = 0b111, 0b100  # as in a TLP header
KEPT = 7  # settings of interrupts that may still count, besides the last one


@dataclass(frozen=True)
class Matched:
    """What a request of the device is."""

    kind: OutboundKind
    run: DmaRun | None = None
    vector: int | None = None
    verdict: Verdict = Verdict.KNOWN  # about a translated request
    asked_ns: float = float("-inf")  # when its translation was asked for


class OutboundChecker:
    """Compares requests of the device with the transfers that software has started.

    No byte leaves a locked TDI in clear (TDISP-DMA-001 to 009, TDISP-FSM-017).
    """

    def __init__(
        self,
        world: World,
        shadows: list[FunctionShadow],
        translations: Translations,
        way: WayChecker,
    ) -> None:
        self.world = world
        self.way = way
        self.translations = translations
        self.shadows = shadows
        self._bus_master: dict[int, float] = {}  # last time at which it was set
        self._before: dict[int, tuple[FunctionView, float]] = {}  # when enables were cleared last
        # How MSI and MSI-X were set, and until when; when interrupts last took another way
        self._interrupts: dict[int, list[tuple[FunctionView, float]]] = {}
        self._rerouted: dict[int, float] = {}

    @property
    def _findings(self) -> Findings:
        return self.world.findings

    # ------------------------------------------------------------------ requests

    def request(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        """The device has sent a request by `route`."""
        views = self._senders(time_ns, tlp, route)
        if not views or tlp.fmt_type not in MEMORY_REQUESTS:
            self._unexpected(time_ns, tlp, route, None)
            return
        for view in views:
            self.shadows[view.number].drop_old_runs(self.world.made_since(time_ns))
            matched = self._match(time_ns, view, self.shadows[view.number], tlp)
            if matched is not None:
                self._matched(time_ns, tlp, route, view, matched)
                return
        self._unexpected(time_ns, tlp, route, views[0].number)

    def _senders(self, time_ns: float, tlp: Tlp, route: Route) -> list[FunctionView]:
        """Who may have sent it: the SDI that its PASID names, or the function.

        Without PASID it may be an interrupt of any SDI; those that send with this T come first.
        """
        views = [v for v in self.world.functions() if v.present and v.rid == tlp.requester_id]
        if len(views) < 2:
            return views
        if tlp.has_pasid:
            return [v for v in views if v.pasid == tlp.pasid] or views[:1]
        since = self.world.made_since(time_ns)

        def other_way(view: FunctionView) -> bool:
            states = self.world.states_during(view.number, since, time_ns)
            return (TdiState.RUN in states) != route.t

        return sorted(views, key=other_way)

    def _matched(
        self, time_ns: float, tlp: Tlp, route: Route, view: FunctionView, matched: Matched
    ) -> None:
        self._check_form(time_ns, tlp, view)
        self._check_enables(time_ns, tlp, view, matched)
        self._check_hint(time_ns, tlp, view, matched)
        self.way.check(time_ns, tlp, route, view, matched.kind)
        if matched.kind is OutboundKind.TRANSLATION_REQUEST:
            self.translations.asked(time_ns, tlp, route, view)
        elif matched.run is not None:
            self._check_translation(time_ns, tlp, view, matched)
            self._advance(time_ns, matched.run, tlp, route, matched.asked_ns, view.number)
        elif matched.vector is not None:
            self._interrupted(view, matched.kind, matched.vector)

    def _interrupted(self, view: FunctionView, kind: OutboundKind, vector: int) -> None:
        shadow = self.shadows[view.number]
        shadow.interrupt_sent(vector)
        if kind is OutboundKind.MSI and view.msi is not None:
            stands_for = view.msi.vector(vector)
            shadow.may_have_said({n for n in range(VECTORS) if view.msi.vector(n) == stands_for})

    def _match(
        self, time_ns: float, view: FunctionView, shadow: FunctionShadow, tlp: Tlp
    ) -> Matched | None:
        if tlp.at == AddressType.TRANSLATION_REQUEST:
            read = tlp.fmt_type in MEMORY_READS
            return Matched(OutboundKind.TRANSLATION_REQUEST) if read else None
        made_ns = self.world.made_since(time_ns)
        for run in reversed(shadow.runs):
            if run.alive(made_ns) and run.continues(tlp):
                kind = OutboundKind.WRITE if run.transfer.to_host else OutboundKind.NON_POSTED
                return Matched(kind, run)
        if tlp.at == AddressType.TRANSLATED:
            return self._translated(time_ns, view, shadow, tlp)
        for owed in shadow.owed:
            if any(_is_message(tlp, message) for message in self._by_msi(made_ns, view, owed)):
                return Matched(OutboundKind.MSI, vector=owed.vector)
        locked = self.world.msix_locked(view.number)
        kind = OutboundKind.MSIX_LOCKED if locked else OutboundKind.MSIX_UNLOCKED
        for owed in shadow.owed:
            if any(_is_message(tlp, m) for m in shadow.messages(made_ns, owed.vector)):
                return Matched(kind, vector=owed.vector)
        return None

    def _by_msi(self, made_ns: float, view: FunctionView, owed: Owed) -> list[Interrupt]:
        """What an interrupt may look like by MSI, which MSI-X Enable turns off (TDISP-INT-001)."""
        former = [old for old, until in self._interrupts.get(view.number, []) if until >= made_ns]
        found = [
            each.msi.message(owed.vector)
            for each in (view, *former)
            if each.msi is not None and not each.msix_enable
        ]
        return [message for message in found if message is not None]

    def _translated(
        self, time_ns: float, view: FunctionView, shadow: FunctionShadow, tlp: Tlp
    ) -> Matched | None:
        """Best by a translation; one that claims to be translated and is not is found as such."""
        for wanted in (Verdict.KNOWN, Verdict.STALE, Verdict.NONE):
            for run in reversed(shadow.runs):
                if not (run.alive(time_ns) and run.fits(tlp)):
                    continue
                at, tdi = run.host_address, view.number
                verdict, asked_ns = self.translations.behind(time_ns, tdi, at, tlp)
                if verdict is wanted and (verdict is not Verdict.NONE or tlp.address == at):
                    kind = OutboundKind.TRANSLATED
                    return Matched(kind, run, verdict=verdict, asked_ns=asked_ns)
        return None

    def _check_translation(
        self, time_ns: float, tlp: Tlp, view: FunctionView, matched: Matched
    ) -> None:
        if matched.kind is not OutboundKind.TRANSLATED:
            return
        self.translations.check_enabled(time_ns, tlp, view)
        if matched.verdict is not Verdict.KNOWN:
            self._findings.mismatch(
                ("TDISP-ATS-005", "TDISP-ATS-002"),
                time_ns,
                "address of a translated request",
                {"from": Verdict.KNOWN.value},
                {"from": matched.verdict.value, "request": tlp},
                view.number,
            )

    def _unexpected(self, time_ns: float, tlp: Tlp, route: Route, tdi: int | None) -> None:
        expected: dict[str, object] = {"request": "none"}
        if tdi is not None:
            shadow = self.shadows[tdi]
            expected["transfers"] = [run.transfer for run in shadow.runs] or "none"
            expected["interrupts"] = [owed.vector for owed in shadow.owed] or "none"
        got = {"request": tlp, "route": route}
        self._findings.mismatch(
            ("TDISP-DMA-007", "TDISP-FSM-017"), time_ns, "request not foreseen", expected, got, tdi
        )

    def _check_form(self, time_ns: float, tlp: Tlp, view: FunctionView) -> None:
        try:
            tlp.check()
            check_limits(tlp, self.world.limits())
        except TlpError as error:
            got = {"request": tlp, "rule": str(error)}
            self._findings.mismatch(
                ("TDISP-MMIO-009",), time_ns, "form of a request", {}, got, view.number
            )
        if view.bus_master:
            self._bus_master[view.number] = time_ns
        elif self.world.made_since(time_ns) > self._bus_master.get(view.number, float("-inf")):
            self._findings.mismatch(
                ("TDISP-TRK-002",),
                time_ns,
                "request without Bus Master Enable",
                {"request": "none"},
                {"request": tlp},
                view.number,
            )

    def _check_enables(
        self, time_ns: float, tlp: Tlp, view: FunctionView, matched: Matched
    ) -> None:
        """Attributes that software asked for and the host has enabled; AtomicOps likewise."""
        before = self._enabled_before(time_ns, view)
        asked = ATTRIBUTES if matched.run is None else matched.run.transfer.attr
        if matched.vector is not None:
            asked = ID_BASED_ORDERING
        allowed = (view.attributes | before.attributes) & asked
        atomics = view.atomics or before.atomics or tlp.fmt_type not in ATOMICS
        if tlp.attr & ~allowed or not atomics:
            self._findings.mismatch(
                ("TDISP-TRK-004",),
                time_ns,
                "what Device Control lets a request be",
                {"Attr": f"within {allowed:03b}", "AtomicOps": view.atomics},
                {"Attr": f"{tlp.attr:03b}", "request": tlp},
                view.number,
            )

    def _check_hint(self, time_ns: float, tlp: Tlp, view: FunctionView, matched: Matched) -> None:
        """That of the transfer, where TPH is enabled; without Steering Tag: No ST Mode."""
        if not tlp.th:
            return
        asked = None if matched.run is None else matched.run.transfer.hint
        enabled = view.hints or self._enabled_before(time_ns, view).hints
        if asked is None or not enabled or tlp.ph != asked or tlp.steering_tag:
            self._findings.mismatch(
                ("TDISP-DMA-007",),
                time_ns,
                "Processing Hint of a request",
                {"hint": "none" if asked is None else asked, "enabled": enabled, "tag": 0},
                {"hint": tlp.ph, "tag": tlp.steering_tag, "request": tlp},
                view.number,
            )

    def _enabled_before(self, time_ns: float, view: FunctionView) -> FunctionView:
        """What was enabled when a request that leaves now may have been made."""
        before, since = self._before.get(view.number, (view, float("-inf")))
        return view if self.world.made_since(time_ns) > since else before

    def enables_cleared(self, before: FunctionView, time_ns: float) -> None:
        """Enables of Device Control and TPH were those of `before` until now."""
        self._before[before.number] = before, time_ns

    def interrupts_changed(self, before: FunctionView, now: FunctionView, time_ns: float) -> None:
        """MSI and MSI-X of the function were set as in `before` until now."""
        known = self._interrupts.setdefault(now.number, [])
        known[:] = [*known[-KEPT:], (before, time_ns)]
        if _route(before) != _route(now):
            self._rerouted[now.number] = time_ns

    def bus_master_cleared(self, tdi: int, time_ns: float) -> None:
        """Bus Master Enable of the function was set until now."""
        self._bus_master[tdi] = time_ns

    # ------------------------------------------------------------------ transfers

    def _advance(
        self,
        time_ns: float,
        run: DmaRun,
        tlp: Tlp,
        route: Route,
        asked_ns: float,
        tdi: int,
    ) -> None:
        shadow = self.shadows[tdi]
        reads, tag = tlp.fmt_type not in MEMORY_WRITES, tlp.tag
        if reads and (tag in run.open or self.translations.waits(tdi, tag, time_ns)):
            expected, got = {"tag": "a free one"}, {"tag": tag}
            self._findings.mismatch(("TDISP-DMA-005",), time_ns, "tag in use", expected, got, tdi)
        if tlp.has_data:
            self._check_data(time_ns, shadow, run, tlp, tdi)
        run.issue(tlp, route, time_ns, asked_ns)
        shadow.progress(time_ns, run)

    def _check_data(
        self, time_ns: float, shadow: FunctionShadow, run: DmaRun, tlp: Tlp, tdi: int
    ) -> None:
        allowed = shadow.memory_words(run, tlp.length)
        for n, values in enumerate(allowed):
            got = int.from_bytes(tlp.payload[DW * n : DW * n + DW], "little")
            if got not in values:
                self._findings.mismatch(
                    ("TDISP-DMA-004", "TDISP-ZERO-001"),
                    time_ns,
                    f"data written to {tlp.address + DW * n:#x}",
                    {"data": " or ".join(f"{value:#010x}" for value in sorted(values))},
                    {"data": f"{got:#010x}"},
                    tdi,
                )
                return

    # ------------------------------------------------------------------ ends

    def finish(self, time_ns: float) -> None:
        """The run ends: what software has started must have happened."""
        for tdi, shadow in enumerate(self.shadows):
            view = self.world.functions()[tdi]
            for run in shadow.runs:
                self._check_ended(time_ns, run, view)
            for owed in shadow.owed:
                self._check_sent(time_ns, owed, shadow, view)

    def _check_ended(self, time_ns: float, run: DmaRun, view: FunctionView) -> None:
        due = run.required and run.ended_ns is None and not run.complete
        if not (due and view.bus_master and view.present) or run.open:
            return
        self._findings.mismatch(
            ("TDISP-DMA-002",),
            time_ns,
            "transfer did not come to its end",
            {"bytes": run.transfer.length, "transfer": run.transfer},
            {"bytes": run.issued},
            view.number,
        )

    def _check_sent(
        self, time_ns: float, owed: Owed, shadow: FunctionShadow, view: FunctionView
    ) -> None:
        requirement = "TDISP-INT-002" if view.msix_enable else "TDISP-INT-001"
        message = None
        if view.msix_enable and not view.msix_function_mask:
            message = shadow.model.interrupt(owed.vector)
        elif view.msi is not None and not view.msix_enable:
            message = view.msi.message(owed.vector)
        same = self._rerouted.get(view.number, float("-inf")) < owed.since_ns
        deliverable = view.bus_master and same
        states = self.world.states_during(view.number, owed.since_ns, time_ns)
        if not (owed.required and deliverable and message) or TdiState.ERROR in states:
            return
        self._findings.mismatch(
            (requirement,),
            time_ns,
            "interrupt was not sent",
            {"vector": owed.vector, "since": owed.since_ns, "message": message},
            {"message": "none"},
            view.number,
        )


def _route(view: FunctionView) -> tuple[bool, int]:
    """By what interrupts leave: MSI-X, or so many vectors of MSI."""
    by_msi = view.msi is not None and view.msi.enabled and not view.msix_enable
    return view.msix_enable, view.msi.granted if by_msi and view.msi is not None else 0


def _is_message(tlp: Tlp, message: Interrupt) -> bool:
    return (
        tlp.has_data
        and tlp.at == AddressType.UNTRANSLATED
        and tlp.length == 1
        and tlp.first_be == 0xF
        and tlp.address == message.address
        and tlp.payload == message.data.to_bytes(DW, "little")
    )
