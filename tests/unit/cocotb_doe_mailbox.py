# SPDX-License-Identifier: Apache-2.0
"""Rules of the DOE mailbox, one test each."""

from __future__ import annotations

import os
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.doe.codes import Register
from tests.unit.doe_bench import ABORT, BUSY, ERROR, GO, READY, Mailbox, doe_object, new_mailbox

OBJECT = doe_object([0x11, 0x22, 0x33])
OTHER = doe_object([0x44])
RESPONSE = doe_object([0xA1, 0xA2])
TIMEOUT = 400


async def exchange(box: Mailbox, request: list[int], response: list[int]) -> None:
    """A whole request and response must pass."""
    await box.request(request)
    assert await box.sent_object() == request
    assert await box.status() == BUSY
    await box.answer(response)
    assert await box.status() == READY
    assert await box.take() == response
    assert await box.status() == 0


@cocotb.test()
async def objects_of_every_length_pass_both_ways(dut: Any) -> None:
    box = await new_mailbox(dut)
    longest = int(os.environ["DOE_DWORDS"])
    for chance in (1.0, 0.5):
        box.ready_chance = chance
        for length in range(2, longest + 1):
            request = doe_object([box.rng.getrandbits(32) for _ in range(length - 2)])
            response = doe_object([box.rng.getrandbits(32) for _ in range(longest - length)])
            await exchange(box, request, response)
    await exchange(box, OTHER, [7])


