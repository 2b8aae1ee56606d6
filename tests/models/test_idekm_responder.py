# SPDX-License-Identifier: Apache-2.0
"""The reference IDE_KM responder: statuses, owners, silence."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.device.streams import StreamControl
from models.ide.codes import StreamState, SubStream
from models.ide.errors import InsecureCause
from models.ide.keys import KeySlot
from models.ide.select import SelectiveStreamBlock
from models.idekm.codes import Direction, KpStatus
from models.idekm.messages import (
    IdeKmObject,
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
from models.idekm.responder import IdeKmResponder, PortIdentity
from tests.plan import attack, covers

SESSION, FOREIGN = 1, 2
STREAM, OTHER = 5, 6
INFO = KeyInfo(0, Direction.RX, 0)
ALL = [KeyInfo(0, direction, sub) for direction, sub in product(Direction, range(3))]
RNG = random.Random(1)


class Port:
    """Two streams that are enabled and a responder in front of them."""

    def __init__(self, aliases: frozenset[int] = frozenset()) -> None:
        self.insecure: list[int] = []
        self.control = StreamControl(2, self.insecure.append)
        self.registers = b"\x42\x00\x01\x01"
        for index, stream_id in enumerate((STREAM, OTHER)):
            self.control.configure(
                index, SelectiveStreamBlock(stream_id, enabled=True, rid_valid=True)
            )
        self.responder = IdeKmResponder(
            self.control, lambda: PortIdentity(0x0108, 3), lambda: self.registers, aliases
        )

    def send(self, request: IdeKmObject, session: int = SESSION) -> IdeKmObject | None:
        raw = self.responder.handle(session, request.encode())
        return None if raw is None else decode(raw)

    def status(self, request: KeyProg, session: int = SESSION) -> int | None:
        answer = self.send(request, session)
        if answer is None:
            return None
        assert isinstance(answer, KpAck)
        assert (answer.stream_id, answer.info, answer.port_index) == (
            request.stream_id,
            request.info,
            request.port_index,
        )
        return answer.status

    def make_secure(self, stream_id: int = STREAM, session: int = SESSION) -> None:
        for info in ALL:
            assert self.status(key_prog(info, stream_id), session) == KpStatus.SUCCESS
            assert self.send(KSetGo(stream_id, info), session) == KGoStopAck(stream_id, info)


def key_prog(info: KeyInfo = INFO, stream_id: int = STREAM, port: int = 0) -> KeyProg:
    return KeyProg(stream_id, info, RNG.randbytes(32), port)


@covers("IDEKM-QRY-001")
def test_query_mirrors_the_registers_of_the_moment() -> None:
    port = Port()
    assert port.send(Query()) == QueryResponse(0, 0x08, 0x01, 3, 0, port.registers)
    port.registers = bytes(8)
    assert port.send(Query(), FOREIGN) == QueryResponse(0, 0x08, 0x01, 3, 0, bytes(8))


@covers("IDEKM-QRY-002")
def test_a_query_of_another_port_is_not_answered() -> None:
    assert all(Port().send(Query(index)) is None for index in range(1, 256))
    alias = Port(frozenset({1})).send(Query(1))
    assert isinstance(alias, QueryResponse)
    assert alias.port_index == 1


@covers("IDEKM-KP-001")
def test_a_key_goes_to_exactly_its_slot() -> None:
    for direction, sub, key_set in product(Direction, SubStream, (0, 1)):
        port = Port()
        request = key_prog(KeyInfo(key_set, direction, sub))
        assert port.status(request) == KpStatus.SUCCESS
        held = [
            (stream, slot)
            for stream in (STREAM, OTHER)
            for slot in (KeySlot(d, s, k) for d, s, k in product(Direction, SubStream, (0, 1)))
            if port.control.has_key(stream, slot)
        ]
        assert held == [(STREAM, KeySlot(direction, sub, key_set))]
        context = port.control.streams[0].keys
        context.go(KeySlot(direction, sub, key_set))
        usable = context.usable(KeySlot(direction, sub, key_set))
        assert usable is not None
        assert usable.key == request.key


@covers("IDEKM-KP-003", "IDEKM-KP-004", "IDEKM-KP-005")
def test_each_bad_field_has_its_status() -> None:
    port = Port()
    assert port.status(key_prog(port=1)) == KpStatus.UNSUPPORTED_PORT_INDEX
    assert port.status(key_prog(stream_id=7)) == KpStatus.UNSUPPORTED_VALUE
    for sub_stream in range(3, 16):
        info = KeyInfo(0, Direction.TX, sub_stream)
        assert port.status(key_prog(info)) == KpStatus.UNSUPPORTED_VALUE
    for invocation in (0, 2, 1 << 63):
        request = KeyProg(STREAM, INFO, bytes(32), 0, invocation)
        assert port.status(request) == KpStatus.UNSUPPORTED_VALUE
    assert port.control.owner(STREAM) is None
    assert port.status(key_prog()) == KpStatus.SUCCESS


@covers("IDEKM-KP-003")
@given(st.binary(max_size=60).filter(lambda raw: len(raw) not in (3, 7, 47)))
def test_an_object_of_wrong_size_is_not_answered(raw: bytes) -> None:
    port = Port()
    port.make_secure()
    assert port.responder.handle(SESSION, raw) is None
    assert port.control.streams[0].secure


@covers("IDEKM-KP-003")
@pytest.mark.parametrize("kind", [1, 3, 6, 7, 255])
def test_responses_and_unknown_objects_are_not_answered(kind: int) -> None:
    assert Port().responder.handle(SESSION, bytes((kind, 0, 0, STREAM, 0, 0, 0))) is None


@covers("IDEKM-KP-006", "IDE-KEY-010")
@attack("ATT-19")
def test_a_foreign_session_gets_no_answer_while_the_owner_lives() -> None:
    port = Port()
    assert port.status(key_prog()) == KpStatus.SUCCESS
    assert port.control.owner(STREAM) == SESSION
    for request in (key_prog(ALL[1]), KSetGo(STREAM, INFO), KSetStop(STREAM, INFO)):
        assert port.send(request, FOREIGN) is None
    assert not port.control.has_key(STREAM, KeySlot(Direction.RX, SubStream.NPR, 0))
    assert not port.control.streams[0].keys.ready(KeySlot(Direction.RX, SubStream.PR, 0))
    assert port.status(key_prog(stream_id=OTHER), FOREIGN) == KpStatus.SUCCESS


@covers("IDEKM-KP-007", "TDISP-SES-008", "TDISP-SES-006")
@attack("ATT-17")
def test_the_end_of_the_owner_takes_keys_and_secure_before_others_are_served() -> None:
    port = Port()
    port.make_secure(STREAM, SESSION)
    port.make_secure(OTHER, FOREIGN)
    port.control.session_end(SESSION)
    assert port.insecure == [STREAM]
    assert [stream.secure for stream in port.control.streams] == [False, True]
    assert port.control.owner(STREAM) is None
    assert not port.control.views()[0].keys_programmed
    assert port.send(KSetGo(STREAM, INFO), SESSION) is None
    assert port.status(key_prog(), 3) == KpStatus.SUCCESS
    assert port.control.owner(STREAM) == 3


@covers("IDEKM-GO-001", "IDEKM-GO-002")
def test_go_makes_exactly_one_key_usable_and_needs_it() -> None:
    port = Port()
    assert port.send(KSetGo(STREAM, INFO)) is None
    port.status(key_prog())
    for wrong in (KSetGo(OTHER, INFO), KSetGo(STREAM, ALL[1]), KSetGo(STREAM, INFO, 1)):
        assert port.send(wrong) is None
    reserved = KeyInfo(0, Direction.RX, 5)
    assert port.send(KSetGo(STREAM, reserved)) is None
    assert port.send(KSetGo(7, INFO)) is None
    keys = port.control.streams[0].keys
    assert not keys.ready(KeySlot(Direction.RX, SubStream.PR, 0))
    assert port.send(KSetGo(STREAM, INFO)) == KGoStopAck(STREAM, INFO)
    assert keys.ready(KeySlot(Direction.RX, SubStream.PR, 0))
    assert port.send(KSetGo(STREAM, INFO)) == KGoStopAck(STREAM, INFO)


@covers("IDEKM-STP-001", "IDE-KEY-007")
def test_stop_takes_the_key_and_leaves_the_state() -> None:
    port = Port()
    port.make_secure()
    assert port.send(KSetStop(STREAM, INFO)) == KGoStopAck(STREAM, INFO)
    assert port.control.streams[0].state is StreamState.SECURE
    assert not port.control.views()[0].keys_programmed
    assert port.insecure == []
    assert port.send(KSetStop(STREAM, INFO)) is None


@covers("IDE-KEY-009", "IDEKM-KP-003")
@attack("ATT-21")
def test_the_key_set_in_use_is_not_replaced() -> None:
    port = Port()
    port.make_secure()
    for info in ALL:
        assert port.status(key_prog(info)) == KpStatus.UNSPECIFIED_FAILURE
    other_set = KeyInfo(1, Direction.RX, 0)
    assert port.status(key_prog(other_set)) == KpStatus.SUCCESS


@covers("IDEKM-KP-001")
def test_a_key_that_has_not_got_go_can_be_replaced() -> None:
    port = Port()
    port.status(key_prog())
    assert port.status(key_prog()) == KpStatus.SUCCESS


@covers("IDE-ST-001", "IDE-ST-007")
def test_a_stream_is_secure_with_enable_and_six_keys_and_tells_when_it_is_not() -> None:
    port = Port()
    port.make_secure()
    view = port.control.views()[0]
    assert (view.secure, view.keys_programmed, view.owner) == (True, True, SESSION)
    port.control.configure(0, SelectiveStreamBlock(STREAM, rid_valid=True))
    assert port.insecure == [STREAM]
    port.control.configure(0, SelectiveStreamBlock(STREAM, enabled=True, rid_valid=True))
    assert not port.control.streams[0].secure
    assert port.status(key_prog(), FOREIGN) is None
    port.make_secure()
    assert port.control.streams[0].secure


@covers("IDE-ST-001", "IDE-CAP-006")
def test_a_stream_needs_a_valid_association_all_the_time() -> None:
    port = Port()
    port.make_secure()
    port.control.configure(0, SelectiveStreamBlock(STREAM, enabled=True))
    assert port.insecure == [STREAM]
    waiting = Port()
    waiting.control.configure(0, SelectiveStreamBlock(STREAM, enabled=True))
    waiting.control.configure(0, SelectiveStreamBlock(STREAM, enabled=True, rid_valid=True))
    waiting.make_secure()
    assert not waiting.control.streams[0].secure


@covers("IDE-ST-010", "IDE-KEY-008")
def test_link_down_and_reset_take_every_key() -> None:
    port = Port()
    port.make_secure()
    port.make_secure(OTHER)
    port.control.all_insecure(InsecureCause.LINK_DOWN)
    assert port.insecure == [STREAM, OTHER]
    assert port.control.owner(STREAM) == SESSION
    port.control.reset()
    assert not port.control.has_stream(STREAM)
    assert [view.owner for view in port.control.views()] == [None, None]
