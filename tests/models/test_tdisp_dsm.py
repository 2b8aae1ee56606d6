# SPDX-License-Identifier: Apache-2.0
"""The reference DSM: sequences, sessions, identity, events and prediction."""

from __future__ import annotations

import pytest

from models.device.config import project_dsm
from models.tdisp.codes import HEADER_SIZE, ErrorCause, ErrorCode, Request, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    ErrorResponse,
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    LockInterfaceResponse,
    Message,
    StopInterfaceRequest,
    TdispCapabilities,
    decode_response,
)
from models.tdisp.profile import MANDATORY, DsmProfile
from models.tdisp.table import Event
from tests.hits import sample
from tests.models.tdisp_world import (
    FOREIGN,
    OTHER_STREAM,
    SESSION,
    STREAM,
    World,
    name,
)
from tests.plan import attack, covers

U, L, R, E = TdiState
INV_STATE = "7f/0004"
# start, sequence, responses, end
SEQUENCES = [
    (U, "STOP", "07", U),
    (U, "START", INV_STATE, U),
    (U, "REPORT", INV_STATE, U),
    (U, "LOCK LOCK", f"03 {INV_STATE}", L),
    (L, "START(wrong) START", "7f/0102 06", R),
    (R, "START", INV_STATE, R),
    (R, "FLR STATE STOP STATE", "- 05(3) 07 05(0)", U),
    (R, "RESET STATE", "- 05(0)", U),
    (L, "BME STATE", "- 05(3)", E),
    (E, "REPORT START(old) LOCK", f"{INV_STATE} {INV_STATE} {INV_STATE}", E),
    (L, "STOP LOCK START(old)", "07 03 7f/0102", L),
    (R, "VERSION STATE", "01 05(2)", R),
]


def text(raw: bytes) -> str:
    """A response as in SEQUENCES."""
    if raw[1] == 0x7F:
        return f"7f/{int.from_bytes(raw[16:20], 'little'):04x}"
    return f"05({raw[16]})" if raw[1] == 0x05 else f"{raw[1]:02x}"


def play(world: World, step: str, nonces: list[bytes]) -> str:
    requests: dict[str, Message] = {
        "STOP": world.stop_request(),
        "START": world.start_request(nonces[-1]),
        "START(old)": world.start_request(nonces[0]),
        "START(wrong)": world.start_request(bytes(32)),
        "LOCK": world.lock_request(),
        "REPORT": GetDeviceInterfaceReport(interface=name(0)),
        "STATE": world.state_request(),
        "VERSION": GetTdispVersion(interface=name(0)),
    }
    if step == "FLR":
        world.dsm.flr(0)
    elif step == "RESET":
        world.dsm.conventional_reset()
    elif step == "BME":
        world.dsm.config_change(0, ErrorCause.COMMAND)
    if step not in requests:
        return "-"
    raw = world.dsm.handle(SESSION, requests[step].encode())
    answer = decode_response(raw)
    if isinstance(answer, LockInterfaceResponse):
        nonces.append(answer.nonce)
    return text(raw)


@covers(
    "TDISP-STOP-001",
    "TDISP-START-003",
    "TDISP-FSM-004",
    "TDISP-FSM-014",
    "TDISP-FSM-018",
    "TDISP-LOCK-001",
    "TDISP-VER-002",
)
@pytest.mark.parametrize(("start", "sequence", "responses", "end"), SEQUENCES)
def test_sequences_give_their_responses(
    start: TdiState, sequence: str, responses: str, end: TdiState
) -> None:
    world = World()
    nonces = [world.bring_to(start)]
    assert [play(world, step, nonces) for step in sequence.split()] == responses.split()
    assert world.state() is end


# ---------------------------------------------------------------------- header and identity


@covers("TDISP-HDR-008")
@pytest.mark.parametrize("size", range(HEADER_SIZE))
def test_a_message_without_whole_header_is_invalid(size: int) -> None:
    world = World()
    raw = world.dsm.handle(SESSION, world.stop_request().encode()[:size])
    assert decode_response(raw) == ErrorResponse(
        interface=InterfaceId(0), error=ErrorCode.INVALID_REQUEST
    )


@covers("TDISP-HDR-003", "TDISP-VER-003")
@pytest.mark.parametrize("version", range(256))
def test_only_version_1_0_is_spoken(version: int) -> None:
    world = World()
    request = GetDeviceInterfaceState(interface=name(0), version=version)
    if version == 0x10:
        assert text(world.dsm.handle(SESSION, request.encode())) == "05(0)"
    else:
        assert world.error(request) is ErrorCode.VERSION_MISMATCH
    hello = GetTdispVersion(interface=name(0), version=version)
    raw = world.dsm.handle(SESSION, hello.encode())
    assert text(raw) == ("01" if version >> 4 == 1 else "7f/0041")
    assert raw[0] == 0x10


