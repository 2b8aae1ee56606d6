# SPDX-License-Identifier: Apache-2.0
"""Enumeration, interrupts and transfers of functions that TVMs and legacy VMs use side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import MSIX_VECTORS, Bar0, Bar2, Control, Register, Status
from models.pcie.codes import (
    CapabilityId,
    CplStatus,
    ExtendedCapabilityId,
    SriovRegister,
)
from tb.agents.cfg.item import CfgItem
from tb.base_test import BaseTest
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import COMMAND, DEVICE
from tb.scenario import (
    LEGACY_INTERRUPTS,
    LEGACY_MEMORY,
    TVM_INTERRUPTS,
    TVM_MEMORY,
    Scenario,
)

ENTRY = 16  # bytes of an MSI-X table entry
MASKED = 1
DATA = 0x40  # of vector 0
POLLS = 200
LARGEST = 4096
ROUNDS = 4
PF_CAPABILITIES = (CapabilityId.MSI, CapabilityId.MSIX, CapabilityId.PCIE)
VF_EXTENDED = {
    ExtendedCapabilityId.ATS,
    ExtendedCapabilityId.ARI,
    ExtendedCapabilityId.ACS,
    ExtendedCapabilityId.TPH,
}
BAR_64_BIT_PREFETCHABLE = 0xC
DEVICE_CAPABILITIES = 0x04
TEE_IO_AND_FLR = 1 << 30 | 1 << 28
ENABLES = 0b110  # memory space, bus master
PF_EXTENDED = (
    ExtendedCapabilityId.AER,
    ExtendedCapabilityId.ATS,
    ExtendedCapabilityId.DOE,
    ExtendedCapabilityId.IDE,
)


@pyuvm.test()
class RootComplexEnumeratesTheDevice(BaseTest):
    """By cocotbext-pcie as it is: BARs sized and placed, capabilities found, UR for the rest."""

    async def scenario(self, kit: Scenario) -> None:
        host = kit.host
        await kit.vmm.enumerate()
        device = host.rc.find_device(DEVICE)
        assert device is not None
        assert device.bar_size[0] == Bar0.SIZE
        assert device.bar_size[2] == Bar2.SIZE
        assert device.bar_addr[0] % Bar0.SIZE == device.bar_addr[2] % Bar2.SIZE == 0
        pf = host.pf_rid
        for capability in PF_CAPABILITIES:
            await host.capability(pf, capability)
        for extended in PF_EXTENDED:
            await host.extended_capability(pf, extended)
        for absent in (pf + 1, pf + 3, pf + 4, pf + 7):
            assert await self._status(kit, absent) is CplStatus.UR, f"{absent:04x}"
        if kit.vfs:
            await self._virtual_functions(kit)

    async def _virtual_functions(self, kit: Scenario) -> None:
        host, pf = kit.host, kit.host.pf_rid
        await kit.vmm.enable_vfs(2)
        for present in (pf + 1, pf + 2):
            assert await self._status(kit, present) is CplStatus.SC, f"{present:04x}"
            await host.capability(present, CapabilityId.MSIX)
        for absent in (pf + 3, pf + 7):
            assert await self._status(kit, absent) is CplStatus.UR, f"{absent:04x}"
        third = kit.vmm.functions[2].bar0 + Bar0.SIZE
        result = await host.mem_read(third + Bar0.MEMORY, 4)
        assert result.status is CplStatus.UR, "memory of a VF that is not enabled"

    async def _status(self, kit: Scenario, rid: int) -> CplStatus:
        return (await kit.host.config(CfgItem(rid, 0, write=False))).status


@pyuvm.test()
class VirtualFunctionsHaveTheirOwnCapabilities(BaseTest):
    """VF BARs are sized by the SR-IOV capability; a VF has what is its own, and nothing else."""

    async def scenario(self, kit: Scenario) -> None:
        host = kit.host
        await kit.vmm.enumerate()
        pf = host.pf_rid
        assert await kit.host.config_read(pf, COMMAND) & ENABLES == ENABLES
        sriov = await host.extended_capability(pf, ExtendedCapabilityId.SRIOV)
        for bar, size in ((0, Bar0.SIZE), (2, Bar2.SIZE)):
            at = sriov + SriovRegister.VF_BAR0 + 4 * bar
            for half in (at, at + 4):
                await host.config_write(pf, half, 0xFFFFFFFF)
            low, high = await host.config_read(pf, at), await host.config_read(pf, at + 4)
            assert low & 0xF == BAR_64_BIT_PREFETCHABLE
            assert (high << 32 | low & ~0xF) == (1 << 64) - size
        pcie = await host.capability(pf, CapabilityId.PCIE)
        assert await host.config_read(pf, pcie + DEVICE_CAPABILITIES) & TEE_IO_AND_FLR == (
            TEE_IO_AND_FLR
        )
        await kit.vmm.enable_vfs(kit.vfs)
        for index in sorted({1, 2, kit.vfs // 2, kit.vfs}):
            rid = kit.function(index).rid
            for capability in PF_CAPABILITIES:
                await host.capability(rid, capability)
            assert await self._extended(kit, rid) == VF_EXTENDED
            assert await host.config_read(rid, 0) == 0xFFFFFFFF, "IDs of a VF"
            for bar in range(0x10, 0x28, 4):
                assert await host.config_read(rid, bar) == 0, "BARs of a VF"

    async def _extended(self, kit: Scenario, rid: int) -> set[int]:
        at, found = 0x100, set()
        while at:
            header = await kit.host.config_read(rid, at)
            assert header >> 16 & 0xF, f"version of the capability at {at:03x}"
            found.add(header & 0xFFFF)
            at = header >> 20
        return found


class TwoVms(BaseTest):
    """A TVM and a legacy VM, where there is a function for one, both with MSI-X enabled."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        for index, _, _ in self.vms():
            await kit.vmm.enable_msix(index)
        await self.configure()
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await kit.start(self.session, await kit.lock(self.session, self.tvm))
        await self.use()

    async def configure(self) -> None:
        """What else the VMM sets before the LOCK."""

    async def use(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides use()")

    @property
    def tvm(self) -> int:
        """The TVM's function."""
        return self.kit.tvm_function

    @property
    def legacy(self) -> int:
        """The legacy VM's function."""
        return self.kit.legacy_functions[0]

    def vms(self) -> list[tuple[int, Route, int]]:
        """Function, route and host memory of the TVM and of the legacy VM."""
        tvm = (self.tvm, self.kit.tee, TVM_MEMORY.base)
        legacy = [(n, PLAIN, LEGACY_MEMORY.base) for n in self.kit.legacy_functions[:1]]
        return [tvm, *legacy]

    def memory(self, index: int) -> int:
        """Bus address of a function's memory."""
        return self.kit.function(index).bar0 + Bar0.MEMORY

    async def side_by_side(self, vm: Callable[[int, Route, int], Awaitable[None]]) -> None:
        """Let both VMs do the same at the same time."""
        tasks = [cocotb.start_soon(vm(*each)) for each in self.vms()]
        for task in tasks:
            await task

    async def start(self, index: int, route: Route, control: Control, **registers: int) -> None:
        """Write the named registers and start a transfer."""
        function = self.kit.function(index)
        for name, value in registers.items():
            await self.kit.write_register(function, Register[name], value, route)
        await self.kit.write_register(
            function, Register.CONTROL, int(control | Control.START), route
        )

    async def finish(self, index: int, route: Route) -> Status:
        """Wait for the end; the status, which is cleared."""
        function = self.kit.function(index)
        for _ in range(POLLS):
            status = await self.kit.read_register(function, Register.STATUS, route)
            if not status & Status.BUSY:
                await self.kit.write_register(function, Register.STATUS, status, route)
                return Status(status)
            await ClockCycles(self.adapter.clk, 50)
        raise AssertionError("the transfer does not end")

    async def move(
        self, index: int, route: Route, control: Control, address: int, length: int
    ) -> Status:
        """A transfer between host memory and the start of the function's memory, to its end."""
        await self.start(
            index,
            route,
            control,
            HOST_ADDRESS_LOW=address,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=length,
        )
        return await self.finish(index, route)


class Interrupts(TwoVms):
    """Programs vectors, lets short transfers end with them."""

    async def entry(self, index: int, route: Route, vector: int, address: int, mask: int) -> None:
        """Write an entry of the table; its data tells the vector."""
        place = self.kit.function(index).bar2 + Bar2.MSIX_TABLE + ENTRY * vector
        raw = address.to_bytes(8, "little") + (DATA + vector).to_bytes(4, "little")
        await self.kit.host.mem_write(place, raw + mask.to_bytes(4, "little"), route)

    async def interrupt(self, index: int, route: Route, vector: int, memory: int) -> None:
        """Let a transfer end with `vector`."""
        await self.kit.write_register(self.kit.function(index), Register.VECTOR, vector, route)
        control = Control.WRITE_HOST | Control.INTERRUPT
        assert await self.move(index, route, control, memory, 4) & Status.DONE
        await ClockCycles(self.adapter.clk, 400)

    async def pending(self, index: int, route: Route) -> int:
        """The Pending Bit Array."""
        place = self.kit.function(index).bar2 + Bar2.MSIX_PBA
        result = await self.kit.host.mem_read(place, 8, route)
        return int.from_bytes(result.data, "little")


@pyuvm.test()
class InterruptsGoToTheirVms(Interrupts):
    """T = 1 from the TVM's function, none from the legacy VM's; masks hold back, then let go."""

    async def use(self) -> None:
        for index, route, window, memory in (
            (self.tvm, self.kit.tee, TVM_INTERRUPTS.base, TVM_MEMORY.base),
            (self.legacy, PLAIN, LEGACY_INTERRUPTS.base, LEGACY_MEMORY.base),
        ):
            for vector in range(3):
                await self.entry(index, route, vector, window + 4 * vector, 0)
            for vector in range(3):
                await self.interrupt(index, route, vector, memory)
                sent = self.kit.host.inbound.interrupts.pop()
                assert sent.address == window + 4 * vector
                assert sent.data == DATA + vector
                assert sent.t is route.t
                assert sent.requester_id == self.kit.function(index).rid
            await self.entry(index, route, 1, window + 4, MASKED)
            await self.interrupt(index, route, 1, memory)
            assert not self.kit.host.inbound.interrupts, "a masked vector was sent"
            pending = await self.pending(index, route)
            assert pending == 1 << 1
            await self.entry(index, route, 1, window + 4, 0)
            await ClockCycles(self.adapter.clk, 400)
            assert len(self.kit.host.inbound.interrupts) == 1, "an unmasked vector was not sent"
            assert await self.pending(index, route) == 0
            self.kit.host.inbound.interrupts.clear()


@pyuvm.test()
class FunctionMaskHoldsAllVectorsBack(Interrupts):
    """Of its own function only; what it held is sent when it goes, but for masked vectors."""

    async def use(self) -> None:
        kit, sent = self.kit, self.kit.host.inbound.interrupts
        window, memory = LEGACY_INTERRUPTS.base, LEGACY_MEMORY.base
        for vector in range(MSIX_VECTORS):
            mask = MASKED if vector == MSIX_VECTORS - 1 else 0
            await self.entry(self.legacy, PLAIN, vector, window + 4 * vector, mask)
        await self.entry(self.tvm, kit.tee, 0, TVM_INTERRUPTS.base, 0)
        await kit.vmm.mask_function(self.legacy, masked=True)
        held = (0, 2, MSIX_VECTORS - 1)
        for vector in held:
            await self.interrupt(self.legacy, PLAIN, vector, memory)
        assert not sent, "a masked function sends"
        assert await self.pending(self.legacy, PLAIN) == sum(1 << vector for vector in held)
        await self.interrupt(self.tvm, kit.tee, 0, TVM_MEMORY.base)
        assert [message.t for message in sent] == [True], "the mask of another function"
        sent.clear()
        await kit.vmm.mask_function(self.legacy, masked=False)
        await ClockCycles(self.adapter.clk, 400)
        assert sorted(message.data for message in sent) == [DATA, DATA + 2]
        assert await self.pending(self.legacy, PLAIN) == 1 << held[-1]
        await self.entry(self.legacy, PLAIN, held[-1], window, 0)
        await ClockCycles(self.adapter.clk, 400)
        assert sent.pop().data == DATA + held[-1]
        assert not any(message.t for message in sent)


@pyuvm.test()
class TransfersRunSideBySide(TwoVms):
    """Both engines and both VMs' accesses at once: every byte arrives where it belongs."""

    async def use(self) -> None:
        await self.side_by_side(self._vm)
        assert not self.kit.host.inbound.refused
        sent = self.kit.host.inbound.served
        assert {request.route for request in sent} == {route for _, route, _ in self.vms()}
        for request in sent:
            index = self.tvm if request.route.t else self.legacy
            assert request.tlp.requester_id == self.kit.function(index).rid

    async def _vm(self, index: int, route: Route, base: int) -> None:
        memory = self.kit.host.memory
        for length in (LARGEST, 4, 132, 1000):
            data = self.rng.randbytes(length)
            memory.write(base, data)
            assert await self.move(index, route, Control(0), base, length) == Status.DONE
            await self._read_and_write(index, route)
            target = base + 2 * LARGEST
            status = await self.move(index, route, Control.WRITE_HOST, target, length)
            assert status == Status.DONE
            await ClockCycles(self.adapter.clk, 600)
            assert memory.read(target, length) == data, f"VF{index}, {length} bytes"

    async def _read_and_write(self, index: int, route: Route) -> None:
        host, function = self.kit.host, self.kit.function(index)
        for n in range(ROUNDS):
            data = self.rng.randbytes(64)
            await host.mem_write(function.bar0 + Register.SCRATCH, data, route)
            result = await host.mem_read(function.bar0 + Register.SCRATCH, 64, route)
            assert result.data == data, f"VF{index}, round {n}"


@pyuvm.test()
class TransfersThatFailSaySo(TwoVms):
    """Lengths that are no good, memory that is not there: an error, no data."""

    async def use(self) -> None:
        for length in (0, LARGEST + 4):
            status = await self.move(
                self.legacy, PLAIN, Control.WRITE_HOST, LEGACY_MEMORY.base, length
            )
            assert status & Status.ERROR, f"{length} bytes"
        assert not self.kit.host.inbound.served
        status = await self.move(self.legacy, PLAIN, Control(0), 0x7000_0000, 256)
        assert status & Status.ERROR, "no memory there"
        result = await self.kit.host.mem_read(
            self.kit.function(self.legacy).bar0 + Bar0.MEMORY, 256
        )
        assert result.data == bytes(256)
