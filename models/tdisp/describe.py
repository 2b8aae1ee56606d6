# SPDX-License-Identifier: Apache-2.0
"""A TDISP message in one line. Nonces are never shown (TDISP-ZERO-002)."""

from __future__ import annotations

from enum import IntEnum

from models.tdisp.codes import InterfaceInfo, LockFlags, Request, Response, TdiState
from models.tdisp.errors import TdispError
from models.tdisp.message import Header, Message
from models.tdisp.messages import (
    BindP2pStreamRequest,
    DeviceInterfaceReportResponse,
    DeviceInterfaceState,
    ErrorResponse,
    GetDeviceInterfaceReport,
    LockInterfaceRequest,
    SetMmioAttributeRequest,
    TdispCapabilities,
    TdispVersion,
    UnbindP2pStreamRequest,
    decode_request,
    decode_response,
)
from models.tdisp.report import DeviceInterfaceReport

REQUEST_BIT = 0x80


def name_of(code: int) -> str:
    """The name of a message code, or its number."""
    kinds: type[IntEnum] = Request if code & REQUEST_BIT else Response
    return kinds(code).name if code in list(kinds) else f"message 0x{code:02x}"


def flags_text(flags: int) -> str:
    """LOCK flags by name."""
    names = [flag.name or "" for flag in LockFlags if flags & flag]
    rest = flags & ~sum(LockFlags)
    return "|".join(names + ([f"{rest:#x}"] if rest else [])) or "none"


def describe(raw: bytes) -> str:
    """`raw` begins with TDISPVersion, behind the protocol id."""
    try:
        header = Header.decode(raw)
    except TdispError:
        return f"TDISP message of {len(raw)} bytes"
    name = f"{name_of(header.code)} {header.interface}"
    try:
        message: Message = (decode_request if header.code & REQUEST_BIT else decode_response)(raw)
    except TdispError as error:
        return f"{name}: {error}"
    detail = _detail(message)
    return f"{name}: {detail}" if detail else name


def _detail(message: Message) -> str:
    if isinstance(message, LockInterfaceRequest):
        return (
            f"stream {message.default_stream_id}, flags {flags_text(message.flags)}, "
            f"offset {message.mmio_reporting_offset:#x}"
        )
    if isinstance(message, GetDeviceInterfaceReport):
        return f"{message.length:#x} bytes from {message.offset:#x}"
    if isinstance(message, BindP2pStreamRequest | UnbindP2pStreamRequest):
        return f"stream {message.p2p_stream_id}"
    if isinstance(message, SetMmioAttributeRequest):
        wanted = message.mmio_range
        return f"page {wanted.first_page:#x}, {wanted.num_pages} pages, {wanted.attributes:#x}"
    return _response_detail(message)


def _response_detail(message: Message) -> str:
    if isinstance(message, TdispVersion):
        return ", ".join(f"{v >> 4}.{v & 0xF}" for v in message.versions)
    if isinstance(message, TdispCapabilities):
        return (
            f"requests {message.req_msgs_supported:#x}, "
            f"flags {flags_text(message.lock_interface_flags_supported)}, "
            f"{message.dev_addr_width} address bits"
        )
    if isinstance(message, DeviceInterfaceReportResponse):
        return f"{len(message.portion)} bytes, {message.remainder} left"
    if isinstance(message, DeviceInterfaceState):
        known = message.state in list(TdiState)
        return TdiState(message.state).name if known else f"state {message.state}"
    if isinstance(message, ErrorResponse):
        return message.name + (f", data {message.data:#x}" if message.data else "")
    return ""


def describe_report(report: DeviceInterfaceReport) -> list[str]:
    """A report, one line for its head and one for each range."""
    info = [flag.name or "" for flag in InterfaceInfo if report.interface_info & flag]
    lines = [f"INTERFACE_INFO {'|'.join(info) or 'none'}, {len(report.ranges)} ranges"]
    for item in report.ranges:
        kind = "non-TEE" if item.is_non_tee else "TEE"
        lines.append(
            f"range {item.range_id}: page {item.first_page:#x}, {item.num_pages} pages, "
            f"{kind}, attributes {item.attributes:#x}"
        )
    return lines
