# SPDX-License-Identifier: Apache-2.0
"""The DOE mailbox through configuration requests."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from models.doe.codes import Register
from models.pcie.codes import CplStatus
from tests.unit.cfg_bench import CfgHost, Request, new_host
from tests.unit.doe_bench import ABORT, BUSY, ERROR, GO, READY, doe_object
from tests.unit.tlp_bench import Common

OBJECT = doe_object([0x01020304, 0x05060708])
RESPONSE = doe_object([0xCAFE0001, 0xCAFE0002, 0xCAFE0003])


async def far_side(dut: Any, requests: list[list[int]]) -> None:
    """Takes objects and answers each with RESPONSE."""
    dut.m_axis_doe_tready.value = 1
    current: list[int] = []
    while True:
        await RisingEdge(dut.clk)
        if not int(dut.m_axis_doe_tvalid.value):
            continue
        current.append(int(dut.m_axis_doe_tdata.value))
        if not int(dut.m_axis_doe_tlast.value):
            continue
        requests.append(current)
        current = []
        for n, dword in enumerate(RESPONSE):
            dut.s_axis_doe_tdata.value = dword
            dut.s_axis_doe_tlast.value = int(n == len(RESPONSE) - 1)
            dut.s_axis_doe_tvalid.value = 1
            await RisingEdge(dut.clk)
        dut.s_axis_doe_tvalid.value = 0


async def status(host: CfgHost) -> int:
    return await host.read(Reg.DOE + Register.STATUS)


async def put(host: CfgHost, dwords: list[int]) -> None:
    for dword in dwords:
        await host.write(Reg.DOE + Register.WRITE_MAILBOX, dword)


async def take(host: CfgHost) -> list[int]:
    dwords = []
    while await status(host) & READY:
        dwords.append(await host.read(Reg.DOE + Register.READ_MAILBOX))
        await host.write(Reg.DOE + Register.READ_MAILBOX, 0)
    return dwords


@cocotb.test()
async def an_object_goes_and_its_response_comes(dut: Any) -> None:
    host = await new_host(dut)
    requests: list[list[int]] = []
    cocotb.start_soon(far_side(dut, requests))
    for _ in range(3):
        await put(host, OBJECT)
        await host.write(Reg.DOE + Register.CONTROL, GO)
        while await status(host) & BUSY:
            pass
        assert requests.pop() == OBJECT
        assert await take(host) == RESPONSE
    assert await status(host) == 0


@cocotb.test()
async def a_poisoned_write_to_the_mailbox_is_refused_and_an_error(dut: Any) -> None:
    host = await new_host(dut, 2)
    poisoned = Common(poisoned=1)
    for addr, func, error in (
        (Reg.COMMAND, 0, False),
        (Reg.VSEC, 0, False),
        (Reg.DOE + Register.WRITE_MAILBOX, 7, False),
        (Reg.DOE + Register.WRITE_MAILBOX, 1, False),
        (Reg.DOE + Register.WRITE_MAILBOX, 0, True),
    ):
        await host.enable_vfs(1)
        reply = await host.request(Request(addr, func, 1, common=poisoned))
        assert reply.completion["status"] == CplStatus.UR
        assert await status(host) == (ERROR if error else 0), f"{func}+{addr:03x}"
    await host.write(Reg.DOE + Register.CONTROL, ABORT)
    assert await status(host) == 0


@cocotb.test()
async def flr_of_the_physical_function_empties_the_mailbox(dut: Any) -> None:
    host = await new_host(dut, 3)
    requests: list[list[int]] = []
    cocotb.start_soon(far_side(dut, requests))
    await host.enable_vfs(2)
    await put(host, OBJECT)
    await host.flr(1)
    await host.write(Reg.DOE + Register.CONTROL, GO)
    while await status(host) & BUSY:
        pass
    await host.flr(2)
    assert await status(host) == READY, "FLR of a virtual function is nothing to the mailbox"
    await host.flr(0)
    assert await status(host) == 0
    assert await host.read(Reg.DOE + Register.READ_MAILBOX) == 0
    await put(host, OBJECT[:2])
    await host.flr(0)
    await put(host, OBJECT)
    await host.write(Reg.DOE + Register.CONTROL, GO)
    while await status(host) & BUSY:
        pass
    assert requests == [OBJECT, OBJECT]
