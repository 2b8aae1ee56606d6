# SPDX-License-Identifier: Apache-2.0
"""Contents of the Expansion ROM of the physical function: one image that holds no code."""

from __future__ import annotations

import struct

from models.app.config_map import CLASS_CODE, DEVICE_ID, VENDOR_ID
from models.app.map import ROM_BYTES

SIGNATURE = bytes((0x55, 0xAA))
POINTER_AT = 0x18  # to the data structure, 16 bits
STRUCTURE_AT = 0x1C
# Signature, vendor, device, list of devices, length, revision, class, image length, code revision,
# code type, indicator, run-time length, configuration utility, DMTF CLP entry point
STRUCTURE = struct.Struct("<4sHHHHB3sHHBBHHH")
REVISION = 3
IMAGE_UNIT = 512  # bytes
NO_CODE_TYPE = 0xFF
LAST_IMAGE = 0x80


def expansion_rom(vendor_id: int = VENDOR_ID, device_id: int = DEVICE_ID) -> bytes:
    """All bytes of the ROM."""
    structure = STRUCTURE.pack(
        b"PCIR",
        vendor_id,
        device_id,
        0,
        STRUCTURE.size,
        REVISION,
        CLASS_CODE.to_bytes(3, "little"),
        ROM_BYTES // IMAGE_UNIT,
        0,
        NO_CODE_TYPE,
        LAST_IMAGE,
        0,
        0,
        0,
    )
    head = SIGNATURE.ljust(POINTER_AT, bytes(1)) + STRUCTURE_AT.to_bytes(2, "little")
    return (head.ljust(STRUCTURE_AT, bytes(1)) + structure).ljust(ROM_BYTES, bytes(1))


EXPANSION_ROM = expansion_rom()
