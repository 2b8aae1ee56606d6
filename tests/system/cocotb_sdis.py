# SPDX-License-Identifier: Apache-2.0
"""Scalable Device Interfaces of one function: two of two TVMs, one of a legacy VM, side by side."""

from __future__ import annotations

import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Bar0, Bar2, Control, Register, Status
from models.device.config import DeviceProfile
from models.host.memory import Owner, OwnerKind, Region
from models.host.owner_check import Verdict
from models.host.translation import Mapping
from models.pcie.ats import InvalidateRequest, Span
from models.pcie.codes import CplStatus, ExtendedCapabilityId
from models.pcie.pri import PageResponse, ResponseCode
from models.tdisp.codes import ErrorCode, InterfaceInfo, Request, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.report import PAGE_SHIFT, DeviceInterfaceReport
from tb.agents.cfg.item import CfgItem
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import COMMAND_MASTER, DEVICE
from tb.scenario import (
    LEGACY,
    LEGACY_INTERRUPTS,
    LEGACY_MEMORY,
    TVM,
    TVM_INTERRUPTS,
    TVM_MEMORY,
    Scenario,
)
from tests.system.cocotb_functions import DATA, Interrupts
from tests.system.cocotb_pages import ALLOCATION, CONTROL, ENABLE

FUNCTION_NUMBERS = 8  # of a device without ARI
SDI_PASID = 0x300  # of the build: SDI n has SDI_PASID + n
PF, FIRST, SECOND, OLD = range(4)  # the function, SDIs of TVM, of OTHER, of a legacy VM
OTHER = Owner(OwnerKind.TVM, "other TVM")
OTHER_MEMORY = Region(0x0500_0000, 0x1_0000, OTHER)
SECRET = bytes(range(32, 96))
VIRTUAL = 0x4000_0000  # untranslated address of the function
QUIET = 1500  # cycles: longer than clearing takes
REPORT_HEAD = 4  # bytes in front of a portion
PAGES = (Bar0.REGISTERS, Bar0.PUBLIC, Bar0.MEMORY)
MSIX_PAGES = (Bar2.MSIX_TABLE, Bar2.MSIX_PBA)
FAILED = Status.DONE | Status.ERROR
UNLOCKED, LOCKED, RUN, ERROR = TdiState


def sdi_profile(num_tdi: int) -> DeviceProfile:
    """What the device is built with."""
    return DeviceProfile(num_tdi=num_tdi, sdis=True, pasid=True, pri=True, sdi_pasid=SDI_PASID)


class WithSdis(Interrupts):
    """The SDIs of both TVMs are in RUN."""

    def build_phase(self) -> None:
        super().build_phase()
        ConfigDB().set(None, "*", "PROFILE", sdi_profile(self.adapter.num_tdi))

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        kit.memory.add(OTHER_MEMORY)
        await kit.bring_up()
        await kit.vmm.enable_msix(PF)
        await self.configure()
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await self.run(FIRST, TVM)
        await self.run(SECOND, OTHER)
        await self.use()

    async def run(self, index: int, tvm: Owner) -> None:
        """CONFIG_UNLOCKED to RUN."""
        await self.kit.start(self.session, await self.kit.lock(self.session, index), tvm)

    def parties(self) -> list[tuple[int, Route, int]]:
        """SDI, route and host memory of both TVMs and of the legacy VM."""
        tee = self.kit.tee
        return [
            (FIRST, tee, TVM_MEMORY.base),
            (SECOND, tee, OTHER_MEMORY.base),
            (OLD, PLAIN, LEGACY_MEMORY.base),
        ]

    def states(self) -> tuple[TdiState, ...]:
        """States of the function and of the SDIs that are used; nothing happens to the others."""
        states = self.adapter.tdi_states()
        assert set(states[OLD + 1 :]) <= {UNLOCKED}
        return states[: OLD + 1]

    def sent(self) -> set[tuple[int, int | None]]:
        """Requester ID and PASID of what has reached the host since the last call."""
        inbound = self.kit.host.inbound
        seen = [*inbound.served, *(request for request, _ in inbound.refused)]
        pairs = {(item.tlp.requester_id, item.tlp.pasid) for item in seen}
        inbound.served.clear()
        inbound.refused.clear()
        return pairs

    def name(self, tdi: int) -> tuple[int, int | None]:
        """Requester ID and PASID that a TDI sends with."""
        return self.kit.host.pf_rid, SDI_PASID + tdi if tdi else None

    async def works(self, index: int, route: Route, base: int) -> None:
        """Memory, and transfers in both directions with the PASID of this SDI only."""
        kit = self.kit
        self.sent()
        await kit.host.mem_write(self.memory(index), SECRET, route)
        assert await self.move(index, route, Control.WRITE_HOST, base, len(SECRET)) == Status.DONE
        await kit.host.mem_write(self.memory(index), bytes(len(SECRET)), route)
        assert await self.move(index, route, Control(0), base, len(SECRET)) == Status.DONE
        result = await kit.host.mem_read(self.memory(index), len(SECRET), route)
        assert (result.status, result.data) == (CplStatus.SC, SECRET)
        assert self.sent() == {self.name(index)}


