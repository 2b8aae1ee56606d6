# SPDX-License-Identifier: Apache-2.0
"""What may travel on a selective stream, and in which sub-stream."""

from __future__ import annotations

from models.ide.codes import SubStream
from models.pcie.codes import FmtType
from models.pcie.layout import COMPLETIONS, MEMORY_REQUESTS, POSTED

PERMITTED = (
    MEMORY_REQUESTS
    | COMPLETIONS
    | {FmtType.CFGRD1, FmtType.CFGWR1}
    | {FmtType.MSG_RC, FmtType.MSG_ADDRESS, FmtType.MSG_ID}
    | {FmtType.MSGD_RC, FmtType.MSGD_ADDRESS, FmtType.MSGD_ID}
)


def is_permitted(kind: FmtType) -> bool:
    """Whether a TLP of this type may travel on a selective stream (IDE-TLP-009)."""
    return kind in PERMITTED


def sub_stream_of(kind: FmtType) -> SubStream:
    """The sub-stream of a TLP of this type."""
    if kind in COMPLETIONS:
        return SubStream.CPL
    return SubStream.PR if kind in POSTED else SubStream.NPR
