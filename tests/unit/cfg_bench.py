# SPDX-License-Identifier: Apache-2.0
"""Configuration requests for the unit tests of cfg_space, and what the block announces."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import CplStatus, FmtType
from tests.unit.tlp_bench import Common, Tlp, TlpSink, TlpSource, cycles

HOST_RID = 0x0008
BUS = 0x2A00  # bus 2A, device 0
PULSES = (
    "aer_check_failed",
    "aer_misrouted",
    "aer_malformed",
    "aer_poisoned",
    "aer_unsupported",
    "aer_unexpected_cpl",
    "aer_cpl_timeout",
    "aer_internal",
)
INPUTS = (
    *PULSES,
    "idecap_addr",
    "stream_secure",
    "ide_fail_received",
    "tdi_status_data",
    "m_axis_doe_tready",
    "s_axis_doe_tdata",
    "s_axis_doe_tvalid",
    "s_axis_doe_tlast",
    "doe_rsp_none",
    "msi_pending",
    "msi_tdi",
    "pri_response_failure",
    "pri_unexpected_index",
)

PLAIN = Common()


@dataclass(frozen=True)
class Watch:
    """One announced write."""

    cycle: int
    func: int
    addr: int
    be: int
    old: int
    new: int
    data: int
    flr: int
    rid_change: int


@dataclass(frozen=True)
class Request:
    """A configuration request; the defaults are those of a well-formed read."""

    addr: int
    func: int = 0
    data: int | None = None  # a write when given
    be: int = 0xF
    bus: int = BUS
    fmt_type: int | None = None
    length: int = 1
    last_be: int = 0
    common: Common = PLAIN
    tag: int = 0

    def tlp(self, **side: int) -> Tlp:
        """The request on the internal bus."""
        kind = self.fmt_type
        if kind is None:
            kind = FmtType.CFGRD0 if self.data is None else FmtType.CFGWR0
        dw1 = HOST_RID << 16 | self.tag << 8 | self.last_be << 4 | self.be
        dw2 = (self.bus | self.func) << 16 | self.addr & 0xFFC
        hdr = self.common.dw0(kind, self.length) << 96 | dw1 << 64 | dw2 << 32
        data = () if self.data is None else (self.data,) * self.length
        return Tlp(hdr, data, side)


class CfgHost:
    """Sends configuration requests and records what cfg_space announces."""

    def __init__(self, dut: Any, seed: int = 1, pause: float = 0.1) -> None:
        self.dut = dut
        self.rng = random.Random(seed)
        self.source = TlpSource(dut, "cfgreq", self.rng, pause)
        self.sink = TlpSink(dut, "cfgcpl", self.rng, pause)
        self.watches: list[Watch] = []
        self.cycle = 0
        self.tag = 0

    async def start(self) -> None:
        """Start the clock, reset, begin to record."""
        cocotb.start_soon(Clock(self.dut.clk, 4, "ns").start())
        for name in INPUTS:
            getattr(self.dut, name).value = 0
        self.dut.pri_idle.value = 1
        await self.reset()
        cocotb.start_soon(self._record())

    async def reset(self) -> None:
        """Conventional reset."""
        self.dut.rst.value = 1
        await cycles(self.dut, 4)
        self.dut.rst.value = 0
        await cycles(self.dut, 2)

    async def _record(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            self.cycle += 1
            flr, change = int(dut.flr_req.value), int(dut.rid_change.value)
            if int(dut.cfg_watch_valid.value):
                assert int(dut.cfg_write_busy.value), "announced without busy"
                self.watches.append(
                    Watch(
                        self.cycle,
                        int(dut.cfg_watch_func.value),
                        int(dut.cfg_watch_addr.value) << 2,
                        int(dut.cfg_watch_be.value),
                        int(dut.cfg_watch_old.value),
                        int(dut.cfg_watch_new.value),
                        int(dut.cfg_watch_data.value),
                        flr,
                        change,
                    )
                )
            else:
                assert (flr, change) == (0, 0), "a pulse without an announced write"

    async def request(self, request: Request, **side: int) -> Tlp:
        """Send a request and return its completion."""
        self.tag = (self.tag + 1) & 0xFF
        sides = {"ide": 0, "t": 0, "stream": 0, **side}
        await self.source.send(request.tlp(**sides))
        return await self.sink.next(200)

    async def read(self, addr: int, func: int = 0) -> int:
        """Value of a register; the read must succeed."""
        completion = await self.request(Request(addr, func))
        assert completion.completion["status"] == CplStatus.SC, f"read {func}+{addr:03x}"
        assert completion.fmt_type == FmtType.CPLD
        assert len(completion.data) == 1
        return completion.data[0]

    async def write(self, addr: int, data: int, be: int = 0xF, func: int = 0) -> Watch:
        """Write a register; the write must succeed. Returns what was announced."""
        before = len(self.watches)
        completion = await self.request(Request(addr, func, data, be))
        assert completion.completion["status"] == CplStatus.SC, f"write {func}+{addr:03x}"
        assert completion.fmt_type == FmtType.CPL
        assert not completion.data
        assert len(self.watches) == before + 1
        return self.watches[-1]

    async def status(self, addr: int, func: int = 0) -> int:
        """Completion Status of a read."""
        return (await self.request(Request(addr, func))).completion["status"]

    async def pulse(self, name: str, value: int = 1) -> None:
        """One cycle of an input."""
        getattr(self.dut, name).value = value
        await RisingEdge(self.dut.clk)
        getattr(self.dut, name).value = 0
        await RisingEdge(self.dut.clk)

    async def enable_vfs(self, count: int, memory: bool = True) -> None:
        """NumVFs, then VF Enable."""
        await self.write(Reg.SRIOV_NUM_VFS, count)
        await self.write(Reg.SRIOV_CONTROL, 1 | (8 if memory else 0))

    async def flr(self, func: int) -> Watch:
        """Write Initiate FLR, leaving the rest of Device Control as it is."""
        control = await self.read(Reg.DEVICE_CONTROL, func) & 0xFFFF
        return await self.write(Reg.DEVICE_CONTROL, control | 0x8000, 0x3, func)


def field(handle: Any, width: int, index: int) -> int:
    """Part `index` of a vector of parts of `width` bits."""
    return int(handle.value) >> width * index & (1 << width) - 1


async def new_host(dut: Any, seed: int = 1) -> CfgHost:
    """A host on a device that was reset."""
    host = CfgHost(dut, seed)
    await host.start()
    return host
