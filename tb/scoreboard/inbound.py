# SPDX-License-Identifier: Apache-2.0
"""Requests of the host: what the device must do with them, and the completions that it owes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from models.app.function import Region, region_of
from models.app.map import ROM
from models.ide.select import Acceptance, accept_at_endpoint, stream_of
from models.pcie.admission import Decision, InboundRule, RangeKind, inbound_memory, inbound_span
from models.pcie.codes import AddressType, CplStatus, FmtType
from models.pcie.errors import CompletionError
from models.pcie.layout import CONFIG_REQUESTS, DW, MEMORY_READS, MEMORY_WRITES, PAGE
from models.pcie.rules import CompletionCollector
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from tb.coverage import CoverItem
from tb.scoreboard.function_shadow import FunctionShadow, enables_of
from tb.scoreboard.timeline import RACE_NS
from tb.scoreboard.world import Page, Route, Target, World, decode

Words = list[frozenset[int]]
NOT_BUILT = InboundRule(Decision.REJECT, ("TDISP-MMIO-007",))
FOREIGN_RID = InboundRule(Decision.REJECT, ("IDE-SEL-004",))
LOCKED = frozenset({TdiState.CONFIG_LOCKED, TdiState.RUN})
ID_BASED_ORDERING = 1 << 2  # of the attributes
UNTRANSLATED, TRANSLATED = 0, 2  # AT of requests that a function may serve
FULL = 0xF  # byte enables
SERVED = (MEMORY_READS | MEMORY_WRITES) - {FmtType.MRDLK32, FmtType.MRDLK64}


@dataclass
class Pending:
    """A non-posted request of the host that waits for its completions."""

    request: Tlp
    route: Route
    time_ns: float
    completer_id: int
    target: Target | None = None
    words: Words = field(default_factory=list)  # when the request passed
    transfers: bool = False  # whether the function may have been at one when the request passed
    collector: CompletionCollector | None = None
    rules: list[InboundRule] | None = None  # set by the first completion

    @property
    def config(self) -> bool:
        """A configuration request."""
        return self.request.fmt_type in CONFIG_REQUESTS


def _kinds(
    target: Target, tlp: Tlp, msix_locked: bool, opened: frozenset[Page]
) -> tuple[RangeKind, ...] | None:
    kinds = []
    first = target.offset & ~(PAGE - 1)
    for page in range(first, target.offset + DW * tlp.length, PAGE):
        region = region_of(target.bar, page)
        if region is Region.NONE:
            return None
        if region in (Region.MSIX_TABLE, Region.MSIX_PBA):
            kinds.append(RangeKind.MSIX_LOCKED if msix_locked else RangeKind.MSIX_UNLOCKED)
        elif region is Region.PUBLIC:
            kinds.append(RangeKind.NON_TEE)
        elif region is Region.ROM:
            kinds.append(RangeKind.ROM)
        else:
            kinds.append(RangeKind.OPENED if (target.bar, page) in opened else RangeKind.TEE)
    return tuple(kinds)


def _region(target: Target, kinds: tuple[RangeKind, ...] | None) -> str:
    """The kind of what a request aims at; of each page where it spans some."""
    region = region_of(target.bar, target.offset).value
    if kinds is None or len(set(kinds)) == 1:
        return f"open {region}" if kinds and kinds[0] is RangeKind.OPENED else region
    return "across ranges"


def _kind(tlp: Tlp) -> str:
    """The TLP without the size of its address."""
    return tlp.fmt_type.name.removesuffix("32").removesuffix("64")


def _form(tlp: Tlp) -> str:
    """What is special about a request."""
    if tlp.ep:
        return "poisoned"
    if tlp.at:
        return AddressType(tlp.at).name
    if tlp.length == 1 and tlp.first_be == 0:
        return "zero length"
    whole = tlp.first_be == FULL and tlp.last_be in ((0,) if tlp.length == 1 else (FULL,))
    return "whole" if whole else "part"


def _rule(
    state: TdiState, kinds: tuple[RangeKind, ...] | None, t: bool, bound: bool
) -> InboundRule:
    if kinds is None:
        return NOT_BUILT
    if len(kinds) == 1:
        return inbound_memory(state, kinds[0], t, bound)
    # A receiver need not notice that a request crosses a page.
    rule = inbound_span(state, kinds, t, bound)
    return replace(rule, tolerated=rule.tolerated | {Decision.REJECT})


class InboundChecker:
    """Predicts what becomes of requests to the device (TDISP-MMIO-001 to 015)."""

    def __init__(self, world: World, shadows: list[FunctionShadow]) -> None:
        self.world = world
        self.shadows = shadows
        self.covered: list[CoverItem] = []
        self._candidates: set[CoverItem] = set()  # points of what may have decided
        self._pending: dict[tuple[int, int], Pending] = {}
        self._ordered_ns = float("-inf")  # last time at which completions could be ordered by ID

    # ------------------------------------------------------------------ requests

    def request(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        """A well-formed request has reached the device by `route`."""
        if tlp.fmt_type in MEMORY_WRITES:
            self._write(time_ns, tlp, route)
        elif not tlp.is_message:
            self._non_posted(time_ns, tlp, route)

    def _rules(
        self, tlp: Tlp, route: Route, target: Target | None, passed: float, end: float
    ) -> list[InboundRule]:
        """The rules that may decide about a request that `passed` on the link, until `end`."""
        start = passed - RACE_NS
        self._candidates.clear()
        if target is None or tlp.fmt_type not in SERVED:
            return [NOT_BUILT]
        if target.bar == ROM and tlp.fmt_type in MEMORY_WRITES:
            return [NOT_BUILT]
        if tlp.at not in (UNTRANSLATED, TRANSLATED):
            return [NOT_BUILT]
        if route.stream is not None:
            block = stream_of(self.world.blocks(), route.stream)
            if block is not None and accept_at_endpoint(block, tlp) is not Acceptance.ACCEPT:
                return [FOREIGN_RID]
        rules = [NOT_BUILT] if self.shadows[target.tdi].scrubbing(start, end) else []
        tdi, pages = target.tdi, self.world.open_pages(target.tdi, passed, end)
        bounds = {route.stream in bound for bound in self.world.bound_streams(tdi, start, end)}
        where = {True: "bound", False: "plain" if route.stream is None else "another"}
        for state in sorted(self.world.states_during(tdi, start, end)):
            locked = state in LOCKED | {TdiState.ERROR} and self.world.msix_locked(tdi)
            for kinds in {_kinds(target, tlp, locked, opened) for opened in pages}:
                for bound in bounds:
                    rule = _rule(state, kinds, route.t, bound)
                    rules.append(rule)
                    point = (state.name, f"T{int(route.t)}", where[bound], _region(target, kinds))
                    decided = (*point, rule.decision.value)
                    self._candidates.add(CoverItem("mmio", decided))
        return rules

    def _cover(self, tlp: Tlp, answer: str) -> None:
        """What was decided for certain: in a race nobody knows by what."""
        if len(self._candidates) < 2:
            self.covered += self._candidates
            self.covered.append(CoverItem("access", (_kind(tlp), _form(tlp), answer)))
        self._candidates.clear()

    def _write(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        target = decode(self.world.functions(), tlp.address)
        rules = self._rules(tlp, route, target, time_ns, time_ns)
        if target is None:
            self._cover(tlp, "dropped")
            return
        shadow = self.shadows[target.tdi]
        passes = {rule.decision is Decision.PASS for rule in rules}
        passes |= {other is Decision.PASS for rule in rules for other in rule.tolerated}
        if len(passes) == 1:
            self._cover(tlp, "taken" if True in passes else "dropped")
        if passes == {False}:
            return
        if tlp.ep:
            self.world.findings.error(time_ns, "Poisoned TLP", target.tdi)
            certain = passes == {True}
            event = self.world.tdi_error if certain else self.world.may_error
            event(target.tdi, ErrorCause.POISONED, time_ns)
        elif passes == {True} and not tlp.th:
            shadow.write(time_ns, target, tlp)
            if not shadow.may_send(self.world.functions()[target.tdi]):
                shadow.may_fail(time_ns)
        else:
            self.world.findings.tolerate("write that raced with a change of state")
            shadow.may_write(time_ns, target, tlp)

    def _non_posted(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        if tlp.fmt_type in CONFIG_REQUESTS:
            pending = Pending(tlp, route, time_ns, tlp.completer_id)
        else:
            target = decode(self.world.functions(), tlp.address)
            functions = self.world.functions()
            completer = functions[target.tdi if target else 0].rid
            pending = Pending(tlp, route, time_ns, completer, target)
            if target is not None and tlp.fmt_type in MEMORY_READS:
                shadow = self.shadows[target.tdi]
                pending.words, pending.transfers = shadow.words(target, tlp), bool(shadow.runs)
        pending.collector = CompletionCollector(tlp, self.world.limits())
        key = (tlp.requester_id, tlp.tag)
        if key in self._pending:
            self._missing(time_ns, self._pending.pop(key))
        self._pending[key] = pending

    # ------------------------------------------------------------------ completions

    def completion(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        """The device has sent a completion by `route`."""
        pending = self._pending.get((tlp.requester_id, tlp.tag))
        findings = self.world.findings
        tdi = pending.target.tdi if pending is not None and pending.target is not None else None
        if pending is None or pending.collector is None:
            got = {"requester": tlp.requester_id, "tag": tlp.tag, "status": tlp.status}
            findings.mismatch(
                ("TDISP-MMIO-007",), time_ns, "completion for no request", {}, got, tdi
            )
            return
        expected = self._completer(pending, tlp)
        findings.compare(
            ("TDISP-MMIO-006", "IDE-SEL-002"),
            time_ns,
            "way of a completion",
            {"route": pending.route, "completer": expected},
            {"route": route, "completer": expected if pending.config else tlp.completer_id},
            tdi,
        )
        self._check_ordering(time_ns, tlp, tdi)
        try:
            last = pending.collector.add(tlp)
        except CompletionError as error:
            findings.mismatch(
                ("TDISP-MMIO-006",),
                time_ns,
                "completion does not continue its request",
                {"request": pending.request},
                {"completion": tlp, "reason": str(error)},
                tdi,
            )
            del self._pending[tlp.requester_id, tlp.tag]
            return
        if last:
            del self._pending[tlp.requester_id, tlp.tag]
            self._answered(time_ns, pending, CplStatus(tlp.status), pending.collector.data)

    def _completer(self, pending: Pending, completion: Tlp) -> int:
        """Who completes a request: for one that is refused, also who is at its address by now.

        A configuration write that passed just before the request may have moved that function.
        """
        if pending.config or completion.status == CplStatus.SC:
            return pending.completer_id
        functions = self.world.functions()
        target = decode(functions, pending.request.address)
        now = functions[target.tdi if target else 0].rid
        return now if now == completion.completer_id else pending.completer_id

    def _answered(self, time_ns: float, pending: Pending, status: CplStatus, data: bytes) -> None:
        if pending.config:
            self._config_answered(time_ns, pending, status)
            return
        waited = self.world.made_since(time_ns) < pending.time_ns  # its completion, or itself
        # What served the first part of a read may refuse the rest, whenever that is due.
        cut = status is not CplStatus.SC and bool(data)
        end_ns = time_ns if waited or cut else min(time_ns, pending.time_ns + RACE_NS)
        allowed = self._statuses(pending, end_ns)
        tdi = pending.target.tdi if pending.target is not None else None
        if len(allowed) > 1:
            self.world.findings.tolerate("read that raced with a change of state")
        else:
            self._cover(pending.request, status.name)
        if status not in allowed or (cut and CplStatus.SC not in allowed):
            requirements = pending.rules[0].requirements if pending.rules else ()
            self.world.findings.mismatch(
                requirements or ("TDISP-MMIO-007",),
                time_ns,
                f"answer to {pending.request.fmt_type.name} at {pending.request.address:#x}",
                {"status": allowed, "route": pending.route},
                {"status": status, "data": data},
                tdi,
            )
        elif (status is CplStatus.SC or cut) and pending.target is not None:
            got = self._check_data(time_ns, pending, pending.target, data)
            if not cut:  # what is there after a cut, nobody knows
                self.shadows[pending.target.tdi].seen(pending.target, pending.request, got)

    def _statuses(self, pending: Pending, end_ns: float) -> frozenset[CplStatus]:
        pending.rules = self._rules(
            pending.request, pending.route, pending.target, pending.time_ns, end_ns
        )
        allowed = set()
        for rule in pending.rules:
            for decision in {rule.decision, *rule.tolerated}:
                allowed.add(CplStatus.SC if decision is Decision.PASS else CplStatus.UR)
        if pending.request.th:
            allowed |= {CplStatus.SC, CplStatus.UR}
        return frozenset(allowed)

    def _check_data(
        self, time_ns: float, pending: Pending, target: Target, data: bytes
    ) -> list[int]:
        """The words that a read has returned, as far as they may be what is there."""
        request, shadow = pending.request, self.shadows[target.tdi]
        if request.length == 1 and request.first_be == 0:
            return []
        lead = max((request.first_be & -request.first_be).bit_length() - 1, 0)
        raw = bytes(lead) + data
        raw += bytes(-len(raw) % DW)
        got = [int.from_bytes(raw[n : n + DW], "little") for n in range(0, len(raw), DW)]
        raced = pending.transfers or shadow.runs
        later = shadow.words(target, request) if raced else pending.words
        for n, value in enumerate(got):
            mask = sum(0xFF << 8 * k for k in range(DW) if enables_of(request, n) >> k & 1)
            allowed = {word & mask for word in pending.words[n] | later[n]}
            if value & mask not in allowed:
                self.world.findings.mismatch(
                    ("TDISP-MMIO-001", "TDISP-ZERO-001"),
                    time_ns,
                    f"data read at {request.address + DW * n:#x}",
                    {"data": " or ".join(f"{word:#010x}" for word in sorted(allowed))},
                    {"data": f"{value & mask:#010x}"},
                    target.tdi,
                )
                return []
        return got

    def _check_ordering(self, time_ns: float, tlp: Tlp, tdi: int | None) -> None:
        """Completions have ID-Based Ordering only where it is enabled."""
        ordered = bool(tlp.attr & ID_BASED_ORDERING)
        enabled = self.world.functions()[0].ordered_completions
        if ordered and not enabled and self.world.made_since(time_ns) > self._ordered_ns:
            self.world.findings.mismatch(
                ("TDISP-MMIO-006",),
                time_ns,
                "attributes of a completion",
                {"ID-Based Ordering": "not enabled"},
                {"completion": tlp},
                tdi,
            )

    def ordering_cleared(self, time_ns: float) -> None:
        """IDO Completion Enable was set until now."""
        self._ordered_ns = time_ns

    def _config_answered(self, time_ns: float, pending: Pending, status: CplStatus) -> None:
        request = pending.request
        allowed = self._config_statuses(pending)
        if status not in allowed:
            self.world.findings.mismatch(
                ("TDISP-FSM-002",),
                time_ns,
                f"configuration request to {request.completer_id:04x}+{request.register:03x}",
                {"status": allowed},
                {"status": status},
            )

    def _config_statuses(self, pending: Pending) -> frozenset[CplStatus]:
        """Successful for functions that exist, whatever is locked (TDISP-FSM-002)."""
        rid, functions = pending.request.completer_id, self.world.functions()
        if pending.request.ep or (pending.route.stream is not None and pending.route.t):
            return frozenset({CplStatus.SC, CplStatus.UR})
        if any(view.present and view.rid == rid for view in functions):
            return frozenset({CplStatus.SC})
        # The physical function takes its bus number from the request.
        if rid & 0xFF == functions[0].rid & 0xFF:
            return frozenset({CplStatus.SC})
        if any(view.present and view.rid & 0xFF == rid & 0xFF for view in functions):
            return frozenset({CplStatus.SC, CplStatus.UR})
        return frozenset({CplStatus.UR})

    # ------------------------------------------------------------------ ends

    def _missing(self, time_ns: float, pending: Pending) -> None:
        if pending.route.stream is not None:
            secure = self.world.secure(pending.route.stream, pending.time_ns - RACE_NS, time_ns)
            if secure != frozenset({True}):
                return
        if not pending.config:
            allowed = self._statuses(pending, pending.time_ns + RACE_NS)
            shown = pending.collector is not None and bool(pending.collector.data)
            if CplStatus.UR in allowed and (CplStatus.SC in allowed or not shown):
                return  # a rejected request may be dropped
        tdi = pending.target.tdi if pending.target is not None else None
        self.world.findings.mismatch(
            ("TDISP-MMIO-001",) if not pending.config else ("TDISP-FSM-002",),
            time_ns,
            f"no completion for {pending.request.fmt_type.name}, tag {pending.request.tag}",
            {"completion": "of a request that is served"},
            {"completion": "none"},
            tdi,
        )

    def finish(self, time_ns: float) -> None:
        """The run ends: completions that are due have to be there."""
        for pending in self._pending.values():
            self._missing(time_ns, pending)
        self._pending.clear()

    def forget(self) -> None:
        """Reset or link down: nothing is owed any more."""
        self._pending.clear()
