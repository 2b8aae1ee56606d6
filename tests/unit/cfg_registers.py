# SPDX-License-Identifier: Apache-2.0
"""What every register of configuration space must be: reset value and bits that can be written."""

from __future__ import annotations

import os
from dataclasses import dataclass

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import SelectiveBlock as Block

ONES = 0xFFFFFFFF
PAGING = os.environ.get("PAGING") == "1"  # PASID, PRI, Expansion ROM, TPH and MSI are built
VENDOR, DEVICE = 0x1234, 0x7D15
IDE_FIRST_BLOCK = Reg.IDE + 0x0C


@dataclass(frozen=True)
class Bits:
    """Reset value, bits that hold what is written, bits that a 1 clears."""

    reset: int = 0
    rw: int = 0
    w1c: int = 0


def pointer(next_address: int, capability: int, version: int) -> int:
    """Header of an extended capability."""
    return next_address << 20 | version << 16 | capability


def selective_block(base: int) -> dict[int, Bits]:
    """Registers of a selective stream that is not enabled."""
    return {
        base + Block.CAPABILITY: Bits(1),
        # Stream ID, TEE-Limited, Default Stream, TC and Enable
        base + Block.CONTROL: Bits(0, 0xFF000000 | 1 << 23 | 1 << 22 | 7 << 19 | 1),
        base + Block.STATUS: Bits(0, 0, 1 << 31),
        base + Block.RID_ASSOCIATION_1: Bits(0, 0x00FFFF00),
        base + Block.RID_ASSOCIATION_2: Bits(0, 0xFFFFFF01),
        base + Block.ADDRESS_ASSOCIATION_1: Bits(0, 0xFFFFFF01),
        base + Block.ADDRESS_ASSOCIATION_2: Bits(0, ONES),
        base + Block.ADDRESS_ASSOCIATION_3: Bits(0, ONES),
    }


COMMON: dict[int, Bits] = {
    Reg.MSIX: Bits(0x0003_6011, 0xC0000000),
    Reg.MSIX_TABLE: Bits(0x00000002),
    Reg.MSIX_PBA: Bits(0x00010002),
    Reg.PCIE: Bits(0x0002_0010 | (Reg.MSI << 8 if PAGING else 0)),
    Reg.DEVICE_CAPABILITIES: Bits(1 << 30 | 1 << 28 | 1 << 15 | 1 << 5 | 2),
    Reg.LINK_CAPABILITIES: Bits(0x00400044),
    # With PASIDs two End-End prefixes may come.
    Reg.DEVICE_CAPABILITIES_2: Bits(1 << 16 | (2 << 22 | 1 << 21 if PAGING else 0)),
    Reg.LINK_CAPABILITIES_2: Bits(0x1E),
    Reg.CLASS: Bits(0x12000001),
}

# Masks, 64-bit address, four vectors; as many as are granted, and Enable
MSI_REGISTERS: dict[int, Bits] = {
    Reg.MSI: Bits(0x0184_0005, 0x0071_0000),
    Reg.MSI_ADDRESS_LOW: Bits(0, 0xFFFFFFFC),
    Reg.MSI_ADDRESS_HIGH: Bits(0, ONES),
    Reg.MSI_DATA: Bits(0, 0xFFFF),
    Reg.MSI_MASK: Bits(0, 0xF),
}
if PAGING:
    COMMON |= MSI_REGISTERS

# P2P Request Redirect, P2P Completion Redirect, Direct Translated P2P
ACS_CONTROL = Bits(0x4C, 0x4C0000)

# No ST Mode and no table; Enable and ST Mode Select
TPH_CAPABILITY = Bits(1)
TPH_CONTROL = Bits(0, 0x107)

VF_REGISTERS: dict[int, Bits] = {
    **COMMON,
    Reg.ID: Bits(ONES),
    Reg.COMMAND: Bits(0x00100000, 0x4),
    Reg.SUBSYSTEM: Bits((DEVICE + 1) << 16 | VENDOR),
    Reg.CAPABILITIES: Bits(0x50),
    Reg.DEVICE_CONTROL: Bits(0, 0, 0xE0000),
    Reg.ATS: Bits(pointer(Reg.ARI, 0x000F, 1)),
    Reg.ATS_CONTROL: Bits(0x00000020, 0x80000000),
    Reg.ARI: Bits(pointer(Reg.ACS, 0x000E, 1)),
    Reg.ACS: Bits(pointer(Reg.TPH if PAGING else 0, 0x000D, 1)),
    Reg.ACS_CONTROL: ACS_CONTROL,
}
if PAGING:
    VF_REGISTERS |= {
        Reg.TPH: Bits(pointer(0, 0x0017, 1)),
        Reg.TPH_CAPABILITY: TPH_CAPABILITY,
        Reg.TPH_CONTROL: TPH_CONTROL,
    }

AER_BITS = 1 << 12 | 1 << 14 | 1 << 16 | 1 << 18 | 1 << 20 | 1 << 22 | 1 << 28 | 1 << 29


