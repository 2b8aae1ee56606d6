# SPDX-License-Identifier: Apache-2.0
"""What an AtomicOp does to memory."""

from __future__ import annotations

from models.pcie.codes import FmtType
from models.pcie.errors import Rule, TlpError
from models.pcie.layout import ATOMICS
from models.pcie.tlp import Tlp
from models.pcie.tlp_rules import operand_size

FETCH_ADD = (FmtType.FETCH_ADD32, FmtType.FETCH_ADD64)
SWAP = (FmtType.SWAP32, FmtType.SWAP64)


def atomic_result(request: Tlp, old: bytes) -> bytes:
    """The bytes that replace `old`; its completion returns `old`. TlpError for another request."""
    if request.fmt_type not in ATOMICS:
        raise TlpError(Rule.ATOMIC, f"{request.fmt_type.name} is no AtomicOp")
    size = operand_size(request)
    first, second = request.payload[:size], request.payload[size:]
    if request.fmt_type in FETCH_ADD:
        total = int.from_bytes(old, "little") + int.from_bytes(first, "little")
        return (total % (1 << 8 * size)).to_bytes(size, "little")
    if request.fmt_type in SWAP:
        return first
    return second if old == first else old
