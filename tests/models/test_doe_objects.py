# SPDX-License-Identifier: Apache-2.0
"""DOE data objects and Discovery."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.doe.codes import ObjectType
from models.doe.objects import (
    DataObject,
    DiscoveryRequest,
    DiscoveryResponse,
    DoeError,
    discover,
    from_dwords,
    length_field,
    object_dwords,
    to_dwords,
)
from tests.plan import covers


def hexed(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


@covers("DOE-DSC-001")
def test_discovery_objects_have_their_bytes() -> None:
    assert DiscoveryRequest(0).encode() == hexed("01000000 03000000 00000000")
    assert discover(0).encode() == hexed("01000000 03000000 01000001")
    assert discover(1).encode() == hexed("01000000 03000000 01000102")
    assert discover(2).encode() == hexed("01000000 03000000 01000200")


@covers("DOE-DSC-001", "DOE-DSC-002")
def test_discovery_lists_its_types_once_and_ends_with_0() -> None:
    index, seen = 0, []
    while True:
        answer = discover(index)
        seen.append(answer.kind)
        if not answer.next_index:
            break
        assert answer.next_index == index + 1
        index = answer.next_index
    assert seen == [ObjectType.DISCOVERY, ObjectType.SPDM, ObjectType.SECURED_SPDM]


@covers("DOE-DSC-002")
def test_discovery_beyond_the_last_index_shows_no_type() -> None:
    assert discover(3) == DiscoveryResponse(0xFFFF, 0xFF, 0)


@covers("DOE-OBJ-002")
def test_plain_spdm_objects_have_their_bytes() -> None:
    version = DataObject(ObjectType.SPDM, hexed("10840000")).encode()
    assert version == hexed("01000100 03000000 10840000")
    answer = DataObject(ObjectType.SPDM, hexed("10040000 00010012")).encode()
    assert answer == hexed("01000100 04000000 10040000 00010012")


@covers("DOE-OBJ-002")
def test_length_of_2_to_18_is_written_as_0() -> None:
    assert length_field(1 << 18) == 0
    assert object_dwords(0) == 1 << 18
    assert object_dwords(0xFFFC0003) == 3
    with pytest.raises(DoeError):
        length_field((1 << 18) + 1)
    with pytest.raises(DoeError):
        length_field(1)


@covers("DOE-OBJ-002")
@given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 0xFFFF))
def test_an_object_decodes_to_what_was_encoded(payload: bytes, kind: int, vendor: int) -> None:
    raw = DataObject(kind, payload, vendor).encode()
    decoded = DataObject.decode(raw)
    padded = payload + bytes(-len(payload) % 4)
    assert decoded == DataObject(kind, padded, vendor)
    assert from_dwords(to_dwords(raw)) == raw


@covers("DOE-FSM-008")
@given(st.binary(min_size=1, max_size=40), st.integers(-8, 8).filter(bool))
def test_an_object_of_another_length_is_none(payload: bytes, wrong: int) -> None:
    raw = DataObject(ObjectType.SPDM, payload).encode()
    cut = raw[:wrong] if wrong < 0 else raw + bytes(wrong)
    with pytest.raises(DoeError):
        DataObject.decode(cut)


@covers("DOE-OBJ-002")
def test_discovery_has_exactly_one_dword() -> None:
    for payload in (b"", bytes(3), bytes(8)):
        with pytest.raises(DoeError):
            DiscoveryRequest.decode(payload)
        with pytest.raises(DoeError):
            DiscoveryResponse.decode(payload)
    assert DiscoveryRequest.decode(hexed("02020000")) == DiscoveryRequest(2, 2)
