# SPDX-License-Identifier: Apache-2.0
"""The host's side against devices that answer wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.device.config import DEFAULT_PROFILE
from models.doe.codes import ObjectType
from models.doe.objects import DataObject, DiscoveryResponse
from models.idekm.codes import Direction
from models.idekm.errors import IdeKmError
from models.idekm.messages import KeyInfo, KGoStopAck, KpAck, QueryResponse
from models.idekm.requester import IdeKmRequester, KeyRefusedError
from models.tdisp.codes import LockFlags
from models.tdisp.errors import TdispError
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    DeviceInterfaceReportResponse,
    DeviceInterfaceState,
    ErrorResponse,
    StopInterfaceResponse,
    TdispCapabilities,
    TdispVersion,
)
from models.tdisp.profile import MANDATORY
from models.tdisp.requester import RefusedError, TdispRequester, UnexpectedAnswerError
from models.tdisp.responses import request_bitmap
from models.tsm.errors import PolicyError, TsmError
from models.tsm.policy import Policy, blocks
from models.tsm.trace import TraceKind, describe_object
from tests.hits import sample
from tests.models.life_cycle_parties import Bench, run
from tests.plan import covers

TDI = InterfaceId.of(0x0100)
INFO = KeyInfo(0, Direction.RX, 0)
WRONG_INFO = KeyInfo(1, Direction.RX, 0)


class Canned:
    """A session that gives the same answers whatever it is asked."""

    def __init__(self, *answers: bytes | None) -> None:
        self._answers = list(answers)

    async def vendor_defined(self, protocol_id: int, body: bytes, /) -> bytes | None:
        return self._answers.pop(0)


def requester(*answers: bytes | None) -> TdispRequester:
    return TdispRequester(Canned(*answers), TDI)


@covers("TDISP-HOST-008", "TDISP-HDR-007")
@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        StopInterfaceResponse(interface=TDI, version=0x11).encode(),
        StopInterfaceResponse(interface=InterfaceId.of(0x0101)).encode(),
        StopInterfaceResponse(interface=TDI).encode() + b"\0",
        DeviceInterfaceState(interface=TDI, state=0).encode(),
        bytes((0x10, 0x55)) + bytes(14),
        bytes((0x10, 0x87)) + bytes(14),
    ],
)
def test_an_answer_that_does_not_belong_to_the_request_is_a_failure(answer: bytes | None) -> None:
    with pytest.raises(TdispError):
        run(requester(answer).stop())
    code = f"code {answer[1]:#04x}" if answer and len(answer) > 1 else "none"
    sample("rule", "answer to STOP_INTERFACE_REQUEST", code, "any", "failure")


@covers("TDISP-HOST-008")
def test_a_refusal_names_its_error() -> None:
    answer = ErrorResponse(interface=TDI, error=0x0004, data=0).encode()
    with pytest.raises(RefusedError, match="INVALID_INTERFACE_STATE") as caught:
        run(requester(answer).stop())
    assert (caught.value.error, caught.value.data) == (4, 0)


@covers("TDISP-VER-001", "TDISP-STATE-001")
def test_a_version_or_state_that_nobody_knows_is_a_failure() -> None:
    with pytest.raises(UnexpectedAnswerError, match="versions 20"):
        run(requester(TdispVersion(interface=TDI, versions=(0x20,)).encode()).version())
    with pytest.raises(TdispError, match="TDI_STATE 4"):
        run(requester(DeviceInterfaceState(interface=TDI, state=4).encode()).state())


def portion(data: bytes, remainder: int) -> bytes:
    return DeviceInterfaceReportResponse(interface=TDI, portion=data, remainder=remainder).encode()


@covers("TDISP-RPT-003", "TDISP-HOST-004")
@pytest.mark.parametrize(
    "answers",
    [
        (portion(b"", 8),),
        (portion(bytes(65), 0),),
        (portion(bytes(64), 8), portion(bytes(8), 8)),
        (portion(bytes(64), 8), portion(bytes(4), 8)),
        (portion(bytes(16), 0),),
    ],
)
def test_portions_that_do_not_fit_together_are_a_failure(answers: tuple[bytes, ...]) -> None:
    with pytest.raises(TdispError):
        run(requester(*answers).report())


@covers("IDEKM-KP-003", "TDISP-HOST-002")
def test_ide_km_answers_are_checked() -> None:
    wrong: list[bytes | None] = [
        None,
        b"",
        KGoStopAck(5, INFO).encode(),
        KpAck(5, 0, INFO, 1).encode(),
        KpAck(6, 0, INFO).encode(),
        KpAck(5, 0, WRONG_INFO).encode(),
    ]
    for answer in wrong:
        with pytest.raises(IdeKmError):
            run(IdeKmRequester(Canned(answer)).program(5, INFO, bytes(32)))
    for status in (1, 2, 3, 4, 99):
        refusal = KpAck(5, status, INFO).encode()
        with pytest.raises(KeyRefusedError) as caught:
            run(IdeKmRequester(Canned(refusal)).program(5, INFO, bytes(32)))
        assert caught.value.status == status
    for answer in (None, KGoStopAck(5, WRONG_INFO).encode(), KpAck(5, 0, INFO).encode()):
        with pytest.raises(IdeKmError):
            run(IdeKmRequester(Canned(answer)).go(5, INFO))


@covers("TDISP-HOST-002")
def test_query_answers_are_checked() -> None:
    bench = Bench()
    registers = bench.device.ide_registers()
    answer = QueryResponse(0, 0x00, 0x01, 0, 0, registers)
    policy = Policy()
    policy.check_query(answer, 0x0100, registers)
    with pytest.raises(PolicyError, match="port is 01:00"):
        policy.check_query(answer, 0x0101, registers)
    for bit in (1, 6):
        lacking = bytes((registers[0] & ~(1 << bit),)) + registers[1:]
        with pytest.raises(PolicyError, match="lacks"):
            policy.check_query(replace(answer, registers=lacking), 0x0100, lacking)
    with pytest.raises(PolicyError, match="end early"):
        list(blocks(registers[:40]))
    with pytest.raises(PolicyError, match="differs"):
        policy.check_query(replace(answer, registers=b""), 0x0100, registers)


@covers("TDISP-HOST-002")
def test_blocks_behind_link_ide_blocks_are_found() -> None:
    registers = bytearray(Bench().device.ide_registers())
    registers[0] |= 1
    registers[1] |= 1 << 5  # two traffic classes
    with_link = bytes(registers[:8]) + bytes(16) + bytes(registers[8:])
    assert [block.stream_id for block in blocks(with_link)] == [5, 6]


@covers("TDISP-HOST-002")
def test_a_stream_with_another_traffic_class_is_refused() -> None:
    bench = Bench()
    registers = bytearray(bench.device.ide_registers())
    registers[12 + 2] |= 1 << 3  # TC 1
    with pytest.raises(PolicyError, match="set up wrongly"):
        Policy().check_stream(bytes(registers), 5)


@covers("TDISP-CAP-002")
def test_a_dsm_without_a_mandatory_request_is_refused() -> None:
    for lacking in MANDATORY:
        answer = TdispCapabilities(
            interface=TDI,
            req_msgs_supported=request_bitmap(MANDATORY - {lacking}),
            lock_interface_flags_supported=5,
            dev_addr_width=64,
        )
        with pytest.raises(PolicyError, match=lacking.name):
            Policy().check_interface(answer, LockFlags(0))


def discovery(vendor: int, kind: int, next_index: int) -> Callable[[bytes | None], bytes]:
    return lambda _: DiscoveryResponse(vendor, kind, next_index).encode()


@covers("DOE-DSC-001", "TDISP-HOST-001", "TDISP-HOST-009")
@pytest.mark.parametrize(
    "answer",
    [
        lambda _: None,
        lambda _: b"\0",
        lambda _: DataObject(ObjectType.SPDM, bytes(4)).encode(),
        lambda _: DataObject(ObjectType.DISCOVERY, bytes(8)).encode(),
        discovery(1, 0, 0),
        discovery(1, 1, 1),
        discovery(0xFFFF, 0xFF, 0),
    ],
)
def test_a_mailbox_that_lists_nothing_useful_is_refused(
    answer: Callable[[bytes | None], bytes | None],
) -> None:
    bench = Bench()
    bench.transport.answer = answer
    with pytest.raises(TsmError):
        run(bench.to_run())
    assert not [line for line in bench.lines(TraceKind.REQUEST) if "SPDM" in line]


@covers("TDISP-HOST-009")
def test_steps_out_of_order_are_refused() -> None:
    bench = Bench()
    with pytest.raises(TsmError, match="no session"):
        run(bench.tsm.protect(5, bench.host.pf_rid))
    with pytest.raises(TsmError, match="no session"):
        run(bench.tsm.attach(bench.assignment()))


@covers("TDISP-HOST-001")
def test_objects_are_told_in_words() -> None:
    assert describe_object(b"") == "object of 0 bytes"
    assert describe_object(DataObject(7, b"").encode()) == "DOE type 7"
    unknown = DataObject(ObjectType.SPDM, b"\x12\x99\x00\x00").encode()
    assert describe_object(unknown) == "SPDM code 0x99"
    record = DataObject(ObjectType.SECURED_SPDM, bytes((1, 0, 2, 0)) + bytes(8)).encode()
    assert describe_object(record) == "record, session 00020001, 12 bytes"


@covers("IDEKM-QRY-002")
def test_a_requester_that_uses_another_port_index_can_be_served() -> None:
    profile = replace(DEFAULT_PROFILE, port_aliases=frozenset({1}))
    bench = Bench(profile)

    async def life() -> None:
        await bench.tsm.connect()
        session = bench.tsm.session
        assert session is not None
        answer = await IdeKmRequester(session, 1).query()
        assert answer.port_index == 1

    run(life())
