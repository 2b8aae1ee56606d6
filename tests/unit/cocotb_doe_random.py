# SPDX-License-Identifier: Apache-2.0
"""Random use of the mailbox. Every request has a number, which its response repeats."""

from __future__ import annotations

import os
from typing import Any

import cocotb

from models.doe.codes import Register
from tests.unit.doe_bench import BUSY, ERROR, GO, READY, Mailbox, doe_object, new_mailbox

ROUNDS = 400
SPURIOUS_BODY = 0xBAD


async def far_side(box: Mailbox, executed: list[int]) -> None:
    """Answers each object exactly once, after some time, with a response or with none."""
    while True:
        while not box.sent:
            await box.wait(1)
        request = box.sent.pop(0)
        assert request[1] == len(request)
        assert request[-1] != SPURIOUS_BODY
        number = request[2]
        executed.append(number)
        await box.wait(box.rng.choice((0, 1, 5, 30)))
        if box.rng.random() < 0.2:
            await box.pulse("doe_rsp_none")
            continue
        response = doe_object([number] * box.rng.randrange(1, 9))
        for n, dword in enumerate(response):
            await box.wait(box.rng.choice((0, 0, 0, 4)))
            await box.beat(dword, n == len(response) - 1)


async def disturb(box: Mailbox) -> bool:
    """Perhaps abort, reset the function or break a rule; whether the request is gone."""
    chance = box.rng.random()
    if chance < 0.25:
        await box.wait(box.rng.randrange(40))
        await box.abort()
    elif chance < 0.4:
        await box.wait(box.rng.randrange(40))
        await box.pulse("flr")
    elif chance < 0.5:
        if not await box.status() & BUSY:
            return False
        await box.write(Register.WRITE_MAILBOX, SPURIOUS_BODY)
        await box.abort()
    else:
        return False
    return True


async def outcome(box: Mailbox) -> list[int] | None:
    """Wait for the end of Busy; the response, or None."""
    for _ in range(300):
        status = await box.status()
        assert not status & ERROR
        if status & READY:
            return await box.take()
        if not status & BUSY:
            return None
    raise AssertionError("Busy does not end")


async def until_free(box: Mailbox) -> None:
    """After an abort Busy ends by itself, and no response shows up."""
    for _ in range(100):
        status = await box.status()
        assert status in (0, BUSY), f"{status:08x} after an abort"
        if not status:
            return
    raise AssertionError("Busy does not end")


@cocotb.test()
async def a_response_belongs_to_the_request_before_it(dut: Any) -> None:
    box = await new_mailbox(dut, int(os.environ["COCOTB_RANDOM_SEED"]))
    box.ready_chance = 0.6
    executed: list[int] = []
    cocotb.start_soon(far_side(box, executed))
    answered = aborted = 0
    for number in range(ROUNDS):
        body = [number] * box.rng.randrange(1, 11)
        if box.rng.random() < 0.15:
            await box.request(doe_object(body, len(body) + 2 + box.rng.choice((-1, 1, 9))))
            assert await box.status() == 0
            assert number not in executed
            continue
        await box.put(doe_object(body))
        await box.write(Register.CONTROL, GO)
        if await disturb(box):
            aborted += 1
            await until_free(box)
            continue
        response = await outcome(box)
        assert executed[-1] == number, "a request was lost"
        if response is not None:
            answered += 1
            assert response == doe_object([number] * (len(response) - 2)), "foreign response"
    assert answered > 50
    assert aborted > 50
