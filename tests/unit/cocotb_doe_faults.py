# SPDX-License-Identifier: Apache-2.0
"""doe_spdm when the record cipher breaks down. Needs hierarchical access."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, with_timeout

from models.doe.codes import ObjectType
from models.spdm.carrier import unwrap, wrap
from models.spdm.errors import RecordError
from models.spdm.key_port import Direction
from tests.unit.record_bench import Party, RecordBench, make, rot_echo

LIMIT = {"timeout_time": 40, "timeout_unit": "ms"}
ANSWER_NS = 40_000  # an answer has come by then
OPEN, SEAL, IDLE = 0b1000, 0b10000000, 0b10  # states of the block
HEADER = 0b10  # state of record_open: the cipher has not begun with the record
PHASES = range(0, 420, 11)  # cycles after the block has begun with the record
MESSAGE = b"\x12\xe0\0\0" + bytes(range(44))
ERROR = b"\x12\x7f\x06\0"


async def break_down(bench: RecordBench, phase: int) -> int | None:
    """Flip one bit of the cipher's state `phase` cycles into the request.

    Returns the block's state, None while the cipher had nothing to do with the record.
    """
    dut = bench.dut
    while int(dut.state_q.value) != OPEN:
        await ClockCycles(dut.clk, 1)
    await ClockCycles(dut.clk, phase + 1)
    dut.u_gcm.state_q.value = int(dut.u_gcm.state_q.value) ^ 1
    state = int(dut.state_q.value)
    idle = state == OPEN and int(dut.u_open.state_q.value) == HEADER
    return state if state in (OPEN, SEAL) and not idle else None


def opened(party: Party, answer: bytes | None) -> bytes | None:
    """What the requester makes of an answer; None when it is none or its tag is wrong."""
    if answer is None:
        return None
    kind, record = unwrap(answer)
    assert kind == ObjectType.SECURED_SPDM
    try:
        return party.ciphers[Direction.RESPONSE].open(record)
    except RecordError:
        return None


async def forget(bench: RecordBench, party: Party) -> None:
    """The reference learns that the session has ended, and forgets what it was asked."""
    if party.session_id in bench.reference.slots:
        bench.reference.records.end(party.session_id)
    for seen in (bench.said, bench.ended, bench.told):
        seen.clear()
    bench.reference.ended.clear()
    await ClockCycles(bench.dut.clk, 2000)


@cocotb.test(**LIMIT)
async def a_cipher_that_breaks_down_ends_its_session_and_no_more(dut: Any) -> None:
    """Nothing that was not checked is carried out, and the mailbox works on (SEC-REC-007)."""
    bench = await make(dut)
    other = await bench.session()
    seen = set()
    for phase in PHASES:
        party = await bench.session()
        slot = bench.reference.slots[party.session_id]
        broken = cocotb.start_soon(break_down(bench, phase))
        record = wrap(ObjectType.SECURED_SPDM, party.seal(MESSAGE))
        answer = await with_timeout(bench.exchange(record), ANSWER_NS, "ns")
        await ClockCycles(dut.clk, 30)
        state = await broken
        if state is None:
            assert bench.said == [("rot", party.session_id, MESSAGE)], phase
            assert opened(party, answer) == rot_echo(MESSAGE), phase
            assert not bench.ended, phase
            bench.said.clear()
            await bench.load([party.end()])
            await forget(bench, party)
            continue
        seen.add(state)
        assert bench.ended == [slot], phase
        assert bench.told == [party.session_id], phase
        if state == OPEN:
            assert not bench.said, f"{phase}: a message that was not checked"
            assert opened(party, answer) == ERROR, phase
        else:
            assert opened(party, answer) is None, phase
        await forget(bench, party)
        await bench.record(other.seal(MESSAGE), f"{phase}: another session")
    assert seen == {OPEN, SEAL}


@cocotb.test(**LIMIT)
async def a_cipher_that_breaks_down_between_records_harms_nobody(dut: Any) -> None:
    bench = await make(dut)
    party = await bench.session()
    for _ in range(3):
        assert int(dut.state_q.value) == IDLE
        dut.u_gcm.state_q.value = 0
        await ClockCycles(dut.clk, 1)
        await bench.record(party.seal(MESSAGE), "after a fault")
