# SPDX-License-Identifier: Apache-2.0
"""ATT-28: configuration writes that end a lock although they must not, and the reverse.

The tables below say for each register which bits a lock forbids to change. Everything else of
configuration space may be written at any time: of each register that holds something every bit by
itself, of the others all at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyuvm

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import INITIATE_FLR, CplStatus, IdeRegister, SelectiveBlock
from models.tdisp.codes import TdiState
from tb.agents.cfg.item import CfgItem
from tb.host.vmm_host import COMMAND_MASTER
from tb.scenario import DEFAULT_STREAM, STREAM_BLOCKS
from tests.attack.attack_test import TRUSTED, VICTIM, AttackTest

PF, NEXT = 0, 2
ALL = 0xFFFFFFFF
END = 0x300  # nothing is implemented from here on
ENABLES = 0x0006
MAILBOX = range(Reg.DOE + 8, Reg.DOE + 0x18, 4)  # a device of its own: not a matter of bits
POWER = (Reg.PM_CONTROL,)  # in D3hot nothing answers that could show what has changed
BLOCK = Reg.IDE + IdeRegister.FIRST_BLOCK + STREAM_BLOCKS[DEFAULT_STREAM] * SelectiveBlock.SIZE

# Written in the physical function, for the TDI of a virtual one
SHARED: Mapping[int, int] = {
    Reg.DEVICE_CONTROL: 1 << 8 | 1 << 9 | 1 << 11,  # extended tags, phantom functions, no snoop
    Reg.DEVICE_CONTROL_2: 1 << 12,  # 10-bit tags
    Reg.ATS_CONTROL: 0x1F << 16,  # smallest translation unit
    Reg.SRIOV_CONTROL: 0xFFFF,
    Reg.SRIOV_NUM_VFS: 0xFFFF,
    **dict.fromkeys(range(Reg.SRIOV_VF_OFFSET, Reg.SRIOV_MIGRATION + 4, 4), ALL),
    BLOCK + SelectiveBlock.CONTROL: ALL,
    **{
        BLOCK + register: ALL
        for register in range(SelectiveBlock.RID_ASSOCIATION_1, SelectiveBlock.SIZE, 4)
    },
}
# Written in the function that the TDI is, and Command where a bit is cleared only
OWN: Mapping[int, int] = {
    Reg.COMMAND: ENABLES,
    Reg.HEADER_TYPE: 0xFF << 24,  # BIST
    **dict.fromkeys(range(Reg.BAR0, Reg.BAR5 + 4, 4), ALL),
    Reg.ROM: ALL,
    Reg.MSIX: 0xFFFF << 16,
    Reg.TPH_CONTROL: 0x3 << 8 | 0x7,  # TPH Requester Enable, ST Mode Select
    Reg.DEVICE_CONTROL: 1 << 8 | 1 << 9 | 1 << 11,
    Reg.DEVICE_CONTROL_2: 1 << 12,
    Reg.ATS_CONTROL: 1 << 31 | 0x1F << 16,
}


@dataclass(frozen=True)
class Place:
    """A register of a function, and what it held before."""

    index: int
    register: int
    old: int


class Bits(AttackTest):
    """VF1 locked; writes configuration space bit by bit."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)

    async def write(self, place: Place, value: int) -> None:
        """A write of the whole register, which completes whatever it does."""
        item = CfgItem(self.function(place.index).rid, place.register, write=True, data=value)
        await self.host.config(item)
        assert item.status is CplStatus.SC, f"{place}: {item}"

    async def read(self, index: int, register: int) -> int:
        """The value of a register."""
        return await self.host.config_read(self.function(index).rid, register)

    async def held(self, index: int, register: int, bits: int) -> tuple[Place, int]:
        """The place, and which of `bits` take what is written; all is left as it was."""
        place = Place(index, register, await self.read(index, register))
        await self.write(place, place.old ^ bits)
        changed = (await self.read(index, register)) ^ place.old
        await self.restore(place)
        return place, changed & bits

    async def restore(self, place: Place) -> None:
        """Bring a register back, and what hung on it."""
        await self.write(place, place.old)
        if place.register == Reg.SRIOV_CONTROL:
            for index in range(1, 4):
                rid = self.function(index).rid
                await self.host.config_write(rid, Reg.COMMAND, COMMAND_MASTER, 0b0011)

    async def take(self, index: int, *, run: bool) -> None:
        """LOCK, and START where wanted."""
        if not self.secure():
            await self.key_again()
        self.tdi = await self.kit.lock(self.session, index)
        if run:
            await self.kit.start(self.session, self.tdi)


