# SPDX-License-Identifier: Apache-2.0
"""Types of command-line arguments."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

PORT_MAX = 0xFFFF


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """A type for argparse: a number from `low` to `high`, without a limit when that is None."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is no whole number") from None
        if value < low or (high is not None and value > high):
            allowed = f"at least {low}" if high is None else f"{low} to {high}"
            raise ArgumentTypeError(f"{value}: it must be {allowed}")
        return value

    return convert
