# SPDX-License-Identifier: Apache-2.0
"""ATT-25: reads that show what a former owner left, after each way out of RUN and CONFIG_LOCKED.

The TVM fills everything that can hold data: memory, scratch and transfer registers, the public
page, the MSI-X table, a pending interrupt, and a transfer under way. Whoever comes next reads all
pages of both BARs and finds all of it in the state that a reset leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pyuvm

from models.app.map import PAGE, Bar0, Bar2, Control, PublicRegister, Register
from models.pcie.codes import CapabilityId, CplStatus
from models.tdisp.codes import TdiState
from tb.host.route import PLAIN, Route
from tb.scenario import TVM_INTERRUPTS, TVM_MEMORY
from tests.attack.attack_test import (
    LEGACY_VF,
    ROUTES,
    TRUSTED,
    VICTIM,
    AttackTest,
)

CHUNK = 256
PUBLISHED = bytes.fromhex("c0ffee11")
SCRATCH = bytes(range(64, 128))
VECTOR = 2
TRANSFER = 256
DEVICE_CONTROL = 0x08
INITIATE_FLR = 1 << 15
COMMAND = 0x04
BUS_MASTER = 1 << 2
SETTLE = 1500  # cycles: longer than clearing takes
MEMORY, REGISTERS, PUBLIC = "memory", "registers", "public page"
TABLE, PBA = "MSI-X table", "MSI-X PBA"
PAGES = {
    MEMORY: Bar0.MEMORY,
    REGISTERS: Bar0.REGISTERS,
    PUBLIC: Bar0.PUBLIC,
    TABLE: Bar2.MSIX_TABLE,
    PBA: Bar2.MSIX_PBA,
}
NO_PAGE = Bar0.MEMORY + PAGE
NO_PAGES = (
    Bar2.MSIX_TABLE + PAGE,
    Bar2.MSIX_PBA - PAGE,
    Bar2.MSIX_PBA + PAGE,
    Bar2.SIZE - PAGE,
)


class Residue(AttackTest):
    """Fills the victim, leaves by some way, and looks at everything."""

    async def prepare(self) -> None:
        await super().prepare()
        await self.kit.stop(self.session, VICTIM)
        await self.attach_with_interrupts()

    async def attach_with_interrupts(self) -> None:
        """MSI-X Enable is a thing that a lock keeps: it is set before LOCK."""
        await self.kit.vmm.enable_msix(VICTIM)
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)

    async def attack(self) -> None:
        self.fill_data = self.rng.randbytes(PAGE)
        self.fresh = await self.everything(LEGACY_VF, PLAIN)

    async def fill(self) -> None:
        """The TVM's data, everywhere, with a transfer and an interrupt under way."""
        function, host = self.function(), self.host
        for at in range(0, PAGE, CHUNK):
            chunk = self.fill_data[at : at + CHUNK]
            await host.mem_write(self.memory() + at, chunk, TRUSTED, "TVM")
        await host.mem_write(function.bar0 + Register.SCRATCH, SCRATCH, TRUSTED, "TVM")
        await host.mem_write(self.public() + PublicRegister.SCRATCH, PUBLISHED, PLAIN, "TVM")
        for vector in range(4):
            entry = (TVM_INTERRUPTS.base + 16 * vector).to_bytes(8, "little")
            entry += (0x51 + vector).to_bytes(4, "little") + (1).to_bytes(4, "little")
            place = function.bar2 + Bar2.MSIX_TABLE + 16 * vector
            await host.mem_write(place, entry, TRUSTED, "TVM")
        host.memory.write(TVM_MEMORY.base, self.fill_data[:TRANSFER])
        host.inbound.hold_completions = True
        await self.kit.write_register(function, Register.VECTOR, VECTOR, TRUSTED)
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, TRANSFER, TRUSTED)
        await self.quiet()
        await self._raise_pending()

    async def _raise_pending(self) -> None:
        """End the transfer with an interrupt to a masked vector, and start one that hangs."""
        host, function = self.host, self.function()
        host.inbound.hold_completions = False
        await host.inbound.release()
        await self.dma_status(VICTIM, TRUSTED)
        control = int(Control.START | Control.WRITE_HOST | Control.INTERRUPT)
        await self.kit.write_register(function, Register.CONTROL, control, TRUSTED)
        await self.dma_status(VICTIM, TRUSTED)
        pending = await host.mem_read(function.bar2 + Bar2.MSIX_PBA, 8, TRUSTED)
        assert pending.data == (1 << VECTOR).to_bytes(8, "little"), "no interrupt is pending"
        host.inbound.hold_completions = True
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, TRANSFER, TRUSTED)
        await self.quiet()

    async def everything(self, index: int, route: Route) -> dict[str, bytes]:
        """All that can be read of a function; pages that are not there have no data."""
        function, host = self.function(index), self.host
        found = {}
        for name, page in PAGES.items():
            bar = function.bar2 if name.startswith("MSI-X") else function.bar0
            way = PLAIN if name == PUBLIC else route
            result = await host.mem_read(bar + page, PAGE, way, "next owner")
            assert result.status is CplStatus.SC, f"{name}: {result.status}"
            found[name] = result.data
        for address in (function.bar0 + NO_PAGE, *(function.bar2 + at for at in NO_PAGES)):
            for way in (PLAIN, route):
                await self.read_refused(address, way, f"no page at {address:#x}")
        return found

    async def assert_clean(self, what: str, route: Route) -> None:
        """Everything is as it was when VF2 was fresh; late completions change nothing."""
        host = self.host
        for _ in range(2):
            found = await self.everything(VICTIM, route)
            for name, data in found.items():
                expected = self.clean(name)
                assert data == expected, f"{what}: {name} holds {data.hex()}"
            host.inbound.hold_completions = False
            await host.inbound.release()
            await self.quiet()

    def clean(self, name: str) -> bytes:
        """What a fresh function shows; the legacy VM's data in VF2 is left out."""
        return bytes(PAGE) if name == MEMORY else self.fresh[name]

    async def refused_everywhere(self, what: str) -> None:
        """In ERROR and CONFIG_LOCKED no route shows anything."""
        function = self.function()
        for name, route in ROUTES.items():
            for address in (
                self.memory(),
                self.memory() + PAGE - CHUNK,
                function.bar0 + Register.HOST_ADDRESS_LOW,
                function.bar0 + Register.SCRATCH,
                function.bar2 + Bar2.MSIX_TABLE,
                function.bar2 + Bar2.MSIX_PBA,
            ):
                await self.read_refused(address, route, f"{what}, {name}", 8)

    async def break_lock(self) -> None:
        """Clear and set Bus Master Enable."""
        await self.disturb()

    async def reset_function(self) -> None:
        """FLR of VF1, and Bus Master Enable again."""
        rid = self.function().rid
        at = await self.host.capability(rid, CapabilityId.PCIE) + DEVICE_CONTROL
        value = await self.host.config_read(rid, at)
        await self.host.config_write(rid, at, value | INITIATE_FLR, enables=0b0011)
        await self.quiet(SETTLE)
        await self.host.config_write(rid, COMMAND, BUS_MASTER, enables=0b0011)


