# SPDX-License-Identifier: Apache-2.0
"""Every register and bit of configuration space against the table in cfg_registers."""

from __future__ import annotations

from typing import Any

import cocotb

from models.app.config_map import ConfigRegister as Reg
from tests.unit.cfg_bench import CfgHost, new_host
from tests.unit.cfg_registers import (
    IDE_FIRST_BLOCK,
    ONES,
    PAGING,
    VF_REGISTERS,
    Bits,
    pf_registers,
)

DOE_RANGE = range(Reg.DOE, Reg.DOE + 0x18)
# A bit that changes what other bits do has a test of its own.
KEEP_ZERO = {Reg.SRIOV_CONTROL: 0x1, Reg.DEVICE_CONTROL: 0x8000, Reg.PRI_CONTROL: 0x1}
BYTE_MASKS = [sum(0xFF << 8 * lane for lane in range(4) if be >> lane & 1) for be in range(16)]


def keep_zero(addr: int) -> int:
    """Bits that the walk must not set at `addr`."""
    if addr >= IDE_FIRST_BLOCK and (addr - IDE_FIRST_BLOCK) % 0x20 == 4:
        return 1  # Enable
    return KEEP_ZERO.get(Reg(addr) if addr in set(Reg) else Reg.ID, 0)


async def check_reset_values(host: CfgHost, registers: dict[int, Bits], func: int) -> None:
    for addr in range(0, 0x1000, 4):
        if addr in DOE_RANGE and addr != Reg.DOE and func == 0:
            continue
        expected = registers.get(addr, Bits()).reset
        got = await host.read(addr, func)
        assert got == expected, f"{func}+{addr:03x}: {got:08x}, expected {expected:08x}"


async def walk(host: CfgHost, addr: int, bits: Bits, func: int) -> None:
    """Write patterns with all kinds of byte enables; each must read back as the table says."""
    allowed = ONES & ~keep_zero(addr)
    value = bits.reset
    patterns = [(ONES, 0xF), (0, 0xF), (0xAAAAAAAA, 0xF), (0x55555555, 0xF)]
    patterns += [(host.rng.getrandbits(32), be) for be in range(16)]
    for data, be in patterns:
        data &= allowed
        mask = bits.rw & BYTE_MASKS[be]
        expected = value & ~mask | data & mask
        watch = await host.write(addr, data, be, func)
        got = await host.read(addr, func)
        assert got == expected, f"{func}+{addr:03x} {data:08x}/{be:x}: {got:08x} {expected:08x}"
        assert (watch.func, watch.addr, watch.be, watch.data) == (func, addr, be, data)
        assert (watch.old, watch.new) == (value, expected), f"{addr:03x}: {watch}"
        value = expected
    await host.write(addr, bits.reset & ~bits.w1c, 0xF, func)


@cocotb.test()
async def every_register_of_the_physical_function_is_as_in_the_table(dut: Any) -> None:
    host = await new_host(dut)
    registers = pf_registers(len(dut.tdi_present), len(dut.stream_secure))
    await check_reset_values(host, registers, 0)
    for addr in range(0, 0x320, 4):
        if addr in DOE_RANGE or addr == Reg.PM_CONTROL:
            continue
        await walk(host, addr, registers.get(addr, Bits()), 0)
    await host.write(Reg.SRIOV_NUM_VFS, 0)
    assert int(dut.tdi_present.value) == 1


@cocotb.test()
async def every_register_of_a_virtual_function_is_as_in_the_table(dut: Any) -> None:
    host = await new_host(dut, 2)
    last = len(dut.tdi_present) - 1
    if not last:
        return
    await host.enable_vfs(last)
    for func in {1, last}:
        await check_reset_values(host, VF_REGISTERS, func)
        for addr in [*range(0, 0xC0, 4), *range(0x100, 0x200, 4), 0x20C, 0x210]:
            await walk(host, addr, VF_REGISTERS.get(addr, Bits()), func)


@cocotb.test()
async def the_bars_of_both_kinds_of_function_can_be_sized(dut: Any) -> None:
    host = await new_host(dut, 3)
    bars = [(Reg.BAR0, 0x4000), (Reg.BAR2, 0x20000)]
    if len(dut.tdi_present) > 1:
        bars += [(Reg.SRIOV_VF_BAR0, 0x4000), (Reg.SRIOV_VF_BAR2, 0x20000)]
    for low, size in bars:
        await host.write(low, ONES)
        await host.write(low + 4, ONES)
        value = await host.read(low) | await host.read(low + 4) << 32
        assert value & 0xF == 0xC, "64 bits, prefetchable"
        assert (1 << 64) - (value & ~0xF) == size
        await host.write(low, 0x12345678 & ~(size - 1))
        await host.write(low + 4, 0x9ABCDEF0)
    assert int(dut.pf_bar0.value) == 0x9ABCDEF0_12344000
    assert int(dut.pf_bar2.value) == 0x9ABCDEF0_12340000
    await host.write(Reg.ROM, ONES)
    assert await host.read(Reg.ROM) == (0xFFFFF001 if PAGING else 0), "4 KiB, and its Enable"
    for empty in (Reg.BAR4, Reg.BAR5):
        await host.write(empty, ONES)
        assert await host.read(empty) == 0


