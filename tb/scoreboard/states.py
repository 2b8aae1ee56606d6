# SPDX-License-Identifier: Apache-2.0
"""Transitions that the reference predicts against those that the device shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tb.coverage import CoverItem
from tb.scoreboard.findings import Findings, show
from tb.scoreboard.timeline import Track

ValueT = TypeVar("ValueT")

LAG_NS = 40_000.0  # a predicted transition must be seen within this time, and the reverse


@dataclass(frozen=True)
class Transition(Generic[ValueT]):
    """One change of one item."""

    time_ns: float
    old: ValueT
    new: ValueT
    cause: str = ""


class TransitionChecker(Generic[ValueT]):
    """Pairs predicted and seen transitions of each item in order (TDISP-STATE-001 to 004).

    A transition may be seen first: the answer that tells the reference of it is read later.

    Args:
        what: "TDI" or "stream".
        first: the value of each item after reset.
        requirements: named when a transition differs or is missing.
    """

    def __init__(
        self,
        what: str,
        first: Sequence[ValueT],
        requirements: tuple[str, ...],
        findings: Findings,
    ) -> None:
        self.what = what
        self.tracks = [Track(value) for value in first]
        self.covered: list[CoverItem] = []
        self._requirements = requirements
        self._findings = findings
        self._predicted: list[deque[Transition[ValueT]]] = [deque() for _ in first]
        self._seen: list[deque[Transition[ValueT]]] = [deque() for _ in first]
        self._waiting: set[int] = set()  # items of which one of the two is not empty
        self._shown: tuple[ValueT, ...] = ()  # the latest pins

    def __len__(self) -> int:
        return len(self.tracks)

    def predict(self, time_ns: float, index: int, value: ValueT, cause: str) -> None:
        """The reference moves item `index` to `value`; the same value again is no transition."""
        track = self.tracks[index].reference
        if value == track.now:
            return
        transition = Transition(time_ns, track.now, value, cause)
        self._note(time_ns, index, f"reference: {_arc(transition)} ({cause})")
        self.covered.append(
            CoverItem("transition", (self.what, show(track.now), show(value), cause))
        )
        self._predicted[index].append(transition)
        waiting = self._seen[index]
        explained = waiting and waiting[0].new == value
        track.change(min(waiting[0].time_ns, time_ns) if explained else time_ns, value)
        self._match(time_ns, index)

    def observe(self, time_ns: float, values: Sequence[ValueT]) -> list[tuple[int, ValueT]]:
        """The pins of the device; returns what has changed."""
        shown = tuple(values)
        if shown == self._shown:
            return []
        self._shown = shown
        changed = []
        for index, value in enumerate(values[: len(self.tracks)]):
            track = self.tracks[index].device
            if value == track.now:
                continue
            transition = Transition(time_ns, track.now, value)
            self._note(time_ns, index, f"device: {_arc(transition)}")
            self._seen[index].append(transition)
            track.change(time_ns, value)
            changed.append((index, value))
            self._match(time_ns, index)
        return changed

    def all_unexplained(self) -> list[Transition[ValueT]]:
        """The first transition of each item that was seen and not predicted yet."""
        return [self._seen[index][0] for index in sorted(self._waiting) if self._seen[index]]

    def unexplained(self, index: int) -> Transition[ValueT] | None:
        """The first transition of an item that was seen and not predicted yet."""
        return self._seen[index][0] if self._seen[index] else None

    def unexplained_values(self, index: int) -> list[ValueT]:
        """What an item went to in all transitions that were seen and not predicted yet."""
        return [transition.new for transition in self._seen[index]]

    def _match(self, time_ns: float, index: int) -> None:
        predicted, seen = self._predicted[index], self._seen[index]
        while predicted and seen:
            expected, got = predicted.popleft(), seen.popleft()
            if (expected.old, expected.new) != (got.old, got.new):
                self._differ(time_ns, index, expected, got)
        if predicted or seen:
            self._waiting.add(index)
        else:
            self._waiting.discard(index)

    def _differ(
        self,
        time_ns: float,
        index: int,
        expected: Transition[ValueT] | None,
        got: Transition[ValueT] | None,
    ) -> None:
        title = f"{self.what} {index}: state transition"
        self._findings.mismatch(
            self._requirements, time_ns, title, _fields(expected), _fields(got), self._tdi(index)
        )

    def advance(self, time_ns: float, answer_pending: bool) -> None:
        """Report what has waited too long.

        `answer_pending` says that a request is open whose answer may explain what was seen.
        """
        for index in sorted(self._waiting):
            predicted, seen = self._predicted[index], self._seen[index]
            if predicted and time_ns - predicted[0].time_ns > LAG_NS:
                self._differ(time_ns, index, predicted.popleft(), None)
            if seen and not answer_pending and time_ns - seen[0].time_ns > LAG_NS:
                self._differ(time_ns, index, None, seen.popleft())
            self._match(time_ns, index)

    def finish(self, time_ns: float) -> None:
        """The run ends: everything that still waits is a mismatch."""
        for index in range(len(self)):
            while self._predicted[index]:
                self._differ(time_ns, index, self._predicted[index].popleft(), None)
            while self._seen[index]:
                self._differ(time_ns, index, None, self._seen[index].popleft())

    def reset(self, time_ns: float, first: ValueT) -> None:
        """Conventional reset: every item is back at `first`, without transitions."""
        self._waiting.clear()
        self._shown = ()
        for index, track in enumerate(self.tracks):
            self._predicted[index].clear()
            self._seen[index].clear()
            track.reference.change(time_ns, first)
            track.device.change(time_ns, first)

    def _tdi(self, index: int) -> int | None:
        return index if self.what == "TDI" else None

    def _note(self, time_ns: float, index: int, text: str) -> None:
        self._findings.note(time_ns, f"{self.what} {index}: {text}", self._tdi(index))


def _arc(transition: Transition[ValueT]) -> str:
    return f"{show(transition.old)} -> {show(transition.new)}"


def _fields(transition: Transition[ValueT] | None) -> dict[str, object]:
    if transition is None:
        return {"from": "no transition", "to": "no transition"}
    fields: dict[str, object] = {"from": transition.old, "to": transition.new}
    if transition.cause:
        fields["cause"] = transition.cause
    return fields
