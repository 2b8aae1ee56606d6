# SPDX-License-Identifier: Apache-2.0
"""ERROR and the VENDOR_DEFINED pair (SPDM-ERR-001, SEC-VDM-001)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from models.spdm.codes import (
    HEADER_SIZE,
    STANDARD_ID_PCI_SIG,
    VENDOR_ID_PCI_SIG,
    Request,
    Response,
)
from models.spdm.errors import DecodeError
from models.spdm.messages.base import Header, Message, Shape
from models.spdm.wire import Reader, counted, little

VENDOR_ID_SIZE = 2
VENDOR_HEADER_SIZE = 11
PROTOCOL_IDS = (0x00, 0x01)  # IDE_KM, TDISP


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Message):
    """ERROR; the rest of the message is extended data."""

    CODE: ClassVar[int] = Response.ERROR

    code: int  # see ErrorCode
    data: int = 0
    extended: bytes = b""

    def _params(self) -> tuple[int, int]:
        return self.code, self.data

    def _body(self) -> bytes:
        return self.extended

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        return cls(
            version=header.version,
            code=header.param1,
            data=header.param2,
            extended=reader.take(reader.remaining),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _VendorDefined(Message):
    protocol_id: int  # see PROTOCOL_IDS
    body: bytes

    def _body(self) -> bytes:
        return (
            little("StandardID", STANDARD_ID_PCI_SIG, 2)
            + counted("VendorID", little("VendorID", VENDOR_ID_PCI_SIG, VENDOR_ID_SIZE), 1)
            + counted("payload", little("protocol id", self.protocol_id, 1) + self.body)
        )

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        standard = reader.number(2)
        vendor = reader.counted(1)
        payload = reader.counted()
        if standard != STANDARD_ID_PCI_SIG:
            raise DecodeError(f"StandardID 0x{standard:04x}, expected PCI-SIG")
        if len(vendor) != VENDOR_ID_SIZE or int.from_bytes(vendor, "little") != VENDOR_ID_PCI_SIG:
            raise DecodeError(f"VendorID {vendor.hex()}, expected PCI-SIG")
        if not payload:
            raise DecodeError("payload without protocol id")
        return cls(version=header.version, protocol_id=payload[0], body=payload[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorDefinedRequest(_VendorDefined):
    """VENDOR_DEFINED_REQUEST of PCI-SIG: IDE_KM and TDISP."""

    CODE: ClassVar[int] = Request.VENDOR_DEFINED


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorDefinedResponse(_VendorDefined):
    """VENDOR_DEFINED_RESPONSE of PCI-SIG: IDE_KM and TDISP."""

    CODE: ClassVar[int] = Response.VENDOR_DEFINED


def is_pci_protocol_request(raw: bytes) -> bool:
    """Whether `raw` is meant for IDE_KM or TDISP, sound or not (SEC-VDM-002)."""
    if len(raw) <= VENDOR_HEADER_SIZE or raw[1] != Request.VENDOR_DEFINED:
        return False
    prefix = VendorDefinedRequest(protocol_id=0, body=b"").encode()
    identity = slice(HEADER_SIZE, VENDOR_HEADER_SIZE - 2)
    return raw[identity] == prefix[identity] and raw[VENDOR_HEADER_SIZE] in PROTOCOL_IDS
