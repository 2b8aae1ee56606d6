# SPDX-License-Identifier: Apache-2.0
"""ATT-35: what is no memory request: interrupts, messages, I/O, types that nobody has defined.

Outbound, the device runs through the life of a TDI, with a locked MSI-X table and without one, and
all that it sends of its own is compared with the table of types. Some tests run on a device whose
function is hostile: its engines send messages or AtomicOps, or interrupts in any state. Inbound,
messages of all kinds reach a TDI in each state, and the I/O space and undefined types aim at its
memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyuvm

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Status
from models.device.registers import ROM_ENABLE
from models.ide.messages import IdeSync, parse
from models.pcie.codes import AerUncorrectable, FmtType, MessageCode
from models.pcie.layout import DW, FMT_PREFIX, MEMORY_READS, MEMORY_WRITES, has_data
from models.pcie.tlp import Tlp
from models.tdisp.codes import LockFlags, TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.scenario import (
    LEGACY,
    LEGACY_INTERRUPTS,
    LEGACY_MEMORY,
    TVM_INTERRUPTS,
    TVM_MEMORY,
)
from tests.attack.attack_test import (
    BOUND_WITHOUT_T,
    FOREIGN,
    LEGACY_VF,
    TRUSTED,
    VICTIM,
    AttackTest,
)
from tests.attack.cocotb_att_22_stale_msix import MASKED, OPEN, StaleTable
from tests.attack.cocotb_att_34_edges import Placed

SIZE = 64
ALL = 0xFFFFFFFF
READ, WRITE, INTERRUPT, OTHER = "read", "write", "interrupt", "other"
TABLE_LOCKED = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE
TABLE_OPEN = LockFlags.NO_FW_UPDATE
WAITING = 1  # a vector that is masked at first, and pending
Sent = set[tuple[str, Route]]


def kind_of(tlp: Tlp) -> str:
    """The row of the outbound table."""
    if tlp.fmt_type in MEMORY_READS:
        return READ
    if tlp.fmt_type not in MEMORY_WRITES:
        return OTHER
    windows = (TVM_INTERRUPTS, LEGACY_INTERRUPTS)
    aimed = any(w.base <= tlp.address < w.base + w.size for w in windows)
    return INTERRUPT if aimed else WRITE


class Types(StaleTable):
    """Sees all that the device sends of its own."""

    def sent(self, since: int) -> Sent:
        """Kinds and ways of what is neither a completion nor an IDE Sync."""
        found = set()
        for record in self.from_device(since):
            assert record.plain is not None, record.summary()
            tlp, prefix = Tlp.decode(record.plain), record.prefix
            if tlp.is_completion or isinstance(parse(tlp), IdeSync):
                continue
            way = PLAIN if prefix is None else Route(prefix.stream_id, prefix.t)
            found.add((kind_of(tlp), way))
        return found

    async def both_ways(self, memory: int, route: Route) -> None:
        """A transfer in each direction, the second one with an interrupt, then a masked one."""
        await self.program_dma(VICTIM, False, memory, SIZE, route)
        assert await self.dma_status(VICTIM, route) == Status.DONE
        await self.interrupt(0, memory, route)
        await self.interrupt(WAITING, memory, route)

    async def entries(self, window: int, route: Route) -> None:
        """Vector 0 is open, WAITING is masked."""
        await self.entry(0, window, 0x50, OPEN, route)
        await self.entry(WAITING, window + DW, 0x51, MASKED, route)

    async def attempts(self, window: int) -> None:
        """Open WAITING and start a transfer each way, by whatever way."""
        for route in (PLAIN, BOUND_WITHOUT_T, TRUSTED):
            await self.entry(WAITING, window + DW, 0x51, OPEN, route)
            for to_host in (False, True):
                await self.program_dma(VICTIM, to_host, TVM_MEMORY.base, SIZE, route)
        await self.quiet()


@pyuvm.test()
class EachStateSendsItsTypesOnly(Types):
    """Reads, writes and interrupts by the table of types; nothing in between, nothing else."""

    async def attack(self) -> None:
        for flags in (TABLE_LOCKED, TABLE_OPEN):
            name = f"{flags!r}"
            assert await self._unlocked() == {(k, PLAIN) for k in (READ, WRITE, INTERRUPT)}, name
            interrupts = {(INTERRUPT, PLAIN)} if flags == TABLE_OPEN else set()
            assert await self._locked(flags) == interrupts, f"CONFIG_LOCKED, {name}"
            expected = {(READ, TRUSTED), (WRITE, TRUSTED)}
            expected.add((INTERRUPT, PLAIN if flags == TABLE_OPEN else TRUSTED))
            assert await self._running(flags) == expected, f"RUN, {name}"
            assert not await self._error(), f"ERROR, {name}"
            assert not await self._stopped(), f"after STOP, {name}"
        self.assert_states(TdiState.CONFIG_UNLOCKED, "in the end")

    async def _unlocked(self) -> Sent:
        since = self.mark()
        self.host.inbound.check.assign(LEGACY, self.function().rid)
        await self.entries(LEGACY_INTERRUPTS.base, PLAIN)
        await self.both_ways(LEGACY_MEMORY.base, PLAIN)
        return self.sent(since)

    async def _locked(self, flags: LockFlags) -> Sent:
        since = self.mark()
        self.tdi = await self.kit.lock(self.session, VICTIM, flags)
        await self.attempts(LEGACY_INTERRUPTS.base)
        self.assert_states(TdiState.CONFIG_LOCKED, "attempts")
        return self.sent(since)

    async def _running(self, flags: LockFlags) -> Sent:
        since = self.mark()
        self.host.inbound.check.revoke(self.function().rid)
        await self.kit.start(self.session, self.tdi)
        if flags == TABLE_OPEN:
            self.host.inbound.check.assign(LEGACY, self.function().rid)
            await self.entries(LEGACY_INTERRUPTS.base, PLAIN)
        else:
            await self.entries(TVM_INTERRUPTS.base, TRUSTED)
        await self.both_ways(TVM_MEMORY.base, TRUSTED)
        assert not self.host.inbound.refused
        return self.sent(since)

    async def _error(self) -> Sent:
        self.host.inbound.hold_completions = True
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, SIZE, TRUSTED)
        await self.quiet(200)
        await self.disturb()
        since = self.mark()
        self.host.inbound.hold_completions = False
        await self.host.inbound.release()
        await self.attempts(LEGACY_INTERRUPTS.base)
        self.assert_states(TdiState.ERROR, "attempts")
        return self.sent(since)

    async def _stopped(self) -> Sent:
        await self.kit.stop(self.session, VICTIM)
        since = self.mark()
        await self.entry(WAITING, LEGACY_INTERRUPTS.base, 0x51, OPEN, PLAIN)
        await self.quiet()
        return self.sent(since)


@pyuvm.test()
class InterruptsInErrorAreDropped(Types):
    """On a device whose function sends all open vectors at any time: none leaves in ERROR."""

    async def attack(self) -> None:
        self.tdi = await self.kit.lock(self.session, VICTIM, TABLE_OPEN)
        await self.kit.start(self.session, self.tdi)
        self.host.inbound.check.assign(LEGACY, self.function().rid)
        await self.disturb()
        await self.quiet()
        since = self.mark()
        await self.entry(WAITING, LEGACY_INTERRUPTS.base, 0x51, OPEN, PLAIN)
        await self.quiet()
        assert not self.sent(since), "ERROR"
        await self.entry(WAITING, LEGACY_INTERRUPTS.base, 0x51, MASKED, PLAIN)
        await self.quiet()


@pyuvm.test()
class OtherTypesNeverLeave(Types):
    """On a device whose engines send Page Requests, vendor messages or AtomicOps: none leaves."""

    async def attack(self) -> None:
        self.host.inbound.check.assign(LEGACY, self.function(LEGACY_VF).rid)
        await self._both(LEGACY_VF, LEGACY_MEMORY.base, PLAIN)
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)
        await self._both(VICTIM, TVM_MEMORY.base, TRUSTED)
        self.assert_states(TdiState.RUN, "other types")

    async def _both(self, index: int, memory: int, route: Route) -> None:
        since, ends = self.mark(), []
        for to_host in (False, True):
            await self.program_dma(index, to_host, memory, DW, route)
            await self.quiet(200)
            self.env.scoreboard.transfer_may_fail(index)
            ends.append(await self.dma_status(index, route))
        sent = self.sent(since)
        assert sent <= {(READ, route), (WRITE, route)}, f"VF{index}: {sent}"
        failed = [bool(status & Status.ERROR) for status in ends]
        assert any(failed), f"VF{index}: the hostile part has not shown itself"


@dataclass(frozen=True)
class Code:
    """A message code, and whether an endpoint that has no use for it says so."""

    code: int
    reported: bool


UNSOLICITED = (
    Code(MessageCode.VENDOR_DEFINED_1, False),
    Code(MessageCode.UNLOCK, False),
    Code(MessageCode.PM_ACTIVE_STATE_NAK, False),
    Code(MessageCode.SET_SLOT_POWER_LIMIT, False),
    Code(0x41, False),  # an "ignored" message
    Code(0x7E, True),  # vendor-defined, type 0
    Code(MessageCode.INVALIDATE_COMPLETION, True),
    Code(0x04, True),  # Page Request
    Code(0x05, True),  # PRG Response
    Code(0x20, True),  # Assert_INTA
    Code(0x30, True),  # ERR_COR
    Code(0x18, True),  # PM_PME
    Code(0xAB, True),  # defined by nobody
)
ON_A_STREAM = (
    (FmtType.MSG_RC, FmtType.MSGD_RC),
    (FmtType.MSG_ID, FmtType.MSGD_ID),
    (FmtType.MSG_ADDRESS, FmtType.MSGD_ADDRESS),
)
IN_CLEAR = (
    *ON_A_STREAM,
    (FmtType.MSG_BROADCAST, FmtType.MSGD_BROADCAST),
    (FmtType.MSG_LOCAL, FmtType.MSGD_LOCAL),
    (FmtType.MSG_GATHER, FmtType.MSGD_GATHER),
)
MESSAGE_ROUTES = (PLAIN, TRUSTED, BOUND_WITHOUT_T, FOREIGN)


@pyuvm.test()
class MessagesMoveNothing(AttackTest):
    """Messages of every kind of routing, with data and without: no answer, no write, no event."""

    async def prepare(self) -> None:
        await super().prepare()
        await self.use_other_stream()

    async def attack(self) -> None:
        await self._storm(TdiState.RUN)
        await self._reports()
        await self.assert_served("messages")
        await self.disturb()
        await self._storm(TdiState.ERROR)
        await self.kit.stop(self.session, VICTIM)
        await self._storm(TdiState.CONFIG_UNLOCKED)
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self._storm(TdiState.CONFIG_LOCKED)
        await self.kit.start(self.session, self.tdi)
        result = await self.host.mem_read(self.memory(), SIZE, TRUSTED)
        assert result.data == bytes(SIZE), "a message has written memory"
        self.assert_no_leak()

    async def _storm(self, state: TdiState) -> None:
        since = self.mark()
        for route in MESSAGE_ROUTES:
            for item in UNSOLICITED:
                for kinds in IN_CLEAR if route == PLAIN else ON_A_STREAM:
                    message = self._message(item.code, kinds[self.rng.randrange(2)])
                    await self.host.send(message, route, "attack: message")
                poisoned = self._message(item.code, FmtType.MSGD_ADDRESS)
                await self.host.send(replace(poisoned, ep=True), route, "attack: message")
        await self.quiet()
        answers = self.from_device(since)
        assert not answers, f"{state.name}: {answers[0].summary()}"
        self.assert_states(state, "messages")
        assert self.secure(), state.name
        await self.assert_legacy_untouched(state.name)

    def _message(self, code: int, kind: FmtType) -> Tlp:
        """Aimed at VF1: by its ID, at an address of its memory, or at large."""
        head = {
            FmtType.MSG_ADDRESS: self.memory().to_bytes(8, "big"),
            FmtType.MSG_ID: self.function().rid.to_bytes(2, "big") + bytes(6),
        }.get(FmtType(kind & 0x3F), bytes(8))
        if not has_data(kind):
            return Tlp.msg(HOST_RID, code, head, kind)
        data = self.rng.randbytes(DW * self.rng.choice((1, 2, 16)))
        return Tlp.msgd(HOST_RID, code, head, data, kind)

    async def _reports(self) -> None:
        """What nobody asked for is an Unsupported Request; what may be ignored is silent."""
        for item in UNSOLICITED:
            await self.aer_status()
            await self.host.send(self._message(item.code, FmtType.MSG_ID), TRUSTED)
            await self.quiet(200)
            expected = int(item.reported) << AerUncorrectable.UNSUPPORTED_REQUEST
            errors = await self.aer_status()
            assert errors == expected, f"code {item.code:02x}: AER {errors:08x}"
        self.assert_states(TdiState.RUN, "messages")


@pyuvm.test()
class OtherSpacesLeadNowhere(Placed):
    """I/O at the numbers of the memory BARs, an expansion ROM, types that are not defined."""

    async def attack(self) -> None:
        await self.move_to(0x4000_0000, 0x4800_0000)
        await self.take()
        await self.fill()
        await self._io()
        await self.assert_images("I/O")
        await self._rom()
        await self.assert_images("expansion ROM")
        await self._undefined()
        await self.assert_images("undefined types")
        self.assert_no_leak()

    async def _io(self) -> None:
        function = self.function()
        for address in (self.memory(), self.public(), function.bar2, self.memory(LEGACY_VF)):
            for kind in (FmtType.IORD, FmtType.IOWR):
                payload = self.rng.randbytes(DW) if has_data(kind) else b""
                request = Tlp(
                    kind,
                    length=1,
                    requester_id=HOST_RID,
                    tag=self.host.new_tag(),
                    first_be=0xF,
                    address=address,
                    payload=payload,
                )
                await self.judged(request, PLAIN, kind.name, served=False)

    async def _rom(self) -> None:
        """A virtual function has none; that of the physical function opens to no TVM."""
        place = 0x7000_0000
        for value in (ALL, place | ROM_ENABLE):
            await self.host.config_write(self.function().rid, Reg.ROM, value)
            assert await self.host.config_read(self.function().rid, Reg.ROM) == 0, "ROM of VF1"
        await self.host.config_write(self.function(0).rid, Reg.ROM, place)
        for route in (PLAIN, TRUSTED):
            await self.read_exactly(place, 1, route, "expansion ROM that is off")
        await self.host.config_write(self.function(0).rid, Reg.ROM, place | ROM_ENABLE)
        await self.read_exactly(place, 1, TRUSTED, "expansion ROM")
        await self.host.config_write(self.function(0).rid, Reg.ROM, 0)

    async def _undefined(self) -> None:
        """Every undefined Fmt and Type, in the form of a request for VF1's memory."""
        await self.aer_status()
        since = self.mark()
        for raw in self._raw(self._undefined_types(), self.memory()):
            await self.host.transmit(raw, "attack: undefined type")
        for raw in self._raw(self._undefined_types(), self.memory(LEGACY_VF)):
            await self.host.transmit(raw, "attack: undefined type")
        await self.quiet()
        answers = self.from_device(since)
        assert not answers, answers[0].summary()
        await self.assert_reported(AerUncorrectable.MALFORMED_TLP, "undefined types")

    @staticmethod
    def _undefined_types() -> Sequence[int]:
        defined = FmtType.__members__.values()
        return [n for n in range(256) if n not in defined and n >> 5 & FMT_PREFIX == 0]

    def _raw(self, kinds: Sequence[int], address: int) -> Iterator[bytes]:
        for kind in kinds:
            size, data = (16 if kind & 0x20 else 12), self.rng.randbytes(DW)
            first = bytes([kind, 0, 0, 1])
            second = HOST_RID.to_bytes(2, "big") + bytes([self.host.new_tag(), 0x0F])
            payload = data if kind & 0x40 else b""
            yield first + second + address.to_bytes(size - 8, "big") + payload
