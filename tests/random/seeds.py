# SPDX-License-Identifier: Apache-2.0
"""Seeds that the random tests run with: always the same ones, and those that once failed."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).with_name("seeds.txt")


def failed_seeds(path: Path = PATH) -> dict[int, str]:
    """Seeds that once failed, with the requirement that was broken."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words:
            seed, requirement = words
            found[int(seed)] = requirement
    return found


def seeds(*always: int) -> list[int]:
    """`always`, and the seeds that once failed behind them."""
    return list(dict.fromkeys([*always, *failed_seeds()]))
