# SPDX-License-Identifier: Apache-2.0
"""The golden TSM: takes a device from discovery to RUN and back, and doubts everything.

Any failure takes everything down before it is raised (TDISP-HOST-009): TDIs are stopped, streams
and their keys go, the session ends. A TSM that has failed can begin again with `connect`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from cryptography import x509

from models.doe.codes import VENDOR_PCI_SIG, ObjectType
from models.doe.objects import DataObject, DiscoveryRequest, DiscoveryResponse, DoeError
from models.idekm.errors import IdeKmError
from models.idekm.messages import QueryResponse
from models.idekm.requester import IdeKmRequester
from models.spdm.codes import Capability
from models.spdm.errors import SpdmError
from models.spdm.requester import RequesterConfig, SpdmRequester
from models.spdm.secure_session import SecureSession
from models.spdm.signing import Entropy
from models.tdisp.codes import TdiState
from models.tdisp.errors import TdispError
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import TdispCapabilities
from models.tdisp.report import DeviceInterfaceReport, MmioRange
from models.tdisp.requester import TdispRequester
from models.transport import Transport
from models.tsm.errors import PolicyError, TsmError
from models.tsm.policy import Policy, blocks
from models.tsm.ports import Assignment, HostPort, Tenant
from models.tsm.stream_keys import KeyFactory, StreamKeys
from models.tsm.trace import (
    Observer,
    Step,
    Trace,
    TracedSession,
    TracedTransport,
    TraceKind,
    ignore,
)

FAILURES = (SpdmError, IdeKmError, TdispError, DoeError, TsmError)
DISCOVERY_LIMIT = 256


@dataclass(slots=True)
class TdiHandle:
    """One TDI that the TSM deals with."""

    assignment: Assignment
    requester: TdispRequester
    lock_tried: bool = False  # it may be locked: STOP is due
    capabilities: TdispCapabilities | None = None
    report: DeviceInterfaceReport | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom the TSM works with."""

    transport: Transport
    host: HostPort
    trusted_roots: Sequence[x509.Certificate]
    port_index: int = 0  # of the device's port in IDE_KM


