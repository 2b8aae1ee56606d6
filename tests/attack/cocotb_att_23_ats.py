# SPDX-License-Identifier: Apache-2.0
"""ATT-23: address translation as a way around the lock.

To the device: requests that claim to be translated or to ask for a translation, and Invalidate
Requests at any moment, with answers that go the wrong way or leave in the name of functions that
are not there. From it: translations of another life or that were taken back, and a function that
claims translations which nobody gave to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyuvm

from models.app.map import Control, Register, Status
from models.host.translation import Mapping
from models.pcie.ats import Span
from models.pcie.codes import CplStatus, ExtendedCapabilityId, FmtType, MessageCode
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY, LEGACY_MEMORY, TVM_MEMORY
from tests.attack.attack_test import (
    BOUND_WITHOUT_T,
    FOREIGN,
    FOREIGN_WITHOUT_T,
    LEGACY_VF,
    ROUTES,
    TRUSTED,
    VICTIM,
    AttackTest,
)

UNTRANSLATED, TRANSLATION_REQUEST, TRANSLATED = 0, 1, 2
ATS_CONTROL = 4
ATS_ENABLE = 1 << 31
SIZE = 64
VIRTUAL = 0x4000_0000  # untranslated address of the page that both VMs use
ABSENT = 7  # no function has this number
INVALIDATED = bytes.fromhex("0000000001000800")  # a page, little matter which


def invalidate(target: int, tag: int) -> Tlp:
    """An Invalidate Request with ITag `tag`."""
    return Tlp(
        FmtType.MSGD_ID,
        length=2,
        requester_id=HOST_RID,
        tag=tag,
        message_code=MessageCode.INVALIDATE_REQUEST,
        message=target.to_bytes(2, "big") + bytes(6),
        payload=INVALIDATED,
    )


class Ats(AttackTest):
    """Sends Invalidate Requests, and requests with any Address Type."""

    async def set_ats(self, index: int) -> None:
        """Set ATS Enable of a function."""
        rid = self.function(index).rid
        at = await self.host.extended_capability(rid, ExtendedCapabilityId.ATS) + ATS_CONTROL
        await self.host.config_write(rid, at, ATS_ENABLE, 0b1100)

    def answers(self, since: int) -> list[tuple[Tlp, Route]]:
        """Invalidate Completions after the mark, and how they came."""
        found = []
        for record in self.from_device(since):
            assert record.plain is not None, record.summary()
            tlp = Tlp.decode(record.plain)
            if tlp.message_code == MessageCode.INVALIDATE_COMPLETION and tlp.is_message:
                prefix = record.prefix
                found.append((tlp, PLAIN if prefix is None else Route(prefix.stream_id, prefix.t)))
        return found

    async def assert_answered(self, routes: Iterable[Route], what: str) -> None:
        """An Invalidate Request to VF1 and VF2 is answered the way that it came, once."""
        for tag, route in enumerate(routes):
            for index in (VICTIM, LEGACY_VF):
                since, rid = self.mark(), self.function(index).rid
                await self.host.send(invalidate(rid, tag), route)
                await self.quiet(200)
                answers = self.answers(since)
                assert len(answers) == 1, f"{what}, {route}: {len(answers)} answers"
                tlp, way = answers[0]
                assert way == route, f"{what}, {route}: answered by {way}"
                assert tlp.requester_id == rid, f"{what}, {route}: {tlp}"
                assert tlp.message[:2] == HOST_RID.to_bytes(2, "big"), f"{what}, {route}: {tlp}"
                assert tlp.message[4:] == (1 << tag).to_bytes(4, "big"), f"{what}: {tlp}"

    def requests(self, since: int) -> list[Tlp]:
        """Memory requests of the device after the mark."""
        sent = [Tlp.decode(r.plain) for r in self.from_device(since) if r.plain is not None]
        return [tlp for tlp in sent if tlp.fmt_type in MEMORY_REQUESTS]


@pyuvm.test()
class TranslationOpensNothing(Ats):
    """AT of a request gives no right, and Invalidate Requests of no sort move anything."""

    async def attack(self) -> None:
        await self.use_other_stream()
        for name, route in ROUTES.items():
            for at in (TRANSLATION_REQUEST, TRANSLATED):
                if route == TRUSTED and at == TRANSLATED:
                    continue
                await self._claim(at, route, f"AT = {at}, {name}")
        await self._claim(TRANSLATION_REQUEST, PLAIN, "legacy VF", LEGACY_VF)
        await self._misdirected()
        await self._while_reading()
        self.assert_states(TdiState.RUN, "translation")
        await self.disturb()
        await self._claim(TRANSLATED, TRUSTED, "ERROR")
        await self.assert_answered((PLAIN, TRUSTED), "ERROR")
        self.assert_states(TdiState.ERROR, "translation")
        self.assert_no_leak()

    async def _claim(self, at: int, route: Route, what: str, index: int = VICTIM) -> None:
        """A read is refused, a write has no effect."""
        read = Tlp.mem_read(HOST_RID, self.memory(index), SIZE, self.host.new_tag())
        result = await self.host.request(replace(read, at=at), route)
        assert (result.status, result.data) == (CplStatus.UR, b""), f"{what}: {result}"
        assert result.route == route, what
        write = Tlp.mem_write(HOST_RID, self.memory(index), bytes(range(SIZE)))
        await self.host.send(replace(write, at=at), route)
        await self.quiet(200)
        if self.state() is TdiState.RUN:
            await self.assert_served(what)
        await self.assert_legacy_untouched(what)

    async def _misdirected(self) -> None:
        """To functions that are not there, and poisoned: no answer in anybody's name."""
        good = invalidate(self.function().rid, 0)
        absent = self.host.pf_rid + ABSENT
        for what, tlp in (
            ("absent function", invalidate(absent, 1)),
            ("another bus", invalidate(self.function().rid + 0x100, 2)),
            ("poisoned", replace(good, ep=True)),
        ):
            for route in (PLAIN, TRUSTED, BOUND_WITHOUT_T):
                since = self.mark()
                await self.host.send(tlp, route)
                await self.quiet(200)
                assert not self.answers(since), f"{what}, {route}"
        await self.assert_served("misdirected")

    async def _while_reading(self) -> None:
        """A transfer goes on under a storm of Invalidate Requests."""
        data = self.rng.randbytes(SIZE)
        self.host.memory.write(TVM_MEMORY.base, data)
        self.host.inbound.hold_completions = True
        since = self.mark()
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, SIZE, TRUSTED)
        await self.assert_answered((PLAIN, TRUSTED, FOREIGN, FOREIGN_WITHOUT_T), "while reading")
        self.host.inbound.hold_completions = False
        await self.host.inbound.release()
        assert await self.dma_status(VICTIM, TRUSTED) == Status.DONE
        assert {tlp.at for tlp in self.requests(since)} == {UNTRANSLATED}
        self.secret = data
        await self.assert_served("while reading")


