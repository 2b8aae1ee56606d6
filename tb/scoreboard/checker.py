# SPDX-License-Identifier: Apache-2.0
"""All checkers around one reference device: simulator-free, fed with bytes and time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from models.app.config_map import ConfigRegister
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.device.device import Grants, ReferenceDevice
from models.ide.errors import InsecureCause
from models.ide.select import SelectiveStreamBlock
from models.ide.stream import IdeStream
from models.pcie.rules import Limits
from models.tdisp.codes import ErrorCause, Request, TdiState
from models.tdisp.nonces import RandomNonces
from models.tdisp.p2p import PeerTerms
from tb.coverage import CoverItem
from tb.scoreboard.control import ControlChecker, Open
from tb.scoreboard.describe import idekm_body, name_of, tdisp_body
from tb.scoreboard.event_points import EventPoints, register_name
from tb.scoreboard.events import ConfigWatcher
from tb.scoreboard.excuses import Excuses
from tb.scoreboard.findings import Findings
from tb.scoreboard.grants import GrantTracks
from tb.scoreboard.host_ends import HostEnds
from tb.scoreboard.link import LinkChecker
from tb.scoreboard.message_points import MessagePoints
from tb.scoreboard.replay_rot import KeyWriteView, ReplayRot
from tb.scoreboard.stalls import Stalls
from tb.scoreboard.states import TransitionChecker
from tb.scoreboard.world import FunctionView, Page

TDI_STATES = ("TDISP-STATE-003", "TDISP-STATE-004", "TDISP-FSM-001")
STREAM_STATES = ("IDE-ST-001", "IDE-ST-007")
DEFAULT_COMPLETION_TIMEOUT_NS = 400_000.0
REFUSED = ("mailbox", "request while another is under way", "any", "refused")
Facts = tuple[TdiState, Grants, int]  # the number tells how often its data was cleared


class DeviceChecker:
    """Lets a reference device foresee every answer, TLP and state of the device under test.

    Events that race with an open request are given to the reference in the order that the
    transitions of the device show.

    Args:
        findings: takes mismatches, history and tolerances.
        profile: what the device is built with.
        completion_timeout_ns: after which a read of the device counts as lost.
    """

    def __init__(
        self,
        findings: Findings,
        profile: DeviceProfile = DEFAULT_PROFILE,
        completion_timeout_ns: float = DEFAULT_COMPLETION_TIMEOUT_NS,
    ) -> None:
        rot = ReplayRot()
        # A nonce that the device does not show is never compared.
        reference = ReferenceDevice(lambda _: rot, RandomNonces(random.Random(0)), profile)
        rot.port = reference.key_port
        self.reference = reference
        self.findings = findings
        tdis = list(reference.tdi_states())
        self.states = TransitionChecker("TDI", tdis, TDI_STATES, findings)
        secure = [stream.secure for stream in reference.stream_ends()]
        self.streams = TransitionChecker("stream", secure, STREAM_STATES, findings)
        self.event_points = EventPoints(reference)
        self.message_points = MessagePoints(reference.dsm)
        self.control = ControlChecker(
            self._exchange,
            reference.learn_nonce,
            reference.learn_lost_lock,
            self._learn_key,
            self.message_points.compared,
            rot,
            findings,
        )
        self.config = ConfigWatcher(reference, self.streams, findings, ConfigRegister.DOE)
        self.host_ends = HostEnds()
        self.stalls = Stalls()
        self.link = LinkChecker(self, self, completion_timeout_ns, profile)
        self._excuses = Excuses()
        self._held: list[Callable[[float], None]] = []
        self._grants = GrantTracks(reference, len(tdis))
        self._known = self._facts()  # of each TDI as they were taken over last
        self._ids: dict[int, int] = {}  # Stream ID of each block while it was last Secure

    # ------------------------------------------------------------------ what monitors see

    def tlp(self, time_ns: float, raw: bytes, *, to_device: bool) -> None:
        """A TLP has passed on the link."""
        self._advance(time_ns)
        if to_device:
            self.link.to_device(time_ns, raw)
        else:
            self.link.from_device(time_ns, raw)

    def config_write(self, time_ns: float, rid: int, address: int, data: int, enables: int) -> None:
        """A configuration write has been completed successfully."""
        self._advance(time_ns)
        if self.config.is_abort(rid, address, data, enables):
            self.control.aborted(time_ns)
        mailbox = self.config.in_mailbox(address)
        if not mailbox:
            self.findings.note(time_ns, self.config.describe(rid, address, data, enables))
        racing = "" if mailbox else self._racing()

        def act(now: float) -> None:
            before = self.reference.functions()
            reset = self.config.reset_functions(rid, address, data, enables)
            points = self.event_points.config_write(rid, address, data, enables, racing)
            with nullcontext() if mailbox else points:
                self.config.write(rid, address, data, enables)
            self._sync(now, register_name(address))
            after = self.reference.functions()
            for old, new in zip(before, after, strict=True) if after is not before else ():
                if old.present and not new.present:
                    self.link.function_reset(now, new.number)
                if old.bus_master and not new.bus_master:
                    self.link.outbound.bus_master_cleared(new.number, now)
                if old.hints and not new.hints:
                    self.link.shadows[new.number].may_lose_hint(now)
                if old.pasid_enable and not new.pasid_enable:
                    self.link.way.pasid_cleared(now)
                if (old.pri_enable, old.pri_allocation) != (new.pri_enable, new.pri_allocation):
                    self.link.pages.limited(now, old)
                if old.ats_enable and not new.ats_enable:
                    self.link.translations.disabled(now, new.number)
                lost = old.attributes & ~new.attributes or old.atomics > new.atomics
                if lost or old.hints > new.hints:
                    self.link.outbound.enables_cleared(old, now)
                if (old.msi, old.msix_enable) != (new.msi, new.msix_enable):
                    self.link.outbound.interrupts_changed(old, new, now)
                if not self.link.shadows[new.number].may_send(new):
                    self.link.shadows[new.number].may_fail(now)
                if old.ordered_completions and not new.ordered_completions:
                    self.link.inbound.ordering_cleared(now)
            if self.config.resets_page_requests(rid, address, data, enables):
                self.link.pages.forget()
            for function in reset:
                self.link.function_reset(now, function)

        self._event(time_ns, act)

    def _racing(self) -> str:
        """The request that is under way."""
        request = self.control.open
        return "" if request is None else name_of(request.raw, request.plain)

    def config_read(self, time_ns: float, rid: int, address: int, value: int) -> None:
        """A configuration read has been completed successfully."""
        self._advance(time_ns)
        if not self._held:
            self.config.read(time_ns, rid, address, value)

    def doe_object(self, time_ns: float, raw: bytes, *, request: bool) -> None:
        """An object has passed the mailbox."""
        self._advance(time_ns)
        if request:
            self.control.request(time_ns, raw)
            self._asked(time_ns)
        else:
            if self._events_came_first():
                self._release(time_ns)
            self.control.response(time_ns, raw)
            self._release(time_ns)

    def request_refused(self, time_ns: float) -> None:
        """The mailbox has refused a request because it is at another (TDISP-SES-011).

        The reference is not asked, so whatever the device does about it is a mismatch.
        """
        self._advance(time_ns)
        self.findings.note(time_ns, "request refused by the mailbox")
        self.message_points.covered.append(CoverItem("rule", REFUSED))

    def _asked(self, time_ns: float) -> None:
        request = self.control.open
        tdi = None if request is None else self._grants.asked(time_ns, request.plain)
        if tdi is not None:  # UNBIND may abort what is under way (TDISP-P2P-004)
            self.link.shadows[tdi].may_fail(time_ns)

    def key_write(self, time_ns: float, write: KeyWriteView) -> None:
        """The root of trust has written a session key."""
        with self.event_points.key_write(write):
            self.control.rot_key(write)
        self._sync(time_ns, "session-key port")

    def pins(self, time_ns: float, states: Sequence[TdiState], secure: Sequence[bool]) -> None:
        """States that the device shows."""
        for tdi, state in self.states.observe(time_ns, states):
            unexplained = self.states.unexplained(tdi)
            if state is TdiState.ERROR and unexplained is not None:
                self._explain_error(tdi, time_ns)
        self.streams.observe(time_ns, secure)

    def _explain_error(self, tdi: int, time_ns: float) -> None:
        """Take an ERROR that nothing has predicted as the outcome of what may lead to one."""
        if self.link.own_reads.error_seen(tdi, time_ns):
            return
        if self.link.translations.error_seen(tdi, time_ns):
            return
        cause = self._excuses.take(tdi, time_ns)
        if cause is not None:
            self.findings.tolerate(f"ERROR because of {cause.name}")
            self.tdi_error(tdi, cause, time_ns)

    def link_down(self, time_ns: float) -> None:
        """The data link has gone down (IDE-ST-010)."""
        with self.event_points.event("link down"):
            self.reference.link_down()
        self._sync(time_ns, "link down")
        self.link.forget()

    def reset(self, time_ns: float) -> None:
        """Conventional reset (TDISP-FSM-014)."""
        with self.event_points.event("conventional reset"):
            self.reference.reset()
        self.control.reset()
        self.host_ends.reset()
        self.link.forget()
        self._held.clear()
        self._grants.answered()
        for tdi, shadow in enumerate(self.link.shadows):
            shadow.reset(time_ns)
            self._grants.follow(time_ns, tdi, TdiState.CONFIG_UNLOCKED)
        self._known = self._facts()
        self.states.reset(time_ns, TdiState.CONFIG_UNLOCKED)
        self.streams.reset(time_ns, False)

    def finish(self, time_ns: float) -> None:
        """The run ends: nothing may be left over."""
        self.control.finish(time_ns)
        self._release(time_ns)
        self._advance(time_ns)
        self.link.finish(time_ns)
        self.states.finish(time_ns)
        self.streams.finish(time_ns)
        self.event_points.covered += [CoverItem("error", (name,)) for name in self.findings.errors]

    def take_covered(self) -> list[CoverItem]:
        """Coverage samples since the last call."""
        items = self.link.take_covered()
        sources = (self.states, self.streams, self.event_points, self.message_points, self.config)
        for source in sources:
            items += source.covered
            source.covered.clear()
        return items

    # ------------------------------------------------------------------ order of events

    def _event(self, time_ns: float, act: Callable[[float], None]) -> None:
        """Carry out an event, after the open request if the device has already done that one."""
        if self._request_came_first():
            self._held.append(act)
        else:
            act(time_ns)

    def _request_came_first(self) -> bool:
        if not self.control.pending:
            return False
        return any(seen.new is not TdiState.ERROR for seen in self.states.all_unexplained())

    def _events_came_first(self) -> bool:
        """A TDI that was locked meanwhile has stayed so: what was held happened before LOCK."""
        for tdi in range(len(self.states)):
            seen = self.states.unexplained_values(tdi)
            if TdiState.CONFIG_LOCKED in seen and TdiState.ERROR not in seen:
                return True
        return False

    def _release(self, time_ns: float) -> None:
        held, self._held = self._held, []
        for act in held:
            act(time_ns)

    def _advance(self, time_ns: float) -> None:
        answer_pending = self.control.pending
        self.states.advance(time_ns, answer_pending)
        self.streams.advance(time_ns, answer_pending)
        self.link.advance(time_ns)

    # ------------------------------------------------------------------ the reference's changes

    def _exchange(self, time_ns: float, request: Open) -> bytes | None:
        stopped = self._stops_unlocked(request)
        self.message_points.asked(request.plain)
        with self.event_points.request(request.raw, request.plain):
            answer = self.reference.handle_object(request.raw)
        self._grants.answered()
        self._sync(time_ns, name_of(request.raw, request.plain))
        if stopped is not None:
            self.link.shadows[stopped].may_scrub(time_ns)
        return answer

    def _stops_unlocked(self, request: Open) -> int | None:
        """The TDI that STOP finds in CONFIG_UNLOCKED: a no-op that may clear (TDISP-STOP-002)."""
        body = None if request.plain is None else tdisp_body(request.plain[1])
        if body is None or body[1] != Request.STOP_INTERFACE_REQUEST:
            return None
        tdi = self.reference.dsm.addressed(body)
        return tdi.index if tdi is not None and tdi.state is TdiState.CONFIG_UNLOCKED else None

    def _learn_key(self, request: Open, answer: tuple[int, bytes] | None) -> None:
        if request.plain is None or answer is None:
            return
        asked, said = idekm_body(request.plain[1]), idekm_body(answer[1])
        if asked is not None and said is not None:
            self.host_ends.key_taken(asked, said)

    def _sync(self, time_ns: float, cause: str) -> None:
        """Take over what the reference has changed."""
        self._sync_streams(time_ns, cause)
        known, self._known = self._known, self._facts()
        changed = {n for n, fact in enumerate(self._known) if fact != known[n]}
        for tdi in sorted(changed | self._grants.unsettled):
            self._sync_tdi(time_ns, cause, tdi, known[tdi])

    def _facts(self) -> list[Facts]:
        reference = self.reference
        return [
            (state, reference.grants(tdi), reference.scrub_count(tdi))
            for tdi, state in enumerate(reference.tdi_states())
        ]

    def _sync_tdi(self, time_ns: float, cause: str, tdi: int, known: Facts) -> None:
        state, _, scrubs = self._known[tdi]
        changed, shadow = state is not known[0], self.link.shadows[tdi]
        self.states.predict(time_ns, tdi, state, cause)
        self._grants.follow(time_ns, tdi, state)
        if changed:
            work = self.link.under_way(tdi) or ["nothing"]
            self.event_points.ended(cause, work, known[0], state)
        if changed and state is not TdiState.RUN:
            self.link.life_ended(time_ns, tdi)
        if changed and state is TdiState.ERROR:
            shadow.may_scrub(time_ns)
        elif changed:
            shadow.abort(time_ns)
            if state is TdiState.CONFIG_LOCKED and self.reference.msix_locked(tdi):
                shadow.take_table(time_ns)
        if scrubs != known[2]:
            shadow.scrub(time_ns)

    def _sync_streams(self, time_ns: float, cause: str) -> None:
        for block, stream in enumerate(self.reference.stream_ends()):
            was = self.streams.tracks[block].reference.now
            self.host_ends.follow(block, stream)
            if stream.secure == was:
                continue
            stream_id = stream.config.stream_id
            if stream.secure:
                self._ids[block] = stream_id
                self.link.stream_secure(stream_id)
            else:
                known = self._ids.get(block, stream_id)
                self.link.stream_insecure(time_ns, known, stream)
                stream.fail_due = False
            self.streams.predict(time_ns, block, stream.secure, cause)

    # ------------------------------------------------------------------ World

    def functions(self) -> Sequence[FunctionView]:
        """All functions, by the number of their TDI."""
        return self.reference.functions()

    def blocks(self) -> Sequence[SelectiveStreamBlock]:
        """The selective stream register blocks."""
        return self.reference.blocks()

    def limits(self) -> Limits:
        """Sizes that the device keeps to."""
        return self.reference.limits()

    def states_during(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[TdiState]:
        """States by which the device may have decided in this time."""
        return self.states.tracks[tdi].during(start_ns, end_ns)

    def secure(self, stream: int, start_ns: float, end_ns: float) -> frozenset[bool]:
        """Whether the stream with this Stream ID was Secure in this time."""
        found: frozenset[bool] = frozenset()
        for block, stream_id in self._ids.items():
            if stream_id == stream:
                found |= self.streams.tracks[block].during(start_ns, end_ns)
        return found or frozenset({False})

    def bound_streams(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[int]]:
        """The sets of Stream IDs that may have been bound to the TDI in this time."""
        return self._grants.streams(tdi, start_ns, end_ns)

    def open_pages(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[Page]]:
        """The sets of TEE pages that may have been open to T = 0 in this time."""
        return self._grants.pages(tdi, start_ns, end_ns)

    def peer_terms(self, tdi: int) -> PeerTerms:
        """How a locked TDI sends translated requests to peers."""
        return self.reference.peer_terms(tdi)

    def made_since(self, time_ns: float) -> float:
        """The earliest time at which a TLP that leaves at `time_ns` may have been decided."""
        return self.stalls.made_since(time_ns)

    def msix_locked(self, tdi: int) -> bool:
        """Whether MSI-X table and PBA of the TDI are locked and reported."""
        return self.reference.msix_locked(tdi)

    def tdi_error(self, tdi: int, cause: ErrorCause, time_ns: float) -> None:
        """An event that moves a locked TDI to ERROR has happened."""

        racing = self._racing()

        def act(now: float) -> None:
            with self.event_points.of_tdi(cause.name, tdi, racing):
                self.reference.tdi_error(tdi, cause)
            self._sync(now, cause.name)

        self._event(time_ns, act)

    def may_error(self, tdi: int, cause: ErrorCause, time_ns: float) -> None:
        """An event that may move a locked TDI to ERROR has happened."""
        self._excuses.give(tdi, cause, time_ns)

    # ------------------------------------------------------------------ Ports

    def device_stream(self, stream_id: int) -> IdeStream | None:
        """The device's end of an enabled stream."""
        for block, stream in zip(
            self.reference.blocks(), self.reference.stream_ends(), strict=True
        ):
            if block.enabled and block.stream_id == stream_id:
                return stream
        return None

    def host_stream(self, stream_id: int) -> IdeStream | None:
        """The host's end of it."""
        return self.host_ends.get(stream_id)

    def insecure(self, stream_id: int, cause: InsecureCause, time_ns: float) -> None:
        """The device's end leaves Secure, or has just done so."""
        with self.event_points.of_stream(f"stream {cause.name}", stream_id):
            for block, view in enumerate(self.reference.blocks()):
                if view.enabled and view.stream_id == stream_id:
                    self.reference.stream_insecure(block, cause)
        self._sync(time_ns, f"stream {cause.name}")
