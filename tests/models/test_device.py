# SPDX-License-Identifier: Apache-2.0
"""The reference device from its DOE mailbox: routing, sessions, records, silence."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.device.control import RootOfTrust
from models.device.device import ReferenceDevice
from models.doe.codes import ObjectType
from models.doe.objects import DataObject, DiscoveryRequest, discover
from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.spdm.codes import ErrorCode as SpdmErrorCode
from models.spdm.codes import Response as SpdmResponse
from models.spdm.errors import RecordError
from models.spdm.key_port import Direction, SessionKeyPort
from models.spdm.messages import GetVersion, VendorDefinedRequest
from models.spdm.record import RecordCipher, RecordKeys
from models.tdisp.codes import PROTOCOL_ID, ErrorCode, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    ErrorResponse,
    GetTdispVersion,
)
from models.tdisp.nonces import RandomNonces
from tests.plan import attack, covers

U, L, R, E = TdiState
# Application keys of the SHA-384 key schedule vectors, session id bytes 01 00 02 00
SESSION_ID = 0x0002_0001
REQUEST_KEYS = RecordKeys(
    bytes.fromhex("848d206a0b0b9ebf2c2db70e5a447cb8c6ceae51db25ae2e59bfc3739b693b2f"),
    bytes.fromhex("159f1e766c1428b698751f0f"),
)
RESPONSE_KEYS = RecordKeys(
    bytes.fromhex("e75693cf32a2af8c16a445e050873d9dc4c7f6921350016ebd3377456d260950"),
    bytes.fromhex("ba1ca8e08bba9941343bd883"),
)
FIRST_REQUEST = (
    "01000200 0f000000 01000200 2e002560 fee42154 a89b4464 5188936a 04591961 176a26e5 61d25f4f"
    "077bb6b3 7e7a9bda 19dd13ce 7699e4b1 4e7cd671"
)
SECOND_REQUEST = (
    "01000200 0f000000 01000200 2e00f5b1 4c1ea56e b29416c2 0f1046ba 6e5f8413 ee8ffaa7 ab242084"
    "3901d7f4 2e719760 1c440f6c 1d5e071e 167ed2aa"
)
FIRST_RESPONSE = (
    "01000200 10000000 01000200 3000d1d9 db8cf871 2608adc7 7b578ab6 90820a65 ddfa1d92 35bd0dd6"
    "18c34a5b 74f7a10f c9204b5c b59ee5c0 70dfce72 9e440000"
)


class Deaf:
    """A root of trust that answers nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, int | None]] = []
        self.ended: list[int] = []

    def handle(self, message: bytes, session_id: int | None, /) -> bytes | None:
        self.asked.append((message, session_id))
        return None

    def session_ended(self, session_id: int, /) -> None:
        self.ended.append(session_id)


def keyed(profile: DeviceProfile = DEFAULT_PROFILE) -> tuple[ReferenceDevice, Deaf]:
    """A device at 01:00.0 with the session of the vectors."""
    rot = Deaf()

    def make(_: SessionKeyPort) -> RootOfTrust:
        return rot

    device = ReferenceDevice(make, RandomNonces(random.Random(1)), profile)
    device.config_write(0x0100, 0x004, 0x6, 0b0011)
    load(device, SESSION_ID, application=True)
    return device, rot


def load(device: ReferenceDevice, session_id: int, *, application: bool) -> None:
    for direction, keys in zip(Direction, (REQUEST_KEYS, RESPONSE_KEYS), strict=True):
        device.key_port.load(
            session_id, direction, keys.key, keys.iv, application=application, deferred=False
        )


