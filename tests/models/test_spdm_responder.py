# SPDX-License-Identifier: Apache-2.0
"""The responder outside sessions: order, versions and every error code."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spdm.codes import Capability, ErrorCode, Request, SummaryType
from models.spdm.messages import (
    AlgorithmTable,
    Certificate,
    Challenge,
    GetCapabilities,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    GetVersion,
    Heartbeat,
    KeyUpdate,
    Message,
    NegotiateAlgorithms,
    VendorDefinedRequest,
)
from models.spdm.negotiation import REQUESTER_FLAGS, RESPONDER_FLAGS, offer
from models.spdm.opaque import encode_supported
from models.spdm.responder_state import ResponderConfig
from tests.models.spdm_device import IDENTITY, Device, attested, run
from tests.models.spdm_requests import (
    CAPABILITIES,
    EXCHANGE,
    NEGOTIATION,
    NONCE,
    PLAIN_REQUESTS,
    SESSION_ID,
    device_after,
    error,
)
from tests.plan import covers

EARLY = [
    (steps, message)
    for steps in range(3)
    for message in (*PLAIN_REQUESTS, *NEGOTIATION[1:])
    if message.CODE != NEGOTIATION[steps].CODE
]


@covers("SPDM-VCA-003")
@pytest.mark.parametrize(("steps", "message"), EARLY)
def test_a_request_before_its_turn_is_unexpected(steps: int, message: Message) -> None:
    device = device_after(steps)
    version = 0x12 if steps > 1 else 0x10
    expected = error(ErrorCode.UNEXPECTED_REQUEST, version=version)
    assert device.responder.handle(message.encode()) == expected
    assert device.responder.handle(NEGOTIATION[steps].encode()) is not None


@covers("SPDM-VCA-003")
@pytest.mark.parametrize("message", [CAPABILITIES, offer()])
def test_negotiation_is_not_repeated_without_get_version(message: Message) -> None:
    answer = device_after().responder.handle(message.encode())
    assert answer == error(ErrorCode.UNEXPECTED_REQUEST)


@covers("SPDM-VCA-002")
@pytest.mark.parametrize("version", [0x10, 0x11, 0x13])
@pytest.mark.parametrize("message", PLAIN_REQUESTS, ids=lambda message: type(message).__name__)
def test_another_version_than_the_negotiated_is_a_mismatch(version: int, message: Message) -> None:
    answer = device_after().responder.handle(replace(message, version=version).encode())
    assert answer == error(ErrorCode.VERSION_MISMATCH)


@covers("SPDM-VCA-002")
def test_get_version_has_header_version_1_0_and_get_capabilities_1_2() -> None:
    device = device_after(1)
    assert device.responder.handle(b"\x12\x84\0\0") == error(
        ErrorCode.VERSION_MISMATCH, version=0x10
    )
    assert device.responder.handle(replace(CAPABILITIES, version=0x13).encode()) == error(
        ErrorCode.VERSION_MISMATCH, version=0x10
    )
    assert device.responder.handle(CAPABILITIES.encode()) is not None


@covers("SPDM-ERR-001")
@pytest.mark.parametrize("code", [0x00, 0x04, 0x7F, 0x85, 0xE2, 0xE6, 0xED, 0xFF])
def test_an_unknown_request_is_named_in_the_error(code: int) -> None:
    answer = device_after().responder.handle(bytes((0x12, code, 0, 0)))
    assert answer == error(ErrorCode.UNSUPPORTED_REQUEST, code)


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
    device = device_after()
    calls = list(device.calls)
    assert device.responder.handle(raw) == error(ErrorCode.INVALID_REQUEST)
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
    device = device_after(1)
    raw = GetCapabilities(
        ct_exponent=20,
        flags=changes.get("flags", REQUESTER_FLAGS),
        data_transfer_size=changes.get("data_transfer_size", 0x1000),
        max_message_size=changes.get("max_message_size", 0x1000),
    ).encode()
    assert device.responder.handle(raw) == error(ErrorCode.INVALID_REQUEST)
    assert device.responder.handle(CAPABILITIES.encode()) is not None


@covers("SPDM-ERR-001", "SPDM-VCA-001")
@pytest.mark.parametrize(
    "message",
    [
        replace(offer(), base_asym=0x10),
        replace(offer(), base_hash=8),
        replace(offer(), tables=(AlgorithmTable(2, 4), *offer().tables[1:])),
        replace(offer(), tables=(offer().tables[0], AlgorithmTable(3, 5), offer().tables[2])),
        replace(offer(), tables=offer().tables[:2]),
    ],
)
def test_nothing_in_common_is_invalid(message: NegotiateAlgorithms) -> None:
    device = device_after(2)
    assert device.responder.handle(message.encode()) == error(ErrorCode.INVALID_REQUEST)
    assert device.responder.handle(offer().encode()) is not None


@covers("SPDM-ERR-001", "SPDM-KEX-001")
def test_a_key_exchange_without_a_common_opaque_format_is_invalid() -> None:
    device = device_after(2)
    answer = device.responder.handle(replace(offer(), other_params=1).encode())
    assert answer is not None
    assert answer[7] == 0
    assert device.responder.handle(EXCHANGE.encode()) == error(ErrorCode.INVALID_REQUEST)
    assert device.responder.session_ids == ()


@covers("SPDM-VCA-001")
def test_responder_selects_one_bit_of_what_a_requester_offers() -> None:
    tables = tuple(AlgorithmTable(kind, 0xFFFF) for kind in (2, 3, 4, 5))
    message = NegotiateAlgorithms(base_asym=0x1FF, base_hash=7, tables=tables)
    answer = device_after(2).responder.handle(message.encode())
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
def test_a_request_above_the_own_size_is_too_large() -> None:
    answer = device_after().responder.handle(b"\x12\xe4" + bytes(0x2000))
    assert answer == error(ErrorCode.REQUEST_TOO_LARGE)


SMALL = replace(CAPABILITIES, data_transfer_size=64, max_message_size=64)


@covers("SPDM-ERR-001")
@pytest.mark.parametrize(
    ("message", "size"),
    [(Challenge(nonce=NONCE), 182), (GetMeasurements(operation=0xFF), 202), (EXCHANGE, 294)],
)
def test_a_response_above_the_size_of_the_requester_is_too_large(
    message: Message, size: int
) -> None:
    device = device_after(capabilities=SMALL)
    calls = list(device.calls)
    answer = device.responder.handle(message.encode())
    assert answer == error(ErrorCode.RESPONSE_TOO_LARGE) + size.to_bytes(4, "little")
    assert device.responder.session_ids == ()
    assert device.calls == calls


@covers("SPDM-CRT-001")
def test_a_certificate_portion_fits_the_requester() -> None:
    answer = device_after(capabilities=SMALL).responder.handle(
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
    device = device_after(config=ResponderConfig(flags=RESPONDER_FLAGS & ~lost))
    answer = device.responder.handle(message.encode())
    assert answer == error(ErrorCode.UNSUPPORTED_REQUEST, message.CODE)


@covers("SPDM-ERR-001")
def test_signed_measurements_need_the_capability() -> None:
    flags = Capability.CERT | Capability.MEAS_NO_SIG
    device = device_after(config=ResponderConfig(flags=flags))
    signed = GetMeasurements(operation=0xFF, nonce=NONCE).encode()
    assert device.responder.handle(signed) == error(ErrorCode.INVALID_REQUEST)


@covers("SPDM-ERR-001")
def test_a_summary_of_no_measurements_is_invalid() -> None:
    device = device_after()
    device.responder.measurements = ()
    raw = replace(EXCHANGE, summary_type=SummaryType.ALL).encode()
    assert device.responder.handle(raw) == error(ErrorCode.INVALID_REQUEST)


@covers("SEC-VDM-002")
@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("protocol_id", [0, 1])
def test_ide_km_and_tdisp_outside_a_session_get_silence(steps: int, protocol_id: int) -> None:
    device = device_after(steps)
    raw = VendorDefinedRequest(protocol_id=protocol_id, body=b"\x10\x81").encode()
    for variant in (raw, raw + bytes(2), raw[:-1], b"\x10" + raw[1:]):
        assert device.responder.handle(variant) is None


@covers("SEC-VDM-001")
def test_other_vendor_messages_outside_a_session_are_unsupported() -> None:
    raw = VendorDefinedRequest(protocol_id=2, body=b"").encode()
    expected = error(ErrorCode.UNSUPPORTED_REQUEST, 0xFE)
    assert device_after().responder.handle(raw) == expected
    assert device_after().responder.handle(raw[:8]) == expected


SAMPLES = [message.encode() for message in (*NEGOTIATION, *PLAIN_REQUESTS)]


@covers("SPDM-ERR-001")
@given(st.sampled_from(SAMPLES), st.data(), st.integers(0, 3))
def test_altered_requests_get_an_answer_and_never_a_session(
    sample: bytes, data: st.DataObject, steps: int
) -> None:
    device = device_after(steps)
    raw = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for session_id in (None, SESSION_ID):
        answer = device.responder.handle(bytes(raw[:cut]), session_id)
        assert (answer is None) == (session_id is not None and not device.responder.session_ids)
    for session_id in device.responder.session_ids:  # an altered exchange may still be sound
        assert not device.slots[session_id].application
