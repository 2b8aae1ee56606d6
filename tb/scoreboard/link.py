# SPDX-License-Identifier: Apache-2.0
"""The link: decrypts both directions and hands every TLP to who can foresee it."""

from __future__ import annotations

from typing import Protocol

from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.ide.errors import IdeError, IdeFailure, InsecureCause
from models.ide.messages import IdeFail, IdeSync
from models.ide.messages import parse as parse_ide_message
from models.ide.prefix import IdePrefix, peek
from models.ide.stream import IdeStream
from models.pcie.errors import Rule, TlpError
from models.pcie.tlp import Tlp
from tb.coverage import CoverItem
from tb.scoreboard.function_shadow import FunctionShadow
from tb.scoreboard.ide_messages import FailMessages, SentMirror
from tb.scoreboard.inbound import InboundChecker
from tb.scoreboard.invalidations import Invalidations
from tb.scoreboard.outbound import OutboundChecker
from tb.scoreboard.own_reads import OwnReads
from tb.scoreboard.page_requests import PageRequests
from tb.scoreboard.translations import Translations
from tb.scoreboard.way import WayChecker
from tb.scoreboard.world import PLAIN, Route, World

BROKEN = (IdeFailure.CHECK_FAILED, IdeFailure.MALFORMED)
# A receiver need not notice these; this one serves or refuses such a request like any other.
UNCHECKED = (Rule.PAGE_CROSSING, Rule.BYTE_ENABLES, Rule.ADDRESS_FORMAT, Rule.ADDRESS_TYPE)


class Ports(Protocol):
    """Both ends of every enabled stream."""

    def device_stream(self, stream_id: int) -> IdeStream | None:
        """The device's end of an enabled stream."""

    def host_stream(self, stream_id: int) -> IdeStream | None:
        """The host's end of it."""

    def insecure(self, stream_id: int, cause: InsecureCause, time_ns: float) -> None:
        """The device's end leaves Secure, or has just done so."""


