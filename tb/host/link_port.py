# SPDX-License-Identifier: Apache-2.0
"""Joins cocotbext-pcie's root complex to the raw TLP link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cocotbext.pcie.core.bridge import Bridge, RootPort
from cocotbext.pcie.core.tlp import Tlp

TransmitFunction = Callable[[bytes], Awaitable[None]]


class LinkPort:
    """Stands in for the simulated port of a root port: TLPs leave and enter as bytes.

    There is no data link layer on this link, so flow-control credits are returned at once.
    """

    def __init__(self, transmit: TransmitFunction) -> None:
        self._transmit = transmit
        self.log: Any = None
        self.parent: Any = None
        self.rx_handler: Any = None

    async def send(self, tlp: Tlp) -> None:
        """Called by the root port to send `tlp` to the device."""
        tlp.release_fc()
        await self._transmit(bytes(tlp.pack()))

    async def receive(self, raw: bytes) -> None:
        """Hand a plain TLP from the device to the root port."""
        await self.rx_handler(Tlp.unpack(bytearray(raw)))


class LinkRootPort(RootPort):
    """cocotbext-pcie's root port on a LinkPort.

    Its own constructor would start a simulated data link layer that has no partner.
    """

    def __init__(self, port: LinkPort) -> None:
        Bridge.__init__(self)
        self.pcie_cap.pcie_device_type = 0x4
        self.pcie_cap.crs_software_visibility = True
        self.vendor_id = 0x1234
        self.device_id = 0x0002
        self.set_downstream_port(port)
