# SPDX-License-Identifier: Apache-2.0
"""The page of functional coverage: what is missing, each requirement, each group as a grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from models.tdisp.codes import TdiState
from tb.coverage import GROUPS, CoverItem, Pattern
from tb.report.html import STATE_COLOUR, STYLE

COLUMNS = ("state", "state before", "from")  # axes that become the columns of a grid
OUTCOMES = ("state after", "to")
# The axis that becomes the rows where it is not the first that is left.
ROWS = {"transition": "cause", "mmio": "region", "completion": "effect", "report": "offset"}
STATES = [state.name for state in TdiState]
MORE_STYLE = """
.grid td { border-left: 1px solid var(--line); } .grid th { white-space: nowrap; }
td.none { background: var(--soft); } .n { opacity: .6; font-size: .85em; }
nav a { margin-right: .9rem; white-space: nowrap; }
.points code { word-break: normal; } .points td:first-child { white-space: nowrap; }
.points td:last-child { overflow-wrap: anywhere; min-width: 16rem; }
"""


@dataclass(frozen=True)
class Point:
    """A pattern of a requirement: how often it was hit, and by which run first."""

    pattern: Pattern
    count: int
    example: str


@dataclass(frozen=True)
class Shown:
    """A requirement with its points."""

    number: str
    text: str
    core: bool
    points: tuple[Point, ...]

    @property
    def missing(self) -> tuple[Point, ...]:
        """What no run has hit."""
        return tuple(point for point in self.points if not point.count)


def render(requirements: Sequence[Shown], hits: dict[CoverItem, int]) -> str:
    """The whole page."""
    core = [one for one in requirements if one.core]
    hit = sum(not one.missing for one in core)
    missing = [one for one in requirements if one.missing]
    groups = [group for group in GROUPS if any(item.group == group for item in hits)]
    links = " ".join(f'<a href="#{escape(_id(group))}">{escape(group)}</a>' for group in groups)
    body = [
        f"<h1>Functional coverage: {hit} of {len(core)} core requirements</h1>",
        f"<p>{len(hits)} different points, {sum(hits.values())} hits.</p><nav>{links}</nav>",
        "<h2>What is missing</h2>",
        _requirements(missing, only_missing=True) if missing else "<p>Nothing.</p>",
        "<h2>Requirements</h2>",
        _requirements(requirements),
        *(_group(group, hits) for group in groups),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Functional coverage</title>'
        f"<style>{STYLE}{MORE_STYLE}</style><body>{''.join(body)}</body></html>"
    )


def _id(group: str) -> str:
    return group.replace(" ", "-")


def _requirements(requirements: Sequence[Shown], *, only_missing: bool = False) -> str:
    head = "<tr><th>Number</th><th>Requirement</th><th>Point</th><th>Hits</th><th>Run</th></tr>"
    rows = "".join(_rows(one, only_missing) for one in requirements)
    return f'<table class="points">{head}{rows}</table>'


def _rows(shown: Shown, only_missing: bool) -> str:
    points = shown.missing if only_missing else shown.points
    lines = []
    for n, point in enumerate(points):
        number = shown.number if shown.core else f"{shown.number} (planned)"
        first = f"<td>{escape(number)}</td><td>{escape(shown.text)}</td>"
        mark = "ok" if point.count else "bad" if shown.core else "n"
        lines.append(
            f"<tr>{'<td></td><td></td>' if n else first}"
            f"<td><code>{escape(str(point.pattern))}</code></td>"
            f'<td class="{mark}">{point.count}</td>'
            f'<td class="n">{escape(point.example)}</td></tr>'
        )
    return "".join(lines)


def _group(group: str, hits: dict[CoverItem, int]) -> str:
    axes = GROUPS[group]
    found = {item.point: count for item, count in hits.items() if item.group == group}
    column = next((n for n, axis in enumerate(axes) if axis in COLUMNS), None)
    title = f'<h2 id="{escape(_id(group))}">{escape(group)}</h2><p>{escape(", ".join(axes))}</p>'
    if column is None:
        return title + _list(axes, found)
    row = axes.index(ROWS[group]) if group in ROWS else next(n for n in (0, 1) if n != column)
    return title + _grid(axes, found, row, column)


def _list(axes: Sequence[str], found: dict[tuple[str, ...], int]) -> str:
    head = "".join(f"<th>{escape(axis)}</th>" for axis in (*axes, "hits"))
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(value)}</td>' for value in point)}"
        f'<td class="n">{count}</td></tr>'
        for point, count in sorted(found.items())
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _grid(axes: Sequence[str], found: dict[tuple[str, ...], int], row: int, column: int) -> str:
    cells: dict[tuple[str, str], list[str]] = defaultdict(list)
    for point, count in sorted(found.items()):
        rest = [
            (axis, value)
            for n, (axis, value) in enumerate(zip(axes, point, strict=True))
            if n not in (row, column)
        ]
        text = " · ".join(_value(axis, value) for axis, value in rest)
        cells[point[row], point[column]].append(f'{text} <span class="n">&times;{count}</span>')
    columns = [*STATES, *sorted({point[column] for point in found}.difference(STATES))]
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = []
    for name in sorted({point[row] for point in found}):
        inside = "".join(_cell(cells.get((name, other), [])) for other in columns)
        lines.append(f"<tr><th>{escape(name)}</th>{inside}</tr>")
    top = f"<tr><th>{escape(axes[row])}</th>{head}</tr>"
    return f'<div class="scroll"><table class="grid">{top}{"".join(lines)}</table></div>'


def _cell(lines: Sequence[str]) -> str:
    return f"<td>{'<br>'.join(lines)}</td>" if lines else '<td class="none"></td>'


def _value(axis: str, value: str) -> str:
    if axis in OUTCOMES and value in STATE_COLOUR:
        return f'<span style="color:{STATE_COLOUR[value]}">→ {escape(value)}</span>'
    return escape(value)
