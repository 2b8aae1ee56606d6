# SPDX-License-Identifier: Apache-2.0
"""Run the scenario on the device: attach a TDI, use it, attack it, detach it.

Shows progress, ends with a table of what was checked, and leaves in sim_build/demo: report.html,
doe.pcap, link.pcap, config.txt and, with WAVES=1, demo.fst with saved views for Surfer and GTKWave.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tb.device import device
from tb.report.captures import KEY_FILE
from tb.report.progress import ProgressReader
from tb.sim import BUILD_ROOT, SimulationError, run_simulation, simulator_missing
from tools.waves import save_views, waves_missing

OUTPUT = BUILD_ROOT / "demo"
POLL_SECONDS = 0.2
LINE_SECONDS = 60.0


@dataclass
class Outcome:
    """How the simulation ended."""

    error: SimulationError | None = None


def main() -> int:
    """Run the scenario; 0 when every check passed."""
    console = Console()
    simulator = os.environ.get("SIM") or "verilator"
    waves = bool(os.environ.get("WAVES"))
    for reason in (simulator_missing(simulator), waves_missing(simulator) if waves else None):
        if reason is not None:
            console.print(f"demo: {reason}", markup=False)
            return 1
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    if os.environ.get("KEYLOG"):
        console.print(f"Warning: {OUTPUT.name}/{KEY_FILE} will hold the keys of this run")
    outcome = Outcome()
    thread = threading.Thread(target=_simulate, args=(simulator, waves, outcome), daemon=True)
    thread.start()
    _show(console, thread)
    if waves:
        _keep_waves()
    return _summary(console, outcome)


def _simulate(simulator: str, waves: bool, outcome: Outcome) -> None:
    seed = int(os.environ.get("SEED") or "1")
    try:
        run_simulation(
            device(),
            "tests.system.cocotb_demo",
            simulator=simulator,
            testcase="Demo",
            seed=seed,
            waves=waves,
            env={"DEMO_OUTPUT": str(OUTPUT)},
            label="demo",
        )
    except SimulationError as error:
        outcome.error = error


def _show(console: Console, thread: threading.Thread) -> None:
    reader = ProgressReader(OUTPUT / "progress.jsonl")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    last_line = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("building the device", total=None)
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            for step in reader.poll():
                bar.update(task, description=step.name, completed=step.number, total=step.total)
                if not console.is_terminal:
                    console.print(f"{step.number}/{step.total} {step.name}")
                    last_line = time.monotonic()
            if not console.is_terminal and time.monotonic() - last_line > LINE_SECONDS:
                console.print("still running ...")
                last_line = time.monotonic()


def _keep_waves() -> None:
    for path in BUILD_ROOT.glob("tdisp_device/*/runs/demo/dump.fst"):
        shutil.move(path, OUTPUT / "demo.fst")
    for path in BUILD_ROOT.glob("tdisp_device/*/*.fst"):
        shutil.move(path, OUTPUT / "demo.fst")
    save_views(OUTPUT)


def _summary(console: Console, outcome: Outcome) -> int:
    checks_file = OUTPUT / "checks.json"
    checks = json.loads(checks_file.read_text()) if checks_file.exists() else []
    table = Table(title="What was checked")
    for column in ("step", "claim", "", "seen"):
        table.add_column(column)
    for check in checks:
        verdict = "[green]pass[/]" if check["passed"] else "[red]FAIL[/]"
        table.add_row(check["step"], check["claim"], verdict, check["detail"])
    console.print(table)
    failed = [check for check in checks if not check["passed"]]
    if outcome.error is not None:
        console.print(str(outcome.error).splitlines()[-1], markup=False)
    relative = Path(os.path.relpath(OUTPUT))
    console.print(
        f"Report: {relative / 'report.html'}   Captures: {relative / 'doe.pcap'}, "
        f"{relative / 'link.pcap'}"
    )
    if outcome.error is None and checks and not failed:
        console.print(f"{len(checks)} checks passed")
        return 0
    console.print(f"failed: {len(failed)} of {len(checks)} checks; repeat it with: make demo")
    return 1


if __name__ == "__main__":
    sys.exit(main())
