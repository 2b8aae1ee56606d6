# SPDX-License-Identifier: Apache-2.0
"""A DSM whose TDIs are a physical function and its SDIs, told apart by their PASIDs."""

from __future__ import annotations

from typing import Any

import cocotb

from models.tdisp.codes import ErrorCode, Request, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import GetDeviceInterfaceState
from tests.unit.cocotb_dsm import error_of, header
from tests.unit.dsm_bench import LIMIT, NUM_TDI, SDI_PASID, SESSION, make

STATE = Request.GET_DEVICE_INTERFACE_STATE


def request(name: InterfaceId) -> bytes:
    """GET_DEVICE_INTERFACE_STATE for `name`."""
    return GetDeviceInterfaceState(interface=name).encode()


@cocotb.test(**LIMIT)
async def every_sdi_is_found_by_its_pasid_and_answers_with_it(dut: Any) -> None:
    bench = await make(dut)
    for tdi in range(NUM_TDI):
        name = bench.name(tdi)
        answer = await bench.ask(request(name))
        assert error_of(answer) == 0
        assert InterfaceId.decode(answer[4:16]) == name
        await bench.bring_to(tdi, TdiState.RUN)
        assert [s is TdiState.RUN for s in map(TdiState, bench.states())] == [
            n == tdi for n in range(NUM_TDI)
        ]
        await bench.stop(tdi)


@cocotb.test(**LIMIT)
async def other_names_are_unknown(dut: Any) -> None:
    bench = await make(dut)
    rid = bench.world.rid(0)
    wrong = [
        InterfaceId.of(rid, pasid=pasid)
        for pasid in (
            0,
            1,
            SDI_PASID - 1,
            SDI_PASID,
            SDI_PASID + NUM_TDI,
            SDI_PASID + 0x10001,
            0xFFFFF,
        )
    ]
    wrong += [InterfaceId.of(rid + n, pasid=SDI_PASID + 1) for n in (1, 0x100)]
    wrong += [InterfaceId.of(rid + n) for n in range(1, NUM_TDI)]
    for name in wrong:
        answer = await bench.ask(request(name))
        assert error_of(answer) == ErrorCode.INVALID_INTERFACE, name
    # Without the valid bit the bytes are reserved: the function itself is meant.
    spoiled = InterfaceId(rid, (SDI_PASID + 1).to_bytes(4, "little") + bytes(4))
    assert error_of(await bench.ask(request(spoiled))) == 0


@cocotb.test(**LIMIT)
async def an_sdi_is_stopped_by_its_own_session_while_another_runs(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_to(1, TdiState.RUN)
    before = header(Request.STOP_INTERFACE_REQUEST, bench.world.rid(1))
    body = before[:8] + bench.name(1).encode()[4:] + before[16:]
    assert error_of(await bench.ask(body, SESSION ^ 1)) == ErrorCode.INVALID_REQUEST
    await bench.bring_to(2, TdiState.RUN)
    await bench.stop(1)
    states = [TdiState(state) for state in bench.states()]
    assert states[1] is TdiState.CONFIG_UNLOCKED
    assert states[2] is TdiState.RUN
    await bench.stop(2)
