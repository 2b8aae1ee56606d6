# SPDX-License-Identifier: Apache-2.0
"""All weaknesses of the whole device, which one build holds."""

from __future__ import annotations

from tests.mutants.edges import EDGES
from tests.mutants.locks import LOCKS
from tests.mutants.messages import MESSAGES
from tests.mutants.traffic import TRAFFIC

WEAKNESSES = [*TRAFFIC, *EDGES, *LOCKS, *MESSAGES]
