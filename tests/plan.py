# SPDX-License-Identifier: Apache-2.0
"""Marks that tie a test to the verification plan in `docs/plan`."""

from __future__ import annotations

import pytest


def covers(*requirements: str) -> pytest.MarkDecorator:
    """Mark a test with the requirement numbers that it shows, such as "TDISP-LOCK-003"."""
    if not requirements:
        raise ValueError("covers() needs at least one requirement number")
    return pytest.mark.covers(*requirements)


def attack(number: str) -> pytest.MarkDecorator:
    """Mark a test with the entry of the attack list that it stands for, such as "ATT-10"."""
    return pytest.mark.attack(number)
