# SPDX-License-Identifier: Apache-2.0
"""The responder at its two ports: order, versions and every error code."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spdm.codes import Capability, ErrorCode, KeyUpdateOperation, Request, SummaryType
from models.spdm.messages import (
    AlgorithmTable,
    Certificate,
    Challenge,
    EndSession,
    Finish,
    GetCapabilities,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    GetVersion,
    Heartbeat,
    KeyExchange,
    KeyUpdate,
    Message,
    NegotiateAlgorithms,
    VendorDefinedRequest,
)
from models.spdm.negotiation import REQUESTER_FLAGS, RESPONDER_FLAGS, offer
from models.spdm.opaque import encode_supported
from models.spdm.responder_state import ResponderConfig
from models.spdm.signing import exchange_data, private_key
from tests.models.spdm_device import IDENTITY, Device, attested, run, with_session
from tests.plan import covers

NONCE = bytes(32)
CAPABILITIES = GetCapabilities(
    ct_exponent=20, flags=REQUESTER_FLAGS, data_transfer_size=0x1000, max_message_size=0x1000
)
EXCHANGE = KeyExchange(
    requester_session_id=1,
    random=NONCE,
    exchange_data=exchange_data(private_key(random.Random(4))),
    opaque=encode_supported((0x1100,)),
)
NEGOTIATION: tuple[Message, ...] = (GetVersion(), CAPABILITIES, offer())
SESSION_ID = 0x00010001


def _error(code: ErrorCode, data: int = 0, version: int = 0x12) -> bytes:
    return bytes((version, 0x7F, code, data))


def _device(
    steps: int = 3, config: ResponderConfig | None = None, capabilities: Message = CAPABILITIES
) -> Device:
    """A device after the first `steps` messages of the negotiation."""
    device = Device(config or ResponderConfig())
    for message in (GetVersion(), capabilities, offer())[:steps]:
        answer = device.responder.handle(message.encode())
        assert answer is not None
        assert answer[1] != 0x7F
    return device


PLAIN_REQUESTS: list[Message] = [
    GetDigests(),
    GetCertificate(offset=0, length=100),
    Challenge(nonce=NONCE),
    GetMeasurements(operation=0xFF),
    EXCHANGE,
    Finish(verify_data=bytes(48)),
    Heartbeat(),
    KeyUpdate(operation=1, tag=0),
    EndSession(),
]
SESSION_ONLY = (Request.FINISH, Request.HEARTBEAT, Request.KEY_UPDATE, Request.END_SESSION)


EARLY = [
    (steps, message)
    for steps in range(3)
    for message in (*PLAIN_REQUESTS, *NEGOTIATION[1:])
    if message.CODE != NEGOTIATION[steps].CODE
]


@covers("SPDM-VCA-003")
@pytest.mark.parametrize(("steps", "message"), EARLY)
def test_a_request_before_its_turn_is_unexpected(steps: int, message: Message) -> None:
    device = _device(steps)
    version = 0x12 if steps > 1 else 0x10
    expected = _error(ErrorCode.UNEXPECTED_REQUEST, version=version)
    assert device.responder.handle(message.encode()) == expected
    assert device.responder.handle(NEGOTIATION[steps].encode()) is not None


@covers("SPDM-VCA-003")
@pytest.mark.parametrize("message", [CAPABILITIES, offer()])
def test_negotiation_is_not_repeated_without_get_version(message: Message) -> None:
    answer = _device().responder.handle(message.encode())
    assert answer == _error(ErrorCode.UNEXPECTED_REQUEST)


@covers("SPDM-VCA-002")
@pytest.mark.parametrize("version", [0x10, 0x11, 0x13])
@pytest.mark.parametrize("message", PLAIN_REQUESTS, ids=lambda message: type(message).__name__)
def test_another_version_than_the_negotiated_is_a_mismatch(version: int, message: Message) -> None:
    answer = _device().responder.handle(replace(message, version=version).encode())
    assert answer == _error(ErrorCode.VERSION_MISMATCH)


@covers("SPDM-VCA-002")
def test_get_version_has_header_version_1_0_and_get_capabilities_1_2() -> None:
    device = _device(1)
    assert device.responder.handle(b"\x12\x84\0\0") == _error(
        ErrorCode.VERSION_MISMATCH, version=0x10
    )
    assert device.responder.handle(replace(CAPABILITIES, version=0x13).encode()) == _error(
        ErrorCode.VERSION_MISMATCH, version=0x10
    )
    assert device.responder.handle(CAPABILITIES.encode()) is not None


@covers("SPDM-ERR-001")
@pytest.mark.parametrize("code", [0x00, 0x04, 0x7F, 0x85, 0xE2, 0xE6, 0xED, 0xFF])
def test_an_unknown_request_is_named_in_the_error(code: int) -> None:
    answer = _device().responder.handle(bytes((0x12, code, 0, 0)))
    assert answer == _error(ErrorCode.UNSUPPORTED_REQUEST, code)


@covers("SPDM-ERR-001", "SPDM-SES-001")
@pytest.mark.parametrize("code", SESSION_ONLY)
def test_session_messages_outside_a_session_need_one(code: Request) -> None:
    message = next(m for m in PLAIN_REQUESTS if code == m.CODE)
    answer = _device().responder.handle(message.encode())
    assert answer == _error(ErrorCode.SESSION_REQUIRED)


MALFORMED: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("half a header", b"\x12\x81"),
    ("long GET_DIGESTS", GetDigests().encode() + bytes(4)),
    ("short GET_CERTIFICATE", GetCertificate(offset=0, length=1).encode()[:-1]),
    ("slot", GetCertificate(slot=1, offset=0, length=1).encode()),
    ("offset", GetCertificate(offset=len(IDENTITY.chain), length=1).encode()),
    ("short CHALLENGE", Challenge(nonce=NONCE).encode()[:-1]),
    ("slot of CHALLENGE", Challenge(slot=2, nonce=NONCE).encode()),
    ("summary type", Challenge(summary_type=2, nonce=NONCE).encode()),
    ("unknown index", GetMeasurements(operation=200).encode()),
    ("no nonce", b"\x12\xe0\x01\xff"),
    ("slot of measurements", GetMeasurements(operation=1, nonce=NONCE, slot=3).encode()),
    ("short KEY_EXCHANGE", EXCHANGE.encode()[:-1]),
    ("slot of KEY_EXCHANGE", replace(EXCHANGE, slot=0xFF).encode()),
    ("summary of KEY_EXCHANGE", replace(EXCHANGE, summary_type=7).encode()),
    ("no point", replace(EXCHANGE, exchange_data=bytes(96)).encode()),
    ("no opaque data", replace(EXCHANGE, opaque=b"").encode()),
    ("no version", replace(EXCHANGE, opaque=encode_supported((0x2000,))).encode()),
    ("long GET_VERSION", GetVersion().encode() + bytes(4)),
]


@covers("SPDM-ERR-001")
@pytest.mark.parametrize("raw", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_a_malformed_request_is_invalid_and_changes_nothing(raw: bytes) -> None:
    device = _device()
    calls = list(device.calls)
    assert device.responder.handle(raw) == _error(ErrorCode.INVALID_REQUEST)
    assert device.calls == calls
    assert device.responder.handle(GetDigests().encode()) is not None


@covers("SPDM-ERR-001", "SPDM-VCA-001")
@pytest.mark.parametrize(
    "changes",
    [
        {"data_transfer_size": 41, "max_message_size": 41},
        {"data_transfer_size": 0x2000},
        {"data_transfer_size": 0x800},
        {"flags": Capability.KEY_EX},
        {"flags": Capability.ENCRYPT},
        {"flags": REQUESTER_FLAGS | Capability.CERT | Capability.PUB_KEY_ID},
    ],
)
def test_contradicting_capabilities_are_invalid(changes: dict[str, int]) -> None:
    device = _device(1)
    raw = GetCapabilities(
        ct_exponent=20,
        flags=changes.get("flags", REQUESTER_FLAGS),
        data_transfer_size=changes.get("data_transfer_size", 0x1000),
        max_message_size=changes.get("max_message_size", 0x1000),
    ).encode()
    assert device.responder.handle(raw) == _error(ErrorCode.INVALID_REQUEST)
    assert device.responder.handle(CAPABILITIES.encode()) is not None


@covers("SPDM-ERR-001", "SPDM-VCA-001")
@pytest.mark.parametrize(
    "message",
    [
        replace(offer(), base_asym=0x10),
        replace(offer(), base_hash=1),
        replace(offer(), other_params=1),
        replace(offer(), tables=(AlgorithmTable(2, 8), *offer().tables[1:])),
        replace(offer(), tables=offer().tables[:2]),
    ],
)
def test_nothing_in_common_is_invalid(message: NegotiateAlgorithms) -> None:
    device = _device(2)
    assert device.responder.handle(message.encode()) == _error(ErrorCode.INVALID_REQUEST)
    assert device.responder.handle(offer().encode()) is not None


@covers("SPDM-VCA-001")
def test_responder_selects_one_bit_of_what_a_requester_offers() -> None:
    tables = tuple(AlgorithmTable(kind, 0xFFFF) for kind in (2, 3, 4, 5))
    message = NegotiateAlgorithms(base_asym=0x1FF, base_hash=7, tables=tables)
    answer = _device(2).responder.handle(message.encode())
    expected = (
        "12630400 34000102 04000000 80000000 02000000 00000000 00000000000000 00 00000000"
        "02201000 03200200 04200000 05200100"
    )
    assert answer == bytes.fromhex(expected)


EXACT_SIZES: dict[int, int] = {
    Request.GET_MEASUREMENTS: 37,
    Request.KEY_EXCHANGE: 154,
}  # others are whole DW


@covers("SPDM-VCA-001")
def test_dw_padding_of_a_plain_request_stays_out_of_the_transcript() -> None:
    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        original, padded = device.responder.handle, list[int]()

        def handle(message: bytes, session_id: int | None = None) -> bytes | None:
            size = EXACT_SIZES.get(message[1], len(message)) if session_id is None else None
            padding = b"\xa5" * (len(message) - size) if size else b""
            padded.append(len(padding))
            return original(message[:size] + padding, session_id)

        device.responder.handle = handle  # type: ignore[method-assign]
        await peer.connect()
        await peer.get_digests()
        await peer.get_certificate()
        await peer.challenge()
        await peer.get_measurements()
        await peer.start_session()
        assert {2, 3} <= set(padded)

    run(scenario())


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
            assert answer == _error(ErrorCode.INVALID_REQUEST)
        await session.heartbeat()
        assert device.responder.session_ids == (session.session_id,)

    run(scenario())


@covers("SPDM-VCA-003", "SPDM-KEX-002")
def test_only_finish_is_expected_under_handshake_keys() -> None:
    device = _device()
    assert device.responder.handle(EXCHANGE.encode()) is not None
    for message in PLAIN_REQUESTS:
        if message.CODE != Request.FINISH:
            answer = device.responder.handle(message.encode(), SESSION_ID)
            assert answer == _error(ErrorCode.UNEXPECTED_REQUEST)
    short = device.responder.handle(Finish(verify_data=bytes(48)).encode()[:-1], SESSION_ID)
    assert short == _error(ErrorCode.INVALID_REQUEST)
    signed = Finish(signature=bytes(96), verify_data=bytes(48)).encode()
    assert device.responder.handle(signed, SESSION_ID) == _error(ErrorCode.INVALID_REQUEST)
    assert SESSION_ID in device.responder.session_ids
    wrong = device.responder.handle(Finish(verify_data=bytes(48)).encode(), SESSION_ID)
    assert wrong == _error(ErrorCode.DECRYPT_ERROR)
    assert device.responder.session_ids == ()


@covers("SPDM-KEX-002", "SPDM-VCA-003")
def test_a_finish_of_another_session_kind_neither_finishes_nor_ends_the_session() -> None:
    async def scenario() -> None:
        device = Device()
        session = await (await attested(device)).exchange_keys()
        psk_finish = b"\x12\xe7\0\0" + bytes(48)
        answer = await session.request(psk_finish)
        assert answer == _error(ErrorCode.UNSUPPORTED_REQUEST, 0xE7)
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
        assert answer == _error(ErrorCode.UNEXPECTED_REQUEST)
        await session.heartbeat()
        assert device.calls.count(("end_all",)) == 1

    run(scenario())


@covers("SPDM-VCA-002")
def test_a_wrong_version_within_a_session_is_a_mismatch() -> None:
    async def scenario() -> None:
        _, session = await with_session()
        assert await session.request(b"\x11\xe8\0\0") == _error(ErrorCode.VERSION_MISMATCH)

    run(scenario())


@covers("SPDM-ERR-001")
@pytest.mark.parametrize("operation", [0, 4, KeyUpdateOperation.VERIFY_NEW_KEY])
def test_a_key_update_out_of_place_changes_no_key(operation: int) -> None:
    async def scenario() -> None:
        device, session = await with_session()
        calls = len(device.calls)
        answer = await session.request(KeyUpdate(operation=operation, tag=1).encode())
        known = operation == KeyUpdateOperation.VERIFY_NEW_KEY
        code = ErrorCode.UNEXPECTED_REQUEST if known else ErrorCode.INVALID_REQUEST
        assert answer == _error(code)
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
        assert answer == _error(ErrorCode.SESSION_LIMIT_EXCEEDED)
        await first.end()
        third = await peer.start_session()
        assert third.session_id >> 16 not in (first.session_id >> 16, 0)

    run(scenario())


@covers("SPDM-ERR-001")
def test_a_request_above_the_own_size_is_too_large() -> None:
    answer = _device().responder.handle(b"\x12\xe4" + bytes(0x2000))
    assert answer == _error(ErrorCode.REQUEST_TOO_LARGE)


SMALL = replace(CAPABILITIES, data_transfer_size=64, max_message_size=64)


@covers("SPDM-ERR-001")
@pytest.mark.parametrize(
    ("message", "size"),
    [(Challenge(nonce=NONCE), 182), (GetMeasurements(operation=0xFF), 202), (EXCHANGE, 294)],
)
def test_a_response_above_the_size_of_the_requester_is_too_large(
    message: Message, size: int
) -> None:
    device = _device(capabilities=SMALL)
    calls = list(device.calls)
    answer = device.responder.handle(message.encode())
    assert answer == _error(ErrorCode.RESPONSE_TOO_LARGE) + size.to_bytes(4, "little")
    assert device.responder.session_ids == ()
    assert device.calls == calls


@covers("SPDM-CRT-001")
def test_a_certificate_portion_fits_the_requester() -> None:
    answer = _device(capabilities=SMALL).responder.handle(
        GetCertificate(offset=10, length=0xFFFF).encode()
    )
    assert answer is not None
    assert len(answer) == 64
    certificate = Certificate.decode(answer)
    assert certificate.portion == IDENTITY.chain[10:66]
    assert certificate.remainder == len(IDENTITY.chain) - 66


@covers("SPDM-ERR-001")
@pytest.mark.parametrize(
    ("lost", "message"),
    [
        (Capability.CHAL, Challenge(nonce=NONCE)),
        (Capability.MEAS_SIG | Capability.MEAS_FRESH, GetMeasurements(operation=0)),
        (Capability.HBEAT, Heartbeat()),
        (Capability.KEY_UPD, KeyUpdate(operation=1, tag=0)),
    ],
)
def test_what_the_device_lacks_is_unsupported(lost: Capability, message: Message) -> None:
    device = _device(config=ResponderConfig(flags=RESPONDER_FLAGS & ~lost))
    answer = device.responder.handle(message.encode())
    assert answer == _error(ErrorCode.UNSUPPORTED_REQUEST, message.CODE)


@covers("SPDM-ERR-001")
def test_sessions_need_the_capabilities_of_both_sides() -> None:
    without = replace(CAPABILITIES, flags=0)
    answer = _device(capabilities=without).responder.handle(EXCHANGE.encode())
    assert answer == _error(ErrorCode.UNSUPPORTED_REQUEST, Request.KEY_EXCHANGE)
    half = replace(CAPABILITIES, flags=Capability.KEY_EX | Capability.MAC)
    answer = _device(capabilities=half).responder.handle(EXCHANGE.encode())
    assert answer == _error(ErrorCode.UNSUPPORTED_REQUEST, Request.KEY_EXCHANGE)


@covers("SPDM-ERR-001")
def test_signed_measurements_need_the_capability() -> None:
    flags = Capability.CERT | Capability.MEAS_NO_SIG
    device = _device(config=ResponderConfig(flags=flags))
    signed = GetMeasurements(operation=0xFF, nonce=NONCE).encode()
    assert device.responder.handle(signed) == _error(ErrorCode.INVALID_REQUEST)


@covers("SPDM-ERR-001")
def test_a_summary_of_no_measurements_is_invalid() -> None:
    device = _device()
    device.responder.measurements = ()
    raw = replace(EXCHANGE, summary_type=SummaryType.ALL).encode()
    assert device.responder.handle(raw) == _error(ErrorCode.INVALID_REQUEST)


@covers("SEC-VDM-002")
@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("protocol_id", [0, 1])
def test_ide_km_and_tdisp_outside_a_session_get_silence(steps: int, protocol_id: int) -> None:
    device = _device(steps)
    raw = VendorDefinedRequest(protocol_id=protocol_id, body=b"\x10\x81").encode()
    for variant in (raw, raw + bytes(2), raw[:-1], b"\x10" + raw[1:]):
        assert device.responder.handle(variant) is None


@covers("SEC-VDM-001")
def test_other_vendor_messages_outside_a_session_are_unsupported() -> None:
    raw = VendorDefinedRequest(protocol_id=2, body=b"").encode()
    expected = _error(ErrorCode.UNSUPPORTED_REQUEST, 0xFE)
    assert _device().responder.handle(raw) == expected
    assert _device().responder.handle(raw[:8]) == expected


@covers("SEC-REC-005")
def test_an_unknown_session_id_gets_silence() -> None:
    assert _device().responder.handle(Heartbeat().encode(), 0x1234) is None


@covers("SPDM-SES-003")
def test_a_session_that_the_record_layer_ended_is_forgotten() -> None:
    device = _device()
    assert device.responder.handle(EXCHANGE.encode()) is not None
    device.responder.session_ended(SESSION_ID)
    device.responder.session_ended(SESSION_ID)
    assert device.responder.session_ids == ()
    raw = Finish(verify_data=bytes(48)).encode()
    assert device.responder.handle(raw, SESSION_ID) is None


SAMPLES = [message.encode() for message in (*NEGOTIATION, *PLAIN_REQUESTS)]


@covers("SPDM-ERR-001")
@given(st.sampled_from(SAMPLES), st.data(), st.integers(0, 3))
def test_altered_requests_get_an_answer_and_never_a_session(
    sample: bytes, data: st.DataObject, steps: int
) -> None:
    device = _device(steps)
    raw = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for session_id in (None, SESSION_ID):
        answer = device.responder.handle(bytes(raw[:cut]), session_id)
        assert (answer is None) == (session_id is not None and not device.responder.session_ids)
    for session_id in device.responder.session_ids:  # an altered exchange may still be sound
        assert not device.slots[session_id].application
