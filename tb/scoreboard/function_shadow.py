# SPDX-License-Identifier: Apache-2.0
"""What the reference knows of one function under protection, and what it cannot know for sure.

Where an access races with a change of state, a DW may hold one of several values until it is read,
written or scrubbed.
"""

from __future__ import annotations

import copy
import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from models.app.function import MSIX_ENTRY, FunctionModel, Interrupt, Region, region_of
from models.app.map import (
    MEMORY_BYTES,
    MSIX_VECTORS,
    PAGE,
    SCRATCH_REGISTERS,
    Bar0,
    Bar2,
    PublicRegister,
    Register,
    Status,
)
from models.pcie.layout import DW
from models.pcie.tlp import Tlp
from tb.scoreboard.dma import DmaRun
from tb.scoreboard.world import FunctionView, Target

SCRUB_NS = 20_000.0  # clearing four functions takes no longer
CLEARED = int(Status.DONE | Status.ERROR)
ENDED = (int(Status.DONE), int(Status.ERROR), CLEARED)  # STATUS after an abort may also be 0


def clearing_ns(functions: int) -> float:
    """How long clearing may take in a device with so many: one may wait for all others."""
    return SCRUB_NS * max(1.0, functions / 4)


@dataclass(frozen=True)
class Owed:
    """An interrupt that the end of a transfer causes."""

    vector: int
    since_ns: float
    required: bool


def enables_of(tlp: Tlp, word: int) -> int:
    """Byte enables of DW number `word` of a memory request."""
    if word == 0:
        return tlp.first_be
    return tlp.last_be if word == tlp.length - 1 else 0xF


