# SPDX-License-Identifier: Apache-2.0
"""ATT-09: the former owner of a TDI still has its MMIO mapped.

The host has not taken the mapping away, so the former owner's accesses still get T = 1 and the
bound stream. The device cannot tell owners apart while the TDI is in RUN, but before START nothing
is served, and what comes after START belongs to the new owner alone.
"""

from __future__ import annotations

import pyuvm

from models.app.map import Bar2, Register
from models.pcie.codes import CplStatus
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.scenario import DEFAULT_STREAM
from tests.attack.attack_test import (
    BOUND_WITHOUT_T,
    FOREIGN,
    ROUTES,
    TRUSTED,
    VICTIM,
    AttackTest,
)

LATE = bytes(range(0x40, 0x80))  # what the former owner writes after STOP
SPAN = 192  # bytes of memory that owners use


@pyuvm.test()
class FormerOwnerIsRefused(AttackTest):
    """After STOP and again after LOCK nothing is served, and nothing of it shows after START."""

    async def attack(self) -> None:
        await self.use_other_stream()
        await self.kit.stop(self.session, VICTIM)
        self.assert_states(TdiState.CONFIG_UNLOCKED, "after STOP")
        for route in (TRUSTED, FOREIGN):
            await self._attempt("after STOP", route)
        self.tdi = await self.kit.lock(self.session, VICTIM)
        for name, route in ROUTES.items():
            await self._attempt(f"after LOCK, {name}", route)
        self.assert_states(TdiState.CONFIG_LOCKED, "after LOCK")
        await self.kit.start(self.session, self.tdi)
        await self._new_owner_finds_nothing()
        former, self.secret = self.secret, self.rng.randbytes(64)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "new owner")
        for route in (PLAIN, BOUND_WITHOUT_T, FOREIGN):
            await self._attempt("while the new owner runs", route)
        await self.assert_served("the new owner")
        await self.disturb()
        for name, route in ROUTES.items():
            await self._attempt(f"in ERROR, {name}", route)
        await self.assert_legacy_untouched("former owner")
        self.assert_no_leak([former])

    async def _attempt(self, what: str, route: Route) -> None:
        function = self.function()
        for address in (
            self.memory(),
            function.bar0 + Register.SCRATCH,
            function.bar2 + Bar2.MSIX_TABLE,
        ):
            await self.read_refused(address, route, what, 16)
            await self.write_silently(address, LATE, route, what)

    async def _new_owner_finds_nothing(self) -> None:
        for address, length in (
            (self.memory(), SPAN),
            (self.function().bar0 + Register.SCRATCH, 64),
        ):
            result = await self.host.mem_read(address, length, TRUSTED, "new owner")
            assert result.status is CplStatus.SC
            assert result.data == bytes(length), f"left behind: {result.data.hex()}"


@pyuvm.test()
class FormerOwnersTlpDiesWithItsKeys(AttackTest):
    """A TLP that the former owner's side had encrypted is worth nothing under the new keys."""

    async def attack(self) -> None:
        raw = Tlp.mem_write(HOST_RID, self.memory(), LATE).encode()
        wire = self.host.streams[DEFAULT_STREAM].encrypt(raw, True)
        await self.key_again()
        await self.attach_again()
        await self.assert_served("the new owner")
        await self.host.transmit_wire(wire, "attack: former owner's TLP")
        await self.quiet()
        self.assert_states(TdiState.ERROR, "former owner's TLP")
        assert not self.secure()
        self.assert_no_leak()


@pyuvm.test()
class OwnerIsServedBeforeStopAndAfterStart(AttackTest):
    """The same accesses pass while the one who makes them is the owner."""

    async def attack(self) -> None:
        await self._use()
        await self.lock_again()
        await self.kit.start(self.session, self.tdi)
        await self._use()
        self.assert_states(TdiState.RUN, "owner")
        self.assert_no_leak()

    async def _use(self) -> None:
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "owner")
        await self.assert_served("owner")
        scratch = self.function().bar0 + Register.SCRATCH
        await self.host.mem_write(scratch, LATE, TRUSTED, "owner")
        result = await self.host.mem_read(scratch, len(LATE), TRUSTED, "owner")
        assert result.data == LATE
        table = self.function().bar2 + Bar2.MSIX_TABLE
        result = await self.host.mem_read(table, 16, TRUSTED, "owner")
        assert result.status is CplStatus.SC
