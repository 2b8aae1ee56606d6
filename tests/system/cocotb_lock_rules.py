# SPDX-License-Identifier: Apache-2.0
"""Configuration changes that a lock forbids, and such that it allows."""

from __future__ import annotations

from dataclasses import dataclass

import pyuvm
from cocotb.triggers import ClockCycles

from models.pcie.codes import (
    INITIATE_FLR,
    CapabilityId,
    CplStatus,
    ExtendedCapabilityId,
    SelectiveBlock,
)
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import TdiState
from tb.agents.cfg.item import CfgItem
from tb.base_test import BaseTest
from tb.host.vmm_host import (
    COMMAND,
    COMMAND_MASTER,
    SRIOV_BAR0,
    SRIOV_CONTROL,
    VF_ENABLE,
    VF_MEMORY,
)
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, STREAM_BLOCKS, Scenario

VICTIM = 1
DEVICE_CONTROL = 0x08
ATS_CONTROL = 0x04
ATS_ENABLE = 1 << 31
EXTENDED_TAG = 1 << 8
NO_SNOOP = 1 << 11
COMMAND_INTERRUPT_DISABLE = 1 << 10
MSIX_FUNCTION_MASK = 1 << 30


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

    def state(self, index: int = VICTIM) -> TdiState:
        """State of a TDI on the pins."""
        return self.adapter.tdi_states()[index]

    async def vf_writes(self, kit: Scenario) -> list[Write]:
        """Forbidden changes that leave streams and other functions alone."""
        host, pf, vf = kit.host, kit.host.pf_rid, kit.function(VICTIM)
        sriov = await host.extended_capability(pf, ExtendedCapabilityId.SRIOV)
        msix = await host.capability(vf.rid, CapabilityId.MSIX)
        ats = await host.extended_capability(vf.rid, ExtendedCapabilityId.ATS) + ATS_CONTROL
        bar = vf.bar0 & 0xFFFFFFFF
        on = VF_ENABLE | VF_MEMORY
        control = await host.config_read(vf.rid, msix)
        return [
            Write("clear Bus Master Enable", vf.rid, COMMAND, 0, 0b0011, COMMAND_MASTER),
            Write("clear VF MSE", pf, sriov + SRIOV_CONTROL, VF_ENABLE, restore=on),
            Write("move VF BAR0", pf, sriov + SRIOV_BAR0, bar + (1 << 20), restore=bar),
            Write("mask MSI-X", vf.rid, msix, control ^ MSIX_FUNCTION_MASK, 0b1100, control),
            Write("set ATS Enable", vf.rid, ats, ATS_ENABLE, 0b1100, 0),
        ]

    async def relock(self, kit: Scenario, session: SecureSession, run: bool) -> None:
        """CONFIG_LOCKED, and RUN where wanted."""
        tdi = await kit.lock(session, VICTIM)
        if run:
            await kit.start(session, tdi)


@pyuvm.test()
class ForbiddenChangesMoveALockedTdiToError(LockRules):
    """Each change, in CONFIG_LOCKED and in RUN; STOP brings the TDI back."""

    async def scenario(self, kit: Scenario) -> None:
        await kit.bring_up()
        session = await kit.open_session()
        await kit.key_stream(session)
        for write in await self.vf_writes(kit):
            for run in (False, True):
                await self.relock(kit, session, run)
                await self.apply(kit, write)
                assert self.state() is TdiState.ERROR, f"{write.name}, run={run}"
                await self.undo(kit, write)
                await kit.stop(session, VICTIM)
                assert self.state() is TdiState.CONFIG_UNLOCKED


@pyuvm.test()
class FlrOfTheFunctionMovesItToErrorAndClearsIt(LockRules):
    """FLR of VF1: ERROR, not CONFIG_UNLOCKED; other TDIs and the stream stay as they are."""

    async def scenario(self, kit: Scenario) -> None:
        session, tdi = await kit.attach(VICTIM)
        await kit.lock(session, 3)
        pcie = await kit.host.capability(tdi.function.rid, CapabilityId.PCIE)
        await self.apply(
            kit, Write("FLR", tdi.function.rid, pcie + DEVICE_CONTROL, INITIATE_FLR, 0b0011)
        )
        assert self.state() is TdiState.ERROR
        assert self.state(3) is TdiState.CONFIG_LOCKED
        assert self.adapter.streams_secure()[STREAM_BLOCKS[DEFAULT_STREAM]]
        await kit.host.config_write(tdi.function.rid, COMMAND, COMMAND_MASTER, 0b0011)
        await kit.stop(session, VICTIM)
        assert self.state() is TdiState.CONFIG_UNLOCKED


@pyuvm.test()
class ChangesOfTheBoundStreamMoveItsTdisToError(LockRules):
    """IDE registers of the bound stream: ERROR; those of another stream: nothing."""

    async def scenario(self, kit: Scenario) -> None:
        session, _ = await kit.attach(VICTIM)
        bound = await kit.vmm.selective_block(STREAM_BLOCKS[DEFAULT_STREAM])
        other = await kit.vmm.selective_block(STREAM_BLOCKS[OTHER_STREAM])
        pf = kit.host.pf_rid
        association = SelectiveBlock.ADDRESS_ASSOCIATION_2
        await self.apply(kit, Write("other stream", pf, other + association, 0x1234))
        assert self.state() is TdiState.RUN
        await self.apply(kit, Write("bound stream", pf, bound + association, 0x1234, restore=0))
        assert self.state() is TdiState.ERROR
        await kit.host.config_write(pf, bound + association, 0)
        await kit.stop(session, VICTIM)


@pyuvm.test()
class AllowedChangesLeaveALockedTdiAlone(LockRules):
    """Registers outside the list, and functions that host no locked TDI."""

    async def scenario(self, kit: Scenario) -> None:
        await kit.attach(VICTIM)
        host, pf, vf = kit.host, kit.host.pf_rid, kit.function(VICTIM)
        aer = await host.extended_capability(pf, ExtendedCapabilityId.AER)
        on = COMMAND_MASTER | COMMAND_INTERRUPT_DISABLE
        writes = [
            Write("same Command again", vf.rid, COMMAND, COMMAND_MASTER, 0b0011),
            Write("INTx disable", vf.rid, COMMAND, on, 0b0011),
            Write("BME of another VF", kit.function(2).rid, COMMAND, 0, 0b0011),
            Write("AER mask", pf, aer + 0x08, 1 << 20),
            Write("no byte enabled", vf.rid, COMMAND, 0, 0b0000),
            Write("cache line size", pf, 0x0C, 0x10, 0b0001),
        ]
        for write in writes:
            await self.apply(kit, write)
            assert self.state() is TdiState.RUN, write.name
        assert await kit.read_register(vf, 0, kit.tee) != 0
