# SPDX-License-Identifier: Apache-2.0
"""Address translation: asked for, used, taken back; the scoreboard follows every translation."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import Control, Status
from models.host.translation import Mapping, TranslationAgent
from models.pcie.ats import Span
from models.pcie.codes import AddressType, AerUncorrectable
from models.pcie.layout import PAGE
from models.tdisp.codes import ErrorCause, InterfaceInfo, Request, TdiState
from tb.host.inbound import InboundRequest
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY
from tests.system.cocotb_dma import Completions
from tests.system.cocotb_functions import LARGEST
from tests.system.shown import shown

VIRTUAL = 0x4000_0000  # untranslated addresses of both VMs
MOVE = Control.TRANSLATE
TO_HOST = Control.TRANSLATE | Control.WRITE_HOST
SIZE = 256
QUIET = 600
A_WHILE = 3000  # cycles in which an answer comes unless something holds it back


class Ats(Completions):
    """Both VMs have ATS Enable and a table of pages that are not where they seem to be."""

    pages = 2

    async def configure(self) -> None:
        for index, _, base in self.vms():
            await self.kit.vmm.enable_ats(index)
            for page in range(self.pages):
                self.map(index, page, base + (self.pages - 1 - page) * 2 * PAGE)

    def map(self, index: int, page: int, target: int, size: int = PAGE) -> None:
        """Let a virtual page of a function lead to `target`."""
        span = Span(VIRTUAL + page * PAGE, size)
        self.agent.map(self.kit.function(index).rid, Mapping(span, target))

    @property
    def agent(self) -> TranslationAgent:
        """The host's translation agent."""
        return self.kit.host.inbound.translation

    def asked(self) -> list[InboundRequest]:
        """Translation Requests since the last call."""
        found = list(self.kit.host.inbound.translations)
        self.kit.host.inbound.translations.clear()
        return found

    def served(self) -> list[InboundRequest]:
        """Memory requests that were carried out since the last call."""
        found = list(self.kit.host.inbound.served)
        self.kit.host.inbound.served.clear()
        return found

    async def start_move(self, route: Route, control: Control) -> None:
        """Start a transfer of the TVM's function."""
        await self.start(
            self.tvm,
            route,
            control,
            HOST_ADDRESS_LOW=VIRTUAL,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=SIZE,
        )

    async def bring(self, index: int, route: Route, base: int, address: int = VIRTUAL) -> None:
        """A transfer from `address`, which must lead to `base`, brings what is there."""
        data = self.rng.randbytes(SIZE)
        self.kit.host.memory.write(base, data)
        assert await self.move(index, route, MOVE, address, SIZE) == Status.DONE
        await self.assert_memory(index, route, data)


@pyuvm.test()
class TransfersGoToTranslatedAddresses(Ats):
    """Of both VMs at once, over page ends; each asks and sends by its own way and name."""

    async def use(self) -> None:
        await self.side_by_side(self._vm)
        rids = {self.kit.function(index).rid: route for index, route, _ in self.vms()}
        asked, served = self.asked(), self.served()
        assert {r.tlp.at for r in served} == {AddressType.TRANSLATED}
        for request in (*asked, *served):
            assert request.route == rids[request.tlp.requester_id], request
        assert {r.tlp.requester_id for r in asked} == set(rids)
        assert not self.kit.host.inbound.refused
        await self._report()

    async def _vm(self, index: int, route: Route, base: int) -> None:
        memory, start = self.kit.host.memory, VIRTUAL + PAGE - SIZE
        data = self.rng.randbytes(2 * SIZE)
        memory.write(base + 3 * PAGE - SIZE, data[:SIZE])  # the second page lies before the first
        memory.write(base, data[SIZE:])
        assert await self.move(index, route, MOVE, start, 2 * SIZE) == Status.DONE
        await self.assert_memory(index, route, data)
        assert await self.move(index, route, TO_HOST, VIRTUAL, LARGEST) == Status.DONE
        await ClockCycles(self.adapter.clk, QUIET)
        assert memory.read(base + 2 * PAGE, 2 * SIZE) == data
        for address in (VIRTUAL + self.pages * PAGE, VIRTUAL - 4):  # not in the table
            if index != self.tvm:
                assert await self.move(index, route, MOVE, address, 4) & Status.ERROR

    async def _report(self) -> None:
        """INTERFACE_INFO says that ATS is on; the scoreboard compares the rest."""
        payload = (0).to_bytes(2, "little") + (0xFFFF).to_bytes(2, "little")
        request = Request.GET_DEVICE_INTERFACE_REPORT
        answer = await self.kit.tdisp(self.session, request, self.tvm, payload)
        assert answer is not None
        info = int.from_bytes(answer.payload[4:6], "little")
        assert InterfaceInfo(info) & InterfaceInfo.ATS


