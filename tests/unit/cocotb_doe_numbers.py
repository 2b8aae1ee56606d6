# SPDX-License-Identifier: Apache-2.0
"""doe_spdm at the end of the sequence numbers, to which the test sets it from inside."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from models.spdm.key_port import Direction
from models.spdm.record import SEQUENCE_LIMIT, RecordCipher
from tests.unit.record_bench import Party, RecordBench, make

LIMIT = {"timeout_time": 20, "timeout_unit": "ms"}


async def set_number(bench: RecordBench, party: Party, way: Direction, number: int) -> None:
    """The next record of one direction has `number`, at both ends and in the reference."""
    entry = 2 * bench.reference.slots[party.session_id] + way
    bench.dut.u_sessions.sequence_q[entry].value = number
    party.ciphers[way] = RecordCipher(party.keys[way], number)
    slot = bench.reference.records.get(party.session_id)
    assert slot is not None
    slot.ciphers[way] = RecordCipher(party.keys[way], number)
    await ClockCycles(bench.dut.clk, 2)


@cocotb.test(**LIMIT)
async def numbers_are_used_to_the_last_and_never_wrap(dut: Any) -> None:
    bench = await make(dut)
    for way in Direction:
        party, other = await bench.session(), await bench.session()
        await set_number(bench, party, way, SEQUENCE_LIMIT - 2)
        for number in (2, 1):
            await bench.record(party.seal(b"\x12\xe0\0\0"), f"{way.name}, last but {number}")
        assert party.session_id in bench.reference.slots
        party.ciphers[Direction.REQUEST] = RecordCipher(party.keys[Direction.REQUEST], 2)
        record = party.forge(b"\4\0\x12\xe0\0\0")
        if way is Direction.REQUEST:
            record = party.forge(b"\4\0\x12\xe0\0\0", skip=SEQUENCE_LIMIT - 2)
        await bench.record(record, f"{way.name}, no number left")
        assert party.session_id not in bench.reference.slots
        await bench.record(record, "it has ended")
        await bench.record(other.seal(b"\x12\xe0\0\0"), "the other session")
        await bench.load([other.end()])


@cocotb.test(**LIMIT)
async def all_bytes_of_the_number_go_into_the_iv(dut: Any) -> None:
    bench = await make(dut)
    party = await bench.session()
    for place in range(8):
        for way in Direction:
            await set_number(bench, party, way, (0xA5 << 8 * place) & SEQUENCE_LIMIT | 0xFF)
        for _ in range(2):
            assert await bench.record(party.seal(b"\x12\xe0\0\0"), f"byte {place}")
