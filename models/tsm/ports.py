# SPDX-License-Identifier: Apache-2.0
"""Whom the TSM works with besides the device: the host's own port, and the tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from models.idekm.messages import KeyInfo
from models.tdisp.codes import LockFlags
from models.tdisp.report import DeviceInterfaceReport


class HostPort(Protocol):
    """The root port above the device, and trusted looks at configuration space.

    `KeyInfo` is seen from the root port: what the device receives with, the root port sends with.
    """

    async def tee_io_supported(self) -> bool:
        """Device Capabilities bit 30 of the device."""

    async def ide_registers(self) -> bytes:
        """The device's IDE registers from IDE Capability on, by configuration reads."""

    async def program_key(self, stream_id: int, info: KeyInfo, key: bytes, /) -> None:
        """Set a key of the root port, in AES byte order."""

    async def key_go(self, stream_id: int, info: KeyInfo, /) -> None:
        """Let a key of the root port be used."""

    async def key_stop(self, stream_id: int, info: KeyInfo, /) -> None:
        """Erase a key of the root port."""

    async def enable_stream(self, stream_id: int, /) -> None:
        """Set Enable of the stream at both ports."""

    async def disable_stream(self, stream_id: int, /) -> None:
        """Clear Enable of the stream at both ports."""


class Tenant(Protocol):
    """The TVM: keeps the nonce and decides."""

    def keep_nonce(self, nonce: bytes, /) -> None:
        """Take the nonce of a new lock."""

    def review(
        self, report: DeviceInterfaceReport, measurements: Mapping[int, bytes], /
    ) -> Sequence[str]:
        """What it does not like; nothing means approval."""

    def release_nonce(self) -> bytes:
        """The nonce, after approval only."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the VMM has assigned, as the TSM is told: it believes none of it unchecked."""

    rid: int
    bars: Mapping[int, int] = field(default_factory=dict)  # bus address by BAR number
    bar_sizes: Mapping[int, int] = field(default_factory=dict)  # bytes by BAR number
    stream_id: int = 1
    flags: LockFlags = LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX
    mmio_reporting_offset: int = 0
    p2p_address_mask: int = 0  # address bits that say nothing about the place of a peer
    segment: int | None = None
    pasid: int | None = None  # of an SDI; its bars are slices of those of its function
    subordinates: Sequence[Mapping[int, int]] = ()  # bars of VFs that belong to the TDI of their PF
