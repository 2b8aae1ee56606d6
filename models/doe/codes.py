# SPDX-License-Identifier: Apache-2.0
"""Numbers of Data Object Exchange (DOE-REG-001, DOE-DSC-001)."""

from __future__ import annotations

from enum import IntEnum

VENDOR_PCI_SIG = 0x0001
HEADER_DWORDS = 2
LENGTH_2_18 = 1 << 18


class ObjectType(IntEnum):
    """Data object type of vendor PCI-SIG."""

    DISCOVERY = 0x00
    SPDM = 0x01
    SECURED_SPDM = 0x02


class Register(IntEnum):
    """Offset in bytes from the start of the DOE extended capability."""

    HEADER = 0x00
    CAPABILITIES = 0x04
    CONTROL = 0x08
    STATUS = 0x0C
    WRITE_MAILBOX = 0x10
    READ_MAILBOX = 0x14


class ControlBit(IntEnum):
    """Bit numbers of DOE Control."""

    ABORT = 0
    INTERRUPT_ENABLE = 1
    GO = 31


class StatusBit(IntEnum):
    """Bit numbers of DOE Status."""

    BUSY = 0
    INTERRUPT_STATUS = 1
    ERROR = 2
    DATA_OBJECT_READY = 31
