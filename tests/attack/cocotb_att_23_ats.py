# SPDX-License-Identifier: Apache-2.0
"""ATT-23: address translation as a way around the lock.

The functions of this device never ask for a translation and keep none, so that what is left to an
attacker is the other direction: requests to the device that claim to be translated or to ask for
a translation, and Invalidate Requests at any moment, with answers that go the wrong way or leave
in the name of functions that are not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyuvm

from models.app.map import Status
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
