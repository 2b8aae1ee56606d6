# SPDX-License-Identifier: Apache-2.0
"""Coverage points of tests without a simulator: what a test samples counts once it has passed."""

from __future__ import annotations

from collections import Counter

from tb.coverage import CoverItem

_hits: Counter[CoverItem] = Counter()


def sample(group: str, *point: str) -> None:
    """Something that a model has just shown."""
    _hits[CoverItem(group, point)] += 1


def take() -> Counter[CoverItem]:
    """All since the last call."""
    taken = _hits.copy()
    _hits.clear()
    return taken
