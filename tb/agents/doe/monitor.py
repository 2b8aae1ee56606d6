# SPDX-License-Identifier: Apache-2.0
"""Reassembles DOE objects from the configuration accesses that carry them."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time
from pyuvm import ConfigDB, uvm_analysis_port, uvm_subscriber

from models.doe.codes import ControlBit, Register, StatusBit
from models.pcie.codes import INITIATE_FLR, CplStatus
from models.tdisp.tracking import byte_mask
from tb.agents.cfg.item import SeenAccess


class DoeObject:
    """One whole object with the time at which it was complete."""

    def __init__(self, raw: bytes, request: bool) -> None:
        self.raw = raw
        self.request = request
        self.time_ns = get_sim_time("ns")


class DoeMonitor(uvm_subscriber):
    """Writes a DoeObject to `ap` at GO for a request, and at the last pop for a response.

    A request that is made while a response is unread comes after that response. One that is made
    while the mailbox was last seen Busy waits for the next status: where Error says that it was
    refused, it goes to `refused_ap`.

    Connect the analysis port of the configuration monitor to `write`.
    """

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.host: Any = ConfigDB().get(self, "", "HOST")
        self.ap = uvm_analysis_port("ap", self)
        self.refused_ap = uvm_analysis_port("refused_ap", self)
        self.forget()

    async def run_phase(self) -> None:
        while True:
            await RisingEdge(self.adapter.rst)
            self.forget()

    def forget(self) -> None:
        """The mailbox has been emptied."""
        self.request = bytearray()
        self.response = bytearray()
        self.current: int | None = None
        self.unread = False  # the host knows of a response
        self.behind: DoeObject | None = None  # request behind it
        self.busy = False  # when the host last looked
        self.doubtful: DoeObject | None = None  # request that was made then

    def write(self, tt: SeenAccess) -> None:
        """A configuration access is complete."""
        access = tt
        base = self.host.doe_base
        if base is None or access.rid != self.host.pf_rid or access.status is not CplStatus.SC:
            return
        if access.write and access.address == self.host.device_control:
            self._device_control(access)
        register = access.address - base
        if register == Register.CONTROL and access.write:
            self._control(access.data & byte_mask(access.enables))
        elif register == Register.WRITE_MAILBOX and access.write and access.enables == 0xF:
            self.request += access.data.to_bytes(4, "little")
        elif register == Register.READ_MAILBOX and (access.enables == 0xF or not access.write):
            self._read_mailbox(access)
        elif register == Register.STATUS and not access.write:
            self._status(access.data)

    def _device_control(self, access: SeenAccess) -> None:
        if access.data & byte_mask(access.enables) & INITIATE_FLR:
            self.forget()

    def _control(self, value: int) -> None:
        if value >> ControlBit.ABORT & 1:
            self.forget()
        elif value >> ControlBit.GO & 1 and self.request:  # GO alone is no object
            request = DoeObject(bytes(self.request), request=True)
            self.request.clear()
            if self.busy:
                self.doubtful = request
            else:
                self._requested(request)

    def _requested(self, request: DoeObject) -> None:
        if self.unread:
            self.behind = request
        else:
            self.ap.write(request)

    def _status(self, value: int) -> None:
        self.busy = bool(value >> StatusBit.BUSY & 1)
        self.unread = bool(value >> StatusBit.DATA_OBJECT_READY & 1)
        if not self.unread:
            self.response.clear()
            self.current = None
        if self.doubtful is not None:
            request, self.doubtful = self.doubtful, None
            if value >> StatusBit.ERROR & 1:
                self.refused_ap.write(request)
            else:
                self._requested(request)

    def _read_mailbox(self, access: SeenAccess) -> None:
        if not access.write:
            self.current = access.data
            return
        if self.current is None:
            return
        self.response += self.current.to_bytes(4, "little")
        self.current = None
        if len(self.response) < 8:
            return
        length = int.from_bytes(self.response[4:8], "little") & 0x3FFFF
        if len(self.response) == 4 * length:
            self.ap.write(DoeObject(bytes(self.response), request=False))
            self.response.clear()
            self._answered()

    def _answered(self) -> None:
        self.unread = False
        if self.behind is not None:
            self.ap.write(self.behind)
            self.behind = None
