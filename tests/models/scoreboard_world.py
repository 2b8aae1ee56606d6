# SPDX-License-Identifier: Apache-2.0
"""A world for the link checkers: two functions, one stream, states set by the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from models.app.map import Bar0, Bar2, Control, Register
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.ide.errors import InsecureCause
from models.ide.select import AddressAssociation, SelectiveStreamBlock
from models.ide.stream import IdeStream
from models.pcie.rules import Limits
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from models.tdisp.p2p import PeerTerms
from tb.scoreboard.findings import Findings
from tb.scoreboard.link import LinkChecker
from tb.scoreboard.stalls import Stalls
from tb.scoreboard.timeline import Track, Unsettled
from tb.scoreboard.world import FunctionView, Page, Route
from tests.models.ide_pair import port

HOST, PF, VF, PEER_RID = 0x0000, 0x0100, 0x0101, 0x0200
BAR0, VF_BAR0 = 0x1_0000_0000, 0x1_0100_0000
BAR2, VF_BAR2 = 0x2_0000_0000, 0x2_0100_0000
STREAM = 1
PEER_STREAM = 2  # to a peer; it is there once a test has called `World.add_peer`
SECURED = Route(STREAM, True)
TO_PEER = Route(PEER_STREAM, True)
PEER = AddressAssociation(0x4000_0000, 0x7FFF_FFFF)
TIMEOUT_NS = 400_000.0


class World:
    """Reference device of the test's making, and both ends of its stream."""

    def __init__(self) -> None:
        self.findings = Findings()
        self.views = [
            FunctionView(0, PF, True, True, True, BAR0, BAR2, True),
            FunctionView(1, VF, True, True, True, VF_BAR0, VF_BAR2, True),
        ]
        self.tracks = [Track(TdiState.CONFIG_UNLOCKED) for _ in self.views]
        self.stream = Track(True)
        self.locked_msix = False
        self.stalls = Stalls()
        self.terms = PeerTerms()
        self.opened: Unsettled[frozenset[Page]] = Unsettled(frozenset())
        self.events: list[tuple[int, ErrorCause]] = []
        self.possible: list[tuple[int, ErrorCause]] = []
        self.insecure_causes: list[InsecureCause] = []
        self.device_end = port()
        self.host_end = port()
        # What the real parties hold; the checker has its own ends.
        self.device = port()
        self.host = port()
        self.peers: list[SelectiveStreamBlock] = []
        self.bound: Unsettled[frozenset[int]] | None = None  # None: the default stream while locked
        self._peer_ends = [port(stream_id=PEER_STREAM) for _ in range(4)]

    def add_peer(self, *, bound: bool = True) -> None:
        """A second stream claims the addresses of `PEER`; VF 1 may be bound to it."""
        self.peers = [
            SelectiveStreamBlock(
                PEER_STREAM,
                enabled=True,
                tee_limited=True,
                rid_base=PEER_RID,
                rid_limit=PEER_RID,
                rid_valid=True,
                associations=(PEER,),
            )
        ]
        self.bound = Unsettled(frozenset({STREAM, PEER_STREAM} if bound else {STREAM}))

    def sender(self, stream_id: int, *, device: bool) -> IdeStream:
        """The end with which the real device, or the real host, sends."""
        if stream_id == PEER_STREAM:
            return self._peer_ends[0 if device else 1]
        return self.device if device else self.host

    def functions(self) -> Sequence[FunctionView]:
        return self.views

    def blocks(self) -> Sequence[SelectiveStreamBlock]:
        return [
            SelectiveStreamBlock(
                STREAM,
                enabled=True,
                default_stream=True,
                tee_limited=True,
                rid_valid=True,
                rid_limit=0xFFFF,
            ),
            *self.peers,
        ]

    def limits(self) -> Limits:
        return Limits(max_received=512)

    def states_during(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[TdiState]:
        return self.tracks[tdi].during(start_ns, end_ns)

    def secure(self, stream: int, start_ns: float, end_ns: float) -> frozenset[bool]:
        return self.stream.during(start_ns, end_ns)

    def bound_streams(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[int]]:
        if self.bound is not None:
            return self.bound.during(start_ns, end_ns)
        locked = self.tracks[tdi].reference.now is not TdiState.CONFIG_UNLOCKED
        return frozenset({frozenset({STREAM} if locked else ())})

    def open_pages(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[Page]]:
        return self.opened.during(start_ns, end_ns)

    def peer_terms(self, tdi: int) -> PeerTerms:
        return self.terms

    def made_since(self, time_ns: float) -> float:
        return self.stalls.made_since(time_ns)

    def msix_locked(self, tdi: int) -> bool:
        return self.locked_msix

    def tdi_error(self, tdi: int, cause: ErrorCause, time_ns: float) -> None:
        self.events.append((tdi, cause))

    def may_error(self, tdi: int, cause: ErrorCause, time_ns: float) -> None:
        self.possible.append((tdi, cause))

    def device_stream(self, stream_id: int) -> IdeStream | None:
        ends = {STREAM: self.device_end, PEER_STREAM: self._peer_ends[2]}
        return ends.get(stream_id)

    def host_stream(self, stream_id: int) -> IdeStream | None:
        ends = {STREAM: self.host_end, PEER_STREAM: self._peer_ends[3]}
        return ends.get(stream_id)

    def insecure(self, stream_id: int, cause: InsecureCause, time_ns: float) -> None:
        self.insecure_causes.append(cause)
        self.stream.reference.change(time_ns, False)


class Bench:
    """A link checker and the bytes that a host and a device would send."""

    def __init__(self, profile: DeviceProfile = DEFAULT_PROFILE) -> None:
        self.world = World()
        self.link = LinkChecker(self.world, self.world, TIMEOUT_NS, profile)
        self.now = 10_000.0
        self.tag = 0

    def state(self, state: TdiState, tdi: int = 1) -> None:
        """Both the reference and the device are in `state`, and have been for long."""
        track = self.world.tracks[tdi]
        track.reference.change(self.now, state)
        track.device.change(self.now, state)
        self.now += 100_000

    def to_device(self, tlp: Tlp, route: Route | None = None) -> Tlp:
        """The host sends `tlp`, whatever rule it breaks."""
        raw = tlp.pack()
        if route is not None and route.stream is not None:
            raw = self.world.sender(route.stream, device=False).encrypt(raw, route.t)
        self.now += 100
        self.link.to_device(self.now, raw)
        return tlp

    def from_device(self, tlp: Tlp, route: Route | None = None) -> None:
        """The device sends `tlp`."""
        raw = tlp.pack()
        if route is not None and route.stream is not None:
            raw = self.world.sender(route.stream, device=True).encrypt(raw, route.t)
        self.now += 100
        self.link.from_device(self.now, raw)

    def read(self, address: int, route: Route | None = None, length: int = 4) -> Tlp:
        """The host reads."""
        self.tag += 1
        return self.to_device(Tlp.mem_read(HOST, address, length, self.tag), route)

    def write(self, address: int, data: bytes, route: Route | None = None) -> None:
        """The host writes."""
        self.to_device(Tlp.mem_write(HOST, address, data), route)

    def start(
        self, base: int, host: int, length: int, control: Control, route: Route | None = None
    ) -> None:
        """Software programs a transfer and starts it."""
        values = {
            Register.LENGTH: length,
            Register.HOST_ADDRESS_LOW: host & 0xFFFFFFFF,
            Register.HOST_ADDRESS_HIGH: host >> 32,
            Register.DEVICE_ADDRESS: 0,
            Register.VECTOR: 1,
            Register.CONTROL: int(Control.START | control),
        }
        for register, value in values.items():
            self.write(base + Bar0.REGISTERS + register, value.to_bytes(4, "little"), route)

    def interrupts_on(self, bar2: int, address: int, data: int, route: Route | None = None) -> None:
        """Software sets up MSI-X vector 1."""
        entry = address.to_bytes(8, "little") + data.to_bytes(4, "little") + bytes(4)
        self.write(bar2 + Bar2.MSIX_TABLE + 16, entry, route)

    def found(self) -> set[str]:
        """Requirements of all mismatches so far."""
        return {name for item in self.world.findings.mismatches for name in item.requirements}

    def finish(self) -> None:
        """The run ends, long after."""
        self.link.finish(self.now + 100_000)

    def change_view(self, number: int, **fields: Any) -> None:
        """Change the configuration of a function."""
        self.world.views[number] = replace(self.world.views[number], **fields)
