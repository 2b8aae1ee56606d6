# SPDX-License-Identifier: Apache-2.0
"""Progress of a campaign: a bar on a terminal, one line a minute elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_SECONDS = 60.0


class Meter:
    """Is told how far a run is; a context while the run lasts."""

    def __init__(self, console: Console, messages: int) -> None:
        self._console = console
        self._messages = messages
        self._last = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(
            *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("messages", total=messages)

    def __enter__(self) -> Meter:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def tell(self, sent: int) -> None:
        """So many messages were sent; called often."""
        self._bar.update(self._task, completed=min(sent, self._messages))
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last > LINE_SECONDS:
            self._console.print(f"{sent} of {self._messages} messages", highlight=False)
            self._last = now
