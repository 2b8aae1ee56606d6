# SPDX-License-Identifier: Apache-2.0
"""What the checkers have to say: mismatches, tolerances, errors that were predicted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HISTORY = 10  # events shown with a mismatch
Value = object


@dataclass(frozen=True)
class Finding:
    """One mismatch between the device and the reference."""

    requirements: tuple[str, ...]
    time_ns: float
    title: str
    fields: tuple[tuple[str, str, str], ...]  # name, expected, got
    history: tuple[str, ...]
    repeat: str

    def __str__(self) -> str:
        width = max([len(name) for name, _, _ in self.fields] or [0])
        lines = [f"{', '.join(self.requirements)}: {self.title}", f"  at {self.time_ns:.0f} ns"]
        for name, expected, got in self.fields:
            mark = " " if expected == got else "*"
            lines.append(f"  {mark} {name:<{width}}  expected {expected}")
            lines.append(f"    {'':<{width}}       got {got}")
        lines.append("  last events:")
        lines += [f"    {line}" for line in self.history] or ["    none"]
        lines.append(f"  repeat: {self.repeat}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Event:
    number: int
    time_ns: float
    text: str


class Findings:
    """Collects mismatches and hands each on at once.

    Args:
        repeat: command that repeats the run.
        report: called with each mismatch that no test has announced.
    """

    def __init__(
        self, repeat: str = "the same test", report: Callable[[Finding], None] | None = None
    ) -> None:
        self.repeat = repeat
        self.mismatches: list[Finding] = []
        self.announced: list[Finding] = []  # mismatches that a test had announced
        self.tolerances: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()  # errors that the reference predicted
        self._report = report
        self._expected_errors: Counter[str] = Counter()
        self._allowed_errors: set[str] = set()
        self._expected_mismatches: set[str] = set()
        self._count = 0
        self._events: dict[int | None, deque[_Event]] = {}

    # ------------------------------------------------------------------ history

    def note(self, time_ns: float, text: str, tdi: int | None = None) -> None:
        """Remember an event of one TDI, or of all where `tdi` is None."""
        self._count += 1
        queue = self._events.setdefault(tdi, deque(maxlen=HISTORY))
        queue.append(_Event(self._count, time_ns, text))

    def history(self, tdi: int | None) -> tuple[str, ...]:
        """The last events that concern `tdi`."""
        events = list(self._events.get(None, ()))
        if tdi is not None:
            events += self._events.get(tdi, ())
        events.sort(key=lambda event: event.number)
        return tuple(f"{event.time_ns:12.0f} ns {event.text}" for event in events[-HISTORY:])

    # ------------------------------------------------------------------ mismatches

    def mismatch(
        self,
        requirements: tuple[str, ...],
        time_ns: float,
        title: str,
        expected: Mapping[str, Value],
        got: Mapping[str, Value],
        tdi: int | None = None,
    ) -> None:
        """Report that `got` is not as `expected`; both give values by field name."""
        names = [*expected, *(name for name in got if name not in expected)]
        fields = tuple(
            (name, show(expected.get(name, "-")), show(got.get(name, "-"))) for name in names
        )
        where = title if tdi is None else f"TDI {tdi}: {title}"
        finding = Finding(requirements, time_ns, where, fields, self.history(tdi), self.repeat)
        if self._expected_mismatches.intersection(requirements):
            self.announced.append(finding)
            return
        self.mismatches.append(finding)
        if self._report is not None:
            self._report(finding)

    def compare(
        self,
        requirements: tuple[str, ...],
        time_ns: float,
        title: str,
        expected: Mapping[str, Value],
        got: Mapping[str, Value],
        tdi: int | None = None,
    ) -> bool:
        """Whether all fields are equal; reports a mismatch when they are not."""
        if all(got.get(name) == value for name, value in expected.items()):
            return True
        self.mismatch(requirements, time_ns, title, expected, got, tdi)
        return False

    def tolerate(self, what: str) -> None:
        """Count an outcome that was accepted although another was predicted."""
        self.tolerances[what] += 1

    # ------------------------------------------------------------------ what a test announces

    def error(self, time_ns: float, name: str, tdi: int | None = None) -> None:
        """The reference says that an error such as "IDE Check Failed" happens now."""
        self.errors[name] += 1
        self.note(time_ns, f"error: {name}", tdi)

    def expect_error(self, name: str, count: int = 1) -> None:
        """A test says that the reference will predict `name` at least `count` times."""
        self._expected_errors[name] += count

    def allow_error(self, name: str) -> None:
        """A test says that the reference may predict `name`."""
        self._allowed_errors.add(name)

    def announced_error(self, name: str) -> bool:
        """Whether a test has announced this error."""
        return name in self._allowed_errors or self._expected_errors[name] > 0

    def expect_mismatch(self, requirement: str) -> None:
        """A test with a weakened device says that `requirement` will be found broken."""
        self._expected_mismatches.add(requirement)

    def unmet(self) -> list[str]:
        """What tests have announced and nobody has seen."""
        lines = [
            f"expected error {name!r}: {self.errors[name]} of {count} seen"
            for name, count in self._expected_errors.items()
            if self.errors[name] < count
        ]
        found = {name for finding in self.announced for name in finding.requirements}
        lines += [
            f"expected mismatch of {requirement} was not found"
            for requirement in sorted(self._expected_mismatches - found)
        ]
        return lines


def show(value: Value) -> str:
    """A value as text: bytes in hexadecimal, addresses and other numbers in both."""
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex() or "nothing"
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int) and type(value) is int and value > 9:
        return f"{value:#x}"
    if isinstance(value, frozenset | set):
        return " or ".join(sorted(show(item) for item in value)) or "nothing"
    return str(getattr(value, "name", value))
