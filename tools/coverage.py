# SPDX-License-Identifier: Apache-2.0
"""Merges the hits of the last runs, and tells which requirement they show and which they do not.

Writes sim_build/coverage/index.html; exit status 1 when a core requirement was not hit.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tb.coverage import FILE, CoverageError, CoverItem, Pattern, Run, load
from tb.report.coverage_page import Point, Shown, render
from tb.sim import BUILD_ROOT
from tools.plan_check import ROOT, Plan, check

PAGE = Path("coverage/index.html")


@dataclass
class Merged:
    """All hits, and for each point a run that made it."""

    hits: Counter[CoverItem] = field(default_factory=Counter)
    examples: dict[CoverItem, str] = field(default_factory=dict)


def files(folder: Path) -> list[Path]:
    """The hits of every simulation and model test, the oldest first."""
    return sorted(folder.glob(f"*/*/runs/*/{FILE}"), key=lambda path: path.stat().st_mtime_ns)


def merge(folder: Path) -> Merged:
    """Of runs of the same test only the last one counts: it may have been built anew since."""
    runs: dict[tuple[str, str], Run] = {}
    for path in files(folder):
        try:
            run = load(path)
        except CoverageError:  # from before a change of the groups
            continue
        runs[run.test, path.parent.name] = run
    merged = Merged()
    for run in runs.values():
        merged.hits.update(run.hits)
        for item in run.hits:
            merged.examples.setdefault(item, f"{run.test}, seed {run.seed}")
    return merged


def judge(plan: Plan, merged: Merged) -> list[Shown]:
    """Each requirement that has points."""
    shown = []
    for number, entry in plan.entries.items():
        patterns = [Pattern.parse(text) for text in entry.get("points", ())]
        points = tuple(_point(pattern, merged) for pattern in patterns)
        if points:
            shown.append(Shown(number, entry["text"], entry["stage"] == "core", points))
    return shown


def _point(pattern: Pattern, merged: Merged) -> Point:
    found = [item for item in merged.hits if pattern.matches(item)]
    example = merged.examples[found[0]] if found else ""
    return Point(pattern, sum(merged.hits[item] for item in found), example)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """0 when every core requirement was hit."""
    parser = argparse.ArgumentParser(prog="coverage", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=BUILD_ROOT)
    folder: Path = parser.parse_args(arguments).folder
    plan, merged = check(root), merge(folder)
    if plan.problems:
        print(plan.problems[0], file=sys.stderr)
        return 1
    if not merged.hits:
        print(f"coverage: no hits in {folder}: run `make test` first", file=sys.stderr)
        return 1
    shown = judge(plan, merged)
    page = folder / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(shown, merged.hits), encoding="utf-8")
    core = [one for one in shown if one.core]
    missing = [one for one in core if one.missing]
    for one in missing:
        for point in one.missing:
            print(f"{one.number}: no hit of {str(point.pattern)!r}")
    print(f"{len(core) - len(missing)} of {len(core)} core requirements were hit: {page}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
