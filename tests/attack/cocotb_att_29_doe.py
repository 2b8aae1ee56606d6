# SPDX-License-Identifier: Apache-2.0
"""ATT-29: the host abuses the mailbox through which the TSM talks to the device.

It aborts at every word, lies about lengths, passes records off as other objects, writes words of
its own between those of the TSM and plays with Busy. What breaks the rules of the mailbox sets
Error, what is no object is dropped; a record that did not get through as a whole has no effect, and
may still be delivered. VF1 runs on, its session is alive whatever answers of it got lost.
"""

from __future__ import annotations

from dataclasses import replace

import pyuvm

from models.doe.codes import ObjectType, Register
from models.doe.objects import DataObject, DiscoveryRequest, DiscoveryResponse, discover
from models.pcie.tlp import Tlp
from models.spdm.carrier import wrap
from models.spdm.messages import GetDigests
from models.tdisp.codes import Request, Response, TdiState
from tb.host.root_port import HOST_RID
from tests.attack.attack_test import VICTIM, AttackTest, Step
from tests.attack.doe_words import BUSY, DW, ERROR, LENGTH_MASK, READY, Line, Words, count

LENGTH_BITS = 18
VENDOR_BITS = 16
TYPE_BITS = 8
KNOWN_TYPES = (ObjectType.DISCOVERY, ObjectType.SPDM, ObjectType.SECURED_SPDM)
OTHER_TYPES = (3, 4, 5)  # with Connection ID, and asynchronous messages: defined, not offered
PCI_SIG = 1
OTHER_VENDORS = (0, 0x0100, 0xFFFF)
QUIET = 4000  # cycles: longer than a record and the cleaning behind it take
PACE = 53  # cycles between the moments of a record at which the host interferes
MOMENTS = 60
TAG = 200
JUNK = bytes.fromhex("ffffffff")


class Abuse(AttackTest):
    """VF1 in RUN; the TSM's requests go through the mailbox word by word."""

    async def prepare(self) -> None:
        await super().prepare()
        self.words = Words(self.kit)
        self.line = Line(self.kit, self.session)

    def question(self) -> bytes:
        """GET_DEVICE_INTERFACE_STATE."""
        return self.line.ask(Request.GET_DEVICE_INTERFACE_STATE, VICTIM)

    def stop(self) -> bytes:
        """STOP_INTERFACE_REQUEST: what the host would like to have an effect."""
        return self.line.ask(Request.STOP_INTERFACE_REQUEST, VICTIM)

    async def assert_unaffected(self, what: str, record: bytes | None = None) -> None:
        """`record`, or a new question, gets its answer; VF1 runs and serves the TVM."""
        answer = await self.words.exchange(record or self.question())
        assert answer is not None, f"{what}: the session has no answer"
        payload = self.line.open(answer).payload
        assert payload == bytes([TdiState.RUN]), f"{what}: state {payload.hex()}"
        self.assert_runs(what)
        await self.assert_served(what)

    def assert_runs(self, what: str) -> None:
        """VF1 is in RUN, its stream Secure."""
        self.assert_states(TdiState.RUN, what)
        assert self.secure(), f"{what}: the stream has ended"

    async def assert_dropped(self, raw: bytes, what: str) -> None:
        """An object that has neither an answer nor an effect, nor is it an error."""
        answer = await self.words.exchange(raw)
        assert answer is None, f"{what}: answered with {answer.hex() if answer else ''}"
        self.assert_runs(what)

    async def deliver_stop(self, record: bytes) -> None:
        """After all, the TSM's own STOP gets through."""
        answer = await self.words.exchange(record)
        assert answer is not None, "the session does not answer to STOP"
        assert self.line.open(answer).code == Response.STOP_INTERFACE_RESPONSE
        self.assert_states(TdiState.CONFIG_UNLOCKED, "STOP")

    async def poison(self) -> None:
        """A poisoned write to the write mailbox."""
        host = self.host
        assert host.doe_base is not None
        at = host.doe_base + Register.WRITE_MAILBOX
        await host.request(replace(Tlp.cfg_write(HOST_RID, host.pf_rid, at, 0, TAG), ep=True))


