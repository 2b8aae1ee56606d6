# SPDX-License-Identifier: Apache-2.0
"""ATT-22: what the MSI-X table and its pending bits held before the LOCK.

The host programs the table of a function that it still owns: an address in the TVM's memory, data
of its choice, vectors open. Once the TVM owns the function, an interrupt by such an entry would be
a T = 1 write of the host's making into the TVM's memory.
"""

from __future__ import annotations

import pyuvm

from models.app.map import MSIX_VECTORS, Bar2, Control, Register, Status
from models.pcie.codes import CplStatus
from models.tdisp.codes import TdiState
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY, LEGACY_MEMORY, TVM_INTERRUPTS, TVM_MEMORY
from tests.attack.attack_test import TRUSTED, VICTIM, AttackTest

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
