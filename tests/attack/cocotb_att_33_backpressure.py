# SPDX-License-Identifier: Apache-2.0
"""ATT-33: one interface stands still for ever while errors arrive.

TLPs from the device, messages to the root of trust and its answers, words of entropy: each stalls
while VF1 and VF3 run for TVMs and VF2 for a legacy VM. Errors move TDIs to ERROR as fast as ever,
what does not need the stalled interface goes on, no byte leaves in clear that would not have
otherwise, and when the stall ends so does its effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import pyuvm
from cocotb.triggers import ClockCycles, SimTimeoutError, with_timeout

from models.app.map import Status
from models.doe.codes import ObjectType, Register
from models.pcie.codes import INITIATE_FLR, CapabilityId, CplStatus
from models.pcie.tlp import Tlp
from models.spdm.carrier import wrap
from models.spdm.messages import GetDigests
from models.tdisp.codes import ErrorCode, LockFlags, Request, Response, TdiState
from tb.adapter import CLOCK_PERIOD_NS
from tb.host.root_port import HOST_RID, ReadResult
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import COMMAND, COMMAND_MASTER, DEVICE_CONTROL
from tb.scenario import DEFAULT_STREAM, TVM_MEMORY
from tests.attack.attack_test import LEGACY_DATA, LEGACY_VF, TRUSTED, VICTIM, AttackTest, Step
from tests.attack.attack_test import assert_error as assert_tdisp_error
from tests.attack.doe_words import BUSY, GO, Line, Words
from tests.system.doe_path import Exchange, on_the_way

BYSTANDER = 3  # of another tenant
HEARTBEAT = 10  # seconds
STALL = 2500  # cycles before the error, and after it
PROMPT = 300  # cycles within which an error shows, whatever stalls
SCRUBBED = 1500  # cycles: longer than a function level reset takes
NONCE_TIMEOUT = 70_000  # cycles: no nonce comes later than that
LOOK = 500  # cycles between two looks
WINDOW = 256  # offset in the memory page
SENT = 512  # bytes
PIECE = 64  # bytes of one write
ATTEMPTS = 4

Answer = Coroutine[Any, Any, ReadResult]


@dataclass(frozen=True)
class Fault:
    """An error of VF1 while TLPs from the device stall."""

    name: str
    happens: Step
    waiting: int  # reads that the host has sent before
    stream_ends: bool = False
    session_ends: bool = False


class Stalled(AttackTest):
    """VF1 and VF3 in RUN with the secret, VF2 with data of the legacy VM."""

    heartbeat_period = HEARTBEAT

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.now = 0.0
        self.words = Words(self.kit)
        await self._key()
        for index in (VICTIM, BYSTANDER):
            await self.revive(index)
        await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")

    async def _key(self) -> None:
        self.session = await self.kit.open_session()
        await self.key_again()

    async def revive(self, index: int) -> None:
        """STOP, LOCK, START, and the secret in the memory of the function."""
        if self.state(index) is not TdiState.CONFIG_UNLOCKED:
            await self.kit.stop(self.session, index)
        tdi = await self.kit.lock(self.session, index)
        await self.kit.start(self.session, tdi)
        await self.put_secret(index)

    async def put_secret(self, index: int) -> None:
        """The secret into the memory of the function."""
        for at in range(0, len(self.secret), PIECE):
            piece = self.secret[at : at + PIECE]
            await self.host.mem_write(self.memory(index) + at, piece, TRUSTED, "TVM")

    async def assert_prompt(self, what: str, index: int = VICTIM) -> None:
        """The TDI is in ERROR before long."""
        for _ in range(PROMPT):
            if self.state(index) is TdiState.ERROR:
                return
            await ClockCycles(self.adapter.clk, 1)
        raise AssertionError(f"{what}: VF{index} is in {self.state(index).name}")

    async def assert_all_served(self, what: str, *trusted: int) -> None:
        """The TVMs of these functions and the legacy VM find what is theirs."""
        for index in trusted:
            assert self.state(index) is TdiState.RUN, f"{what}: VF{index}"
            await self.assert_served(what, index)
        await self.assert_legacy_untouched(what)

    async def assert_dma(self, index: int, what: str) -> None:
        """A transfer of the function to its TVM."""
        await self.program_dma(index, True, TVM_MEMORY.base, len(self.secret), TRUSTED)
        assert await self.dma_status(index, TRUSTED) == Status.DONE, what
        assert self.host.memory.read(TVM_MEMORY.base, len(self.secret)) == self.secret, what
        self.host.memory.write(TVM_MEMORY.base, bytes(len(self.secret)))

    def assert_unlocked(self) -> None:
        """VF1 has not been locked."""
        assert self.state() is TdiState.CONFIG_UNLOCKED

    async def issue_write(self, rid: int, register: int, value: int, enables: int) -> Answer:
        """A configuration write whose completion nobody waits for yet."""
        tlp = Tlp.cfg_write(HOST_RID, rid, register, value, self.host.new_tag())
        return await self.host.issue(replace(tlp, first_be=enables))

    async def issue_read(self, index: int, route: Route) -> Answer:
        """A read of the memory page whose completion nobody waits for yet."""
        tag = self.host.new_tag()
        tlp = Tlp.mem_read(HOST_RID, self.memory(index), len(self.secret), tag)
        return await self.host.issue(tlp, route)

    async def issue_reads(self, count: int) -> list[Answer]:
        """Reads by the legacy VM and the TVMs in turn."""
        ways = ((LEGACY_VF, PLAIN), (BYSTANDER, TRUSTED), (VICTIM, TRUSTED))
        return [await self.issue_read(*ways[n % len(ways)]) for n in range(count)]

    @property
    def legacy(self) -> bytes:
        """What the legacy VM reads."""
        return LEGACY_DATA + bytes(len(self.secret) - len(LEGACY_DATA))

    async def end_sessions(self) -> None:
        """The root of trust misses heartbeats and ends all sessions."""
        self.now += 2.5 * HEARTBEAT
        await self.kit.env.rot.driver.advance_time(self.now)

    async def issue_go(self) -> Answer:
        """GO, whose completion nobody waits for yet."""
        assert self.host.doe_base is not None
        return await self.issue_write(
            self.host.pf_rid, self.host.doe_base + Register.CONTROL, GO, 0xF
        )

    def stall_link(self, stalled: bool) -> None:
        """TLPs from the device."""
        self.env.scoreboard.link_stalls(stalled)
        self.kit.env.link_out.sink.pause = stalled


@pyuvm.test()
class AllIsServedWithoutAStall(Stalled):
    """The same reads, transfers, messages and requests while nothing stalls."""

    async def attack(self) -> None:
        for number, read in enumerate(await self.issue_reads(6)):
            result = await read
            assert result.status is CplStatus.SC, f"read {number}: {result}"
            assert result.data == (self.secret if number % 3 else self.legacy), f"read {number}"
        answer = await self.words.exchange(wrap(ObjectType.SPDM, GetDigests().encode()))
        assert answer is not None
        for index in (VICTIM, BYSTANDER):
            await self.assert_dma(index, "without a stall")
            await self.revive(index)
        await self.assert_all_served("without a stall", VICTIM, BYSTANDER)
        self.assert_no_leak()


@pyuvm.test()
class ErrorsPassAStalledLink(Stalled):
    """All kinds of errors while no TLP can leave: ERROR at once, the others live on."""

    async def attack(self) -> None:
        self.pending: list[Answer] = []
        for fault in (
            Fault("internal error", lambda: self.kit.internal_error(VICTIM), 6),
            # A read whose completion waits holds up requests behind it: none before these.
            Fault("Bus Master Enable", self._clear_master, 0),
            Fault("FLR", self._flr, 0),
            Fault("damaged TLP", self._damaged, 1, stream_ends=True),
            Fault("no heartbeat", self.end_sessions, 1, stream_ends=True, session_ends=True),
        ):
            await self._stalls(fault)
            await self._recover(fault)
            self.assert_no_leak()

    async def _stalls(self, fault: Fault) -> None:
        self.stall_link(True)
        reads = await self.issue_reads(fault.waiting)
        await self.quiet(STALL)
        mark = self.mark()
        await fault.happens()
        await self.assert_prompt(fault.name)
        if fault.stream_ends:
            assert not self.secure(), fault.name
            await self.assert_prompt(fault.name, BYSTANDER)
        else:
            assert self.state(BYSTANDER) is TdiState.RUN, fault.name
        await self.quiet(STALL)
        assert not self.from_device(mark), f"{fault.name}: nothing can have left"
        self.stall_link(False)
        for read in reads:
            result = await read
            assert result.status in (CplStatus.SC, CplStatus.UR), f"{fault.name}: {result}"
            assert result.data in (b"", self.secret, self.legacy), f"{fault.name}: {result}"
        await self.quiet()

    async def _recover(self, fault: Fault) -> None:
        for answer in self.pending:
            assert (await answer).status is CplStatus.SC, fault.name
        self.pending.clear()
        await self.quiet(SCRUBBED)
        rid = self.function().rid
        await self.host.config_write(rid, COMMAND, COMMAND_MASTER, enables=0b0011)
        assert self.state() is TdiState.ERROR, fault.name
        if fault.session_ends:
            await self._key()
        elif fault.stream_ends:
            await self.key_again()
        await self.revive(VICTIM)
        if fault.stream_ends:
            await self.revive(BYSTANDER)
        await self.assert_all_served(f"after {fault.name}", VICTIM, BYSTANDER)
        await self.assert_dma(VICTIM, f"after {fault.name}")

    async def _clear_master(self) -> None:
        self.pending.append(await self.issue_write(self.function().rid, COMMAND, 0, 0b0011))

    async def _flr(self) -> None:
        rid = self.function().rid
        at = self._device_control
        self.pending.append(await self.issue_write(rid, at, INITIATE_FLR, 0b0011))

    async def prepare(self) -> None:
        await super().prepare()
        at = await self.host.capability(self.function().rid, CapabilityId.PCIE)
        self._device_control = at + DEVICE_CONTROL

    async def _damaged(self) -> None:
        """A write of the TVM whose last bit has changed on the way."""
        tlp = Tlp.mem_write(HOST_RID, self.memory() + WINDOW, bytes(8))
        wire = bytearray(self.host.streams[DEFAULT_STREAM].encrypt(tlp.encode(), True))
        wire[-1] ^= 1
        await self.host.transmit_wire(bytes(wire), "damaged")


@pyuvm.test()
class MessagesPassAStalledLink(Stalled):
    """The mailbox is emptied to the root of trust while the completion of GO cannot leave."""

    async def attack(self) -> None:
        asked: list[bytes] = []
        responder = self.kit.env.rot.driver.responder
        honest: Callable[[bytes, int | None], bytes | None] = responder.handle

        def handle(message: bytes, session_id: int | None) -> bytes | None:
            asked.append(message)
            return honest(message, session_id)

        responder.handle = handle
        question = GetDigests().encode()
        await self.words.put(wrap(ObjectType.SPDM, question))
        self.stall_link(True)
        go = await self.issue_go()
        await self.quiet(STALL)
        assert asked == [question]
        await self.kit.internal_error(VICTIM)
        await self.assert_prompt("behind GO")
        self.stall_link(False)
        assert (await go).status is CplStatus.SC
        answer = await self.words.answer()
        assert answer is not None
        await self.revive(VICTIM)
        await self.assert_all_served("after the stall", VICTIM, BYSTANDER)


@pyuvm.test()
class TransfersInAStallStayProtected(Stalled):
    """VF1 has begun to send its secret when nothing moves any more: none of it leaves in clear."""

    async def attack(self) -> None:
        self.secret = self.rng.randbytes(SENT)
        for index in (VICTIM, BYSTANDER):
            await self.put_secret(index)
        ends: dict[str, Callable[[], Awaitable[None]]] = {
            "internal error": lambda: self.kit.internal_error(VICTIM),
            "no heartbeat": self.end_sessions,
        }
        for what, end in ends.items():
            self.stall_link(True)
            await self.program_dma(VICTIM, True, TVM_MEMORY.base, SENT, TRUSTED)
            await self.quiet(STALL)
            await end()
            await self.assert_prompt(what)
            await self.quiet(STALL)
            self.stall_link(False)
            await self.quiet()
            self.assert_no_leak()
            assert self.state() is TdiState.ERROR, what
            if not self.secure():
                await self._key()
                await self.revive(BYSTANDER)
            await self.revive(VICTIM)
            await self.assert_dma(VICTIM, f"after {what}")


@pyuvm.test()
class StopWaitsForTheLink(Stalled):
    """STOP with a transfer in the stall: nothing of VF1 leaves after the answer to STOP."""

    async def attack(self) -> None:
        rid = self.function().rid
        for attempt in range(ATTEMPTS):
            answered = await self._stop_in_a_stall(1 + 40 * attempt)
            await self.quiet()
            late = [
                record
                for record in self.from_device(answered)
                if record.plain is not None and Tlp.decode(record.plain).requester_id == rid
            ]
            assert not late, f"after the answer to STOP: {late[0].summary()}"
            result = await self.host.mem_read(self.memory(), len(self.secret))
            assert result.data == bytes(len(self.secret)), "left behind by STOP"
            await self.revive(VICTIM)
            await self.assert_all_served("after STOP", VICTIM, BYSTANDER)

    async def _stop_in_a_stall(self, delay: int) -> int:
        """STOP, `delay` cycles after the start of a transfer; how many TLPs had passed then."""
        answered = 0

        async def through(_: Exchange, raw: bytes) -> bytes | None:
            nonlocal answered
            await self.words.put(raw)
            self.stall_link(True)
            await self.program_dma(VICTIM, True, TVM_MEMORY.base, SENT, TRUSTED)
            await self.quiet(delay)
            go = await self.issue_go()
            await self.quiet(2 * STALL)
            self.stall_link(False)
            await go
            answer = await self.words.answer()
            answered = self.mark()
            return answer

        with on_the_way(self.kit.env.doe, through):
            await self.kit.stop(self.session, VICTIM)
        return answered


@pyuvm.test()
class ErrorsPassAStalledRootOfTrust(Stalled):
    """It takes no message, or answers none: memory, transfers, errors and session keys go on."""

    async def attack(self) -> None:
        driver = self.kit.env.rot.driver
        for what, port in (("takes nothing", driver.sink), ("answers nothing", driver.source)):
            port.pause = True
            await self.words.put(wrap(ObjectType.SPDM, GetDigests().encode()))
            await self.words.go()
            await self.quiet(STALL)
            assert await self.words.status() == BUSY, what
            await self.kit.internal_error(VICTIM)
            await self.assert_prompt(what)
            await self.read_refused(self.memory(), TRUSTED, what)
            await self.assert_all_served(what, BYSTANDER)
            await self.assert_dma(BYSTANDER, what)
            await self.words.abort()
            await self._end_sessions_in_time(what)
            await self.assert_prompt(what, BYSTANDER)
            assert not self.secure(), what
            await self.read_refused(self.memory(BYSTANDER), PLAIN, what)
            port.pause = False
            await self.quiet(STALL)
            assert await self.words.status() == 0, f"{what}: a stale answer"
            await self._key()
            for index in (VICTIM, BYSTANDER):
                await self.revive(index)
            await self.assert_all_served(f"after it {what}", VICTIM, BYSTANDER)
            self.assert_no_leak()

    async def _end_sessions_in_time(self, what: str) -> None:
        """The session-key port takes writes although messages stall."""
        try:
            await with_timeout(self.end_sessions(), PROMPT * CLOCK_PERIOD_NS, "ns")
        except SimTimeoutError as error:
            raise AssertionError(f"{what}: the session-key port is blocked") from error


@pyuvm.test()
class LockWithoutEntropyEnds(Stalled):
    """No word of entropy comes: LOCK is refused after a while; others never notice."""

    async def attack(self) -> None:
        refused = ErrorCode.INSUFFICIENT_ENTROPY
        self.kit.env.scoreboard.findings.expect_error(refused.name)
        await self.kit.stop(self.session, VICTIM)
        self.kit.env.entropy.enabled = False

        async def through(_: Exchange, raw: bytes) -> bytes | None:
            await self.words.put(raw)
            await self.words.go()
            await self.quiet(STALL)
            await self._in_the_meantime()
            waited = 0
            while waited < NONCE_TIMEOUT and await self.words.status() & BUSY:
                await self.quiet(LOOK)
                waited += LOOK
            return await self.words.answer()

        with on_the_way(self.kit.env.doe, through):
            answer = await self.kit.lock_request(self.session, VICTIM)
        assert_tdisp_error(answer, refused, "LOCK without entropy")
        self.assert_unlocked()
        self.kit.env.entropy.enabled = True
        for index in (VICTIM, BYSTANDER):
            await self.revive(index)
        await self.assert_all_served("with entropy", VICTIM, BYSTANDER)

    async def _in_the_meantime(self) -> None:
        assert await self.words.status() == BUSY
        self.assert_unlocked()
        await self.assert_all_served("without entropy", BYSTANDER)
        await self.assert_dma(BYSTANDER, "without entropy")
        await self.kit.internal_error(VICTIM)  # not locked yet: no effect
        await self.kit.internal_error(BYSTANDER)
        await self.assert_prompt("without entropy", BYSTANDER)
        await self.read_refused(self.memory(BYSTANDER), TRUSTED, "without entropy")


@pyuvm.test()
class AbandonedLockHoldsNobodyUp(Stalled):
    """The host gives up a LOCK that waits for entropy: the next request is answered after it."""

    async def attack(self) -> None:
        line = Line(self.kit, self.session)
        answer = await self.words.exchange(line.ask(Request.STOP_INTERFACE_REQUEST, VICTIM))
        assert answer is not None
        assert line.open(answer).code == Response.STOP_INTERFACE_RESPONSE
        self.kit.env.entropy.enabled = False
        flags = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE
        payload = int(flags).to_bytes(2, "little") + bytes([DEFAULT_STREAM, 0]) + bytes(16)
        await self.words.put(line.ask(Request.LOCK_INTERFACE_REQUEST, VICTIM, payload))
        await self.words.go()
        await self.quiet(STALL)
        await self.words.abort()
        line.lost()
        self.assert_unlocked()
        await self.words.put(line.ask(Request.STOP_INTERFACE_REQUEST, BYSTANDER))
        await self.words.go()
        await self.quiet(STALL)
        assert await self.words.status() == BUSY
        await self.assert_all_served("without entropy", BYSTANDER)
        self.kit.env.entropy.enabled = True
        answer = await self.words.answer()
        assert answer is not None
        assert line.open(answer).code == Response.STOP_INTERFACE_RESPONSE
        assert self.state() is TdiState.CONFIG_LOCKED, "the LOCK was carried out"
        assert self.state(BYSTANDER) is TdiState.CONFIG_UNLOCKED
        self.host.inbound.check.revoke(self.function(BYSTANDER).rid)
        result = await self.host.mem_read(self.memory(BYSTANDER), len(self.secret))
        assert result.data == bytes(len(self.secret)), "left behind by STOP"
