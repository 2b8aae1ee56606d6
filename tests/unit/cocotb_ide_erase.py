# SPDX-License-Identifier: Apache-2.0
"""Where keys lie in the block `ide`, seen from inside: nothing is left after each erasure."""

from __future__ import annotations

from typing import Any

import cocotb

from models.ide.codes import SubStream
from models.ide.keys import ALL_SLOTS, KeySlot
from models.idekm.codes import Direction, ObjectId
from models.pcie.tlp import Tlp
from tests.unit.ide_bench import HOST_RID, PF_RID, IdeBench, to_bus
from tests.unit.tlp_bench import cycles

ROUNDS = 15
RX_PR = KeySlot(Direction.RX, SubStream.PR, 0)


def residue(dut: Any, direction: Direction, context: int) -> int:
    """Round keys and H of a context, added up."""
    side = dut.u_rx if direction is Direction.RX else dut.u_tx
    engine = side.u_engine.u_gcm
    rams = [engine.u_pipe.g_round[n].u_keys for n in range(ROUNDS)]
    return sum(int(ram.mem[context].value) for ram in [*rams, engine.u_h])


def held(bench: IdeBench) -> set[tuple[Direction, int]]:
    """The contexts that hold a key."""
    assert int(bench.dut.u_idekm.key_q.value) == 0, "IDE_KM keeps the last key"
    contexts = range(6 * bench.count)
    return {(d, n) for d in Direction for n in contexts if residue(bench.dut, d, n)}


def contexts_of(index: int, key_set: int) -> set[tuple[Direction, int]]:
    """The six contexts of a key set."""
    return {(d, 6 * index + 2 * sub + key_set) for d in Direction for sub in SubStream}


@cocotb.test()
async def keys_are_erased_with_every_way_out_of_secure(dut: Any) -> None:
    bench = IdeBench(dut)
    await bench.start()
    await bench.bring_up(1, key_set=1, session=1)
    kept = contexts_of(1, 1)
    dut.cpl_stream_error_stream.value = 0
    dut.session_end_idx.value = 0
    for way in ("cpl_stream_error", "session_end_valid", "enable", "rid", "mac"):
        partner = await bench.bring_up(0)
        assert held(bench) == kept | contexts_of(0, 0), way
        if way == "enable":
            bench.setups[0].enabled = False
        elif way == "rid":
            bench.setups[0].rid_valid = False
        elif way == "mac":
            wire = partner.encrypt(Tlp.mem_read(HOST_RID, 0, 4).encode(), True)
            bench.link.sent.append(wire[:-1] + bytes([wire[-1] ^ 1]))
            await bench.settle()
        else:
            getattr(dut, way).value = 1
        bench.apply()
        await cycles(dut, 1)
        dut.cpl_stream_error.value = dut.session_end_valid.value = 0
        await bench.settle()
        bench.setups[0].rid_valid = True
        assert held(bench) == kept, way
    dut.pf_flr.value = 1
    await cycles(dut, 1)
    dut.pf_flr.value = 0
    await bench.settle()
    assert not held(bench)


@cocotb.test()
async def stop_and_refresh_erase_exactly_their_keys(dut: Any) -> None:
    bench = IdeBench(dut)
    await bench.start()
    partner = await bench.bring_up(0)
    await bench.give_keys(0, 1, Direction.TX)
    await cycles(dut, 200)
    tx_new = {pair for pair in contexts_of(0, 1) if pair[0] is Direction.TX}
    rx_old = {pair for pair in contexts_of(0, 0) if pair[0] is Direction.RX}
    assert held(bench) == tx_new | rx_old
    await bench.give_keys(0, 1, Direction.RX)
    read = Tlp.mem_read(HOST_RID, 0, 4).encode()
    bench.link.sent.append(partner.encrypt(read, True))
    await bench.expect_served(read)
    await bench.settle()
    npr_old = (Direction.RX, 2 * SubStream.NPR)
    assert held(bench) == contexts_of(0, 1) | rx_old - {npr_old}
    assert await bench.set_command(ObjectId.K_SET_STOP, 1, RX_PR)
    await cycles(dut, 200)
    assert held(bench) == contexts_of(0, 1) | {(Direction.RX, 2 * SubStream.CPL)}
    write = to_bus(Tlp.mem_write(PF_RID, 0, b"abcd").encode(), ide=1, t=1, stream=0)
    await bench.source.send(write)
    partner.decrypt(await bench.link.next())


@cocotb.test()
async def session_end_inside_key_prog_leaves_nothing(dut: Any) -> None:
    bench = IdeBench(dut)
    await bench.start()
    await cycles(dut, 300)
    dut.session_end_idx.value = 3
    for delay in range(44, 62):
        task = cocotb.start_soon(bench.key_prog(1, RX_PR, bytes(range(32)), session=3))
        await cycles(dut, delay)
        dut.session_end_valid.value = 1
        await cycles(dut, 1)
        dut.session_end_valid.value = 0
        await task
        await cycles(dut, 200)
        assert not held(bench), f"a key is left after {delay} cycles"


@cocotb.test()
async def reset_erases_everything(dut: Any) -> None:
    bench = IdeBench(dut)
    await bench.start()
    for slot in ALL_SLOTS:
        await bench.key_prog(1, slot, bytes(range(32)))
    dut.rst.value = 1
    await cycles(dut, 2)
    dut.rst.value = 0
    await cycles(dut, 300)
    assert not held(bench)
