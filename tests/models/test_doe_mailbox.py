# SPDX-License-Identifier: Apache-2.0
"""The DOE mailbox at register level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.doe.codes import ControlBit, ObjectType, Register, StatusBit
from models.doe.mailbox import DoeMailbox
from models.doe.objects import DataObject, DiscoveryRequest, discover, from_dwords, to_dwords
from tests.hits import sample
from tests.plan import covers

GO = 1 << ControlBit.GO
ABORT = 1 << ControlBit.ABORT
REQUEST = DiscoveryRequest(0).encode()
ANSWER = discover(0).encode()


def status(mailbox: DoeMailbox) -> set[StatusBit]:
    value = mailbox.read(Register.STATUS)
    return {bit for bit in StatusBit if value >> bit & 1}


def send(mailbox: DoeMailbox, raw: bytes) -> None:
    for dword in to_dwords(raw):
        mailbox.write(Register.WRITE_MAILBOX, dword)
    mailbox.write(Register.CONTROL, GO)


def receive(mailbox: DoeMailbox) -> bytes:
    dwords = []
    while mailbox.ready:
        dwords.append(mailbox.read(Register.READ_MAILBOX))
        mailbox.write(Register.READ_MAILBOX, 0)
    return from_dwords(dwords)


def serve(mailbox: DoeMailbox, answer: bytes | None = ANSWER) -> None:
    ticket = mailbox.consume()
    assert ticket is not None
    mailbox.deliver(ticket, answer)


@covers("DOE-REG-001", "DOE-FSM-001")
def test_a_request_is_busy_until_taken_and_its_answer_ready_until_read() -> None:
    mailbox = DoeMailbox()
    assert mailbox.read(Register.HEADER) == 0x0001002E
    assert status(mailbox) == set()
    send(mailbox, REQUEST)
    assert status(mailbox) == {StatusBit.BUSY}
    ticket = mailbox.consume()
    assert ticket is not None
    assert ticket.raw == REQUEST
    assert status(mailbox) == set()
    mailbox.deliver(ticket, ANSWER)
    assert status(mailbox) == {StatusBit.DATA_OBJECT_READY}
    assert receive(mailbox) == ANSWER
    assert status(mailbox) == set()


@covers("DOE-REG-002")
def test_abort_and_go_read_0() -> None:
    mailbox = DoeMailbox(interrupts=True)
    mailbox.write(Register.CONTROL, GO | 1 << ControlBit.INTERRUPT_ENABLE)
    assert mailbox.read(Register.CONTROL) == 1 << ControlBit.INTERRUPT_ENABLE
    mailbox.write(Register.CONTROL, ABORT)
    assert mailbox.read(Register.CONTROL) == 0
    assert mailbox.read(Register.WRITE_MAILBOX) == 0


@covers("DOE-REG-003")
def test_reading_the_mailbox_does_not_move_it() -> None:
    mailbox = DoeMailbox()
    send(mailbox, REQUEST)
    serve(mailbox)
    first = mailbox.read(Register.READ_MAILBOX)
    assert mailbox.read(Register.READ_MAILBOX) == first
    mailbox.write(Register.READ_MAILBOX, 0xFFFFFFFF)
    assert mailbox.read(Register.READ_MAILBOX) == to_dwords(ANSWER)[1]


@covers("DOE-FSM-008")
@pytest.mark.parametrize("dwords", [[], [0x1], [0x1, 4, 0], [0x1, 2, 0], [0x1, 0, 0]])
def test_an_object_of_wrong_length_is_discarded_and_the_next_works(dwords: list[int]) -> None:
    mailbox = DoeMailbox()
    for dword in dwords:
        mailbox.write(Register.WRITE_MAILBOX, dword)
    mailbox.write(Register.CONTROL, GO)
    assert mailbox.consume() is None
    assert status(mailbox) == set()
    send(mailbox, REQUEST)
    serve(mailbox)
    assert receive(mailbox) == ANSWER


@covers("DOE-FSM-004", "DOE-FSM-002")
def test_overflow_is_an_error_that_only_abort_clears() -> None:
    mailbox = DoeMailbox(capacity=3)
    send(mailbox, REQUEST + bytes(4))
    assert status(mailbox) == {StatusBit.ERROR}
    assert mailbox.consume() is None
    send(mailbox, REQUEST)
    assert status(mailbox) == {StatusBit.ERROR}
    mailbox.write(Register.CONTROL, ABORT)
    assert status(mailbox) == set()
    send(mailbox, REQUEST)
    serve(mailbox)
    assert receive(mailbox) == ANSWER


@covers("DOE-FSM-001")
def test_a_write_while_busy_and_a_pop_of_nothing_are_errors() -> None:
    busy, empty, twice = DoeMailbox(), DoeMailbox(), DoeMailbox()
    send(busy, REQUEST)
    busy.write(Register.WRITE_MAILBOX, 1)
    empty.write(Register.READ_MAILBOX, 0)
    send(twice, REQUEST)
    twice.write(Register.CONTROL, GO)
    for mailbox in (busy, empty, twice):
        assert status(mailbox) == {StatusBit.ERROR}
        assert mailbox.request is None


@covers("DOE-FSM-007")
def test_a_poisoned_write_is_an_error() -> None:
    mailbox = DoeMailbox()
    mailbox.write(Register.WRITE_MAILBOX, 1, poisoned=True)
    assert status(mailbox) == {StatusBit.ERROR}


@covers("DOE-FSM-006", "DOE-FSM-005")
@pytest.mark.parametrize("flr", [False, True])
def test_the_answer_to_an_aborted_request_is_never_delivered(flr: bool) -> None:
    mailbox = DoeMailbox()
    send(mailbox, REQUEST)
    old = mailbox.consume()
    assert old is not None
    if flr:
        mailbox.flr()
    else:
        mailbox.write(Register.CONTROL, ABORT)
    send(mailbox, REQUEST)
    new = mailbox.consume()
    assert new is not None
    mailbox.deliver(old, DataObject(ObjectType.SPDM, b"late").encode())
    assert status(mailbox) == set()
    mailbox.deliver(new, ANSWER)
    assert receive(mailbox) == ANSWER


@covers("DOE-FSM-005")
def test_flr_empties_the_mailbox() -> None:
    mailbox = DoeMailbox()
    send(mailbox, REQUEST)
    serve(mailbox)
    mailbox.flr()
    assert status(mailbox) == set()
    assert mailbox.read(Register.READ_MAILBOX) == 0


@covers("DOE-FSM-003")
def test_an_answer_that_is_late_is_an_error() -> None:
    mailbox = DoeMailbox()
    send(mailbox, REQUEST)
    ticket = mailbox.consume()
    assert ticket is not None
    mailbox.expire(ticket)
    mailbox.deliver(ticket, ANSWER)
    assert status(mailbox) == {StatusBit.ERROR}


@covers("DOE-FSM-004")
def test_an_answer_too_long_for_the_mailbox_is_an_error() -> None:
    mailbox = DoeMailbox(capacity=3)
    send(mailbox, REQUEST)
    serve(mailbox, ANSWER + bytes(4))
    assert status(mailbox) == {StatusBit.ERROR}


@covers("DOE-REG-001")
@pytest.mark.parametrize("register", [Register.WRITE_MAILBOX, Register.READ_MAILBOX])
def test_partial_writes_of_a_mailbox_are_ignored(register: Register) -> None:
    mailbox = DoeMailbox()
    for enables in range(0xF):
        mailbox.write(register, 0xFFFFFFFF, enables)
    assert status(mailbox) == set()
    send(mailbox, REQUEST)
    assert mailbox.request == REQUEST


@covers("DOE-REG-001")
def test_interrupts_come_once_for_ready_and_once_for_error() -> None:
    mailbox = DoeMailbox(interrupts=True)
    mailbox.write(Register.CONTROL, 1 << ControlBit.INTERRUPT_ENABLE)
    for dword in to_dwords(REQUEST):
        mailbox.write(Register.WRITE_MAILBOX, dword)
    mailbox.write(Register.CONTROL, GO | 1 << ControlBit.INTERRUPT_ENABLE)
    assert status(mailbox) == {StatusBit.BUSY}
    serve(mailbox)
    assert mailbox.interrupts_sent == 1
    mailbox.write(Register.STATUS, 1 << StatusBit.INTERRUPT_STATUS)
    assert status(mailbox) == {StatusBit.DATA_OBJECT_READY}
    mailbox.write(Register.WRITE_MAILBOX, 0, poisoned=True)
    assert mailbox.interrupts_sent == 2


@covers("TDISP-SES-011")
def test_a_request_waits_until_the_answer_before_it_was_read() -> None:
    mailbox = DoeMailbox()
    send(mailbox, REQUEST)
    first = mailbox.consume()
    assert first is not None
    send(mailbox, REQUEST)
    assert status(mailbox) == {StatusBit.BUSY}
    assert mailbox.consume() is None
    mailbox.deliver(first, ANSWER)
    assert mailbox.consume() is None
    assert receive(mailbox) == ANSWER
    assert mailbox.consume() is not None
    sample("rule", "mailbox", "request before the answer was read", "any", "waits")


STEPS = ("write", "poisoned write", "go", "pop", "serve", "serve nothing")


def step(mailbox: DoeMailbox, name: str, value: int) -> None:
    if name.endswith("write"):
        mailbox.write(Register.WRITE_MAILBOX, value, poisoned=name.startswith("poisoned"))
    elif name == "go":
        mailbox.write(Register.CONTROL, GO)
    elif name == "pop":
        mailbox.write(Register.READ_MAILBOX, 0)
    else:
        ticket = mailbox.consume()
        if ticket is not None:
            mailbox.deliver(ticket, ANSWER if name == "serve" else None)


@covers("DOE-FSM-002", "DOE-FSM-001")
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=20))
def test_abort_recovers_from_every_state(steps: list[tuple[str, int]]) -> None:
    mailbox = DoeMailbox(capacity=4)
    for name, value in steps:
        step(mailbox, name, value)
        shown = status(mailbox)
        assert StatusBit.ERROR not in shown or shown == {StatusBit.ERROR}
    mailbox.write(Register.CONTROL, ABORT)
    assert status(mailbox) == set()
    send(mailbox, REQUEST)
    serve(mailbox)
    assert receive(mailbox) == ANSWER
