# SPDX-License-Identifier: Apache-2.0
"""What whoever runs the tests may choose, in variables of the environment."""

from __future__ import annotations

import os

SEEDS = range(1, 1 << 31)  # that Verilator takes
SIZES = range(1, 257)  # functions that a device can have


class ChoiceError(Exception):
    """A variable holds what cannot be chosen."""


def chosen_seed() -> int | None:
    """SEED; None where it is not set. Raises ChoiceError."""
    return _number("SEED", SEEDS)


def chosen_size() -> int | None:
    """NUM_TDI, the functions of the device in system tests and attacks; as `chosen_seed`."""
    return _number("NUM_TDI", SIZES)


def _number(name: str, allowed: range) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    if not text.isdecimal() or int(text) not in allowed:
        raise ChoiceError(f"{name}={text} is not a number of {allowed[0]} to {allowed[-1]}")
    return int(text)
