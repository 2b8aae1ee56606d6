# SPDX-License-Identifier: Apache-2.0
"""What the link checkers know about the device: configuration, states, streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.app.map import ROM, ROM_BYTES, Bar0, Bar2
from models.device.config_space import FunctionView
from models.ide.select import Acceptance, SelectiveStreamBlock, accept_at_endpoint, stream_of
from models.pcie.rules import Limits
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from models.tdisp.p2p import PeerTerms
from tb.scoreboard.findings import Findings

__all__ = [
    "PLAIN",
    "FunctionView",
    "Page",
    "Route",
    "Target",
    "World",
    "completer_fits",
    "decode",
]
Page = tuple[int, int]  # BAR and offset of a page in it


@dataclass(frozen=True)
class Route:
    """How a TLP travels: on the stream with this Stream ID, or plain."""

    stream: int | None = None
    t: bool = False

    def __str__(self) -> str:
        return "plain" if self.stream is None else f"stream {self.stream}, T = {int(self.t)}"


PLAIN = Route()


@dataclass(frozen=True)
class Target:
    """Where an address leads: a function, its BAR (0, 2 or ROM), the offset in it."""

    tdi: int
    bar: int
    offset: int


def decode(functions: Sequence[FunctionView], address: int) -> Target | None:
    """The function that claims `address`, if any."""
    for view in functions:
        if not (view.present and view.memory_space):
            continue
        if view.bar0 <= address < view.bar0 + Bar0.SIZE:
            return Target(view.number, 0, address - view.bar0)
        if view.bar2 <= address < view.bar2 + Bar2.SIZE:
            return Target(view.number, 2, address - view.bar2)
        if view.rom is not None and view.rom <= address < view.rom + ROM_BYTES:
            return Target(view.number, ROM, address - view.rom)
    return None


class World(Protocol):
    """The reference device as the link checkers need it."""

    findings: Findings

    def functions(self) -> Sequence[FunctionView]:
        """All functions, by the number of their TDI."""

    def blocks(self) -> Sequence[SelectiveStreamBlock]:
        """The selective stream register blocks."""

    def limits(self) -> Limits:
        """Max_Payload_Size, Max_Read_Request_Size, Read Completion Boundary of the device."""

    def states_during(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[TdiState]:
        """States by which the device may have decided in this time."""

    def secure(self, stream: int, start_ns: float, end_ns: float) -> frozenset[bool]:
        """Whether the stream with this Stream ID was Secure in this time."""

    def bound_streams(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[int]]:
        """The sets of Stream IDs that may have been bound to the TDI in this time."""

    def open_pages(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[Page]]:
        """The sets of TEE pages that may have been open to T = 0 in this time (TDISP-MMA-003)."""

    def peer_terms(self, tdi: int) -> PeerTerms:
        """How a locked TDI sends translated requests to peers."""

    def made_since(self, time_ns: float) -> float:
        """The earliest time at which a TLP that leaves at `time_ns` may have been decided."""

    def msix_locked(self, tdi: int) -> bool:
        """Whether MSI-X table and PBA of the TDI are locked and reported."""

    def tdi_error(self, tdi: int, cause: ErrorCause, time_ns: float) -> None:
        """An event that moves a locked TDI to ERROR has happened."""

    def may_error(self, tdi: int, cause: ErrorCause, time_ns: float) -> None:
        """Something has happened after which a locked TDI may go to ERROR, or not."""


def completer_fits(world: World, tlp: Tlp, route: Route) -> bool:
    """Whether a completion that came on a stream is from somebody behind it (IDE-SEL-004)."""
    block = None if route.stream is None else stream_of(world.blocks(), route.stream)
    return block is None or accept_at_endpoint(block, tlp) is Acceptance.ACCEPT
