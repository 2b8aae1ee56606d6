# SPDX-License-Identifier: Apache-2.0
"""What a transfer may ask for: attributes, AtomicOps; and completions that fit no request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import ATTRIBUTE_SHIFT, Control, Register, Status
from models.pcie.atomics import atomic_result
from models.pcie.codes import AerUncorrectable, CapabilityId, FmtType
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.route import PLAIN, Route
from tests.system.cocotb_dma import Completions

DEVICE_CONTROL, DEVICE_CONTROL_2 = 0x08, 0x28
RELAXED_ORDERING = 1 << 4
ATOMICS, ID_ORDERING = 1 << 6, 1 << 8  # of Device Control 2
SIZE = 256
QUIET = 600
NO_SNOOP_ONLY = 0b001
EVERYTHING = 0b111
KINDS = {
    Control.FETCH_ADD: FmtType.FETCH_ADD32,
    Control.SWAP: FmtType.SWAP32,
    Control.CAS: FmtType.CAS32,
}


class Requests(Completions):
    """Sets what Device Control lets requests be, and looks at those that come."""

    async def enable(self, cleared: int, value_2: int) -> None:
        """Clear bits of Device Control, write Device Control 2 of the PF."""
        host = self.kit.host
        at = await host.capability(host.pf_rid, CapabilityId.PCIE)
        control = await host.config_read(host.pf_rid, at + DEVICE_CONTROL) & 0xFFFF & ~cleared
        await host.config_write(host.pf_rid, at + DEVICE_CONTROL, control, enables=0b0011)
        await host.config_write(host.pf_rid, at + DEVICE_CONTROL_2, value_2, enables=0b0011)

    def taken(self) -> list[Tlp]:
        """Requests that the host has carried out since the last call."""
        served = self.kit.host.inbound.served
        found = [request.tlp for request in served]
        served.clear()
        return found


@pyuvm.test()
class RequestsHaveTheAttributesThatAreEnabled(Requests):
    """Of those that software asks for; enables but No Snoop may change in RUN."""

    async def configure(self) -> None:
        await self.enable(0, ID_ORDERING)

    async def use(self) -> None:
        for asked in (0, 0b001, 0b010, 0b100, EVERYTHING):
            await self.side_by_side(self._asking(asked, asked))
        await self.enable(RELAXED_ORDERING, 0)
        await self.side_by_side(self._asking(EVERYTHING, NO_SNOOP_ONLY))
        assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN

    def _asking(self, asked: int, expected: int) -> Callable[[int, Route, int], Awaitable[None]]:
        async def vm(index: int, route: Route, base: int) -> None:
            attributes = Control(asked << ATTRIBUTE_SHIFT)
            rid = self.kit.function(index).rid
            for control in (Control(0), Control.WRITE_HOST):
                status = await self.move(index, route, control | attributes, base, SIZE)
                assert status == Status.DONE
            await ClockCycles(self.adapter.clk, QUIET)
            own = [r.tlp for r in self.kit.host.inbound.served if r.tlp.requester_id == rid]
            new = own[-3:]  # a read and two writes
            assert len({tlp.fmt_type for tlp in new}) == 2
            assert {tlp.attr for tlp in new} == {expected}

        return vm


@pyuvm.test()
class AtomicOpsWorkOnTheMemoryOfTheirVm(Requests):
    """With T and stream of every other request; without their enable none is sent."""

    async def use(self) -> None:
        status = await self._operate(self.legacy, PLAIN, Control.SWAP, self.vms()[1][2], 4)
        assert status == Status.DONE | Status.ERROR
        assert not self.taken()
        await self.enable(0, ATOMICS)
        await self.side_by_side(self._vm)
        assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN
        assert not self.kit.host.inbound.refused

    async def _vm(self, index: int, route: Route, base: int) -> None:
        kit, rid = self.kit, self.kit.function(index).rid
        for kind, fmt_type in KINDS.items():
            for size in (4, 8):
                address = base + 8 * self.rng.randrange(8)
                old, new = self.rng.randbytes(size), self.rng.randbytes(size)
                hit = kind == Control.CAS and self.rng.random() < 0.7
                operands = (old if hit else self.rng.randbytes(size)) + new
                operands = operands if kind == Control.CAS else new
                kit.host.memory.write(address, old)
                await kit.host.mem_write(self.memory(index), operands, route)
                assert await self._operate(index, route, kind, address, size) == Status.DONE
                served = kit.host.inbound.served
                found = [r for r in served if r.tlp.requester_id == rid][-1]
                assert (found.tlp.fmt_type, found.tlp.address) == (fmt_type, address)
                assert (found.route, found.tlp.payload) == (route, operands)
                expected = atomic_result(found.tlp, old)
                assert kit.host.memory.read(address, size) == expected
                await self.assert_memory(index, route, old + operands[size:])

    async def _operate(
        self, index: int, route: Route, kind: Control, address: int, size: int
    ) -> Status:
        return await self.move(index, route, kind, address, size)


@pyuvm.test()
class CompletionsThatFitNoRequestAreRefusedAndLogged(Requests):
    """Another tag, function, size, or in clear; T of the right one does not matter."""

    async def use(self) -> None:
        kit, inbound = self.kit, self.kit.host.inbound
        _, route, base = self.vms()[0]
        data = self.rng.randbytes(64)
        kit.host.memory.write(base, data)
        inbound.hold_completions = True
        await kit.vmm.take_errors()
        await self.start_read(self.tvm, route, base, 64)
        (good, _) = (await self.held(1))[0]
        evil = replace(good, payload=bytes(64))
        for wrong, way in (
            (replace(evil, tag=good.tag ^ 1), route),
            (replace(evil, tag=good.tag | 0x40), route),
            (replace(evil, requester_id=kit.function(self.legacy).rid), route),
            (replace(evil, byte_count=68), route),
            (evil, PLAIN),
        ):
            await kit.host.respond(wrong, way)
            await ClockCycles(self.adapter.clk, QUIET)
            errors = await kit.vmm.take_errors()
            assert errors == 1 << AerUncorrectable.UNEXPECTED_COMPLETION, f"{wrong}: {errors:08x}"
        assert await kit.read_register(kit.function(self.tvm), Register.STATUS, route) == (
            Status.BUSY
        )
        inbound.held.clear()
        inbound.hold_completions = False
        await kit.host.respond(good, Route(route.stream, False))
        assert await self.finish(self.tvm, route) == Status.DONE
        await self.assert_memory(self.tvm, route, data)
        assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN
