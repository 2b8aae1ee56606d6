# SPDX-License-Identifier: Apache-2.0
"""ATT-32: a request and an error that takes effect in the same cycle, or a cycle apart.

A first request without disturbance shows in which cycle after GO it takes effect, a first error how
long it takes to show. Then both are brought together, shifted against each other cycle by cycle.
Whichever came first has its effect; in the same cycle the error wins; nothing is ever lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time

from models.ide.codes import ControlBit
from models.pcie.codes import INITIATE_FLR, CapabilityId, ExtendedCapabilityId, SriovRegister
from models.pcie.codes import SelectiveBlock as Block
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCode, LockFlags, Request, Response, TdiState
from tb.adapter import CLOCK_PERIOD_NS
from tb.host.root_port import HOST_RID
from tb.host.vmm_host import COMMAND, COMMAND_MASTER, DEVICE_CONTROL
from tb.scenario import DEFAULT_STREAM, STREAM_BLOCKS, TdispAnswer
from tests.attack.attack_test import TRUSTED, VICTIM, AttackTest, Step
from tests.attack.doe_words import Words
from tests.system.doe_path import Exchange, on_the_way

UNLOCKED, LOCKED = TdiState.CONFIG_UNLOCKED, TdiState.CONFIG_LOCKED
RUN, ERROR = TdiState.RUN, TdiState.ERROR
BEFORE, AFTER = "error first", "request first"
PIN_SHIFTS = range(-4, 5)
WRITE_SHIFTS = range(-8, 9)  # a write is under way for some cycles before and after it shows
KEY_SHIFTS = range(-2, 3)  # each needs new keys
TAIL = 300  # cycles behind both
SCRUBBED = 1500  # cycles: longer than a function level reset takes
FIRST_GUESS = 20  # cycles until an error shows, as long as it has not been measured
SIZE = 64

Ask = Callable[[], Awaitable[TdispAnswer | None]]


@dataclass
class Disturbance:
    """An error: how to make it, and how to undo what else it does."""

    name: str
    act: Step
    undo: Step
    shifts: Iterable[int]
    refuses_lock: bool = False  # a LOCK that comes later has to be refused
    latency: int = FIRST_GUESS  # cycles until a locked TDI shows it


@dataclass(frozen=True)
class Race:
    """What VF1 showed, in cycles after GO, and the answer."""

    what: str
    changes: tuple[tuple[int, TdiState], ...]
    due: int  # the cycle in which the error shows on a locked TDI
    answer: TdispAnswer

    @property
    def states(self) -> list[TdiState]:
        """The states that VF1 went through."""
        return [state for _, state in self.changes]

    @property
    def first(self) -> int:
        """The cycle of the first change."""
        return self.changes[0][0]


class Races(AttackTest):
    """VF1 unlocked; the requests go through the mailbox without anything beside them."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        self.words = Words(self.kit)
        self.changes: list[tuple[int, TdiState]] = []
        cocotb.start_soon(self._record())

    def cycle(self) -> int:
        """The number of this cycle."""
        return round(get_sim_time("ns") / CLOCK_PERIOD_NS)

    async def _record(self) -> None:
        last = self.state()
        while True:
            await self.adapter.tdi_state_event
            if self.state() is not last:
                last = self.state()
                self.changes.append((self.cycle(), last))

    # ------------------------------------------------------------------ disturbances

    def pin(self) -> Disturbance:
        """Logic around the device reports an internal error."""

        async def act() -> None:
            await self.adapter.internal_error(1 << VICTIM)
            await self.quiet(pin.latency)
            self.kit.env.scoreboard.internal_error(VICTIM)

        pin = Disturbance("internal error", act, self.nothing, PIN_SHIFTS)
        return pin

    async def nothing(self) -> None:
        """Nothing else to undo."""

    def write(
        self, name: str, rid: int, register: int, value: int, enables: int, undo: Step
    ) -> Disturbance:
        """A configuration write, which is not waited for."""

        async def act() -> None:
            host = self.host
            tlp = Tlp.cfg_write(HOST_RID, rid, register, value, host.new_tag())
            self.pending = await host.issue(replace(tlp, first_be=enables))

        async def finish() -> None:
            await self.pending
            await undo()

        return Disturbance(name, act, finish, WRITE_SHIFTS)

    def master_cleared(self) -> Disturbance:
        """Bus Master Enable of VF1 is cleared, and set again later."""
        rid = self.function().rid
        return self.write("Bus Master Enable", rid, COMMAND, 0, 0b0011, self.set_master)

    async def set_master(self) -> None:
        """Bus Master Enable of VF1."""
        rid = self.function().rid
        await self.host.config_write(rid, COMMAND, COMMAND_MASTER, enables=0b0011)

    async def flr(self) -> Disturbance:
        """Function level reset of VF1."""
        rid = self.function().rid
        at = await self.host.capability(rid, CapabilityId.PCIE) + DEVICE_CONTROL

        async def undo() -> None:
            await self.quiet(SCRUBBED)
            await self.set_master()

        return self.write("FLR", rid, at, INITIATE_FLR, 0b0011, undo)

    async def overlap(self) -> Disturbance:
        """VF BAR0 is moved on top of the physical function: LOCK has to be refused from then on."""
        pf = self.host.pf_rid
        at = await self.host.extended_capability(pf, ExtendedCapabilityId.SRIOV)
        at += SriovRegister.VF_BAR0
        old, wrong = self.function().bar0 & 0xFFFFFFFF, self.function(0).bar0 & 0xFFFFFFFF

        async def undo() -> None:
            await self.host.config_write(pf, at, old)

        made = self.write("VF BAR0", pf, at, wrong, 0xF, undo)
        made.refuses_lock = True
        return made

    async def disabled(self) -> Disturbance:
        """The default stream is disabled, which takes its keys away."""
        pf = self.host.pf_rid
        at = await self.kit.vmm.selective_block(STREAM_BLOCKS[DEFAULT_STREAM]) + Block.CONTROL
        value = await self.host.config_read(pf, at) & ~(1 << ControlBit.ENABLE)
        made = self.write("IDE disabled", pf, at, value, 0xF, self.key_again)
        made.shifts = KEY_SHIFTS
        return made

    # ------------------------------------------------------------------ requests

    async def lock_it(self) -> None:
        """VF1 to CONFIG_LOCKED."""
        self.tdi = await self.kit.lock(self.session, VICTIM)

    async def run_it(self) -> None:
        """VF1 to RUN."""
        await self.lock_it()
        await self.kit.start(self.session, self.tdi)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")

    async def unlock_it(self) -> None:
        """VF1 to CONFIG_UNLOCKED from wherever it is."""
        if self.state() is not UNLOCKED:
            await self.kit.stop(self.session, VICTIM)
        self.host.inbound.check.revoke(self.function().rid)

    async def lock(self) -> TdispAnswer | None:
        """LOCK_INTERFACE_REQUEST, whatever comes back."""
        flags = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE
        return await self.kit.lock_request(self.session, VICTIM, flags)

    async def start(self) -> TdispAnswer | None:
        """START_INTERFACE_REQUEST, whatever comes back."""
        request = Request.START_INTERFACE_REQUEST
        return await self.kit.tdisp(self.session, request, VICTIM, self.tdi.nonce)

    async def stop(self) -> TdispAnswer | None:
        """STOP_INTERFACE_REQUEST, whatever comes back."""
        return await self.kit.tdisp(self.session, Request.STOP_INTERFACE_REQUEST, VICTIM)

    # ------------------------------------------------------------------ races

    async def latency(self, disturbance: Disturbance) -> int:
        """Cycles until VF1 in CONFIG_LOCKED shows the error."""
        await self.lock_it()
        self.changes.clear()
        begin = self.cycle()
        await disturbance.act()
        await self.quiet(TAIL)
        assert [state for _, state in self.changes] == [ERROR], f"{disturbance.name}"
        found = self.changes[0][0] - begin
        await self.unlock_it()
        await disturbance.undo()
        return found

    async def run(
        self,
        request: Ask,
        at: int,
        behind: int,
        disturbance: Disturbance | None = None,
    ) -> Race:
        """A request, `at` cycles after GO a disturbance, and `behind` cycles after GO a look."""
        begin = 0

        async def through(_: Exchange, raw: bytes) -> bytes | None:
            nonlocal begin
            await self.words.put(raw)
            await self.words.go()
            begin = self.cycle()
            self.changes.clear()
            if disturbance is not None:
                await ClockCycles(self.adapter.clk, at)
                await disturbance.act()
            await self.quiet(max(1, begin + behind - self.cycle()))
            return await self.words.answer()

        with on_the_way(self.kit.env.doe, through):
            answer = await request()
        name = "undisturbed" if disturbance is None else f"{disturbance.name} {at} cycles after GO"
        assert answer is not None, f"{name}: no answer"
        due = at + (0 if disturbance is None else disturbance.latency)
        changes = tuple((cycle - begin, state) for cycle, state in self.changes)
        return Race(f"{name}: {changes}, due {due}, {answer}", changes, due, answer)

    async def sweep(
        self,
        disturbance: Disturbance,
        ready: Step,
        request: Ask,
        judge: Callable[[Race, Disturbance], str],
    ) -> None:
        """All shifts of one disturbance against one request; both orders must occur."""
        disturbance.latency = await self.latency(disturbance)
        await ready()
        effect = (await self.run(request, 0, TAIL)).first
        await self.unlock_it()
        outcomes: list[str] = []
        for shift in disturbance.shifts:
            await ready()
            at = effect - disturbance.latency + shift
            race = await self.run(request, at, effect + TAIL, disturbance)
            outcomes.append(judge(race, disturbance))
            await self.assert_nothing_left(race.what)
            await self.unlock_it()
            await disturbance.undo()
        assert {BEFORE, AFTER} <= set(outcomes), f"{disturbance.name}: {outcomes}"
        assert outcomes[0] == BEFORE, f"{disturbance.name}: {outcomes}"
        assert outcomes[-1] == AFTER, f"{disturbance.name}: {outcomes}"

    async def assert_nothing_left(self, what: str) -> None:
        """Whatever came first: VF1 does not run, nothing of the TVM can be read."""
        assert self.state() is not RUN, what
        result = await self.host.mem_read(self.memory(), SIZE)
        assert result.data in (b"", bytes(SIZE)), f"{what}: {result.data.hex()}"


def stopped(race: Race, _: Disturbance) -> str:
    """STOP ends in CONFIG_UNLOCKED; an error of its cycle is seen before it (TDISP-STATE-003)."""
    assert race.answer.code == Response.STOP_INTERFACE_RESPONSE, race.what
    if race.states == [UNLOCKED]:
        assert race.first < race.due, f"the error is lost: {race.what}"
        return AFTER
    assert race.states == [ERROR, UNLOCKED], race.what
    assert race.first == race.due, race.what
    return BEFORE


def started(race: Race, _: Disturbance) -> str:
    """START ends in ERROR, and is refused where the error was not later (TDISP-START-007)."""
    if race.states == [ERROR]:
        assert race.first == race.due, race.what
        assert race.answer.error is ErrorCode.INVALID_INTERFACE_STATE, race.what
        return BEFORE
    assert race.states == [RUN, ERROR], race.what
    assert race.first < race.due == race.changes[1][0], f"RUN in spite of it: {race.what}"
    assert race.answer.code == Response.START_INTERFACE_RESPONSE, race.what
    return AFTER


def locked(race: Race, disturbance: Disturbance) -> str:
    """LOCK sees the change or falls by it, also where both are at once (TDISP-LOCK-028)."""
    if race.states == [LOCKED, ERROR]:
        assert race.first < race.due == race.changes[1][0], race.what
        assert race.answer.code == Response.LOCK_INTERFACE_RESPONSE, race.what
        return AFTER
    if race.states == [LOCKED]:
        assert not disturbance.refuses_lock, f"locked all the same: {race.what}"
        assert race.due < race.first, f"the error is lost: {race.what}"
        assert race.answer.code == Response.LOCK_INTERFACE_RESPONSE, race.what
        return BEFORE
    assert not race.changes, race.what
    assert race.answer.error is ErrorCode.INVALID_DEVICE_CONFIGURATION, race.what
    return BEFORE


