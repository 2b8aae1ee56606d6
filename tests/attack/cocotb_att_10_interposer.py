# SPDX-License-Identifier: Apache-2.0
"""ATT-10: an interposer flips, drops, duplicates, replays, inserts, truncates, splices TLPs.

The writes under attack travel on the TVM's stream but go, with T = 0, to a function that is not
locked: its memory can be read afterwards, so what of an altered write took effect is seen. VF1,
bound to the stream, holds the TVM's secret all the while and ends in ERROR, cleared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyuvm

from models.ide.stream import IdeStream
from models.pcie.codes import AerUncorrectable, CplStatus
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.root_port import HOST_RID
from tb.scenario import DEFAULT_STREAM, TVM_MEMORY
from tests.attack.attack_test import (
    BOUND_WITHOUT_T,
    LEGACY_VF,
    TRUSTED,
    VICTIM,
    AttackTest,
)

PREFIX = 4
MAC = 12
PAYLOAD_DWS = 6
TAG = 0xF0
ORIGINAL = b"what was there before..."
FIRST = 0xA0  # every byte of the payload of the first write
WINDOW = 0x200  # offset in the memory page of what the writes are for


def payload(number: int) -> bytes:
    """Of the first, second or third write."""
    return bytes([FIRST + number]) * 4 * PAYLOAD_DWS


Tamper = Callable[[list[bytes], IdeStream], list[bytes]]


@dataclass(frozen=True)
class Variant:
    """What the interposer makes of three writes: the bytes that reach the device."""

    name: str
    tamper: Tamper
    error: AerUncorrectable = AerUncorrectable.IDE_CHECK_FAILED
    left: bytes = ORIGINAL  # what the window holds afterwards


def flipped(wire: bytes, byte: int, bit: int) -> bytes:
    """`wire` with one bit changed; `byte` may count from the end."""
    changed = bytearray(wire)
    changed[byte] ^= 1 << bit
    return bytes(changed)


def flip(name: str, byte: int, bit: int) -> Variant:
    """One bit of the first write; the others come as they are."""
    return Variant(f"{name} flipped", lambda w, _: [flipped(w[0], byte, bit), *w[1:]])


def flips(header_size: int) -> Iterator[Variant]:
    """Every region of prefix, header, payload and MAC whose change leaves a whole TLP."""
    for name, byte, bit in (
        ("prefix, PR_Sent_Counter", 1, 0),
        ("prefix, M", 3, 0),
        ("prefix, P", 3, 1),
        ("prefix, K", 3, 2),
        ("prefix, T", 3, 3),
        ("prefix, sub-stream", 3, 4),
        ("prefix, reserved sub-stream", 3, 6),
        ("prefix, reserved bit", 3, 7),
    ):
        yield flip(name, byte, bit)
    for name, byte, bit in (
        ("traffic class", 1, 4),
        ("attributes", 2, 4),
        ("poisoned", 2, 6),
        ("requester id", 4, 0),
        ("tag", 6, 7),
        ("byte enables", 7, 0),
    ):
        yield flip(f"header, {name}", PREFIX + byte, bit)
    for byte in range(8, header_size):
        yield flip(f"header, address byte {byte - 8}", PREFIX + byte, 2 + byte % 6)
    start = PREFIX + header_size
    yield flip("payload, first bit", start, 0)
    yield flip("payload, in the middle", start + 2 * PAYLOAD_DWS, 3)
    yield flip("payload, last bit", -MAC - 1, 7)
    for byte in (-MAC, -MAC + 3, -MAC + 7, -1):
        yield flip(f"MAC, byte {MAC + byte}", byte, (MAC + byte) % 8)


def structures() -> Iterator[Variant]:
    """TLPs lost, repeated, made up, cut and put together."""
    malformed = AerUncorrectable.MALFORMED_TLP
    yield Variant("one write dropped", lambda w, _: w[1:])
    yield Variant("one write sent twice", lambda w, _: [w[0], *w], left=payload(0))
    yield Variant("two writes exchanged", lambda w, _: [w[1], w[0], w[2]])
    yield Variant("a write inserted with a MAC of zeros", _forged)
    yield Variant("last payload DW cut", lambda w, _: [_cut(w[0], MAC + 4, MAC), *w[1:]], malformed)
    yield Variant("MAC cut", lambda w, _: [w[0][:-MAC], *w[1:]], malformed)
    yield Variant("a DW appended", lambda w, _: [w[0] + bytes(4), *w[1:]], malformed)
    yield Variant("payload of the second write", _spliced_payload)
    yield Variant("MAC of the second write", lambda w, _: [w[0][:-MAC] + w[1][-MAC:], *w[1:]])


def _forged(wires: list[bytes], _: IdeStream) -> list[bytes]:
    return [wires[0][:-MAC] + bytes(MAC), *wires]


def _spliced_payload(wires: list[bytes], _: IdeStream) -> list[bytes]:
    size = 4 * PAYLOAD_DWS + MAC
    return [wires[0][:-size] + wires[1][-size:], *wires[1:]]


def _cut(wire: bytes, first: int, last: int) -> bytes:
    return wire[:-first] + wire[-last:]


class Interposer(AttackTest):
    """Carries out the variants one by one; VF1 is attached again after each."""

    def variants(self) -> Iterator[Variant]:
        """Which ones."""
        raise AssertionError("a test overrides variants()")

    @property
    def header_size(self) -> int:
        """Bytes of the header of a write to the window."""
        return 12 if self.window < 1 << 32 else 16

    @property
    def window(self) -> int:
        """Bus address of what the writes are for."""
        return self.memory(LEGACY_VF) + WINDOW

    async def attack(self) -> None:
        await self.aer_status()
        for variant in self.variants():
            await self._carry_out(variant)
            await self.attach_again()
        await self.assert_served("after all of it")
        self.assert_no_leak()

    def _writes(self, stream: IdeStream) -> list[bytes]:
        """Three writes over the window, as they leave the host."""
        writes = [Tlp.mem_write(HOST_RID, self.window, payload(n)) for n in range(3)]
        return [stream.encrypt(write.encode(), False) for write in writes]

    async def _carry_out(self, variant: Variant) -> None:
        host, what = self.host, variant.name
        await host.mem_write(self.window, ORIGINAL, BOUND_WITHOUT_T)
        await self.assert_served(f"before: {what}")
        stream = host.streams[DEFAULT_STREAM]
        since = self.mark()
        for wire in variant.tamper(self._writes(stream), stream):
            await host.transmit_wire(wire, f"attack: {what}")
        await self.quiet()
        self.assert_states(TdiState.ERROR, what)
        assert not self.secure(), f"{what}: the stream is still Secure"
        assert self.fails(since) == [DEFAULT_STREAM], f"{what}: IDE Fail for {self.fails(since)}"
        kept = await host.mem_read(self.window, len(ORIGINAL))
        assert kept.data == variant.left, f"{what}: released {kept.data.hex()}"
        await self.assert_legacy_untouched(what)
        await self.assert_reported(variant.error, what)


@pyuvm.test()
class EveryRegionOfAnIdeTlpIsProtected(Interposer):
    """One flipped bit in any region of prefix, header, payload or MAC ends the stream."""

    def variants(self) -> Iterator[Variant]:
        return flips(self.header_size)


@pyuvm.test()
class TlpsCannotBeLostRepeatedMadeUpCutOrSpliced(Interposer):
    """What arrives is what was sent, in its order, or the stream ends."""

    def variants(self) -> Iterator[Variant]:
        return structures()


@pyuvm.test()
class FlippedBitEndsTheStream(Interposer):
    """A bit of the payload and the last bit of the MAC."""

    def variants(self) -> Iterator[Variant]:
        yield flip("payload, first bit", PREFIX + self.header_size, 0)
        yield flip("MAC, last bit", -1, 0)


@pyuvm.test()
class ReplayedDroppedAndAlteredReadsAndCompletionsFail(AttackTest):
    """Read requests and completions are protected as writes are."""

    async def attack(self) -> None:
        for step in (
            self._replayed_write,
            self._altered_read,
            self._replayed_read,
            self._read_after_dropped_write,
            self._altered_completion,
        ):
            await step()
            await self.quiet()
            self.assert_states(TdiState.ERROR, step.__name__)
            assert not self.secure(), step.__name__
            await self.assert_legacy_untouched(step.__name__)
            await self.attach_again()
        self.assert_no_leak()

    def _read(self, tag: int) -> bytes:
        raw = Tlp.mem_read(HOST_RID, self.memory(), 64, tag=tag).encode()
        return self.host.streams[DEFAULT_STREAM].encrypt(raw, True)

    def _completions(self, since: int) -> int:
        records = [r.plain for r in self.from_device(since) if r.plain is not None]
        return sum(Tlp.decode(raw).is_completion for raw in records)

    async def _replayed_write(self) -> None:
        wire = await self.host.mem_write(self.memory() + 128, b"once", TRUSTED, "TVM")
        await self.assert_served("between")
        await self.host.transmit_wire(wire, "attack: replay after other traffic")

    async def _altered_read(self) -> None:
        since = self.mark()
        await self.host.transmit_wire(flipped(self._read(TAG), -1, 0), "attack: altered read")
        await self.quiet()
        assert self._completions(since) == 0

    async def _replayed_read(self) -> None:
        since, wire = self.mark(), self._read(TAG)
        await self.host.transmit_wire(wire, "TVM")
        await self.quiet()
        assert self._completions(since) > 0
        since = self.mark()
        await self.host.transmit_wire(wire, "attack: replayed read")
        await self.quiet()
        assert self._completions(since) == 0

    async def _read_after_dropped_write(self) -> None:
        stream = self.host.streams[DEFAULT_STREAM]
        stream.encrypt(Tlp.mem_write(HOST_RID, self.memory(), b"lost").encode(), True)
        since = self.mark()
        await self.host.transmit_wire(self._read(TAG), "attack: overtook a write")
        await self.quiet()
        assert self._completions(since) == 0

    async def _altered_completion(self) -> None:
        host = self.host
        host.memory.write(TVM_MEMORY.base, self.secret)
        host.inbound.hold_completions = True
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, 64, TRUSTED)
        await self.quiet()
        (completion, route), *_ = host.inbound.held
        assert route == TRUSTED
        host.inbound.hold_completions, host.inbound.held = False, []
        wire = host.streams[DEFAULT_STREAM].encrypt(completion.encode(), True)
        await host.transmit_wire(flipped(wire, -MAC - 1, 0), "attack: altered completion")


@pyuvm.test()
class UntamperedTrafficPasses(AttackTest):
    """The same TLPs as they were sent: all of them are served, nothing ends."""

    async def attack(self) -> None:
        host, window = self.host, self.memory(LEGACY_VF) + WINDOW
        for n in range(3):
            await host.mem_write(window, payload(n), BOUND_WITHOUT_T)
        result = await host.mem_read(window, len(payload(2)))
        assert result.status is CplStatus.SC
        assert result.data == payload(2)
        host.memory.write(TVM_MEMORY.base, self.secret)
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, 64, TRUSTED)
        await self.dma_status(VICTIM, TRUSTED)
        await self.assert_served("untampered")
        self.assert_states(TdiState.RUN, "untampered")
        assert self.secure()
        self.assert_no_leak()
