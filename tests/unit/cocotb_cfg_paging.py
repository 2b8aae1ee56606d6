# SPDX-License-Identifier: Apache-2.0
"""PASID and page requests: what the capabilities show and what the function is told."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from tests.unit.cfg_bench import CfgHost, new_host
from tests.unit.cfg_registers import ONES, PAGING

ENABLE, RESET = 1, 2
FAILURE, UNEXPECTED, STOPPED = 1 << 16, 1 << 17, 1 << 24
EVENTS = (("pri_response_failure", FAILURE), ("pri_unexpected_index", UNEXPECTED))


async def count_resets(dut: Any, pulses: list[int]) -> None:
    while True:
        await RisingEdge(dut.clk)
        if int(dut.pri_reset_req.value):
            pulses.append(1)


async def status(host: CfgHost) -> int:
    return await host.read(Reg.PRI_CONTROL)


@cocotb.test(skip=not PAGING)
async def enables_and_allocation_reach_the_function_until_flr(dut: Any) -> None:
    host = await new_host(dut)
    await host.enable_vfs(2)
    for pasid, pri in ((1, 0), (1, 1), (0, 1), (0, 0), (1, 1)):
        await host.write(Reg.PASID_CONTROL, pasid << 16)
        await host.write(Reg.PRI_CONTROL, pri)
        await host.write(Reg.PRI_ALLOCATION, 0xABCD0000 + pasid + pri)
        assert (int(dut.pasid_enable.value), int(dut.pri_enable.value)) == (pasid, pri)
        assert int(dut.pri_allocation.value) == 0xABCD0000 + pasid + pri
    for addr in (Reg.PASID_CONTROL, Reg.PRI_CONTROL, Reg.PRI_ALLOCATION):
        watch = await host.write(addr, 0, 0xF, 1)
        assert watch.old == watch.new == 0, "virtual functions share, they do not have"
    await host.flr(1)
    assert int(dut.pasid_enable.value) == int(dut.pri_enable.value) == 1
    await host.flr(0)
    assert int(dut.pasid_enable.value) == int(dut.pri_enable.value) == 0
    assert int(dut.pri_allocation.value) == 0


@cocotb.test(skip=not PAGING)
async def stopped_needs_both_disabled_and_idle(dut: Any) -> None:
    host = await new_host(dut, 2)
    for enable in (0, ENABLE):
        await host.write(Reg.PRI_CONTROL, enable)
        for idle in (0, 1):
            dut.pri_idle.value = idle
            assert await status(host) == enable | (STOPPED if idle and not enable else 0)


@cocotb.test(skip=not PAGING)
async def reset_is_a_pulse_while_disabled(dut: Any) -> None:
    host = await new_host(dut, 3)
    pulses: list[int] = []
    cocotb.start_soon(count_resets(dut, pulses))
    for enable, data, be, expected in (
        (0, RESET, 0xF, 1),
        (0, RESET, 0xE, 0),
        (0, ONES & ~(RESET | ENABLE), 0xF, 0),
        (ENABLE, RESET | ENABLE, 0xF, 0),
    ):
        await host.write(Reg.PRI_CONTROL, enable)
        pulses.clear()
        await host.write(Reg.PRI_CONTROL, data, be)
        assert len(pulses) == expected, f"{enable} {data:x} {be:x}"
        assert not await status(host) & RESET
        await host.write(Reg.PRI_ALLOCATION, RESET)
        assert len(pulses) == expected


@cocotb.test(skip=not PAGING)
async def errors_of_responses_stay_until_cleared(dut: Any) -> None:
    host = await new_host(dut, 4)
    for name, bit in EVENTS:
        await host.pulse(name)
        assert await status(host) == STOPPED | bit
        await host.write(Reg.PRI_CONTROL, ONES & ~(bit | ENABLE))
        await host.write(Reg.PRI_CONTROL, ONES & ~ENABLE, 0xB)
        assert await status(host) == STOPPED | bit
        await host.write(Reg.PRI_CONTROL, bit)
        assert await status(host) == STOPPED
        await host.pulse(name)
        write = cocotb.start_soon(host.write(Reg.PRI_CONTROL, bit))
        getattr(dut, name).value = 1
        await write
        getattr(dut, name).value = 0
        assert await status(host) == STOPPED | bit, "an error that meets its clearing is kept"
        await host.flr(0)
        assert await status(host) == STOPPED


@cocotb.test(skip=PAGING)
async def without_the_capabilities_nothing_is_ever_enabled(dut: Any) -> None:
    host = await new_host(dut, 5)
    for name, _ in EVENTS:
        await host.pulse(name)
    pulses: list[int] = []
    cocotb.start_soon(count_resets(dut, pulses))
    for addr in range(Reg.PASID, Reg.PRI_ALLOCATION + 4, 4):
        watch = await host.write(addr, ONES)
        assert watch.old == watch.new == 0
    assert int(dut.pasid_enable.value) == int(dut.pri_enable.value) == 0
    assert int(dut.pri_allocation.value) == len(pulses) == 0
