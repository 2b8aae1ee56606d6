# SPDX-License-Identifier: Apache-2.0
"""A device that answers to a port index of its own besides 0."""

from __future__ import annotations

from typing import Any

import cocotb

from models.idekm.codes import KpStatus, ObjectId
from tests.unit.ide_bench import PF_RID, IdeBench

KEY_AND_IFV = bytes(range(32)) + bytes.fromhex("0000000001000000")


@cocotb.test()
async def port_index_7_is_served_besides_0(dut: Any) -> None:
    bench = IdeBench(dut)
    await bench.start()
    for port in range(256):
        served = port in (0, 7)
        answer = await bench.idekm(bytes([ObjectId.QUERY, 0, port]))
        assert (answer is not None) == served, f"port {port}"
        if answer is not None:
            head = bytes([ObjectId.QUERY_RESP, 0, port, PF_RID & 0xFF, PF_RID >> 8, 0, 0])
            assert answer[:7] == head
    body = bytes([0, 0, 1, 0, 0, 7])
    status = bytes([KpStatus.SUCCESS])
    prog = await bench.idekm(bytes([ObjectId.KEY_PROG]) + body + KEY_AND_IFV)
    assert prog == bytes([ObjectId.KP_ACK, 0, 0, 1]) + status + bytes([0, 7])
    for request in (ObjectId.K_SET_GO, ObjectId.K_SET_STOP):
        assert await bench.idekm(bytes([request]) + body) == bytes([ObjectId.K_GOSTOP_ACK]) + body
    other = await bench.idekm(bytes([ObjectId.KEY_PROG, 0, 0, 1, 0, 0, 6]) + KEY_AND_IFV)
    assert other == bytes([ObjectId.KP_ACK, 0, 0, 1, KpStatus.UNSUPPORTED_PORT_INDEX, 0, 6])