class LinkChecker:
    """Predicts every TLP that the device sends, from every TLP that it gets."""

    def __init__(
        self,
        world: World,
        ports: Ports,
        completion_timeout_ns: float,
        profile: DeviceProfile = DEFAULT_PROFILE,
    ) -> None:
        self.world = world
        self.ports = ports
        count = len(world.functions())
        self.shadows = [FunctionShadow(count, profile.pasid_of(tdi)) for tdi in range(count)]
        self.inbound = InboundChecker(world, self.shadows)
        self.translations = Translations(world, self.shadows, completion_timeout_ns)
        self.invalidations = Invalidations(world, self.shadows, self.translations)
        self.way = WayChecker(world, profile.dsm.interface_info)
        self.outbound = OutboundChecker(world, self.shadows, self.translations, self.way)
        self.pages = PageRequests(world, self.way, self.shadows, offered=profile.pri)
        self.own_reads = OwnReads(world, self.shadows, completion_timeout_ns)
        self.mirror = SentMirror(world.findings)
        self.fails = FailMessages(world.findings)
        self.covered: list[CoverItem] = []

    # ------------------------------------------------------------------ to the device

    def to_device(self, time_ns: float, raw: bytes) -> None:
        """A TLP has reached the device."""
        prefix = peek(raw)
        route = PLAIN
        if prefix is not None:
            opened = self._open_for_device(time_ns, raw, prefix)
            if opened is None:
                return
            raw, route = opened
        try:
            tlp = Tlp.decode(raw)
        except TlpError as error:
            self.world.findings.error(time_ns, "Malformed TLP")
            self.world.findings.note(time_ns, f"to the device: {error}")
            if error.rule in UNCHECKED:
                self.inbound.request(time_ns, Tlp.unpack(raw), route)
            return
        if len(tlp.payload) > self.world.limits().max_received:
            self.world.findings.error(time_ns, "Malformed TLP")
        elif tlp.is_message:
            self._message_to_device(time_ns, tlp, route)
        elif tlp.is_completion:
            self._completion_to_device(time_ns, tlp, route)
        else:
            self.inbound.request(time_ns, tlp, route)

    def _completion_to_device(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        taken = self.translations.completion(time_ns, tlp, route)
        if taken is None:
            taken = self.own_reads.completion(time_ns, tlp, route)
        if not taken and route.stream is not None:
            self._broken(time_ns, route.stream)

    def _open_for_device(
        self, time_ns: float, raw: bytes, prefix: IdePrefix
    ) -> tuple[bytes, Route] | None:
        stream = self.ports.device_stream(prefix.stream_id)
        if stream is None:
            self.world.findings.error(time_ns, IdeFailure.MISROUTED.value)
            return None
        try:
            plain, t, _ = stream.decrypt(raw)
        except IdeError as error:
            self.covered.append(CoverItem("ide receive", (error.failure.name,)))
            self.world.findings.error(time_ns, error.failure.value)
            if error.failure in BROKEN:
                self.ports.insecure(prefix.stream_id, InsecureCause.CHECK_FAILED, time_ns)
            return None
        return plain, Route(prefix.stream_id, t)

    def _broken(self, time_ns: float, stream_id: int) -> None:
        self.world.findings.error(time_ns, IdeFailure.CHECK_FAILED.value)
        self.ports.insecure(stream_id, InsecureCause.CHECK_FAILED, time_ns)

    def _message_to_device(self, time_ns: float, tlp: Tlp, route: Route) -> None:
        message = parse_ide_message(tlp)
        if isinstance(message, IdeFail):
            if self.ports.device_stream(message.stream_id) is not None:
                self.world.findings.error(time_ns, "IDE Fail received")
                self.ports.insecure(message.stream_id, InsecureCause.FAIL_RECEIVED, time_ns)
        else:
            self.invalidations.request(time_ns, tlp, route)
            self.pages.response(time_ns, tlp, route)

    # ------------------------------------------------------------------ from the device

    def from_device(self, time_ns: float, raw: bytes) -> None:
        """The device has sent a TLP."""
        prefix = peek(raw)
        route = PLAIN
        if prefix is not None:
            opened = self._open_for_host(time_ns, raw, prefix)
            if opened is None:
                return
            raw, route = opened
        try:
            tlp = Tlp.decode(raw)
        except TlpError as error:
            got = {"bytes": raw, "rule": str(error)}
            self.world.findings.mismatch(
                ("TDISP-MMIO-009",), time_ns, "Malformed TLP from the device", {}, got
            )
            return
        message = parse_ide_message(tlp)
        if prefix is not None:
            sync = message if isinstance(message, IdeSync) else None
            self.mirror.tlp(time_ns, prefix, sync)
        if tlp.is_message:
            self._message_from_device(time_ns, tlp, route, message)
        elif tlp.is_completion:
            self.inbound.completion(time_ns, tlp, route)
        else:
            self.outbound.request(time_ns, tlp, route)

    def _open_for_host(
        self, time_ns: float, raw: bytes, prefix: IdePrefix
    ) -> tuple[bytes, Route] | None:
        findings = self.world.findings
        stream = self.ports.host_stream(prefix.stream_id)
        title = f"IDE TLP of the device on stream {prefix.stream_id}"
        if stream is None:
            got = {"bytes": raw}
            findings.mismatch(("IDE-SEL-001",), time_ns, title, {"stream": "an enabled one"}, got)
            return None
        try:
            plain, t, _ = stream.decrypt(raw)
        except IdeError as error:
            made_ns = self.world.made_since(time_ns)
            racing = self.world.secure(prefix.stream_id, made_ns, time_ns)
            if error.failure is IdeFailure.DISCARDED and True in racing:
                findings.tolerate("IDE TLP on a stream that has just become Insecure")
            else:
                findings.mismatch(
                    ("IDE-GCM-001", "IDE-GCM-002", "IDE-TLP-001", "IDE-ST-005"),
                    time_ns,
                    title,
                    {"IDE": "a TLP that the partner port accepts"},
                    {"IDE": str(error), "bytes": raw},
                )
            return None
        return plain, Route(prefix.stream_id, t)

    def _message_from_device(
        self, time_ns: float, tlp: Tlp, route: Route, message: IdeSync | IdeFail | None
    ) -> None:
        if isinstance(message, IdeFail):
            self.fails.sent(time_ns, message.stream_id)
            return
        if isinstance(message, IdeSync):
            if route.stream is None or route.t:
                got = {"route": route}
                self.world.findings.mismatch(
                    ("IDE-MSG-001",), time_ns, "IDE Sync", {"route": "its stream, T = 0"}, got
                )
            return
        if self.invalidations.completion(time_ns, tlp, route):
            return
        if self.pages.request(time_ns, tlp, route):
            return
        got_fields = {"code": tlp.message_code, "route": route, "message": tlp}
        self.world.findings.mismatch(
            ("TDISP-ATS-003", "IDE-MSG-001"),
            time_ns,
            "message not foreseen",
            {"Invalidate Requests": str(self.invalidations)},
            got_fields,
        )

    # ------------------------------------------------------------------ events, time

    def stream_secure(self, stream_id: int) -> None:
        """The reference says that the stream enters Secure."""
        self.mirror.restart(stream_id)

    def stream_insecure(self, time_ns: float, stream_id: int, stream: IdeStream) -> None:
        """The reference says that the stream has left Secure."""
        if stream.cause is InsecureCause.FLR:
            self.fails.may(stream_id)
        elif stream.fail_due:
            self.fails.due(time_ns, stream_id)

    def forget(self) -> None:
        """Reset or link down: nothing that was under way is owed."""
        self.inbound.forget()
        self.fails.forget()
        self.invalidations.forget()
        self.translations.forget()
        self.pages.forget()

    def life_ended(self, time_ns: float, tdi: int) -> None:
        """LOCK, STOP, ERROR or a reset: what the TDI has asked the host for counts no more."""
        self.translations.end_life(time_ns, tdi)
        self.pages.end_life(tdi)

    def under_way(self, tdi: int) -> list[str]:
        """What a TDI has begun and not brought to an end."""
        shadow = self.shadows[tdi]
        work = {
            "transfer": any(run.ended_ns is None and not run.complete for run in shadow.runs),
            "interrupt": bool(shadow.owed),
            "translation": self.translations.held(tdi),
        }
        return [name for name, present in work.items() if present]

    def function_reset(self, time_ns: float, tdi: int) -> None:
        """Function level reset."""
        self.shadows[tdi].reset(time_ns)
        self.life_ended(time_ns, tdi)
        self.invalidations.reset(tdi)

    def advance(self, time_ns: float) -> None:
        """Time has passed."""
        self.own_reads.advance(time_ns)
        self.translations.advance(time_ns)
        self.fails.advance(time_ns)

    def finish(self, time_ns: float) -> None:
        """The run ends: everything that is owed must have been sent."""
        self.inbound.finish(time_ns)
        self.outbound.finish(time_ns)
        self.invalidations.finish(time_ns)
        self.fails.finish(time_ns)

    def take_covered(self) -> list[CoverItem]:
        """Coverage samples since the last call."""
        parts = (self, self.inbound, self.way, self.own_reads, self.translations)
        items = []
        for part in (*parts, self.invalidations, self.pages):
            items += part.covered
            part.covered.clear()
        return items
