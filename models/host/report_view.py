# SPDX-License-Identifier: Apache-2.0
"""What the host reads in a device interface report; `models.tdisp.report` decodes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class RangeView(Protocol):
    """One MMIO range of a report."""

    @property
    def first_page(self) -> int: ...
    @property
    def num_pages(self) -> int: ...
    @property
    def attributes(self) -> int: ...
    @property
    def range_id(self) -> int: ...


class ReportView(Protocol):
    """A device interface report."""

    @property
    def interface_info(self) -> int: ...
    @property
    def msi_x_message_control(self) -> int: ...
    @property
    def lnr_control(self) -> int: ...
    @property
    def tph_control(self) -> int: ...
    @property
    def ranges(self) -> Sequence[RangeView]: ...
    @property
    def device_specific_info(self) -> bytes: ...
