# SPDX-License-Identifier: Apache-2.0
"""The device interface report against what the VMM has assigned (TDISP-HOST-004)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from models.tdisp.codes import InterfaceInfo, LockFlags, RangeAttributes
from models.tdisp.report import MSIX_ATTRIBUTES, DeviceInterfaceReport, MmioRange
from models.tsm.ports import Assignment

ADDRESS_SPACE = 1 << 64
PAGE_SHIFT = 12
LAST_BAR = 7  # RANGE_IDs up to here are BAR numbers
INFO_DEFINED = sum(InterfaceInfo)
ATTRIBUTES_DEFINED = sum(RangeAttributes)


def findings(report: DeviceInterfaceReport, assignment: Assignment) -> list[str]:
    """Everything that is wrong with a report; empty for a good one."""
    return [
        *_head(report, assignment),
        *_msix(report, assignment),
        *_order(report),
        *(text for item in report.ranges for text in _range(item, assignment)),
    ]


def _head(report: DeviceInterfaceReport, assignment: Assignment) -> Iterator[str]:
    if report.interface_info & ~INFO_DEFINED:
        yield f"INTERFACE_INFO {report.interface_info:#06x} has reserved bits"
    wanted = assignment.flags & LockFlags.NO_FW_UPDATE
    if wanted and not report.interface_info & InterfaceInfo.NO_FW_UPDATE:
        yield "firmware update is not excluded although LOCK asked for it"
    if not report.ranges:
        yield "no MMIO range"


def _msix(report: DeviceInterfaceReport, assignment: Assignment) -> Iterator[str]:
    """Table and PBA are there together, when they are locked (TDISP-RPT-009, TDISP-RPT-010)."""
    table = [item for item in report.ranges if item.attributes & RangeAttributes.MSIX_TABLE]
    pba = [item for item in report.ranges if item.attributes & RangeAttributes.MSIX_PBA]
    if bool(table) != bool(pba):
        yield "only one of MSI-X table and PBA is reported"
    if assignment.flags & LockFlags.LOCK_MSIX and not table:
        yield "the MSI-X table is not locked although LOCK asked for it"
    if not table and (report.msi_x_message_control or report.tph_control):
        yield "MSI-X or TPH control is reported although the table is not locked"


def _order(report: DeviceInterfaceReport) -> Iterator[str]:
    """Ascending by BAR, and no page twice (TDISP-RPT-008, TDISP-RPT-013)."""
    bars = [item for item in report.ranges if item.range_id <= LAST_BAR]
    for one, following in pairwise(bars):
        if following.range_id < one.range_id:
            yield f"BAR{following.range_id} is reported behind BAR{one.range_id}"
    for one, other in combinations(report.ranges, 2):
        if (
            one.first_page < other.first_page + other.num_pages
            and other.first_page < one.first_page + one.num_pages
        ):
            yield f"pages at {max(one.first_page, other.first_page):#x} are reported twice"


def _range(item: MmioRange, assignment: Assignment) -> Iterator[str]:
    name = f"range at page {item.first_page:#x}"
    if item.attributes & ~ATTRIBUTES_DEFINED:
        yield f"{name} has reserved attributes {item.attributes:#x}"
    if item.attributes & MSIX_ATTRIBUTES and item.is_non_tee:
        yield f"{name} holds MSI-X structures in non-TEE memory"
    if not item.num_pages:
        yield f"{name} is empty"
    if item.range_id > LAST_BAR:
        return
    if item.range_id not in assignment.bars:
        yield f"{name} is behind BAR{item.range_id}, which is not assigned"
        return
    offset = assignment.mmio_reporting_offset
    address = ((item.first_page << PAGE_SHIFT) - offset) % ADDRESS_SPACE
    size = assignment.bar_sizes[item.range_id]
    bases = [bars[item.range_id] for bars in (assignment.bars, *assignment.subordinates)]
    end = address + (item.num_pages << PAGE_SHIFT)
    if not any(base <= address and end <= base + size for base in bases):
        yield f"{name} lies outside BAR{item.range_id}"
