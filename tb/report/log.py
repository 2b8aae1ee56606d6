# SPDX-License-Identifier: Apache-2.0
"""What a scenario leaves behind for its report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Verdict(Enum):
    """What became of a TLP."""

    PASSED = "passed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Message:
    """A decoded message between two parts of the scenario."""

    time_ns: float
    sender: str
    receiver: str
    label: str
    detail: str = ""


@dataclass(frozen=True)
class StateChange:
    """A TDI entered `state`."""

    time_ns: float
    tdi: int
    state: str


@dataclass(frozen=True)
class TlpEvent:
    """A TLP on the link, with its decoded form and what became of it."""

    time_ns: float
    to_device: bool
    label: str
    verdict: Verdict
    ide: bool
    wire: bytes
    plain: bytes | None = None
    actor: str = ""


@dataclass(frozen=True)
class Check:
    """One claim that the scenario checked."""

    step: str
    claim: str
    passed: bool
    detail: str = ""


@dataclass
class ScenarioLog:
    """Everything that the report shows."""

    title: str
    messages: list[Message] = field(default_factory=list)
    states: list[StateChange] = field(default_factory=list)
    tlps: list[TlpEvent] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    steps: list[tuple[float, str]] = field(default_factory=list)
    num_tdi: int = 4

    @property
    def passed(self) -> bool:
        """Whether checks were made and none failed."""
        return bool(self.checks) and all(check.passed for check in self.checks)
