# SPDX-License-Identifier: Apache-2.0
"""ATT-22: what the MSI-X table and its pending bits hold across a LOCK and a STOP.

The host programs the table of a function that it still owns: an address in the TVM's memory, data
of its choice, vectors open. Once the TVM owns the function, an interrupt by such an entry would be
a T = 1 write of the host's making into the TVM's memory. After the LOCK the host tries to write the
table all the same, and an interrupt that one owner masked is to reach the next.
"""

from __future__ import annotations

import pyuvm

from models.app.map import MSIX_VECTORS, Bar2, Control, Register, Status
from models.host.owner_check import Verdict
from models.pcie.codes import CplStatus
from models.tdisp.codes import LockFlags, TdiState
from tb.host.route import PLAIN, Route
from tb.scenario import (
    LEGACY,
    LEGACY_INTERRUPTS,
    LEGACY_MEMORY,
    TVM_INTERRUPTS,
    TVM_MEMORY,
)
from tests.attack.attack_test import BOUND_WITHOUT_T, TRUSTED, VICTIM, AttackTest

ENTRY = 16
OPEN, MASKED = 0, 1
WAITING = 3  # the vector that is pending when the LOCK comes
PLANTED = 0x66600000


class StaleTable(AttackTest):
    """VF1 with MSI-X enabled, not yet locked; interrupts are raised by short transfers."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        await self.kit.vmm.enable_msix(VICTIM)
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        self.kit.host.inbound.check.assign(LEGACY, self.function().rid)

    async def lock_and_start(self) -> None:
        """The TVM gets the function."""
        self.host.inbound.check.revoke(self.function().rid)
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)

    async def entry(self, vector: int, address: int, data: int, mask: int, route: Route) -> None:
        """Write one entry of the table."""
        raw = address.to_bytes(8, "little") + data.to_bytes(4, "little")
        place = self.function().bar2 + Bar2.MSIX_TABLE + ENTRY * vector
        await self.host.mem_write(place, raw + mask.to_bytes(4, "little"), route)

    async def interrupt(self, vector: int, memory: int, route: Route) -> None:
        """End a transfer of one DW with an interrupt."""
        values = {
            Register.VECTOR: vector,
            Register.HOST_ADDRESS_LOW: memory,
            Register.HOST_ADDRESS_HIGH: 0,
            Register.DEVICE_ADDRESS: 0,
            Register.LENGTH: 4,
            Register.CONTROL: int(Control.START | Control.WRITE_HOST | Control.INTERRUPT),
        }
        for register, value in values.items():
            await self.kit.write_register(self.function(), register, value, route)
        assert await self.dma_status(VICTIM, route) & Status.DONE
        await self.quiet(400)

    async def shown(self) -> tuple[bytes, int]:
        """The table and the pending bits, as the TVM reads them."""
        function = self.function()
        table = await self.host.mem_read(
            function.bar2 + Bar2.MSIX_TABLE, ENTRY * MSIX_VECTORS, TRUSTED
        )
        pending = await self.host.mem_read(function.bar2 + Bar2.MSIX_PBA, 8, TRUSTED)
        assert table.status is pending.status is CplStatus.SC
        return table.data, int.from_bytes(pending.data, "little")


@pyuvm.test()
class EntriesFromBeforeTheLockSendNothing(StaleTable):
    """Open entries and a pending bit of the host's making are gone with the LOCK."""

    async def attack(self) -> None:
        for vector in range(MSIX_VECTORS):
            address = TVM_MEMORY.base + 0x100 * vector
            await self.entry(vector, address, PLANTED + vector, vector == WAITING, PLAIN)
        await self.interrupt(WAITING, LEGACY_MEMORY.base, PLAIN)
        await self.lock_and_start()
        table, pending = await self.shown()
        assert table == (bytes(12) + bytes([MASKED, 0, 0, 0])) * MSIX_VECTORS
        assert pending == 0
        secret = self.rng.randbytes(0x400)
        self.host.memory.write(TVM_MEMORY.base, secret)
        for vector in range(MSIX_VECTORS):
            await self.interrupt(vector, TVM_MEMORY.base + 0x800, TRUSTED)
        assert not self.host.inbound.interrupts
        assert self.host.memory.read(TVM_MEMORY.base, 0x400) == secret
        await self.entry(1, TVM_INTERRUPTS.base, 0x51, OPEN, TRUSTED)
        await self.quiet()
        (sent,) = self.host.inbound.interrupts
        assert (sent.address, sent.data, sent.t) == (TVM_INTERRUPTS.base, 0x51, True)
        self.assert_states(TdiState.RUN, "stale table")


@pyuvm.test()
class EntriesOfTheOwnerAreObeyed(StaleTable):
    """The same by the TVM, after START: each interrupt arrives."""

    async def attack(self) -> None:
        await self.lock_and_start()
        for vector in range(MSIX_VECTORS):
            await self.entry(vector, TVM_INTERRUPTS.base + 4 * vector, vector, OPEN, TRUSTED)
            await self.interrupt(vector, TVM_MEMORY.base, TRUSTED)
            sent = self.host.inbound.interrupts.pop()
            assert (sent.address, sent.data) == (TVM_INTERRUPTS.base + 4 * vector, vector)
            assert sent.t
        assert not self.host.inbound.interrupts
        self.assert_states(TdiState.RUN, "own table")