@pyuvm.test()
class SdisOfTwoTvmsLiveSideBySide(WithSdis):
    """With their own PASIDs; one is stopped and cleared while the others go on."""

    async def use(self) -> None:
        kit = self.kit
        await self._enumerated()
        await self._reports()
        for party in self.parties():
            await self.works(*party)
        assert self.states() == (UNLOCKED, RUN, RUN, UNLOCKED)
        refused = await kit.host.mem_read(self.memory(FIRST), 4)
        assert refused.status is CplStatus.UR, "T = 0 to an SDI in RUN"
        await kit.stop(self.session, FIRST)
        assert self.states() == (UNLOCKED, UNLOCKED, RUN, UNLOCKED)
        result = await kit.host.mem_read(self.memory(FIRST), len(SECRET))
        assert (result.status, result.data) == (CplStatus.SC, bytes(len(SECRET)))
        for party in self.parties()[1:]:
            await self.works(*party)
        kit.host.inbound.check.assign(LEGACY, *self.name(FIRST))
        await self.works(FIRST, PLAIN, LEGACY_MEMORY.base)
        await self.run(FIRST, TVM)
        for party in self.parties():
            await self.works(*party)
        await self._status()

    async def _enumerated(self) -> None:
        """One function with large BARs; the Requester IDs behind it do not exist."""
        kit = self.kit
        device = kit.host.rc.find_device(DEVICE)
        assert device is not None
        assert device.bar_size[0] == self.adapter.num_tdi * Bar0.SIZE
        assert device.bar_size[2] == self.adapter.num_tdi * Bar2.SIZE
        for rid in range(kit.host.pf_rid + 1, kit.host.pf_rid + FUNCTION_NUMBERS):
            item = await kit.host.config(CfgItem(rid, 0, write=False))
            assert item.status is CplStatus.UR, f"{rid:04x}"

    async def _reports(self) -> None:
        """Pages of its slices; no DMA without PASID."""
        for index in (FIRST, SECOND):
            payload = bytes(2) + (0x100).to_bytes(2, "little")
            answer = await self.kit.tdisp(
                self.session, Request.GET_DEVICE_INTERFACE_REPORT, index, payload
            )
            assert answer is not None
            report = DeviceInterfaceReport.decode(answer.payload[REPORT_HEAD:])
            place = self.kit.function(index)
            expected = [(0, place.bar0 + page) for page in PAGES]
            expected += [(2, place.bar2 + page) for page in MSIX_PAGES]
            got = [(item.range_id, item.first_page << PAGE_SHIFT) for item in report.ranges]
            assert got == expected
            info = InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITH_PASID
            assert report.interface_info == info

    async def _status(self) -> None:
        """The vendor-specific capability shows the state of every SDI."""
        host, pf = self.kit.host, self.kit.host.pf_rid
        for tdi, state in enumerate(self.states()):
            await host.config_write(pf, Reg.VSEC_TDI_SELECT, tdi)
            assert await host.config_read(pf, Reg.VSEC_TDI_STATUS) & 0x3 == state


