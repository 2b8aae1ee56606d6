# SPDX-License-Identifier: Apache-2.0
"""`make fuzz`: what it says about a good device, a bad one, and a wrong option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.fuzz.judge import Judge
from models.fuzz.outcome import Outcome
from models.tdisp.dsm import ReferenceDsm
from models.tsm.errors import TsmError
from tb.sim import CheckFailedError, SimulationError
from tools import fuzz, fuzz_runs
from tools.fuzz import main
from tools.fuzz_runs import OUTCOME, Wanted

MODEL = ["--dut", "model", "--seed", "3", "--messages"]


def test_a_good_device_gets_a_table_and_its_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*MODEL, "600"]) == 0
    text = capsys.readouterr().out
    assert "GET_DEVICE_INTERFACE_REPORT" in text
    assert "UNSUPPORTED_REQUEST" in text
    assert "messages a minute by the clock" in text
    assert "nothing found" in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--messages", "abc"], "fuzz: N=abc: it is a number from 1 on"),
        (["--messages", "0"], "fuzz: N=0: it is a number from 1 on"),
        (["--messages", "1.5"], "fuzz: N=1.5: it is a number from 1 on"),
        (["--seed", "-1"], "fuzz: SEED=-1: it is a number from 0 on"),
        (["--dut", "vhdl"], "fuzz: DUT=vhdl: it is one of model, rtl"),
        (["--loud"], "fuzz: unrecognized arguments: --loud"),
    ],
)
def test_a_wrong_option_is_one_line(
    options: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(options)
    assert end.value.code == 2
    assert capsys.readouterr().err == f"{line}\n"


def test_a_missing_simulator_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIM", "icarus")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit):
        main(["--dut", "rtl"])
    assert capsys.readouterr().err == ("fuzz: iverilog is not installed: run `make setup-icarus`\n")


def wrong_echo(handle: Callable[..., bytes]) -> Callable[..., bytes]:
    """A DSM that takes the lowest bit of FUNCTION_ID away."""

    def answer(dsm: ReferenceDsm, session: int, body: bytes) -> bytes:
        raw = handle(dsm, session, body)
        return raw[:4] + bytes((raw[4] & 0xFE,)) + raw[5:]

    return answer


def crash(_: Callable[..., bytes]) -> Callable[..., bytes]:
    """A DSM that does not survive its first message."""

    def answer(*_: object) -> bytes:
        raise IndexError("too far")

    return answer


@pytest.mark.parametrize(
    ("weakness", "said"),
    [(wrong_echo, "FUNCTION_ID is not echoed"), (crash, "IndexError: too far")],
)
def test_a_finding_is_one_line_that_repeats_it(
    weakness: Callable[[Callable[..., bytes]], Callable[..., bytes]],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ReferenceDsm, "handle", weakness(ReferenceDsm.handle))
    assert main([*MODEL, "600"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    number = last.rpartition("N=")[2]
    assert last.startswith(f"fuzz: message {number}: ")
    assert said in last
    assert last.endswith(f"repeat it with: make fuzz DUT=model SEED=3 N={number}")
    assert main([*MODEL, number]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_life_that_fails_after_the_messages_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def live(_: object) -> None:
        raise TsmError("no key")

    monkeypatch.setattr("models.fuzz.reference.ReferenceRun.live", live)
    assert main([*MODEL, "50"]) == 1
    assert "no life cycle after message 5" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "saved", "said"),
    [
        (None, Outcome(400, Judge()), ""),
        (None, Outcome(7, Judge(), "message 7: odd"), "message 7: odd"),
        (CheckFailedError("failed: X\nlog: sim.log"), Outcome(9, Judge()), "log: sim.log"),
        (CheckFailedError("failed: X\nlog: a"), Outcome(9, Judge(), "message 9: odd"), "9: odd"),
        (SimulationError("build failed\nmuch\nlog"), None, "build failed; log"),
    ],
)
def test_the_end_of_a_simulation_becomes_an_outcome(
    error: SimulationError | None,
    saved: Outcome | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def simulate(simulation: fuzz_runs.Simulation) -> None:
        assert simulation.wanted == Wanted("rtl", 400, 1)
        if saved is not None:
            (fuzz_runs.FOLDER / OUTCOME).write_text(saved.encode())
        simulation.error = error

    monkeypatch.setattr(fuzz_runs, "FOLDER", tmp_path / "fuzz")
    monkeypatch.setattr(fuzz_runs.Simulation, "run", simulate)
    monkeypatch.setattr(fuzz, "simulator_missing", lambda _: None)
    monkeypatch.delenv("SIM", raising=False)
    assert main(["--dut", "rtl"]) == int(bool(said))
    assert said in capsys.readouterr().out.splitlines()[-1]
