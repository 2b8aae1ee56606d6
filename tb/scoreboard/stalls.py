# SPDX-License-Identifier: Apache-2.0
"""Times in which the host takes no TLP, and how long ago one that is seen may have been made."""

from __future__ import annotations

from tb.scoreboard.timeline import RACE_NS


class Stalls:
    """What is stalled on the link was made before, by the state of that time."""

    def __init__(self) -> None:
        self._begun_ns = float("inf")  # of the last stall
        self._ended_ns = float("-inf")

    def begin(self, time_ns: float) -> None:
        """The host takes nothing from now on."""
        self._begun_ns, self._ended_ns = time_ns, float("inf")

    def end(self, time_ns: float) -> None:
        """It does again."""
        self._ended_ns = time_ns

    def made_since(self, time_ns: float) -> float:
        """The earliest time at which what passes at `time_ns` may have been decided.

        A race before; what waited leaves within two of them after a stall.
        """
        waited = self._begun_ns <= time_ns <= self._ended_ns + 2 * RACE_NS
        return min(time_ns, self._begun_ns if waited else time_ns) - RACE_NS