@pyuvm.test()
class AbortAtEveryWordOfARequest(Abuse):
    """Abort after any number of words: the same record goes through as a whole afterwards."""

    async def attack(self) -> None:
        record = self.question()
        for raw in (
            record,
            DiscoveryRequest(0).encode(),
            wrap(ObjectType.SPDM, GetDigests().encode()),
        ):
            for words in range(count(raw) + 1):
                await self.words.put(raw[: DW * words])
                await self.words.abort()
            self.assert_runs(f"aborts in {raw[:DW].hex()}")
        await self.assert_unaffected("aborts in requests", record)


@pyuvm.test()
class AbortAtEveryWordOfAnAnswer(Abuse):
    """Abort with any number of words read: no other request gets what was not read."""

    async def attack(self) -> None:
        for raw in (
            DiscoveryRequest(0).encode(),
            wrap(ObjectType.SPDM, GetDigests().encode()),
        ):
            whole = await self.words.exchange(raw)
            assert whole is not None
            for words in range(count(whole)):
                await self._abort_after(raw, words)
        whole = await self.words.exchange(self.question())
        assert whole is not None
        self.line.open(whole)
        for words in range(count(whole)):
            await self._abort_after(self.question(), words)
            self.line.lost()
            self.assert_runs(f"abort after {words} words")
        await self.assert_unaffected("aborts in answers")

    async def _abort_after(self, raw: bytes, words: int) -> None:
        await self.words.put(raw)
        await self.words.go()
        assert await self.words.settled() == READY
        for _ in range(words):
            await self.words.pop()
        await self.words.abort()


@pyuvm.test()
class ErrorAtEveryWord(Abuse):
    """A poisoned word, or a pop of nothing, at any word of a record: Error until Abort."""

    async def attack(self) -> None:
        record = self.question()
        acts: tuple[Step, ...] = (self.poison, self._pop)
        for words in range(count(record) + 1):
            for act in acts:
                await self.words.put(record[: DW * words])
                await act()
                assert await self.words.status() == ERROR, f"after {words} words"
                await self.words.put(record[DW * words :])
                assert await self.words.status() == ERROR, f"{words} words: not until Abort"
                await self.words.abort()
            self.assert_runs(f"error after {words} words")
        await self.assert_unaffected("errors in requests", record)

    async def _pop(self) -> None:
        await self.words.driver.write(Register.READ_MAILBOX, 0)


@pyuvm.test()
class WrongLengthsAreDropped(Abuse):
    """A STOP that is longer or shorter than it says, by any length: no answer, no effect."""

    async def attack(self) -> None:
        record = self.stop()
        right = count(record)
        lengths = {*range(right + 4), *(right ^ 1 << bit for bit in range(LENGTH_BITS)), 1 << 17}
        for length in sorted(lengths - {right}):
            lie = record[:DW] + (length & LENGTH_MASK).to_bytes(DW, "little") + record[2 * DW :]
            await self.assert_dropped(lie, f"{right} DW as {length}")
        for words in range(1, right):
            await self.assert_dropped(record[: DW * words], f"{words} DW of {right}")
        for more in range(1, 5):
            await self.assert_dropped(record + more * JUNK, f"{more} DW more")
        await self.deliver_stop(record)


@pyuvm.test()
class ForeignObjectsAreDropped(Abuse):
    """A STOP in an object of any other type or vendor: no effect."""

    async def attack(self) -> None:
        record = self.stop()
        payload = record[2 * DW :]
        types = {kind ^ 1 << bit for kind in KNOWN_TYPES for bit in range(TYPE_BITS)}
        for kind in sorted({*types, *OTHER_TYPES, 0xFF} - set(KNOWN_TYPES)):
            await self.assert_dropped(DataObject(kind, payload).encode(), f"type {kind:02x}")
        vendors = {PCI_SIG ^ 1 << bit for bit in range(VENDOR_BITS)}
        for vendor in sorted({*vendors, *OTHER_VENDORS} - {PCI_SIG}):
            for kind in KNOWN_TYPES[1:]:
                raw = DataObject(kind, payload, vendor).encode()
                await self.assert_dropped(raw, f"type {kind:02x} of vendor {vendor:04x}")
        await self.assert_dropped(DataObject(ObjectType.DISCOVERY, payload).encode(), "Discovery")
        await self.words.exchange(DataObject(ObjectType.SPDM, payload).encode())
        self.assert_runs("a record as a plain message")
        await self.deliver_stop(record)