class FunctionShadow:
    """Registers, memory and transfers of one function of a device with so many `functions`.

    An SDI has a `pasid`.
    """

    def __init__(self, functions: int = 1, pasid: int | None = None) -> None:
        self._clearing_ns = clearing_ns(functions)
        self.model = FunctionModel(sdi_pasid=pasid)
        self.runs: list[DmaRun] = []
        self.owed: list[Owed] = []
        self.scrubbed_ns = float("-inf")
        self._table_taken_ns = float("-inf")
        self._before_taken = FunctionModel()  # as the LOCK found it
        self._maybe: dict[tuple[int, int], frozenset[int]] = {}

    # ------------------------------------------------------------------ accesses

    def values(self, bar: int, offset: int) -> frozenset[int]:
        """What a read of the aligned DW may return now."""
        if region_of(bar, offset) is Region.MSIX_PBA and offset & (PAGE - 1) == 0:
            return self._pending_values()
        return self.model.read_dword(bar, offset) | self._maybe.get((bar, offset), frozenset())

    def _pending_values(self) -> frozenset[int]:
        vectors = sorted({owed.vector for owed in self.owed})
        return frozenset(
            sum(1 << vector for vector in chosen)
            for count in range(len(vectors) + 1)
            for chosen in itertools.combinations(vectors, count)
        )

    def words(self, target: Target, tlp: Tlp) -> list[frozenset[int]]:
        """What a read may return, DW by DW."""
        return [self.values(target.bar, target.offset + DW * n) for n in range(tlp.length)]

    def write(self, time_ns: float, target: Target, tlp: Tlp) -> None:
        """An admitted write of software."""
        for n, (value,) in enumerate(struct.iter_unpack("<I", tlp.payload)):
            at = target.offset + DW * n
            enables = enables_of(tlp, n)
            self._rewrite(target.bar, at, value, enables)
            self._before_start(target.bar, at, value, enables)
            busy = self.model.transfer
            started = self.model.write_dword(target.bar, at, value, enables)
            if started is not None:
                self.runs.append(DmaRun(started, time_ns, bytes(self.model.memory)))
            elif self.model.transfer is not busy:
                self._owe(time_ns)  # an illegal transfer ends at once

    def _rewrite(self, bar: int, offset: int, value: int, enables: int) -> None:
        """A write decides what an uncertain DW holds, where its bytes are enabled."""
        values = self._maybe.pop((bar, offset), None)
        status = bar == 0 and offset == Register.STATUS
        if values is None or (status and value & CLEARED == CLEARED and enables & 1):
            return
        if status:
            self._maybe[bar, offset] = values
        elif enables != 0xF:
            mask = sum(0xFF << 8 * n for n in range(DW) if enables >> n & 1)
            merged = frozenset(old & ~mask | value & mask for old in values)
            self._maybe[bar, offset] = merged

    def may_write(self, time_ns: float, target: Target, tlp: Tlp) -> None:
        """A write that may have been admitted or not."""
        other = copy.deepcopy(self.model)
        for n, (value,) in enumerate(struct.iter_unpack("<I", tlp.payload)):
            at = target.offset + DW * n
            started = other.write_dword(target.bar, at, value, enables_of(tlp, n))
            if started is not None:
                run = DmaRun(started, time_ns, bytes(other.memory), required=False)
                self.runs.append(run)
        for n in range(tlp.length):
            at = target.offset + DW * n
            self._may_hold(target.bar, at, other.read_dword(target.bar, at))

    def _may_hold(self, bar: int, offset: int, values: frozenset[int]) -> None:
        if not values <= self.model.read_dword(bar, offset):
            self._maybe[bar, offset] = self._maybe.get((bar, offset), frozenset()) | values

    def _before_start(self, bar: int, offset: int, value: int, enables: int) -> None:
        """A START when all bytes of the last transfer have passed: that one has ended."""
        if bar == 0 and offset == Register.CONTROL and enables & 1 and value & 1:
            model = self.model
            if model.transfer is not None and (model.maybe_finished or model.maybe_failed):
                self._finish(model.maybe_failed and not model.maybe_finished)

    def seen(self, target: Target, tlp: Tlp, words: list[int]) -> None:
        """A read has returned `words`: what was uncertain is certain now."""
        for n, value in enumerate(words):
            at = target.offset + DW * n
            if enables_of(tlp, n) != 0xF:
                continue
            if (target.bar, at) in self._maybe:
                del self._maybe[target.bar, at]
                self._settle(target.bar, at, value)
            if target.bar == 0 and at == Register.STATUS:
                self._status_seen(value)

    def _settle(self, bar: int, offset: int, value: int) -> None:
        if bar == 0 and offset == Register.STATUS:
            self.model.done = bool(value & Status.DONE)
            self.model.error = bool(value & Status.ERROR)
        elif bar != 0 or offset != Register.CONTROL:
            self.model.write_dword(bar, offset, value, 0xF)

    def _status_seen(self, value: int) -> None:
        running = self.model.transfer is not None
        if running and value & Status.DONE and not value & Status.BUSY:
            self._finish(bool(value & Status.ERROR))

    # ------------------------------------------------------------------ transfers

    def _finish(self, failed: bool) -> None:
        self.model.finish(failed)
        self.runs = [run for run in self.runs if not (run.complete or run.failed)]

    def _owe(self, time_ns: float) -> None:
        transfer = self.model.transfer
        if transfer is not None and transfer.vector is not None:
            self.owed.append(Owed(transfer.vector, time_ns, True))

    def progress(self, time_ns: float, run: DmaRun) -> None:
        """A request or a completion of `run` has passed."""
        if self.model.transfer is None and run.ended_ns is None:
            self.model.transfer = run.transfer
        if self.model.transfer is not run.transfer:
            return
        if run.failed and not self.model.maybe_failed:
            self.model.maybe_failed = True
            run.end(time_ns)
            self._owe(time_ns)
        elif run.complete and not self.model.maybe_finished:
            self.model.maybe_finished = True
            self._owe(time_ns)

    def may_send(self, view: FunctionView) -> bool:
        """Whether the configuration lets the function send what its transfers need."""
        transfer = self.model.transfer
        if transfer is None:
            return view.bus_master
        translates = view.ats_enable or not transfer.translate
        allowed = view.pasid_enable or transfer.pasid is None
        foreign = transfer.pasid in view.sdi_pasids
        atomic = view.atomics or not transfer.atomic
        return view.bus_master and translates and allowed and not foreign and atomic

    def may_fail(self, time_ns: float) -> None:
        """The function cannot send any more: a transfer under way may end with an error."""
        for run in self.runs:
            run.required = False
        if self.model.transfer is None or self.model.maybe_failed:
            return
        self.model.maybe_failed = True
        if self.model.transfer.vector is not None:
            self.owed.append(Owed(self.model.transfer.vector, time_ns, False))

    def may_lose_hint(self, time_ns: float) -> None:
        """Hints are not enabled any more: a request that has one already may be refused."""
        if self.model.transfer is not None and self.model.transfer.hint is not None:
            self.may_fail(time_ns)

    def memory_words(self, run: DmaRun, count: int) -> list[frozenset[int]]:
        """What the next `count` DWs of a transfer to the host may hold."""
        offset = run.offset()
        words = []
        for at in range(offset, offset + DW * count, DW):
            old = int.from_bytes(run.snapshot[at : at + DW], "little")
            words.append(self.values(0, Bar0.MEMORY + at) | {old})
        return words

    def store(self, offset: int, data: bytes, certain: bool) -> None:
        """Data of a completion reaches the function's memory, or may have reached it."""
        for n in range(0, len(data), DW):
            value = int.from_bytes(data[n : n + DW], "little")
            at = Bar0.MEMORY + offset + n
            if certain:
                self._maybe.pop((0, at), None)
                self.model.write_dword(0, at, value, 0xF)
            else:
                self._may_hold(0, at, frozenset({value}))

    def messages(self, made_ns: float, vector: int) -> list[Interrupt]:
        """What an interrupt of `vector` that was made at `made_ns` or later may look like."""
        models = [self.model]
        if made_ns <= self._table_taken_ns:
            models.append(self._before_taken)  # it was on its way when the LOCK came
        found = [model.interrupt(vector) for model in models]
        return [message for message in found if message is not None]

    def interrupt_sent(self, vector: int) -> None:
        """An interrupt has left; one that ends a transfer says that it has ended."""
        due = [owed for owed in self.owed if owed.vector == vector]
        if due:
            self.owed.remove(next((owed for owed in due if owed.required), due[0]))
        transfer = self.model.transfer
        ended = self.model.maybe_finished or self.model.maybe_failed
        if transfer is not None and ended and transfer.vector == vector:
            self._finish(self.model.maybe_failed and not self.model.maybe_finished)

    def may_have_said(self, vectors: set[int]) -> None:
        """A message stands for all these vectors: others that were due may have left with it."""
        self.owed = [
            Owed(owed.vector, owed.since_ns, owed.required and owed.vector not in vectors)
            for owed in self.owed
        ]

    # ------------------------------------------------------------------ ends

    def abort(self, time_ns: float) -> None:
        """The TDI has changed its state: transfers end, memory stays."""
        for run in self.runs:
            run.end(time_ns)
            run.required = False
        if self.model.transfer is not None:
            self.model.finish(failed=True)
            self._maybe[0, Register.STATUS] = frozenset({0, *ENDED})
        self.owed = [Owed(owed.vector, owed.since_ns, False) for owed in self.owed]

    def take_table(self, time_ns: float) -> None:
        """A LOCK takes the MSI-X table over; what it held may still be read (TDISP-INT-004)."""
        self._table_taken_ns, self._before_taken = time_ns, copy.deepcopy(self.model)
        old = {at: self.model.read_dword(2, at) for at in _table()}
        self.model.take_table()
        for at, values in old.items():
            self._may_hold(2, at, values)

    def may_scrub(self, time_ns: float) -> None:
        """A device may clear all data now, or leave it until STOP (TDISP-ZERO-001)."""
        self.abort(time_ns)
        self.scrubbed_ns = time_ns
        empty = FunctionModel()
        for bar, offset in _everything():
            values = empty.read_dword(bar, offset)
            if values != self.values(bar, offset):
                self._may_hold(bar, offset, values)

    def scrub(self, time_ns: float) -> None:
        """All data of the function has been cleared (TDISP-ZERO-001), whatever was under way."""
        for run in self.runs:
            run.end(time_ns)
            run.required = False
        self.model.scrub()
        self.scrubbed_ns = float("-inf")
        self.owed.clear()
        self._maybe.clear()

    def reset(self, time_ns: float) -> None:
        """Function level or conventional reset: clearing begins now."""
        self.scrub(time_ns)
        self.scrubbed_ns = time_ns

    def scrubbing(self, start_ns: float, end_ns: float) -> bool:
        """Whether clearing may have been under way in this time; then requests may be refused."""
        return start_ns <= self.scrubbed_ns + self._clearing_ns and self.scrubbed_ns <= end_ns

    def drop_old_runs(self, made_ns: float) -> None:
        """Forget transfers that ended before `made_ns` and wait for nothing."""
        self.runs = [run for run in self.runs if run.alive(made_ns) or run.open]


def _everything() -> Iterator[tuple[int, int]]:
    """Every DW of a function that software can write."""
    for offset in range(Register.LENGTH, Register.SCRATCH + DW * SCRATCH_REGISTERS, DW):
        yield 0, Bar0.REGISTERS + offset
    yield 0, Bar0.REGISTERS + Register.STATUS
    yield 0, Bar0.REGISTERS + Register.PASID
    yield 0, Bar0.PUBLIC + PublicRegister.SCRATCH
    for offset in range(0, MEMORY_BYTES, DW):
        yield 0, Bar0.MEMORY + offset
    for offset in _table():
        yield 2, offset


def _table() -> range:
    """Offsets in BAR2 of all DWs of the MSI-X table."""
    return range(Bar2.MSIX_TABLE, Bar2.MSIX_TABLE + MSIX_ENTRY * MSIX_VECTORS, DW)
