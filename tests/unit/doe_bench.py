# SPDX-License-Identifier: Apache-2.0
"""Host side and far side of the DOE mailbox for unit tests."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister
from models.doe.codes import Register

ABORT, GO = 1, 1 << 31
BUSY, ERROR, READY = 1, 4, 1 << 31


def doe_object(body: Sequence[int], length: int | None = None, kind: int = 1) -> list[int]:
    """DWs of an object; `length` replaces the true length."""
    return [kind << 16 | 1, len(body) + 2 if length is None else length, *body]


class Mailbox:
    """Drives the register port of `doe_mailbox` and plays the far side by hand."""

    def __init__(self, dut: Any, seed: int = 1) -> None:
        self.dut = dut
        self.rng = random.Random(seed)
        self.sent: list[list[int]] = []  # whole objects that left
        self._partial: list[int] = []
        self._offer: tuple[int, int] | None = None
        self.ready_chance = 1.0

    async def start(self) -> None:
        """Clock, reset, and take what leaves."""
        dut = self.dut
        cocotb.start_soon(Clock(dut.clk, 4, "ns").start())
        for name in (
            "flr",
            "addr",
            "write",
            "wdata",
            "be",
            "poisoned_write",
            "m_axis_doe_tready",
            "s_axis_doe_tdata",
            "s_axis_doe_tvalid",
            "s_axis_doe_tlast",
            "doe_rsp_none",
        ):
            getattr(dut, name).value = 0
        dut.rst.value = 1
        await self.wait(3)
        dut.rst.value = 0
        await self.wait(1)
        cocotb.start_soon(self._take())

    async def wait(self, count: int) -> None:
        """Wait clock cycles."""
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def _take(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            valid, ready = int(dut.m_axis_doe_tvalid.value), int(dut.m_axis_doe_tready.value)
            if valid:
                offer = (int(dut.m_axis_doe_tdata.value), int(dut.m_axis_doe_tlast.value))
                assert self._offer in (None, offer), "an offer changed"
                self._offer = None if ready else offer
                if ready:
                    self._partial.append(offer[0])
                    if offer[1]:
                        self.sent.append(self._partial)
                        self._partial = []
            else:
                assert self._offer is None, "an offer was withdrawn"
            dut.m_axis_doe_tready.value = int(self.rng.random() < self.ready_chance)

    async def write(self, register: Register, data: int, be: int = 0xF) -> None:
        """One register write, then one idle cycle."""
        dut = self.dut
        dut.addr.value = ConfigRegister.DOE + register
        dut.wdata.value = data
        dut.be.value = be
        dut.write.value = 1
        await RisingEdge(dut.clk)
        dut.write.value = 0
        await self.wait(2)

    async def read(self, register: Register) -> int:
        """Value of a register."""
        self.dut.addr.value = ConfigRegister.DOE + register
        await self.wait(2)
        return int(self.dut.rdata.value)

    async def status(self) -> int:
        """DOE Status."""
        return await self.read(Register.STATUS)

    async def put(self, dwords: Sequence[int]) -> None:
        """Append DWs to the write mailbox."""
        for dword in dwords:
            await self.write(Register.WRITE_MAILBOX, dword)

    async def request(self, dwords: Sequence[int]) -> None:
        """Append an object and GO."""
        await self.put(dwords)
        await self.write(Register.CONTROL, GO)

    async def abort(self) -> None:
        """Write Abort."""
        await self.write(Register.CONTROL, ABORT)

    async def pulse(self, name: str) -> None:
        """One cycle of an input."""
        getattr(self.dut, name).value = 1
        await RisingEdge(self.dut.clk)
        getattr(self.dut, name).value = 0
        await self.wait(1)

    async def beat(self, dword: int, last: bool) -> None:
        """One DW of a response."""
        dut = self.dut
        dut.s_axis_doe_tdata.value = dword
        dut.s_axis_doe_tlast.value = int(last)
        dut.s_axis_doe_tvalid.value = 1
        await RisingEdge(dut.clk)
        while not int(dut.s_axis_doe_tready.value):
            await RisingEdge(dut.clk)
        dut.s_axis_doe_tvalid.value = 0

    async def answer(self, dwords: Sequence[int]) -> None:
        """A whole response."""
        for n, dword in enumerate(dwords):
            await self.beat(dword, n == len(dwords) - 1)
        await self.wait(2)

    async def take(self) -> list[int]:
        """Read a response until Data Object Ready clears."""
        dwords = []
        while await self.status() & READY:
            dwords.append(await self.read(Register.READ_MAILBOX))
            await self.write(Register.READ_MAILBOX, self.rng.getrandbits(32))
        return dwords

    async def sent_object(self) -> list[int]:
        """The next object that left."""
        for _ in range(500):
            if self.sent:
                return self.sent.pop(0)
            await RisingEdge(self.dut.clk)
        raise AssertionError("no object left the mailbox")


async def new_mailbox(dut: Any, seed: int = 1) -> Mailbox:
    """A mailbox after reset."""
    mailbox = Mailbox(dut, seed)
    await mailbox.start()
    return mailbox
