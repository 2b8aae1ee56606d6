# SPDX-License-Identifier: Apache-2.0
"""Events after which a locked TDI may show ERROR, or stay as it is."""

from __future__ import annotations

from models.tdisp.codes import ErrorCause
from tb.scoreboard.states import LAG_NS


class Excuses:
    """The last such event of each TDI."""

    def __init__(self) -> None:
        self._given: dict[int, tuple[float, ErrorCause]] = {}

    def give(self, tdi: int, cause: ErrorCause, time_ns: float) -> None:
        """An ERROR that comes soon has this cause."""
        self._given[tdi] = (time_ns, cause)

    def take(self, tdi: int, time_ns: float) -> ErrorCause | None:
        """Why the TDI shows ERROR now; None when nothing explains it."""
        since, cause = self._given.pop(tdi, (float("-inf"), ErrorCause.NONE))
        return cause if time_ns - since <= LAG_NS else None