@cocotb.test()
async def power_states_that_do_not_exist_are_discarded(dut: Any) -> None:
    host = await new_host(dut, 4)
    await host.write(Reg.COMMAND, 6)
    for state, kept in ((3, 3), (1, 3), (2, 3), (0, 0), (1, 0)):
        watch = await host.write(Reg.PM_CONTROL, ONES & ~3 | state)
        assert await host.read(Reg.PM_CONTROL) == 8 | kept == watch.new
        assert int(dut.tdi_mse.value) & 1 == int(kept == 0)
        assert int(dut.tdi_bme.value) & 1 == int(kept == 0)
    assert await host.read(Reg.COMMAND) & 6 == 6, "No_Soft_Reset"


@cocotb.test()
async def vectors_of_the_functions_follow_their_registers(dut: Any) -> None:
    host = await new_host(dut, 5)
    last = len(dut.tdi_present) - 1
    if last:
        await host.enable_vfs(last)
    for func in range(last + 1):
        await host.write(Reg.COMMAND, 0x6, 0xF, func)
        await host.write(Reg.MSIX, 0x40000000 if func & 1 else 0x80000000, 0xC, func)
        await host.write(Reg.ATS_CONTROL, 0x80000000, 0xF, func)
        assert int(dut.tdi_bme.value) == (2 << func) - 1
        assert int(dut.ats_enable.value) == (2 << func) - 1
        assert int(dut.msix_enable.value) >> func & 1 == 1 - (func & 1)
        assert int(dut.msix_function_mask.value) >> func & 1 == func & 1
    assert int(dut.tdi_mse.value) == (2 << last) - 1
    if last:
        await host.write(Reg.SRIOV_CONTROL, 1)
        assert int(dut.tdi_mse.value) == 1, "VF MSE opens the memory of virtual functions"


@cocotb.test()
async def sizes_are_never_above_what_the_device_can(dut: Any) -> None:
    host = await new_host(dut, 6)
    assert int(dut.max_read_request_size.value) == 2
    for code in range(8):
        await host.write(Reg.DEVICE_CONTROL, code << 5 | (7 - code) << 12)
        assert int(dut.max_payload_size.value) == min(code, 2)
        assert int(dut.max_read_request_size.value) == 7 - code
        assert await host.read(Reg.DEVICE_CONTROL) == code << 5 | (7 - code) << 12


@cocotb.test()
async def enables_of_requests_follow_device_control(dut: Any) -> None:
    """Those of the physical function count for all; an FLR of it brings them back."""
    host = await new_host(dut, 8)
    reset = {Reg.DEVICE_CONTROL: 0x2810, Reg.DEVICE_CONTROL_2: 0}
    enables = [  # in the order of their bits
        (Reg.DEVICE_CONTROL, 1 << 11),  # No Snoop
        (Reg.DEVICE_CONTROL, 1 << 4),  # Relaxed Ordering
        (Reg.DEVICE_CONTROL_2, 1 << 8),  # ID-Based Ordering of requests
        (Reg.DEVICE_CONTROL_2, 1 << 9),  # and of Completions
        (Reg.DEVICE_CONTROL_2, 1 << 6),  # AtomicOps
    ]

    def check(values: dict[Reg, int]) -> None:
        single = int(dut.cpl_ido_enable.value) << 3 | int(dut.atomic_enable.value) << 4
        bits = [bool(values[at] & bit) for at, bit in enables]
        assert single | int(dut.attr_enable.value) == sum(b << n for n, b in enumerate(bits))

    check(reset)
    last = len(dut.tdi_present) - 1
    if last:
        await host.enable_vfs(last)
    for at, bit in enables:
        for value in (bit, 0xFFFF & ~0x8000 & ~bit):
            await host.write(at, value)
            check({**reset, at: value})
            if last:
                await host.write(at, reset[at] ^ value & 0x7FFF, 0xF, last)
                check({**reset, at: value})
        await host.write(at, reset[at])
    for at in reset:
        await host.write(at, 0x7FFF & ~reset[at])
    await host.write(Reg.DEVICE_CONTROL, 0x8000)
    check(reset)


@cocotb.test()
async def the_vendor_specific_capability_shows_the_chosen_tdi(dut: Any) -> None:
    host = await new_host(dut, 7)
    dut.tdi_status_data.value = 0xC0FFEE11
    for chosen in range(256):
        await host.write(Reg.VSEC_TDI_SELECT, chosen)
        exists = chosen < len(dut.tdi_present)
        assert int(dut.tdi_status_idx.value) == (chosen if exists else 0)
        assert await host.read(Reg.VSEC_TDI_STATUS) == (0xC0FFEE11 if exists else 0)
