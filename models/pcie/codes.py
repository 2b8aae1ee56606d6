# SPDX-License-Identifier: Apache-2.0
"""Numbers of PCI Express: TLP types, completion status, configuration space."""

from __future__ import annotations

from enum import IntEnum

INITIATE_FLR = 1 << 15  # of Device Control


class FmtType(IntEnum):
    """Byte 0 of a TLP header in non-flit mode: Fmt in bits 7:5, Type in bits 4:0."""

    MRD32 = 0x00
    MRD64 = 0x20
    MRDLK32 = 0x01
    MRDLK64 = 0x21
    MWR32 = 0x40
    MWR64 = 0x60
    IORD = 0x02
    IOWR = 0x42
    CFGRD0 = 0x04
    CFGWR0 = 0x44
    CFGRD1 = 0x05
    CFGWR1 = 0x45
    CPL = 0x0A
    CPLD = 0x4A
    CPLLK = 0x0B
    CPLDLK = 0x4B
    FETCH_ADD32 = 0x4C
    FETCH_ADD64 = 0x6C
    SWAP32 = 0x4D
    SWAP64 = 0x6D
    CAS32 = 0x4E
    CAS64 = 0x6E
    DMWR32 = 0x5B
    DMWR64 = 0x7B
    MSG_RC = 0x30
    MSG_ADDRESS = 0x31
    MSG_ID = 0x32
    MSG_BROADCAST = 0x33
    MSG_LOCAL = 0x34
    MSG_GATHER = 0x35
    MSGD_RC = 0x70
    MSGD_ADDRESS = 0x71
    MSGD_ID = 0x72
    MSGD_BROADCAST = 0x73
    MSGD_LOCAL = 0x74
    MSGD_GATHER = 0x75


class AddressType(IntEnum):
    """AT of a memory request."""

    UNTRANSLATED = 0
    TRANSLATION_REQUEST = 1
    TRANSLATED = 2
    RESERVED = 3


class CplStatus(IntEnum):
    """Completion Status."""

    SC = 0
    UR = 1
    CRS = 2
    CA = 4


class MessageCode(IntEnum):
    """Message codes that this project sends or looks at."""

    UNLOCK = 0x00
    INVALIDATE_REQUEST = 0x01
    INVALIDATE_COMPLETION = 0x02
    PAGE_REQUEST = 0x04
    PRG_RESPONSE = 0x05
    OBFF = 0x12
    PM_ACTIVE_STATE_NAK = 0x14
    PME_TURN_OFF = 0x19
    SET_SLOT_POWER_LIMIT = 0x50
    IDE_SYNC = 0x54
    IDE_FAIL = 0x55
    VENDOR_DEFINED_1 = 0x7F


class CapabilityId(IntEnum):
    """Capability IDs."""

    PM = 0x01
    MSI = 0x05
    MSIX = 0x11
    PCIE = 0x10


class ExtendedCapabilityId(IntEnum):
    """Extended capability IDs."""

    AER = 0x0001
    VSEC = 0x000B
    ACS = 0x000D
    ARI = 0x000E
    ATS = 0x000F
    SRIOV = 0x0010
    PRI = 0x0013
    TPH = 0x0017
    PASID = 0x001B
    DOE = 0x002E
    IDE = 0x0030


class AerUncorrectable(IntEnum):
    """Bit numbers of the AER uncorrectable error registers."""

    POISONED_TLP = 12
    COMPLETION_TIMEOUT = 14
    COMPLETER_ABORT = 15
    UNEXPECTED_COMPLETION = 16
    MALFORMED_TLP = 18
    UNSUPPORTED_REQUEST = 20
    INTERNAL_ERROR = 22
    IDE_CHECK_FAILED = 28
    MISROUTED_IDE_TLP = 29
    PCRC_CHECK_FAILED = 30


class IdeRegister(IntEnum):
    """Offsets in bytes from the start of the IDE extended capability (IDE-CAP-001)."""

    HEADER = 0x00
    CAPABILITY = 0x04
    CONTROL = 0x08
    FIRST_BLOCK = 0x0C


class SelectiveBlock(IntEnum):
    """Offsets in bytes inside a selective stream block with one address association."""

    CAPABILITY = 0x00
    CONTROL = 0x04
    STATUS = 0x08
    RID_ASSOCIATION_1 = 0x0C
    RID_ASSOCIATION_2 = 0x10
    ADDRESS_ASSOCIATION_1 = 0x14
    ADDRESS_ASSOCIATION_2 = 0x18
    ADDRESS_ASSOCIATION_3 = 0x1C
    SIZE = 0x20


class HeaderRegister(IntEnum):
    """Byte offsets in the header of configuration space."""

    COMMAND = 0x04
    BAR0 = 0x10


class CommandBit(IntEnum):
    """Bit numbers of the Command register."""

    MEMORY_SPACE_ENABLE = 1
    BUS_MASTER_ENABLE = 2


class SriovRegister(IntEnum):
    """Byte offsets in the SR-IOV extended capability."""

    CONTROL = 0x08
    NUM_VFS = 0x10
    VF_OFFSET_STRIDE = 0x14
    SYSTEM_PAGE_SIZE = 0x20
    VF_BAR0 = 0x24


class SriovControlBit(IntEnum):
    """Bit numbers of SR-IOV Control."""

    VF_ENABLE = 0
    VF_MEMORY_SPACE_ENABLE = 3