@pyuvm.test()
class InvalidationsAreAnsweredInEveryState(Ats):
    """ATS is on from before the LOCK: answers mirror their requests, transfers take Default."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        for index in (VICTIM, LEGACY_VF):
            await self.set_ats(index)
            await self.kit.vmm.enable_msix(index)
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        self.kit.host.inbound.check.assign(LEGACY, self.function(LEGACY_VF).rid)

    async def attack(self) -> None:
        routes = (PLAIN, TRUSTED, BOUND_WITHOUT_T)
        await self.assert_answered(routes, "CONFIG_UNLOCKED")
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.assert_answered(routes, "CONFIG_LOCKED")
        await self.kit.start(self.session, self.tdi)
        await self.assert_answered(routes, "RUN")
        self.assert_states(TdiState.RUN, "invalidated")
        await self.host.mem_write(self.memory(), self.secret, TRUSTED)
        read = Tlp.mem_read(HOST_RID, self.memory(), SIZE, self.host.new_tag())
        result = await self.host.request(replace(read, at=TRANSLATED), TRUSTED)
        assert (result.status, result.data) == (CplStatus.SC, self.secret)
        for index, route, base in (
            (VICTIM, TRUSTED, TVM_MEMORY.base),
            (LEGACY_VF, PLAIN, LEGACY_MEMORY.base),
        ):
            since = self.mark()
            await self.program_dma(index, False, base, SIZE, route)
            assert await self.dma_status(index, route) == Status.DONE
            assert {tlp.at for tlp in self.requests(since)} == {UNTRANSLATED}
        await self.kit.stop(self.session, VICTIM)
        await self.assert_answered(routes, "after STOP")


class Translating(Ats):
    """VF1 and VF2 have ATS Enable and one page of a table each."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        for index, base in ((VICTIM, LEGACY_MEMORY.base), (LEGACY_VF, LEGACY_MEMORY.base)):
            await self.set_ats(index)
            self.host.inbound.check.assign(LEGACY, self.function(index).rid)
            self.lead(index, base)

    def lead(self, index: int, base: int) -> Span:
        """Let the page of a function lead to `base`; what has to be taken back."""
        agent, rid, page = self.host.inbound.translation, self.function(index).rid, Span(VIRTUAL)
        if agent.find(rid, VIRTUAL) is not None:
            agent.unmap(rid, VIRTUAL)
        agent.map(rid, Mapping(page, base))
        return page

    async def translate(self, index: int, route: Route) -> list[tuple[int, int]]:
        """Write to the page by a translated address: AT and address of all requests."""
        function, since = self.function(index), self.mark()
        for register, value in (
            (Register.HOST_ADDRESS_LOW, VIRTUAL),
            (Register.HOST_ADDRESS_HIGH, 0),
            (Register.DEVICE_ADDRESS, 0),
            (Register.LENGTH, SIZE),
            (Register.CONTROL, int(Control.START | Control.WRITE_HOST | Control.TRANSLATE)),
        ):
            await self.kit.write_register(function, register, value, route)
        assert await self.dma_status(index, route) == Status.DONE
        return [(tlp.at, tlp.address) for tlp in self.requests(since)]