class Tsm:
    """One device with any number of its TDIs; one session."""

    def __init__(
        self,
        parties: Parties,
        entropy: Entropy,
        policy: Policy | None = None,
        observer: Observer = ignore,
        spdm: RequesterConfig | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self.trace = Trace(observer)
        self.measurements: dict[int, bytes] = {}
        self.tdis: list[TdiHandle] = []
        self.streams: dict[int, StreamKeys] = {}
        self.session: SecureSession | None = None
        self._host = parties.host
        self._port_index = parties.port_index
        self._transport = TracedTransport(parties.transport, self.trace)
        self._spdm = SpdmRequester(self._transport, entropy, parties.trusted_roots, spdm)
        self._factory = KeyFactory(entropy)

    # ------------------------------------------------------------------ steps

    @asynccontextmanager
    async def _step(self, step: Step) -> AsyncIterator[None]:
        self.trace.step = step
        self.trace.tell(TraceKind.BEGIN, step.value)
        try:
            yield
        except FAILURES as error:
            self.trace.tell(TraceKind.FAILED, str(error))
            await self.abandon()
            if isinstance(error, TsmError):
                raise
            raise TsmError(f"{step.value}: {error}") from error
        self.trace.tell(TraceKind.DONE, step.value)

    async def connect(self) -> None:
        """Everything up to an established session: who is the device, and what runs on it?"""
        async with self._step(Step.DISCOVER):
            await self._discover()
        async with self._step(Step.CONNECT):
            await self._spdm.connect()
            tee_io = await self._host.tee_io_supported()
            self.policy.check_device(tee_io, self._spdm.capabilities, self._spdm.algorithms)
        async with self._step(Step.AUTHENTICATE):
            await self._spdm.get_digests()
            await self._spdm.get_certificate()
            capabilities = self._spdm.capabilities
            if capabilities is not None and capabilities.flags & Capability.CHAL:
                await self._spdm.challenge()
        async with self._step(Step.SESSION):
            self.session = await self._spdm.start_session()
        async with self._step(Step.MEASURE):
            report = await self.session.get_measurements()
            self.measurements = {block.index: block.value for block in report.blocks}

    async def _discover(self) -> None:
        index, found = 0, set()
        for _ in range(DISCOVERY_LIMIT):
            raw = await self._transport.exchange(DiscoveryRequest(index).encode())
            if raw is None:
                raise TsmError("no answer to DOE Discovery")
            answer = DataObject.decode(raw)
            if (answer.vendor, answer.kind) != (VENDOR_PCI_SIG, ObjectType.DISCOVERY):
                raise TsmError(f"DOE Discovery answered with type {answer.kind}")
            entry = DiscoveryResponse.decode(answer.payload)
            found.add((entry.vendor, entry.kind))
            if entry.next_index == 0:
                break
            index = entry.next_index
        needed = {(VENDOR_PCI_SIG, kind) for kind in ObjectType}
        if not needed <= found:
            raise PolicyError("TDISP-HOST-001", f"DOE supports {sorted(found)} only")

    def _established(self) -> TracedSession:
        if self.session is None or not self.session.alive:
            raise TsmError("there is no session")
        return TracedSession(self.session, self.trace)

    # ------------------------------------------------------------------ IDE

    async def protect(self, stream_id: int, rid: int) -> None:
        """Make the default stream Secure; `rid` is the function with the IDE capability."""
        await self._protect(stream_id, rid, self.policy.check_stream)

    async def protect_peer(self, stream_id: int, rid: int) -> None:
        """Make a stream to a peer Secure; the host port is the peer's end."""
        await self._protect(stream_id, rid, self.policy.check_peer_stream)

    async def _protect(self, stream_id: int, rid: int, check: Callable[[bytes, int], None]) -> None:
        async with self._step(Step.QUERY):
            idekm = IdeKmRequester(self._established(), self._port_index)
            answer = await self._query(idekm, rid)
            check(answer.registers, stream_id)
        async with self._step(Step.KEYS):
            keys = StreamKeys(stream_id, idekm, self._host, self._factory)
            self.streams[stream_id] = keys
            await keys.program()
        async with self._step(Step.GO):
            await keys.go()
            await self._host.enable_stream(stream_id)
            answer = await self._query(idekm, rid)
            self._check_secure(answer, stream_id)

    async def _query(self, idekm: IdeKmRequester, rid: int) -> QueryResponse:
        answer = await idekm.query()
        self.policy.check_query(answer, rid, await self._host.ide_registers())
        return answer

    @staticmethod
    def _check_secure(answer: QueryResponse, stream_id: int) -> None:
        for block in blocks(answer.registers):
            if block.stream_id == stream_id and block.enabled and block.state:
                return
        raise PolicyError("TDISP-HOST-005", f"stream {stream_id} is not Secure")

    async def refresh_keys(self, stream_id: int) -> None:
        """New keys for a stream, on the session that set the first ones."""
        async with self._step(Step.REFRESH):
            self._established()
            await self.streams[stream_id].refresh()

    # ------------------------------------------------------------------ TDISP

    async def attach(self, assignment: Assignment) -> TdiHandle:
        """Version, capabilities, and a TDI that is CONFIG_UNLOCKED."""
        async with self._step(Step.INTERFACE):
            name = InterfaceId.of(assignment.rid, assignment.segment, pasid=assignment.pasid)
            handle = TdiHandle(assignment, TdispRequester(self._established(), name))
            await handle.requester.version()
            capabilities = await handle.requester.capabilities()
            self.policy.check_interface(capabilities, assignment.flags)
            handle.capabilities = capabilities
            state = await handle.requester.state()
            if state is TdiState.ERROR:  # left behind by its last owner
                await handle.requester.stop()
                state = await handle.requester.state()
            self._check_state(handle, state, TdiState.CONFIG_UNLOCKED)
            self.tdis.append(handle)
        return handle

    async def lock(self, handle: TdiHandle, tenant: Tenant) -> None:
        """Lock a TDI; the tenant gets the nonce, the TSM keeps none."""
        async with self._step(Step.LOCK):
            wanted = handle.assignment
            self.policy.check_offset(wanted)
            handle.lock_tried = True
            nonce = await handle.requester.lock(
                wanted.stream_id,
                wanted.flags,
                wanted.mmio_reporting_offset,
                wanted.p2p_address_mask,
            )
            tenant.keep_nonce(nonce)
            await self._expect(handle, TdiState.CONFIG_LOCKED)

    async def read_report(self, handle: TdiHandle) -> DeviceInterfaceReport:
        """The report, checked against the assignment (TDISP-HOST-004)."""
        async with self._step(Step.REPORT):
            report = await handle.requester.report(self.policy.report_portion)
            self.policy.check_report(report, handle.assignment)
            handle.report = report
        return report

    async def start(self, handle: TdiHandle, tenant: Tenant) -> None:
        """Start a TDI, if its tenant agrees (TDISP-HOST-006)."""
        async with self._step(Step.APPROVE):
            if handle.report is None:
                raise TsmError("the report has not been read")
            objections = tenant.review(handle.report, self.measurements)
            if objections:
                raise PolicyError("TDISP-HOST-006", "; ".join(objections))
        async with self._step(Step.START):
            await handle.requester.start(tenant.release_nonce())
            await self._expect(handle, TdiState.RUN)

    async def set_mmio_attribute(self, handle: TdiHandle, wanted: MmioRange) -> None:
        """Give a reported range another IS_NON_TEE_MEM, as its tenant wishes (TDISP-MMA-003).

        Raises PolicyError, and asks nothing, when the device does not offer this.
        """
        self.policy.check_attribute(handle.capabilities, handle.report, wanted)
        async with self._step(Step.ATTRIBUTE):
            await handle.requester.set_mmio_attribute(wanted)
            await self._expect(handle, TdiState.RUN)

    async def bind(self, handle: TdiHandle, stream_id: int) -> None:
        """Bind a stream to a peer, which `protect_peer` has made Secure (TDISP-P2P-001).

        Raises PolicyError, and asks nothing, when LOCK or the device does not allow it.
        """
        self.policy.check_bind(handle.capabilities, handle.assignment.flags)
        if stream_id not in self.streams:
            raise TsmError(f"stream {stream_id} has no keys of this session")
        async with self._step(Step.BIND):
            await handle.requester.bind(stream_id)
            await self._expect(handle, TdiState.RUN)

    async def unbind(self, handle: TdiHandle, stream_id: int) -> None:
        """Unbind a stream to a peer (TDISP-P2P-004)."""
        async with self._step(Step.UNBIND):
            await handle.requester.unbind(stream_id)
            await self._expect(handle, TdiState.RUN)

    async def stop(self, handle: TdiHandle) -> None:
        """Stop a TDI."""
        async with self._step(Step.STOP):
            await handle.requester.stop()
            await self._expect(handle, TdiState.CONFIG_UNLOCKED)
            handle.lock_tried = False
            self.tdis.remove(handle)

    async def check_state(self, handle: TdiHandle, wanted: TdiState) -> None:
        """Ask for the state of a TDI; one that is not as it should be ends everything."""
        async with self._step(self.trace.step):
            await self._expect(handle, wanted)

    async def _expect(self, handle: TdiHandle, wanted: TdiState) -> None:
        self._check_state(handle, await handle.requester.state(), wanted)

    @staticmethod
    def _check_state(handle: TdiHandle, state: TdiState, wanted: TdiState) -> None:
        if state is not wanted:
            raise PolicyError(
                "TDISP-HOST-005", f"{handle.requester.interface} is {state.name}, not {wanted.name}"
            )

    # ------------------------------------------------------------------ whole lives

    async def bring_up(self, assignment: Assignment, tenant: Tenant, pf_rid: int) -> TdiHandle:
        """From nothing, or from what is there already, to RUN."""
        if self.session is None or not self.session.alive:
            await self.connect()
        if assignment.stream_id not in self.streams:
            await self.protect(assignment.stream_id, pf_rid)
        handle = await self.attach(assignment)
        await self.lock(handle, tenant)
        await self.read_report(handle)
        await self.start(handle, tenant)
        return handle

    async def close(self) -> None:
        """Stop TDIs that are left, then streams, then the session."""
        for handle in tuple(self.tdis):
            await self.stop(handle)
        async with self._step(Step.CLOSE):
            for keys in self.streams.values():
                await keys.stop()
            self.streams.clear()
            if self.session is not None:
                await self.session.end()
            self.session = None

    async def abandon(self) -> None:
        """Take everything down, whatever the device still answers (TDISP-HOST-009)."""
        self.trace.step = Step.ABANDON
        self.trace.tell(TraceKind.BEGIN, Step.ABANDON.value)
        for handle in self.tdis:
            if handle.lock_tried:
                with suppress(*FAILURES):
                    await handle.requester.stop()
        for keys in self.streams.values():
            await keys.stop()
        if self.session is not None:
            with suppress(*FAILURES):
                await self.session.end()
        self.tdis.clear()
        self.streams.clear()
        self.measurements = {}
        self.session = None
        self.trace.tell(TraceKind.DONE, Step.ABANDON.value)
