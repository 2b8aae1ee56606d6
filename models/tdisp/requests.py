# SPDX-License-Identifier: Apache-2.0
"""TDISP requests."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from models.tdisp.codes import HEADER_SIZE, NONCE_SIZE, Request
from models.tdisp.errors import UnknownMessageError
from models.tdisp.message import Header, Message
from models.tdisp.report import MmioRange
from models.tdisp.vendor import Registry, decode_vendor, encode_vendor

WHOLE_REPORT = 0xFFFF  # LENGTH that asks for everything (TDISP-RPT-005)
_U32 = struct.Struct("<I")
_U8 = struct.Struct("<B")


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTdispVersion(Message):
    """GET_TDISP_VERSION; only its major version counts (TDISP-VER-003)."""

    CODE: ClassVar[int] = Request.GET_TDISP_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTdispCapabilities(Message):
    """GET_TDISP_CAPABILITIES."""

    CODE: ClassVar[int] = Request.GET_TDISP_CAPABILITIES

    tsm_caps: int = 0  # all bits reserved

    def _payload(self) -> bytes:
        return _U32.pack(self.tsm_caps)

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        return cls(**head, tsm_caps=cls._unpack(_U32, payload)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class LockInterfaceRequest(Message):
    """LOCK_INTERFACE_REQUEST (TDISP-LOCK-023)."""

    CODE: ClassVar[int] = Request.LOCK_INTERFACE_REQUEST
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<HBxqQ")

    flags: int = 0  # see LockFlags
    default_stream_id: int
    mmio_reporting_offset: int = 0  # bytes, signed, added to every reported address
    bind_p2p_address_mask: int = 0

    def _payload(self) -> bytes:
        return self.LAYOUT.pack(
            self.flags,
            self.default_stream_id,
            self.mmio_reporting_offset,
            self.bind_p2p_address_mask,
        )

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        flags, stream_id, offset, mask = cls._unpack(cls.LAYOUT, payload)
        return cls(
            **head,
            flags=flags,
            default_stream_id=stream_id,
            mmio_reporting_offset=offset,
            bind_p2p_address_mask=mask,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeviceInterfaceReport(Message):
    """GET_DEVICE_INTERFACE_REPORT (TDISP-RPT-003)."""

    CODE: ClassVar[int] = Request.GET_DEVICE_INTERFACE_REPORT
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<HH")

    offset: int = 0
    length: int = WHOLE_REPORT

    def _payload(self) -> bytes:
        return self.LAYOUT.pack(self.offset, self.length)

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        offset, length = cls._unpack(cls.LAYOUT, payload)
        return cls(**head, offset=offset, length=length)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeviceInterfaceState(Message):
    """GET_DEVICE_INTERFACE_STATE (TDISP-STATE-001)."""

    CODE: ClassVar[int] = Request.GET_DEVICE_INTERFACE_STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class StartInterfaceRequest(Message):
    """START_INTERFACE_REQUEST (TDISP-START-002)."""

    CODE: ClassVar[int] = Request.START_INTERFACE_REQUEST
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
class StopInterfaceRequest(Message):
    """STOP_INTERFACE_REQUEST (TDISP-STOP-001)."""

    CODE: ClassVar[int] = Request.STOP_INTERFACE_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class _P2pStream(Message):
    p2p_stream_id: int

    def _payload(self) -> bytes:
        return _U8.pack(self.p2p_stream_id)

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        return cls(**head, p2p_stream_id=cls._unpack(_U8, payload)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class BindP2pStreamRequest(_P2pStream):
    """BIND_P2P_STREAM_REQUEST (TDISP-P2P-001)."""

    CODE: ClassVar[int] = Request.BIND_P2P_STREAM_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbindP2pStreamRequest(_P2pStream):
    """UNBIND_P2P_STREAM_REQUEST (TDISP-P2P-001)."""

    CODE: ClassVar[int] = Request.UNBIND_P2P_STREAM_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMmioAttributeRequest(Message):
    """SET_MMIO_ATTRIBUTE_REQUEST: names a range and its new IS_NON_TEE_MEM (TDISP-MMA-001)."""

    CODE: ClassVar[int] = Request.SET_MMIO_ATTRIBUTE_REQUEST

    mmio_range: MmioRange

    def _payload(self) -> bytes:
        return self.mmio_range.encode()

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        return cls(**head, mmio_range=MmioRange.decode(payload))


@dataclass(frozen=True, slots=True, kw_only=True)
class VdmRequest(Message):
    """VDM_REQUEST (TDISP-VDM-001)."""

    CODE: ClassVar[int] = Request.VDM_REQUEST

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
class SetTdispConfigRequest(Message):
    """SET_TDISP_CONFIG of later revisions (TDISP-CFG-001)."""

    CODE: ClassVar[int] = Request.SET_TDISP_CONFIG_REQUEST

    config: int = 0  # bit 0 XT_MODE_ENABLE, bit 1 XT_BIT_FOR_LOCKED_MSIX

    def _payload(self) -> bytes:
        return _U32.pack(self.config)

    @classmethod
    def _parse(cls, head: dict[str, Any], payload: bytes) -> Self:
        return cls(**head, config=cls._unpack(_U32, payload)[0])


AnyRequest = (
    GetTdispVersion
    | GetTdispCapabilities
    | LockInterfaceRequest
    | GetDeviceInterfaceReport
    | GetDeviceInterfaceState
    | StartInterfaceRequest
    | StopInterfaceRequest
    | BindP2pStreamRequest
    | UnbindP2pStreamRequest
    | SetMmioAttributeRequest
    | VdmRequest
    | SetTdispConfigRequest
)
_REQUESTS: tuple[type[AnyRequest], ...] = (
    GetTdispVersion,
    GetTdispCapabilities,
    LockInterfaceRequest,
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    StartInterfaceRequest,
    StopInterfaceRequest,
    BindP2pStreamRequest,
    UnbindP2pStreamRequest,
    SetMmioAttributeRequest,
    VdmRequest,
    SetTdispConfigRequest,
)
REQUESTS: dict[int, type[AnyRequest]] = {kind.CODE: kind for kind in _REQUESTS}


def decode_request(raw: bytes) -> AnyRequest:
    """Any request; UnknownMessageError for another code, DecodeError for a wrong length."""
    code = Header.decode(raw).code
    if code not in REQUESTS:
        raise UnknownMessageError(code)
    return REQUESTS[code].decode(raw)


def payload_fits(code: int, raw: bytes) -> bool:
    """Whether `raw` has a length that a request of this code can have (TDISP-HDR-008)."""
    size = len(raw) - HEADER_SIZE
    return size >= 2 if code == Request.VDM_REQUEST else size == PAYLOAD_SIZES[code]


PAYLOAD_SIZES: dict[int, int] = {
    Request.GET_TDISP_VERSION: 0,
    Request.GET_TDISP_CAPABILITIES: 4,
    Request.LOCK_INTERFACE_REQUEST: 20,
    Request.GET_DEVICE_INTERFACE_REPORT: 4,
    Request.GET_DEVICE_INTERFACE_STATE: 0,
    Request.START_INTERFACE_REQUEST: NONCE_SIZE,
    Request.STOP_INTERFACE_REQUEST: 0,
    Request.BIND_P2P_STREAM_REQUEST: 1,
    Request.UNBIND_P2P_STREAM_REQUEST: 1,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: 16,
    Request.SET_TDISP_CONFIG_REQUEST: 4,
}
