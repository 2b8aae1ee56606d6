# SPDX-License-Identifier: Apache-2.0
"""The host's root port: cocotbext-pcie's root complex plus IDE, the T bit and the owner check.

Enumeration goes through `RootComplex` as it is. Other configuration accesses, memory requests of
the TVM, the VMM and legacy VMs, and all requests of the device, are handled here.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.queue import Queue
from cocotb.triggers import Event, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.pcie.core import RootComplex
from pyuvm import uvm_sequence, uvm_sequencer, uvm_subscriber

from models.host.errors import HostError
from models.host.memory import HostMemory
from models.ide.errors import IdeError, InsecureCause
from models.ide.key_log import LoggedKey
from models.ide.keys import KeySlot
from models.ide.messages import IdeFail
from models.ide.messages import parse as parse_ide_message
from models.ide.stream import IdeStream
from models.idekm.codes import Direction
from models.pcie.ats import Span
from models.pcie.capture import TlpCapture, TlpRecord
from models.pcie.codes import CplStatus
from models.pcie.errors import CompletionError, TlpError
from models.pcie.layout import COMPLETIONS
from models.pcie.pri import PageRequest, PageResponse, ResponseCode
from models.pcie.rules import DEVICE_LIMITS, CompletionCollector
from models.pcie.tlp import Tlp
from tb.agents.cfg.item import CfgItem
from tb.agents.tlp.item import SeenTlp, TlpItem
from tb.host.config_walk import ConfigWalk
from tb.host.inbound import Inbound, InboundRequest
from tb.host.link_port import LinkPort, LinkRootPort
from tb.host.route import PLAIN, Route

FIRST_TAG = 64  # lower tags belong to the root complex
LAST_TAG = 255
HOST_RID = 0x0000
IDE_PREFIX = 0x92
READ_TIMEOUT_US = 400


class OddCompletionError(AssertionError):
    """The device has sent a completion that does not continue the answer to its request."""


class OneItem(uvm_sequence):
    """A sequence of one item."""

    def __init__(self, item: Any) -> None:
        super().__init__("one_item")
        self.item = item

    async def body(self) -> None:
        await self.start_item(self.item)
        await self.finish_item(self.item)


@dataclass(frozen=True)
class ReadResult:
    """What came back for a read. `status` is None when no completion came."""

    status: CplStatus | None
    data: bytes = b""
    route: Route = PLAIN


@dataclass
class _Open:
    collector: CompletionCollector
    done: Event = field(default_factory=Event)
    route: Route = PLAIN
    fault: CompletionError | None = None


class HostRootPort(uvm_subscriber, ConfigWalk):
    """Root port and host memory. `analysis_export` takes the TLPs that come from the device."""

    def build_phase(self) -> None:
        self.rc = RootComplex()
        self.rc.log.setLevel("ERROR")  # it warns of every place where enumeration finds nothing
        self.port = LinkPort(self.transmit)
        self.bridge = self.rc.make_port(bridge=LinkRootPort(self.port))
        self.bridge.log.setLevel("WARNING")
        self.memory = HostMemory()
        self.inbound = Inbound(self.memory, self.respond)
        self.limits = DEVICE_LIMITS  # that completions of the device must keep to
        self.streams: dict[int, IdeStream] = {}
        self.capture = TlpCapture()
        self.keys: list[LoggedKey] = []
        self.pf_rid = 0
        self.doe_base: int | None = None
        self.device_control: int | None = None  # of the physical function
        self.page_requests: list[tuple[PageRequest, Route]] = []
        self._open: dict[int, _Open] = {}
        self._invalidated: dict[int, Event] = {}  # by ITag
        self._tag = FIRST_TAG
        self._received: Queue[SeenTlp] = Queue()

    def connect(self, link: uvm_sequencer, cfg: uvm_sequencer) -> None:
        """Give the sequencers that carry TLPs and configuration accesses."""
        self._link, self._cfg = link, cfg

    # ------------------------------------------------------------------ towards the device

    async def transmit(self, raw: bytes, note: str = "") -> None:
        """Send a TLP in clear, as it is."""
        self._record(True, raw, raw, note)
        await OneItem(TlpItem(raw)).start(self._link)

    async def transmit_ide(self, raw: bytes, route: Route, note: str = "") -> bytes:
        """Encrypt a TLP for `route` and send it; the bytes on the wire."""
        assert route.stream is not None
        stream = self.streams[route.stream]
        if stream.sync_due:
            await OneItem(TlpItem(stream.sync(HOST_RID, self.pf_rid))).start(self._link)
        wire = stream.encrypt(raw, route.t)
        self._record(True, wire, raw, note)
        await OneItem(TlpItem(wire)).start(self._link)
        return wire

    def program(self, stream_id: int, slot: KeySlot, key: bytes) -> None:
        """Give a stream, which must be there, a key; `slot` is seen from the root port."""
        self.streams[stream_id].program(slot, key)
        to_device = slot.direction is Direction.TX
        self.keys.append(LoggedKey(stream_id, to_device, slot.sub_stream, slot.key_set, key))

    async def transmit_wire(self, wire: bytes, note: str = "") -> None:
        """Send bytes that were made elsewhere: replayed or altered TLPs."""
        self._record(True, wire, None, note)
        await OneItem(TlpItem(wire)).start(self._link)

    async def send(self, tlp: Tlp, route: Route = PLAIN, note: str = "") -> bytes:
        """Send `tlp` by `route`; the bytes on the wire."""
        tlp.check()
        return await self.send_anyway(tlp, route, note)

    async def send_anyway(self, tlp: Tlp, route: Route = PLAIN, note: str = "") -> bytes:
        """Send `tlp` by `route` whatever rule it breaks; the bytes on the wire."""
        raw = tlp.pack()
        if route.stream is None:
            await self.transmit(raw, note)
            return raw
        return await self.transmit_ide(raw, route, note)

    async def mem_write(
        self, address: int, data: bytes, route: Route = PLAIN, note: str = ""
    ) -> bytes:
        """Memory write of any bytes; the bytes on the wire."""
        return await self.send(Tlp.mem_write(HOST_RID, address, data), route, note)

    async def mem_read(
        self, address: int, length: int, route: Route = PLAIN, note: str = ""
    ) -> ReadResult:
        """Memory read of any bytes; waits for all completions or a time-out."""
        return await self.request(
            Tlp.mem_read(HOST_RID, address, length, tag=self.new_tag()), route, note
        )

    async def request(self, tlp: Tlp, route: Route = PLAIN, note: str = "") -> ReadResult:
        """Send the non-posted `tlp` and collect its completions.

        Raises OddCompletionError when one of them does not fit.
        """
        return await (await self.issue(tlp, route, note))

    async def issue(
        self, tlp: Tlp, route: Route = PLAIN, note: str = ""
    ) -> Coroutine[Any, Any, ReadResult]:
        """Send the non-posted `tlp`, ahead of all that is sent later; await what it gives."""
        entry = _Open(CompletionCollector(tlp, self.limits))
        self._open[tlp.tag] = entry
        await self.send(tlp, route, note)
        return self._collect(tlp, entry)

    async def request_anyway(self, tlp: Tlp, route: Route = PLAIN, note: str = "") -> ReadResult:
        """`request` for a non-posted `tlp` that may break a rule."""
        entry = _Open(CompletionCollector(tlp, self.limits))
        self._open[tlp.tag] = entry
        await self.send_anyway(tlp, route, note)
        return await self._collect(tlp, entry)

    async def _collect(self, tlp: Tlp, entry: _Open) -> ReadResult:
        try:
            await with_timeout(entry.done.wait(), READ_TIMEOUT_US, "us")
        except SimTimeoutError:
            return ReadResult(None)
        finally:
            del self._open[tlp.tag]
        return self._result(tlp, entry)

    @staticmethod
    def _result(tlp: Tlp, entry: _Open) -> ReadResult:
        if entry.fault is not None:
            raise OddCompletionError(f"{entry.fault}; request: {tlp}") from entry.fault
        return ReadResult(entry.collector.status, entry.collector.data, entry.route)

    async def respond(self, tlp: Tlp, route: Route) -> None:
        """Send a completion for a request of the device, the way that the request came."""
        await self.send(tlp, route, "completion")

    def new_tag(self) -> int:
        """A tag that no open request has."""
        for _ in range(LAST_TAG - FIRST_TAG + 1):
            self._tag = FIRST_TAG if self._tag == LAST_TAG else self._tag + 1
            if self._tag not in self._open:
                return self._tag
        raise RuntimeError("all tags are in use")

    # ------------------------------------------------------------------ configuration

    async def config(self, item: CfgItem) -> CfgItem:
        """Carry out one configuration access."""
        await OneItem(item).start(self._cfg)
        return item

    async def config_request(self, tlp: Tlp) -> ReadResult:
        """Send a configuration request and wait, however long, for its completion.

        Raises OddCompletionError when it does not fit or comes in an IDE TLP.
        """
        entry = self._open[tlp.tag] = _Open(CompletionCollector(tlp, self.limits))
        await self.transmit(tlp.pack())
        await entry.done.wait()
        del self._open[tlp.tag]
        if entry.route != PLAIN:
            raise OddCompletionError(f"by {entry.route}; request: {tlp}")
        return self._result(tlp, entry)

    async def config_read(self, rid: int, address: int) -> int:
        """A DW of configuration space; all ones where the answer is not Successful."""
        item = await self.config(CfgItem(rid, address, write=False))
        return item.data if item.status is CplStatus.SC else 0xFFFFFFFF

    async def config_write(self, rid: int, address: int, data: int, enables: int = 0xF) -> None:
        """Write a DW of configuration space."""
        await self.config(CfgItem(rid, address, write=True, data=data, enables=enables))

    # ------------------------------------------------------------------ from the device

    def write(self, tt: SeenTlp) -> None:
        """A TLP came from the device."""
        self._received.put_nowait(tt)

    async def run_phase(self) -> None:
        while True:
            item = await self._received.get()
            await self._receive(item.raw)

    async def _receive(self, wire: bytes) -> None:
        raw, route = wire, PLAIN
        if wire[0] == IDE_PREFIX:
            stream = self.streams.get(wire[2])
            if stream is None:
                self._record(False, wire, None, "misrouted")
                return
            try:
                raw, t, _ = stream.decrypt(wire)
            except IdeError as error:
                self._record(False, wire, None, str(error))
                if stream.fail_due:
                    await self.transmit(stream.fail(HOST_RID, self.pf_rid), "IDE Fail")
                return
            route = Route(wire[2], t)
        try:
            tlp = Tlp.decode(raw)
        except TlpError as error:
            self._record(False, wire, raw, f"malformed: {error}")
            return
        self._record(False, wire, raw)
        message = parse_ide_message(tlp)
        if isinstance(message, IdeFail):
            failed = self.streams.get(message.stream_id)
            if failed is not None:
                failed.make_insecure(InsecureCause.FAIL_RECEIVED)
        elif tlp.fmt_type in COMPLETIONS:
            await self._completion(tlp, raw, route)
        elif tlp.is_message:
            self._message(tlp, route)
        else:
            cocotb.start_soon(self.inbound.handle(InboundRequest(tlp, route)))

    def _message(self, tlp: Tlp, route: Route) -> None:
        """Invalidate Completions and Page Requests; others mean nothing to the host."""
        page = PageRequest.of(tlp)
        if page is not None:
            self.page_requests.append((page, route))
            return
        try:
            done = self.inbound.translation.completed(tlp)
        except HostError:
            return  # for a request that a test has made itself; the scoreboard looks at it
        for request in done:
            self._invalidated[request.itag].set()

    async def invalidate(self, requester_id: int, span: Span, route: Route = PLAIN) -> bool:
        """Take translations of a function back; whether the device has completed it in time."""
        request = self.inbound.translation.invalidate(requester_id, span)
        event = self._invalidated[request.itag] = Event()
        await self.send(request.tlp(), route, "Invalidate Request")
        try:
            await with_timeout(event.wait(), READ_TIMEOUT_US, "us")
        except SimTimeoutError:
            return False
        return True

    async def answer_page(
        self, page: PageRequest, route: Route, code: int = ResponseCode.SUCCESS
    ) -> None:
        """Send the PRG Response to a group by `route`."""
        response = PageResponse(HOST_RID, page.requester_id, page.index, code)
        await self.send(response.tlp(), route, "PRG Response")

    async def _completion(self, tlp: Tlp, raw: bytes, route: Route) -> None:
        entry = self._open.get(tlp.tag)
        if entry is None:
            if route == PLAIN and tlp.tag < FIRST_TAG:
                await self.port.receive(raw)
            return
        entry.route = route
        try:
            last = entry.collector.add(tlp)
        except CompletionError as error:
            entry.fault, last = entry.fault or error, True
        if last:
            entry.done.set()

    def _record(self, to_device: bool, wire: bytes, plain: bytes | None, note: str = "") -> None:
        self.capture.add(TlpRecord(get_sim_time("ns"), to_device, wire, plain, note))
