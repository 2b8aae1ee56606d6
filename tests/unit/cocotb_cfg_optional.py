# SPDX-License-Identifier: Apache-2.0
"""Expansion ROM and TPH: what configuration space tells the rest of the device."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.config_map import ConfigRegister as Reg
from models.app.map import ROM_BYTES, Bar0, Bar2
from tests.unit.cfg_bench import CfgHost, new_host

ENABLE = 1
BAR0, BAR2, VF_BAR0, VF_BAR2 = 0x100000, 0x200000, 0x300000, 0x400000
VFS = 3
APERTURES = {
    Reg.BAR0: (BAR0, Bar0.SIZE),
    Reg.BAR2: (BAR2, Bar2.SIZE),
    Reg.SRIOV_VF_BAR0: (VF_BAR0, VFS * Bar0.SIZE),
    Reg.SRIOV_VF_BAR2: (VF_BAR2, VFS * Bar2.SIZE),
}
OF_VFS = (Reg.SRIOV_VF_BAR0, Reg.SRIOV_VF_BAR2)


async def rom_at(host: CfgHost, base: int, enable: int) -> bool:
    """Place the ROM; whether a lock is allowed then."""
    await host.write(Reg.ROM, base | enable)
    assert int(host.dut.rom_enable.value) == enable
    assert int(host.dut.rom_base.value) == base
    return bool(int(host.dut.lock_config_ok.value))


@cocotb.test()
async def an_enabled_rom_that_overlaps_a_window_forbids_a_lock(dut: Any) -> None:
    host = await new_host(dut)
    for register, (base, _) in APERTURES.items():
        await host.write(register, base)
    for vfs in (0, VFS):
        if vfs:
            await host.enable_vfs(vfs)
        for register, (base, size) in APERTURES.items():
            seen = bool(vfs) or register not in OF_VFS
            for at, overlaps in (
                (base - ROM_BYTES, False),
                (base, seen),
                (base + size - ROM_BYTES, seen),
                (base + size, False),
            ):
                assert await rom_at(host, at, ENABLE) is not overlaps, f"{register.name} {at:x}"
                assert await rom_at(host, at, 0), "not enabled"
    assert await rom_at(host, 0xFFFFF000, ENABLE), "the end of what 32 bits reach"
    await host.flr(0)
    assert int(dut.rom_enable.value) == int(dut.rom_base.value) == 0


@cocotb.test()
async def tph_of_every_function_is_shown_until_its_reset(dut: Any) -> None:
    host = await new_host(dut, 2)
    functions = len(dut.tdi_present)
    await host.enable_vfs(functions - 1)
    values = [0] * functions

    def check() -> None:
        enable, mode = int(dut.tph_enable.value), int(dut.tph_st_mode.value)
        for func, value in enumerate(values):
            assert enable >> func & 1 == value >> 8 & 1, func
            for bit in range(3):
                assert mode >> functions * bit + func & 1 == value >> bit & 1, (func, bit)

    for _ in range(40):
        func, value = host.rng.randrange(functions), host.rng.getrandbits(9) & 0x107
        await host.write(Reg.TPH_CONTROL, value, 0xF, func)
        values[func] = value
        check()
    values = [0x105] * functions
    for func, value in enumerate(values):
        await host.write(Reg.TPH_CONTROL, value, 0xF, func)
    await host.flr(functions - 1)
    values[-1] = 0
    check()
    await host.flr(0)
    values = [0] * functions
    check()
