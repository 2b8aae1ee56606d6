# SPDX-License-Identifier: Apache-2.0
"""Messages of a session that once found something, whatever a seed makes of the grammar today."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Find:
    """A whole SPDM message, and the requirement that a device has broken with it."""

    requirement: str
    message: bytes


CORPUS = (
    # IDE_KM and TDISP without a body went to the root of trust, which must not see them.
    Find("TDISP-SES-003", bytes.fromhex("12fe0000 0300 02 0100 0100 00")),
    Find("TDISP-HDR-008", bytes.fromhex("12fe0000 0300 02 0100 0100 01")),
)
