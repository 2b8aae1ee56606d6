# SPDX-License-Identifier: Apache-2.0
"""A reference device, its host, a TSM and tenants, all in one process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from models.app.map import PAGE
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.device.device import ReferenceDevice
from models.host.tvm import Expectation, ExpectedRange, MappedRange, MmioMapping, Tvm
from models.spdm.identity import DeviceIdentity
from models.spdm.measurements import DeviceState
from models.spdm.requester import SpdmRequester
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import PROTOCOL_ID, InterfaceInfo, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import AnyResponse, Message, decode_response
from models.tdisp.report import DeviceInterfaceReport
from models.tsm.model_host import ModelHost
from models.tsm.ports import Assignment
from models.tsm.trace import TraceEntry, TraceKind
from models.tsm.tsm import Parties, TdiHandle, Tsm
from tests.hits import sample

T = TypeVar("T")
IDENTITY = DeviceIdentity.generate(random.Random(1))
STREAM, OTHER_STREAM = 5, 6
OFFSET = 0x7000_0000_0000
MEASUREMENTS = {block.index: block.value for block in DeviceState().measurements()}
INFO = InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID
PAGES = ((0, 0), (0, PAGE), (0, 2 * PAGE), (2, 0), (2, 0x10000))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing outside itself."""
    return asyncio.run(coroutine)


def expected_ranges(profile: DeviceProfile) -> tuple[ExpectedRange, ...]:
    """What the driver of a device of this profile counts on."""
    return tuple(
        ExpectedRange(item.num_pages, item.attributes, item.bar) for item in profile.dsm.ranges
    )


class TvmTenant:
    """The model of a TVM, with the mapping that its VMM made."""

    def __init__(self, name: str, mapping: MmioMapping, ranges: tuple[ExpectedRange, ...]) -> None:
        self.tvm = Tvm(name, Expectation(ranges, MEASUREMENTS, INFO, msix_locked=True))
        self.mapping = mapping

    def keep_nonce(self, nonce: bytes, /) -> None:
        self.tvm.keep_nonce(nonce)

    def review(
        self, report: DeviceInterfaceReport, measurements: Mapping[int, bytes], /
    ) -> Sequence[str]:
        return self.tvm.approve(report, measurements, self.mapping).findings

    def release_nonce(self) -> bytes:
        return self.tvm.release_nonce()


class Intercept:
    """A transport whose objects a test may look at and change in both directions."""

    def __init__(self, device: ReferenceDevice) -> None:
        self._device = device
        self.objects: list[tuple[bytes, bytes | None]] = []
        self.request: Callable[[bytes], bytes] = lambda raw: raw
        self.answer: Callable[[bytes | None], bytes | None] = lambda raw: raw

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        answer = self.answer(self._device.handle_object(self.request(doe_object)))
        self.objects.append((doe_object, answer))
        return answer


class Bench:
    """Everybody. Function n is TDI n; both streams are placed, the first is Default."""

    def __init__(self, profile: DeviceProfile = DEFAULT_PROFILE, seed: int = 2) -> None:
        self.device = ReferenceDevice.with_identity(IDENTITY, random.Random(seed), profile)
        self.expected = replace(profile, dsm_profile=None)  # by the tenants
        self.host = ModelHost(self.device)
        self.host.enumerate()
        self.host.place_stream(0, STREAM, default=True)
        self.host.place_stream(1, OTHER_STREAM, default=False)
        self.transport = Intercept(self.device)
        self.trace: list[TraceEntry] = []
        self.entropy = random.Random(seed + 1)
        self.tsm = self.new_tsm()

    def new_tsm(self) -> Tsm:
        """A TSM; all of them share one trace."""
        parties = Parties(self.transport, self.host, [IDENTITY.root])
        return Tsm(parties, self.entropy, observer=self._observe)

    def _observe(self, entry: TraceEntry) -> None:
        self.trace.append(entry)
        if entry.kind in (TraceKind.DONE, TraceKind.FAILED):
            head = entry.text.partition(":")[0]
            requirement = head if head.startswith("TDISP-") else "none"
            sample("policy", entry.step.name, entry.kind.name, requirement)

    def assignment(self, function: int = 1, **changes: Any) -> Assignment:
        """What the VMM has assigned to a tenant."""
        values: dict[str, Any] = {
            "rid": self.host.rid(function),
            "bars": self.host.bars(function),
            "bar_sizes": self.device.profile.bar_sizes,
            "stream_id": STREAM,
            "mmio_reporting_offset": OFFSET,
        }
        return Assignment(**{**values, **changes})

    def tenant(self, function: int = 1, offset: int = OFFSET) -> TvmTenant:
        """A TVM that expects this project's function."""
        bars, expected = self.host.bars(function), expected_ranges(self.expected)
        ranges = tuple(MappedRange(bars[bar] + place, 1) for bar, place in PAGES)
        return TvmTenant(f"TVM {function}", MmioMapping(ranges, offset), expected)

    async def to_run(self, function: int = 1) -> TdiHandle:
        """Take a TDI to RUN."""
        assignment, tenant = self.assignment(function), self.tenant(function)
        return await self.tsm.bring_up(assignment, tenant, self.host.pf_rid)

    def state(self, function: int = 1) -> TdiState:
        """State of a TDI, as the device has it."""
        return self.device.tdi_states()[function]

    def lines(self, kind: TraceKind) -> list[str]:
        """Texts of the trace."""
        return [entry.text for entry in self.trace if entry.kind is kind]

    # ------------------------------------------------------------------ a second requester

    async def plain_session(self) -> SecureSession:
        """A session of its own; GET_VERSION of a new connection ends all others."""
        requester = SpdmRequester(self.transport, self.entropy, [IDENTITY.root])
        await requester.connect()
        await requester.get_digests()
        await requester.get_certificate()
        return await requester.start_session()

    async def second_session(self) -> SecureSession:
        """Another session on the TSM's connection."""
        return await self.tsm._spdm.start_session()


async def tdisp(session: SecureSession, request: Message) -> AnyResponse:
    """One TDISP request over a session; there must be a response."""
    raw = await session.vendor_defined(PROTOCOL_ID, request.encode())
    assert raw is not None
    return decode_response(raw)


def interface(parties: Bench, function: int = 1) -> InterfaceId:
    """INTERFACE_ID of a function."""
    return InterfaceId.of(parties.host.rid(function))
