# SPDX-License-Identifier: Apache-2.0
"""The physical function at any function number, with its virtual functions behind it."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import CplStatus
from tests.unit.cfg_bench import CfgHost, Request, new_host

BUS, OTHER_BUS = 0xBE00, 0xAA00
DEVICE = 0x1D
VFS = 3


async def access(host: CfgHost, rid: int, addr: int, data: int | None = None) -> int:
    """Completion Status of an access to a function, which must be the completer."""
    completion = await host.request(Request(addr, rid & 7, data, bus=rid & ~7))
    if completion.completion["status"] == CplStatus.SC and data is not None:
        assert completion.completion["completer"] == rid
    return completion.completion["status"]


@cocotb.test()
async def functions_answer_at_their_requester_ids(dut: Any) -> None:
    host = await new_host(dut)
    first = int(dut.pf_rid.value)
    for bus in (BUS, OTHER_BUS):
        pf = bus | DEVICE << 3 | first
        for register, value in ((Reg.SRIOV_NUM_VFS, VFS), (Reg.SRIOV_CONTROL, 9)):
            assert await access(host, pf, register, value) == CplStatus.SC
        assert int(dut.pf_rid.value) == pf
        rids = int(dut.tdi_rid.value)
        assert [rids >> 16 * n & 0xFFFF for n in range(VFS + 1)] == [pf + n for n in range(VFS + 1)]
        for vf in range(1, VFS + 1):
            assert await access(host, pf + vf, Reg.COMMAND, 4) == CplStatus.SC
            assert int(dut.tdi_bme.value) >> vf & 1
            assert int(dut.pf_rid.value) == pf
        for absent in range(VFS + 1, 8):
            assert await access(host, pf + absent, Reg.COMMAND, 4) == CplStatus.UR


@cocotb.test()
async def only_another_place_is_a_change_of_the_requester_id(dut: Any) -> None:
    host = await new_host(dut)
    pf = BUS | int(dut.pf_rid.value)
    for register, value in ((Reg.SRIOV_NUM_VFS, VFS), (Reg.SRIOV_CONTROL, 9)):
        await access(host, pf, register, value)
    for vf in range(VFS + 1):
        await access(host, pf + vf, Reg.COMMAND, 4)
    assert [watch.rid_change for watch in host.watches] == [1] + [0] * (VFS + 2)
    await access(host, OTHER_BUS + pf - BUS + 2, Reg.COMMAND, 4)
    assert host.watches[-1].rid_change
