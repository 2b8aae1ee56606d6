# SPDX-License-Identifier: Apache-2.0
"""TDISP messages, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tdisp.codes import ErrorCode, LockFlags, RangeAttributes, Request, Response, TdiState
from models.tdisp.errors import DecodeError, EncodeError, TdispError, UnknownMessageError
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    PAYLOAD_SIZES,
    REQUESTS,
    RESPONSES,
    BindP2pStreamRequest,
    BindP2pStreamResponse,
    DeviceInterfaceReportResponse,
    DeviceInterfaceState,
    ErrorResponse,
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    LockInterfaceRequest,
    LockInterfaceResponse,
    Message,
    SetMmioAttributeRequest,
    SetMmioAttributeResponse,
    SetTdispConfigRequest,
    SetTdispConfigResponse,
    StartInterfaceRequest,
    StartInterfaceResponse,
    StopInterfaceRequest,
    StopInterfaceResponse,
    TdispCapabilities,
    TdispVersion,
    UnbindP2pStreamRequest,
    UnbindP2pStreamResponse,
    VdmRequest,
    VdmResponse,
    decode_request,
    decode_response,
    payload_fits,
    request_bitmap,
)
from models.tdisp.profile import MANDATORY
from models.tdisp.report import DeviceInterfaceReport, MmioRange, reported_page
from tests.plan import covers

TDI = InterfaceId.of(0x0100)
NONCE = bytes(range(32))
OPTIONAL = {
    Request.BIND_P2P_STREAM_REQUEST,
    Request.UNBIND_P2P_STREAM_REQUEST,
    Request.SET_MMIO_ATTRIBUTE_REQUEST,
}
REPORT = DeviceInterfaceReport(
    interface_info=3,
    msi_x_message_control=0x8003,
    ranges=(
        MmioRange(0, 4, 0, 0),
        MmioRange(0x10, 16, RangeAttributes.MSIX_TABLE, 0),
        MmioRange(0x20, 16, RangeAttributes.MSIX_PBA, 0),
    ),
    device_specific_info=bytes((1, 2, 3, 4)),
)
HEAD = "00010000 00000000 00000000"
REPORT_HEX = (
    "03000000 03800000 00000000 03000000 00000000 00000000 04000000 00000000 10000000 00000000"
    "10000000 01000000 20000000 00000000 10000000 02000000 04000000 01020304"
)

VECTORS: list[tuple[Message, str]] = [
    (GetTdispVersion(interface=TDI), f"10810000 {HEAD}"),
    (TdispVersion(interface=TDI), f"10010000 {HEAD} 0110"),
    (GetTdispCapabilities(interface=TDI), f"10820000 {HEAD} 00000000"),
    (
        TdispCapabilities(
            interface=TDI,
            req_msgs_supported=request_bitmap(MANDATORY | OPTIONAL),
            lock_interface_flags_supported=0x1F,
            dev_addr_width=52,
        ),
        f"10020000 {HEAD} 00000000 fe070000 00000000 00000000 00000000 1f000000 00340101",
    ),
    (
        LockInterfaceRequest(
            interface=TDI,
            flags=LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX,
            default_stream_id=1,
            mmio_reporting_offset=-0x80000000,
        ),
        f"10830000 {HEAD} 05000100 00000080 ffffffff 00000000 00000000",
    ),
    (LockInterfaceResponse(interface=TDI, nonce=NONCE), f"10030000 {HEAD} {NONCE.hex()}"),
    (GetDeviceInterfaceReport(interface=TDI), f"10840000 {HEAD} 0000ffff"),
    (
        DeviceInterfaceReportResponse(interface=TDI, portion=REPORT.encode(), remainder=0),
        f"10040000 {HEAD} 48000000 {REPORT_HEX}",
    ),
    (
        DeviceInterfaceReportResponse(interface=TDI, portion=REPORT.encode()[:32], remainder=40),
        f"10040000 {HEAD} 20002800 {REPORT_HEX[:71]}",
    ),
    (GetDeviceInterfaceState(interface=TDI), f"10850000 {HEAD}"),
    (DeviceInterfaceState(interface=TDI, state=TdiState.RUN), f"10050000 {HEAD} 02"),
    (StartInterfaceRequest(interface=TDI, nonce=NONCE), f"10860000 {HEAD} {NONCE.hex()}"),
    (StartInterfaceResponse(interface=TDI), f"10060000 {HEAD}"),
    (StopInterfaceRequest(interface=TDI), f"10870000 {HEAD}"),
    (StopInterfaceResponse(interface=TDI), f"10070000 {HEAD}"),
    (BindP2pStreamRequest(interface=TDI, p2p_stream_id=2), f"10880000 {HEAD} 02"),
    (
        SetMmioAttributeRequest(
            interface=TDI, mmio_range=MmioRange(0, 4, RangeAttributes.IS_NON_TEE_MEM, 0)
        ),
        f"108a0000 {HEAD} 00000000 00000000 04000000 04000000",
    ),
    (
        ErrorResponse(interface=TDI, error=ErrorCode.INVALID_INTERFACE_STATE),
        f"107f0000 {HEAD} 04000000 00000000",
    ),
    (
        ErrorResponse(interface=TDI, error=ErrorCode.UNSUPPORTED_REQUEST, data=0x8C),
        f"107f0000 {HEAD} 07000000 8c000000",
    ),
    (
        ErrorResponse(interface=TDI, error=ErrorCode.INVALID_NONCE),
        f"107f0000 {HEAD} 02010000 00000000",
    ),
    (
        ErrorResponse(interface=TDI, error=ErrorCode.INVALID_DEVICE_CONFIGURATION),
        f"107f0000 {HEAD} 04010000 00000000",
    ),
]

u8, u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32, 64))
ids = st.builds(InterfaceId, u32, st.binary(min_size=8, max_size=8))
ranges = st.builds(MmioRange, u64, u32, u16, u16)
short = st.binary(max_size=40)
nonces = st.binary(min_size=32, max_size=32)
FIELDS: dict[type[Message], dict[str, st.SearchStrategy[object]]] = {
    GetTdispCapabilities: {"tsm_caps": u32},
    LockInterfaceRequest: {
        "flags": u16,
        "default_stream_id": u8,
        "mmio_reporting_offset": st.integers(-(1 << 63), (1 << 63) - 1),
        "bind_p2p_address_mask": u64,
    },
    GetDeviceInterfaceReport: {"offset": u16, "length": u16},
    StartInterfaceRequest: {"nonce": nonces},
    BindP2pStreamRequest: {"p2p_stream_id": u8},
    UnbindP2pStreamRequest: {"p2p_stream_id": u8},
    SetMmioAttributeRequest: {"mmio_range": ranges},
    VdmRequest: {"registry": u8, "vendor": short, "data": short},
    SetTdispConfigRequest: {"config": u32},
    TdispVersion: {"versions": st.lists(u8, min_size=1, max_size=4).map(tuple)},
    TdispCapabilities: {
        "dsm_caps": u32,
        "req_msgs_supported": st.integers(0, (1 << 128) - 1),
        "lock_interface_flags_supported": u16,
        "dev_addr_width": u8,
        "num_req_this": u8,
        "num_req_all": u8,
    },
    LockInterfaceResponse: {"nonce": nonces},
    DeviceInterfaceReportResponse: {"portion": short, "remainder": u16},
    DeviceInterfaceState: {"state": u8},
    VdmResponse: {"registry": u8, "vendor": short, "data": short},
    ErrorResponse: {"error": u32, "data": u32},
}
KINDS = (*REQUESTS.values(), *RESPONSES.values())


def any_message(kind: type[Message]) -> st.SearchStrategy[Message]:
    return st.builds(kind, interface=ids, version=u8, **FIELDS.get(kind, {}))


messages = st.sampled_from(KINDS).flatmap(any_message)


@covers("TDISP-HDR-001", "TDISP-CAP-001", "TDISP-VER-001")
@pytest.mark.parametrize(("message", "text"), VECTORS)
def test_messages_have_their_bytes(message: Message, text: str) -> None:
    raw = bytes.fromhex(text.replace(" ", ""))
    assert message.encode() == raw
    decode = decode_request if raw[1] & 0x80 else decode_response
    assert decode(raw) == message


@covers("TDISP-HDR-001")
@given(messages)
def test_a_message_decodes_to_what_was_encoded(message: Message) -> None:
    assert type(message).decode(message.encode()) == message


@covers("TDISP-HDR-008")
@given(messages)
def test_a_message_without_its_last_byte_is_refused(message: Message) -> None:
    raw = message.encode()
    try:
        shorter = type(message).decode(raw[:-1])
    except DecodeError:
        return
    assert isinstance(message, VdmRequest | VdmResponse)
    assert shorter != message


@covers("TDISP-HDR-008")
@given(messages)
def test_a_message_with_one_byte_more_is_refused(message: Message) -> None:
    try:
        longer = type(message).decode(message.encode() + b"\0")
    except DecodeError:
        return
    vendor = isinstance(message, ErrorResponse) and message.error == 0xFF
    assert vendor or isinstance(message, VdmRequest | VdmResponse)
    assert longer != message


@covers("TDISP-HDR-008")
@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_refused(raw: bytes) -> None:
    for decode in (decode_request, decode_response):
        try:
            message = decode(raw)
        except TdispError:
            continue
        assert len(message.encode()) == len(raw)


@covers("TDISP-HDR-002")
@given(any_message(LockInterfaceRequest), st.data())
def test_reserved_bytes_are_ignored(message: Message, data: st.DataObject) -> None:
    raw = bytearray(message.encode())
    for at in (2, 3, 19):
        raw[at] = data.draw(u8)
    assert LockInterfaceRequest.decode(bytes(raw)) == message


@covers("TDISP-HDR-008")
@pytest.mark.parametrize("code", PAYLOAD_SIZES)
def test_each_request_has_one_size(code: int) -> None:
    right = 16 + PAYLOAD_SIZES[code]
    for size in range(16, 80):
        assert payload_fits(code, bytes(size)) == (size == right)


@covers("TDISP-HDR-008")
def test_a_vendor_request_has_at_least_registry_and_length() -> None:
    assert [payload_fits(Request.VDM_REQUEST, bytes(n)) for n in (17, 18, 99)] == [0, 1, 1]
    cut = VdmRequest(interface=TDI, vendor=b"\x01\x02").encode()[:-1]
    with pytest.raises(DecodeError):
        decode_request(cut)


@covers("TDISP-HDR-004", "TDISP-HOST-008")
@pytest.mark.parametrize("code", sorted(set(range(256)) - set(REQUESTS) - set(RESPONSES)))
def test_an_unknown_code_is_told_apart(code: int) -> None:
    raw = bytes((0x10, code)) + bytes(14)
    for decode in (decode_request, decode_response):
        with pytest.raises(UnknownMessageError):
            decode(raw)


@covers("TDISP-HDR-006")
def test_a_segment_counts_only_when_it_is_valid() -> None:
    assert InterfaceId.of(0x0100, 7).encode().hex() == "00010701" + "00" * 8
    assert InterfaceId.of(0x0100, 7).segment == 7
    assert InterfaceId(0x0007_0100).segment is None
    assert InterfaceId(0xFF07_0100).echo().function_id == 0xFF07_0100
    for rid, segment in ((0x10000, None), (-1, None), (0, 256)):
        with pytest.raises(EncodeError):
            InterfaceId.of(rid, segment)


@covers("TDISP-HDR-001")
def test_what_does_not_fit_is_refused() -> None:
    for message in (
        LockInterfaceRequest(interface=TDI, default_stream_id=256),
        StartInterfaceRequest(interface=TDI, nonce=bytes(31)),
        BindP2pStreamRequest(interface=TDI, p2p_stream_id=-1),
        GetTdispVersion(interface=InterfaceId(0, bytes(7))),
        VdmRequest(interface=TDI, vendor=bytes(256)),
        SetMmioAttributeRequest(interface=TDI, mmio_range=MmioRange(-1, 0, 0, 0)),
    ):
        with pytest.raises(EncodeError):
            message.encode()


@covers("TDISP-START-002", "TDISP-ZERO-002")
def test_a_nonce_does_not_show_in_the_text_of_its_message() -> None:
    for message in (
        StartInterfaceRequest(interface=TDI, nonce=NONCE),
        LockInterfaceResponse(interface=TDI, nonce=NONCE),
    ):
        assert "nonce" not in repr(message)


@covers("TDISP-RPT-007")
def test_offset_arithmetic_wraps_at_64_bits() -> None:
    assert reported_page(0x1000004000, 0xFFFFFFF000000000) == 4
    assert reported_page(0xD0000000, 0xFFFFFFFF30000000) == 0
    assert reported_page(0xD0000000, -0xD0000000) == 0
    assert reported_page(0xFFFFFFFFFFFFF000, 0x2000) == 1


@covers("TDISP-RPT-007", "TDISP-RPT-013")
@given(
    st.builds(
        DeviceInterfaceReport, u16, u16, u16, u32, st.lists(ranges, max_size=6).map(tuple), short
    )
)
def test_a_report_decodes_to_what_was_encoded(report: DeviceInterfaceReport) -> None:
    raw = report.encode()
    assert DeviceInterfaceReport.decode(raw) == report
    for wrong in (raw[:-1], raw + b"\0"):
        with pytest.raises(DecodeError):
            DeviceInterfaceReport.decode(wrong)


@covers("TDISP-RPT-003")
def test_a_report_fits_its_16_bit_offset() -> None:
    with pytest.raises(EncodeError):
        DeviceInterfaceReport(0, device_specific_info=bytes(0xFFFF)).encode()
    with pytest.raises(DecodeError):
        DeviceInterfaceReport.decode(bytes.fromhex("00" * 12 + "ffffffff" + "00" * 4))


@covers("TDISP-HDR-001")
def test_every_code_has_its_message() -> None:
    assert set(REQUESTS) == set(Request)
    assert set(RESPONSES) == set(Response)
    empty = (
        StartInterfaceResponse,
        BindP2pStreamResponse,
        UnbindP2pStreamResponse,
        SetMmioAttributeResponse,
        SetTdispConfigResponse,
    )
    assert all(len(kind(interface=TDI).encode()) == 16 for kind in empty)
