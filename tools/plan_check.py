# SPDX-License-Identifier: Apache-2.0
"""Check the verification plan in docs/plan against the tests.

The plan is right when every requirement of stage "core" is named by a test, and by coverage points
if it is one of TDISP, every requirement of stage "planned" gives a reason, every test names a
requirement, and every name exists.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tb.coverage import CoverageError, Pattern

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("core", "planned")
WITH_POINTS = "TDISP-"  # requirements that coverage points are asked of
TOOL_TESTS = "tests"  # what lies right here tests the project's own tools, no requirement
BY_CASE = "each_mutant"  # a decorator: each case of the test names requirements of its own


@dataclass
class Plan:
    """Requirements with their entries, and the tests that name each of them."""

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # the file of an entry, without its ending
    tests: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def _load_entries(folder: Path, plan: Plan) -> None:
    """All entries of the TOML files in `folder`, by requirement number."""
    for path in sorted(folder.glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        plan.entries.update(entries)
        plan.files.update(dict.fromkeys(entries, path.stem))


def check(root: Path = ROOT) -> Plan:
    """Read the plan and the tests below `root`; the problems are in the result."""
    plan = Plan()
    _load_entries(root / "docs" / "plan", plan)
    for path in sorted((root / "tests").rglob("*.py")):
        _read_tests(path, path.relative_to(root).as_posix(), plan)
    for name in plan.tests:
        if name not in plan.entries:
            plan.problems.append(f"{name}: named by {plan.tests[name][0]}, not in docs/plan")
    for name, entry in plan.entries.items():
        stage = entry.get("stage")
        if stage not in STAGES:
            plan.problems.append(f"{name}: stage {stage!r} is none of {STAGES}")
        elif stage == "core" and name not in plan.tests:
            plan.problems.append(f"{name}: no test names it ({entry['text']})")
        elif stage == "planned" and not entry.get("reason"):
            plan.problems.append(f"{name}: planned without a reason")
        _check_points(name, entry, plan)
    return plan


def _check_points(name: str, entry: dict[str, Any], plan: Plan) -> None:
    points = entry.get("points", [])
    if entry.get("stage") == "core" and name.startswith(WITH_POINTS) and not points:
        plan.problems.append(f"{name}: no coverage point shows it ({entry['text']})")
    for text in points:
        try:
            Pattern.parse(text)
        except CoverageError as error:
            plan.problems.append(f"{name}: {error}")


def _read_tests(path: Path, name: str, plan: Plan) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module_wide = _module_marks(tree)
    decorators: set[ast.expr] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node not in decorators:
            for requirement in _names(node):
                plan.tests.setdefault(requirement, []).append(name)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        decorators.update(node.decorator_list)
        named = [n for decorator in node.decorator_list for n in _names(decorator)]
        by_case = BY_CASE in map(_called, node.decorator_list)
        is_test = (
            path.name.startswith("test_")
            and node.name.startswith("test_")
            and path.parent.name != TOOL_TESTS
        )
        if is_test and not (named or module_wide or by_case):
            plan.problems.append(f"{name}::{node.name}: names no requirement")
        for requirement in named + (module_wide if is_test else []):
            plan.tests.setdefault(requirement, []).append(f"{name}::{node.name}")


def _module_marks(tree: ast.Module) -> list[str]:
    marks = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        ):
            values = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            marks += [name for value in values for name in _names(value)]
    return marks


def _names(node: ast.expr) -> list[str]:
    if not isinstance(node, ast.Call) or _called(node) not in ("covers", "attack"):
        return []
    return [name for argument in node.args for name in _constants(argument)]


def _called(node: ast.expr) -> str | None:
    """The name of the function that an expression calls."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.id if isinstance(function, ast.Name) else None


def _constants(node: ast.expr) -> list[str]:
    """Strings in an argument: one constant, or a starred tuple of constants."""
    if isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple | ast.List):
        return [name for item in node.value.elts for name in _constants(item)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return []


def main() -> int:
    """Print the problems and the count of requirements; 1 when there is a problem."""
    plan = check()
    for problem in plan.problems:
        print(problem, file=sys.stderr)
    core = [name for name, entry in plan.entries.items() if entry.get("stage") == "core"]
    shown = [name for name in core if name in plan.tests]
    print(f"{len(shown)} of {len(core)} core requirements have a test; {len(plan.entries)} in all")
    return 1 if plan.problems else 0


if __name__ == "__main__":
    sys.exit(main())
