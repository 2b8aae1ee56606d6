# SPDX-License-Identifier: Apache-2.0
"""Progress of a scenario, handed from the simulation to whoever shows it, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Progress:
    """Step `number` of `total` has begun; `name` is empty once all are done."""

    number: int
    total: int
    name: str
    time_ns: float


class ProgressWriter:
    """Appends to a file as steps begin."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_text("")

    def write(self, progress: Progress) -> None:
        """Add one line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(progress)) + "\n")


class ProgressReader:
    """Reads what has been added since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def poll(self) -> Iterator[Progress]:
        """The steps that have begun since the last call."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8") as file:
            file.seek(self._at)
            text = file.read()
        whole = text.rfind("\n") + 1
        self._at += len(text[:whole].encode())
        for line in text[:whole].splitlines():
            yield Progress(**json.loads(line))
