# SPDX-License-Identifier: Apache-2.0
"""What a campaign has seen so far, in a form that passes from one process to another."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from models.fuzz.campaign import Campaign
from models.fuzz.judge import Judge

COUNTERS = ("statuses", "answers", "foreign")  # of the judge, by name


@dataclass
class Outcome:
    """`finding` says what is wrong with the device, and is empty when nothing is."""

    sent: int = 0
    judge: Judge = field(default_factory=Judge)
    finding: str = ""

    @classmethod
    def of(cls, campaign: Campaign, finding: str = "") -> Outcome:
        """The state of a campaign."""
        return cls(campaign.sent, campaign.judge, finding)

    def encode(self) -> str:
        """As JSON."""
        errors = [[*pair, count] for pair, count in sorted(self.judge.errors.items())]
        fields: dict[str, Any] = {"sent": self.sent, "finding": self.finding, "errors": errors}
        return json.dumps(fields | {name: getattr(self.judge, name) for name in COUNTERS})

    @classmethod
    def decode(cls, text: str) -> Outcome:
        """From JSON."""
        fields = json.loads(text)
        errors = Counter({(request, error): n for request, error, n in fields["errors"]})
        judge = Judge(errors, *(Counter(fields[name]) for name in COUNTERS))
        return cls(fields["sent"], judge, fields["finding"])
