# SPDX-License-Identifier: Apache-2.0
"""Secured records: known answers, and everything that must be refused."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from models.doe.codes import ObjectType
from models.spdm.carrier import unwrap, wrap
from models.spdm.errors import DecodeError, RecordError
from models.spdm.messages import GetVersion, Version
from models.spdm.record import SEQUENCE_LIMIT, RecordCipher, RecordKeys, record_session_id
from tests.plan import covers

SESSION_ID = 0x00020001
REQUEST_KEYS = RecordKeys(
    bytes.fromhex("848d206a0b0b9ebf2c2db70e5a447cb8c6ceae51db25ae2e59bfc3739b693b2f"),
    bytes.fromhex("159f1e766c1428b698751f0f"),
)
RESPONSE_KEYS = RecordKeys(
    bytes.fromhex("e75693cf32a2af8c16a445e050873d9dc4c7f6921350016ebd3377456d260950"),
    bytes.fromhex("ba1ca8e08bba9941343bd883"),
)
GET_TDISP_VERSION = bytes.fromhex("12fe000003000201001100011081000000010000000000000000" + "0000")
TDISP_VERSION = bytes.fromhex("127e00000300020100130001100100000001000000000000000000000110")
VECTORS = [
    (
        REQUEST_KEYS,
        0,
        GET_TDISP_VERSION,
        "010002000f000000010002002e002560fee42154a89b44645188936a04591961176a26e561d25f4f077b"
        "b6b37e7a9bda19dd13ce7699e4b14e7cd671",
    ),
    (
        REQUEST_KEYS,
        1,
        GET_TDISP_VERSION,
        "01000200 0f000000 01000200 2e00f5b1 4c1ea56e b29416c2 0f1046ba 6e5f8413 ee8ffaa7"
        "ab242084 3901d7f4 2e719760 1c440f6c 1d5e071e 167ed2aa",
    ),
    (
        RESPONSE_KEYS,
        0,
        TDISP_VERSION,
        "01000200 10000000 01000200 3000d1d9 db8cf871 2608adc7 7b578ab6 90820a65 ddfa1d92"
        "35bd0dd6 18c34a5b 74f7a10f c9204b5c b59ee5c0 70dfce72 9e440000",
    ),
]


@covers("SEC-REC-001", "SEC-REC-003")
@pytest.mark.parametrize(("keys", "sequence", "data", "doe_object"), VECTORS)
def test_record_in_a_doe_object_equals_the_vector(
    keys: RecordKeys, sequence: int, data: bytes, doe_object: str
) -> None:
    expected = bytes.fromhex(doe_object.replace(" ", ""))
    record = RecordCipher(keys, sequence).seal(SESSION_ID, data)
    assert wrap(ObjectType.SECURED_SPDM, record) == expected
    kind, payload = unwrap(expected)
    assert kind == ObjectType.SECURED_SPDM
    assert record_session_id(payload) == SESSION_ID
    assert RecordCipher(keys, sequence).open(payload) == data


@covers("SPDM-VCA-001")
def test_plain_doe_objects_equal_the_vectors() -> None:
    assert wrap(ObjectType.SPDM, GetVersion().encode()).hex() == "010001000300000010840000"
    assert wrap(ObjectType.SPDM, Version().encode()).hex() == "01000100040000001004000000010012"


@covers("SEC-REC-001", "SEC-REC-006")
@given(st.lists(st.binary(max_size=80), max_size=4))
def test_records_open_in_the_order_of_sealing(messages: list[bytes]) -> None:
    sender, receiver = RecordCipher(REQUEST_KEYS), RecordCipher(REQUEST_KEYS)
    for number, message in enumerate(messages):
        assert sender.sequence == receiver.sequence == number
        record = sender.seal(7, message)
        assert len(record) == 6 + 2 + len(message) + 16
        assert receiver.open(record) == message


@covers("SEC-REC-002", "SEC-REC-007")
@given(st.data())
def test_one_flipped_bit_is_refused_and_kills_the_cipher(data: st.DataObject) -> None:
    record = RecordCipher(REQUEST_KEYS).seal(SESSION_ID, b"message")
    bit = data.draw(st.integers(0, 8 * len(record) - 1))
    altered = bytearray(record)
    altered[bit // 8] ^= 1 << bit % 8
    receiver = RecordCipher(REQUEST_KEYS)
    with pytest.raises(RecordError):
        receiver.open(bytes(altered))
    with pytest.raises(RecordError, match="earlier"):
        receiver.open(record)


@covers("SEC-REC-002")
@pytest.mark.parametrize("order", [[0, 0], [1], [0, 2], [1, 0]])
def test_replayed_dropped_or_reordered_records_are_refused(order: list[int]) -> None:
    sender = RecordCipher(REQUEST_KEYS)
    records = [sender.seal(1, bytes((number,))) for number in range(3)]
    receiver = RecordCipher(REQUEST_KEYS)

    def receive_all() -> None:
        for number in order:
            assert receiver.open(records[number]) == bytes((number,))

    with pytest.raises(RecordError, match="tag"):
        receive_all()


@covers("SEC-REC-003")
def test_a_reflected_record_is_refused() -> None:
    record = RecordCipher(REQUEST_KEYS).seal(SESSION_ID, b"message")
    with pytest.raises(RecordError, match="tag"):
        RecordCipher(RESPONSE_KEYS).open(record)


@covers("SEC-REC-004")
@pytest.mark.parametrize("padding", [b"", b"\0", b"\xff\xff\xff"])
def test_padding_is_ignored(padding: bytes) -> None:
    record = RecordCipher(REQUEST_KEYS).seal(SESSION_ID, b"message")
    assert RecordCipher(REQUEST_KEYS).open(record + padding) == b"message"


@covers("SEC-REC-004")
def test_more_than_a_dw_of_padding_is_refused() -> None:
    record = RecordCipher(REQUEST_KEYS).seal(SESSION_ID, b"message")
    with pytest.raises(RecordError, match="length field"):
        RecordCipher(REQUEST_KEYS).open(record + bytes(4))


@covers("SEC-REC-004")
@pytest.mark.parametrize(
    "record",
    [
        b"",
        bytes(5),
        bytes(6),
        bytes.fromhex("01000200 1100") + bytes(17),
        bytes.fromhex("01000200 1300") + bytes(18),
        bytes.fromhex("01000200 1200") + bytes(22),
    ],
)
def test_a_wrong_length_is_refused(record: bytes) -> None:
    with pytest.raises(RecordError):
        RecordCipher(REQUEST_KEYS).open(record)


@covers("SEC-REC-006")
@pytest.mark.parametrize("size", [4, 6])
def test_application_length_must_equal_the_plain_text(size: int) -> None:

    header = bytes.fromhex("01000200") + (2 + 5 + 16).to_bytes(2, "little")
    plain = size.to_bytes(2, "little") + b"abcde"
    sealed = AESGCM(REQUEST_KEYS.key).encrypt(REQUEST_KEYS.iv, plain, header)
    with pytest.raises(RecordError, match="application length"):
        RecordCipher(REQUEST_KEYS).open(header + sealed)


@covers("SEC-REC-001")
def test_the_sequence_number_never_wraps() -> None:
    cipher = RecordCipher(REQUEST_KEYS, SEQUENCE_LIMIT - 1)
    cipher.seal(1, b"last")
    with pytest.raises(RecordError, match="exhausted"):
        cipher.seal(1, b"one too many")


@covers("SEC-REC-001")
def test_oversized_data_and_keys_of_wrong_size_are_refused() -> None:
    with pytest.raises(RecordError, match="too long"):
        RecordCipher(REQUEST_KEYS).seal(1, bytes(0xFFFF))
    with pytest.raises(RecordError, match="key of"):
        RecordKeys(bytes(16), bytes(12))
    assert "848d" not in repr(REQUEST_KEYS)


@covers("DOE-OBJ-002")
@pytest.mark.parametrize("raw", ["", "0100010003000000", "0200010002000000", "0100010001000000"])
def test_a_doe_object_with_a_wrong_header_is_refused(raw: str) -> None:
    with pytest.raises(DecodeError):
        unwrap(bytes.fromhex(raw))
