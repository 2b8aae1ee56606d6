# SPDX-License-Identifier: Apache-2.0
"""How a TLP travels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """Plain, or on an IDE stream with a T bit."""

    stream: int | None = None  # Stream ID; None: no IDE
    t: bool = False


PLAIN = Route()
