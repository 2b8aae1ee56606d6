# SPDX-License-Identifier: Apache-2.0
"""IDE_KM objects, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.idekm.codes import PROTOCOL_ID, Direction, KpStatus
from models.idekm.errors import IdeKmError
from models.idekm.key_order import ifv_from_wire, ifv_to_wire, key_from_wire, key_to_wire
from models.idekm.messages import (
    AnyObject,
    KeyInfo,
    KeyProg,
    KGoStopAck,
    KpAck,
    KSetGo,
    KSetStop,
    Query,
    QueryResponse,
    decode,
)
from models.spdm.messages import VendorDefinedRequest
from tests.plan import covers

K_PR = bytes.fromhex("df254152056e02e0ef8b7feb9739d4d96a4eb80103241df7cd5e24b49ccd2720")
K_NPR = bytes(range(0x20, 0x40))
K_PR_WIRE = "524125df e0026e05 eb7f8bef d9d43997 01b84e6a f71d2403 b4245ecd 2027cd9c"
K_NPR_WIRE = "23222120 27262524 2b2a2928 2f2e2d2c 33323130 37363534 3b3a3938 3f3e3d3c"
RX_PR = KeyInfo(0, Direction.RX, 0)
TX_CPL = KeyInfo(0, Direction.TX, 2)
PROG = KeyProg(1, RX_PR, K_PR)

VECTORS: list[tuple[AnyObject, str]] = [
    (Query(0), "00000000"),
    (PROG, f"00020000 01000000 {K_PR_WIRE} 00000000 01000000"),
    (KpAck(1, KpStatus.SUCCESS, RX_PR), "00030000 01000000"),
    (KSetGo(1, RX_PR), "00040000 01000000"),
    (KSetGo(1, TX_CPL), "00040000 01002200"),
    (KGoStopAck(1, TX_CPL), "00060000 01002200"),
    (KSetStop(1, KeyInfo(1, Direction.RX, 1)), "00050000 01001100"),
    (KpAck(1, KpStatus.UNSUPPORTED_VALUE, KeyInfo(0, Direction.TX, 1)), "00030000 01031200"),
    (QueryResponse(0, 0x08, 0x01, 0, 0, bytes(8)), "00010000 08010000 00000000 00000000"),
]

infos = st.builds(KeyInfo, st.integers(0, 1), st.sampled_from(Direction), st.integers(0, 15))
byte = st.integers(0, 255)
objects: st.SearchStrategy[AnyObject] = st.one_of(
    st.builds(Query, byte),
    st.builds(
        QueryResponse,
        byte,
        byte,
        byte,
        byte,
        byte,
        st.binary(max_size=60).map(lambda raw: raw[: len(raw) // 4 * 4]),
    ),
    st.builds(
        KeyProg,
        byte,
        infos,
        st.binary(min_size=32, max_size=32),
        byte,
        st.integers(0, (1 << 64) - 1),
    ),
    st.builds(KpAck, byte, byte, infos, byte),
    st.builds(KSetGo, byte, infos, byte),
    st.builds(KSetStop, byte, infos, byte),
    st.builds(KGoStopAck, byte, infos, byte),
)


@covers("IDEKM-KP-003", "IDEKM-KP-001", "IDEKM-GO-001", "IDEKM-QRY-001")
@pytest.mark.parametrize(("message", "text"), VECTORS)
def test_objects_have_their_bytes(message: AnyObject, text: str) -> None:
    raw = bytes.fromhex(text.replace(" ", ""))
    assert bytes((PROTOCOL_ID,)) + message.encode() == raw
    assert decode(raw[1:]) == message


@covers("SEC-VDM-001", "IDEKM-KP-002")
def test_key_prog_in_its_vendor_defined_request_has_its_bytes() -> None:
    text = (
        "12fe0000 03000201 00300000 02000001 00000052 4125dfe0 026e05eb 7f8befd9 d4399701"
        "b84e6af7 1d2403b4 245ecd20 27cd9c00 00000001 000000"
    )
    request = VendorDefinedRequest(protocol_id=PROTOCOL_ID, body=PROG.encode())
    assert request.encode() == bytes.fromhex(text.replace(" ", ""))


@covers("IDEKM-KP-002")
def test_keys_and_invocation_values_have_their_wire_order() -> None:
    assert key_to_wire(K_PR).hex(" ", 4) == K_PR_WIRE
    assert key_to_wire(K_NPR).hex(" ", 4) == K_NPR_WIRE
    assert ifv_to_wire(1).hex(" ", 4) == "00000000 01000000"
    assert ifv_to_wire(0x1122334455667788).hex(" ", 4) == "44332211 88776655"


@covers("IDEKM-KP-002")
@given(st.binary(min_size=32, max_size=32), st.integers(0, (1 << 64) - 1))
def test_wire_order_can_be_undone(key: bytes, value: int) -> None:
    assert key_from_wire(key_to_wire(key)) == key
    assert ifv_from_wire(ifv_to_wire(value)) == value


@covers("IDEKM-KP-003")
@given(objects)
def test_an_object_decodes_to_what_was_encoded(message: AnyObject) -> None:
    assert decode(message.encode()) == message


@covers("IDEKM-KP-003")
@given(objects, st.sampled_from([-1, 1]))
def test_an_object_of_wrong_length_is_refused(message: AnyObject, wrong: int) -> None:
    raw = message.encode()
    with pytest.raises(IdeKmError):
        decode(raw[:-1] if wrong < 0 else raw + b"\0")


@covers("IDEKM-KP-003")
@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_refused(raw: bytes) -> None:
    try:
        message = decode(raw)
    except IdeKmError:
        return
    assert len(message.encode()) == len(raw)


@covers("IDEKM-SEC-001")
def test_a_key_does_not_show_in_the_text_of_its_message() -> None:
    assert K_PR.hex() not in repr(PROG)
    assert "key=" not in repr(PROG)


@covers("IDEKM-KP-002")
def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(IdeKmError):
        key_to_wire(bytes(31))
    with pytest.raises(IdeKmError):
        ifv_to_wire(1 << 64)
    with pytest.raises(IdeKmError):
        ifv_from_wire(bytes(7))
    with pytest.raises(IdeKmError):
        KeyInfo(2, Direction.RX, 0).encode()
    with pytest.raises(IdeKmError):
        QueryResponse(0, 0, 0, 0, 0, bytes(3)).encode()
