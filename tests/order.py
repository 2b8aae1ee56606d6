# SPDX-License-Identifier: Apache-2.0
"""The order of the tests: what takes long comes first, and nobody waits for it at the end.

Workers that have nothing left steal from the others (`--dist worksteal`), from the end of the list.
"""

from __future__ import annotations

# Parts of the names of tests, from the longest single test to those that take no time.
LONGEST_FIRST = (
    "test_many_life_cycles_do_not_let_a_server_grow",
    "system/test_sizes.py",
    "mutants/",
    "random/",
    "system/",
    "attack/",
    "unit/",
)


def rank(name: str) -> int:
    """The place of a test in the run; tests of the same place keep their order."""
    return next((n for n, part in enumerate(LONGEST_FIRST) if part in name), len(LONGEST_FIRST))
