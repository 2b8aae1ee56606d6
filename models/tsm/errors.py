# SPDX-License-Identifier: Apache-2.0
"""Failures of the TSM."""

from __future__ import annotations


class TsmError(Exception):
    """A step of the life cycle failed; everything was taken down (TDISP-HOST-009)."""


class PolicyError(TsmError):
    """The device is not what the TSM insists on."""

    def __init__(self, requirement: str, finding: str) -> None:
        super().__init__(f"{requirement}: {finding}")
        self.requirement = requirement
        self.finding = finding
