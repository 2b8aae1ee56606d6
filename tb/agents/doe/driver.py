# SPDX-License-Identifier: Apache-2.0
"""Moves DOE objects through the mailbox of the physical function."""

from __future__ import annotations

from typing import Any

from pyuvm import ConfigDB, uvm_driver

from models.doe.codes import ControlBit, Register, StatusBit
from models.pcie.codes import CplStatus, ExtendedCapabilityId
from tb.agents.cfg.item import CfgItem
from tb.agents.doe.item import DoeItem, DoeResult
from tb.clocking import clock_cycles

POLL_CYCLES = 200
MAX_POLLS = 3000


class DoeDriver(uvm_driver):
    """Writes the request, sets GO, polls, reads the response (DOE-FSM-001)."""

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.host: Any = ConfigDB().get(self, "", "HOST")
        self.base: int | None = None

    async def run_phase(self) -> None:
        while True:
            item: DoeItem = await self.seq_item_port.get_next_item()
            await self._exchange(item)
            self.seq_item_port.item_done()

    async def _exchange(self, item: DoeItem) -> None:
        for n in range(0, len(item.request), 4):
            word = int.from_bytes(item.request[n : n + 4], "little")
            await self.write(Register.WRITE_MAILBOX, word)
        await self.write(Register.CONTROL, 1 << ControlBit.GO)
        item.result, item.response = await self._response(item.patience)

    async def _response(self, patience: int) -> tuple[DoeResult, bytes | None]:
        polls = idle = 0
        while polls < MAX_POLLS:
            status = await self.read(Register.STATUS)
            if status >> StatusBit.ERROR & 1:
                return DoeResult.ERROR, None
            if status >> StatusBit.DATA_OBJECT_READY & 1:
                return DoeResult.RESPONSE, await self._read_object()
            idle = 0 if status >> StatusBit.BUSY & 1 else idle + 1
            if idle >= patience:
                return DoeResult.SILENT, None
            polls += 1
            await clock_cycles(self.adapter.clk, POLL_CYCLES)
        return DoeResult.TIMEOUT, None

    async def _read_object(self) -> bytes:
        data = bytearray()
        while await self.read(Register.STATUS) >> StatusBit.DATA_OBJECT_READY & 1:
            data += (await self.read(Register.READ_MAILBOX)).to_bytes(4, "little")
            await self.write(Register.READ_MAILBOX, 0)
            if len(data) == 8:
                length = int.from_bytes(data[4:8], "little") & 0x3FFFF
                for _ in range(length - 2):
                    word = await self.read(Register.READ_MAILBOX)
                    data += word.to_bytes(4, "little")
                    await self.write(Register.READ_MAILBOX, 0)
        return bytes(data)

    async def abort(self) -> None:
        """Write Abort and wait until Busy, Error and Ready are clear; RuntimeError if they stay."""
        await self.write(Register.CONTROL, 1 << ControlBit.ABORT)
        for _ in range(MAX_POLLS):
            status = await self.read(Register.STATUS)
            if not status:
                return
            await clock_cycles(self.adapter.clk, POLL_CYCLES)
        raise RuntimeError(f"DOE mailbox: status {status:#010x} long after Abort")

    async def read(self, register: Register) -> int:
        """Value of a register of the DOE extended capability."""
        item = await self._access(CfgItem(self.host.pf_rid, await self._at(register), write=False))
        return item.data

    async def write(self, register: Register, data: int) -> None:
        """Write a register of the DOE extended capability."""
        address = await self._at(register)
        await self._access(CfgItem(self.host.pf_rid, address, write=True, data=data))

    async def _at(self, register: Register) -> int:
        if self.base is None:
            self.base = await self.host.extended_capability(
                self.host.pf_rid, ExtendedCapabilityId.DOE
            )
        return self.base + register

    async def _access(self, item: CfgItem) -> CfgItem:
        await self.host.config(item)
        if item.status is not CplStatus.SC:
            raise RuntimeError(f"DOE mailbox: {item}")
        return item