@covers("TDISP-HDR-004", "TDISP-HDR-009", "TDISP-VDM-001", "TDISP-CFG-002", "TDISP-P2P-007")
@pytest.mark.parametrize("code", sorted(set(range(256)) - set(MANDATORY)))
def test_what_is_not_supported_is_named(code: int) -> None:
    world = World(project_dsm(4, mmio_attribute=False, p2p=False))
    world.bring_to(R)
    raw = bytearray(world.state_request().encode())
    raw[1] = code
    answer = decode_response(world.dsm.handle(SESSION, bytes(raw)))
    assert answer == ErrorResponse(
        interface=name(0), error=ErrorCode.UNSUPPORTED_REQUEST, data=code
    )
    assert world.state() is R
    if code in list(Request):
        sample("rule", "not built", Request(code).name, "any", ErrorCode.UNSUPPORTED_REQUEST.name)


@covers("TDISP-HDR-005", "TDISP-HDR-007")
@pytest.mark.parametrize("code", sorted(MANDATORY))
def test_an_unknown_interface_is_refused_for_every_request(code: Request) -> None:
    world = World()
    world.functions[2].present = False
    for rid in (0x0104, 0x0200, 0x0102):
        raw = bytes((0x10, code, 0, 0)) + InterfaceId.of(rid).encode() + bytes(32)
        answer = decode_response(world.dsm.handle(SESSION, raw))
        assert answer == ErrorResponse(
            interface=InterfaceId.of(rid), error=ErrorCode.INVALID_INTERFACE
        )
        assert ErrorCode.INVALID_INTERFACE in world.dsm.acceptable_error_codes(SESSION, raw)


@covers("TDISP-HDR-006")
def test_a_valid_segment_must_be_the_devices_own() -> None:
    world = World()
    request = GetDeviceInterfaceState(interface=InterfaceId.of(0x0100, 3))
    assert text(world.dsm.handle(SESSION, request.encode())) == "05(0)"
    world.segment = 2
    assert world.error(request) is ErrorCode.INVALID_INTERFACE
    world.segment = 3
    assert text(world.dsm.handle(SESSION, request.encode())) == "05(0)"
    world.segment = 2
    not_valid = GetDeviceInterfaceState(interface=InterfaceId(0x0003_0100))
    assert text(world.dsm.handle(SESSION, not_valid.encode())) == "05(0)"
    sample("rule", "INTERFACE_ID", "another valid segment", "any", "INVALID_INTERFACE")
    sample("rule", "INTERFACE_ID", "a segment that is not valid", "any", "taken")


@covers("TDISP-HDR-002", "TDISP-HDR-007")
def test_reserved_bytes_are_ignored_and_sent_as_0() -> None:
    world = World()
    raw = bytearray(world.stop_request().encode())
    raw[2:4] = b"\xff\xff"
    raw[8:16] = b"\xff" * 8
    assert world.dsm.handle(SESSION, bytes(raw)) == bytes.fromhex("1007000000010000" + "00" * 8)


@covers("TDISP-HDR-008")
@pytest.mark.parametrize("code", sorted(MANDATORY))
def test_a_wrong_length_is_refused_without_effect(code: Request) -> None:
    sizes = {0x82: 20, 0x83: 36, 0x84: 20, 0x86: 48}
    world = World()
    for state in TdiState:
        if state is not U:
            world.bring_to(state)
        head = bytes((0x10, code, 0, 0)) + name(0).encode()
        for size in set(range(16, 64)) - {sizes.get(code, 16)}:
            answer = decode_response(world.dsm.handle(SESSION, head + bytes(size - 16)))
            assert isinstance(answer, ErrorResponse)
            assert answer.error == ErrorCode.INVALID_REQUEST
            assert world.state() is state
        world.send(world.stop_request())


@covers("TDISP-CAP-001", "TDISP-CAP-002", "TDISP-CAP-003", "TDISP-CAP-006", "TDISP-CAP-007")
def test_capabilities_show_what_is_implemented() -> None:
    answer = World().send(GetTdispCapabilities(interface=name(1), tsm_caps=0xFFFFFFFF))
    assert answer == TdispCapabilities(
        interface=name(1),
        req_msgs_supported=0x7FE,
        lock_interface_flags_supported=0x1D,
        dev_addr_width=64,
    )


