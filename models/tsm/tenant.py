# SPDX-License-Identifier: Apache-2.0
"""The model of a TVM as a tenant of the TSM, for the function of this project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.device.config import RANGES
from models.host.tvm import Expectation, ExpectedRange, MappedRange, MmioMapping, Tvm
from models.tdisp.codes import InterfaceInfo
from models.tdisp.report import DeviceInterfaceReport
from models.tsm.ports import Assignment

PAGE = 0x1000
INFO = InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID
INFO_OF_SDI = InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITH_PASID


class TvmTenant:
    """Is a `Tenant`: its TVM expects this project's ranges where `assignment` has its BARs."""

    def __init__(
        self, name: str, assignment: Assignment, measurements: Mapping[int, bytes]
    ) -> None:
        ranges = tuple(ExpectedRange(item.num_pages, item.attributes, item.bar) for item in RANGES)
        info = INFO if assignment.pasid is None else INFO_OF_SDI
        self.tvm = Tvm(name, Expectation(ranges, measurements, info, msix_locked=True))
        mapped = tuple(
            MappedRange(assignment.bars[item.bar] + item.offset, item.num_pages) for item in RANGES
        )
        self.mapping = MmioMapping(mapped, assignment.mmio_reporting_offset)

    def keep_nonce(self, nonce: bytes, /) -> None:
        """Take the nonce of a new lock."""
        self.tvm.keep_nonce(nonce)

    def review(
        self, report: DeviceInterfaceReport, measurements: Mapping[int, bytes], /
    ) -> Sequence[str]:
        """What the TVM does not like."""
        return self.tvm.approve(report, measurements, self.mapping).findings

    def release_nonce(self) -> bytes:
        """The nonce, after approval only."""
        return self.tvm.release_nonce()
