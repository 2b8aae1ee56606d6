# SPDX-License-Identifier: Apache-2.0
"""Every register that a lock covers, each with a TDI in RUN and one in CONFIG_LOCKED at once."""

from __future__ import annotations

from dataclasses import dataclass

import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB

from models.app.config_map import ConfigRegister as Reg
from models.device.config import DeviceProfile
from models.device.registers import FIRST_BLOCK
from models.pcie.codes import CplStatus
from models.pcie.codes import SelectiveBlock as Block
from models.tdisp.codes import LockFlags, TdiState
from tb.agents.cfg.item import CfgItem
from tb.base_test import BaseTest
from tb.scenario import DEFAULT_STREAM, STREAM_BLOCKS, Scenario

PF, VF1, VF2, VF3 = 0, 1, 2, 3
UNLOCKED, LOCKED = TdiState.CONFIG_UNLOCKED, TdiState.CONFIG_LOCKED
RUN, ERROR = TdiState.RUN, TdiState.ERROR
LOW, HIGH = 0b0011, 0b1100  # byte enables
SETTLE = 50  # cycles
SIZE = 64
FAR = 1 << 26  # in a BAR: beyond all windows
D3HOT = 3
BOUND = FIRST_BLOCK + STREAM_BLOCKS[DEFAULT_STREAM] * Block.SIZE
OTHER = FIRST_BLOCK + Block.SIZE
BLOCKS = {"bound": BOUND, "other": OTHER}


@dataclass(frozen=True)
class Flip:
    """Bits of a register that change, and change back later."""

    name: str
    address: int
    bits: int
    enables: int = 0xF