@pyuvm.test()
class HarmlessBitsChangeNothing(Bits):
    """All functions, all registers: no bit outside the tables ends a lock, of RUN or before it."""

    stay: Mapping[int, TdiState] = {VICTIM: TdiState.RUN, NEXT: TdiState.CONFIG_LOCKED}

    async def attack(self) -> None:
        await self.take(NEXT, run=False)
        await self.take(VICTIM, run=True)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")
        for index in (PF, VICTIM, NEXT):
            for register in range(0, END, 4):
                if register in (*MAILBOX, *POWER):
                    continue
                await self._walk(index, register, self._free(index, register))
        self.stay = {VICTIM: TdiState.RUN}
        for register in OWN:
            await self._walk(NEXT, register, OWN[register] & ~INITIATE_FLR)
        assert self.state(NEXT) is TdiState.ERROR
        assert self.secure()
        await self.assert_served("after the walk")

    @staticmethod
    def _free(index: int, register: int) -> int:
        tracked = (SHARED if index == PF else OWN).get(register, 0)
        if register == Reg.DEVICE_CONTROL:
            tracked |= INITIATE_FLR
        return ALL & ~tracked

    async def _walk(self, index: int, register: int, free: int) -> None:
        place = Place(index, register, await self.read(index, register))
        await self.write(place, place.old ^ free)
        held = ((await self.read(index, register)) ^ place.old) & free
        await self.write(place, place.old)
        self._assert_stay(place, free)
        for bit in range(32):
            if held >> bit & 1:
                await self.write(place, place.old ^ 1 << bit)
                self._assert_stay(place, 1 << bit)
                await self.write(place, place.old)
        self._assert_stay(place, 0)

    def _assert_stay(self, place: Place, bits: int) -> None:
        for tdi, wanted in self.stay.items():
            state = self.state(tdi)
            assert state is wanted, f"bits {bits:08x} of {place}: TDI {tdi} in {state.name}"


class Tracked(Bits):
    """Finds the bits of the tables that are there."""

    async def forbidden(self) -> list[tuple[int, Place, int]]:
        """TDI, register, and the bits of it that the lock of this TDI forbids to change."""
        found = []
        for tdi, index, table in ((VICTIM, PF, SHARED), (VICTIM, VICTIM, OWN), (PF, PF, OWN)):
            for register, bits in table.items():
                place, held = await self.held(index, register, bits)
                if register == Reg.COMMAND:
                    held &= place.old
                if held:
                    found.append((tdi, place, held))
        return found

    async def write_without(self, place: Place, value: int, byte: int) -> None:
        """A write whose byte enables leave one byte out."""
        rid, enables = self.function(place.index).rid, 0xF & ~(1 << byte)
        await self.host.config_write(rid, place.register, value, enables)


@pyuvm.test()
class ForbiddenBitsEndTheLock(Tracked):
    """One bit of each register in the tables that takes it, in CONFIG_LOCKED or RUN: ERROR."""

    async def attack(self) -> None:
        places = await self.forbidden()
        assert len(places) > 20, f"{len(places)} registers only"
        for tdi, place, held in places:
            bit = self.rng.choice([n for n in range(32) if held >> n & 1])
            run = self.rng.random() < 0.5
            what = f"TDI {tdi}, run={run}, bit {bit} of {place}"
            await self.take(tdi, run=run)
            await self.write_without(place, place.old ^ 1 << bit, bit // 8)
            locked = TdiState.RUN if run else TdiState.CONFIG_LOCKED
            assert self.state(tdi) is locked, f"{what}, its byte not enabled"
            await self.write(place, place.old ^ 1 << bit)
            assert self.state(tdi) is TdiState.ERROR, f"{what}: {self.state(tdi).name}"
            await self.restore(place)
            assert self.state(tdi) is TdiState.ERROR, f"{what}: undone"
            await self.kit.stop(self.session, tdi)


@pyuvm.test()
class ValuesThatAreThereChangeNothing(Tracked):
    """Each register of the tables is written with its own value in RUN, with another in ERROR."""

    async def attack(self) -> None:
        places = [(place, held) for tdi, place, held in await self.forbidden() if tdi == VICTIM]
        await self.take(VICTIM, run=True)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")
        for place, _ in places:
            await self.write(place, place.old)
            self.assert_states(TdiState.RUN, f"the same value in {place}")
        await self.assert_served("the same values")
        await self.disturb()
        for place, held in places:
            if place.register == BLOCK + SelectiveBlock.CONTROL:
                continue
            await self.write(place, place.old ^ held)
            self.assert_states(TdiState.ERROR, f"{place} in ERROR")
            await self.restore(place)
        await self.kit.stop(self.session, VICTIM)
        for place, held in places:
            await self.write(place, place.old ^ held)
            self.assert_states(TdiState.CONFIG_UNLOCKED, f"{place} in CONFIG_UNLOCKED")
            await self.restore(place)
