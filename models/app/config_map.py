# SPDX-License-Identifier: Apache-2.0
"""Configuration space of this device: where its registers are.

Only the header, the capability identifiers and the layouts inside a capability are fixed by PCI
Express; the places of the capabilities and the vendor-specific one are a convention of this device.
"""

from __future__ import annotations

from enum import IntEnum


class ConfigRegister(IntEnum):
    """Byte address of each DW. Virtual functions have those marked VF, at the same address.

    SR-IOV, ARI and ACS exist when there are virtual functions; the Expansion ROM, PASID, PRI,
    TPH and MSI when they are built.
    """

    ID = 0x000  # VF
    COMMAND = 0x004  # VF; Command 15:0, Status 31:16
    CLASS = 0x008  # VF
    HEADER_TYPE = 0x00C  # VF; cache line size, latency timer, header type, BIST
    BAR0 = 0x010
    BAR1 = 0x014
    BAR2 = 0x018
    BAR3 = 0x01C
    BAR4 = 0x020  # BAR4 and BAR5 do not exist
    BAR5 = 0x024
    SUBSYSTEM = 0x02C  # VF
    ROM = 0x030
    CAPABILITIES = 0x034  # VF
    INTERRUPT = 0x03C
    PM = 0x040
    PM_CONTROL = 0x044
    MSIX = 0x050  # VF; Message Control 31:16
    MSIX_TABLE = 0x054  # VF
    MSIX_PBA = 0x058  # VF
    PCIE = 0x060  # VF
    DEVICE_CAPABILITIES = 0x064  # VF
    DEVICE_CONTROL = 0x068  # VF; Device Control 15:0, Device Status 31:16
    LINK_CAPABILITIES = 0x06C  # VF
    LINK_CONTROL = 0x070  # VF; Link Control 15:0, Link Status 31:16
    DEVICE_CAPABILITIES_2 = 0x084  # VF
    DEVICE_CONTROL_2 = 0x088
    LINK_CAPABILITIES_2 = 0x08C  # VF
    LINK_CONTROL_2 = 0x090
    MSI = 0x0A0  # VF; Message Control 31:16
    MSI_ADDRESS_LOW = 0x0A4  # VF
    MSI_ADDRESS_HIGH = 0x0A8  # VF
    MSI_DATA = 0x0AC  # VF
    MSI_MASK = 0x0B0  # VF
    MSI_PENDING = 0x0B4  # VF
    ATS = 0x100  # VF
    ATS_CONTROL = 0x104  # VF; ATS Capability 15:0, ATS Control 31:16
    AER = 0x110
    AER_UNCORRECTABLE_STATUS = 0x114
    AER_UNCORRECTABLE_MASK = 0x118
    AER_UNCORRECTABLE_SEVERITY = 0x11C
    AER_CORRECTABLE_STATUS = 0x120
    AER_CORRECTABLE_MASK = 0x124
    AER_CONTROL = 0x128
    SRIOV = 0x140
    SRIOV_CAPABILITIES = 0x144
    SRIOV_CONTROL = 0x148
    SRIOV_TOTAL_VFS = 0x14C
    SRIOV_NUM_VFS = 0x150
    SRIOV_VF_OFFSET = 0x154
    SRIOV_VF_DEVICE_ID = 0x158
    SRIOV_SUPPORTED_PAGE_SIZES = 0x15C
    SRIOV_SYSTEM_PAGE_SIZE = 0x160
    SRIOV_VF_BAR0 = 0x164
    SRIOV_VF_BAR1 = 0x168
    SRIOV_VF_BAR2 = 0x16C
    SRIOV_VF_BAR3 = 0x170
    SRIOV_VF_BAR4 = 0x174  # VF BAR4 and VF BAR5 do not exist
    SRIOV_VF_BAR5 = 0x178
    SRIOV_MIGRATION = 0x17C
    DOE = 0x180
    VSEC = 0x1A0
    VSEC_HEADER = 0x1A4
    VSEC_TDI_SELECT = 0x1A8  # 7:0 number of the TDI whose status is shown
    VSEC_TDI_STATUS = 0x1AC
    ARI = 0x1B0  # VF
    ARI_CONTROL = 0x1B4  # VF; ARI Capability 15:0, ARI Control 31:16
    ACS = 0x1B8  # VF
    ACS_CONTROL = 0x1BC  # VF; ACS Capability 15:0, ACS Control 31:16
    PASID = 0x1C0
    PASID_CONTROL = 0x1C4  # PASID Capability 15:0, PASID Control 31:16
    PRI = 0x1D0
    PRI_CONTROL = 0x1D4  # Page Request Control 15:0, Page Request Status 31:16
    PRI_CAPACITY = 0x1D8
    PRI_ALLOCATION = 0x1DC
    TPH = 0x1E0  # VF
    TPH_CAPABILITY = 0x1E4  # VF
    TPH_CONTROL = 0x1E8  # VF
    IDE = 0x200


VENDOR_ID = 0x1234  # unless a build says otherwise
DEVICE_ID = 0x7D15
VSEC_ID = 0x5444
VSEC_REVISION = 1
VSEC_LENGTH = 0x10
CLASS_CODE = 0x120000  # processing accelerator
REVISION_ID = 0x01
SUPPORTED_PAGE_SIZES = 0x7  # 4, 8 and 16 KiB: the smallest VF BAR is 16 KiB
