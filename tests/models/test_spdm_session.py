# SPDX-License-Identifier: Apache-2.0
"""Requester against responder, through DOE objects and a record layer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.doe.codes import ObjectType
from models.spdm.carrier import wrap
from models.spdm.codes import (
    BaseHash,
    ErrorCode,
    KeyUpdateOperation,
    MeasurementOperation,
    MeasurementType,
    SummaryType,
)
from models.spdm.dialogue import MeasurementQuery
from models.spdm.errors import (
    ErrorResponseError,
    NoResponseError,
    SessionError,
)
from models.spdm.key_port import Direction
from models.spdm.measurements import DeviceState, summary_hash
from models.spdm.messages import (
    GetVersion,
    VendorDefinedRequest,
)
from models.spdm.negotiation import RESPONDER_FLAGS
from models.spdm.responder_state import ResponderConfig
from tests.models.spdm_device import IDENTITY, Device, attested, requester, run, with_session
from tests.plan import covers

BLOCKS = DeviceState().measurements()
Kind = KeyUpdateOperation


@covers("SPDM-VCA-001")
def test_connection_agrees_on_the_profile() -> None:
    device = Device()
    peer = requester(device)
    capabilities = run(peer.connect())
    assert capabilities.flags == RESPONDER_FLAGS
    assert peer.algorithms is not None
    assert (peer.algorithms.base_hash, peer.algorithms.base_asym) == (2, 0x80)
    assert [table.bits for table in peer.algorithms.tables] == [0x10, 2, 1]


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("portion", [1, 100, 0x400, 0xFFFF])
def test_certificate_portions_give_the_chain_of_the_digest(portion: int) -> None:
    async def scenario() -> None:
        peer = requester(Device())
        await peer.connect()
        assert await peer.get_digests() == {0: IDENTITY.chain_digest}
        assert await peer.get_certificate(portion=portion) == IDENTITY.chain
        await peer.challenge()

    run(scenario())


@covers("SPDM-MEA-001")
@pytest.mark.parametrize("kind", [SummaryType.TCB, SummaryType.ALL])
def test_summary_hash_covers_whole_blocks(kind: SummaryType) -> None:
    expected = summary_hash(BLOCKS, kind, BaseHash.SHA_384)

    async def scenario() -> None:
        peer = await attested(Device())
        assert await peer.challenge(kind) == expected
        session = await peer.start_session(kind)
        assert session.parameters.summary == expected

    run(scenario())


@covers("SPDM-MEA-001")
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_measurements_are_read_by_count_by_index_and_at_once(inside: bool, signed: bool) -> None:
    async def scenario() -> None:
        peer = await attested(Device())
        reader = await peer.start_session() if inside else peer
        count = await reader.get_measurements(
            MeasurementQuery(MeasurementOperation.COUNT, signed=signed)
        )
        assert (count.total, count.blocks) == (len(BLOCKS), ())
        for block in BLOCKS:
            one = await reader.get_measurements(MeasurementQuery(block.index, signed=signed))
            assert one.blocks == (block,)
        every = await reader.get_measurements(MeasurementQuery(signed=signed, raw=True))
        assert every.blocks == BLOCKS

    run(scenario())


@covers("SPDM-MEA-001")
@pytest.mark.parametrize("inside", [False, True])
def test_one_signature_covers_all_requests_since_the_last(inside: bool) -> None:
    async def scenario() -> None:
        peer = await attested(Device())
        reader = await peer.start_session() if inside else peer
        for _ in range(2):
            await reader.get_measurements(MeasurementQuery(1, signed=False))
            await reader.get_measurements(MeasurementQuery(2, signed=False))
            assert (await reader.get_measurements(MeasurementQuery(3))).signed
        await reader.get_measurements(MeasurementQuery(1, signed=False))
        await reader.get_digests()  # starts the log anew
        await reader.get_measurements()

    run(scenario())


@covers("SPDM-MEA-001")
def test_logs_of_sessions_and_connection_do_not_mix() -> None:
    async def scenario() -> None:
        peer = await attested(Device())
        first, second = await peer.start_session(), await peer.start_session()
        unsigned, signed = MeasurementQuery(1, signed=False), MeasurementQuery(2)
        readers = (peer, first, second)
        for reader in readers:
            await reader.get_measurements(unsigned)
        for reader in readers:
            await reader.get_measurements(signed)

    run(scenario())


@covers("SPDM-MEA-001")
def test_vendor_messages_do_not_disturb_the_measurement_log() -> None:
    async def scenario() -> None:
        _, session = await with_session()
        await session.get_measurements(MeasurementQuery(1, signed=False))
        await session.vendor_defined(1, b"abc")
        await session.get_measurements(MeasurementQuery(2))

    run(scenario())


@covers("SPDM-MEA-001")
def test_device_measures_firmware_configuration_mode_version_and_security_version() -> None:
    kinds = {block.kind for block in BLOCKS}
    assert kinds >= {
        MeasurementType.FIRMWARE,
        MeasurementType.HARDWARE_CONFIG,
        MeasurementType.DEVICE_MODE,
        MeasurementType.VERSION,
        MeasurementType.SECURITY_VERSION,
    }
    other = replace(DeviceState(), firmware=b"other").measurements()
    assert other[0] != BLOCKS[0]
    assert other[1:] == BLOCKS[1:]


@covers("SPDM-SES-001", "SPDM-KEX-001")
def test_session_id_is_composed_of_both_halves() -> None:
    async def scenario() -> None:
        peer = await attested(Device())
        session = await peer.start_session(requester_session_id=0xBEEF)
        assert session.session_id == 0x0001BEEF
        other = await peer.start_session(requester_session_id=0xBEEF)
        assert other.session_id == 0x0002BEEF
        assert session.parameters.secured_version == 0x1100

    run(scenario())


@covers("SPDM-KEX-001", "SPDM-SES-002")
def test_keys_reach_the_record_layer_in_the_right_order() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        number = session.session_id
        await session.key_update(Kind.UPDATE_KEY)
        await session.key_update(Kind.UPDATE_ALL_KEYS)
        await session.end()
        assert device.calls == [
            ("end_all",),
            ("load", number, Direction.REQUEST, False, False),
            ("load", number, Direction.RESPONSE, False, False),
            ("load", number, Direction.REQUEST, True, True),
            ("load", number, Direction.RESPONSE, True, True),
            ("load", number, Direction.REQUEST, True, True),
            ("load", number, Direction.RESPONSE, True, False),
            ("load", number, Direction.REQUEST, True, True),
            ("end_session", number, True),
        ]
        assert device.slots == {}
        assert device.responder.session_ids == ()

    run(scenario())


@covers("SEC-VDM-001", "SEC-REC-003")
def test_sessions_carry_vendor_messages_independently() -> None:
    async def scenario() -> None:
        peer = await attested(Device())
        first, second = await peer.start_session(), await peer.start_session()
        for number in range(4):
            for session in (first, second):
                body = bytes((number, 0xAB))
                assert await session.vendor_defined(1, body) == body[::-1]
        assert await first.vendor_defined(0, b"") is None  # silence, and the session goes on
        await first.heartbeat()

    run(scenario())


@covers("SPDM-SES-002")
def test_an_ended_session_is_over_on_both_sides() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        await session.end()
        assert not session.alive
        with pytest.raises(SessionError, match="over"):
            await session.heartbeat()
        assert device.responder.handle(b"\x12\xe8\0\0", session.session_id) is None

    run(scenario())


@covers("SPDM-KEY-001")
@pytest.mark.parametrize("kind", [Kind.UPDATE_KEY, Kind.UPDATE_ALL_KEYS])
def test_key_update_changes_the_records_and_keeps_the_session(kind: Kind) -> None:
    async def scenario() -> None:
        device, session = await with_session()
        slot = device.slots[session.session_id]
        request_before, response_before = (
            slot.ciphers[Direction.REQUEST],
            slot.ciphers[Direction.RESPONSE],
        )
        for _ in range(3):
            await session.key_update(kind)
            assert await session.vendor_defined(1, b"12") == b"21"
        assert slot.ciphers[Direction.REQUEST] is not request_before
        renewed = slot.ciphers[Direction.RESPONSE] is not response_before
        assert renewed == (kind is Kind.UPDATE_ALL_KEYS)

    run(scenario())


@covers("SPDM-ERR-001")
def test_a_refused_update_of_all_keys_leaves_the_session_alive() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        living = device.responder._sessions.get(session.session_id)
        assert living is not None
        living.update_pending = True
        with pytest.raises(ErrorResponseError) as caught:
            await session.key_update(Kind.UPDATE_ALL_KEYS)
        assert caught.value.code == ErrorCode.INVALID_REQUEST
        living.update_pending = False
        await session.key_update(Kind.UPDATE_ALL_KEYS)
        await session.heartbeat()

    run(scenario())


@covers("SEC-REC-007", "SPDM-SES-003")
def test_a_bad_record_ends_the_session_at_the_device() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        sealed = bytearray(device.objects[-1][0])
        sealed[-4] ^= 1
        assert await device.exchange(bytes(sealed)) is None
        assert device.responder.session_ids == ()
        with pytest.raises(NoResponseError):
            await session.heartbeat()

    run(scenario())


@covers("SEC-REC-008", "SPDM-SES-003")
def test_plain_get_version_ends_all_sessions_before_it_is_answered() -> None:
    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        session = await peer.start_session()
        await peer.start_session()
        assert await device.exchange(wrap(ObjectType.SPDM, GetVersion().encode())) is not None
        assert device.calls[-1] == ("end_all",)
        assert device.responder.session_ids == ()
        with pytest.raises(NoResponseError):
            await session.heartbeat()
        await peer.connect()
        with pytest.raises(SessionError):
            await session.heartbeat()

    run(scenario())


@covers("SPDM-SES-003")
def test_heartbeat_that_is_overdue_ends_the_session() -> None:
    async def scenario() -> None:
        device, session = await with_session(ResponderConfig(heartbeat_period=5))
        assert session.parameters.heartbeat_period == 5
        device.responder.advance_time(9.0)
        await session.heartbeat()
        device.responder.advance_time(19.0)
        await session.heartbeat()
        device.responder.advance_time(29.5)
        assert device.calls[-1] == ("end_session", session.session_id, False)
        assert device.slots == {}
        with pytest.raises(NoResponseError):
            await session.heartbeat()

    run(scenario())


@covers("SPDM-SES-003")
def test_conventional_reset_forgets_connection_and_sessions() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        device.responder.reset()
        assert device.responder.session_ids == ()
        answer = device.responder.handle(b"\x12\x81\0\0")
        assert answer == bytes((0x10, 0x7F, ErrorCode.UNEXPECTED_REQUEST, 0))
        assert device.responder.handle(b"\x12\xe8\0\0", session.session_id) is None

    run(scenario())


@covers("SEC-VDM-001")
@pytest.mark.parametrize("phase", ["handshake", "established"])
def test_vendor_message_that_reaches_the_root_of_trust_is_refused(phase: str) -> None:
    async def scenario() -> None:
        device = Device()
        session = await (await attested(device)).exchange_keys()
        if phase == "established":
            await session.finish()
        raw = VendorDefinedRequest(protocol_id=1, body=b"x").encode()
        answer = device.responder.handle(raw, session.session_id)
        expected = (
            (ErrorCode.UNSUPPORTED_REQUEST, 0xFE)
            if phase == "established"
            else (ErrorCode.UNEXPECTED_REQUEST, 0)
        )
        assert answer == bytes((0x12, 0x7F, *expected))

    run(scenario())


@covers("SPDM-SES-001", "SPDM-KEX-002")
def test_living_session_ids_are_not_given_out_and_handshake_secrets_do_not_stay() -> None:
    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        table = device.responder._sessions
        first = await peer.start_session()
        living = table.get(first.session_id)
        assert living is not None
        assert living.handshake is None
        table._last_responder_id = 0
        second = await peer.start_session()
        assert (first.session_id >> 16, second.session_id >> 16) == (1, 2)
        table._last_responder_id = 0xFFFF
        third = await peer.start_session()
        assert third.session_id >> 16 == 3

    run(scenario())