@pyuvm.test()
class EachAloneHasItsEffect(Races):
    """The same requests and the same errors, but not at once: each of them does what it should."""

    async def attack(self) -> None:
        for ready, request, code, state in (
            (self.nothing, self.lock, Response.LOCK_INTERFACE_RESPONSE, LOCKED),
            (self.lock_it, self.start, Response.START_INTERFACE_RESPONSE, RUN),
            (self.run_it, self.stop, Response.STOP_INTERFACE_RESPONSE, UNLOCKED),
        ):
            await ready()
            alone = await self.run(request, 0, TAIL)
            assert alone.states == [state], alone.what
            assert alone.answer.code == code, alone.what
            await self.unlock_it()
        for error in (self.pin(), self.master_cleared(), await self.flr(), await self.overlap()):
            assert 0 < await self.latency(error) < TAIL
        await self.run_it()
        await self.assert_served("after all of them")
        self.assert_no_leak()


@pyuvm.test()
class StopMeetsErrors(Races):
    """STOP in RUN with an internal error, a forbidden write, FLR."""

    async def attack(self) -> None:
        for disturbance in (self.pin(), self.master_cleared(), await self.flr()):
            await self.sweep(disturbance, self.run_it, self.stop, stopped)
        self.assert_no_leak()


@pyuvm.test()
class StartMeetsErrors(Races):
    """START with an internal error, a forbidden write, FLR: ERROR in the end, in every case."""

    async def attack(self) -> None:
        for disturbance in (self.pin(), self.master_cleared(), await self.flr()):
            await self.sweep(disturbance, self.lock_it, self.start, started)


@pyuvm.test()
class StartMeetsTheEndOfKeys(Races):
    """START while the default stream is disabled: ERROR, no stream."""

    async def attack(self) -> None:
        def judge(race: Race, disturbance: Disturbance) -> str:
            assert not self.secure(), race.what
            return started(race, disturbance)

        await self.sweep(await self.disabled(), self.lock_it, self.start, judge)


@pyuvm.test()
class LockMeetsErrors(Races):
    """LOCK with an internal error and FLR: refused, or ERROR, or both are over before it."""

    async def attack(self) -> None:
        refused = ErrorCode.INVALID_DEVICE_CONFIGURATION.name
        self.kit.env.scoreboard.findings.expect_error(refused)
        for disturbance in (self.pin(), await self.flr()):
            await self.sweep(disturbance, self.nothing, self.lock, locked)


@pyuvm.test()
class LockMeetsConfigurationWrites(Races):
    """LOCK with a write that a lock forbids, and one after which LOCK has to be refused."""

    async def attack(self) -> None:
        for disturbance in (self.master_cleared(), await self.overlap()):
            await self.sweep(disturbance, self.nothing, self.lock, locked)
