# SPDX-License-Identifier: Apache-2.0
"""Configuration changes that a lock forbids, and such that it allows."""

from __future__ import annotations

from dataclasses import dataclass

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Bar0, Bar2
from models.pcie.codes import (
    INITIATE_FLR,
    CapabilityId,
    CplStatus,
    ExtendedCapabilityId,
    SelectiveBlock,
)
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, TdiState
from tb.agents.cfg.item import CfgItem
from tb.base_test import BaseTest
from tb.host.vmm_host import (
    BAR0,
    COMMAND,
    COMMAND_MASTER,
    SRIOV_BAR0,
    SRIOV_CONTROL,
    VF_ENABLE,
    VF_MEMORY,
)
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, STREAM_BLOCKS, Scenario

DEVICE_CONTROL = 0x08
ATS_CONTROL = 0x04
ATS_ENABLE = 1 << 31
EXTENDED_TAG = 1 << 8
NO_SNOOP = 1 << 11
COMMAND_INTERRUPT_DISABLE = 1 << 10
MSIX_FUNCTION_MASK = 1 << 30
LOW_HALF = 0xFFFFFFFF
WRONG = ErrorCode.INVALID_DEVICE_CONFIGURATION
MOVED = 1 << 26  # beyond the VF BARs of the largest device


@dataclass(frozen=True)
class Write:
    """A configuration write, and the value that puts things right again (None: nothing to do)."""

    name: str
    rid: int
    address: int
    value: int
    enables: int = 0xF
    restore: int | None = None


class LockRules(BaseTest):
    """Locks the victim again after each change."""

    async def apply(self, kit: Scenario, write: Write) -> None:
        """The write completes successfully, whatever it does to the TDI (TDISP-FSM-002)."""
        item = CfgItem(
            write.rid, write.address, write=True, data=write.value, enables=write.enables
        )
        await kit.host.config(item)
        assert item.status is CplStatus.SC, write.name
        await ClockCycles(self.adapter.clk, 50)

    async def undo(self, kit: Scenario, write: Write) -> None:
        """Bring the register back."""
        if write.restore is not None:
            await kit.host.config_write(write.rid, write.address, write.restore, write.enables)

    def state(self, index: int | None = None) -> TdiState:
        """State of the TVM's TDI, or of another, on the pins."""
        states = self.adapter.tdi_states()
        return states[self.scenario_kit.tvm_function if index is None else index]

    async def own_writes(self, kit: Scenario) -> list[Write]:
        """Forbidden changes that leave streams and other functions alone."""
        host, index = kit.host, kit.tvm_function
        rid, usual = kit.function(index).rid, kit.vmm.command(index)
        msix = await host.capability(rid, CapabilityId.MSIX)
        ats = await host.extended_capability(rid, ExtendedCapabilityId.ATS) + ATS_CONTROL
        control = await host.config_read(rid, msix)
        off = usual & ~COMMAND_MASTER
        return [
            Write("clear Bus Master Enable", rid, COMMAND, off, 0b0011, usual),
            Write("mask MSI-X", rid, msix, control ^ MSIX_FUNCTION_MASK, 0b1100, control),
            Write("set ATS Enable", rid, ats, ATS_ENABLE, 0b1100, 0),
            *await (self._vf_writes(kit) if index else self._pf_writes(kit)),
        ]

    async def _vf_writes(self, kit: Scenario) -> list[Write]:
        """What a VF has in the SR-IOV capability of the PF."""
        pf, base = kit.host.pf_rid, kit.function(1).bar0 & 0xFFFFFFFF
        sriov = await kit.host.extended_capability(pf, ExtendedCapabilityId.SRIOV)
        control, bar, on = sriov + SRIOV_CONTROL, sriov + SRIOV_BAR0, VF_ENABLE | VF_MEMORY
        return [
            Write("clear VF MSE", pf, control, VF_ENABLE, restore=on),
            Write("move VF BAR0", pf, bar, base + MOVED, restore=base),
        ]

    async def _pf_writes(self, kit: Scenario) -> list[Write]:
        """What a PF has in its own header."""
        rid, base, usual = kit.host.pf_rid, kit.function(0).bar0 & 0xFFFFFFFF, kit.vmm.command(0)
        return [
            Write("clear MSE", rid, COMMAND, COMMAND_MASTER, 0b0011, usual),
            Write("move BAR0", rid, BAR0, base + MOVED, restore=base),
        ]

    async def relock(self, kit: Scenario, session: SecureSession, run: bool) -> None:
        """CONFIG_LOCKED, and RUN where wanted."""
        tdi = await kit.lock(session, kit.tvm_function)
        if run:
            await kit.start(session, tdi)


@pyuvm.test()
class ForbiddenChangesMoveALockedTdiToError(LockRules):
    """Each change, in CONFIG_LOCKED and in RUN; STOP brings the TDI back."""

    async def scenario(self, kit: Scenario) -> None:
        await kit.bring_up()
        session = await kit.open_session()
        await kit.key_stream(session)
        for write in await self.own_writes(kit):
            for run in (False, True):
                await self.relock(kit, session, run)
                await self.apply(kit, write)
                assert self.state() is TdiState.ERROR, f"{write.name}, run={run}"
                await self.undo(kit, write)
                await kit.stop(session, kit.tvm_function)
                assert self.state() is TdiState.CONFIG_UNLOCKED