@covers("TDISP-CAP-003", "TDISP-CAP-007", "TDISP-P2P-007")
@pytest.mark.parametrize(
    ("profile", "requests", "flags"),
    [
        (project_dsm(4, mmio_attribute=False, p2p=False), 0x00FE, 0x05),
        (project_dsm(4, mmio_attribute=False), 0x03FE, 0x1D),
        (project_dsm(4, p2p=False), 0x04FE, 0x05),
        (project_dsm(4, tdisp_config=True), 0x17FE, 0x1D),
    ],
)
def test_capabilities_follow_what_is_built(profile: DsmProfile, requests: int, flags: int) -> None:
    answer = World(profile).send(GetTdispCapabilities(interface=name(0)))
    assert isinstance(answer, TdispCapabilities)
    shown = answer.req_msgs_supported, answer.lock_interface_flags_supported
    assert shown == (requests, flags)


# ---------------------------------------------------------------------- sessions


@covers("TDISP-SES-010", "TDISP-SES-005")
@pytest.mark.parametrize("state", [L, R])
def test_a_foreign_session_may_only_ask_for_the_state(state: TdiState) -> None:
    world = World()
    nonce = world.bring_to(state)
    assert world.error(world.stop_request(), FOREIGN) is ErrorCode.INVALID_REQUEST
    report = GetDeviceInterfaceReport(interface=name(0))
    assert world.error(report, FOREIGN) is ErrorCode.INVALID_REQUEST
    started = world.error(world.start_request(nonce), FOREIGN)
    wanted = ErrorCode.INVALID_NONCE if state is L else ErrorCode.INVALID_INTERFACE_STATE
    assert started is wanted
    assert text(world.dsm.handle(FOREIGN, world.state_request().encode())) == f"05({state})"
    assert text(world.dsm.handle(SESSION, world.stop_request().encode())) == "07"


@covers("TDISP-SES-007", "TDISP-STATE-004")
@attack("ATT-17")
@pytest.mark.parametrize("state", [L, R])
def test_the_end_of_a_session_hits_its_tdis_only(state: TdiState) -> None:
    world = World()
    world.bring_to(state, 0)
    world.stream(owner=FOREIGN)
    answer = world.send(world.lock_request(1), FOREIGN)
    assert isinstance(answer, LockInterfaceResponse)
    world.dsm.session_end(SESSION)
    assert world.dsm.states == (E, L, U, U)
    assert text(world.dsm.handle(FOREIGN, world.stop_request(0).encode())) == "07"
    assert world.dsm.states == (U, L, U, U)


# ---------------------------------------------------------------------- events


@covers("TDISP-FSM-004", "TDISP-FSM-005", "TDISP-FSM-019")
def test_flr_of_a_vf_hits_it_alone_and_flr_of_the_pf_all() -> None:
    world = World()
    for tdi in (0, 1, 2):
        world.bring_to(R, tdi)
    world.dsm.flr(1)
    assert world.dsm.states == (R, E, R, U)
    world.dsm.flr(0)
    assert world.dsm.states == (E, E, E, U)


@covers("TDISP-FSM-007", "TDISP-FSM-008")
def test_an_insecure_stream_hits_the_tdis_bound_to_it() -> None:
    world = World()
    world.bring_to(R, 0)
    world.bring_to(L, 1)
    world.dsm.stream_insecure(OTHER_STREAM)
    assert world.dsm.states == (R, L, U, U)
    world.dsm.stream_insecure(STREAM)
    assert world.dsm.states == (E, E, U, U)


@covers("TDISP-FSM-003", "TDISP-FSM-009", "TDISP-FSM-010", "TDISP-FSM-013", "TDISP-STOP-008")
def test_each_event_hits_whom_it_should() -> None:
    world = World()
    for tdi in range(4):
        world.bring_to(R, tdi)
    world.dsm.poison(1)
    assert world.dsm.states == (R, E, R, R)
    world.dsm.completion_error(2)
    assert world.dsm.states == (R, E, E, R)
    world.send(world.stop_request(2))
    assert world.dsm.states == (R, E, U, R)
    world.dsm.requester_id_change()
    assert world.dsm.states == (E, E, U, E)
    world.dsm.fault()
    assert world.dsm.states == (E, E, U, E)


@covers("TDISP-STOP-002", "TDISP-STOP-004", "TDISP-ZERO-001", "TDISP-FSM-014")
def test_data_is_cleared_by_stop_and_reset_but_not_by_a_stop_of_nothing() -> None:
    world = World()
    tdi = world.dsm.tdis[0]
    world.send(world.stop_request())
    assert tdi.scrub_count == 0
    for count, state in enumerate((L, R, E), start=1):
        world.bring_to(state)
        world.send(world.stop_request())
        assert tdi.scrub_count == count
    world.dsm.conventional_reset()
    assert tdi.scrub_count == 4
    assert world.state() is U


