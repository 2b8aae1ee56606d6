# SPDX-License-Identifier: Apache-2.0
"""Requests of the device at the root port: translation, owner check, host memory, completions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from models.host.memory import HostMemory, Owner
from models.host.owner_check import DmaRequest, OwnerCheck, Verdict
from models.host.translation import TranslationAgent
from models.pcie.atomics import atomic_result
from models.pcie.codes import AddressType, CplStatus
from models.pcie.layout import ATOMICS, DW, MEMORY_READS, MEMORY_REQUESTS, MEMORY_WRITES
from models.pcie.rules import (
    Limits,
    failed_completion,
    split_completions,
    written_bytes,
)
from models.pcie.tlp import Tlp
from models.pcie.tlp_rules import operand_size
from tb.host.route import Route

RespondFunction = Callable[[Tlp, Route], Awaitable[None]]
HOST_RID = 0x0000


@dataclass(frozen=True)
class InboundRequest:
    """A request of the device and how it came."""

    tlp: Tlp
    route: Route


@dataclass(frozen=True)
class InterruptMessage:
    """A write to the interrupt window."""

    requester_id: int
    address: int
    data: int
    t: bool
    owner: Owner


@dataclass
class Inbound:
    """Serves what the owner check allows; the rest gets UR or is dropped, and kept in `refused`."""

    memory: HostMemory
    respond: RespondFunction
    limits: Limits = field(default_factory=lambda: Limits(rcb=64, max_payload=128))

    def __post_init__(self) -> None:
        self.check = OwnerCheck(self.memory)
        self.translation = TranslationAgent(self.check, HOST_RID)
        self.peers: dict[int, int] = {}  # Requester ID of the peer that ends a stream, by Stream ID
        self.translations: list[InboundRequest] = []  # Translation Requests
        # How answers to them go back: a hostile host changes it.
        self.translation_route: Callable[[Route], Route] = lambda route: route
        self.interrupts: list[InterruptMessage] = []
        self.served: list[InboundRequest] = []
        self.refused: list[tuple[InboundRequest, Verdict]] = []
        self.hold_completions = False
        self.held: list[tuple[Tlp, Route]] = []

    async def handle(self, request: InboundRequest) -> None:
        """Carry out one request, or refuse it."""
        tlp, route = request.tlp, request.route
        if tlp.fmt_type not in MEMORY_REQUESTS:
            return
        if tlp.at == AddressType.TRANSLATION_REQUEST:
            await self._translate(request)
            return
        completer = HOST_RID if route.stream is None else self.peers.get(route.stream, HOST_RID)
        led = self.translation.physical(tlp)
        verdict = Verdict.NOT_MAPPED
        if led is not None:
            verdict = self.check.check(DmaRequest.of(led, route.t))
        if led is None or not verdict.allowed:
            self.refused.append((request, verdict))
            if tlp.fmt_type not in MEMORY_WRITES:
                await self._answer(failed_completion(completer, tlp, CplStatus.UR), route)
            return
        self.served.append(request)
        if tlp.fmt_type in ATOMICS:
            old = self.memory.read(led.address, operand_size(tlp))
            self.memory.write(led.address, atomic_result(led, old))
            await self._answer(split_completions(completer, tlp, old)[0], route)
        elif tlp.fmt_type in MEMORY_READS:
            data = self.memory.read(led.address, DW * led.length)
            for completion in split_completions(completer, tlp, data, self.limits):
                await self._answer(completion, route)
        else:
            self._write(InboundRequest(led, route))

    async def _translate(self, request: InboundRequest) -> None:
        self.translations.append(request)
        route = self.translation_route(request.route)
        for completion in self.translation.completions(request.tlp, request.route.t):
            await self._answer(completion, route)

    async def release(self) -> None:
        """Send the completions that were held back."""
        held, self.held = self.held, []
        for completion, route in held:
            await self.respond(completion, route)

    async def _answer(self, completion: Tlp, route: Route) -> None:
        if self.hold_completions:
            self.held.append((completion, route))
        else:
            await self.respond(completion, route)

    def _write(self, request: InboundRequest) -> None:
        tlp = request.tlp
        region = self.memory.region_at(tlp.address, DW * tlp.length)
        if region is not None and region.interrupts:
            data = int.from_bytes(tlp.payload[:4], "little")
            self.interrupts.append(
                InterruptMessage(tlp.requester_id, tlp.address, data, request.route.t, region.owner)
            )
            return
        for address, data_bytes in written_bytes(tlp):
            self.memory.write(address, data_bytes)
