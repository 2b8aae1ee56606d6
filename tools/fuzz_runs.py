# SPDX-License-Identifier: Apache-2.0
"""Runs a campaign on the reference device in this process, or on the RTL in a simulation."""

from __future__ import annotations

import shutil
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from models.fuzz.goals import foreign
from models.fuzz.judge import FuzzError
from models.fuzz.outcome import Outcome
from models.fuzz.reference import ReferenceRun, reference_run
from models.tsm.errors import TsmError
from tb.device import device
from tb.report.progress import ProgressReader
from tb.sim import BUILD_ROOT, CheckFailedError, SimulationError, run_simulation
from tools.fuzz_progress import Meter

MODULE = "tests.random.cocotb_fuzz_control"
CASE = "FuzzedForAsLongAsWanted"
FOLDER = BUILD_ROOT / "fuzz"
OUTCOME = "outcome.json"  # names of the test's files
PROGRESS = "progress.jsonl"
PORTION = 200  # messages between two looks at the clock
POLL_SECONDS = 0.2
CRASHES = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Wanted:
    """What to run."""

    dut: str
    messages: int
    seed: int
    simulator: str = "verilator"


# ---------------------------------------------------------------------- the reference device


def fuzz_model(wanted: Wanted, meter: Meter) -> Outcome:
    """The campaign on the reference device; what goes wrong is in the outcome."""
    run = reference_run(wanted.seed)
    campaign = run.campaign
    try:
        _run(run, wanted.messages, meter)
        finding = "; ".join(f"unheard of: {goal}" for goal in foreign(campaign.judge))
    except FuzzError as error:
        finding = f"message {campaign.sent}: {error}"
    except TsmError as error:
        finding = f"no life cycle after message {campaign.sent}: {error}"
    except CRASHES as error:
        finding = f"message {campaign.sent}: {_place(error)}"
    return Outcome.of(campaign, finding)


def _run(run: ReferenceRun, messages: int, meter: Meter) -> None:
    run.replay()
    while run.campaign.sent < messages:
        run.run(min(PORTION, messages - run.campaign.sent))
        meter.tell(run.campaign.sent)
    run.live()


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"the model crashes at {where}: {type(error).__name__}: {error}"


# ---------------------------------------------------------------------- the RTL


@dataclass
class Simulation:
    """One simulation in a thread of its own."""

    wanted: Wanted
    error: SimulationError | None = field(default=None, init=False)

    def run(self) -> None:
        """To its end."""
        try:
            run_simulation(
                device(),
                MODULE,
                simulator=self.wanted.simulator,
                testcase=CASE,
                seed=self.wanted.seed,
                env={"FUZZ_MESSAGES": str(self.wanted.messages), "FUZZ_OUTPUT": str(FOLDER)},
                label="fuzz",
            )
        except SimulationError as error:
            self.error = error


def fuzz_rtl(wanted: Wanted, meter: Meter) -> Outcome:
    """The campaign on the RTL; what goes wrong is in the outcome."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    simulation = Simulation(wanted)
    thread = threading.Thread(target=simulation.run, daemon=True)
    thread.start()
    reader, sent = ProgressReader(FOLDER / PROGRESS), 0
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        for step in reader.poll():
            sent = step.number
        meter.tell(sent)
    path = FOLDER / OUTCOME
    outcome = Outcome.decode(path.read_text(encoding="utf-8")) if path.exists() else Outcome(sent)
    if simulation.error is not None and not outcome.finding:
        outcome.finding = _reason(simulation.error)
    return outcome


def _reason(error: SimulationError) -> str:
    lines = str(error).splitlines()
    if isinstance(error, CheckFailedError):
        return f"the test failed after the last message; {lines[-1]}"
    return "; ".join(dict.fromkeys((lines[0], lines[-1])))
