# SPDX-License-Identifier: Apache-2.0
"""Which value was in force when: by the reference, and on the pins of the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")

# A device acts a few hundred cycles after a TLP or an access has passed on the link. Within this
# time of a change both the old and the new value may have decided.
RACE_NS = 2400.0
KEPT = 64  # changes


@dataclass(frozen=True)
class Change(Generic[ValueT]):
    """From `time_ns` on the value is `value`."""

    time_ns: float
    value: ValueT


class Timeline(Generic[ValueT]):
    """The changes of one value, the last of them in detail."""

    def __init__(self, first: ValueT) -> None:
        self._changes = [Change(float("-inf"), first)]

    @property
    def now(self) -> ValueT:
        """The value after the last change."""
        return self._changes[-1].value

    @property
    def changed_ns(self) -> float:
        """Time of the last change; minus infinity when there was none."""
        return self._changes[-1].time_ns

    def change(self, time_ns: float, value: ValueT) -> None:
        """From `time_ns` on, or from the last change if that is later, it is `value`."""
        self._changes.append(Change(max(time_ns, self.changed_ns), value))
        del self._changes[:-KEPT]

    def during(self, start_ns: float, end_ns: float) -> frozenset[ValueT]:
        """All values in force at some time of the closed interval."""
        found = set()
        for n, change in enumerate(self._changes):
            following = self._changes[n + 1].time_ns if n + 1 < len(self._changes) else float("inf")
            if change.time_ns <= end_ns and following >= start_ns:
                found.add(change.value)
        return frozenset(found)


class Unsettled(Generic[ValueT]):
    """The changes of a value that requests alter at an unknown moment before their answer."""

    def __init__(self, first: ValueT) -> None:
        self._timeline = Timeline(frozenset({first}))

    @property
    def now(self) -> frozenset[ValueT]:
        """The values that it may have now."""
        return self._timeline.now

    def change(self, time_ns: float, values: frozenset[ValueT]) -> None:
        """From `time_ns` on it is one of `values`."""
        if values != self._timeline.now:
            self._timeline.change(time_ns, values)

    def during(self, start_ns: float, end_ns: float) -> frozenset[ValueT]:
        """All values that it may have had at some time of the closed interval."""
        return frozenset().union(*self._timeline.during(start_ns, end_ns))


class Track(Generic[ValueT]):
    """One value twice: as the reference has it, and as the device shows it."""

    def __init__(self, first: ValueT) -> None:
        self.reference = Timeline(first)
        self.device = Timeline(first)

    def during(self, start_ns: float, end_ns: float) -> frozenset[ValueT]:
        """Values by which the device may have decided in this time."""
        return self.reference.during(start_ns, end_ns) | self.device.during(start_ns, end_ns)

    def around(self, time_ns: float) -> frozenset[ValueT]:
        """Values by which it may have decided at `time_ns`: those of one race before it."""
        return self.during(time_ns - RACE_NS, time_ns)
