# SPDX-License-Identifier: Apache-2.0
"""Checks of BIND_P2P_STREAM, UNBIND_P2P_STREAM and SET_MMIO_ATTRIBUTE; all mean INVALID_REQUEST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.tdisp.codes import LockFlags, RangeAttributes
from models.tdisp.profile import StreamView
from models.tdisp.report import MmioRange
from models.tdisp.tdi import Lock

# Nobody can set these; bits that are not defined are ignored (TDISP-HDR-002).
FIXED_ATTRIBUTES = (
    RangeAttributes.MSIX_TABLE | RangeAttributes.MSIX_PBA | RangeAttributes.IS_MEM_ATTR_UPDATABLE
)
Refusal = tuple[str]  # the requirement
_P2P: Refusal = ("TDISP-P2P-002",)
_MMA: Refusal = ("TDISP-MMA-002",)


def bind_refusals(
    lock: Lock, stream_id: int, streams: Sequence[StreamView], ats_enable: bool
) -> Iterator[Refusal]:
    """Why a stream cannot be bound to a TDI (TDISP-P2P-002)."""
    if not lock.flags & LockFlags.BIND_P2P or not ats_enable:
        yield _P2P
    blocks = [stream for stream in streams if stream.stream_id == stream_id]
    if len(blocks) != 1:  # no such stream, or one that is not alone
        yield _P2P
    for block in blocks[:1]:
        keyed = block.keys_programmed and block.owner == lock.session
        usable = block.enabled and block.secure  # as LOCK asks of the default stream
        if not (keyed and usable) or block.default or block.overlaps:
            yield _P2P


def unbind_refusals(lock: Lock, stream_id: int, streams: Sequence[StreamView]) -> Iterator[Refusal]:
    """Why a stream cannot be unbound (TDISP-P2P-002)."""
    known = any(stream.stream_id == stream_id for stream in streams)
    if not (lock.flags & LockFlags.BIND_P2P and known and stream_id in lock.p2p_streams):
        yield _P2P


def set_mmio_refusals(lock: Lock, wanted: MmioRange) -> Iterator[Refusal]:
    """Why an attribute cannot be set (TDISP-MMA-002).

    The request names a reported range that can be updated, or whole pages inside it.
    """
    if wanted.attributes & FIXED_ATTRIBUTES or not wanted.num_pages:
        yield _MMA
    if not any(item.is_updatable and wanted.inside(item) for item in lock.report.ranges):
        yield _MMA
