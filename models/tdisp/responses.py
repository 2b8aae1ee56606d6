# SPDX-License-Identifier: Apache-2.0
"""TDISP responses."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from models.tdisp.codes import NONCE_SIZE, VERSION_1_0, ErrorCode, Request, Response
from models.tdisp.errors import DecodeError, UnknownMessageError
from models.tdisp.message import Header, Message
from models.tdisp.vendor import Registry, decode_vendor, encode_vendor

REQUEST_BASE = 0x80


def request_bitmap(requests: frozenset[Request]) -> int:
    """REQ_MSGS_SUPPORTED: bit number is the code minus 0x80 (TDISP-CAP-002, TDISP-CAP-003)."""
    return sum(1 << code - REQUEST_BASE for code in requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class TdispVersion(Message):
    """TDISP_VERSION (TDISP-VER-001)."""

    CODE: ClassVar[int] = Response.TDISP_VERSION

    versions: tuple[int, ...] = (VERSION_1_0,)  # major in bits 7:4, minor in bits 3:0

    def _payload(self) -> bytes:
        return struct.pack("<B", len(self.versions)) + bytes(self.versions)

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        if not payload or payload[0] != len(payload) - 1 or not payload[0]:
            raise DecodeError(f"TdispVersion with a payload of {len(payload)} bytes")
        return cls(**head, versions=tuple(payload[1:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class TdispCapabilities(Message):
    """TDISP_CAPABILITIES (TDISP-CAP-001)."""

    CODE: ClassVar[int] = Response.TDISP_CAPABILITIES
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<I16sH3xBBB")

    dsm_caps: int = 0
    req_msgs_supported: int  # bitmap of 128 bits
    lock_interface_flags_supported: int  # see LockFlags
    dev_addr_width: int
    num_req_this: int = 1
    num_req_all: int = 1

    def supports(self, request: Request) -> bool:
        """Whether the device implements `request`."""
        return bool(self.req_msgs_supported >> request - REQUEST_BASE & 1)

    def _payload(self) -> bytes:
        return self.LAYOUT.pack(
            self.dsm_caps,
            self.req_msgs_supported.to_bytes(16, "little"),
            self.lock_interface_flags_supported,
            self.dev_addr_width,
            self.num_req_this,
            self.num_req_all,
        )

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        dsm_caps, bitmap, flags, width, this, all_tdis = cls._unpack(cls.LAYOUT, payload)
        return cls(
            **head,
            dsm_caps=dsm_caps,
            req_msgs_supported=int.from_bytes(bitmap, "little"),
            lock_interface_flags_supported=flags,
            dev_addr_width=width,
            num_req_this=this,
            num_req_all=all_tdis,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LockInterfaceResponse(Message):
    """LOCK_INTERFACE_RESPONSE (TDISP-LOCK-018)."""

    CODE: ClassVar[int] = Response.LOCK_INTERFACE_RESPONSE
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(f"{NONCE_SIZE}s")

    nonce: bytes = field(repr=False)

    def _payload(self) -> bytes:
        if len(self.nonce) != NONCE_SIZE:
            raise struct.error(f"nonce of {len(self.nonce)} bytes")
        return self.nonce

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        return cls(**head, nonce=cls._unpack(cls.LAYOUT, payload)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInterfaceReportResponse(Message):
    """DEVICE_INTERFACE_REPORT: a portion of the report (TDISP-RPT-003)."""

    CODE: ClassVar[int] = Response.DEVICE_INTERFACE_REPORT
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<HH")

    portion: bytes
    remainder: int  # bytes of the report behind this portion

    def _payload(self) -> bytes:
        return self.LAYOUT.pack(len(self.portion), self.remainder) + self.portion

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        length, remainder = cls._unpack(cls.LAYOUT, payload[: cls.LAYOUT.size])
        portion = payload[cls.LAYOUT.size :]
        if length != len(portion):
            raise DecodeError(f"PORTION_LENGTH {length} with {len(portion)} bytes")
        return cls(**head, portion=portion, remainder=remainder)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInterfaceState(Message):
    """DEVICE_INTERFACE_STATE (TDISP-STATE-001)."""

    CODE: ClassVar[int] = Response.DEVICE_INTERFACE_STATE
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<B")

    state: int  # see TdiState

    def _payload(self) -> bytes:
        return self.LAYOUT.pack(self.state)

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        return cls(**head, state=cls._unpack(cls.LAYOUT, payload)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class StartInterfaceResponse(Message):
    """START_INTERFACE_RESPONSE."""

    CODE: ClassVar[int] = Response.START_INTERFACE_RESPONSE


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInterfaceResponse(Message):
    """STOP_INTERFACE_RESPONSE."""

    CODE: ClassVar[int] = Response.STOP_INTERFACE_RESPONSE


@dataclass(frozen=True, slots=True, kw_only=True)
class BindP2pStreamResponse(Message):
    """BIND_P2P_STREAM_RESPONSE."""

    CODE: ClassVar[int] = Response.BIND_P2P_STREAM_RESPONSE


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbindP2pStreamResponse(Message):
    """UNBIND_P2P_STREAM_RESPONSE."""

    CODE: ClassVar[int] = Response.UNBIND_P2P_STREAM_RESPONSE


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMmioAttributeResponse(Message):
    """SET_MMIO_ATTRIBUTE_RESPONSE."""

    CODE: ClassVar[int] = Response.SET_MMIO_ATTRIBUTE_RESPONSE


@dataclass(frozen=True, slots=True, kw_only=True)
class VdmResponse(Message):
    """VDM_RESPONSE."""

    CODE: ClassVar[int] = Response.VDM_RESPONSE

    registry: int = Registry.PCI_SIG
    vendor: bytes
    data: bytes = b""

    def _payload(self) -> bytes:
        return encode_vendor(self.registry, self.vendor, self.data)

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        registry, vendor, data = decode_vendor(payload)
        return cls(**head, registry=registry, vendor=vendor, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTdispConfigResponse(Message):
    """SET_TDISP_CONFIG_RESPONSE."""

    CODE: ClassVar[int] = Response.SET_TDISP_CONFIG_RESPONSE


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorResponse(Message):
    """TDISP_ERROR; extended data only with VENDOR_SPECIFIC_ERROR (TDISP-HDR-010)."""

    CODE: ClassVar[int] = Response.TDISP_ERROR
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<II")

    error: int  # see ErrorCode
    data: int = 0  # the code of the request with UNSUPPORTED_REQUEST
    extended: bytes = b""

    @property
    def name(self) -> str:
        """The name of the error code, or its number."""
        known = self.error in ErrorCode.__members__.values()
        return ErrorCode(self.error).name if known else f"error 0x{self.error:04x}"

    def _payload(self) -> bytes:
        return self.LAYOUT.pack(self.error, self.data) + self.extended

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        error, data = cls._unpack(cls.LAYOUT, payload[: cls.LAYOUT.size])
        extended = payload[cls.LAYOUT.size :]
        if extended and error != ErrorCode.VENDOR_SPECIFIC_ERROR:
            raise DecodeError(f"error 0x{error:04x} with {len(extended)} bytes of extended data")
        return cls(**head, error=error, data=data, extended=extended)


AnyResponse = (
    TdispVersion
    | TdispCapabilities
    | LockInterfaceResponse
    | DeviceInterfaceReportResponse
    | DeviceInterfaceState
    | StartInterfaceResponse
    | StopInterfaceResponse
    | BindP2pStreamResponse
    | UnbindP2pStreamResponse
    | SetMmioAttributeResponse
    | VdmResponse
    | SetTdispConfigResponse
    | ErrorResponse
)
_RESPONSES: tuple[type[AnyResponse], ...] = (
    TdispVersion,
    TdispCapabilities,
    LockInterfaceResponse,
    DeviceInterfaceReportResponse,
    DeviceInterfaceState,
    StartInterfaceResponse,
    StopInterfaceResponse,
    BindP2pStreamResponse,
    UnbindP2pStreamResponse,
    SetMmioAttributeResponse,
    VdmResponse,
    SetTdispConfigResponse,
    ErrorResponse,
)
RESPONSES: dict[int, type[AnyResponse]] = {kind.CODE: kind for kind in _RESPONSES}


def decode_response(raw: bytes) -> AnyResponse:
    """Any response; UnknownMessageError for another code, DecodeError for a wrong length."""
    code = Header.decode(raw).code
    if code not in RESPONSES:
        raise UnknownMessageError(code)
    return RESPONSES[code].decode(raw)
