# SPDX-License-Identifier: Apache-2.0
"""Enumeration, interrupts and transfers of functions that TVMs and legacy VMs use side by side."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import Bar0, Bar2, Control, Register, Status
from models.pcie.codes import CapabilityId, CplStatus, ExtendedCapabilityId
from tb.agents.cfg.item import CfgItem
from tb.base_test import BaseTest
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import DEVICE
from tb.scenario import (
    LEGACY_INTERRUPTS,
    LEGACY_MEMORY,
    TVM_INTERRUPTS,
    TVM_MEMORY,
    Scenario,
)

TVM_VF, LEGACY_VF = 1, 2
ENTRY = 16  # bytes of an MSI-X table entry
MASKED = 1
POLLS = 200
LARGEST = 4096
ROUNDS = 4
PF_CAPABILITIES = (CapabilityId.MSIX, CapabilityId.PCIE)
PF_EXTENDED = (
    ExtendedCapabilityId.AER,
    ExtendedCapabilityId.ATS,
    ExtendedCapabilityId.SRIOV,
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


class TwoVms(BaseTest):
    """A TVM has VF1, a legacy VM has VF2, both with MSI-X enabled."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        for index in (TVM_VF, LEGACY_VF):
            await kit.vmm.enable_msix(index)
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await kit.start(self.session, await kit.lock(self.session, TVM_VF))
        await self.use()

    async def use(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides use()")

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


@pyuvm.test()
class InterruptsGoToTheirVms(TwoVms):
    """T = 1 from the TVM's function, none from the legacy VM's; masks hold back, then let go."""

    async def use(self) -> None:
        for index, route, window, memory in (
            (TVM_VF, self.kit.tee, TVM_INTERRUPTS.base, TVM_MEMORY.base),
            (LEGACY_VF, PLAIN, LEGACY_INTERRUPTS.base, LEGACY_MEMORY.base),
        ):
            for vector in range(3):
                await self._entry(index, route, vector, window + 4 * vector, 0)
            for vector in range(3):
                await self._interrupt(index, route, vector, memory)
                sent = self.kit.host.inbound.interrupts.pop()
                assert sent.address == window + 4 * vector
                assert sent.data == 0x40 + vector
                assert sent.t is route.t
                assert sent.requester_id == self.kit.function(index).rid
            await self._entry(index, route, 1, window + 4, MASKED)
            await self._interrupt(index, route, 1, memory)
            assert not self.kit.host.inbound.interrupts, "a masked vector was sent"
            pending = await self._pending(index, route)
            assert pending == 1 << 1
            await self._entry(index, route, 1, window + 4, 0)
            await ClockCycles(self.adapter.clk, 400)
            assert len(self.kit.host.inbound.interrupts) == 1, "an unmasked vector was not sent"
            assert await self._pending(index, route) == 0
            self.kit.host.inbound.interrupts.clear()

    async def _entry(self, index: int, route: Route, vector: int, address: int, mask: int) -> None:
        place = self.kit.function(index).bar2 + Bar2.MSIX_TABLE + ENTRY * vector
        raw = address.to_bytes(8, "little") + (0x40 + vector).to_bytes(4, "little")
        await self.kit.host.mem_write(place, raw + mask.to_bytes(4, "little"), route)

    async def _interrupt(self, index: int, route: Route, vector: int, memory: int) -> None:
        await self.start(
            index,
            route,
            Control.WRITE_HOST | Control.INTERRUPT,
            HOST_ADDRESS_LOW=memory,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=4,
            VECTOR=vector,
        )
        assert await self.finish(index, route) & Status.DONE
        await ClockCycles(self.adapter.clk, 400)

    async def _pending(self, index: int, route: Route) -> int:
        place = self.kit.function(index).bar2 + Bar2.MSIX_PBA
        result = await self.kit.host.mem_read(place, 8, route)
        return int.from_bytes(result.data, "little")


@pyuvm.test()
class TransfersRunSideBySide(TwoVms):
    """Both engines and both VMs' accesses at once: every byte arrives where it belongs."""

    async def use(self) -> None:
        tvm = cocotb.start_soon(self._vm(TVM_VF, self.kit.tee, TVM_MEMORY.base))
        legacy = cocotb.start_soon(self._vm(LEGACY_VF, PLAIN, LEGACY_MEMORY.base))
        await tvm
        await legacy
        assert not self.kit.host.inbound.refused
        sent = self.kit.host.inbound.served
        assert {request.route for request in sent} == {self.kit.tee, PLAIN}
        for request in sent:
            index = TVM_VF if request.route.t else LEGACY_VF
            assert request.tlp.requester_id == self.kit.function(index).rid

    async def _vm(self, index: int, route: Route, base: int) -> None:
        memory = self.kit.host.memory
        for length in (LARGEST, 4, 132, 1000):
            data = self.rng.randbytes(length)
            memory.write(base, data)
            await self._move(index, route, Control(0), base, length)
            await self._read_and_write(index, route)
            await self._move(index, route, Control.WRITE_HOST, base + 2 * LARGEST, length)
            await ClockCycles(self.adapter.clk, 600)
            assert memory.read(base + 2 * LARGEST, length) == data, f"VF{index}, {length} bytes"

    async def _move(
        self, index: int, route: Route, control: Control, address: int, length: int
    ) -> None:
        await self.start(
            index,
            route,
            control,
            HOST_ADDRESS_LOW=address,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=length,
        )
        assert await self.finish(index, route) == Status.DONE

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
            await self.start(
                LEGACY_VF,
                PLAIN,
                Control.WRITE_HOST,
                HOST_ADDRESS_LOW=LEGACY_MEMORY.base,
                HOST_ADDRESS_HIGH=0,
                DEVICE_ADDRESS=0,
                LENGTH=length,
            )
            assert await self.finish(LEGACY_VF, PLAIN) & Status.ERROR, f"{length} bytes"
        assert not self.kit.host.inbound.served
        await self.start(
            LEGACY_VF,
            PLAIN,
            Control(0),
            HOST_ADDRESS_LOW=0x7000_0000,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=256,
        )
        assert await self.finish(LEGACY_VF, PLAIN) & Status.ERROR, "no memory there"
        result = await self.kit.host.mem_read(self.kit.function(LEGACY_VF).bar0 + Bar0.MEMORY, 256)
        assert result.data == bytes(256)
