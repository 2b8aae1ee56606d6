# SPDX-License-Identifier: Apache-2.0
"""Configuration requests as TLPs: who is answered how, and what is announced when."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import CplStatus, FmtType
from tests.unit.cfg_bench import BUS, HOST_RID, CfgHost, Request, new_host
from tests.unit.tlp_bench import Common

OUTPUTS = (
    "pf_rid",
    "tdi_present",
    "tdi_mse",
    "tdi_bme",
    "pf_bar0",
    "pf_bar2",
    "vf_bar0",
    "vf_bar2",
    "msix_enable",
    "msix_function_mask",
    "ats_enable",
    "ide_enable",
    "ide_stream_id",
    "ide_rid_base",
    "ide_addr_base",
)
SETTLED = (*OUTPUTS, "lock_config_ok")


def snapshot(dut: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(int(getattr(dut, name).value) for name in names)


async def unchanged(host: CfgHost, request: Request) -> None:
    """`request` is refused, announces nothing and changes nothing."""
    before = snapshot(host.dut, SETTLED)
    announced = len(host.watches)
    reply = await host.request(request)
    assert (reply.fmt_type, reply.data) == (FmtType.CPL, ()), request
    assert reply.completion["status"] == CplStatus.UR, request
    assert len(host.watches) == announced, request
    assert snapshot(host.dut, SETTLED) == before, request


@cocotb.test()
async def what_is_no_type_0_request_for_an_existing_function_is_refused(dut: Any) -> None:
    host = await new_host(dut)
    await host.write(Reg.COMMAND, 6)
    functions = len(dut.tdi_present)
    await host.enable_vfs(functions - 2)
    missing = [functions - 1, *range(functions, 8)]
    for func in missing:
        await unchanged(host, Request(Reg.ID, func))
        await unchanged(host, Request(Reg.COMMAND, func, 0))
    for kind in (FmtType.CFGRD1, FmtType.MRD32, FmtType.IORD):
        await unchanged(host, Request(Reg.ID, fmt_type=kind))
    for kind in (FmtType.CFGWR1, FmtType.IOWR, FmtType.MWR32):
        await unchanged(host, Request(Reg.COMMAND, data=0, fmt_type=kind))
    for length in (0, 2, 3, 5, 9):
        await unchanged(host, Request(Reg.COMMAND, data=0, length=length))
    await unchanged(host, Request(Reg.COMMAND, length=2))
    await unchanged(host, Request(Reg.COMMAND, data=0, last_be=1))
    await unchanged(host, Request(Reg.COMMAND, data=0, common=Common(poisoned=1)))
    await unchanged(host, Request(Reg.COMMAND, data=0, bus=0x5500, common=Common(poisoned=1)))
    assert await host.read(Reg.COMMAND) & 6 == 6
    assert await host.status(Reg.ID, functions - 2) == CplStatus.SC
    assert await host.status(Reg.ID, functions - 1) == CplStatus.UR


@cocotb.test()
async def a_completion_mirrors_its_request(dut: Any) -> None:
    host = await new_host(dut, 2)
    await host.enable_vfs(2)
    for _ in range(60):
        func, write, ide = host.rng.randrange(4), host.rng.random() < 0.5, host.rng.getrandbits(1)
        common = Common(
            tc=host.rng.randrange(8), attr=host.rng.randrange(8), tag_high=host.rng.randrange(4)
        )
        tag = host.rng.randrange(256)
        request = Request(
            Reg.CLASS, func, 0 if write else None, common=common, tag=tag, be=host.rng.randrange(16)
        )
        side = {"ide": ide, "t": ide & host.rng.getrandbits(1), "stream": host.rng.getrandbits(1)}
        reply = await host.request(request, **side)
        served = func <= 2
        with_data = served and not write
        kind = FmtType.CPLD if with_data else FmtType.CPL
        assert reply.bits(127, 96) == common.dw0(kind, int(with_data))
        assert reply.data == ((0x12000001,) if with_data else ())
        assert reply.completion == {
            "completer": BUS | (func if served else 0),
            "status": CplStatus.SC if served else CplStatus.UR,
            "byte_count": 4,
            "requester": HOST_RID,
            "tag": tag,
            "lower": 0,
        }
        assert dict(reply.side) == side


@cocotb.test()
async def bus_and_device_are_captured_from_served_writes_only(dut: Any) -> None:
    host = await new_host(dut, 3)
    assert int(dut.pf_rid.value) == 0
    reply = await host.request(Request(Reg.ID, bus=0x7700))
    assert reply.completion["completer"] == 0
    assert int(dut.pf_rid.value) == 0
    device = 0x08 if len(dut.tdi_present) <= 8 else 0  # with ARI there is no device number
    last = 0x7900 | device
    for bus, changes in (
        (0x7700 | device, True),
        (0x7700 | device, False),
        (0x7800, True),
        (last, True),
    ):
        before = int(dut.pf_rid.value)
        reply = await host.request(Request(Reg.ID, data=0, be=0, bus=bus))
        assert reply.completion["completer"] == bus == int(dut.pf_rid.value)
        assert host.watches[-1].rid_change == int(changes) == int(before != bus)
    await host.request(Request(Reg.ID, bus=0x9900))
    await host.request(Request(Reg.ID, 7, 0, bus=0x9900))
    await host.request(Request(Reg.ID, data=0, bus=0x9900, fmt_type=FmtType.CFGWR1))
    assert int(dut.pf_rid.value) == last
    await host.write(Reg.SRIOV_NUM_VFS, 1)  # on BUS
    await host.write(Reg.SRIOV_CONTROL, 1)
    reply = await host.request(Request(Reg.ID, 1, 0, bus=0x6600))
    assert reply.completion["completer"] == 0x6601
    assert host.watches[-1].rid_change


async def watch_timing(host: CfgHost, stop: list[bool]) -> None:
    """Outputs stay for three cycles after an announcement; busy covers all changes."""
    dut = host.dut
    before, quiet, was_busy = snapshot(dut, SETTLED), 0, False
    while not stop:
        await RisingEdge(dut.clk)
        now, busy = snapshot(dut, SETTLED), bool(int(dut.cfg_write_busy.value))
        if int(dut.cfg_watch_valid.value):
            assert was_busy, "busy begins before the announcement"
            quiet = 3
        elif quiet:
            quiet -= 1
        if now != before:
            assert quiet == 0, "a register changed too early"
            assert (was_busy, busy) == (True, True), "a register changed outside busy"
        before, was_busy = now, busy


@cocotb.test()
async def writes_are_announced_before_they_take_effect(dut: Any) -> None:
    host = await new_host(dut, 4)
    stop: list[bool] = []
    checker = cocotb.start_soon(watch_timing(host, stop))
    await host.enable_vfs(3)
    places = [
        (Reg.COMMAND, 0x6),
        (Reg.BAR0, 0xFFFFFFFF),
        (Reg.BAR3, 0x00000003),
        (Reg.SRIOV_VF_BAR0, 0x00800000),
        (Reg.SRIOV_SYSTEM_PAGE_SIZE, 0x8),
        (Reg.MSIX, 0xC0000000),
        (Reg.ATS_CONTROL, 0x80000000),
        (Reg.SRIOV_CONTROL, 0x9),
        (Reg.SRIOV_NUM_VFS, 0x3),
        (Reg.IDE + 0x10, 0x01400001),
        (Reg.IDE + 0x1C, 0x00123401),
    ]
    for _ in range(150):
        addr, data = host.rng.choice(places)
        await host.write(addr, data & host.rng.getrandbits(32), host.rng.randrange(16))
        if host.rng.random() < 0.1:
            await host.request(Request(Reg.ID, data=0, bus=host.rng.choice((0x100, 0x200))))
        if host.rng.random() < 0.1:
            await host.flr(0)
    stop.append(True)
    await checker


@cocotb.test()
async def a_write_without_byte_enables_changes_nothing(dut: Any) -> None:
    host = await new_host(dut, 5)
    await host.write(Reg.COMMAND, 6)
    for addr in (Reg.COMMAND, Reg.BAR0, Reg.DEVICE_CONTROL, Reg.SRIOV_CONTROL, Reg.MSIX):
        before = await host.read(addr)
        watch = await host.write(addr, 0xFFFFFFFF & ~before, 0)
        assert watch.old == watch.new == before
        assert not watch.flr
        assert await host.read(addr) == before
