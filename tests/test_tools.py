# SPDX-License-Identifier: Apache-2.0
"""The project's own tools: the simulation helper, mutations, generated headers, captures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.doe.pcap import LINKTYPE_PCI_DOE, CapturedObject, decode_pcap, encode_pcap
from tb.device import Mutation, MutationError, device, mutated, select, select_also
from tb.report.html import render
from tb.report.log import Check, ScenarioLog, StateChange
from tb.scoreboard.scoreboard import repeat_command
from tb.sim import (
    ROOT,
    BuildError,
    CheckFailedError,
    Design,
    SimulationError,
    run_simulation,
    simulator_missing,
)
from tools.gen_headers import main as headers

DATA = ROOT / "tests" / "tools_data"
COUNTER = Design("counter", [DATA / "counter.v"])
MODULE = "tests.tools_data.cocotb_counter"


def test_passed_tests_are_counted() -> None:
    assert run_simulation(COUNTER, MODULE, testcase="passes") == 1


def test_failed_test_is_told_from_other_failures() -> None:
    with pytest.raises(CheckFailedError, match="fails"):
        run_simulation(COUNTER, MODULE, testcase="fails")


def test_name_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(SimulationError, match=r"no test ran|simulation stopped|no results"):
        run_simulation(COUNTER, MODULE, testcase="absent")


def test_build_error_is_told_from_failed_tests(tmp_path: Path) -> None:
    broken = tmp_path / "counter.v"
    broken.write_text("module counter (input wire clk; endmodule\n")
    with pytest.raises(BuildError):
        run_simulation(Design("counter", [broken]), MODULE, testcase="passes")


def test_unknown_simulator_gets_one_line() -> None:
    reason = simulator_missing("modelsim")
    assert reason is not None
    assert "\n" not in reason


def test_missing_icarus_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert simulator_missing("icarus") == "iverilog is not installed: run `make setup-icarus`"


def test_mutation_of_absent_text_is_an_error() -> None:
    with pytest.raises(MutationError):
        mutated(device(), [Mutation("absent", "filter/mmio_filter.v", "no such text", "")])


@pytest.mark.parametrize(
    ("wanted", "also", "expected"),
    [
        (None, None, "a & b"),
        (0, None, "a"),
        (1, None, "b"),
        (2, None, "x"),
        (None, 1, "b"),
        (0, 2, "not a"),
    ],
)
def test_one_mutation_is_turned_on_at_a_time_or_two(
    wanted: int | None, also: int | None, expected: str
) -> None:
    source = DATA / "gate.v"
    design = Design("gate", [source])
    mutations = [
        Mutation("only a", "gate.v", "a & b", "a"),
        Mutation("only b", "gate.v", "a & b", "b"),
        Mutation("inverted", "gate.v", "y = w;", "y = !w;"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tb.device.RTL", DATA)
        plusargs = [] if wanted is None else [select(mutations, mutations[wanted])]
        plusargs += [] if also is None else [select_also(mutations, mutations[also])]
        run_simulation(
            mutated(design, mutations),
            "tests.tools_data.cocotb_gate",
            env={"EXPECTED": expected},
            plusargs=plusargs,
            label=f"gate-{wanted}-{also}",
        )


def test_headers_are_current() -> None:
    assert headers(["--check"]) == 0


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"SIM": "vcs"}, "unknown SIM=vcs"),
        ({"PYTHON": "no-such-python"}, "no-such-python not found"),
        ({"PYTHON": "/bin/false"}, "Python 3.11 or newer is needed"),
    ],
)
def test_unfit_host_gets_one_line(variables: dict[str, str], line: str) -> None:
    result = subprocess.run(
        ["sh", "tools/check_host.sh"],
        cwd=ROOT,
        env={**os.environ, "SIM": "verilator", "PYTHON": "python3", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert line in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "variable", ["SEED=0", "SEED=one", "NUM_TDI=0", "NUM_TDI=257", "NUM_TDI=-1"]
)
def test_unfit_choice_gets_one_line(variable: str) -> None:
    name, _, value = variable.partition("=")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_tools.py"],
        cwd=ROOT,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"{variable} is not a number of 1 to " in result.stderr
    assert result.stderr.strip().count("\n") == 0


@pytest.mark.parametrize(("size", "chosen"), [("", ""), ("256", "NUM_TDI=256 ")])
def test_a_finding_names_seed_and_size_of_its_run(
    monkeypatch: pytest.MonkeyPatch, size: str, chosen: str
) -> None:
    monkeypatch.setenv("COCOTB_RANDOM_SEED", "7")
    monkeypatch.setenv("NUM_TDI", size)
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/a.py::test_b[c] (call)")
    assert repeat_command() == f"SEED=7 {chosen}.venv/bin/pytest 'tests/a.py::test_b[c]'"


def test_capture_keeps_objects_and_times() -> None:
    objects = [CapturedObject(1_500_000_007, bytes(12)), CapturedObject(2_000_000_000, b"\x01" * 8)]
    raw = encode_pcap(objects)
    assert int.from_bytes(raw[20:24], "little") == LINKTYPE_PCI_DOE
    assert decode_pcap(raw) == objects


def test_report_tells_a_failed_check() -> None:
    log = ScenarioLog("title", states=[StateChange(5.0, 1, "RUN")])
    assert not log.passed
    log.checks.append(Check("step", "claim <b>", passed=False))
    assert "A CHECK FAILED" in render(log)
    assert "claim &lt;b&gt;" in render(log)
