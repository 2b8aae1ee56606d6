# SPDX-License-Identifier: Apache-2.0
"""The physical function at any function number, with its virtual functions behind it."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import CplStatus
from tests.unit.cfg_bench import CfgHost, Request, new_host

BUSES = (0xBE00, 0xAA00)


class Place:
    """Where functions can be: without ARI at any device number, with it at device 0."""

    def __init__(self, dut: Any) -> None:
        functions = len(dut.tdi_present)
        self.numbers = max(8, 1 << (functions - 1).bit_length())  # that can be told apart
        self.vfs = functions - 1
        self.device = 0x1D << 3 if functions <= 8 else 0
        self.first = int(dut.pf_rid.value)  # after reset

    def pf(self, bus: int) -> int:
        """Requester ID of the physical function on a bus."""
        return (bus | self.device) + self.first


async def access(host: CfgHost, rid: int, addr: int, data: int | None = None) -> int:
    """Completion Status of an access to a function, which must be the completer."""
    completion = await host.request(Request(addr, 0, data, bus=rid))
    if completion.completion["status"] == CplStatus.SC and data is not None:
        assert completion.completion["completer"] == rid
    return completion.completion["status"]


@cocotb.test()
async def functions_answer_at_their_requester_ids(dut: Any) -> None:
    host = await new_host(dut)
    place = Place(dut)
    alive = place.vfs - 1
    for bus in BUSES:
        pf = place.pf(bus)
        for register, value in ((Reg.SRIOV_NUM_VFS, alive), (Reg.SRIOV_CONTROL, 9)):
            assert await access(host, pf, register, value) == CplStatus.SC
        assert int(dut.pf_rid.value) == pf
        for vf in range(1, alive + 1):
            assert await access(host, pf + vf, Reg.COMMAND, 4) == CplStatus.SC
            assert int(dut.tdi_bme.value) >> vf & 1
            assert int(dut.pf_rid.value) == pf
        for absent in range(alive + 1, place.numbers):
            assert await access(host, pf + absent, Reg.COMMAND, 4) == CplStatus.UR
        await access(host, pf, Reg.SRIOV_CONTROL, 0)


@cocotb.test()
async def only_another_place_is_a_change_of_the_requester_id(dut: Any) -> None:
    host = await new_host(dut)
    place = Place(dut)
    pf = BUSES[0] + place.first
    for register, value in ((Reg.SRIOV_NUM_VFS, place.vfs), (Reg.SRIOV_CONTROL, 9)):
        await access(host, pf, register, value)
    for vf in range(place.vfs + 1):
        await access(host, pf + vf, Reg.COMMAND, 4)
    assert [watch.rid_change for watch in host.watches] == [1] + [0] * (place.vfs + 2)
    await access(host, BUSES[1] + place.first + place.vfs, Reg.COMMAND, 4)
    assert host.watches[-1].rid_change
    assert int(dut.pf_rid.value) == BUSES[1] + place.first
