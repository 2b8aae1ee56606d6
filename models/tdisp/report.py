# SPDX-License-Identifier: Apache-2.0
"""The device interface report: codec, and builder from profile and live configuration."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from models.tdisp.codes import InterfaceInfo, LockFlags, RangeAttributes
from models.tdisp.errors import DecodeError, EncodeError
from models.tdisp.profile import DsmProfile, FunctionConfig, RangeProfile

PAGE_SHIFT = 12
ADDRESS_BITS = 64
REPORT_MAX = 0xFFFF
MSIX_ATTRIBUTES = RangeAttributes.MSIX_TABLE | RangeAttributes.MSIX_PBA


@dataclass(frozen=True, slots=True)
class MmioRange:
    """One MMIO range of a report, in 4 KiB pages."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<QIHH")

    first_page: int  # page number, with the MMIO reporting offset
    num_pages: int
    attributes: int  # see RangeAttributes
    range_id: int  # BAR number for ranges behind a BAR

    def encode(self) -> bytes:
        """The 16 bytes; EncodeError when a field does not fit."""
        try:
            return self.LAYOUT.pack(self.first_page, self.num_pages, self.attributes, self.range_id)
        except struct.error as error:
            raise EncodeError(f"{self}: {error}") from error

    @classmethod
    def decode(cls, raw: bytes) -> MmioRange:
        """From exactly 16 bytes."""
        if len(raw) != cls.LAYOUT.size:
            raise DecodeError(f"MMIO range of {len(raw)} bytes")
        return cls(*cls.LAYOUT.unpack(raw))

    @property
    def is_non_tee(self) -> bool:
        """IS_NON_TEE_MEM."""
        return bool(self.attributes & RangeAttributes.IS_NON_TEE_MEM)

    @property
    def is_updatable(self) -> bool:
        """IS_MEM_ATTR_UPDATABLE."""
        return bool(self.attributes & RangeAttributes.IS_MEM_ATTR_UPDATABLE)

    def inside(self, other: MmioRange) -> bool:
        """Whether all pages belong to `other`, with the same RANGE_ID."""
        return (
            self.range_id == other.range_id
            and other.first_page <= self.first_page
            and self.first_page + self.num_pages <= other.first_page + other.num_pages
        )


@dataclass(frozen=True, slots=True)
class DeviceInterfaceReport:
    """The whole report."""

    HEADER: ClassVar[struct.Struct] = struct.Struct("<HxxHHII")
    LENGTH: ClassVar[struct.Struct] = struct.Struct("<I")

    interface_info: int  # see InterfaceInfo
    msi_x_message_control: int = 0
    lnr_control: int = 0
    tph_control: int = 0
    ranges: tuple[MmioRange, ...] = ()
    device_specific_info: bytes = b""

    def encode(self) -> bytes:
        """All bytes; EncodeError when a field does not fit or the total exceeds 16 bits."""
        try:
            head = self.HEADER.pack(
                self.interface_info,
                self.msi_x_message_control,
                self.lnr_control,
                self.tph_control,
                len(self.ranges),
            )
        except struct.error as error:
            raise EncodeError(f"report: {error}") from error
        body = b"".join(item.encode() for item in self.ranges)
        tail = self.LENGTH.pack(len(self.device_specific_info)) + self.device_specific_info
        if len(head) + len(body) + len(tail) > REPORT_MAX:
            raise EncodeError(f"a report of {len(head) + len(body) + len(tail)} bytes")
        return head + body + tail

    @classmethod
    def decode(cls, raw: bytes) -> DeviceInterfaceReport:
        """Raises DecodeError unless `raw` is exactly one report."""
        if len(raw) < cls.HEADER.size:
            raise DecodeError(f"report of {len(raw)} bytes")
        info, msix, lnr, tph, count = cls.HEADER.unpack_from(raw)
        at = cls.HEADER.size
        end = at + count * MmioRange.LAYOUT.size
        if len(raw) < end + cls.LENGTH.size:
            raise DecodeError(f"{count} ranges in a report of {len(raw)} bytes")
        ranges = tuple(
            MmioRange.decode(raw[n : n + MmioRange.LAYOUT.size])
            for n in range(at, end, MmioRange.LAYOUT.size)
        )
        (length,) = cls.LENGTH.unpack_from(raw, end)
        specific = raw[end + cls.LENGTH.size :]
        if length != len(specific):
            raise DecodeError(f"DEVICE_SPECIFIC_INFO_LEN {length} with {len(specific)} bytes")
        return cls(info, msix, lnr, tph, ranges, specific)


def reported_page(address: int, offset: int) -> int:
    """FIRST_PAGE of `address` with the MMIO reporting offset, modulo 2^64 (TDISP-RPT-007)."""
    return (address + offset) % (1 << ADDRESS_BITS) >> PAGE_SHIFT


def build_report(
    profile: DsmProfile, function: FunctionConfig, flags: int, offset: int, msix_locked: bool
) -> DeviceInterfaceReport:
    """The report of a TDI that is locked now.

    `flags` and `offset` are those of LOCK_INTERFACE_REQUEST; the configuration is that of this
    moment (TDISP-RPT-006). MSI-X ranges and control words are there only when the table is locked
    (TDISP-RPT-009, TDISP-RPT-010).
    """
    info = profile.interface_info
    if flags & LockFlags.NO_FW_UPDATE:
        info |= InterfaceInfo.NO_FW_UPDATE
    if function.pasid is not None:  # an SDI sends nothing without its PASID but interrupts
        info &= ~InterfaceInfo.DMA_WITHOUT_PASID
    if function.ats_enable:
        info |= InterfaceInfo.ATS
    if function.prs_enable:
        info |= InterfaceInfo.PRS
    if function.pasid_enable:
        info |= InterfaceInfo.DMA_WITH_PASID
    reported = [
        item for item in profile.ranges if msix_locked or not item.attributes & MSIX_ATTRIBUTES
    ]
    ranges = tuple(
        _range(item, bars, offset, first=bars is function.bars)
        for bar in sorted({item.bar for item in reported})  # TDISP-RPT-008
        for bars in (function.bars, *function.subordinates)
        for item in reported
        if item.bar == bar
    )
    return DeviceInterfaceReport(
        interface_info=int(info),
        msi_x_message_control=function.msix_control if msix_locked else 0,
        lnr_control=function.lnr_control,
        tph_control=function.tph_control if msix_locked else 0,
        ranges=ranges,
        device_specific_info=profile.device_specific_info,
    )


def _range(item: RangeProfile, bars: Mapping[int, int], offset: int, *, first: bool) -> MmioRange:
    """A range of one function; only those of the first function of a TDI can be updated."""
    updatable = RangeAttributes.IS_MEM_ATTR_UPDATABLE
    attributes = item.attributes if first else item.attributes & ~updatable
    page = reported_page(bars[item.bar] + item.offset, offset)
    return MmioRange(page, item.num_pages, int(attributes), item.bar)
