# SPDX-License-Identifier: Apache-2.0
"""Memory map of the function under protection: a convention of this device.

Each function (PF and every VF) has two 64-bit prefetchable BARs of the same layout.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

PAGE = 0x1000


class Bar0(IntEnum):
    """Offsets in bytes in BAR0/1: registers, public page and memory of one function."""

    REGISTERS = 0x0000  # one page, TEE memory
    PUBLIC = 0x1000  # one page, IS_NON_TEE_MEM
    MEMORY = 0x2000  # one page, TEE memory
    SIZE = 0x4000  # the last page is not implemented: Unsupported Request; inside, the ROM is there


class Bar2(IntEnum):
    """Offsets in bytes in BAR2/3: MSI-X structures, 64 KiB apart."""

    MSIX_TABLE = 0x00000  # one page
    MSIX_PBA = 0x10000  # one page
    SIZE = 0x20000


ROM = 6  # where a BAR is named: the Expansion ROM, which the physical function alone has
ROM_BYTES = 0x1000
MEMORY_BYTES = 0x1000
MSIX_VECTORS = 4


class RangeClass(IntEnum):
    """How the admission rules see a page of a BAR."""

    NONE = 0  # not implemented
    TEE = 1
    NON_TEE = 2
    MSIX = 3  # MSI-X table or PBA: TEE memory when locked


class Register(IntEnum):
    """Offsets in bytes in the register page. All registers are 32 bits; others read 0."""

    ID = 0x00  # RO, ID_VALUE
    CONTROL = 0x04  # WO, reads 0; see Control
    STATUS = 0x08  # see Status
    LENGTH = 0x0C  # RW, bytes, a multiple of 4, 4 to MEMORY_BYTES
    HOST_ADDRESS_LOW = 0x10  # RW, bits 1:0 read 0
    HOST_ADDRESS_HIGH = 0x14  # RW
    DEVICE_ADDRESS = 0x18  # RW, offset in MEMORY, bits 1:0 read 0
    VECTOR = 0x1C  # RW, MSI-X vector raised at the end, bits 1:0
    SCRATCH = 0x20  # RW, sixteen registers up to 0x5C
    PASID = 0x60  # RW, bits 19:0
    # Written as CONTROL, with START, WRITE_HOST and WITH_PASID: asks the host for the page of
    # HOST_ADDRESS; ignored while BUSY. Read as STATUS of that. Needs Page Request Enable.
    PAGE_REQUEST = 0x64


SCRATCH_REGISTERS = 16
PASID_MASK = (1 << 20) - 1
ID_VALUE = 0x54444931  # "TDI1"


class Control(IntFlag):
    """CONTROL: one write with START starts one transfer; ignored while BUSY.

    An attribute that the host has not enabled in Device Control is left out of the requests.

    Two bits choose an AtomicOp instead of a transfer. Its operand of LENGTH = 4 or 8 bytes, for CAS
    the compare and the swap value, is taken from DEVICE_ADDRESS, and what the host's memory held
    before replaces it there. HOST_ADDRESS is a multiple of LENGTH; WRITE_HOST does not matter.
    """

    START = 0x1
    WRITE_HOST = 0x2  # 1 = device memory to host, 0 = host to device memory
    INTERRUPT = 0x4  # raise VECTOR at the end, also after an error
    NO_SNOOP = 0x8
    RELAXED_ORDERING = 0x10
    ID_BASED_ORDERING = 0x20
    FETCH_ADD = 0x40
    SWAP = 0x80
    CAS = 0xC0
    TRANSLATE = 0x100  # ask for translations of HOST_ADDRESS and use them; needs ATS Enable
    WITH_PASID = 0x200  # requests have PASID, translated ones apart; needs PASID Enable
    HINT = 0x400  # reads and writes have a Processing Hint; left out without TPH Requester Enable
    HINT_LOW = 0x800  # the Processing Hint, bit 0
    HINT_HIGH = 0x1000  # and bit 1


ATTRIBUTES = Control.NO_SNOOP | Control.RELAXED_ORDERING | Control.ID_BASED_ORDERING
ATOMIC = Control.CAS  # 0: a transfer
HINT_SHIFT = 11  # of the Processing Hint in CONTROL
ATTRIBUTE_SHIFT = 3  # CONTROL holds the attributes in the order of the TLP header


class Status(IntFlag):
    """STATUS: BUSY is read only, the others are cleared by writing 1."""

    BUSY = 0x1
    DONE = 0x2
    ERROR = 0x4  # wrong program, UR / CA completion, time-out, not admitted, or not enabled


class PublicRegister(IntEnum):
    """Offsets in bytes in the public page."""

    ID = 0x00  # RO, PUBLIC_ID_VALUE
    SCRATCH = 0x04  # RW


PUBLIC_ID_VALUE = 0x50554231  # "PUB1"
