# SPDX-License-Identifier: Apache-2.0
"""Page Requests of a TVM's and of a legacy VM's function, and the responses of the host."""

from __future__ import annotations

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import Control, Register, Status
from models.pcie.codes import ExtendedCapabilityId
from models.pcie.pri import PageRequest, PageResponse, ResponseCode
from models.tdisp.codes import ErrorCause, InterfaceInfo, Request, TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tests.system.cocotb_pasid import REPORT_HEAD, WithPasid
from tests.system.shown import shown

CONTROL, ALLOCATION = 0x04, 0x0C  # registers of the Page Request capability
ENABLE, RESET, UNEXPECTED, STOPPED = 1 << 0, 1 << 1, 1 << 17, 1 << 24
PAGE = 0x1_2345_6000
FAILED = Status.DONE | Status.ERROR
WAIT = 300  # cycles


class WithPages(WithPasid):
    """The Page Request interface is enabled when the TVM's function is locked."""

    async def configure(self) -> None:
        await super().configure()
        host = self.kit.host
        self.pri = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.PRI)
        await host.config_write(host.pf_rid, self.pri + ALLOCATION, 4)
        await host.config_write(host.pf_rid, self.pri + CONTROL, ENABLE, enables=0b0011)

    async def control(self) -> int:
        """Page Request Control and Status."""
        return await self.kit.host.config_read(self.kit.host.pf_rid, self.pri + CONTROL)

    async def ask(
        self, index: int, route: Route, control: Control = Control.WRITE_HOST
    ) -> tuple[PageRequest, Route]:
        """Software asks for a page; the Page Request, and how it came."""
        self.kit.host.page_requests.clear()
        await self.want(index, route, control)
        for _ in range(WAIT):
            await ClockCycles(self.adapter.clk, 10)
            if self.kit.host.page_requests:
                return self.kit.host.page_requests.pop()
        raise AssertionError("no Page Request came")

    async def want(self, index: int, route: Route, control: Control) -> None:
        """Software asks for a page."""
        function = self.kit.function(index)
        for register, value in (
            (Register.HOST_ADDRESS_LOW, PAGE & 0xFFFFFFFF),
            (Register.HOST_ADDRESS_HIGH, PAGE >> 32),
            (Register.PAGE_REQUEST, int(control | Control.START)),
        ):
            await self.kit.write_register(function, register, value, route)

    async def respond(
        self,
        request: PageRequest,
        route: Route,
        code: ResponseCode = ResponseCode.SUCCESS,
        index: int = 0,
    ) -> None:
        """A PRG Response; `index` is added to that of the group."""
        group = (request.index + index) % 512
        response = PageResponse(HOST_RID, request.requester_id, group, code)
        await self.kit.host.respond(response.tlp(), route)
        await ClockCycles(self.adapter.clk, WAIT)

    async def status(self, index: int, route: Route) -> Status:
        """What software reads about its page."""
        function = self.kit.function(index)
        return Status(await self.kit.read_register(function, Register.PAGE_REQUEST, route))

    def state(self) -> TdiState:
        """State of the TVM's TDI."""
        return self.adapter.tdi_states()[self.tvm]


@pyuvm.test()
class PagesAreAskedForByTheWayOfTheirVm(WithPages):
    """T = 1 on the default stream for the TVM, in the clear for the legacy VM; the report tells."""

    async def use(self) -> None:
        payload = bytes(2) + (0x100).to_bytes(2, "little")
        answer = await self.kit.tdisp(
            self.session, Request.GET_DEVICE_INTERFACE_REPORT, self.tvm, payload
        )
        assert answer is not None
        info = int.from_bytes(answer.payload[REPORT_HEAD : REPORT_HEAD + 2], "little")
        assert info & InterfaceInfo.PRS
        for index, route, _ in self.vms():
            for code, ends in (
                (ResponseCode.SUCCESS, Status.DONE),
                (ResponseCode.INVALID, FAILED),
                (ResponseCode.FAILURE, FAILED),
            ):
                request, way = await self.ask(index, route)
                assert way == route
                assert await self.status(index, route) == Status.BUSY
                await self.respond(request, route, code)
                assert await self.status(index, route) == ends
        assert self.state() is TdiState.RUN
        assert not await self.control() & UNEXPECTED
        request, _ = await self.ask(self.legacy, PLAIN)
        await self.respond(request, PLAIN, index=1)
        assert await self.control() & UNEXPECTED
        assert await self.status(self.legacy, PLAIN) == Status.BUSY


@pyuvm.test()
class AResponseByAnotherWayIsAnError(WithPages):
    """Without T or in the clear; after that, and after a new LOCK, old responses do nothing."""

    async def use(self) -> None:
        kit, tee = self.kit, self.kit.tee
        for wrong in (PLAIN, Route(tee.stream, False)):
            request, _ = await self.ask(self.tvm, tee)
            await self.respond(request, wrong)
            assert await shown(kit.host, self.tvm) == (TdiState.ERROR, ErrorCause.ATS), wrong
            await kit.stop(self.session, self.tvm)
            await self.respond(request, PLAIN)  # discarded: it is of a former life
            before, way = await self.ask(self.tvm, PLAIN)
            assert way == PLAIN
            attached = await kit.lock(self.session, self.tvm)
            await kit.start(self.session, attached)
            await self.respond(before, PLAIN)  # asked for before the LOCK
            assert self.state() is TdiState.RUN
            assert await self.status(self.tvm, tee) == FAILED  # the LOCK has aborted it
        request, _ = await self.ask(self.tvm, tee)
        await self.respond(request, tee)
        assert await self.status(self.tvm, tee) == Status.DONE
        assert self.state() is TdiState.RUN


@pyuvm.test()
class TheInterfaceIsLockedAndCanBeReset(WithPages):
    """Cleared, the TDI goes to ERROR and nobody asks; Reset forgets what was out."""

    async def use(self) -> None:
        host, pf = self.kit.host, self.kit.host.pf_rid
        await self.ask(self.legacy, PLAIN)
        await host.config_write(pf, self.pri + CONTROL, 0, enables=0b0011)
        assert self.state() is TdiState.ERROR
        assert not await self.control() & STOPPED
        await host.config_write(pf, self.pri + CONTROL, RESET, enables=0b0011)
        assert await self.control() & STOPPED
        assert await self.status(self.legacy, PLAIN) == FAILED
        await self.want(self.legacy, PLAIN, Control(0))
        await ClockCycles(self.adapter.clk, WAIT)
        assert await self.status(self.legacy, PLAIN) == FAILED
        await host.config_write(pf, self.pri + CONTROL, ENABLE, enables=0b0011)
        request, _ = await self.ask(self.legacy, PLAIN)
        await self.respond(request, PLAIN)
        assert await self.status(self.legacy, PLAIN) == Status.DONE
