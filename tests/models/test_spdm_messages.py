# SPDX-License-Identifier: Apache-2.0
"""Codecs: every message survives a round trip, and bytes written by hand pin the layouts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spdm.codes import SECURED_MESSAGE_1_0, SECURED_MESSAGE_1_1
from models.spdm.errors import DecodeError, EncodeError
from models.spdm.measurements import Measurement, decode_record
from models.spdm.messages import (
    Algorithms,
    AlgorithmTable,
    Capabilities,
    Certificate,
    Challenge,
    ChallengeAuth,
    Digests,
    EndSession,
    EndSessionAck,
    Error,
    Finish,
    FinishRsp,
    GetCapabilities,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    GetVersion,
    Heartbeat,
    HeartbeatAck,
    KeyExchange,
    KeyExchangeRsp,
    KeyUpdate,
    KeyUpdateAck,
    Measurements,
    Message,
    NegotiateAlgorithms,
    Shape,
    VendorDefinedRequest,
    VendorDefinedResponse,
    Version,
    is_pci_protocol_request,
)
from models.spdm.negotiation import offer
from models.spdm.opaque import (
    decode_selected,
    decode_supported,
    encode_selected,
    encode_supported,
)
from tests.plan import covers

U8, U16, U32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
NONCE = st.binary(min_size=32, max_size=32)
HASH = st.binary(min_size=48, max_size=48)
POINT = st.binary(min_size=96, max_size=96)
BLOB = st.binary(max_size=64)
CAPS = {"ct_exponent": U8, "flags": U32, "data_transfer_size": U32, "max_message_size": U32}
TABLES = st.lists(
    st.builds(AlgorithmTable, st.integers(2, 5), U16), max_size=4, unique_by=lambda t: t.kind
).map(lambda tables: tuple(sorted(tables, key=lambda table: table.kind)))
ALGORITHMS = {
    "measurement_specification": U8,
    "other_params": U8,
    "base_asym": U32,
    "base_hash": U32,
    "mel_specification": U8,
    "tables": TABLES,
}
PLAIN = Shape()
SUMMARY = Shape(summary=True)
SIGNED = Shape(signed=True)


def _digests(values: list[bytes]) -> Digests:
    return Digests(slot_mask=(1 << len(values)) - 1, digests=tuple(values))


SLOT = st.integers(0, 15)
OPERATION = {"operation": U8, "tag": U8}
MEASURED = {
    "total": U8,
    "slot": SLOT,
    "content_change": st.integers(0, 3),
    "blocks": U8,
    "record": BLOB,
    "nonce": NONCE,
    "opaque": BLOB,
}
AUTH = {
    "slot": U8,
    "slot_mask": U8,
    "chain_hash": HASH,
    "nonce": NONCE,
    "opaque": BLOB,
    "signature": POINT,
}
EXCHANGE_RSP = {
    "heartbeat_period": U8,
    "responder_session_id": U16,
    "mutual_authentication": U8,
    "slot_param": U8,
    "random": NONCE,
    "exchange_data": POINT,
    "opaque": BLOB,
    "signature": POINT,
    "verify_data": HASH,
}
MESSAGES: list[tuple[Shape, st.SearchStrategy[Message]]] = [
    (PLAIN, st.builds(GetVersion)),
    (PLAIN, st.builds(Version, entries=st.lists(U16, max_size=4).map(tuple))),
    (PLAIN, st.builds(GetCapabilities, **CAPS)),
    (PLAIN, st.builds(Capabilities, **CAPS)),
    (PLAIN, st.builds(NegotiateAlgorithms, **ALGORITHMS)),
    (PLAIN, st.builds(Algorithms, measurement_hash=U32, **ALGORITHMS)),
    (PLAIN, st.builds(GetDigests)),
    (PLAIN, st.lists(HASH, max_size=8).map(_digests)),
    (PLAIN, st.builds(GetCertificate, slot=SLOT, offset=U16, length=U16)),
    (PLAIN, st.builds(Certificate, slot=SLOT, portion=BLOB, remainder=U16)),
    (PLAIN, st.builds(Challenge, slot=U8, summary_type=U8, nonce=NONCE)),
    (PLAIN, st.builds(ChallengeAuth, **AUTH)),
    (SUMMARY, st.builds(ChallengeAuth, summary=HASH, **AUTH)),
    (PLAIN, st.builds(GetMeasurements, operation=U8, attributes=st.sampled_from([0, 2, 4, 6]))),
    (PLAIN, st.builds(GetMeasurements, operation=U8, nonce=NONCE, slot=SLOT)),
    (PLAIN, st.builds(Measurements, **MEASURED)),
    (SIGNED, st.builds(Measurements, signature=POINT, **MEASURED)),
    (
        PLAIN,
        st.builds(
            KeyExchange,
            summary_type=U8,
            slot=U8,
            requester_session_id=U16,
            policy=U8,
            random=NONCE,
            exchange_data=POINT,
            opaque=BLOB,
        ),
    ),
    (PLAIN, st.builds(KeyExchangeRsp, **EXCHANGE_RSP)),
    (SUMMARY, st.builds(KeyExchangeRsp, summary=HASH, **EXCHANGE_RSP)),
    (PLAIN, st.builds(Finish, slot=U8, verify_data=HASH)),
    (PLAIN, st.builds(Finish, slot=U8, signature=POINT, verify_data=HASH)),
    (PLAIN, st.builds(FinishRsp)),
    (PLAIN, st.builds(Heartbeat)),
    (PLAIN, st.builds(HeartbeatAck)),
    (PLAIN, st.builds(KeyUpdate, **OPERATION)),
    (PLAIN, st.builds(KeyUpdateAck, **OPERATION)),
    (PLAIN, st.builds(EndSession, attributes=U8)),
    (PLAIN, st.builds(EndSessionAck)),
    (PLAIN, st.builds(Error, code=U8, data=U8, extended=BLOB)),
    (PLAIN, st.builds(VendorDefinedRequest, protocol_id=U8, body=BLOB)),
    (PLAIN, st.builds(VendorDefinedResponse, protocol_id=U8, body=BLOB)),
]
ANY = st.one_of(*(st.tuples(st.just(shape), made) for shape, made in MESSAGES))


@covers("SPDM-VCA-001")
@pytest.mark.parametrize(("shape", "made"), MESSAGES)
def test_every_message_survives_a_round_trip(
    shape: Shape, made: st.SearchStrategy[Message]
) -> None:
    @given(made)
    def check(message: Message) -> None:
        raw = message.encode()
        assert type(message).decode(raw, shape) == message
        if not isinstance(message, Error):  # whose extended data goes on to the end
            assert type(message).decode_padded(raw + bytes(3), shape) == (message, raw)

    check()


@covers("SPDM-ERR-001")
@given(ANY, st.data())
def test_a_cut_or_longer_message_is_refused(
    example: tuple[Shape, Message], data: st.DataObject
) -> None:
    shape, message = example
    raw = message.encode()
    if isinstance(message, Error):  # its extended data ends where the message ends
        raw = raw[:4]
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(DecodeError):
        type(message).decode(raw[:cut], shape)
    if not isinstance(message, Error):
        with pytest.raises(DecodeError):
            type(message).decode(raw + b"\0", shape)
        with pytest.raises(DecodeError):
            type(message).decode_padded(raw + bytes(4), shape)


@covers("SPDM-ERR-001")
@given(ANY, st.binary(max_size=200))
def test_random_bytes_never_do_more_than_a_decode_error(
    example: tuple[Shape, Message], raw: bytes
) -> None:
    shape, message = example
    body = bytes((message.version, message.CODE)) + raw
    with contextlib.suppress(DecodeError):
        decoded = type(message).decode(body, shape)
        assert len(decoded.encode()) <= len(body)  # external algorithms are dropped


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


NONCE_HEX = "a0" * 32
LAYOUTS: list[tuple[str, Message, str]] = [
    ("GET_VERSION", GetVersion(), "10840000"),
    ("VERSION", Version(), "10040000 00010012"),
    (
        "GET_CAPABILITIES",
        GetCapabilities(
            ct_exponent=20, flags=0x62C0, data_transfer_size=0x1200, max_message_size=0x1200
        ),
        "12e10000 00140000 c0620000 00120000 00120000",
    ),
    (
        "NEGOTIATE_ALGORITHMS",
        offer(),
        "12e30300 2c000102 80000000 02000000 00000000 0000000000000000 00000000"
        "02201000 03200200 05200100",
    ),
    (
        "ALGORITHMS",
        Algorithms(
            measurement_hash=4,
            base_asym=0x80,
            base_hash=2,
            tables=tuple(
                AlgorithmTable(kind, bits) for kind, bits in ((2, 16), (3, 2), (4, 0), (5, 1))
            ),
        ),
        "12630400 34000102 04000000 80000000 02000000 00000000 00000000000000 00 00000000"
        "02201000 03200200 04200000 05200100",
    ),
    ("GET_CERTIFICATE", GetCertificate(slot=1, offset=0x102, length=0x304), "12820100 02010403"),
    ("CERTIFICATE", Certificate(portion=b"\1\2", remainder=3), "12020000 02000300 0102"),
    ("CHALLENGE", Challenge(summary_type=0xFF, nonce=_hex(NONCE_HEX)), "128300ff" + NONCE_HEX),
    ("GET_MEASUREMENTS", GetMeasurements(operation=0xFF), "12e000ff"),
    (
        "GET_MEASUREMENTS signed",
        GetMeasurements(operation=1, nonce=_hex(NONCE_HEX), slot=0),
        "12e00101" + NONCE_HEX + "00",
    ),
    (
        "MEASUREMENTS",
        Measurements(blocks=1, record=b"\x11\x22", nonce=_hex(NONCE_HEX)),
        "12600000 01020000 1122" + NONCE_HEX + "0000",
    ),
    (
        "KEY_EXCHANGE",
        KeyExchange(
            requester_session_id=1,
            random=_hex(NONCE_HEX),
            exchange_data=bytes(96),
            opaque=b"\x77",
        ),
        "12e40000 01000000" + NONCE_HEX + "00" * 96 + "0100 77",
    ),
    (
        "KEY_EXCHANGE_RSP",
        KeyExchangeRsp(
            heartbeat_period=5,
            responder_session_id=2,
            random=_hex(NONCE_HEX),
            exchange_data=bytes(96),
            opaque=b"",
            signature=b"\x55" * 96,
            verify_data=b"\x66" * 48,
        ),
        "12640500 02000000" + NONCE_HEX + "00" * 96 + "0000" + "55" * 96 + "66" * 48,
    ),
    ("FINISH", Finish(verify_data=b"\x66" * 48), "12e50000" + "66" * 48),
    ("KEY_UPDATE", KeyUpdate(operation=2, tag=9), "12e90209"),
    ("END_SESSION", EndSession(), "12ec0000"),
    ("ERROR", Error(code=7, data=0xE8), "127f07e8"),
    (
        "VENDOR_DEFINED_REQUEST of KEY_PROG",
        VendorDefinedRequest(
            protocol_id=0,
            body=_hex(
                "020000 01000000 524125df e0026e05 eb7f8bef d9d43997 01b84e6a f71d2403 b4245ecd"
                "2027cd9c 00000000 01000000"
            ),
        ),
        "12fe0000 03000201 00300000 02000001 00000052 4125dfe0 026e05eb 7f8befd9 d4399701"
        "b84e6af7 1d2403b4 245ecd20 27cd9c00 00000001 000000",
    ),
]


@covers("SPDM-VCA-001", "SEC-VDM-001")
@pytest.mark.parametrize(
    ("message", "raw"), [row[1:] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS]
)
def test_layout_equals_the_bytes_written_by_hand(message: Message, raw: str) -> None:
    assert message.encode() == _hex(raw)
    assert type(message).decode(_hex(raw)) == message


@covers("SPDM-ERR-001")
@pytest.mark.parametrize(
    "make",
    [
        lambda: GetCertificate(offset=1 << 16, length=0),
        lambda: Challenge(nonce=bytes(31)),
        lambda: Digests(slot_mask=3, digests=(bytes(48),)),
        lambda: Error(code=256),
    ],
)
def test_a_field_that_does_not_fit_is_refused_when_encoding(make: Callable[[], Message]) -> None:
    with pytest.raises(EncodeError):
        make().encode()


@covers("SPDM-VCA-001")
def test_external_algorithms_are_skipped_and_the_length_field_is_checked() -> None:
    raw = bytearray(offer().encode())
    raw[28] = 1
    raw[32:32] = b"\xee" * 4
    raw[4:6] = len(raw).to_bytes(2, "little")
    assert NegotiateAlgorithms.decode(bytes(raw)) == offer()
    raw[4] += 1
    with pytest.raises(DecodeError, match="Length"):
        NegotiateAlgorithms.decode(bytes(raw))


@covers("SPDM-ERR-001")
def test_algorithm_tables_that_do_not_ascend_are_refused() -> None:
    tables = (AlgorithmTable(3, 2), AlgorithmTable(2, 16))
    raw = NegotiateAlgorithms(base_asym=0x80, base_hash=2, tables=tables).encode()
    with pytest.raises(DecodeError, match="ascend"):
        NegotiateAlgorithms.decode(raw)


@covers("SEC-VDM-001")
@pytest.mark.parametrize(("offset", "value"), [(4, 4), (6, 3), (7, 2), (8, 1), (9, 0)])
def test_vendor_framing_is_checked_field_by_field(offset: int, value: int) -> None:
    raw = bytearray(VendorDefinedRequest(protocol_id=1, body=b"\x10\x81").encode())
    raw[offset] = value
    with pytest.raises(DecodeError):
        VendorDefinedRequest.decode(bytes(raw))


@covers("SEC-VDM-002")
def test_only_ide_km_and_tdisp_count_as_pci_protocols() -> None:
    def request(protocol_id: int) -> bytes:
        return VendorDefinedRequest(protocol_id=protocol_id, body=b"\0").encode()

    assert is_pci_protocol_request(request(0))
    assert is_pci_protocol_request(request(1) + bytes(3))
    assert not is_pci_protocol_request(request(2))
    assert not is_pci_protocol_request(GetVersion().encode())
    assert not is_pci_protocol_request(VendorDefinedResponse(protocol_id=1, body=b"").encode())
    other_vendor = bytearray(request(1))
    other_vendor[7:9] = b"\x98\x1e"
    assert not is_pci_protocol_request(bytes(other_vendor))


@covers("SPDM-KEX-001")
def test_opaque_data_equals_the_bytes_written_by_hand() -> None:
    offered = _hex("01000000 0000 0700 01 01 02 0010 0011 00")
    selected = _hex("01000000 0000 0400 01 00 0011")
    assert encode_supported((SECURED_MESSAGE_1_0, SECURED_MESSAGE_1_1)) == offered
    assert encode_selected(SECURED_MESSAGE_1_1) == selected
    assert decode_supported(offered) == (SECURED_MESSAGE_1_0, SECURED_MESSAGE_1_1)
    assert decode_selected(selected) == SECURED_MESSAGE_1_1


@covers("SPDM-KEX-001")
def test_opaque_elements_of_others_are_skipped() -> None:
    foreign = _hex("05 02 aabb 0500 0101010020 00")
    ours = encode_supported((SECURED_MESSAGE_1_1,))[4:]
    assert decode_supported(_hex("02000000") + foreign + ours) == (SECURED_MESSAGE_1_1,)
    also_foreign = _hex("00 02 aabb 0500 0101010020 00")
    for element in (foreign, also_foreign):
        with pytest.raises(DecodeError, match="no SUPPORTED_VERSIONS"):
            decode_supported(_hex("01000000") + element)
    with pytest.raises(DecodeError):
        decode_supported(b"")


@covers("SPDM-MEA-001")
def test_measurement_block_equals_the_bytes_written_by_hand() -> None:
    block = Measurement(index=3, kind=7, value=b"\x05\0", raw=True)
    raw = _hex("03 01 0500 87 0200 0500")
    assert block.encode() == raw
    assert decode_record(raw * 2, 2) == (block, block)
    for broken in (raw[:-1], raw + b"\0", b"\3\2" + raw[2:], _hex("03 01 0600 87 0200 0500 00")):
        with pytest.raises(DecodeError):
            decode_record(broken, 1)