def hexed(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


# ---------------------------------------------------------------------- vectors, routing


@covers("SEC-REC-001", "SEC-REC-003", "TDISP-SES-004", "SEC-VDM-001")
def test_a_record_and_its_answer_have_their_bytes() -> None:
    device, rot = keyed()
    assert device.handle_object(hexed(FIRST_REQUEST)) == hexed(FIRST_RESPONSE)
    second = device.handle_object(hexed(SECOND_REQUEST))
    assert second is not None
    opened = RecordCipher(RESPONSE_KEYS, 1).open(DataObject.decode(second).payload)
    assert opened == hexed("127e0000 03000201 00130001 10010000 00010000 00000000 00000000 0110")
    assert rot.asked == []


@covers("DOE-DSC-001", "DOE-DSC-002")
def test_discovery_is_answered() -> None:
    device, _ = keyed()
    for index in range(4):
        assert device.handle_object(DiscoveryRequest(index).encode()) == discover(index).encode()
    assert device.handle_object(DataObject(ObjectType.DISCOVERY, bytes(8)).encode()) is None


@covers("DOE-OBJ-001", "DOE-FSM-008")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(8),
        DataObject(3, bytes(4)).encode(),
        DataObject(0xFF, bytes(4)).encode(),
        DataObject(ObjectType.SPDM, hexed("10840000"), 0x1E98).encode(),
        DataObject(ObjectType.SPDM, hexed("10840000")).encode()[:-4],
        DataObject(ObjectType.SPDM, b"").encode(),
        DataObject(ObjectType.SECURED_SPDM, bytes(4)).encode(),
    ],
)
def test_unknown_and_malformed_objects_get_silence_and_have_no_effect(raw: bytes) -> None:
    device, rot = keyed()
    assert device.handle_object(raw) is None
    assert (rot.asked, rot.ended) == ([], [])
    assert device.handle_object(hexed(FIRST_REQUEST)) == hexed(FIRST_RESPONSE)


@covers("TDISP-SES-001", "SEC-VDM-002")
@pytest.mark.parametrize("protocol", [IDEKM, PROTOCOL_ID])
def test_unsecured_ide_km_and_tdisp_get_silence(protocol: int) -> None:
    device, rot = keyed()
    body = GetTdispVersion(interface=InterfaceId.of(0x0100)).encode()
    message = VendorDefinedRequest(protocol_id=protocol, body=body).encode()
    assert device.handle_object(DataObject(ObjectType.SPDM, message).encode()) is None
    assert rot.asked == []
    plain = DataObject(ObjectType.SPDM, GetVersion().encode()).encode()
    device.handle_object(plain)
    assert rot.asked == [(GetVersion().encode(), None)]


@covers("SEC-VDM-001", "TDISP-SES-003")
@pytest.mark.parametrize(
    ("at", "value"), [(0, 0x11), (4, 1), (5, 1), (6, 1), (7, 2), (8, 1), (9, 0x12), (11, 2)]
)
def test_what_is_not_framed_as_ours_goes_to_the_root_of_trust(at: int, value: int) -> None:
    device, rot = keyed()
    body = GetTdispVersion(interface=InterfaceId.of(0x0100)).encode()
    message = bytearray(VendorDefinedRequest(protocol_id=PROTOCOL_ID, body=body).encode())
    message[at] = value
    record = RecordCipher(REQUEST_KEYS).seal(SESSION_ID, bytes(message))
    assert device.handle_object(DataObject(ObjectType.SECURED_SPDM, record).encode()) is None
    assert rot.asked == [(bytes(message), SESSION_ID)]


@covers("TDISP-SES-003", "TDISP-HDR-008")
def test_a_tdisp_message_without_body_is_invalid() -> None:
    device, _ = keyed()
    message = VendorDefinedRequest(protocol_id=PROTOCOL_ID, body=b"").encode()
    record = RecordCipher(REQUEST_KEYS).seal(SESSION_ID, message)
    raw = device.handle_object(DataObject(ObjectType.SECURED_SPDM, record).encode())
    assert raw is not None
    answer = RecordCipher(RESPONSE_KEYS).open(DataObject.decode(raw).payload)
    assert (
        answer[12:]
        == ErrorResponse(interface=InterfaceId(0), error=ErrorCode.INVALID_REQUEST).encode()
    )


@covers("TDISP-SES-001", "SEC-VDM-002")
def test_a_session_before_finish_has_no_tdisp() -> None:
    device, rot = keyed()
    load(device, SESSION_ID, application=False)
    assert device.handle_object(hexed(FIRST_REQUEST)) is None
    assert rot.asked[0][1] == SESSION_ID


# ---------------------------------------------------------------------- records


