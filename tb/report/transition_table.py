# SPDX-License-Identifier: Apache-2.0
"""The transition table as a device has shown it: rows of a Markdown table, and back.

A cell is the next state and the answer; for an event that is no message, the next state alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from models.tdisp.codes import TdiState
from models.tdisp.table import Event
from tb.sim import ROOT

DOCUMENT = ROOT / "docs" / "transitions.md"
OUT_OF_REACH = "-"
Seen = dict[tuple[Event, TdiState], str]


def cell(state: TdiState, answer: str | None) -> str:
    """The text of a cell."""
    return state.name if answer is None else f"{state.name} / {answer}"


def rows(seen: Mapping[tuple[Event, TdiState], str]) -> Iterator[str]:
    """One line an event, in the order of the table."""
    for event in Event:
        cells = [seen.get((event, state), OUT_OF_REACH) for state in TdiState]
        if set(cells) != {OUT_OF_REACH}:
            yield f"| {event.value} | {' | '.join(cells)} |"


def read(document: Path = DOCUMENT) -> Seen:
    """What the document says; empty when there is none."""
    if not document.exists():
        return {}
    events = {event.value: event for event in Event}
    found: Seen = {}
    for line in document.read_text().splitlines():
        name, *cells = [part.strip() for part in line.strip("|").split(" | ")]
        if name in events and len(cells) == len(TdiState):
            found |= {
                (events[name], state): text.removesuffix(" |")
                for state, text in zip(TdiState, cells, strict=True)
                if text != OUT_OF_REACH
            }
    return found
