# SPDX-License-Identifier: Apache-2.0
"""The tenant: expects a certain device, decides about it, keeps the nonce until it trusts it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.host.errors import HostError
from models.host.memory import Owner, OwnerKind
from models.host.report_view import RangeView, ReportView
from models.pcie.tlp import PAGE, Tlp
from models.tdisp.codes import NONCE_SIZE, InterfaceInfo, RangeAttributes
from models.tdisp.report import MmioRange

ADDRESS_SPACE = 1 << 64
INTERFACE_INFO_RESERVED = 0xFFE0
ATTRIBUTES_RESERVED = 0xFFF0


@dataclass(frozen=True, slots=True)
class ExpectedRange:
    """An MMIO range that the TVM's driver counts on."""

    num_pages: int
    attributes: RangeAttributes
    range_id: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the TVM asks of a device before it trusts it."""

    ranges: tuple[ExpectedRange, ...]
    measurements: Mapping[int, bytes]  # by index; each must be there and equal
    interface_info: InterfaceInfo
    msix_locked: bool = False
    device_specific_info: bytes | None = None  # None: not looked at


@dataclass(frozen=True, slots=True)
class MappedRange:
    """MMIO that the VMM has mapped for the TVM: bus address and 4 KiB pages."""

    address: int
    num_pages: int


@dataclass(frozen=True, slots=True)
class MmioMapping:
    """All that the VMM has mapped, in order, and the offset given with LOCK."""

    ranges: tuple[MappedRange, ...]
    reporting_offset: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The TVM's answer: approved when there are no findings."""

    findings: tuple[str, ...]

    @property
    def approved(self) -> bool:
        """Whether the TVM trusts the TDI."""
        return not self.findings


class Tvm:
    """One confidential VM with one TDI. Its nonce leaves once, after its own approval."""

    def __init__(self, name: str, expectation: Expectation) -> None:
        self.owner = Owner(OwnerKind.TVM, name)
        self.expectation = expectation
        self.decision: Decision | None = None
        self.mapping: MmioMapping | None = None
        self._ranges: tuple[RangeView, ...] = ()  # reported by the TDI that it trusts
        self._nonce: bytes | None = None

    def __repr__(self) -> str:
        return f"Tvm({self.owner.name!r}, decision={self.decision})"

    # ------------------------------------------------------------------ trust

    def keep_nonce(self, nonce: bytes) -> None:
        """Take the START_INTERFACE_NONCE of a new lock; any earlier approval is void."""
        if len(nonce) != NONCE_SIZE:
            raise HostError(f"nonce of {len(nonce)} bytes")
        if not any(nonce):
            raise HostError("a nonce of zeros")
        self._nonce = nonce
        self.decision = None

    def approve(
        self, report: ReportView, measurements: Mapping[int, bytes], mapping: MmioMapping
    ) -> Decision:
        """Decide about the TDI from what the device says and what the VMM has mapped.

        The report is compared with the expectation and with the mapping (TDISP-HOST-004), the
        measurements, which the TSM has verified, with the expected ones.
        """
        findings = [
            *_check_interface(report, self.expectation),
            *_check_ranges(report.ranges, self.expectation.ranges),
            *_check_mapping(report.ranges, mapping),
            *_check_measurements(measurements, self.expectation.measurements),
        ]
        self.decision = Decision(tuple(findings))
        self.mapping = mapping if self.decision.approved else None
        self._ranges = tuple(report.ranges) if self.decision.approved else ()
        return self.decision

    def release_nonce(self) -> bytes:
        """The nonce for START_INTERFACE, once; HostError without approval (TDISP-HOST-006)."""
        if self.decision is None or not self.decision.approved:
            raise HostError(f"{self.owner.name} has not approved the TDI")
        if self._nonce is None:
            raise HostError("no nonce is kept")
        nonce, self._nonce = self._nonce, None
        return nonce

    def forget(self) -> None:
        """The TDI is gone: nonce, approval and mapping are void."""
        self._nonce = None
        self.decision = None
        self.mapping = None
        self._ranges = ()

    def wish(self, range_index: int, *, non_tee: bool) -> MmioRange:
        """What to ask SET_MMIO_ATTRIBUTE for: a whole range, open to everybody or to itself only.

        Raises HostError without a TDI that it trusts, and for a range that cannot be changed.
        """
        if not self._ranges:
            raise HostError(f"{self.owner.name} trusts no TDI")
        item = self._ranges[range_index]
        if not item.attributes & RangeAttributes.IS_MEM_ATTR_UPDATABLE:
            raise HostError(f"the attribute of range {range_index} is fixed")
        value = RangeAttributes.IS_NON_TEE_MEM if non_tee else RangeAttributes(0)
        return MmioRange(item.first_page, item.num_pages, int(value), item.range_id)

    # ------------------------------------------------------------------ use

    def mmio_read(self, range_index: int, offset: int, length: int, requester_id: int) -> Tlp:
        """A read of the TDI's MMIO, to be sent with T = 1; give it a tag before sending."""
        return Tlp.mem_read(requester_id, self._address(range_index, offset, length), length)

    def mmio_write(self, range_index: int, offset: int, data: bytes, requester_id: int) -> Tlp:
        """A write to the TDI's MMIO, to be sent with T = 1."""
        return Tlp.mem_write(requester_id, self._address(range_index, offset, len(data)), data)

    def _address(self, range_index: int, offset: int, length: int) -> int:
        if self.mapping is None:
            raise HostError(f"{self.owner.name} trusts no TDI")
        mapped = self.mapping.ranges[range_index]
        if offset < 0 or offset + length > PAGE * mapped.num_pages:
            raise HostError(f"{length} bytes at {offset:#x} leave range {range_index}")
        return mapped.address + offset