@pyuvm.test()
class TranslationsEndWithTheirLife(Translating):
    """What the VMM let VF1 learn before the LOCK, and what the TVM has learned, is forgotten."""

    async def attack(self) -> None:
        before, own = LEGACY_MEMORY.base, TVM_MEMORY.base
        page = VIRTUAL
        assert await self.translate(VICTIM, PLAIN) == [(1, page), (2, before)]
        assert await self.translate(VICTIM, PLAIN) == [(2, before)], "kept in one life"
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)
        self.lead(VICTIM, own)
        assert await self.translate(VICTIM, TRUSTED) == [(1, page), (2, own)]
        assert await self.translate(VICTIM, TRUSTED) == [(2, own)]
        assert await self.translate(LEGACY_VF, PLAIN) == [(1, page), (2, before)], "of another"
        await self.kit.stop(self.session, VICTIM)
        self.lead(VICTIM, before)
        assert await self.translate(VICTIM, PLAIN) == [(1, page), (2, before)]


@pyuvm.test()
class TranslationsThatWereTakenBackAreNotUsed(Translating):
    """By any way in, in use or on their way; the function of another VM keeps its own."""

    async def attack(self) -> None:
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)
        self.lead(VICTIM, TVM_MEMORY.base)
        await self.translate(VICTIM, TRUSTED)
        await self.translate(LEGACY_VF, PLAIN)
        rid, other = self.function().rid, TVM_MEMORY.base
        for n, route in enumerate((TRUSTED, BOUND_WITHOUT_T, PLAIN), 1):
            other = TVM_MEMORY.base + n * 0x1000
            assert await self.host.invalidate(rid, self.lead(VICTIM, other), route)
            assert await self.translate(VICTIM, TRUSTED) == [(1, VIRTUAL), (2, other)], str(route)
        assert await self.translate(LEGACY_VF, PLAIN) == [(2, LEGACY_MEMORY.base)]


@pyuvm.test()
class ClaimedTranslationsNeverLeave(Ats):
    """On a device whose engines claim to have translated every address, without ATS Enable."""

    async def attack(self) -> None:
        self.host.inbound.check.assign(LEGACY, self.function(LEGACY_VF).rid)
        for index, base, route in (
            (VICTIM, LEGACY_MEMORY.base, TRUSTED),
            (VICTIM, TVM_MEMORY.base, TRUSTED),
            (LEGACY_VF, TVM_MEMORY.base, PLAIN),
        ):
            for to_host in (False, True):
                since = self.mark()
                await self.program_dma(index, to_host, base, SIZE, route)
                await self.quiet(200)
                self.env.scoreboard.transfer_may_fail(index)
                assert await self.dma_status(index, route) == Status.DONE | Status.ERROR
                assert not self.requests(since)
        self.assert_states(TdiState.RUN, "claimed")
