# SPDX-License-Identifier: Apache-2.0
"""The verification plan and the tests name each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.plan_check import check
from tools.requirements_page import layers, page


def _project(folder: Path, plan: str, test: str) -> Path:
    (folder / "docs" / "plan").mkdir(parents=True)
    (folder / "tests" / "unit").mkdir(parents=True)
    (folder / "docs" / "plan" / "plan.toml").write_text(plan)
    (folder / "tests" / "unit" / "test_it.py").write_text(test)
    return folder


POINTS = 'points = ["error: Malformed TLP"]\n'
CORE = '["TDISP-X-001"]\ntext = "t"\nstage = "core"\n' + POINTS


def test_plan_and_tests_agree() -> None:
    assert check().problems == []


def test_requirement_without_test_is_a_problem(tmp_path: Path) -> None:
    assert len(check(_project(tmp_path, CORE, "")).problems) == 1


def test_test_without_requirement_is_a_problem(tmp_path: Path) -> None:
    test = 'from x import covers\n@covers("TDISP-X-001")\ndef test_a(): pass\ndef test_b(): pass\n'
    assert len(check(_project(tmp_path, CORE, test)).problems) == 1


@pytest.mark.parametrize(("number", "problems"), [("TDISP-X-001", 0), ("TDISP-Y-001", 2)])
def test_cases_of_a_test_name_requirements_too(tmp_path: Path, number: str, problems: int) -> None:
    test = f'ALL = [Mutant(covers("{number}"))]\n@each_mutant(ALL)\ndef test_a(mutant): pass\n'
    plan = check(_project(tmp_path, CORE, test))
    assert len(plan.problems) == problems
    assert plan.tests == {number: ["tests/unit/test_it.py"]}


def test_unknown_requirement_is_a_problem(tmp_path: Path) -> None:
    test = '@covers("TDISP-X-001", "TDISP-Y-001")\ndef test_a(): pass\n'
    assert len(check(_project(tmp_path, CORE, test)).problems) == 1


def test_core_requirement_of_tdisp_without_coverage_point_is_a_problem(tmp_path: Path) -> None:
    test = '@covers("TDISP-X-001")\ndef test_a(): pass\n'
    (problem,) = check(_project(tmp_path, CORE.replace(POINTS, ""), test)).problems
    assert problem == "TDISP-X-001: no coverage point shows it (t)"


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("errors: *", "there is no group 'errors'"),
        ("error: *, *", "'error' has 1 values: error"),
        ("mmio: RUN, T1, bound, , pass", "'mmio' has 5 values: state, T, stream, region, decision"),
    ],
)
def test_pattern_of_no_group_or_of_wrong_size_is_a_problem(
    tmp_path: Path, pattern: str, problem: str
) -> None:
    plan = CORE.replace("error: Malformed TLP", pattern)
    test = '@covers("TDISP-X-001")\ndef test_a(): pass\n'
    found = check(_project(tmp_path, plan, test)).problems
    assert found == [f"TDISP-X-001: pattern {pattern!r}: {problem}"]


def test_planned_without_reason_is_a_problem(tmp_path: Path) -> None:
    plan = '["TDISP-X-001"]\ntext = "t"\nstage = "planned"\n'
    assert len(check(_project(tmp_path, plan, "")).problems) == 1


def test_the_page_tells_shown_from_planned_and_where(tmp_path: Path) -> None:
    plan = CORE + '["TDISP-X-002"]\ntext = "u"\ntrust = "E"\nstage = "planned"\nreason = "r"\n'
    test = '@covers("TDISP-X-001")\ndef test_a(): pass\n'
    root = _project(tmp_path, plan, test)
    text = page(check(root), root)
    assert "| TDISP-X-001 | t |  | shown in unit | `error: Malformed TLP` |" in text
    assert "| TDISP-X-002 | u | E | planned: r |  |" in text
    assert "1 of 2 are shown." in text


def test_layers_are_named_from_the_lowest_up() -> None:
    names = ["tests/attack/test_a.py::x", "tests/unit/test_b.py::y", "tests/models/test_c.py::z"]
    assert layers(names) == ["models", "unit", "attack"]
