# SPDX-License-Identifier: Apache-2.0
"""The TSM's look at a report, and messages in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.idekm.codes import Direction
from models.idekm.describe import describe as describe_idekm
from models.idekm.messages import KeyInfo, KeyProg, KpAck, KSetGo, Query, QueryResponse
from models.tdisp.codes import ErrorCode, LockFlags, Request
from models.tdisp.codes import RangeAttributes as Attr
from models.tdisp.describe import describe, describe_report, name_of
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    BindP2pStreamRequest,
    DeviceInterfaceReportResponse,
    DeviceInterfaceState,
    ErrorResponse,
    GetDeviceInterfaceReport,
    LockInterfaceRequest,
    LockInterfaceResponse,
    Message,
    SetMmioAttributeRequest,
    StartInterfaceRequest,
    TdispCapabilities,
    TdispVersion,
)
from models.tdisp.report import DeviceInterfaceReport, MmioRange, build_report
from models.tsm.errors import PolicyError
from models.tsm.policy import Policy
from models.tsm.ports import Assignment
from models.tsm.report_check import findings
from tests.models.tdisp_world import BAR0, BAR2, World
from tests.plan import attack, covers

OFFSET = -0x10_0000
FLAGS = LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX
ASSIGNMENT = Assignment(
    0x0100,
    bars={0: BAR0, 2: BAR2},
    bar_sizes={0: 0x4000, 2: 0x20000},
    flags=FLAGS,
    mmio_reporting_offset=OFFSET,
)
WORLD = World()
GOOD = build_report(WORLD.dsm.profile, WORLD.functions[0], FLAGS, OFFSET, True)
TDI = InterfaceId.of(0x0100)


def changed(index: int, **fields: int) -> DeviceInterfaceReport:
    """GOOD with one range changed."""
    ranges = list(GOOD.ranges)
    ranges[index] = replace(ranges[index], **fields)
    return replace(GOOD, ranges=tuple(ranges))


@covers("TDISP-HOST-004")
def test_a_good_report_has_no_findings() -> None:
    assert findings(GOOD, ASSIGNMENT) == []
    Policy().check_report(GOOD, ASSIGNMENT)
    plain = build_report(WORLD.dsm.profile, WORLD.functions[0], 0, OFFSET, False)
    assert findings(plain, replace(ASSIGNMENT, flags=LockFlags(0))) == []


FIRST = GOOD.ranges[0].first_page
BAD = [
    ("reserved bits", replace(GOOD, interface_info=GOOD.interface_info | 0x20)),
    ("firmware update", replace(GOOD, interface_info=2)),
    ("no MMIO range", replace(GOOD, ranges=(), msi_x_message_control=0)),
    ("only one of", replace(GOOD, ranges=GOOD.ranges[:4])),
    ("is not locked although", replace(GOOD, ranges=GOOD.ranges[:3])),
    ("control is reported", replace(GOOD, ranges=GOOD.ranges[:3])),
    ("behind BAR2", replace(GOOD, ranges=GOOD.ranges[3:] + GOOD.ranges[:3])),
    ("twice", changed(1, first_page=FIRST)),
    ("twice", changed(0, num_pages=2)),
    ("reserved attributes", changed(2, attributes=0x10)),
    ("in non-TEE memory", changed(3, attributes=Attr.MSIX_TABLE | Attr.IS_NON_TEE_MEM)),
    ("is empty", changed(2, num_pages=0)),
    ("not assigned", changed(4, range_id=4)),
    ("outside BAR0", changed(0, first_page=FIRST - 1)),
    ("outside BAR0", changed(2, num_pages=3)),
    ("outside BAR0", changed(0, first_page=FIRST + (OFFSET >> 12))),
]


@covers("TDISP-HOST-004")
@attack("ATT-07")
@pytest.mark.parametrize(("text", "report"), BAD)
def test_each_fault_of_a_report_is_found(text: str, report: DeviceInterfaceReport) -> None:
    assert any(text in finding for finding in findings(report, ASSIGNMENT))
    with pytest.raises(PolicyError, match="TDISP-HOST-004"):
        Policy().check_report(report, ASSIGNMENT)


@covers("TDISP-HOST-004")
def test_a_range_behind_no_bar_is_left_to_the_tenant() -> None:
    assert findings(changed(2, range_id=9, first_page=1), ASSIGNMENT) == []


MESSAGES: list[tuple[Message, str]] = [
    (LockInterfaceRequest(interface=TDI, default_stream_id=1, flags=0x8005), "NO_FW_UPDATE|LOCK"),
    (GetDeviceInterfaceReport(interface=TDI, offset=16, length=32), "0x20 bytes from 0x10"),
    (BindP2pStreamRequest(interface=TDI, p2p_stream_id=2), "stream 2"),
    (SetMmioAttributeRequest(interface=TDI, mmio_range=MmioRange(1, 2, 4, 0)), "2 pages"),
    (TdispVersion(interface=TDI), "TDISP_VERSION 01:00.0: 1.0"),
    (
        TdispCapabilities(
            interface=TDI,
            req_msgs_supported=0xFE,
            lock_interface_flags_supported=0,
            dev_addr_width=52,
        ),
        "requests 0xfe, flags none, 52 address bits",
    ),
    (DeviceInterfaceReportResponse(interface=TDI, portion=b"12", remainder=3), "2 bytes, 3 left"),
    (DeviceInterfaceState(interface=TDI, state=3), "ERROR"),
    (DeviceInterfaceState(interface=TDI, state=9), "state 9"),
    (ErrorResponse(interface=TDI, error=ErrorCode.INVALID_NONCE), "INVALID_NONCE"),
    (ErrorResponse(interface=TDI, error=7, data=0x8C), "UNSUPPORTED_REQUEST, data 0x8c"),
    (ErrorResponse(interface=TDI, error=0x1234), "error 0x1234"),
    (StartInterfaceRequest(interface=InterfaceId.of(0x01FF, 2), nonce=b"n" * 32), "02:01:1f.7"),
]


@covers("TDISP-HDR-001")
@pytest.mark.parametrize(("message", "text"), MESSAGES)
def test_a_message_is_told_in_one_line(message: Message, text: str) -> None:
    line = describe(message.encode())
    assert text in line
    assert line.startswith(name_of(message.CODE))
    assert "\n" not in line


@covers("TDISP-HDR-001", "TDISP-ZERO-002")
def test_what_is_no_message_is_told_too_and_a_nonce_never() -> None:
    assert describe(b"\x10") == "TDISP message of 1 bytes"
    assert describe(bytes((0x10, 0xF0)) + bytes(14)).startswith("message 0xf0")
    assert name_of(Request.VDM_REQUEST) == "VDM_REQUEST"
    nonce = bytes(range(32))
    for message in (
        LockInterfaceResponse(interface=TDI, nonce=nonce),
        StartInterfaceRequest(interface=TDI, nonce=nonce),
    ):
        assert nonce.hex() not in describe(message.encode())


@covers("TDISP-RPT-011")
def test_a_report_is_told_line_by_line() -> None:
    lines = describe_report(GOOD)
    assert lines[0] == "INTERFACE_INFO NO_FW_UPDATE|DMA_WITHOUT_PASID, 5 ranges"
    assert "non-TEE" in lines[2]
    assert len(lines) == 6


@covers("IDEKM-KP-003", "IDEKM-SEC-001")
def test_ide_km_is_told_in_one_line_without_keys() -> None:
    info = KeyInfo(1, Direction.TX, 2)
    key = bytes(range(32))
    prog = describe_idekm(KeyProg(5, info, key).encode())
    assert prog == "KEY_PROG stream 5 K1 TX CPL"
    assert describe_idekm(KSetGo(5, KeyInfo(0, Direction.RX, 7)).encode()).endswith("sub-stream 7")
    assert describe_idekm(KpAck(5, 3, info).encode()).endswith("UNSUPPORTED_VALUE")
    assert describe_idekm(KpAck(5, 9, info).encode()).endswith("status 9")
    assert describe_idekm(Query(2).encode()) == "QUERY port 2"
    assert "8 bytes" in describe_idekm(QueryResponse(0, 0, 1, 0, 0, bytes(8)).encode())
    assert describe_idekm(b"\xff").startswith("IDE_KM object")
