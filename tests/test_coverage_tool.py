# SPDX-License-Identifier: Apache-2.0
"""Coverage points: what is saved, how runs are merged, and which requirement was not hit."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tb.coverage import FILE, CoverageError, CoverItem, Pattern, Run, load, save
from tb.report.hits import Coverage
from tb.scoreboard.findings import Findings
from tools.coverage import PAGE, main, merge

SERVED = CoverItem("mmio", ("RUN", "T1", "bound", "memory", "pass"))
REFUSED = CoverItem("mmio", ("RUN", "T0", "plain", "memory", "reject"))
PLAN = """
[TDISP-X-001]
text = "served"
stage = "core"
points = ["mmio: RUN, T1, bound, registers|memory, pass"]

[TDISP-X-002]
text = "refused"
stage = "{stage}"
reason = "r"
points = ["mmio: RUN, T0, *, mem*, reject"]
"""
TEST = '@covers("TDISP-X-001", "TDISP-X-002")\ndef test_a(): pass\n'


def project(folder: Path, plan: str = PLAN, stage: str = "core") -> Path:
    (folder / "docs" / "plan").mkdir(parents=True)
    (folder / "tests" / "unit").mkdir(parents=True)
    (folder / "docs" / "plan" / "plan.toml").write_text(plan.replace("{stage}", stage))
    (folder / "tests" / "unit" / "test_it.py").write_text(TEST)
    return folder


def hits(folder: Path, *items: CoverItem, build: str = "a", test: str = "t", age: int = 0) -> Path:
    """A simulation of `test` that has hit `items`, each twice, `age` seconds ago."""
    runs = folder / "device" / build / "runs" / f"{test}-7"
    save(runs, Run(test, 7, dict.fromkeys(items, 2)))
    path = runs / FILE
    when = path.stat().st_mtime - age
    os.utime(path, (when, when))
    return path


def test_requirements_that_were_hit_are_shown(tmp_path: Path) -> None:
    hits(tmp_path / "sim", SERVED, REFUSED)
    assert main([str(tmp_path / "sim")], project(tmp_path)) == 0
    text = (tmp_path / "sim" / PAGE).read_text()
    assert "2 of 2 core requirements" in text
    assert "<p>Nothing.</p>" in text
    assert "t, seed 7" in text


def test_missing_hit_fails_and_names_requirement_and_pattern(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hits(tmp_path / "sim", SERVED)
    assert main([str(tmp_path / "sim")], project(tmp_path)) == 1
    missing, total = capsys.readouterr().out.splitlines()
    assert missing == "TDISP-X-002: no hit of 'mmio: RUN, T0, *, mem*, reject'"
    assert total.startswith("1 of 2 core requirements were hit")
    text = (tmp_path / "sim" / PAGE).read_text()
    assert text.index("What is missing") < text.index("refused") < text.index("Requirements</h2>")


def test_planned_requirement_need_not_be_hit(tmp_path: Path) -> None:
    hits(tmp_path / "sim", SERVED)
    assert main([str(tmp_path / "sim")], project(tmp_path, stage="planned")) == 0


def test_bad_pattern_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hits(tmp_path / "sim", SERVED)
    root = project(tmp_path, PLAN.replace("T0, *, mem*", "T0, mem*"))
    assert main([str(tmp_path / "sim")], root) == 1
    error = capsys.readouterr().err
    assert error.startswith("TDISP-X-002: pattern 'mmio: RUN, T0, mem*, reject': 'mmio' has 5 ")
    assert error.count("\n") == 1


def test_without_data_it_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "sim")], project(tmp_path)) == 1
    error = capsys.readouterr().err
    assert "make test" in error
    assert error.count("\n") == 1


def test_of_a_test_only_its_last_run_counts(tmp_path: Path) -> None:
    hits(tmp_path, SERVED, build="before a change", age=60)
    hits(tmp_path, REFUSED, build="after it")
    hits(tmp_path, REFUSED, build="after it", test="another")
    assert merge(tmp_path).hits == {REFUSED: 4}
    hits(tmp_path, SERVED, build="after it")  # a second test of the same simulation
    assert merge(tmp_path).hits == {REFUSED: 4, SERVED: 2}


def test_file_of_other_groups_is_skipped(tmp_path: Path) -> None:
    path = hits(tmp_path, SERVED)
    path.write_text(path.read_text().replace("mmio", "memory"))
    hits(tmp_path, REFUSED, build="b", test="another")
    with pytest.raises(CoverageError, match="'memory'"):
        load(path)
    assert set(merge(tmp_path).hits) == {REFUSED}


def test_each_axis_has_alternatives_and_wildcards() -> None:
    pattern = Pattern.parse("mmio: RUN|ERROR, T?, *, *, pass")
    assert pattern.matches(SERVED)
    assert not pattern.matches(REFUSED)
    assert not Pattern.parse("access: *, *, *").matches(SERVED)


def test_point_of_wrong_size_is_refused() -> None:
    with pytest.raises(CoverageError, match="'mmio' has 5 values"):
        CoverItem("mmio", ("RUN", "T1"))


@pytest.mark.parametrize("weak", [False, True])
def test_simulation_saves_what_was_compared_unless_mismatches_were_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weak: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    findings = Findings()
    if weak:
        findings.expect_mismatch("TDISP-X-001")
        findings.mismatch(("TDISP-X-001",), 0.0, "weak", {}, {})
    coverage = Coverage(f"coverage_{weak}", None)
    coverage.build_phase()
    coverage.scoreboard = SimpleNamespace(findings=findings)
    coverage.write(SERVED)
    coverage.report_phase()
    assert (tmp_path / FILE).exists() is not weak
    if not weak:
        assert load(tmp_path / FILE).hits == {SERVED: 1}