@pyuvm.test()
class ConfigurationsThatCannotBeLocked(LockRules):
    """BARs of the PF on each other, page sizes that VFs cannot have: refused, and not locked."""

    async def scenario(self, kit: Scenario) -> None:
        await kit.bring_up(vfs=0)
        session = await kit.open_session()
        await kit.key_stream(session)
        pf, bar0, bar2 = kit.host.pf_rid, kit.function(0).bar0, kit.function(0).bar2
        behind, usual = bar2 + Bar2.SIZE, bar0 & LOW_HALF
        bases = ((bar2 - Bar0.SIZE, True), (bar2, False), (behind - Bar0.SIZE, False))
        sizes = ((0, False), (3, False), (1 << 3, False), (1 << 2, True))
        writes = [
            (Write(f"BAR0 at {base:#x}", pf, BAR0, base & LOW_HALF, restore=usual), fits)
            for base, fits in (*bases, (behind, True))
        ] + [
            (Write(f"page size {size:#x}", pf, Reg.SRIOV_SYSTEM_PAGE_SIZE, size, restore=1), fits)
            for size, fits in (sizes if kit.vfs else ())
        ]
        assert len({bar >> 32 for bar in (bar0, bar2 - Bar0.SIZE, bar2, behind)}) == 1
        for write, fits in writes:
            await self.apply(kit, write)
            answer = await kit.lock_request(session, 0)
            assert answer is not None, write.name
            assert answer.error is (None if fits else WRONG), f"{write.name}: {answer}"
            wanted = TdiState.CONFIG_LOCKED if fits else TdiState.CONFIG_UNLOCKED
            assert self.state(0) is wanted, write.name
            await kit.stop(session, 0)
            await self.undo(kit, write)


@pyuvm.test()
class FlrOfTheFunctionMovesItToErrorAndClearsIt(LockRules):
    """FLR: ERROR, not CONFIG_UNLOCKED; other TDIs and the stream stay as they are."""

    async def scenario(self, kit: Scenario) -> None:
        session, tdi = await kit.attach()
        other = kit.legacy_functions[-1]
        await kit.lock(session, other)
        pcie = await kit.host.capability(tdi.function.rid, CapabilityId.PCIE)
        await self.apply(
            kit, Write("FLR", tdi.function.rid, pcie + DEVICE_CONTROL, INITIATE_FLR, 0b0011)
        )
        assert self.state() is TdiState.ERROR
        assert self.state(other) is TdiState.CONFIG_LOCKED
        assert self.adapter.streams_secure()[STREAM_BLOCKS[DEFAULT_STREAM]]
        await kit.vmm.write_command(tdi.index)
        await kit.stop(session, tdi.index)
        assert self.state() is TdiState.CONFIG_UNLOCKED


@pyuvm.test()
class ChangesOfTheBoundStreamMoveItsTdisToError(LockRules):
    """IDE registers of the bound stream: ERROR; those of another stream: nothing."""

    async def scenario(self, kit: Scenario) -> None:
        session, tdi = await kit.attach()
        bound = await kit.vmm.selective_block(STREAM_BLOCKS[DEFAULT_STREAM])
        other = await kit.vmm.selective_block(STREAM_BLOCKS[OTHER_STREAM])
        pf = kit.host.pf_rid
        association = SelectiveBlock.ADDRESS_ASSOCIATION_2
        await self.apply(kit, Write("other stream", pf, other + association, 0x1234))
        assert self.state() is TdiState.RUN
        await self.apply(kit, Write("bound stream", pf, bound + association, 0x1234, restore=0))
        assert self.state() is TdiState.ERROR
        await kit.host.config_write(pf, bound + association, 0)
        await kit.stop(session, tdi.index)


@pyuvm.test()
class AllowedChangesLeaveALockedTdiAlone(LockRules):
    """Registers outside the list, and functions that host no locked TDI."""

    async def scenario(self, kit: Scenario) -> None:
        _, tdi = await kit.attach()
        host, pf, vf = kit.host, kit.host.pf_rid, tdi.function
        aer = await host.extended_capability(pf, ExtendedCapabilityId.AER)
        on = COMMAND_MASTER | COMMAND_INTERRUPT_DISABLE
        writes = [
            Write("same Command again", vf.rid, COMMAND, COMMAND_MASTER, 0b0011),
            Write("INTx disable", vf.rid, COMMAND, on, 0b0011),
            Write(
                "BME of another VF", kit.function(kit.legacy_functions[0]).rid, COMMAND, 0, 0b0011
            ),
            Write("AER mask", pf, aer + 0x08, 1 << 20),
            Write("no byte enabled", vf.rid, COMMAND, 0, 0b0000),
            Write("cache line size", pf, 0x0C, 0x10, 0b0001),
        ]
        for write in writes:
            await self.apply(kit, write)
            assert self.state() is TdiState.RUN, write.name
        assert await kit.read_register(vf, 0, kit.tee) != 0