@covers("SEC-REC-007", "SEC-REC-002", "TDISP-SES-002", "SPDM-SES-003")
@attack("ATT-30")
@pytest.mark.parametrize("byte", range(8, 60))
def test_a_record_that_was_changed_ends_its_session_and_does_nothing_else(byte: int) -> None:
    device, rot = keyed()
    raw = bytearray(hexed(FIRST_REQUEST))
    raw[byte] ^= 0x04
    answer = device.handle_object(bytes(raw))
    if byte < 12:  # another session
        assert answer is None
        assert device.handle_object(hexed(FIRST_REQUEST)) == hexed(FIRST_RESPONSE)
        return
    assert answer is not None
    notice = RecordCipher(RESPONSE_KEYS).open(DataObject.decode(answer).payload)
    assert notice == bytes((0x12, SpdmResponse.ERROR, SpdmErrorCode.DECRYPT_ERROR, 0))
    assert rot.ended == [SESSION_ID]
    assert rot.asked == []
    assert device.handle_object(hexed(FIRST_REQUEST)) is None


@covers("SEC-REC-007")
def test_a_device_may_also_end_a_session_in_silence() -> None:
    device, rot = keyed(replace(DEFAULT_PROFILE, bad_record_answer=None))
    assert device.handle_object(hexed(SECOND_REQUEST)) is None
    assert rot.ended == [SESSION_ID]


@covers("SEC-REC-002")
@attack("ATT-30")
@pytest.mark.parametrize("records", [[SECOND_REQUEST], [FIRST_REQUEST, FIRST_REQUEST]])
def test_replayed_and_reordered_records_are_never_carried_out(records: list[str]) -> None:
    device, rot = keyed()
    for raw in records:
        answer = device.handle_object(hexed(raw))
    assert rot.ended == [SESSION_ID]
    assert answer != hexed(FIRST_RESPONSE)


@covers("SEC-REC-004", "SEC-REC-005")
def test_padding_is_ignored_and_unknown_sessions_get_silence() -> None:
    device, rot = keyed()
    body = GetTdispVersion(interface=InterfaceId.of(0x0100)).encode()[:-1]
    message = VendorDefinedRequest(protocol_id=PROTOCOL_ID, body=body).encode()
    record = RecordCipher(REQUEST_KEYS).seal(SESSION_ID, message)
    raw = bytearray(DataObject(ObjectType.SECURED_SPDM, record).encode())
    assert len(raw) > 8 + len(record)
    raw[-1] ^= 0xFF
    assert device.handle_object(bytes(raw)) is not None
    unknown = RecordCipher(REQUEST_KEYS).seal(7, message)
    assert device.handle_object(DataObject(ObjectType.SECURED_SPDM, unknown).encode()) is None
    assert rot.ended == []


@covers("SPDM-SES-002", "SPDM-SES-003")
def test_keys_come_and_go_through_the_port() -> None:
    device, _ = keyed()
    port = device.key_port
    for session_id in range(10, 20):
        load(device, session_id, application=True)
    assert len(device.records.session_ids) == DEFAULT_PROFILE.num_sessions
    assert SESSION_ID in device.records.session_ids
    port.end_session(SESSION_ID, deferred=True)
    assert device.handle_object(hexed(FIRST_REQUEST)) == hexed(FIRST_RESPONSE)
    assert SESSION_ID not in device.records.session_ids
    port.end_session(SESSION_ID, deferred=False)
    port.end_all()
    assert device.records.session_ids == ()


@covers("DOE-OBJ-001", "SEC-REC-002")
@settings(max_examples=200)
@given(st.binary(max_size=80), st.sampled_from([0, 1, 2, 3, 255]))
def test_no_object_moves_a_tdi_or_raises(payload: bytes, kind: int) -> None:
    device, _ = keyed()
    device.handle_object(payload)
    device.handle_object(DataObject(kind, payload).encode())
    head = SESSION_ID.to_bytes(4, "little")
    device.handle_object(DataObject(ObjectType.SECURED_SPDM, head + payload).encode())
    assert set(device.tdi_states()) == {U}


@covers("SEC-REC-001")
def test_a_session_whose_numbers_are_used_up_ends() -> None:
    device, rot = keyed()
    slot = device.records.get(SESSION_ID)
    assert slot is not None
    last = (1 << 64) - 1
    slot.ciphers[Direction.RESPONSE] = RecordCipher(RESPONSE_KEYS, last)
    with pytest.raises(RecordError):
        RecordCipher(RESPONSE_KEYS, last).seal(SESSION_ID, b"")
    assert device.handle_object(hexed(FIRST_REQUEST)) is None
    assert rot.ended == [SESSION_ID]