# Of the physical function; its own TDI only
OWN_PF = (
    Flip("Memory Space Enable", Reg.COMMAND, 1 << 1, LOW),
    Flip("Bus Master Enable", Reg.COMMAND, 1 << 2, LOW),
    Flip("BAR0", Reg.BAR0, FAR),
    Flip("BAR1", Reg.BAR1, 1),
    Flip("BAR2", Reg.BAR2, FAR),
    Flip("BAR3", Reg.BAR3, 1),
    Flip("Expansion ROM", Reg.ROM, FAR),
    Flip("MSI-X Enable", Reg.MSIX, 1 << 31, HIGH),
    Flip("MSI-X Function Mask", Reg.MSIX, 1 << 30, HIGH),
    Flip("ATS Enable", Reg.ATS_CONTROL, 1 << 31, HIGH),
    Flip("TPH Requester Enable", Reg.TPH_CONTROL, 1 << 8),
)
# Of any virtual function; what is not here is in cocotb_lock_rules
OWN_VF = (
    Flip("MSI-X Enable", Reg.MSIX, 1 << 31, HIGH),
    Flip("TPH Requester Enable", Reg.TPH_CONTROL, 1 << 8),
)
# Of the physical function; all TDIs
SHARED = (
    Flip("Extended Tag Field Enable", Reg.DEVICE_CONTROL, 1 << 8, LOW),
    Flip("Enable No Snoop", Reg.DEVICE_CONTROL, 1 << 11, LOW),
    Flip("Smallest Translation Unit", Reg.ATS_CONTROL, 1 << 16, HIGH),
    Flip("VF MSE", Reg.SRIOV_CONTROL, 1 << 3),
    Flip("ARI Capable Hierarchy", Reg.SRIOV_CONTROL, 1 << 4),
    Flip("VF BAR0", Reg.SRIOV_VF_BAR0, FAR),
    Flip("VF BAR1", Reg.SRIOV_VF_BAR1, 1),
    Flip("VF BAR2", Reg.SRIOV_VF_BAR2, FAR),
    Flip("VF BAR3", Reg.SRIOV_VF_BAR3, 1),
)
# Of the physical function that has them; all TDIs
SHARED_IF_BUILT = (
    Flip("PASID Enable", Reg.PASID_CONTROL, 1 << 16, HIGH),
    Flip("Page Request Enable", Reg.PRI_CONTROL, 1 << 0, LOW),
    Flip("Page Requests that may be out", Reg.PRI_ALLOCATION, 1 << 2),
)
FREE_IF_BUILT = (
    Flip("PASID Capability", Reg.PASID_CONTROL, 0xFFFF, LOW),
    Flip("Page Request Status", Reg.PRI_CONTROL, 0xFFFF0000, HIGH),
    Flip("no Page Request Capacity", Reg.PRI_CAPACITY, 0xFFFFFFFF),
)
# Of a selective stream; the TDIs that are bound to it
STREAM = (
    ("Stream ID", Block.CONTROL, 1 << 24),
    ("Default Stream", Block.CONTROL, 1 << 22),
    ("TC", Block.CONTROL, 1 << 19),
    ("RID limit", Block.RID_ASSOCIATION_1, 1 << 8),
    ("RID base", Block.RID_ASSOCIATION_2, 1 << 8),
    ("address association valid", Block.ADDRESS_ASSOCIATION_1, 1),
    ("address limit", Block.ADDRESS_ASSOCIATION_2, 1),
    ("address base", Block.ADDRESS_ASSOCIATION_3, 1),
)
# Free for every function of a locked TDI: never trusted (TDISP-TRK-006)
FREE_MSI = (
    Flip("MSI Control", Reg.MSI, 0x710000, HIGH),
    Flip("MSI address", Reg.MSI_ADDRESS_LOW, 0xFFFFFFFC),
    Flip("upper half of the MSI address", Reg.MSI_ADDRESS_HIGH, 0xFFFFFFFF),
    Flip("MSI data", Reg.MSI_DATA, 0xFFFFFFFF),
    Flip("MSI masks", Reg.MSI_MASK, 0xFFFFFFFF),
    Flip("MSI pending bits", Reg.MSI_PENDING, 0xFFFFFFFF),
)
# Free for the function of a locked TDI. What is not there, or read only, does not change.
FREE_PF = (
    Flip("other bits of Command", Reg.COMMAND, 0x540, LOW),
    Flip("Status", Reg.COMMAND, 0xFFFF0000, HIGH),
    Flip("Cache Line Size", Reg.HEADER_TYPE, 0xFF),
    Flip("no BIST", Reg.HEADER_TYPE, 0xFF000000),
    Flip("no BAR4", Reg.BAR4, 0xFFFFFFFF),
    Flip("Interrupt Line", Reg.INTERRUPT, 0xFF),
    Flip("error reporting", Reg.DEVICE_CONTROL, 0xF, LOW),
    Flip("Device Status", Reg.DEVICE_CONTROL, 0xFFFF0000, HIGH),
    Flip("no 10-bit tags", Reg.DEVICE_CONTROL_2, 1 << 12),
    Flip("Link Control", Reg.LINK_CONTROL, 0xCB, LOW),
    Flip("Link Control 2", Reg.LINK_CONTROL_2, 0xF, LOW),
    Flip("AER status", Reg.AER_UNCORRECTABLE_STATUS, 0xFFFFFFFF),
    Flip("AER mask", Reg.AER_UNCORRECTABLE_MASK, 1 << 20),
    Flip("AER severity", Reg.AER_UNCORRECTABLE_SEVERITY, 1 << 20),
    Flip("NumVFs while VFs are enabled", Reg.SRIOV_NUM_VFS, 3),
    Flip("page size while VFs are enabled", Reg.SRIOV_SYSTEM_PAGE_SIZE, 3),
    Flip("DOE Interrupt Enable", Reg.DOE + 8, 1 << 1),
    Flip("selected TDI", Reg.VSEC_TDI_SELECT, 3),
    Flip("ARI Control", Reg.ARI_CONTROL, 0xFFFF0000, HIGH),
    Flip("ACS", Reg.ACS_CONTROL, 0x4C0000, HIGH),
    Flip("MSI-X that is not locked", Reg.MSIX, 3 << 30, HIGH),
    Flip("TPH while MSI-X is not locked", Reg.TPH_CONTROL, 1 << 8),
    *FREE_MSI,
    Flip("stream status", BOUND + Block.STATUS, 0xFFFFFFFF),
    Flip("IDE Control", Reg.IDE + 8, 0xFFFFFFFF),
    Flip("Stream ID of another stream", OTHER + Block.CONTROL, 1 << 24),
    *(Flip(f"{name} of another stream", OTHER + at, bits) for name, at, bits in STREAM[2:]),
)
FREE_VF = (
    Flip("what a VF's Command lacks", Reg.COMMAND, 0xFB, LOW),
    Flip("Status", Reg.COMMAND, 0xFFFF0000, HIGH),
    Flip("no BAR0", Reg.BAR0, 0xFFFFFFFF),
    Flip("Device Control but for FLR", Reg.DEVICE_CONTROL, 0x7FFF, LOW),
    *FREE_MSI,
    Flip("smallest translation unit of a VF", Reg.ATS_CONTROL, 0x1F << 16, HIGH),
    Flip("ACS", Reg.ACS_CONTROL, 0x4C0000, HIGH),
)