@covers("TDISP-START-005", "TDISP-STOP-005", "TDISP-FSM-018")
def test_the_nonce_lives_only_in_config_locked() -> None:
    for event in (Event.START_GOOD, Event.POISONED):
        world = World()
        world.bring_to(L)
        lock = world.dsm.tdis[0].lock
        assert lock is not None
        assert lock.nonce is not None
        world.dsm.event(0, event)
        assert lock.nonce is None


# ---------------------------------------------------------------------- prediction


@covers("TDISP-LOCK-018")
def test_the_nonce_of_a_device_under_test_can_be_told() -> None:
    world = World()
    world.dsm.expect_nonce(0, b"\x11" * 32)
    assert world.lock() == b"\x11" * 32
    world.dsm.expect_nonce(None, b"\x22" * 32)
    assert world.lock(1) == b"\x22" * 32
    world.dsm.expect_nonce(0, b"\x33" * 32)
    assert world.lock(2) not in (b"\x33" * 32, b"\x22" * 32)
    assert world.lock(3) != b"\x33" * 32
    with pytest.raises(ValueError, match="31 bytes"):
        world.dsm.expect_nonce(0, bytes(31))


@covers("TDISP-LOCK-016", "TDISP-LOCK-017")
def test_a_lock_without_entropy_fails_with_its_code() -> None:
    world = World()
    world.nonces.available = False
    assert world.error(world.lock_request()) is ErrorCode.INSUFFICIENT_ENTROPY
    world.nonces.available = True
    world.dsm.expect_nonce(0, None)
    assert world.error(world.lock_request()) is ErrorCode.INSUFFICIENT_ENTROPY
    assert len(world.lock()) == 32


@covers("TDISP-LOCK-028")
def test_a_lock_loses_against_an_error_of_its_moment_once() -> None:
    world = World()
    world.dsm.expect_lost_lock()
    answer = world.send(world.lock_request())
    assert isinstance(answer, ErrorResponse)
    assert answer.error == ErrorCode.INVALID_DEVICE_CONFIGURATION
    assert world.dsm.states[0] is U
    assert len(world.lock()) == 32


@covers("TDISP-HDR-003", "TDISP-HDR-004", "TDISP-HDR-005", "TDISP-HDR-008")
def test_a_foreign_device_may_check_in_any_order() -> None:
    world = World()
    nonce = world.bring_to(R)
    request = bytearray(world.start_request(nonce).encode() + b"\0")
    request[0] = 0x20
    codes = {ErrorCode.VERSION_MISMATCH, ErrorCode.INVALID_REQUEST}
    codes |= {ErrorCode.INVALID_INTERFACE_STATE}
    assert world.dsm.acceptable_error_codes(SESSION, bytes(request)) == codes
    codes |= {ErrorCode.INVALID_NONCE}
    assert world.dsm.acceptable_error_codes(FOREIGN, bytes(request)) == codes
    request[4] = 9
    assert world.dsm.acceptable_error_codes(SESSION, bytes(request)) == {
        ErrorCode.VERSION_MISMATCH,
        ErrorCode.INVALID_INTERFACE,
        ErrorCode.INVALID_REQUEST,
    }
    request[1] = 0x8C
    assert world.dsm.acceptable_error_codes(SESSION, bytes(request)) == {
        ErrorCode.VERSION_MISMATCH,
        ErrorCode.INVALID_INTERFACE,
        ErrorCode.UNSUPPORTED_REQUEST,
    }
    assert not world.dsm.acceptable_error_codes(SESSION, world.stop_request().encode())


@covers("TDISP-LOCK-005", "TDISP-LOCK-006", "TDISP-LOCK-007")
def test_a_foreign_device_may_name_a_wrong_stream_a_wrong_configuration() -> None:
    both = {ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_DEVICE_CONFIGURATION}
    for change in ({"tc": 1}, {"secure": False}, {"stream_id": 9}, {"default": False}):
        world = World()
        world.stream(**change)
        request = world.lock_request().encode()
        assert world.dsm.acceptable_error_codes(SESSION, request) == both
    world = World()
    world.stream(keys_programmed=False)
    pinned = world.dsm.acceptable_error_codes(SESSION, world.lock_request().encode())
    assert pinned == {ErrorCode.INVALID_REQUEST}


@covers("TDISP-HDR-010")
def test_looking_at_violations_changes_nothing() -> None:
    world = World()
    nonce = world.lock()
    good = world.start_request(nonce).encode()
    assert world.dsm.violations(SESSION, good) == []
    assert world.state() is L
    stop = StopInterfaceRequest(interface=name(0)).encode()
    assert [v.requirement for v in world.dsm.violations(FOREIGN, stop)] == ["TDISP-SES-010"]
    assert world.state() is L
