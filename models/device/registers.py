# SPDX-License-Identifier: Apache-2.0
"""Registers of configuration space that hold something: reset values and writable bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.app.config_map import ConfigRegister as Reg
from models.app.map import ROM_BYTES
from models.app.msi import (
    ADDRESS_LOW_WRITABLE,
    CONTROL_RESET,
    CONTROL_WRITABLE,
    DATA_WRITABLE,
    MASK_WRITABLE,
)
from models.device.config import DeviceProfile
from models.pcie.codes import (
    CapabilityId,
    CommandBit,
    ExtendedCapabilityId,
    IdeRegister,
    SelectiveBlock,
)
from models.tdisp.tracking import Space

ONES = 0xFFFFFFFF
BAR_64_BIT_PREFETCHABLE = 0xC
MSIX_WRITABLE = 0xC0000000  # MSI-X Enable, Function Mask
DEVICE_CONTROL_RESET = 0x2810  # 512 byte reads, No Snoop, relaxed ordering
DEVICE_CONTROL_WRITABLE = 0x79FF
# AtomicOp Requester Enable, IDO Request Enable, IDO Completion Enable
DEVICE_CONTROL_2_WRITABLE = 0x0340
ATS_ENABLE = 1 << 31
ATS_STU = 0x1F << 16
FIRST_BLOCK = Reg.IDE + IdeRegister.FIRST_BLOCK
# P2P Request Redirect, P2P Completion Redirect, Direct Translated P2P
ACS_WRITABLE = 0x4C << 16
PASID_ENABLE = 1 << 16
PRI_ENABLE = 1 << 0
ROM_ENABLE = 1 << 0
ROM_WRITABLE = ONES & ~(ROM_BYTES - 1) | ROM_ENABLE
TPH_ENABLE = 1 << 8
TPH_ST_MODE = 0x7
# Stream ID, TEE-Limited, Default Stream, TC, Enable
STREAM_CONTROL_WRITABLE = 0xFF000000 | 1 << 23 | 1 << 22 | 7 << 19 | 1
TEE_LIMITED = 1 << 23
SRIOV_CONTROL_WRITABLE = 0x19  # VF Enable, VF MSE, ARI Capable Hierarchy
COMMAND_VF = 1 << CommandBit.BUS_MASTER_ENABLE
COMMAND_PF = 0x0546


@dataclass(frozen=True, slots=True)
class Bits:
    """Value after reset and bits that hold what is written."""

    reset: int
    writable: int


def _bars(first: int, profile: DeviceProfile) -> Iterator[tuple[int, Bits]]:
    for bar, slice_size in profile.bar_sizes.items():
        low, size = first + 4 * bar, slice_size * profile.bar_slices
        yield low, Bits(BAR_64_BIT_PREFETCHABLE, ONES & ~(size - 1))
        yield low + 4, Bits(0, ONES & ~((size - 1) >> 32))


def _msix(profile: DeviceProfile) -> Bits:
    return Bits((profile.msix_vectors - 1) << 16, MSIX_WRITABLE)


def _msi(profile: DeviceProfile) -> dict[int, Bits]:
    if not profile.msi:
        return {}
    return {
        Reg.MSI: Bits(CONTROL_RESET, CONTROL_WRITABLE),
        Reg.MSI_ADDRESS_LOW: Bits(0, ADDRESS_LOW_WRITABLE),
        Reg.MSI_ADDRESS_HIGH: Bits(0, ONES),
        Reg.MSI_DATA: Bits(0, DATA_WRITABLE),
        Reg.MSI_MASK: Bits(0, MASK_WRITABLE),
    }


def pf_registers(profile: DeviceProfile) -> dict[int, Bits]:
    """Registers of the physical function by their address."""
    registers = {
        Reg.COMMAND: Bits(0, COMMAND_PF),
        Reg.HEADER_TYPE: Bits(0, 0xFF),
        Reg.INTERRUPT: Bits(0, 0xFF),
        Reg.PM_CONTROL: Bits(0x8, 0x3),  # No_Soft_Reset is 1
        Reg.MSIX: _msix(profile),
        **_msi(profile),
        Reg.DEVICE_CONTROL: Bits(DEVICE_CONTROL_RESET, DEVICE_CONTROL_WRITABLE),
        Reg.DEVICE_CONTROL_2: Bits(0, DEVICE_CONTROL_2_WRITABLE),
        Reg.LINK_CONTROL: Bits(0, 0xCB),
        Reg.LINK_CONTROL_2: Bits(0x4, 0xF),
        Reg.ATS_CONTROL: Bits(0, ATS_ENABLE | ATS_STU),
        **dict(_bars(Reg.BAR0, profile)),
    }
    if profile.functions > 1:
        registers |= {
            Reg.SRIOV_CONTROL: Bits(0, SRIOV_CONTROL_WRITABLE),
            Reg.SRIOV_NUM_VFS: Bits(0, 0xFFFF),
            Reg.SRIOV_SYSTEM_PAGE_SIZE: Bits(1, ONES),
            **dict(_bars(Reg.SRIOV_VF_BAR0, profile)),
            Reg.ACS_CONTROL: Bits(0, ACS_WRITABLE),
        }
    if profile.pasid:
        registers[Reg.PASID_CONTROL] = Bits(0, PASID_ENABLE)
    if profile.pri:
        registers |= {Reg.PRI_CONTROL: Bits(0, PRI_ENABLE), Reg.PRI_ALLOCATION: Bits(0, ONES)}
    if profile.rom:
        registers[Reg.ROM] = Bits(0, ROM_WRITABLE)
    if profile.tph:
        registers[Reg.TPH_CONTROL] = Bits(0, TPH_ENABLE | TPH_ST_MODE)
    for block in range(profile.num_streams):
        registers |= _stream_registers(FIRST_BLOCK + block * SelectiveBlock.SIZE)
    return {int(address): bits for address, bits in registers.items()}


def _stream_registers(base: int) -> dict[int, Bits]:
    return {
        base + SelectiveBlock.CAPABILITY: Bits(1, 0),  # one address association
        base + SelectiveBlock.CONTROL: Bits(0, STREAM_CONTROL_WRITABLE),
        base + SelectiveBlock.STATUS: Bits(0, 0),
        base + SelectiveBlock.RID_ASSOCIATION_1: Bits(0, 0x00FFFF00),
        base + SelectiveBlock.RID_ASSOCIATION_2: Bits(0, 0xFFFFFF01),
        base + SelectiveBlock.ADDRESS_ASSOCIATION_1: Bits(0, 0xFFFFFF01),
        base + SelectiveBlock.ADDRESS_ASSOCIATION_2: Bits(0, ONES),
        base + SelectiveBlock.ADDRESS_ASSOCIATION_3: Bits(0, ONES),
    }


def vf_registers(profile: DeviceProfile) -> dict[int, Bits]:
    """Registers of a virtual function by their address."""
    registers = {
        Reg.COMMAND: Bits(0, COMMAND_VF),
        Reg.MSIX: _msix(profile),
        **_msi(profile),
        Reg.ATS_CONTROL: Bits(0, ATS_ENABLE),
        Reg.ACS_CONTROL: Bits(0, ACS_WRITABLE),
    }
    if profile.tph:
        registers[Reg.TPH_CONTROL] = Bits(0, TPH_ENABLE | TPH_ST_MODE)
    return {int(address): bits for address, bits in registers.items()}


# First register, register behind the last, space and id of each capability
_CAPABILITIES = (
    (Reg.PM, Reg.MSIX, Space.CAPABILITY, CapabilityId.PM),
    (Reg.MSIX, Reg.PCIE, Space.CAPABILITY, CapabilityId.MSIX),
    (Reg.PCIE, Reg.MSI, Space.CAPABILITY, CapabilityId.PCIE),
    (Reg.MSI, Reg.ATS, Space.CAPABILITY, CapabilityId.MSI),
    (Reg.ATS, Reg.AER, Space.EXTENDED, ExtendedCapabilityId.ATS),
    (Reg.AER, Reg.SRIOV, Space.EXTENDED, ExtendedCapabilityId.AER),
    (Reg.SRIOV, Reg.DOE, Space.EXTENDED, ExtendedCapabilityId.SRIOV),
    (Reg.DOE, Reg.VSEC, Space.EXTENDED, ExtendedCapabilityId.DOE),
    (Reg.VSEC, Reg.ARI, Space.EXTENDED, ExtendedCapabilityId.VSEC),
    (Reg.ARI, Reg.ACS, Space.EXTENDED, ExtendedCapabilityId.ARI),
    (Reg.ACS, Reg.PASID, Space.EXTENDED, ExtendedCapabilityId.ACS),
    (Reg.PASID, Reg.PRI, Space.EXTENDED, ExtendedCapabilityId.PASID),
    (Reg.PRI, Reg.TPH, Space.EXTENDED, ExtendedCapabilityId.PRI),
    (Reg.TPH, Reg.IDE, Space.EXTENDED, ExtendedCapabilityId.TPH),
    (Reg.IDE, 0x1000, Space.EXTENDED, ExtendedCapabilityId.IDE),
)


def place(address: int) -> tuple[Space, int, int]:
    """Space, capability id and offset in it of a register address."""
    for first, end, space, number in _CAPABILITIES:
        if first <= address < end:
            return space, int(number), address - first
    return Space.HEADER, 0, address
