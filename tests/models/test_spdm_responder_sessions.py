# SPDX-License-Identifier: Apache-2.0
"""The responder and its sessions: what is expected when, and what ends them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.spdm.codes import Capability, ErrorCode, KeyUpdateOperation, Request
from models.spdm.messages import (
    Challenge,
    EndSession,
    Finish,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    Heartbeat,
    KeyUpdate,
    Message,
)
from models.spdm.responder_state import ResponderConfig
from tests.models.spdm_device import Device, attested, run, with_session
from tests.models.spdm_requests import (
    CAPABILITIES,
    EXCHANGE,
    NEGOTIATION,
    NONCE,
    PLAIN_REQUESTS,
    SESSION_ID,
    SESSION_ONLY,
    device_after,
    error,
)
from tests.plan import covers


@covers("SPDM-ERR-001", "SPDM-SES-001")
@pytest.mark.parametrize("code", SESSION_ONLY)
def test_session_messages_outside_a_session_need_one(code: Request) -> None:
    message = next(m for m in PLAIN_REQUESTS if code == m.CODE)
    answer = device_after().responder.handle(message.encode())
    assert answer == error(ErrorCode.SESSION_REQUIRED)


@covers("SPDM-ERR-001")
def test_a_message_within_a_session_has_its_exact_length() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        for message in (
            GetDigests(),
            GetCertificate(offset=0, length=1),
            GetMeasurements(operation=1),
            Heartbeat(),
            KeyUpdate(operation=1, tag=0),
            EndSession(),
        ):
            answer = await session.request(message.encode() + b"\0")
            assert answer == error(ErrorCode.INVALID_REQUEST)
        await session.heartbeat()
        assert device.responder.session_ids == (session.session_id,)

    run(scenario())


@covers("SPDM-VCA-003", "SPDM-KEX-002")
def test_only_finish_is_expected_under_handshake_keys() -> None:
    device = device_after()
    assert device.responder.handle(EXCHANGE.encode()) is not None
    for message in PLAIN_REQUESTS:
        if message.CODE != Request.FINISH:
            answer = device.responder.handle(message.encode(), SESSION_ID)
            assert answer == error(ErrorCode.UNEXPECTED_REQUEST)
    short = device.responder.handle(Finish(verify_data=bytes(48)).encode()[:-1], SESSION_ID)
    assert short == error(ErrorCode.INVALID_REQUEST)
    signed = Finish(signature=bytes(96), verify_data=bytes(48)).encode()
    assert device.responder.handle(signed, SESSION_ID) == error(ErrorCode.INVALID_REQUEST)
    assert SESSION_ID in device.responder.session_ids
    wrong = device.responder.handle(Finish(verify_data=bytes(48)).encode(), SESSION_ID)
    assert wrong == error(ErrorCode.DECRYPT_ERROR)
    assert device.responder.session_ids == ()


@covers("SPDM-KEX-002", "SPDM-VCA-003")
def test_a_finish_of_another_session_kind_neither_finishes_nor_ends_the_session() -> None:
    async def scenario() -> None:
        device = Device()
        session = await (await attested(device)).exchange_keys()
        psk_finish = b"\x12\xe7\0\0" + bytes(48)
        answer = await session.request(psk_finish)
        assert answer == error(ErrorCode.UNSUPPORTED_REQUEST, 0xE7)
        assert not device.slots[session.session_id].application
        await session.finish()
        assert device.slots[session.session_id].application

    run(scenario())


@covers("SPDM-VCA-003")
@pytest.mark.parametrize(
    "message",
    [*NEGOTIATION, Challenge(nonce=NONCE), EXCHANGE, Finish(verify_data=bytes(48))],
    ids=lambda message: type(message).__name__,
)
def test_connection_messages_within_a_session_are_unexpected(message: Message) -> None:
    async def scenario() -> None:
        device, session = await with_session()
        answer = await session.request(message.encode())
        assert answer == error(ErrorCode.UNEXPECTED_REQUEST)
        await session.heartbeat()
        assert device.calls.count(("end_all",)) == 1

    run(scenario())


@covers("SPDM-VCA-002")
def test_a_wrong_version_within_a_session_is_a_mismatch() -> None:
    async def scenario() -> None:
        _, session = await with_session()
        assert await session.request(b"\x11\xe8\0\0") == error(ErrorCode.VERSION_MISMATCH)

    run(scenario())


@covers("SPDM-ERR-001")
@pytest.mark.parametrize("operation", [0, 4, KeyUpdateOperation.VERIFY_NEW_KEY])
def test_a_key_update_out_of_place_changes_no_key(operation: int) -> None:
    async def scenario() -> None:
        device, session = await with_session()
        calls = len(device.calls)
        answer = await session.request(KeyUpdate(operation=operation, tag=1).encode())
        assert answer == error(ErrorCode.INVALID_REQUEST)
        assert len(device.calls) == calls
        await session.key_update(KeyUpdateOperation.UPDATE_KEY)

    run(scenario())


@covers("SPDM-ERR-001")
def test_sessions_beyond_the_limit_are_refused_until_one_ends() -> None:
    async def scenario() -> None:
        device = Device(ResponderConfig(max_sessions=2))
        peer = await attested(device)
        first, _ = await peer.start_session(), await peer.start_session()
        answer = device.responder.handle(EXCHANGE.encode())
        assert answer == error(ErrorCode.SESSION_LIMIT_EXCEEDED)
        await first.end()
        third = await peer.start_session()
        assert third.session_id >> 16 not in (first.session_id >> 16, 0)

    run(scenario())


@covers("SPDM-ERR-001")
def test_sessions_need_the_capabilities_of_both_sides() -> None:
    without = replace(CAPABILITIES, flags=0)
    answer = device_after(capabilities=without).responder.handle(EXCHANGE.encode())
    assert answer == error(ErrorCode.UNSUPPORTED_REQUEST, Request.KEY_EXCHANGE)
    half = replace(CAPABILITIES, flags=Capability.KEY_EX | Capability.MAC)
    answer = device_after(capabilities=half).responder.handle(EXCHANGE.encode())
    assert answer == error(ErrorCode.UNSUPPORTED_REQUEST, Request.KEY_EXCHANGE)


@covers("SEC-REC-005")
def test_an_unknown_session_id_gets_silence() -> None:
    assert device_after().responder.handle(Heartbeat().encode(), 0x1234) is None


@covers("SPDM-SES-003")
def test_a_session_that_the_record_layer_ended_is_forgotten() -> None:
    device = device_after()
    assert device.responder.handle(EXCHANGE.encode()) is not None
    device.responder.session_ended(SESSION_ID)
    device.responder.session_ended(SESSION_ID)
    assert device.responder.session_ids == ()
    raw = Finish(verify_data=bytes(48)).encode()
    assert device.responder.handle(raw, SESSION_ID) is None