@pyuvm.test()
class MixedObjectsAreDropped(Abuse):
    """Words, GO and whole objects of the host at any word of a record: dropped, without effect."""

    async def attack(self) -> None:
        record = self.question()
        discovery = DiscoveryRequest(0).encode()
        for words in range(count(record) + 1):
            head, tail = record[: DW * words], record[DW * words :]
            await self.assert_dropped(head + JUNK + tail, f"a word after {words}")
            await self.assert_dropped(head + discovery + tail, f"an object after {words}")
            if head and tail:
                await self.assert_dropped(head, f"GO after {words}")
                await self.assert_dropped(tail, f"the rest from {words} on")
                await self.words.put(head)
                await self.words.abort()
                await self.assert_dropped(tail, f"the rest from {words} on after Abort")
        await self.assert_unaffected("mixed objects", record)


@pyuvm.test()
class ObjectsBehindAnAnswerWait(Abuse):
    """The host asks while the TSM reads: the TSM's answer is whole, the host's comes after it."""

    async def attack(self) -> None:
        self.discovery = DiscoveryRequest(0).encode()
        answer = await self.words.exchange(self.question())
        assert answer is not None
        self.line.open(answer)
        for words in range(count(answer)):
            await self._ask_after(words)
        await self._steal()
        await self.assert_unaffected("objects behind answers")

    async def _ask_after(self, words: int) -> None:
        """The host's request after `words` words of the TSM's answer."""
        await self.words.put(self.question())
        await self.words.go()
        assert await self.words.settled() == READY
        begun = b"".join([await self.words.pop() for _ in range(words)])
        await self.words.put(self.discovery)
        await self.words.go()
        assert await self.words.status() == READY | BUSY
        payload = self.line.open(await self._read_whole(begun)).payload
        assert payload == bytes([TdiState.RUN]), f"asked after {words} words"
        found = await self.words.answer()
        assert found is not None, f"asked after {words} words"
        assert DiscoveryResponse.decode(DataObject.decode(found).payload) == discover(0)

    async def _read_whole(self, begun: bytes) -> bytes:
        """The TSM's answer and not a word more."""
        data = begun
        while count(data) < 2 or count(data) < int.from_bytes(data[DW : 2 * DW], "little"):
            data += await self.words.pop()
        return data

    async def _steal(self) -> None:
        """The host pops one word of an answer before the TSM reads on."""
        for words in (0, 1, 2, 5):
            await self.words.put(self.question())
            await self.words.go()
            assert await self.words.settled() == READY
            for _ in range(words + 1):
                await self.words.pop()
            while await self.words.status() & READY:
                await self.words.pop()
            self.line.lost()
            self.assert_runs(f"word {words} of an answer is gone")


@pyuvm.test()
class GamesWithBusy(Abuse):
    """A word, GO or a pop at any moment while a record is in work: Error; the record is done."""

    async def attack(self) -> None:
        acts: tuple[Step, ...] = (
            lambda: self.words.put(JUNK),
            self.words.go,
            lambda: self.words.driver.write(Register.READ_MAILBOX, 0),
        )
        errors = 0
        for moment in range(MOMENTS):
            what = f"{PACE * moment} cycles after GO"
            await self.words.put(self.question())
            await self.words.go()
            await self.quiet(PACE * moment + 1)
            await acts[moment % len(acts)]()
            if await self._was_in_time(what):
                errors += 1
            else:
                break
            self.line.lost()
        assert len(acts) < errors < MOMENTS, f"{errors} moments only, or not all"
        await self.quiet(QUIET)
        await self.words.abort()
        self.line.lost()
        await self.assert_unaffected("games with Busy")

    async def _was_in_time(self, what: str) -> bool:
        """Whether the record was still in work; then there is an error, and no answer."""
        status = await self.words.status()
        if status & READY or status == 0:
            return False
        assert status & ~BUSY == ERROR, f"{what}: status {status:08x}"  # Busy while it is taken
        await self.quiet(QUIET)
        assert await self.words.status() == ERROR, f"{what}: not until Abort"
        await self.words.abort()
        self.assert_runs(what)
        return True
