# SPDX-License-Identifier: Apache-2.0
"""Writes docs/requirements.md: every numbered requirement, its state, and where it is tested."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tools.plan_check import ROOT, Plan, check

PAGE = Path("docs/requirements.md")
LAYERS = ("models", "unit", "system", "attack", "mutants")
TITLES = {
    "tdisp": "TDISP",
    "ide": "IDE",
    "doe_spdm_idekm": "DOE, SPDM, secured messages, IDE_KM, socket",
    "attacks": "Attacks",
}
HEAD = """# Requirements and their state

Written by `make requirements` from `docs/plan` and the tests; `docs/spec` has the digest that the
numbers come from, [the verification plan](verification_plan.md) says what the columns mean. A
requirement is *shown* by tests in the folders that are named, or *planned* for the reason that is
given. Its coverage points are what a run of all tests has to hit at least once; `make coverage`
says whether it has.
"""
TABLE = """
| number | requirement | trust | state |
|---|---|---|---|
"""
TABLE_WITH_POINTS = """
| number | requirement | trust | state | coverage points |
|---|---|---|---|---|
"""


def layers(tests: list[str]) -> list[str]:
    """The folders of the tests that name a requirement, from the lowest layer up."""
    found = {name.split("/")[1] for name in tests}
    return [layer for layer in LAYERS if layer in found]


def _row(number: str, entry: dict[str, Any], plan: Plan, with_points: bool) -> str:
    if entry["stage"] == "planned":
        state = f"planned: {entry['reason']}"
    else:
        state = f"shown in {', '.join(layers(plan.tests.get(number, [])))}"
    row = f"| {number} | {entry['text']} | {entry.get('trust', '')} | {state} |"
    if not with_points:
        return row
    points = [f"`{text}`".replace("|", "\\|") for text in entry.get("points", ())]
    return f"{row} {'<br>'.join(points)} |"


def page(plan: Plan, root: Path = ROOT) -> str:
    """The whole page."""
    parts = [HEAD]
    for path in sorted((root / "docs" / "plan").glob("*.toml"), key=lambda p: _order(p.stem)):
        numbers = [n for n in plan.entries if plan.files[n] == path.stem]
        shown = sum(plan.entries[n]["stage"] == "core" for n in numbers)
        title = TITLES.get(path.stem, path.stem)
        with_points = any("points" in plan.entries[n] for n in numbers)
        table = TABLE_WITH_POINTS if with_points else TABLE
        parts.append(f"\n## {title}\n\n{shown} of {len(numbers)} are shown.\n{table}")
        parts += [f"{_row(n, plan.entries[n], plan, with_points)}\n" for n in numbers]
    return "".join(parts)


def _order(stem: str) -> int:
    return list(TITLES).index(stem) if stem in TITLES else len(TITLES)


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with --check compare it; 1 when they differ."""
    parser = argparse.ArgumentParser(prog="requirements_page", description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    text = page(check())
    if not options.check:
        (ROOT / PAGE).write_text(text, encoding="utf-8")
        return 0
    if (ROOT / PAGE).read_text(encoding="utf-8") != text:
        print(f"{PAGE} is out of date: run make requirements", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
