# SPDX-License-Identifier: Apache-2.0
"""What configuration space offers to a lock, and what it keeps of a life."""

from __future__ import annotations

from itertools import pairwise

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import MSIX_VECTORS, Bar0, Bar2, Control
from models.pcie.codes import CapabilityId, CplStatus, ExtendedCapabilityId
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import InterfaceInfo, LockFlags, Request
from tb.base_test import BaseTest
from tb.scenario import TVM_INTERRUPTS, TVM_MEMORY, Scenario
from tests.system.cocotb_functions import DATA, TwoVms

CAPABILITIES_POINTER = 0x34
FIRST_EXTENDED = 0x100
HEADER_END = 0x40
LONGEST = 0x100  # bytes of a capability, but for the last
# Capabilities whose registers the device watches while a TDI is locked, and those that hold
# nothing that a TDI depends on
WATCHED = {CapabilityId.PM, CapabilityId.MSI, CapabilityId.MSIX, CapabilityId.PCIE}
WATCHED_EXTENDED = {
    ExtendedCapabilityId.AER,
    ExtendedCapabilityId.VSEC,
    ExtendedCapabilityId.ACS,
    ExtendedCapabilityId.ARI,
    ExtendedCapabilityId.ATS,
    ExtendedCapabilityId.SRIOV,
    ExtendedCapabilityId.PRI,
    ExtendedCapabilityId.PASID,
    ExtendedCapabilityId.TPH,
    ExtendedCapabilityId.DOE,
    ExtendedCapabilityId.IDE,
}
WORD = 4  # bytes
PAGE = bytes([0, 0, 64, 0])  # of a report: OFFSET, LENGTH
INFO = 4  # first byte of INTERFACE_INFO behind PORTION_LENGTH and REMAINDER_LENGTH
QUIET = 600  # cycles: longer than a refused read takes


class Registers:
    """Every register of a function that its capability lists lead to."""

    def __init__(self, kit: Scenario, rid: int) -> None:
        self.host, self.rid = kit.host, rid

    async def lists(self) -> tuple[dict[int, int], dict[int, int]]:
        """Capabilities and extended capabilities: their IDs by address."""
        plain, extended = {}, {}
        at = await self.host.config_read(self.rid, CAPABILITIES_POINTER) & 0xFC
        while at:
            header = await self.host.config_read(self.rid, at)
            plain[at] = header & 0xFF
            at = header >> 8 & 0xFC
        at = FIRST_EXTENDED
        while at:
            header = await self.host.config_read(self.rid, at)
            extended[at] = header & 0xFFFF
            at = header >> 20
        return plain, extended

    async def read(self) -> dict[int, int]:
        """Values by address, but for the DOE mailbox, which holds what was asked last."""
        plain, extended = await self.lists()
        starts = sorted([*plain, FIRST_EXTENDED])
        spans = [(0, HEADER_END), *pairwise(starts)]
        tops = [*sorted(extended)[1:], max(extended) + LONGEST]
        for start, end in zip(sorted(extended), tops, strict=True):
            if extended[start] != ExtendedCapabilityId.DOE:
                spans.append((start, min(end, start + LONGEST)))
        return {
            at: await self.host.config_read(self.rid, at)
            for start, end in spans
            for at in range(start, end, WORD)
        }


@pyuvm.test()
class EveryCapabilityIsWatched(BaseTest):
    """No resizable BAR, no LN requester: a lock has nothing to check or to watch there."""

    async def scenario(self, kit: Scenario) -> None:
        await kit.bring_up()
        for index in (0, kit.tvm_function):
            plain, extended = await Registers(kit, kit.function(index).rid).lists()
            assert set(plain.values()) <= WATCHED
            assert set(extended.values()) <= WATCHED_EXTENDED


@pyuvm.test()
class FirmwareStaysAsItIsFromLockToRun(BaseTest):
    """With and without NO_FW_UPDATE: nothing updates it, so the measurements stay the same."""

    async def scenario(self, kit: Scenario) -> None:
        await kit.bring_up()
        session = await kit.open_session()
        await kit.key_stream(session)
        index = kit.tvm_function
        before = await self._measured(session)
        for flags in (LockFlags.NO_FW_UPDATE, LockFlags(0)):
            tdi = await kit.lock(session, index, flags)
            assert await self._measured(session) == before
            await kit.start(session, tdi)
            assert await self._measured(session) == before
            page = await kit.tdisp(session, Request.GET_DEVICE_INTERFACE_REPORT, index, PAGE)
            assert page is not None
            assert page.payload[INFO] & InterfaceInfo.NO_FW_UPDATE
            await kit.stop(session, index)

    async def _measured(self, session: SecureSession) -> tuple[object, ...]:
        return tuple((await session.get_measurements()).blocks)


@pyuvm.test()
class ConfigurationSpaceKeepsNothingOfALife(TwoVms):
    """Logs and status registers hold no data, address or interrupt of the TVM that has left."""

    async def configure(self) -> None:
        kit = self.kit
        rids = {kit.function(index).rid for index in (0, self.tvm)}
        self.functions = [Registers(kit, rid) for rid in sorted(rids)]
        self.before = [set(await each.read()) for each in self.functions]

    async def use(self) -> None:
        kit, function = self.kit, self.kit.function(self.tvm)
        await kit.vmm.take_errors()
        secrets = [self.rng.getrandbits(32) | 1 << 31 for _ in range(16)]
        data = b"".join(word.to_bytes(WORD, "little") for word in secrets)
        await kit.host.mem_write(function.bar0 + Bar0.MEMORY, data, kit.tee)
        table = function.bar2 + Bar2.MSIX_TABLE
        vector = TVM_INTERRUPTS.base.to_bytes(8, "little") + data[:4] + bytes(4)
        await kit.host.mem_write(table, vector * MSIX_VECTORS, kit.tee)
        await self.move(
            self.tvm,
            kit.tee,
            Control.WRITE_HOST | Control.INTERRUPT,
            TVM_MEMORY.base + DATA,
            len(data),
        )
        # Errors leave traces: refused and poisoned requests, and a transfer that fails.
        refused = await kit.host.mem_read(function.bar0 + Bar0.MEMORY, len(data))
        assert refused.status is CplStatus.UR
        await kit.host.mem_write(function.bar0 + Bar0.MEMORY, data)
        unmapped = secrets[0] << 32 | secrets[1] & ~3
        await self.start(
            self.tvm,
            kit.tee,
            Control(0),
            HOST_ADDRESS_LOW=unmapped & 0xFFFFFFFF,
            HOST_ADDRESS_HIGH=unmapped >> 32,
            LENGTH=len(data),
        )
        await ClockCycles(self.adapter.clk, QUIET)
        await kit.stop(self.session, self.tvm)
        known = {*secrets, *(int.from_bytes(w.to_bytes(WORD, "little")) for w in secrets)}
        known |= {unmapped >> 32, unmapped & 0xFFFFFFFF}
        for registers, before in zip(self.functions, self.before, strict=True):
            after = await registers.read()
            assert set(after) == before, "a capability came or went"
            assert not known & set(after.values())