class LockedTable(StaleTable):
    """VF1 is locked, with its table or without."""

    flags = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE

    async def lock_and_start(self) -> None:
        await self.lock()
        await self.kit.start(self.session, self.tdi)

    async def lock(self) -> None:
        """LOCK only."""
        self.host.inbound.check.revoke(self.function().rid)
        self.tdi = await self.kit.lock(self.session, VICTIM, self.flags)

    async def host_writes(self, route: Route) -> None:
        """Every field of entry 0 and the pending bits, each in a write of its own."""
        table = self.function().bar2 + Bar2.MSIX_TABLE
        for offset, value in enumerate((TVM_MEMORY.base, 0, PLANTED, OPEN)):
            raw = value.to_bytes(4, "little")
            await self.host.mem_write(table + 4 * offset, raw, route, "attack: table")
        pba = self.function().bar2 + Bar2.MSIX_PBA
        await self.host.mem_write(pba, b"\xff" * 8, route, "attack: PBA")

    async def host_reads(self, route: Route) -> None:
        """Table and PBA, which must be refused."""
        for page in (Bar2.MSIX_TABLE, Bar2.MSIX_PBA):
            await self.read_refused(self.function().bar2 + page, route, page.name, 8)

    async def set_function_mask(self, *, masked: bool) -> None:
        """Message Control of VF1."""
        await self.kit.vmm.mask_function(VICTIM, masked=masked)


@pyuvm.test()
class LockedTableIsTheTvmsAlone(LockedTable):
    """In CONFIG_LOCKED, RUN and ERROR the host neither reads nor writes; Message Control: ERROR."""

    async def attack(self) -> None:
        self.assert_states(TdiState.CONFIG_UNLOCKED, "before the LOCK")
        await self.lock()
        await self._attempts("CONFIG_LOCKED")
        await self.kit.start(self.session, self.tdi)
        empty = (bytes(12) + bytes([MASKED, 0, 0, 0])) * MSIX_VECTORS
        assert await self.shown() == (empty, 0)
        await self.entry(0, TVM_INTERRUPTS.base, 0x51, OPEN, TRUSTED)
        before = await self.shown()
        await self._attempts("RUN")
        assert await self.shown() == before
        await self.interrupt(0, TVM_MEMORY.base + 0x800, TRUSTED)
        (sent,) = self.host.inbound.interrupts
        assert (sent.address, sent.data, sent.t) == (TVM_INTERRUPTS.base, 0x51, True)
        self.assert_states(TdiState.RUN, "attempts")
        await self.set_function_mask(masked=True)
        self.assert_states(TdiState.ERROR, "Message Control")
        await self.set_function_mask(masked=False)
        await self._attempts("ERROR")
        await self.read_refused(self.function().bar2, TRUSTED, "the TVM's own read in ERROR", 16)
        await self.kit.stop(self.session, VICTIM)
        await self.quiet()
        assert len(self.host.inbound.interrupts) == 1

    async def _attempts(self, what: str) -> None:
        for route in (PLAIN, BOUND_WITHOUT_T):
            await self.host_writes(route)
            await self.host_reads(route)
        assert not self.host.inbound.refused, what


@pyuvm.test()
class InterruptOfOneOwnerNeverReachesTheNext(LockedTable):
    """A vector is masked and pending; STOP; the VMM and the next TVM open it: nothing is sent."""

    async def attack(self) -> None:
        for by_error in (False, True):
            what = f"by error: {by_error}"
            await self.lock_and_start()
            await self.entry(WAITING, TVM_INTERRUPTS.base, PLANTED, MASKED, TRUSTED)
            await self.interrupt(WAITING, TVM_MEMORY.base, TRUSTED)
            _, pending = await self.shown()
            assert pending == 1 << WAITING, what
            if by_error:
                await self.disturb()
            await self.kit.stop(self.session, VICTIM)
            await self._open_by(PLAIN, LEGACY_INTERRUPTS.base, f"{what}, VMM")
            await self.lock_and_start()
            await self._open_by(TRUSTED, TVM_INTERRUPTS.base, f"{what}, next TVM")
            await self.kit.stop(self.session, VICTIM)

    async def _open_by(self, route: Route, address: int, what: str) -> None:
        for vector in range(MSIX_VECTORS):
            await self.entry(vector, address, vector, OPEN, route)
        result = await self.host.mem_read(self.function().bar2 + Bar2.MSIX_PBA, 8, route)
        assert result.data == bytes(8), f"{what}: pending {result.data.hex()}"
        await self.quiet()
        assert not self.host.inbound.interrupts, f"{what}: {self.host.inbound.interrupts}"


@pyuvm.test()
class UnlockedTableStaysTheHosts(LockedTable):
    """LOCK without LOCK_MSIX: the host programs the table in RUN, and no message carries T."""

    flags = LockFlags.NO_FW_UPDATE

    async def attack(self) -> None:
        await self.lock_and_start()
        self.host.inbound.check.assign(LEGACY, self.function().rid)
        await self.entry(0, LEGACY_INTERRUPTS.base, PLANTED, OPEN, PLAIN)
        await self.interrupt(0, TVM_MEMORY.base, TRUSTED)
        sent = self.host.inbound.interrupts.pop()
        assert (sent.address, sent.data, sent.t) == (LEGACY_INTERRUPTS.base, PLANTED, False)
        await self.entry(0, TVM_MEMORY.base, PLANTED, OPEN, PLAIN)
        secret = self.rng.randbytes(16)
        self.host.memory.write(TVM_MEMORY.base, secret)
        await self.interrupt(0, TVM_MEMORY.base + 0x800, TRUSTED)
        ((_, verdict),) = self.host.inbound.refused
        assert verdict is Verdict.UNTRUSTED
        assert self.host.memory.read(TVM_MEMORY.base, 16) == secret
        await self.set_function_mask(masked=True)
        self.assert_states(TdiState.RUN, "Message Control of a table that is not locked")
        await self.set_function_mask(masked=False)
