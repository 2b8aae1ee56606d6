# SPDX-License-Identifier: Apache-2.0
"""Register tracking row by row: what real writes announce, and whom that ends.

The announcement of each write is judged by the table that `lock_watch` follows bit by bit and by
the model of tracking; both must say what the row says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb

from models.app.config_map import ConfigRegister as Reg
from models.device.registers import FIRST_BLOCK, place
from models.pcie.codes import SelectiveBlock as Block
from models.tdisp.tracking import RegisterWrite, Scope, track
from tests.unit.cfg_bench import CfgHost, Request, Watch, new_host
from tests.unit.cfg_registers import ONES, PAGING
from tests.unit.tracking_model import Locks, Write, expected, rules

# TDI 2 has its MSI-X table locked; TDI 3 has bound stream 1 for peers.
LOCKS = Locks((0, 1, 0, 0), 0b0100, (0, 0, 0, 0b10))
TABLE = rules(2)
NOBODY, ALL = 0b0000, 0b1111
ON_STREAM = (0b1101, 0b1010)
SECOND = FIRST_BLOCK + Block.SIZE
LOW, HIGH = 0x3, 0xC  # byte enables


@dataclass(frozen=True)
class Row:
    """A write, and the TDIs that it ends when all are locked."""

    addr: int
    data: int
    hit: int = NOBODY
    func: int = 0
    be: int = 0xF


HEADER = (
    Row(Reg.COMMAND, 0x4, 0b0001),  # Memory Space Enable falls
    Row(Reg.COMMAND, 0x2, 0b0001, be=0x1),  # Bus Master Enable falls
    Row(Reg.COMMAND, 0x0, 0b0100, 2),
    Row(Reg.COMMAND, 0x0, func=2, be=0xE),
    Row(Reg.COMMAND, 0x546),
    Row(Reg.COMMAND, 0x6),
    Row(Reg.COMMAND, 0x0, be=0xE),
    Row(Reg.COMMAND, ONES, be=HIGH),  # Status
    Row(Reg.COMMAND, ONES & ~2, func=1),  # virtual functions have Bus Master Enable only
    Row(Reg.HEADER_TYPE, 0xFF),  # Cache Line Size
    Row(Reg.HEADER_TYPE, ONES, be=0xE),  # neither Latency Timer nor BIST
    Row(Reg.INTERRUPT, 0xFF),
    Row(Reg.BAR0, ONES, 0b0001),
    Row(Reg.BAR1, 0x1, 0b0001, be=0x1),
    Row(Reg.BAR2, 0x300000, 0b0001),
    Row(Reg.BAR3, 0x80000000, 0b0001, be=0x8),
    Row(Reg.BAR0, 0x100000),
    Row(Reg.BAR0, 0x10000F, be=0x1),
    Row(Reg.BAR0, ONES, be=0x0),
    Row(Reg.BAR4, ONES),
    Row(Reg.BAR5, ONES),
    *(Row(at, ONES, func=1) for at in range(Reg.BAR0, Reg.ROM + 4, 4)),
)
CAPABILITIES = (
    Row(Reg.PM_CONTROL, 0x3),  # D3hot: No_Soft_Reset is 1
    Row(Reg.PM_CONTROL, 0x1),
    Row(Reg.MSIX, 0x80000000, 0b0100, 2),
    Row(Reg.MSIX, 0x40000000, 0b0100, 2, 0x8),
    Row(Reg.MSIX, 0x80000000, func=2, be=0x7),
    Row(Reg.MSIX, 0x0, func=2),
    Row(Reg.MSIX, 0xC0000000, func=1),  # not locked
    Row(Reg.MSIX, 0xC0000000),
    Row(Reg.DEVICE_CONTROL, 0x2810 ^ 1 << 8, ALL, be=LOW),  # Extended Tag
    Row(Reg.DEVICE_CONTROL, 0x2810 ^ 1 << 11, ALL, be=0x2),  # No Snoop
    Row(Reg.DEVICE_CONTROL, 0x2810 ^ 1 << 9, be=LOW),  # Phantom Functions do not exist
    Row(Reg.DEVICE_CONTROL, 0x2810 ^ 0x70FF, be=LOW),
    Row(Reg.DEVICE_CONTROL, 0x2810 ^ 1 << 11, be=0xD),
    Row(Reg.DEVICE_CONTROL, ONES, be=HIGH),  # Device Status
    Row(Reg.DEVICE_CONTROL, ONES & ~0x8000, func=1),
    Row(Reg.DEVICE_CONTROL_2, ONES),  # no 10-bit tag requester
    Row(Reg.LINK_CONTROL, ONES),
    Row(Reg.LINK_CONTROL_2, ONES),
)
EXTENDED = (
    Row(Reg.ATS_CONTROL, 1 << 31, 0b0010, 1),
    Row(Reg.ATS_CONTROL, 1 << 31, 0b0001),
    Row(Reg.ATS_CONTROL, 1 << 16, ALL),  # Smallest Translation Unit
    Row(Reg.ATS_CONTROL, 0x7FFFFFFF, func=1),
    Row(Reg.ATS_CONTROL, ONES, be=LOW),
    *(Row(at, ONES) for at in range(Reg.AER, Reg.SRIOV, 4)),
    *(Row(at, ONES) for at in range(Reg.DOE, Reg.ACS_CONTROL + 4, 4)),  # DOE, VSEC, ARI, ACS
    Row(Reg.ARI_CONTROL, ONES, func=1),
    Row(Reg.ACS_CONTROL, ONES, func=1),
    Row(Reg.SRIOV_CONTROL, 0x8, ALL),  # VF Enable falls
    Row(Reg.SRIOV_CONTROL, 0x1, ALL, be=0x1),
    Row(Reg.SRIOV_CONTROL, 0x19, ALL),  # ARI Capable Hierarchy
    Row(Reg.SRIOV_CONTROL, 0x9),
    Row(Reg.SRIOV_CONTROL, 0x0, be=0xE),
    Row(Reg.SRIOV_NUM_VFS, 0x1),  # read only while VF Enable is 1
    Row(Reg.SRIOV_SYSTEM_PAGE_SIZE, 0x2),
    Row(Reg.SRIOV_VF_BAR0, ONES, ALL),
    Row(Reg.SRIOV_VF_BAR1, 0x1, ALL),
    Row(Reg.SRIOV_VF_BAR2, 0x20000, ALL, be=0x4),
    Row(Reg.SRIOV_VF_BAR3, 0x1, ALL),
    Row(Reg.SRIOV_VF_BAR0, 0x300000),
    Row(Reg.SRIOV_VF_BAR4, ONES),
    Row(Reg.SRIOV_VF_BAR5, ONES),
    Row(Reg.SRIOV_MIGRATION, ONES),
)
OPTIONAL_ROWS = (
    Row(Reg.ROM, 0xFFFFF000, 0b0001),
    Row(Reg.ROM, 0x1, 0b0001, be=0x1),  # Enable
    Row(Reg.ROM, 0xFFE, be=0x3),
    Row(Reg.ROM, 0xFFFFF000, be=0x1),
    Row(Reg.TPH_CONTROL, 0x100, 0b0100, 2),
    Row(Reg.TPH_CONTROL, 0x1, 0b0100, 2, 0x1),
    Row(Reg.TPH_CONTROL, 0xFFFFFEF8, func=2),
    Row(Reg.TPH_CONTROL, 0x107, func=2, be=0xC),
    Row(Reg.TPH_CONTROL, 0x107),  # not locked
    Row(Reg.TPH_CONTROL, 0x107, func=1),
    Row(Reg.TPH_CAPABILITY, ONES, func=2),
    *(Row(at, ONES, func=func) for at in range(Reg.MSI, Reg.MSI + 0x18, 4) for func in (0, 1, 2)),
)
PAGING_ROWS = (
    Row(Reg.PASID_CONTROL, 1 << 16, ALL),
    Row(Reg.PASID_CONTROL, 1 << 16, be=0xB),
    Row(Reg.PASID_CONTROL, ONES & ~(1 << 16)),  # neither execution nor privileges
    Row(Reg.PASID_CONTROL, ONES, func=1),
    Row(Reg.PRI_CONTROL, 1, ALL),
    Row(Reg.PRI_CONTROL, ONES & ~1),  # status, and Reset, which reads 0
    Row(Reg.PRI_CONTROL, ONES, func=1),
    Row(Reg.PRI_CAPACITY, ONES),
    Row(Reg.PRI_ALLOCATION, 0x100, ALL),
    Row(Reg.PRI_ALLOCATION, 0x100, be=0xD),
    Row(Reg.PRI_ALLOCATION, ONES, func=1),
)


def stream_rows(base: int, bound: int) -> tuple[Row, ...]:
    """Registers of one selective stream, which is enabled."""
    return (
        Row(base + Block.CONTROL, 0x05400000, bound),  # Enable falls
        Row(base + Block.CONTROL, 0x06400001, bound),  # Stream ID
        Row(base + Block.CONTROL, 0x05000001, bound),  # Default Stream
        Row(base + Block.CONTROL, 0x05480001, bound),  # TC
        Row(base + Block.CONTROL, 0x05400001),
        Row(base + Block.CONTROL, 0x05C00001),  # TEE-Limited is read only while enabled
        Row(base + Block.CONTROL, 0x0, be=0x2),
        Row(base + Block.RID_ASSOCIATION_1, 0x100, bound),
        Row(base + Block.RID_ASSOCIATION_2, 0x1, bound),
        Row(base + Block.RID_ASSOCIATION_2, 0x01000000, bound, be=0x8),  # segment
        Row(base + Block.ADDRESS_ASSOCIATION_1, 0x1, bound),
        Row(base + Block.ADDRESS_ASSOCIATION_2, 0x1, bound),
        Row(base + Block.ADDRESS_ASSOCIATION_3, 0x1, bound),
        Row(base + Block.RID_ASSOCIATION_1, 0xFF0000FF),
        Row(base + Block.ADDRESS_ASSOCIATION_3, 0x1, be=0xE),
        Row(base + Block.STATUS, ONES),
        Row(base + Block.CAPABILITY, ONES),
    )


async def arrange(host: CfgHost) -> None:
    """Functions, BARs and streams as before a LOCK, whatever the last row has left."""
    await host.flr(0)
    for addr, data in (
        (Reg.COMMAND, 0x6),
        (Reg.BAR0, 0x100000),
        (Reg.BAR2, 0x200000),
        (Reg.SRIOV_VF_BAR0, 0x300000),
        (Reg.SRIOV_VF_BAR2, 0x400000),
        (Reg.SRIOV_NUM_VFS, 3),
        (Reg.SRIOV_CONTROL, 0x9),
        (FIRST_BLOCK + Block.CONTROL, 0x05400001),
        (SECOND + Block.CONTROL, 0x05400001),
        (Reg.DEVICE_CONTROL, 0x2810),
    ):
        await host.write(addr, data)
    for func in (1, 2, 3):
        await host.write(Reg.COMMAND, 0x4, 0xF, func)
    await host.pulse("aer_poisoned")
    await host.pulse("ide_fail_received", 3)


def by_model(watch: Watch) -> int:
    """Bit map of the TDIs that the model of tracking ends."""
    space, capability, offset = place(watch.addr)
    write = RegisterWrite(space, capability, offset, watch.be, watch.old, watch.new)
    event = track(
        write,
        physical=watch.func == 0,
        msix_locked=bool(LOCKS.msix >> watch.func & 1),
        streams=(0x0C, 0x0C + Block.SIZE),
    )
    if event is None:
        return NOBODY
    if event.scope is Scope.STREAM and event.block is not None:
        return ON_STREAM[event.block]
    return ALL if event.scope is Scope.HIERARCHY else 1 << watch.func


async def check(host: CfgHost, rows: tuple[Row, ...]) -> None:
    for row in rows:
        await arrange(host)
        watch = await host.write(row.addr, row.data, row.be, row.func)
        assert (watch.flr, watch.rid_change) == (0, 0), row
        write = Write(watch.func, watch.addr, watch.old, watch.new)
        assert expected(TABLE, write, LOCKS)[0] == row.hit, f"{row} {watch}"
        assert by_model(watch) == row.hit, f"{row} {watch}"


@cocotb.test()
async def the_header_ends_its_own_tdi(dut: Any) -> None:
    await check(await new_host(dut), HEADER)


@cocotb.test()
async def capabilities_end_their_own_tdi_or_all(dut: Any) -> None:
    await check(await new_host(dut, 2), CAPABILITIES)


@cocotb.test()
async def extended_capabilities_end_whom_they_should(dut: Any) -> None:
    await check(await new_host(dut, 3), EXTENDED)


@cocotb.test(skip=not PAGING)
async def paging_is_shared_by_all(dut: Any) -> None:
    await check(await new_host(dut, 4), PAGING_ROWS)


@cocotb.test(skip=not PAGING)
async def what_the_report_shows_and_the_rom_end_their_own_tdi(dut: Any) -> None:
    await check(await new_host(dut, 7), OPTIONAL_ROWS)


@cocotb.test()
async def registers_of_a_stream_end_whom_it_is_bound_to(dut: Any) -> None:
    host = await new_host(dut, 5)
    await check(host, stream_rows(FIRST_BLOCK, ON_STREAM[0]))
    await check(host, stream_rows(SECOND, ON_STREAM[1]))
    await check(host, (Row(Reg.IDE + 4, ONES), Row(Reg.IDE + 8, ONES), Row(Reg.IDE, ONES)))


@cocotb.test()
async def function_level_reset_and_another_bus_are_announced_as_such(dut: Any) -> None:
    host = await new_host(dut, 6)
    await arrange(host)
    for func, hit in ((0, ALL), (2, 0b0100), (1, 0b0010)):
        await arrange(host)
        assert (await host.flr(func)).flr == hit
        assert not (await host.write(Reg.DEVICE_CONTROL, 0x8000, 0x1)).flr
    await arrange(host)
    for bus, changes in ((0x2A00, 0), (0x3B00, 1), (0x3B00, 0)):
        await host.request(Request(Reg.HEADER_TYPE, data=0, be=0, bus=bus))
        assert host.watches[-1].rid_change == changes
