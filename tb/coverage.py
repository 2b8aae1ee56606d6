# SPDX-License-Identifier: Apache-2.0
"""Coverage points: what a run has seen and compared, and patterns that requirements ask for."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

FILE = "coverage.json"
ANY = "*"

# What the values of a point mean, by group. States are those of a TDI unless said otherwise.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "transition": ("TDI or stream", "from", "to", "cause"),
    "message": ("request", "state", "answer", "error"),
    "refusal": ("request", "requirement", "error"),
    "name": ("INTERFACE_ID of", "answer"),
    "session": ("request", "state", "session", "error"),
    "lock": ("field", "value", "error"),
    "nonce": ("nonce of START", "state", "error"),
    "under way": ("cause", "work", "state before", "state after"),
    "report": ("state", "offset", "length", "answer"),
    "report content": ("field", "value"),
    "event": ("event", "whom", "state before", "state after"),
    "register": ("register", "change", "whom", "state before", "state after"),
    "register read": ("function", "register", "state"),
    "race": ("request under way", "event", "state before", "state after"),
    "mmio": ("state", "T", "stream", "region", "decision"),
    "access": ("TLP", "form", "answer"),
    "outbound": ("kind", "state", "T", "way"),
    "dma": ("TLP", "address type", "attributes", "PASID", "state"),
    "completion": ("of", "state", "way", "effect"),
    "invalidation": ("state", "way", "outcome"),
    "page response": ("state", "way", "effect"),
    "ide receive": ("failure",),
    "error": ("error",),
    "policy": ("step", "outcome", "requirement"),
    "rule": ("rule", "subject", "state", "outcome"),
}


class CoverageError(Exception):
    """A point or a pattern that is none, or hits that cannot be read."""


@dataclass(frozen=True)
class CoverItem:
    """One thing that was seen and compared: a group of `GROUPS` and a value for each axis."""

    group: str
    point: tuple[str, ...]

    def __post_init__(self) -> None:
        check_shape(self.group, self.point)

    def __str__(self) -> str:
        return f"{self.group}: {', '.join(self.point)}"


@dataclass(frozen=True)
class Pattern:
    """Points of one group: for each axis `*`, or values with wildcards, `|` between them."""

    group: str
    axes: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """From "group: axis, axis"; CoverageError says in one line what is wrong."""
        group, _, rest = text.partition(":")
        axes = tuple(axis.strip() for axis in rest.split(","))
        try:
            check_shape(group, axes)
        except CoverageError as error:
            raise CoverageError(f"pattern {text!r}: {error}") from error
        return cls(group, axes)

    def matches(self, item: CoverItem) -> bool:
        """Whether the item is one of these points."""
        return item.group == self.group and all(
            any(fnmatchcase(value, one.strip()) for one in axis.split("|"))
            for axis, value in zip(self.axes, item.point, strict=True)
        )

    def __str__(self) -> str:
        return f"{self.group}: {', '.join(self.axes)}"


def check_shape(group: str, values: tuple[str, ...]) -> None:
    """CoverageError when there is no such group, or it has another number of axes."""
    axes = GROUPS.get(group)
    if axes is None:
        raise CoverageError(f"there is no group {group!r}")
    if len(values) != len(axes) or "" in values:
        raise CoverageError(f"{group!r} has {len(axes)} values: {', '.join(axes)}")


@dataclass(frozen=True)
class Run:
    """The hits of one simulation or model test, and how to tell it from others."""

    test: str
    seed: int
    hits: Mapping[CoverItem, int]


def save(folder: Path, run: Run) -> None:
    """Add the hits of a run to the file in `folder`, which belongs to one test alone."""
    path = folder / FILE
    hits = Counter(load(path).hits if path.exists() else {})
    hits.update(run.hits)
    points = sorted([item.group, list(item.point), count] for item, count in hits.items())
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"test": run.test, "seed": run.seed, "hits": points}))


def save_simulation(hits: Mapping[CoverItem, int]) -> None:
    """Save the hits of the simulation that runs in this folder."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]
    seed = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))
    save(Path(), Run(test or Path.cwd().name, seed, hits))


def load(path: Path) -> Run:
    """The hits in a file; CoverageError when it is none, or of other groups than today's."""
    try:
        content = json.loads(path.read_text())
        hits = {CoverItem(group, tuple(point)): n for group, point, n in content["hits"]}
        return Run(content["test"], content["seed"], hits)
    except (ValueError, KeyError, TypeError, CoverageError) as error:
        raise CoverageError(f"{path}: {error}") from error
