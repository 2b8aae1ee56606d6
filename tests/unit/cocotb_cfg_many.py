# SPDX-License-Identifier: Apache-2.0
"""Many functions: each has registers of its own, resets reach whom they should, in time."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import CplStatus
from tests.unit.cfg_bench import BUS, CfgHost, Request, new_host
from tests.unit.cfg_registers import VF_REGISTERS

# What a virtual function holds, and the vectors that show some of it
HELD = (Reg.COMMAND, Reg.MSIX, Reg.ATS_CONTROL, Reg.ACS_CONTROL)
VECTORS = {
    "tdi_bme": (Reg.COMMAND, 2),
    "msix_enable": (Reg.MSIX, 31),
    "msix_function_mask": (Reg.MSIX, 30),
    "ats_enable": (Reg.ATS_CONTROL, 31),
}
# Cycles from the last beat of a request to its completion, whatever the number of functions
READ_CYCLES, WRITE_CYCLES = 3, 9

Values = dict[tuple[int, int], int]  # (function, register) -> value


async def fill(host: CfgHost, functions: int) -> Values:
    """Write registers of all VFs at random in a random order; what they must hold afterwards."""
    places = [(func, addr) for func in range(1, functions) for addr in HELD]
    host.rng.shuffle(places)
    values: Values = {}
    for func, addr in places:
        data, bits = host.rng.getrandbits(32), VF_REGISTERS[addr]
        watch = await host.write(addr, data, 0xF, func)
        assert (watch.func, watch.old) == (func, bits.reset)
        values[func, addr] = bits.reset & ~bits.rw | data & bits.rw
    return values


def check_vectors(dut: Any, values: Values) -> None:
    """The vectors are the registers of all VFs; the PF holds nothing."""
    for name, (addr, bit) in VECTORS.items():
        expected = sum((v >> bit & 1) << f for (f, a), v in values.items() if a == addr)
        assert int(getattr(dut, name).value) == expected, name


async def check_registers(host: CfgHost, values: Values) -> None:
    for (func, addr), value in values.items():
        assert await host.read(addr, func) == value, f"{func}+{addr:03x}"


def cleared(values: Values, functions: set[int]) -> Values:
    """`values` after a reset of some functions."""
    return {
        (func, addr): VF_REGISTERS[addr].reset if func in functions else value
        for (func, addr), value in values.items()
    }


@cocotb.test()
async def every_function_has_registers_of_its_own(dut: Any) -> None:
    host = await new_host(dut)
    functions = len(dut.tdi_present)
    await host.enable_vfs(functions - 1)
    values = await fill(host, functions)
    check_vectors(dut, values)
    await check_registers(host, values)
    for func in range(functions):
        reply = await host.request(Request(Reg.ID, func))
        assert reply.completion["completer"] == BUS + func
        assert reply.data == (0xFFFFFFFF if func else 0x7D151234,)


@cocotb.test()
async def flr_of_a_virtual_function_resets_that_one_only(dut: Any) -> None:
    host = await new_host(dut, 2)
    functions = len(dut.tdi_present)
    await host.enable_vfs(functions - 1)
    values = await fill(host, functions)
    for func in {1, functions // 2, functions - 2, functions - 1}:
        watch = await host.flr(func)
        assert watch.flr == 1 << func
        values = cleared(values, {func})
        check_vectors(dut, values)
    await check_registers(host, values)


async def reset_by(host: CfgHost, addr: int, data: int) -> None:
    """A write to the PF that ends all VFs: their vectors fall while the write is busy."""
    dut = host.dut
    write = cocotb.start_soon(host.write(addr, data))
    await RisingEdge(dut.cfg_write_busy)
    assert int(dut.msix_enable.value), "not before the announcement"
    while int(dut.cfg_write_busy.value):
        await RisingEdge(dut.clk)
    check_vectors(dut, {})
    assert int(dut.tdi_present.value) == 1
    await write


@cocotb.test()
async def the_end_of_all_virtual_functions_is_settled_while_busy(dut: Any) -> None:
    host = await new_host(dut, 3)
    functions = len(dut.tdi_present)
    for addr, data in ((Reg.SRIOV_CONTROL, 0), (Reg.DEVICE_CONTROL, 0x8000)):
        await host.enable_vfs(functions - 1)
        values = await fill(host, functions)
        await reset_by(host, addr, data)
        assert await host.status(Reg.ID, functions - 1) == CplStatus.UR
        await host.enable_vfs(functions - 1)
        check_vectors(dut, {})
        await check_registers(host, cleared(values, set(range(functions))))
        await host.write(Reg.SRIOV_CONTROL, 0)
    assert host.watches[-1].flr == 0
    await host.flr(0)
    assert host.watches[-1].flr == (1 << functions) - 1


@cocotb.test()
async def d3hot_silences_every_function_and_loses_nothing(dut: Any) -> None:
    host = await new_host(dut, 6)
    functions = len(dut.tdi_present)
    await host.enable_vfs(functions - 1)
    await host.write(Reg.COMMAND, 2)
    values = await fill(host, functions)
    everyone = (1 << functions) - 1
    await host.write(Reg.PM_CONTROL, 3)
    assert int(dut.tdi_mse.value) == int(dut.tdi_bme.value) == 0
    assert int(dut.tdi_present.value) == everyone
    await check_registers(host, values)
    await host.write(Reg.PM_CONTROL, 0)
    assert int(dut.tdi_mse.value) == everyone
    check_vectors(dut, values)


async def latency(host: CfgHost, request: Request) -> int:
    """Cycles from the request to its completion."""
    dut = host.dut
    pending = cocotb.start_soon(host.request(request))
    while not (int(dut.cfgreq_tvalid.value) and int(dut.cfgreq_tready.value)):
        await RisingEdge(dut.clk)
    cycles = 0
    while not int(dut.cfgcpl_tvalid.value):
        await RisingEdge(dut.clk)
        cycles += 1
    await pending
    return cycles


@cocotb.test()
async def an_access_takes_as_long_whatever_the_number_of_functions(dut: Any) -> None:
    host = await new_host(dut, 4)
    last = len(dut.tdi_present) - 1
    if last:
        await host.enable_vfs(last)
    for func in {0, last // 2, last}:
        for addr in (Reg.ID, *HELD, Reg.VSEC_TDI_STATUS, 0xFFC):
            assert await latency(host, Request(addr, func)) == READ_CYCLES
            assert await latency(host, Request(addr, func, 0)) == WRITE_CYCLES


@cocotb.test()
async def apertures_of_all_virtual_functions_count_in_the_check(dut: Any) -> None:
    host = await new_host(dut, 5)
    vfs = len(dut.tdi_present) - 1
    if not vfs:
        return
    end0, end2 = 0x10000000 + vfs * 0x4000, 0x20000000 + vfs * 0x20000
    bases = {Reg.SRIOV_VF_BAR0: 0x10000000, Reg.SRIOV_VF_BAR2: 0x20000000, Reg.BAR2: 0x80000000}
    for addr, base in bases.items():
        await host.write(addr, base)
    await host.enable_vfs(vfs)
    for base, ok in (
        (0x10000000 - 0x4000, True),
        (0x10000000, False),
        (end0 - 0x4000, False),
        (end0, True),
        (0x20000000, False),
        (end2 - 0x4000, False),
        (end2, True),
    ):
        await host.write(Reg.BAR0, base)
        assert int(dut.lock_config_ok.value) == int(ok), f"{base:x}"
    await host.write(Reg.BAR0, 0)
    for addr, size in ((Reg.SRIOV_VF_BAR0, 0x4000), (Reg.SRIOV_VF_BAR2, 0x20000)):
        for inside, ok in ((vfs, True), (vfs - 1, False)):
            start = (1 << 64) - inside * size
            await host.write(addr, start & 0xFFFFFFFF)
            await host.write(addr + 4, start >> 32)
            assert int(dut.lock_config_ok.value) == int(ok), f"{start:x}"
        await host.write(addr, bases[addr])
        await host.write(addr + 4, 0)
