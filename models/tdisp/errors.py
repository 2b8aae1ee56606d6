# SPDX-License-Identifier: Apache-2.0
"""Failures of the TDISP codec and of its requester."""

from __future__ import annotations


class TdispError(Exception):
    """Base of all failures of this package."""


class DecodeError(TdispError):
    """Bytes are no valid message or report."""


class EncodeError(TdispError):
    """A field does not fit its place."""


class UnknownMessageError(DecodeError):
    """A message code that is not defined; a requester takes it as an error (TDISP-HOST-008)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"message code 0x{code:02x}")
        self.code = code
