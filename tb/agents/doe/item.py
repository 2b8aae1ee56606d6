# SPDX-License-Identifier: Apache-2.0
"""One exchange of DOE objects."""

from __future__ import annotations

from enum import Enum

from pyuvm import uvm_sequence_item

DEFAULT_PATIENCE = 40


class DoeResult(Enum):
    """How an exchange ended."""

    RESPONSE = "response"
    SILENT = "no response"
    ERROR = "DOE error"
    TIMEOUT = "time-out"


class DoeItem(uvm_sequence_item):
    """A request object, header included, and what came back.

    `patience` is how often Status may read idle before the request counts as silently discarded.
    """

    def __init__(self, request: bytes, patience: int = DEFAULT_PATIENCE) -> None:
        super().__init__("doe")
        self.request = request
        self.patience = patience
        self.result = DoeResult.TIMEOUT
        self.response: bytes | None = None