def _check_interface(report: ReportView, expected: Expectation) -> list[str]:
    findings = []
    if report.interface_info & INTERFACE_INFO_RESERVED:
        findings.append(f"INTERFACE_INFO {report.interface_info:#06x} has reserved bits")
    if report.interface_info != expected.interface_info:
        findings.append(
            f"INTERFACE_INFO {report.interface_info:#06x}, expected {expected.interface_info:#06x}"
        )
    if not expected.msix_locked and (report.msi_x_message_control or report.tph_control):
        findings.append("MSI-X or TPH control is reported although the table is not locked")
    if report.lnr_control:
        findings.append(f"LNR_CONTROL {report.lnr_control:#06x}")
    wanted = expected.device_specific_info
    if wanted is not None and not hmac.compare_digest(wanted, report.device_specific_info):
        findings.append(f"device specific information {report.device_specific_info.hex()}")
    return findings


def _check_ranges(reported: Sequence[RangeView], expected: Sequence[ExpectedRange]) -> list[str]:
    findings = []
    if len(reported) != len(expected):
        findings.append(f"{len(reported)} ranges, expected {len(expected)}")
    for index, (got, want) in enumerate(zip(reported, expected, strict=False)):
        if got.attributes & ATTRIBUTES_RESERVED:
            findings.append(f"range {index} has reserved attributes {got.attributes:#06x}")
        for name in ("num_pages", "attributes", "range_id"):
            if getattr(got, name) != getattr(want, name):
                findings.append(
                    f"range {index}: {name} {getattr(got, name)}, expected {getattr(want, name)}"
                )
    return findings


def _check_mapping(reported: Sequence[RangeView], mapping: MmioMapping) -> list[str]:
    findings = []
    if len(reported) != len(mapping.ranges):
        findings.append(f"{len(mapping.ranges)} ranges mapped, {len(reported)} reported")
    for index, (got, mapped) in enumerate(zip(reported, mapping.ranges, strict=False)):
        page = (mapped.address + mapping.reporting_offset) % ADDRESS_SPACE // PAGE
        if mapped.address % PAGE or got.first_page != page:
            findings.append(f"range {index} is at page {got.first_page:#x}, mapped as {page:#x}")
        if got.num_pages != mapped.num_pages:
            findings.append(f"range {index}: {mapped.num_pages} of {got.num_pages} pages mapped")
    return findings


def _check_measurements(got: Mapping[int, bytes], expected: Mapping[int, bytes]) -> list[str]:
    findings = []
    for index, value in expected.items():
        if index not in got:
            findings.append(f"measurement {index} is missing")
        elif not hmac.compare_digest(got[index], value):
            findings.append(f"measurement {index} is {got[index].hex()}")
    return findings