@pyuvm.test()
class TranslationsThatAreTakenBackAreAskedForAgain(Ats):
    """Whichever way the Invalidate Request comes; it is completed when nothing uses the old one."""

    pages = 1

    async def use(self) -> None:
        kit = self.kit
        for index, route, base in self.vms():
            await self.bring(index, route, base)
            for n, way in enumerate((PLAIN, kit.tee, Route(kit.tee.stream, False)), 1):
                self.asked()
                await self.bring(index, route, base + 2 * PAGE * (n - 1))
                assert not self.asked(), "a translation is kept"
                rid = kit.function(index).rid
                span = self.agent.unmap(rid, VIRTUAL)
                self.map(index, 0, base + 2 * PAGE * n)
                assert await kit.host.invalidate(rid, span, way)
                await self.bring(index, route, base + 2 * PAGE * n)
                assert len(self.asked()) == 1
        await self._while_reading()
        assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN

    async def _while_reading(self) -> None:
        """A read by the old translation is out: the request waits for it, that of others not."""
        kit, inbound = self.kit, self.kit.host.inbound
        inbound.hold_completions = True
        await self.start_move(kit.tee, MOVE)
        await self.held(1)
        assert await kit.host.invalidate(kit.function(self.legacy).rid, Span(VIRTUAL))
        waiting = cocotb.start_soon(kit.host.invalidate(kit.function(self.tvm).rid, Span(VIRTUAL)))
        await ClockCycles(self.adapter.clk, A_WHILE)
        assert not waiting.done(), "completed while a read by the old translation is out"
        inbound.hold_completions = False
        await inbound.release()
        assert await waiting
        assert await self.finish(self.tvm, kit.tee) == Status.DONE


@pyuvm.test()
class TranslationsEndWithTheLifeOfTheirTdi(Ats):
    """None outlives LOCK or STOP; what was asked before is drained before LOCK is answered."""

    pages = 1

    async def use(self) -> None:
        kit, base = self.kit, self.vms()[0][2]
        await self.bring(self.tvm, kit.tee, base)
        await kit.stop(self.session, self.tvm)
        self.asked()
        await self._legacy_life()
        await kit.start(self.session, await kit.lock(self.session, self.tvm))
        await self.bring(self.tvm, kit.tee, base)
        assert [request.route for request in self.asked()] == [kit.tee]

    async def _legacy_life(self) -> None:
        """The VMM uses the function, and locks it while a question is open."""
        kit, inbound, rid = self.kit, self.kit.host.inbound, self.kit.function(self.tvm).rid
        base, own = self.vms()[1][2], self.agent.unmap(rid, VIRTUAL)
        self.map(self.tvm, 0, base)
        inbound.check.assign(LEGACY, rid)
        await self.bring(self.tvm, PLAIN, base)
        assert [request.route for request in self.asked()] == [PLAIN], "asked for again"
        assert await kit.host.invalidate(rid, own)
        inbound.hold_completions = True
        await self.start_move(PLAIN, MOVE)
        await self.held(1)
        lock = cocotb.start_soon(kit.lock(self.session, self.tvm))
        await ClockCycles(self.adapter.clk, A_WHILE)
        assert not lock.done(), "LOCK is answered before the question"
        inbound.hold_completions = False
        await inbound.release()
        await lock
        assert self.asked()
        await kit.stop(self.session, self.tvm)
        self.agent.unmap(rid, VIRTUAL)
        self.map(self.tvm, 0, self.vms()[0][2])


@pyuvm.test()
class TranslationsWithoutTStopARunningTdi(Ats):
    """The right stream without T, and no stream: ERROR, nothing is sent; the legacy VM goes on.

    The cause says why, and AER has an Unexpected Completion where IDE was left.
    """

    pages = 1

    async def use(self) -> None:
        kit, inbound = self.kit, self.kit.host.inbound
        tee = kit.tee
        for route in (Route(tee.stream, False), PLAIN):
            self.served()
            inbound.translation_route = {tee: route, PLAIN: PLAIN}.__getitem__
            await self.start_move(tee, TO_HOST)
            await ClockCycles(self.adapter.clk, A_WHILE)
            assert await shown(kit.host, self.tvm) == (TdiState.ERROR, ErrorCause.ATS), str(route)
            in_clear = (route == PLAIN) << AerUncorrectable.UNEXPECTED_COMPLETION
            assert await kit.vmm.take_errors() == in_clear, str(route)
            assert not self.served(), "sent by a translation that nobody vouches for"
            index, way, base = self.vms()[1]
            await self.bring(index, way, base)
            inbound.translation_route = lambda way: way
            await kit.stop(self.session, self.tvm)
            await kit.start(self.session, await kit.lock(self.session, self.tvm))
            await self.bring(self.tvm, tee, self.vms()[0][2])
            assert await kit.host.invalidate(kit.function(self.tvm).rid, Span(VIRTUAL))
