# SPDX-License-Identifier: Apache-2.0
"""Byte order of keys and initial invocation values on the IDE_KM wire (IDEKM-KP-002).

A key travels as eight DWs, the most significant one first, each little-endian; an invocation value
as two DWs, the high one first, each little-endian.
"""

from __future__ import annotations

import struct

from models.idekm.codes import IFV_SIZE, KEY_SIZE
from models.idekm.errors import IdeKmError

_IFV = struct.Struct("<II")
_DWORDS = KEY_SIZE // 4


def _swap(raw: bytes) -> bytes:
    if len(raw) != KEY_SIZE:
        raise IdeKmError(f"key of {len(raw)} bytes")
    return struct.pack(f"<{_DWORDS}I", *struct.unpack(f">{_DWORDS}I", raw))


def key_to_wire(key: bytes) -> bytes:
    """The bytes of KEY_PROG for an AES key in the order of the cipher."""
    return _swap(key)


def key_from_wire(wire: bytes) -> bytes:
    """The AES key, in the order of the cipher, that KEY_PROG carries."""
    return _swap(wire)


def ifv_to_wire(value: int) -> bytes:
    """The bytes of KEY_PROG for an initial invocation value."""
    if value >> 8 * IFV_SIZE or value < 0:
        raise IdeKmError(f"invocation value {value:#x}")
    return _IFV.pack(value >> 32, value & 0xFFFFFFFF)


def ifv_from_wire(wire: bytes) -> int:
    """The initial invocation value that KEY_PROG carries."""
    if len(wire) != IFV_SIZE:
        raise IdeKmError(f"invocation value of {len(wire)} bytes")
    high, low = _IFV.unpack(wire)
    value: int = high << 32 | low
    return value