@pyuvm.test()
class NextOwnerFindsNothing(Residue):
    """STOP from RUN, from ERROR after a broken lock and after FLR: clean in CONFIG_UNLOCKED."""

    async def attack(self) -> None:
        await super().attack()
        await self.use_other_stream()
        ways: dict[str, Callable[[], Awaitable[None]] | None] = {
            "STOP from RUN": None,
            "broken lock": self.break_lock,
            "FLR": self.reset_function,
        }
        for what, way in ways.items():
            await self.fill()
            if way is not None:
                await way()
                self.assert_states(TdiState.ERROR, what)
                await self.refused_everywhere(what)
            await self.kit.stop(self.session, VICTIM)
            await self.assert_clean(what, PLAIN)
            await self.assert_legacy_untouched(what)
            await self.attach_with_interrupts()
        self.assert_no_leak([self.fill_data, SCRATCH])


@pyuvm.test()
class NextTvmFindsNothing(Residue):
    """LOCK and START straight after STOP: the next TVM finds nothing either."""

    async def attack(self) -> None:
        await super().attack()
        await self.use_other_stream()
        await self.fill()
        await self.lock_again()
        await self.refused_everywhere("CONFIG_LOCKED")
        await self.kit.start(self.session, self.tdi)
        await self.assert_clean("the next TVM", TRUSTED)
        assert not self.host.inbound.interrupts, "an interrupt of the former owner"
        self.assert_no_leak([self.fill_data, SCRATCH])


@pyuvm.test()
class OwnerFindsItsOwn(Residue):
    """What is cleared for the next owner is there for the owner itself."""

    async def attack(self) -> None:
        await super().attack()
        await self.fill()
        self.host.inbound.hold_completions = False
        await self.host.inbound.release()
        await self.quiet()
        found = await self.everything(VICTIM, TRUSTED)
        assert found[MEMORY] == self.fill_data
        assert SCRATCH in found[REGISTERS]
        assert PUBLISHED in found[PUBLIC]
        assert found[PBA].startswith((1 << VECTOR).to_bytes(8, "little"))
