# SPDX-License-Identifier: Apache-2.0
"""The rules that make a TLP Malformed, one function for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.pcie.codes import CplStatus, FmtType
from models.pcie.errors import Rule, TlpError
from models.pcie.layout import (
    ATOMICS,
    CONFIG_REQUESTS,
    DW,
    END_TO_END,
    FMT_PREFIX,
    IDE_PREFIX_BYTE,
    IO_REQUESTS,
    MEMORY_READS,
    MEMORY_REQUESTS,
    PAGE,
    has_data,
)

if TYPE_CHECKING:
    from models.pcie.tlp import Tlp

AT_RESERVED = 3
FIRST_CONTIGUOUS = frozenset({0b1111, 0b1110, 0b1100, 0b1000})
LAST_CONTIGUOUS = frozenset({0b1111, 0b0111, 0b0011, 0b0001})
# Type without its width -> operand bytes by payload bytes
CAS_OPERAND = {8: 4, 16: 8, 32: 16}
FETCH_OPERAND = {4: 4, 8: 8}


def check(tlp: Tlp) -> None:
    """Raise TlpError with the first rule that `tlp` breaks."""
    _prefixes(tlp)
    _length(tlp)
    if tlp.fmt_type in MEMORY_REQUESTS:
        _address(tlp)
        if tlp.fmt_type in ATOMICS:
            _atomic(tlp)
        else:
            _byte_enables(tlp)
    elif tlp.fmt_type in CONFIG_REQUESTS | IO_REQUESTS:
        _config(tlp)
    elif tlp.is_completion:
        _completion(tlp)


def operand_size(tlp: Tlp) -> int:
    """Bytes of one operand of an AtomicOp; raises TlpError when its Length is not allowed."""
    sizes = CAS_OPERAND if tlp.fmt_type in (FmtType.CAS32, FmtType.CAS64) else FETCH_OPERAND
    size = sizes.get(DW * tlp.length)
    if size is None:
        raise TlpError(Rule.ATOMIC, f"{tlp.fmt_type.name} with {tlp.length} DW")
    return size


def _prefixes(tlp: Tlp) -> None:
    end_to_end = False
    for prefix in tlp.prefixes:
        if len(prefix) != DW or prefix[0] >> 5 != FMT_PREFIX:
            raise TlpError(Rule.PREFIX, prefix.hex())
        if prefix[0] == IDE_PREFIX_BYTE:
            raise TlpError(Rule.IDE_TLP, prefix.hex())
        local = not prefix[0] & END_TO_END
        if local and end_to_end:
            raise TlpError(Rule.PREFIX, "a local prefix follows an End-End prefix")
        end_to_end = not local


def _length(tlp: Tlp) -> None:
    carried = DW * tlp.length if has_data(tlp.fmt_type) else 0
    if len(tlp.payload) != carried:
        raise TlpError(Rule.LENGTH, f"{len(tlp.payload)} bytes of data, Length {tlp.length}")
    sized = has_data(tlp.fmt_type) or not (tlp.is_completion or tlp.is_message)
    if (not 1 <= tlp.length <= 1024) if sized else tlp.length != 0:
        raise TlpError(Rule.LENGTH, f"Length {tlp.length}")
    if len(tlp.digest) not in (0, DW):
        raise TlpError(Rule.LENGTH, f"digest of {len(tlp.digest)} bytes")


def _address(tlp: Tlp) -> None:
    if tlp.at == AT_RESERVED:
        raise TlpError(Rule.ADDRESS_TYPE, f"AT {tlp.at}")
    if tlp.fmt_type & 0x20 and tlp.address < 1 << 32:
        raise TlpError(Rule.ADDRESS_FORMAT, f"address {tlp.address:#x}")
    if tlp.address % PAGE + DW * tlp.length > PAGE:
        raise TlpError(Rule.PAGE_CROSSING, f"address {tlp.address:#x}, {tlp.length} DW")


def _byte_enables(tlp: Tlp) -> None:
    if tlp.th and tlp.fmt_type in MEMORY_READS:
        return
    first, last, length = tlp.first_be, tlp.last_be, tlp.length
    if length == 1:
        legal = last == 0
    elif length == 2 and tlp.address % 8 == 0:
        legal = first != 0 and last != 0
    else:
        legal = first in FIRST_CONTIGUOUS and last in LAST_CONTIGUOUS
    if not legal:
        raise TlpError(
            Rule.BYTE_ENABLES, f"first {first:04b}, last {last:04b}, {length} DW, {tlp.address:#x}"
        )


def _atomic(tlp: Tlp) -> None:
    size = operand_size(tlp)
    if tlp.address % size:
        raise TlpError(Rule.ATOMIC, f"address {tlp.address:#x}, operand of {size} bytes")


def _config(tlp: Tlp) -> None:
    if tlp.length != 1 or tlp.last_be or tlp.tc or tlp.attr or tlp.at:
        raise TlpError(
            Rule.CONFIG,
            f"Length {tlp.length}, last BE {tlp.last_be:04b}, TC {tlp.tc}, Attr {tlp.attr}",
        )


def _completion(tlp: Tlp) -> None:
    if tlp.status not in CplStatus.__members__.values():
        raise TlpError(Rule.COMPLETION, f"Completion Status {tlp.status}")
    if tlp.has_data and tlp.status != CplStatus.SC:
        raise TlpError(Rule.COMPLETION, f"data with Completion Status {tlp.status}")
    if not 1 <= tlp.byte_count <= 4096:
        raise TlpError(Rule.COMPLETION, f"Byte Count {tlp.byte_count}")
    lead = tlp.lower_address & 3
    if tlp.has_data and DW * (tlp.length - 1) >= lead + tlp.byte_count:
        raise TlpError(
            Rule.COMPLETION, f"{tlp.length} DW for Byte Count {tlp.byte_count} at {lead}"
        )
