# SPDX-License-Identifier: Apache-2.0
"""Life of the functions: virtual functions, function level reset, checks of LOCK, errors."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import AerUncorrectable as Aer
from models.pcie.codes import CplStatus, SelectiveBlock
from tests.unit.cfg_bench import PULSES, CfgHost, Request, new_host
from tests.unit.cfg_registers import IDE_FIRST_BLOCK, ONES, VF_REGISTERS, pf_registers

BAR0_SIZE, BAR2_SIZE = 0x4000, 0x20000
STICKY = (
    Reg.AER_UNCORRECTABLE_STATUS,
    Reg.AER_UNCORRECTABLE_MASK,
    Reg.AER_UNCORRECTABLE_SEVERITY,
    Reg.AER_CORRECTABLE_MASK,
    Reg.AER_CONTROL,
    Reg.LINK_CONTROL,
    Reg.LINK_CONTROL_2,
)


def sample(rng: random.Random, numbers: range) -> list[int]:
    """All of a few numbers, the ends and some of many."""
    if len(numbers) <= 8:
        return list(numbers)
    return sorted({*numbers[:2], *numbers[-2:], *rng.sample(numbers, 5)})


@cocotb.test()
async def virtual_functions_exist_while_enabled_and_start_afresh(dut: Any) -> None:
    host = await new_host(dut)
    total = len(dut.tdi_present) - 1
    for count in [*sample(host.rng, range(total + 1)), 0x100, 0xFFFF]:
        assert int(dut.tdi_present.value) == 1
        await host.enable_vfs(count)
        alive = min(count, total)
        assert int(dut.tdi_present.value) == (2 << alive) - 1
        for func in {*sample(host.rng, range(1, max(8, total + 1))), alive, alive + 1} - {0, 256}:
            expected = CplStatus.SC if func <= alive else CplStatus.UR
            assert await host.status(Reg.ID, func) == expected
        for func in sample(host.rng, range(1, alive + 1)):
            assert await host.read(Reg.COMMAND, func) == VF_REGISTERS[Reg.COMMAND].reset
            assert await host.read(Reg.MSIX, func) == VF_REGISTERS[Reg.MSIX].reset
            await host.write(Reg.COMMAND, ONES, 0xF, func)
            await host.write(Reg.MSIX, ONES, 0xF, func)
            await host.write(Reg.ATS_CONTROL, ONES, 0xF, func)
        await host.write(Reg.SRIOV_CONTROL, 0)


@cocotb.test()
async def number_and_page_size_are_read_only_while_vfs_are_enabled(dut: Any) -> None:
    host = await new_host(dut, 2)
    await host.write(Reg.SRIOV_SYSTEM_PAGE_SIZE, 2)
    await host.enable_vfs(2)
    for addr, value in ((Reg.SRIOV_NUM_VFS, 2), (Reg.SRIOV_SYSTEM_PAGE_SIZE, 2)):
        watch = await host.write(addr, 1)
        assert watch.old == watch.new == value == await host.read(addr)


async def fill(host: CfgHost) -> None:
    """Give registers of all functions other values than after reset."""
    await host.enable_vfs(3)
    for addr in range(0, 0x320, 4):
        if addr not in range(Reg.SRIOV_CONTROL, Reg.SRIOV_NUM_VFS + 4) and addr != Reg.PM_CONTROL:
            await host.write(addr, ONES & ~0x8000 if addr == Reg.DEVICE_CONTROL else ONES)
    await host.write(Reg.PM_CONTROL, 3)
    for func in (1, 2, 3):
        for addr in (Reg.COMMAND, Reg.MSIX, Reg.ATS_CONTROL):
            await host.write(addr, ONES, 0xF, func)
    for name in PULSES:
        await host.pulse(name)
    await host.pulse("ide_fail_received", 3)


@cocotb.test()
async def flr_of_the_physical_function_resets_all_but_what_is_sticky(dut: Any) -> None:
    host = await new_host(dut, 3)
    await fill(host)
    before: dict[int, int] = {addr: await host.read(addr) for addr in STICKY}
    watch = await host.flr(0)
    assert watch.flr == (1 << len(dut.tdi_present)) - 1
    assert int(dut.tdi_present.value) == 1
    registers = pf_registers(len(dut.tdi_present), len(dut.stream_secure))
    values = {addr: bits.reset for addr, bits in registers.items()} | before
    values[Reg.DEVICE_CONTROL] |= 7 << 5  # Max_Payload_Size stays
    for addr in range(0, 0x320, 4):
        if addr in range(Reg.DOE + 4, Reg.VSEC):
            continue
        assert await host.read(addr) == values.get(addr, 0), f"{addr:03x}"
    assert before[Reg.AER_UNCORRECTABLE_STATUS]
    assert int(dut.pf_rid.value) == 0x2A00, "the Requester ID stays"


@cocotb.test()
async def flr_of_a_virtual_function_resets_that_one_only(dut: Any) -> None:
    host = await new_host(dut, 4)
    await fill(host)
    await host.write(Reg.PM_CONTROL, 0)
    before = {addr: await host.read(addr) for addr in range(0, 0x320, 4)}
    watch = await host.flr(2)
    assert watch.flr == 4
    after = {addr: await host.read(addr) for addr in range(0, 0x320, 4)}
    assert after == before
    for func in (1, 2, 3):
        cleared = func == 2
        for addr in (Reg.COMMAND, Reg.MSIX, Reg.ATS_CONTROL):
            changed = await host.read(addr, func) != VF_REGISTERS[addr].reset
            assert changed != cleared, f"{func}+{addr:03x}"


@cocotb.test()
async def flr_needs_its_bit_in_an_enabled_byte_of_device_control(dut: Any) -> None:
    host = await new_host(dut, 5)
    await host.write(Reg.COMMAND, 6)
    for addr, data, be in (
        (Reg.DEVICE_CONTROL, 0x8000, 0xD),
        (Reg.DEVICE_CONTROL, 0x7FFF, 0xF),
        (Reg.LINK_CONTROL, 0x8000, 0xF),
        (Reg.DEVICE_CONTROL_2, 0x8000, 0xF),
    ):
        assert not (await host.write(addr, data, be)).flr
        assert await host.read(Reg.COMMAND) & 6 == 6
    assert await host.read(Reg.DEVICE_CONTROL) & 0x8000 == 0
    poisoned = Request(Reg.DEVICE_CONTROL, data=0x8000)
    refused = await host.request(Request(poisoned.addr, 7, poisoned.data))
    assert refused.completion["status"] == CplStatus.UR
    assert await host.read(Reg.COMMAND) & 6 == 6
    assert (await host.write(Reg.DEVICE_CONTROL, 0x8000, 0x2)).flr
    assert await host.read(Reg.COMMAND) & 6 == 0


async def place(host: CfgHost, pf0: int, pf2: int, vf0: int = 0, vf2: int = 0) -> None:
    """Write all base addresses."""
    bases = ((Reg.BAR0, pf0), (Reg.BAR2, pf2), (Reg.SRIOV_VF_BAR0, vf0), (Reg.SRIOV_VF_BAR2, vf2))
    for low, base in bases:
        await host.write(low, base & ONES)
        await host.write(low + 4, base >> 32)


def expected_ok(bases: tuple[int, int, int, int], vfs: int | None) -> bool:
    """Whether no two ranges overlap and all end inside the address space; no VFs when None."""
    pf0, pf2, vf0, vf2 = bases
    ranges = [range(pf0, pf0 + BAR0_SIZE), range(pf2, pf2 + BAR2_SIZE)]
    if vfs is not None:
        ranges += [range(vf0, vf0 + vfs * BAR0_SIZE), range(vf2, vf2 + vfs * BAR2_SIZE)]
    inside = all(r.stop <= 1 << 64 for r in ranges)
    apart = all(
        a.stop <= b.start or b.stop <= a.start
        for n, a in enumerate(ranges)
        for b in ranges[n + 1 :]
    )
    return inside and apart


@cocotb.test()
async def overlapping_address_ranges_forbid_a_lock(dut: Any) -> None:
    host = await new_host(dut, 6)
    seen = {True: 0, False: 0}
    top = 1 << 64
    for vfs in (None, 1, 3):
        await host.write(Reg.SRIOV_CONTROL, 0)
        if vfs is not None:
            await host.enable_vfs(vfs)
        cases = [
            (0x100000, 0x200000, 0x300000, 0x400000),
            (0x21C000, 0x200000, 0x300000, 0x400000),
            (0x1FC000, 0x200000, 0x300000, 0x400000),
            (0x220000, 0x200000, 0x300000, 0x400000),
            (0x100000, 0x200000, 0x3F4000, 0x400000),
            (0x100000, 0x200000, 0x3F8000, 0x400000),
            (0x45C000, 0x200000, 0x300000, 0x400000),
            (0x460000, 0x200000, 0x300000, 0x400000),
            (0x100000, 0x3E0000, 0x300000, 0x400000),
            (0x308000, 0x200000, 0x300000, 0x400000),
            (0x100000, 0x200000, top - BAR0_SIZE, 0x400000),
            (0x100000, 0x200000, top - 3 * BAR0_SIZE, 0x400000),
            (0x100000, 0x200000, 0x300000, top - BAR2_SIZE),
            (top - BAR0_SIZE, 0x200000, 0x300000, 0x400000),
            (0, 0, 0x300000, 0x400000),
        ]
        for _ in range(12):
            near = [host.rng.randrange(0, 1 << 20) for _ in range(4)]
            cases.append(
                (
                    near[0] & -BAR0_SIZE,
                    near[1] & -BAR2_SIZE,
                    near[2] & -BAR0_SIZE,
                    near[3] & -BAR2_SIZE,
                )
            )
        for case in cases:
            await place(host, *case)
            ok = expected_ok(case, vfs)
            assert int(dut.lock_config_ok.value) == int(ok), (vfs, case)
            seen[ok] += 1
    assert min(seen.values()) > 10


@cocotb.test()
async def only_a_supported_page_size_allows_a_lock(dut: Any) -> None:
    host = await new_host(dut, 7)
    await place(host, 0x100000, 0x200000)
    for size in [0, 3, 5, *(1 << bit for bit in range(32))]:
        await host.write(Reg.SRIOV_SYSTEM_PAGE_SIZE, size)
        assert int(dut.lock_config_ok.value) == int(size in (1, 2, 4)), size


ERRORS = {
    "aer_check_failed": Aer.IDE_CHECK_FAILED,
    "aer_misrouted": Aer.MISROUTED_IDE_TLP,
    "aer_malformed": Aer.MALFORMED_TLP,
    "aer_poisoned": Aer.POISONED_TLP,
    "aer_unsupported": Aer.UNSUPPORTED_REQUEST,
    "aer_unexpected_cpl": Aer.UNEXPECTED_COMPLETION,
    "aer_cpl_timeout": Aer.COMPLETION_TIMEOUT,
    "aer_internal": Aer.INTERNAL_ERROR,
}


@cocotb.test()
async def errors_set_their_status_bits_and_ones_clear_them(dut: Any) -> None:
    host = await new_host(dut, 8)
    await host.enable_vfs(1)
    assert await host.read(Reg.AER_UNCORRECTABLE_MASK) == 1 << Aer.INTERNAL_ERROR
    await host.write(Reg.AER_UNCORRECTABLE_MASK, 0)
    for severity in (0, ONES):
        await host.write(Reg.AER_UNCORRECTABLE_SEVERITY, severity)
        for name, bit in ERRORS.items():
            await host.pulse(name)
            status = await host.read(Reg.AER_UNCORRECTABLE_STATUS)
            assert status == 1 << bit, name
            assert await host.read(Reg.AER_CONTROL) == bit, "First Error Pointer"
            expected = 4 if severity else 2
            expected |= 8 if name == "aer_unsupported" else 0
            assert await host.read(Reg.DEVICE_CONTROL) >> 16 == expected, name
            parity = await host.read(Reg.COMMAND) >> 31
            assert parity == int(name == "aer_poisoned")
            await host.write(Reg.AER_UNCORRECTABLE_STATUS, ONES & ~(1 << bit))
            assert await host.read(Reg.AER_UNCORRECTABLE_STATUS) == 1 << bit
            await host.write(Reg.AER_UNCORRECTABLE_STATUS, 1 << bit)
            assert await host.read(Reg.AER_UNCORRECTABLE_STATUS) == 0
            await host.write(Reg.DEVICE_CONTROL, ONES, 0xC, 1)
            assert await host.read(Reg.DEVICE_CONTROL) >> 16 == expected, "a VF cleared it"
            await host.write(Reg.DEVICE_CONTROL, ONES, 0xC)
            assert await host.read(Reg.DEVICE_CONTROL) >> 16 == 0
            await host.write(Reg.COMMAND, ONES, 0x8)
            assert await host.read(Reg.COMMAND) >> 31 == 0


@cocotb.test()
async def the_first_error_pointer_stays_with_the_first_unmasked_error(dut: Any) -> None:
    host = await new_host(dut, 9)
    await host.write(Reg.AER_UNCORRECTABLE_MASK, 1 << Aer.MALFORMED_TLP)
    await host.pulse("aer_malformed")
    assert await host.read(Reg.AER_CONTROL) == 0
    await host.pulse("aer_misrouted")
    await host.pulse("aer_poisoned")
    assert await host.read(Reg.AER_CONTROL) == Aer.MISROUTED_IDE_TLP
    expected = 1 << Aer.MALFORMED_TLP | 1 << Aer.MISROUTED_IDE_TLP | 1 << Aer.POISONED_TLP
    assert await host.read(Reg.AER_UNCORRECTABLE_STATUS) == expected


@cocotb.test()
async def a_refused_request_counts_as_unsupported(dut: Any) -> None:
    host = await new_host(dut, 10)
    assert await host.status(Reg.ID, 5) == CplStatus.UR
    assert await host.read(Reg.AER_UNCORRECTABLE_STATUS) == 1 << Aer.UNSUPPORTED_REQUEST
    assert await host.read(Reg.DEVICE_CONTROL) >> 19 & 1


@cocotb.test()
async def an_error_that_meets_its_clearing_is_kept(dut: Any) -> None:
    host = await new_host(dut, 11)
    await host.pulse("aer_misrouted")
    write = cocotb.start_soon(host.write(Reg.AER_UNCORRECTABLE_STATUS, ONES))
    dut.aer_misrouted.value = 1
    await write
    dut.aer_misrouted.value = 0
    assert await host.read(Reg.AER_UNCORRECTABLE_STATUS) == 1 << Aer.MISROUTED_IDE_TLP


@cocotb.test()
async def tee_limited_is_sampled_when_a_stream_is_enabled(dut: Any) -> None:
    host = await new_host(dut, 12)
    control = IDE_FIRST_BLOCK + SelectiveBlock.CONTROL
    limited = 1 << 23
    for sampled in (0, limited):
        await host.write(control, sampled | 0x05400001)
        assert await host.read(control) == sampled | 0x05400001
        await host.write(control, limited - sampled | 0x06400001)
        assert await host.read(control) == sampled | 0x06400001, "read only while enabled"
        await host.write(control, limited - sampled | 0x06400000)
        assert await host.read(control) == sampled | 0x06400000
        await host.write(control, limited - sampled)
        assert await host.read(control) == limited - sampled
        await host.write(control, 0)


@cocotb.test()
async def stream_status_shows_secure_and_keeps_a_received_fail(dut: Any) -> None:
    host = await new_host(dut, 13)
    for n in range(len(dut.stream_secure)):
        base = IDE_FIRST_BLOCK + n * SelectiveBlock.SIZE
        status = base + SelectiveBlock.STATUS
        dut.stream_secure.value = 1 << n
        assert await host.read(status) == 0, "0 while disabled"
        await host.write(base + SelectiveBlock.CONTROL, 1)
        assert await host.read(status) == 2
        await host.pulse("ide_fail_received", 1 << n)
        assert await host.read(status) == 0x80000002
        for data, be in ((0, 0xF), (ONES, 0x7), (0x7FFFFFFF, 0xF)):
            await host.write(status, data, be)
            assert await host.read(status) == 0x80000002
        await host.write(status, ONES, 0x8)
        assert await host.read(status) == 2
        dut.stream_secure.value = 0
        assert await host.read(status) == 0


@cocotb.test()
async def the_second_reader_sees_the_same_ide_registers(dut: Any) -> None:
    host = await new_host(dut, 14)
    streams = len(dut.stream_secure)
    for addr in range(IDE_FIRST_BLOCK, IDE_FIRST_BLOCK + streams * SelectiveBlock.SIZE, 4):
        await host.write(addr, host.rng.getrandbits(32))
    last = 1 + 8 * streams
    assert int(dut.idecap_last.value) == last
    for number in range(last + 1):
        dut.idecap_addr.value = number
        await ClockCycles(dut.clk, 2)
        expected = await host.read(Reg.IDE + 4 + 4 * number)
        assert int(dut.idecap_data.value) == expected, number
    for number in (last + 1, 255):
        dut.idecap_addr.value = number
        await ClockCycles(dut.clk, 2)
        assert int(dut.idecap_data.value) == 0


@cocotb.test()
async def ide_outputs_are_the_fields_of_their_block(dut: Any) -> None:
    host = await new_host(dut, 15)
    for n in range(len(dut.stream_secure)):
        base = IDE_FIRST_BLOCK + n * SelectiveBlock.SIZE
        await host.write(base + SelectiveBlock.CONTROL, (0xA0 + n) << 24 | 0x00E80001)
        await host.write(base + SelectiveBlock.RID_ASSOCIATION_1, (0x1230 + n) << 8)
        await host.write(base + SelectiveBlock.RID_ASSOCIATION_2, (0x1200 + n) << 8 | 1)
        await host.write(base + SelectiveBlock.ADDRESS_ASSOCIATION_1, 0xABC12301 + (n << 8))
        await host.write(base + SelectiveBlock.ADDRESS_ASSOCIATION_2, 0x77 + n)
        await host.write(base + SelectiveBlock.ADDRESS_ASSOCIATION_3, 0x66 + n)
        fields = {
            "ide_enable": (1, 1),
            "ide_stream_id": (8, 0xA0 + n),
            "ide_tc": (3, 5),
            "ide_default": (1, 1),
            "ide_tee_limited": (1, 1),
            "ide_rid_valid": (1, 1),
            "ide_rid_base": (16, 0x1200 + n),
            "ide_rid_limit": (16, 0x1230 + n),
            "ide_addr_valid": (1, 1),
            "ide_addr_base": (64, (0x66 + n) << 32 | (0x123 + n) << 20),
            "ide_addr_limit": (64, (0x77 + n) << 32 | 0xABCFFFFF),
        }
        for name, (width, value) in fields.items():
            vector = int(getattr(dut, name).value)
            assert vector >> width * n & (1 << width) - 1 == value, name