@pyuvm.test()
class NoProgramBorrowsAPasid(WithSdis):
    """Whatever software asks for, requests carry the sender's own; the host tells them apart."""

    async def use(self) -> None:
        kit, inbound = self.kit, self.kit.host.inbound
        kit.memory.write(TVM_MEMORY.base, SECRET)
        for index, route, verdict in (
            (SECOND, kit.tee, Verdict.NOT_ACCEPTED),
            (OLD, PLAIN, Verdict.UNTRUSTED),
        ):
            for pasid in (SDI_PASID + FIRST, SDI_PASID, 0, None):
                self.sent()
                await self.attempt(index, route, pasid)
                assert [seen for _, seen in inbound.refused] == [verdict], pasid
                assert self.sent() == {self.name(index)}, pasid
        self.sent()
        for index in (FIRST, SECOND, OLD):
            assert await self.attempt(PF, PLAIN, SDI_PASID + index) == FAILED
            assert self.sent() == set(), "the function with the PASID of an SDI"
        nobody = SDI_PASID + self.adapter.num_tdi
        assert await self.attempt(PF, PLAIN, nobody) == Status.DONE
        assert self.sent() == {(kit.host.pf_rid, nobody)}
        assert kit.memory.read(TVM_MEMORY.base, len(SECRET)) == SECRET
        assert self.states() == (UNLOCKED, RUN, RUN, UNLOCKED)
        for party in self.parties():
            await self.works(*party)

    async def attempt(self, index: int, route: Route, pasid: int | None) -> Status:
        """A write to memory of the first TVM, with this PASID if software can have its way."""
        control = Control.WRITE_HOST
        if pasid is not None:
            control |= Control.WITH_PASID
            function = self.kit.function(index)
            await self.kit.write_register(function, Register.PASID, pasid, route)
        status = await self.move(index, route, control, TVM_MEMORY.base, len(SECRET))
        await ClockCycles(self.adapter.clk, QUIET)
        return status


@pyuvm.test()
class OnlyTheFunctionTranslatesAndAsksForPages(WithSdis):
    """With ATS and PRI enabled: an SDI that wants either fails at once, and asks nobody."""

    async def configure(self) -> None:
        host, pf = self.kit.host, self.kit.host.pf_rid
        await self.kit.vmm.enable_ats(PF)
        pri = await host.extended_capability(pf, ExtendedCapabilityId.PRI)
        await host.config_write(pf, pri + ALLOCATION, 4)
        await host.config_write(pf, pri + CONTROL, ENABLE, enables=0b0011)

    async def use(self) -> None:
        kit, inbound = self.kit, self.kit.host.inbound
        inbound.translation.map(kit.host.pf_rid, Mapping(Span(VIRTUAL), LEGACY_MEMORY.base))
        inbound.check.assign(LEGACY, kit.host.pf_rid)
        to_host = Control.TRANSLATE | Control.WRITE_HOST
        for party in self.parties():
            index, route, base = party
            self.sent()
            assert await self.move(index, route, to_host, base, len(SECRET)) == FAILED
            assert await self.page(index, route) == FAILED
            assert (self.sent(), inbound.translations, kit.host.page_requests) == (set(), [], [])
            await self.works(*party)
        assert await self.move(PF, PLAIN, to_host, VIRTUAL, len(SECRET)) == Status.DONE
        assert [seen.tlp.pasid for seen in inbound.translations] == [None]
        await self.page(PF, PLAIN)
        (request, route) = kit.host.page_requests.pop()
        assert route == PLAIN
        response = PageResponse(HOST_RID, kit.host.pf_rid, request.index, ResponseCode.SUCCESS)
        await kit.host.respond(response.tlp(), PLAIN)
        await ClockCycles(self.adapter.clk, QUIET)
        status = await kit.read_register(kit.function(PF), Register.PAGE_REQUEST)
        assert Status(status) == Status.DONE
        assert self.states() == (UNLOCKED, RUN, RUN, UNLOCKED)

    async def page(self, index: int, route: Route) -> Status:
        """Software asks for a page; what it reads about it after a while."""
        kit, function = self.kit, self.kit.function(index)
        asking = int(Control.WRITE_HOST | Control.START)
        await kit.write_register(function, Register.PAGE_REQUEST, asking, route)
        await ClockCycles(self.adapter.clk, QUIET)
        return Status(await kit.read_register(function, Register.PAGE_REQUEST, route))