@cocotb.test()
async def go_and_abort_and_the_write_mailbox_read_zero(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.put(OBJECT)
    assert await box.read(Register.WRITE_MAILBOX) == 0
    assert await box.read(Register.READ_MAILBOX) == 0
    await box.write(Register.CONTROL, GO)
    assert await box.read(Register.CONTROL) == 0
    await box.write(Register.CONTROL, 0x7FFFFFFF)
    assert await box.read(Register.CONTROL) == 0
    assert await box.read(Register.CAPABILITIES) == 0


@cocotb.test()
async def a_read_does_not_pop_and_a_write_does(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.request(OBJECT)
    await box.sent_object()
    await box.answer(RESPONSE)
    for dword in RESPONSE:
        for _ in range(3):
            assert await box.read(Register.READ_MAILBOX) == dword
        await box.write(Register.READ_MAILBOX, 0, 0x7)
        assert await box.read(Register.READ_MAILBOX) == dword, "partial writes are ignored"
        await box.write(Register.READ_MAILBOX, 0)
    assert await box.status() == 0
    assert await box.read(Register.READ_MAILBOX) == 0


@cocotb.test()
async def partial_writes_to_the_write_mailbox_are_ignored(dut: Any) -> None:
    box = await new_mailbox(dut)
    for dword in OBJECT:
        for be in range(15):
            await box.write(Register.WRITE_MAILBOX, 0xDEAD, be)
        await box.write(Register.WRITE_MAILBOX, dword)
    await box.write(Register.CONTROL, GO, 0x7)
    assert await box.status() == 0, "GO is in the last byte"
    await box.write(Register.CONTROL, GO, 0x8)
    assert await box.sent_object() == OBJECT


@cocotb.test()
async def an_object_of_wrong_length_is_discarded_without_a_word(dut: Any) -> None:
    box = await new_mailbox(dut)
    body = [1, 2, 3]
    wrong = [doe_object(body, n) for n in (0, 1, 2, 4, 6, 0x3FFFF, 5 + 16)]
    for dwords in (*wrong, [], [0x10001], [0x10001, 1], [0x10001, 0]):
        await box.request(dwords)
        assert await box.status() == 0
        await box.wait(30)
        assert not box.sent
        await exchange(box, OBJECT, RESPONSE)
    reserved = doe_object(body, 5 | 0xFFFC0000)
    await box.request(reserved)
    assert await box.sent_object() == reserved, "reserved bits of the length are ignored"


@cocotb.test()
async def a_request_without_response_ends_busy(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.request(OBJECT)
    await box.sent_object()
    assert await box.status() == BUSY
    await box.pulse("doe_rsp_none")
    assert await box.status() == 0
    await exchange(box, OTHER, RESPONSE)


async def in_error(box: Mailbox) -> None:
    """Error is set, nothing but Abort is heard, and Abort recovers."""
    assert await box.status() & ERROR
    await box.request(OTHER)
    await box.write(Register.READ_MAILBOX, 0)
    await box.wait(20)
    assert await box.status() & (ERROR | READY) == ERROR
    assert not box.sent
    await box.abort()
    assert await box.status() & ERROR == 0


@cocotb.test()
async def writing_more_than_fits_is_an_error_and_nothing_is_executed(dut: Any) -> None:
    box = await new_mailbox(dut)
    longest = int(os.environ["DOE_DWORDS"])
    await box.put(doe_object([9] * (longest - 2)))
    assert await box.status() == 0
    await box.write(Register.WRITE_MAILBOX, 1)
    await in_error(box)
    await exchange(box, OBJECT, RESPONSE)


@cocotb.test()
async def writes_while_busy_are_an_error(dut: Any) -> None:
    box = await new_mailbox(dut)
    for register, data in ((Register.WRITE_MAILBOX, 1), (Register.CONTROL, GO)):
        await box.request(OBJECT)
        await box.sent_object()
        await box.write(register, data)
        await in_error(box)
        await box.answer(RESPONSE)
        assert await box.status() == 0, "the response is swallowed"
        await exchange(box, OTHER, RESPONSE)


@cocotb.test()
async def popping_an_empty_mailbox_is_an_error(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.write(Register.READ_MAILBOX, 0)
    await in_error(box)
    await box.request(OBJECT)
    await box.sent_object()
    await box.write(Register.READ_MAILBOX, 0)
    await in_error(box)


@cocotb.test()
async def a_poisoned_write_is_an_error(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.put(OBJECT)
    dut.addr.value = 0x17C
    await box.pulse("poisoned_write")
    dut.addr.value = 0x198
    await box.pulse("poisoned_write")
    assert await box.status() == 0, "outside of the capability"
    for register in (Register.WRITE_MAILBOX, Register.READ_MAILBOX, Register.CONTROL):
        await box.put(OBJECT)
        dut.addr.value = 0x180 + register
        await box.pulse("poisoned_write")
        await in_error(box)
    await exchange(box, OBJECT, RESPONSE)


@cocotb.test()
async def a_missing_response_becomes_an_error_and_its_late_arrival_is_swallowed(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.request(OBJECT)
    await box.sent_object()
    await box.wait(TIMEOUT - 60)
    assert await box.status() == BUSY
    await box.wait(80)
    assert await box.status() == ERROR
    await in_error(box)
    await box.request(OTHER)
    assert await box.status() == BUSY
    await box.wait(30)
    assert not box.sent, "the next object is held"
    await box.answer(RESPONSE)
    assert await box.sent_object() == OTHER
    await box.answer(doe_object([5]))
    assert await box.take() == doe_object([5])


@cocotb.test()
async def a_response_that_is_too_long_is_an_error(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.request(OBJECT)
    await box.sent_object()
    await box.answer(list(range(16)))
    await in_error(box)
    await exchange(box, OTHER, RESPONSE)


@cocotb.test()
async def abort_and_flr_empty_the_mailbox_in_every_state(dut: Any) -> None:
    box = await new_mailbox(dut)
    for how in ("abort", "flr"):
        for stage in range(6):
            if stage == 0:
                await box.put(OBJECT[:3])
            elif stage == 5:
                await box.write(Register.READ_MAILBOX, 0)
            else:
                await box.request(OBJECT)
                await box.sent_object()
            if stage in (2, 3):
                await box.beat(RESPONSE[0], False)
            if stage == 4:
                await box.answer(RESPONSE)
            await (box.abort() if how == "abort" else box.pulse("flr"))
            assert await box.status() == 0
            assert await box.read(Register.READ_MAILBOX) == 0
            if stage in (2, 3):
                for n, dword in enumerate(RESPONSE[1:]):
                    await box.beat(dword, n == 2)
            elif stage == 1:
                await box.answer(RESPONSE)
            await box.wait(3)
            assert await box.status() == 0, f"{how} {stage}: a stale response"
            await exchange(box, OTHER, doe_object([stage]))


@cocotb.test()
async def an_abort_while_an_object_leaves_lets_it_end(dut: Any) -> None:
    box = await new_mailbox(dut)
    box.ready_chance = 0.0
    await box.wait(2)
    await box.request(OBJECT)
    await box.abort()
    assert await box.status() == BUSY
    box.ready_chance = 1.0
    assert await box.sent_object() == OBJECT
    assert await box.status() == 0
    await box.request(OTHER)
    await box.wait(20)
    assert not box.sent
    assert await box.status() == BUSY
    await box.answer(RESPONSE)
    assert await box.sent_object() == OTHER
    assert await box.status() == BUSY
    await box.pulse("doe_rsp_none")
    assert await box.status() == 0


@cocotb.test()
async def abort_wins_over_go(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.put(OBJECT)
    await box.write(Register.CONTROL, GO | ABORT)
    await box.wait(20)
    assert await box.status() == 0
    assert not box.sent
    await exchange(box, OTHER, RESPONSE)


@cocotb.test()
async def an_object_waits_for_the_unread_response(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.request(OBJECT)
    await box.sent_object()
    await box.answer(RESPONSE)
    await box.request(OTHER)
    await box.wait(20)
    assert await box.status() == READY | BUSY
    assert not box.sent
    assert await box.take() == RESPONSE
    assert await box.sent_object() == OTHER


@cocotb.test()
async def an_answer_nobody_asked_for_is_ignored(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.answer(RESPONSE)
    await box.pulse("doe_rsp_none")
    assert await box.status() == 0
    await exchange(box, OBJECT, RESPONSE)


@cocotb.test()
async def reset_clears_everything(dut: Any) -> None:
    box = await new_mailbox(dut)
    await box.request(OBJECT)
    await box.sent_object()
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    assert await box.status() == 0
    await exchange(box, OTHER, RESPONSE)
