# SPDX-License-Identifier: Apache-2.0
"""Registry, vendor id and vendor data: the form that vendor messages and errors share."""

from __future__ import annotations

from enum import IntEnum

from models.tdisp.errors import DecodeError, EncodeError

BYTE_MAX = 0xFF
PREFIX = 2  # registry and length of the vendor id


class Registry(IntEnum):
    """Who gave out the vendor id."""

    PCI_SIG = 0
    CXL = 1


def encode_vendor(registry: int, vendor: bytes, data: bytes) -> bytes:
    """REGISTRY_ID, VENDOR_ID_LEN, VENDOR_ID, vendor data."""
    if not 0 <= registry <= BYTE_MAX or len(vendor) > BYTE_MAX:
        raise EncodeError(f"registry {registry} with a vendor id of {len(vendor)} bytes")
    return bytes((registry, len(vendor))) + vendor + data


def decode_vendor(raw: bytes) -> tuple[int, bytes, bytes]:
    """Registry, vendor id and vendor data; DecodeError when the vendor id is cut."""
    if len(raw) < PREFIX or len(raw) < PREFIX + raw[1]:
        raise DecodeError(f"vendor id is cut after {len(raw)} bytes")
    end = PREFIX + raw[1]
    return raw[0], raw[PREFIX:end], raw[end:]