class LockedRegisters(BaseTest):
    """Locks TDIs, flips bits, looks at who is in ERROR."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await self.use()

    async def use(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides use()")

    async def write(self, index: int, flip: Flip) -> int:
        """Change the bits. The write completes successfully (TDISP-FSM-002); the old value."""
        rid = self.kit.function(index).rid
        old = await self.kit.host.config_read(rid, flip.address)
        await self._write(rid, flip, old ^ flip.bits)
        return old

    async def put_back(self, index: int, flip: Flip, old: int) -> None:
        """Write the old value."""
        await self._write(self.kit.function(index).rid, flip, old)

    async def _write(self, rid: int, flip: Flip, value: int) -> None:
        item = CfgItem(rid, flip.address, write=True, data=value, enables=flip.enables)
        await self.kit.host.config(item)
        assert item.status is CplStatus.SC, flip.name
        await ClockCycles(self.adapter.clk, SETTLE)

    async def run(self, index: int) -> None:
        """CONFIG_UNLOCKED to RUN."""
        await self.kit.start(self.session, await self.kit.lock(self.session, index))

    async def stop(self, *functions: int) -> None:
        """CONFIG_UNLOCKED."""
        for index in functions:
            await self.kit.stop(self.session, index)

    async def assert_ends_all(self, flip: Flip, running: int = PF, locked: int = VF1) -> None:
        """A change ends the TDIs of the PF and of VF1, in RUN and in CONFIG_LOCKED."""
        await self.run(running)
        await self.kit.lock(self.session, locked)
        old = await self.write(PF, flip)
        self.assert_states(flip.name, ERROR, ERROR, UNLOCKED, UNLOCKED)
        await self.put_back(PF, flip, old)
        await self.stop(PF, VF1)

    def assert_states(self, what: str, *expected: TdiState) -> None:
        """States of the physical function and of the first VFs."""
        states = self.adapter.tdi_states()[: len(expected)]
        assert tuple(states) == expected, f"{what}: {[state.name for state in states]}"


@pyuvm.test()
class RegistersOfAFunctionEndItsOwnTdi(LockedRegisters):
    """In RUN and in CONFIG_LOCKED; a TDI of another function does not notice."""

    async def use(self) -> None:
        await self._of_the_physical_function()
        if self.kit.vfs:
            await self._of_virtual_functions()

    async def _of_the_physical_function(self) -> None:
        others = (VF1,) if self.kit.vfs else ()
        for index in others:
            await self.run(index)
        run = [RUN for _ in others]
        for flip in OWN_PF:
            await self.run(PF)
            old = await self.write(PF, flip)
            self.assert_states(f"{flip.name} in RUN", ERROR, *run)
            await self.put_back(PF, flip, old)
            await self.stop(PF)
            await self.kit.lock(self.session, PF)
            old = await self.write(PF, flip)
            self.assert_states(f"{flip.name} in CONFIG_LOCKED", ERROR, *run)
            await self.put_back(PF, flip, old)
            await self.stop(PF)
        await self.stop(*others)

    async def _of_virtual_functions(self) -> None:
        for flip in OWN_VF:
            await self.run(VF1)
            await self.kit.lock(self.session, VF3)
            old = await self.write(VF1, flip)
            self.assert_states(f"{flip.name} of VF1", UNLOCKED, ERROR, UNLOCKED, LOCKED)
            await self.put_back(VF1, flip, old)
            await self.write(VF3, flip)
            self.assert_states(f"{flip.name} of VF3", UNLOCKED, ERROR, UNLOCKED, ERROR)
            await self.put_back(VF3, flip, old)
            await self.stop(VF1, VF3)


@pyuvm.test()
class SharedRegistersEndEveryLockedTdi(LockedRegisters):
    """What VFs take from the physical function, and the bound stream; unlocked TDIs stay so."""

    async def use(self) -> None:
        stream = [Flip(f"{name} of the stream", BOUND + at, bits) for name, at, bits in STREAM]
        for flip in (*SHARED, *stream):
            await self.assert_ends_all(flip)
        await self.run(VF1)
        await self.kit.lock(self.session, VF3)
        await self.write(PF, Flip("Enable of the stream", BOUND + Block.CONTROL, 1))
        self.assert_states("Enable of the stream", UNLOCKED, ERROR, UNLOCKED, ERROR)
        assert not self.adapter.streams_secure()[STREAM_BLOCKS[DEFAULT_STREAM]]
        self.kit.host.streams.clear()
        await self.stop(VF1, VF3)


@pyuvm.test()
class RegistersThatNotEveryDeviceHasEndEveryLockedTdi(LockedRegisters):
    """PASID and Page Request: the PF in RUN and VF1 in CONFIG_LOCKED, then the reverse."""

    def build_phase(self) -> None:
        super().build_phase()
        profile = DeviceProfile(num_tdi=self.adapter.num_tdi, pasid=True, pri=True)
        ConfigDB().set(None, "*", "PROFILE", profile)

    async def use(self) -> None:
        await self.run(VF1)
        await self.kit.lock(self.session, PF)
        for flip in FREE_IF_BUILT:
            await self.put_back(PF, flip, await self.write(PF, flip))
            self.assert_states(flip.name, LOCKED, RUN, UNLOCKED, UNLOCKED)
        await self.stop(PF, VF1)
        for flip in SHARED_IF_BUILT:
            for running, locked in ((PF, VF1), (VF1, PF)):
                await self.assert_ends_all(flip, running, locked)


@pyuvm.test()
class FreeRegistersEndNoTdi(LockedRegisters):
    """With TDIs in CONFIG_LOCKED and in RUN: neither moves, and the one that runs still works."""

    async def use(self) -> None:
        kit = self.kit
        await self.run(VF1)
        await kit.lock(self.session, PF, LockFlags.NO_FW_UPDATE)
        await kit.lock(self.session, VF3)
        states = (LOCKED, RUN, UNLOCKED, LOCKED)
        for index, flips in ((PF, FREE_PF), (VF1, FREE_VF), (VF3, FREE_VF)):
            for flip in flips:
                old = await self.write(index, flip)
                self.assert_states(f"{flip.name} of function {index}", *states)
                await self.put_back(index, flip, old)
                self.assert_states(f"{flip.name} of function {index} again", *states)
        await self._power(states)
        data = self.rng.randbytes(SIZE)
        memory = kit.function(VF1).bar0 + 0x2000
        await kit.host.mem_write(memory, data, kit.tee)
        assert (await kit.host.mem_read(memory, SIZE, kit.tee)).data == data

    async def _power(self, states: tuple[TdiState, ...]) -> None:
        """D3hot keeps all state (TDISP-TRK-011)."""
        sleep = Flip("D3hot", Reg.PM_CONTROL, D3HOT, 0b0001)
        old = await self.write(PF, sleep)
        self.assert_states("D3hot", *states)
        await self.put_back(PF, sleep, old)
        self.assert_states("D0", *states)