@pyuvm.test()
class OnlyItsNameAndItsSessionReachAnSdi(WithSdis):
    """Wrong PASIDs and Requester IDs name no TDI; another session stops and reads nothing."""

    async def use(self) -> None:
        kit, rid = self.kit, self.kit.host.pf_rid
        state = Request.GET_DEVICE_INTERFACE_STATE
        wrong_sdis = (-1, 0, self.adapter.num_tdi, 0x1000)
        wrong = [InterfaceId.of(rid, pasid=SDI_PASID + n) for n in wrong_sdis]
        wrong += [InterfaceId.of(rid + 1, pasid=SDI_PASID + FIRST), InterfaceId.of(rid + 1)]
        for name in wrong:
            for request in (state, Request.STOP_INTERFACE_REQUEST):
                answer = await kit.tdisp_named(self.session, request, name)
                assert answer is not None
                assert answer.error is ErrorCode.INVALID_INTERFACE, name
        other = await kit.open_session()
        report = (0).to_bytes(2, "little") + (64).to_bytes(2, "little")
        for request, payload in (
            (Request.STOP_INTERFACE_REQUEST, b""),
            (Request.GET_DEVICE_INTERFACE_REPORT, report),
        ):
            answer = await kit.tdisp(other, request, FIRST, payload)
            assert answer is not None
            assert answer.error is ErrorCode.INVALID_REQUEST, request
        assert self.states() == (UNLOCKED, RUN, RUN, UNLOCKED)
        for index, expected in enumerate(self.states()):
            answer = await kit.tdisp(other, state, index)
            assert answer is not None
            assert answer.payload == bytes([expected])
        nobody = InvalidateRequest(HOST_RID, rid + FIRST, 0, Span(0))
        await kit.host.send(nobody.tlp())  # the scoreboard expects no Completion
        await kit.internal_error(FIRST)
        await ClockCycles(self.adapter.clk, QUIET)
        assert self.states() == (UNLOCKED, ERROR, RUN, UNLOCKED)
        await self.works(*self.parties()[1])


@pyuvm.test()
class InterruptsOfSdisGoToTheirVms(WithSdis):
    """Without PASID, from the vectors of their slices; T tells the TVM's from the legacy one's."""

    async def use(self) -> None:
        kit, sent = self.kit, self.kit.host.inbound.interrupts
        for index, route, window, memory in (
            (FIRST, kit.tee, TVM_INTERRUPTS.base, TVM_MEMORY.base),
            (OLD, PLAIN, LEGACY_INTERRUPTS.base, LEGACY_MEMORY.base),
        ):
            await self.entry(index, route, 1, window, 0)
            await self.interrupt(index, route, 1, memory)
            message = sent.pop()
            assert not sent
            assert (message.address, message.data, message.t) == (window, DATA + 1, route.t)
            interrupts = [r.tlp for r in kit.host.inbound.served if r.tlp.address == window]
            assert [tlp.pasid for tlp in interrupts] == [None]


@pyuvm.test()
class TheFunctionTakesAllItsSdisAlong(WithSdis):
    """FLR ends every SDI; nothing is left in any, and all begin anew."""

    async def use(self) -> None:
        kit = self.kit
        for party in self.parties():
            await self.works(*party)
        await kit.vmm.reset_function(PF)
        await kit.wait_cleared()
        assert self.states() == (UNLOCKED, ERROR, ERROR, UNLOCKED)
        kit.host.streams.clear()
        await kit.bring_up_again()
        for index in (FIRST, SECOND):
            await kit.stop(self.session, index)
        for index in (FIRST, SECOND, OLD):
            result = await kit.host.mem_read(self.memory(index), len(SECRET))
            assert (result.status, result.data) == (CplStatus.SC, bytes(len(SECRET)))
        await kit.key_stream(self.session)
        await self.run(FIRST, TVM)
        await self.run(SECOND, OTHER)
        for party in self.parties():
            await self.works(*party)
        await kit.vmm.write_command(PF, cleared=COMMAND_MASTER)
        assert self.states() == (UNLOCKED, ERROR, ERROR, UNLOCKED)
        await kit.vmm.write_command(PF)
        for index in (FIRST, SECOND):
            await kit.stop(self.session, index)
        assert self.states() == (UNLOCKED,) * 4
