# SPDX-License-Identifier: Apache-2.0
"""MSI capability of every function: what it tells the rest of the device, and what resets it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from models.app.msi import CONTROL_RESET, CONTROL_WRITABLE, VECTORS, Msi
from models.tdisp.tracking import byte_mask
from tests.unit.cfg_bench import CfgHost, field, new_host

ONES = 0xFFFFFFFF
ROUNDS = 60


class Functions:
    """What has been written of every function."""

    def __init__(self, host: CfgHost) -> None:
        self.host, self.dut = host, host.dut
        self.count = len(self.dut.tdi_present)
        self.msi = [Msi()] * self.count

    def some(self) -> list[int]:
        """The first, the last and one of the others."""
        return sorted({0, self.count - 1, self.host.rng.randrange(self.count)})

    async def write(self, func: int) -> None:
        """A register at random, with some of its bytes."""
        rng, old = self.host.rng, self.msi[func]
        data, enables = rng.getrandbits(32), rng.choice((0xF, rng.getrandbits(4)))
        mask, part = byte_mask(enables), rng.randrange(5)
        where = list(Reg)[list(Reg).index(Reg.MSI) + part]
        await self.host.write(where, data, enables, func)

        def merged(before: int, writable: int) -> int:
            return before & ~(mask & writable) | data & mask & writable

        low, high = old.address & ONES, old.address >> 32
        self.msi[func] = (
            replace(old, control=merged(old.control, CONTROL_WRITABLE)),
            replace(old, address=merged(low, ONES & ~3) | high << 32),
            replace(old, address=low | merged(high, ONES) << 32),
            replace(old, data=merged(old.data, 0xFFFF)),
            replace(old, mask=merged(old.mask, 0xF)),
        )[part]

    async def check(self, func: int) -> None:
        """Vectors of all functions, and the message of one."""
        for slice_, bit in enumerate(self._bits(func)):
            got = field(self.dut.msi_control, self.count, slice_) >> func & 1
            assert got == bit, f"function {func}, slice {slice_}"
        msi = self.msi[func]
        self.dut.msi_tdi.value = func
        await RisingEdge(self.dut.clk)  # drives
        await RisingEdge(self.dut.clk)  # looks up
        await RisingEdge(self.dut.clk)
        assert int(self.dut.msi_message.value) == msi.data << 64 | msi.address

    def _bits(self, func: int) -> list[int]:
        msi = self.msi[func]
        masks = [msi.mask >> vector & 1 for vector in range(VECTORS)]
        return [int(msi.enabled), int(msi.granted > 1), int(msi.granted > 2), *masks]


async def written(dut: Any, seed: int) -> Functions:
    """Every function has been written, some of them more than once."""
    host = await new_host(dut, seed)
    functions = Functions(host)
    if functions.count > 1:
        await host.enable_vfs(functions.count - 1)
    for _ in range(ROUNDS):
        for func in functions.some():
            await functions.write(func)
    return functions


@cocotb.test()
async def registers_of_one_function_are_not_those_of_another(dut: Any) -> None:
    functions = await written(dut, 1)
    for _ in range(ROUNDS):
        for func in functions.some():
            await functions.check(func)
            await functions.write(func)
            await functions.check(func)


@cocotb.test()
async def pending_bits_are_shown_and_cannot_be_written(dut: Any) -> None:
    functions = await written(dut, 2)
    host, count = functions.host, functions.count
    for _ in range(8):
        value = host.rng.getrandbits(VECTORS * count)
        dut.msi_pending.value = value
        for func in functions.some():
            await host.write(Reg.MSI_PENDING, ONES, 0xF, func)
            shown = sum((value >> count * v + func & 1) << v for v in range(VECTORS))
            assert await host.read(Reg.MSI_PENDING, func) == shown


@cocotb.test()
async def a_reset_clears_the_registers_of_its_functions_only(dut: Any) -> None:
    functions = await written(dut, 3)
    host, last = functions.host, functions.count - 1
    if last:
        await host.flr(last)
        functions.msi[last] = Msi()
        for func in functions.some():
            await functions.check(func)
        # One word of the message at a time: the others are those of the reset still.
        await host.write(Reg.MSI_DATA, 0x1234, 0xF, last)
        functions.msi[last] = Msi(data=0x1234)
        await functions.check(last)
    await host.flr(0)
    functions.msi = [Msi()] * functions.count
    if last:
        await host.enable_vfs(last)
    for func in functions.some():
        await functions.check(func)
        assert await host.read(Reg.MSI, func) == CONTROL_RESET | 0x05
        for address in (Reg.MSI_ADDRESS_LOW, Reg.MSI_ADDRESS_HIGH, Reg.MSI_DATA, Reg.MSI_MASK):
            assert await host.read(address, func) == 0


@cocotb.test()
async def functions_that_go_leave_nothing_to_those_that_come(dut: Any) -> None:
    functions = await written(dut, 4)
    host, count = functions.host, functions.count
    if count == 1:
        return
    await host.write(Reg.SRIOV_CONTROL, 0)
    await host.enable_vfs(count - 1)
    functions.msi[1:] = [Msi()] * (count - 1)
    for func in functions.some():
        await functions.check(func)
