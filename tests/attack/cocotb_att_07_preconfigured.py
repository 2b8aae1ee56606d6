# SPDX-License-Identifier: Apache-2.0
"""ATT-07: the host prepares the function before the LOCK, or lies about which function it is.

The host has full control until LOCK: it may swap TDIs, map them elsewhere, turn on what nobody
asked for, and leave transfers running that it hopes will become the TVM's. The report shows the
former, so that the golden TSM and the TVM refuse; the LOCK ends the latter.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import pyuvm

from models.app.map import Bar0, Bar2
from models.pcie.codes import CplStatus, ExtendedCapabilityId
from models.spdm.measurements import DeviceState
from models.tdisp.codes import Request, TdiState
from models.tsm.errors import PolicyError
from models.tsm.ports import Assignment
from models.tsm.tenant import TvmTenant
from models.tsm.trace import TraceEntry, TraceKind
from models.tsm.tsm import Parties, Tsm
from tb.host.route import PLAIN
from tb.host.tsm_port import TsmHostPort
from tb.scenario import DEFAULT_STREAM, LEGACY, LEGACY_MEMORY, STREAM_BLOCKS, TVM, TVM_MEMORY
from tests.attack.attack_test import LEGACY_DATA, LEGACY_VF, TRUSTED, VICTIM, AttackTest

OFFSET = -(1 << 40)  # MMIO_REPORTING_OFFSET
ATS_CONTROL = 4
ATS_ENABLE = 1 << 31
PLANTED = bytes(range(0xA0, 0xE0))
SIZE = len(PLANTED)


class Preconfigured(AttackTest):
    """The golden TSM and a TVM in front of a device that the host has prepared."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")

    def assignment(self, index: int = VICTIM, bars_of: int = VICTIM) -> Assignment:
        """The host says: function `index` is yours, its BARs are those of `bars_of`."""
        bars = self.function(bars_of)
        return Assignment(
            self.function(index).rid,
            {0: bars.bar0, 2: bars.bar2},
            {0: Bar0.SIZE, 2: Bar2.SIZE},
            DEFAULT_STREAM,
            mmio_reporting_offset=OFFSET,
        )

    def tenant(self, assignment: Assignment) -> TvmTenant:
        """A TVM that wants this project's function."""
        wanted = {block.index: block.value for block in DeviceState().measurements()}
        return TvmTenant("TVM", assignment, wanted)

    def tsm(self) -> Tsm:
        """A TSM that has seen nothing of this device yet."""
        self.host.streams.clear()
        self.events: list[TraceEntry] = []
        port = TsmHostPort(self.host, self.kit.vmm, STREAM_BLOCKS)
        parties = Parties(self.kit.env.doe, port, [self.kit.root.identity.root])
        return Tsm(parties, self.rng, observer=self.events.append)

    def started(self) -> bool:
        """Whether START_INTERFACE_REQUEST was sent."""
        name = Request.START_INTERFACE_REQUEST.name
        return any(name in e.text for e in self.events if e.kind is TraceKind.REQUEST)

    async def refused(
        self, what: str, requirement: str, assignment: Assignment, tenant: TvmTenant | None = None
    ) -> None:
        """The TSM or the TVM finds the lie in the report, and takes everything down."""
        tenant, tsm = tenant or self.tenant(assignment), self.tsm()
        with pytest.raises(PolicyError, match=requirement):
            await tsm.bring_up(assignment, tenant, self.host.pf_rid)
        assert not self.started(), what
        assert tsm.session is None, what
        self.assert_states(TdiState.CONFIG_UNLOCKED, what)

    async def set_ats(self, *, enabled: bool) -> None:
        """ATS Enable of VF1."""
        rid = self.function().rid
        at = await self.host.extended_capability(rid, ExtendedCapabilityId.ATS) + ATS_CONTROL
        await self.host.config_write(rid, at, ATS_ENABLE if enabled else 0, 0b1100)


@pyuvm.test()
class AnotherFunctionIsRefused(Preconfigured):
    """The TVM is given VF2 in place of VF1, or its ranges in another order: no START."""

    async def attack(self) -> None:
        await self.refused("TDIs swapped", "TDISP-HOST-004", self.assignment(index=2))
        swapped = self.tenant(self.assignment())
        ranges = swapped.mapping.ranges
        order = (ranges[2], ranges[1], ranges[0], *ranges[3:])
        swapped.mapping = replace(swapped.mapping, ranges=order)
        await self.refused("mapping swapped", "TDISP-HOST-006", self.assignment(), swapped)


@pyuvm.test()
class WhatNobodyAskedForIsRefused(Preconfigured):
    """ATS is on: the report shows it, and there is no START."""

    async def attack(self) -> None:
        await self.set_ats(enabled=True)
        await self.refused("ATS enabled", "TDISP-HOST-006", self.assignment())
        await self.assert_legacy_untouched("ATS enabled")


@pyuvm.test()
class WorkFromBeforeTheLockEndsWithIt(Preconfigured):
    """A transfer of the host's making neither reads nor writes for the TVM after START."""

    async def prepare(self) -> None:
        await super().prepare()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)

    async def attack(self) -> None:
        for to_host in (False, True):
            await self._planted(to_host)
            self.host.memory.write(LEGACY_MEMORY.base, bytes(SIZE))
        self.assert_no_leak()

    async def _planted(self, to_host: bool) -> None:
        inbound, rid, what = self.host.inbound, self.function().rid, f"to host: {to_host}"
        inbound.check.assign(LEGACY, rid)
        self.host.memory.write(LEGACY_MEMORY.base, PLANTED)
        self.host.memory.write(TVM_MEMORY.base, self.secret)
        inbound.hold_completions = True
        address = TVM_MEMORY.base if to_host else LEGACY_MEMORY.base
        await self.program_dma(VICTIM, to_host, address, SIZE, PLAIN)
        await self.quiet()
        inbound.check.revoke(rid)
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)
        since = self.mark()
        inbound.hold_completions = False
        await inbound.release()
        await self.quiet()
        assert not self.from_device(since), f"{what}: {self.from_device(since)[0].summary()}"
        result = await self.host.mem_read(self.memory(), SIZE, TRUSTED)
        assert (result.status, result.data) == (CplStatus.SC, bytes(SIZE)), f"{what}: {result}"
        assert self.host.memory.read(TVM_MEMORY.base, SIZE) == self.secret, what
        inbound.refused.clear()
        await self.kit.stop(self.session, VICTIM)


@pyuvm.test()
class HonestConfigurationRuns(Preconfigured):
    """The same TSM and TVM with an honest host: RUN, MMIO and DMA."""

    async def attack(self) -> None:
        await self.set_ats(enabled=True)
        await self.set_ats(enabled=False)
        assignment = self.assignment()
        tsm = self.tsm()
        handle = await tsm.bring_up(assignment, self.tenant(assignment), self.host.pf_rid)
        self.assert_states(TdiState.RUN, "honest")
        assert self.started()
        self.host.inbound.check.accept(TVM, self.function().rid)
        self.host.memory.write(TVM_MEMORY.base, self.secret)
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, SIZE, TRUSTED)
        await self.dma_status(VICTIM, TRUSTED)
        await self.assert_served("honest")
        await tsm.stop(handle)
        await tsm.close()
        self.assert_states(TdiState.CONFIG_UNLOCKED, "honest, in the end")
