# SPDX-License-Identifier: Apache-2.0
"""What messages leave in doe_spdm, seen from inside: keys and nonces do not stay there."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from models.spdm.messages import VendorDefinedRequest
from tests.unit.record_bench import SILENT, make

LIMIT = {"timeout_time": 40, "timeout_unit": "ms"}
DWORDS = 1152
WIPED = DWORDS + 50  # cycles after an answer


def residue(dut: Any) -> int:
    """Words of the message RAM that are not zero."""
    return sum(int(dut.u_ram.words[n].value) != 0 for n in range(DWORDS))


@cocotb.test(**LIMIT)
async def a_message_of_ide_km_or_tdisp_leaves_nothing(dut: Any) -> None:
    """KEY_PROG holds a key, LOCK and START a nonce; an answer shorter than it covers neither."""
    bench = await make(dut)
    party = await bench.session()
    await ClockCycles(dut.clk, WIPED)
    for answer in (lambda asked: asked[:8], lambda asked: bytes(200), lambda asked: None):
        bench.reference.responders_answer = answer
        for protocol in range(2):
            body = bytes([0, 2, 0]) + bench.rng.randbytes(45)
            message = VendorDefinedRequest(protocol_id=protocol, body=body).encode()
            await bench.record(party.seal(message), f"protocol {protocol}")
            await ClockCycles(dut.clk, WIPED)
            assert not residue(dut), f"protocol {protocol}"


@cocotb.test(**LIMIT)
async def the_end_of_a_session_leaves_nothing(dut: Any) -> None:
    bench = await make(dut)
    party = await bench.session()
    await bench.record(party.seal(b"\x12\xe0" + bytes([SILENT]) + bench.rng.randbytes(61)))
    await ClockCycles(dut.clk, WIPED)
    assert residue(dut)
    await bench.load([party.end()])
    await ClockCycles(dut.clk, WIPED)
    assert not residue(dut)
