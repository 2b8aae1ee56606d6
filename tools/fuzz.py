# SPDX-License-Identifier: Apache-2.0
"""Fuzz the control plane of the reference device or of the RTL, and show what was seen.

Ends with a table of answers by request. A finding is one line, with the command that repeats it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from rich.console import Console
from rich.table import Table

from models.fuzz.goals import ANSWERS, FOREIGN, GOALS, STATUSES, UNKNOWN, Sort, missed
from models.fuzz.outcome import Outcome
from models.tdisp.codes import Request, Response
from tb.sim import simulator_missing
from tools.fuzz_progress import Meter
from tools.fuzz_runs import Wanted, fuzz_model, fuzz_rtl

RUNS = {"model": fuzz_model, "rtl": fuzz_rtl}
MESSAGES = {"model": 20_000, "rtl": 400}
MINUTE = 60.0


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with that line."""
        self.exit(2, f"fuzz: {message}\n")


@dataclass(frozen=True)
class Used:
    """Time that a run has taken."""

    clock: float  # seconds
    processor: float  # seconds of this process

    @classmethod
    def now(cls) -> Used:
        """Since the start of the process."""
        return cls(time.monotonic(), time.process_time())

    def since(self, start: Used) -> Used:
        """The difference."""
        return Used(self.clock - start.clock, self.processor - start.processor)


def arguments(argv: Sequence[str] | None) -> Wanted:
    """What the user wants; ends the program when that is nothing possible."""
    parser = Parser(prog="fuzz", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--dut", default="model", help="model or rtl")
    parser.add_argument("--messages", default="", help="how many to send")
    parser.add_argument("--seed", default="1", help="of all randomness")
    options = parser.parse_args(argv)
    if options.dut not in RUNS:
        parser.error(f"DUT={options.dut}: it is one of {', '.join(RUNS)}")
    messages = _option(parser, "N", options.messages or str(MESSAGES[options.dut]), least=1)
    seed = _option(parser, "SEED", options.seed, least=0)
    simulator = os.environ.get("SIM") or "verilator"
    missing = simulator_missing(simulator) if options.dut == "rtl" else None
    if missing is not None:
        parser.error(missing)
    return Wanted(options.dut, messages, seed, simulator)


def _option(parser: Parser, name: str, text: str, least: int) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < least:
        parser.error(f"{name}={text}: it is a number from {least} on")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 with a finding."""
    wanted = arguments(argv)
    console = Console()
    start = Used.now()
    with Meter(console, wanted.messages) as meter:
        outcome = RUNS[wanted.dut](wanted, meter)
    console.print(table(outcome))
    console.print(rate(outcome, wanted, Used.now().since(start)), highlight=False)
    if outcome.finding:
        finding = f"fuzz: {outcome.finding}; repeat it with: {repeat(wanted, outcome)}"
        console.print(finding, markup=False, highlight=False, soft_wrap=True)
        return 1
    left = len(missed(outcome.judge))
    console.print(
        f"{outcome.sent:,} messages and a life cycle after them, nothing found; "
        f"{len(GOALS) - left} of {len(GOALS)} kinds of answers seen",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def repeat(wanted: Wanted, outcome: Outcome) -> str:
    """The command that comes to the same message again."""
    simulator = f" SIM={wanted.simulator}" if wanted.simulator != "verilator" else ""
    number = outcome.sent or wanted.messages
    return f"make fuzz DUT={wanted.dut} SEED={wanted.seed} N={number}{simulator}"


def rate(outcome: Outcome, wanted: Wanted, used: Used) -> str:
    """How fast it was."""
    by_clock = f"{MINUTE * outcome.sent / used.clock:,.0f} messages a minute by the clock"
    if wanted.dut != "model":
        return f"{by_clock}, with the build of the simulation"
    return f"{by_clock}, {MINUTE * outcome.sent / used.processor:,.0f} of processor time"


# ---------------------------------------------------------------------- the table


def table(outcome: Outcome) -> Table:
    """A row for each request; what can be seen and was not is red."""
    judge, shown = outcome.judge, Table(title="Answers by request")
    for column in ("request", "answered", "errors"):
        shown.add_column(column, no_wrap=True, justify="right" if column == "answered" else "left")
    for request in Request:
        answer = Response(request & 0x7F).name
        count = _number(judge.answers, answer, answer in ANSWERS)
        shown.add_row(request.name, count, _errors(outcome, request.name))
    shown.add_row(UNKNOWN, "", _errors(outcome, UNKNOWN), end_section=True)
    statuses = "\n".join(f"{name} {_number(judge.statuses, name)}" for name in sorted(STATUSES))
    shown.add_row("QUERY", _number(judge.answers, "QUERY_RESP"), "")
    shown.add_row("KEY_PROG", _number(judge.answers, "KP_ACK"), statuses)
    shown.add_row("K_SET_GO, K_SET_STOP", _number(judge.answers, "K_GOSTOP_ACK"), "")
    refused = f"ERROR {_number(judge.answers, 'SPDM ERROR')}"
    shown.add_row("other SPDM", _number(judge.answers, "SPDM"), refused)
    shown.add_row("all", "", f"silence {_number(judge.answers, 'silence')}")
    return shown


def _errors(outcome: Outcome, request: str) -> str:
    judge = outcome.judge
    names = {goal.error for goal in GOALS if goal.sort is Sort.ERROR and goal.name == request}
    names |= {error for name, error in judge.errors if name == request}
    counts = Counter({name: judge.errors[request, name] for name in names})
    lines = [f"{name} {_number(counts, name)}" for name in sorted(names)]
    if request in FOREIGN:
        lines.append(f"to another session {_number(judge.foreign, request)}")
    return "\n".join(lines)


def _number(counts: Counter[str], name: str, wanted: bool = True) -> str:
    count = f"{counts[name]:,}"
    return f"[red]{count}[/]" if wanted and not counts[name] else count


if __name__ == "__main__":
    sys.exit(main())
