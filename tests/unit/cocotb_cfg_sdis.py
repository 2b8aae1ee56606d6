# SPDX-License-Identifier: Apache-2.0
"""Configuration space of a function with SDIs: BARs for all of them, and the status of each."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Bar0, Bar2
from tests.unit.cfg_bench import new_host

SLICES, TDIS = 4, 3
ONES = 0xFFFFFFFF
BAR0 = 0x100_0000


@cocotb.test()
async def the_bars_have_a_slice_for_each_tdi(dut: Any) -> None:
    host = await new_host(dut)
    for register, size in ((Reg.BAR0, Bar0.SIZE), (Reg.BAR2, Bar2.SIZE)):
        await host.write(register, ONES)
        assert await host.read(register) & ~0xF == -SLICES * size & ONES
    assert len(dut.tdi_present) == 1
    assert await host.read(Reg.SRIOV) == 0


@cocotb.test()
async def no_slice_may_overlap_the_other_bar(dut: Any) -> None:
    host = await new_host(dut)
    size0, size2 = SLICES * Bar0.SIZE, SLICES * Bar2.SIZE
    await host.write(Reg.BAR2, BAR0)
    for base, apart in (
        (BAR0 - size0, True),
        (BAR0, False),
        (BAR0 + size2 - size0, False),
        (BAR0 + size2, True),
    ):
        await host.write(Reg.BAR0, base)
        assert bool(int(dut.lock_config_ok.value)) is apart, f"{base:#x}"


@cocotb.test()
async def the_status_of_every_sdi_can_be_chosen(dut: Any) -> None:
    host = await new_host(dut)
    dut.tdi_status_data.value = 0xC0FFEE11
    for chosen in (0, 1, 2, 3, 4, 255):
        await host.write(Reg.VSEC_TDI_SELECT, chosen)
        exists = chosen < TDIS
        assert int(dut.tdi_status_idx.value) == (chosen if exists else 0)
        assert await host.read(Reg.VSEC_TDI_STATUS) == (0xC0FFEE11 if exists else 0)