PAGING_REGISTERS: dict[int, Bits] = {
    Reg.PASID: Bits(pointer(Reg.PRI, 0x001B, 1)),
    Reg.PASID_CONTROL: Bits(0x1400, 0x10000),  # 20 bits, Enable; no execution, no privileges
    Reg.PRI: Bits(pointer(Reg.IDE, 0x0013, 1)),
    Reg.PRI_CONTROL: Bits(1 << 24, 0x1, 0x30000),  # Stopped; Enable; two status bits
    Reg.PRI_CAPACITY: Bits(16),
    Reg.PRI_ALLOCATION: Bits(0, ONES),
    Reg.TPH: Bits(pointer(Reg.PASID, 0x0017, 1)),
    Reg.TPH_CAPABILITY: TPH_CAPABILITY,
    Reg.TPH_CONTROL: TPH_CONTROL,
    Reg.ROM: Bits(0, 0xFFFFF001),
}


def pf_registers(num_tdi: int, num_streams: int, paging: bool = PAGING) -> dict[int, Bits]:
    """Registers of the physical function; all other addresses read 0."""
    behind_acs = Reg.TPH if paging else Reg.IDE
    registers: dict[int, Bits] = {
        **COMMON,
        Reg.ID: Bits(DEVICE << 16 | VENDOR),
        Reg.COMMAND: Bits(0x00100000, 0x0546, 0x80000000),
        Reg.HEADER_TYPE: Bits(0, 0xFF),
        Reg.BAR0: Bits(0xC, 0xFFFFC000),
        Reg.BAR1: Bits(0, ONES),
        Reg.BAR2: Bits(0xC, 0xFFFE0000),
        Reg.BAR3: Bits(0, ONES),
        Reg.SUBSYSTEM: Bits(DEVICE << 16 | VENDOR),
        Reg.CAPABILITIES: Bits(0x40),
        Reg.INTERRUPT: Bits(0, 0xFF),
        Reg.PM: Bits(0x0003_5001),
        Reg.PM_CONTROL: Bits(0x8),  # the power state has a test of its own
        Reg.DEVICE_CONTROL: Bits(0x2810, 0x79FF, 0xE0000),
        Reg.DEVICE_CONTROL_2: Bits(0, 0x0340),
        Reg.LINK_CONTROL: Bits(0x10440000, 0xCB),
        Reg.LINK_CONTROL_2: Bits(0x4, 0xF),
        Reg.ATS: Bits(pointer(Reg.AER, 0x000F, 1)),
        Reg.ATS_CONTROL: Bits(0x00000020, 0x801F0000),
        Reg.AER: Bits(pointer(Reg.SRIOV if num_tdi > 1 else Reg.DOE, 0x0001, 2)),
        Reg.AER_UNCORRECTABLE_STATUS: Bits(0, 0, AER_BITS),
        Reg.AER_UNCORRECTABLE_MASK: Bits(1 << 22, AER_BITS),
        Reg.AER_UNCORRECTABLE_SEVERITY: Bits(1 << 28 | 1 << 22 | 1 << 18, AER_BITS),
        Reg.AER_CORRECTABLE_MASK: Bits(0x2000, 0x2000),
        Reg.DOE: Bits(pointer(Reg.VSEC, 0x002E, 1)),
        Reg.VSEC: Bits(pointer(Reg.ARI if num_tdi > 1 else behind_acs, 0x000B, 1)),
        Reg.VSEC_HEADER: Bits(0x010_1_5444),
        Reg.VSEC_TDI_SELECT: Bits(0, 0xFF),
        Reg.IDE: Bits(pointer(0, 0x0030, 1)),
        Reg.IDE + 4: Bits(1 << 24 | (num_streams - 1) << 16 | 1 << 6 | 1 << 1),
    }
    for n in range(num_streams):
        registers.update(selective_block(IDE_FIRST_BLOCK + n * Block.SIZE))
    if num_tdi > 1:
        registers.update(sriov_registers(num_tdi - 1))
        registers[Reg.ACS] = Bits(pointer(behind_acs, 0x000D, 1))
    if paging:
        registers.update(PAGING_REGISTERS)
    return registers


def sriov_registers(total: int) -> dict[int, Bits]:
    """SR-IOV capability while VF Enable is 0, and what comes with it."""
    return {
        Reg.ARI: Bits(pointer(Reg.ACS, 0x000E, 1)),
        Reg.ACS_CONTROL: ACS_CONTROL,
        Reg.SRIOV: Bits(pointer(Reg.DOE, 0x0010, 1)),
        Reg.SRIOV_CONTROL: Bits(0, 0x19),  # VF Enable, VF MSE, ARI Capable Hierarchy
        Reg.SRIOV_TOTAL_VFS: Bits(total << 16 | total),
        Reg.SRIOV_NUM_VFS: Bits(0, 0xFFFF),
        Reg.SRIOV_VF_OFFSET: Bits(0x00010001),
        Reg.SRIOV_VF_DEVICE_ID: Bits((DEVICE + 1) << 16),
        Reg.SRIOV_SUPPORTED_PAGE_SIZES: Bits(0x7),
        Reg.SRIOV_SYSTEM_PAGE_SIZE: Bits(1, ONES),
        Reg.SRIOV_VF_BAR0: Bits(0xC, 0xFFFFC000),
        Reg.SRIOV_VF_BAR1: Bits(0, ONES),
        Reg.SRIOV_VF_BAR2: Bits(0xC, 0xFFFE0000),
        Reg.SRIOV_VF_BAR3: Bits(0, ONES),
    }
