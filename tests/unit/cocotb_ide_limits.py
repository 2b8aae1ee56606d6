# SPDX-License-Identifier: Apache-2.0
"""Block `ide` at the ends of its counters and in states that cannot be: put in from inside."""

from __future__ import annotations

from typing import Any

import cocotb

from models.ide.codes import SubStream
from models.ide.keys import KeySlot
from models.ide.messages import fail_message
from models.idekm.codes import Direction, KpStatus, ObjectId
from models.pcie.tlp import Tlp
from tests.unit.ide_bench import HOST_RID, PF_RID, IdeBench, to_bus
from tests.unit.tlp_bench import cycles

LAST = (1 << 64) - 1
PR_CONTEXT = 2 * SubStream.PR
WRITE = Tlp.mem_write(HOST_RID, 0x1000, b"abcd")


async def make(dut: Any) -> IdeBench:
    """A bench with both streams Secure."""
    bench = IdeBench(dut)
    await bench.start()
    for index in range(bench.count):
        await bench.bring_up(index)
    return bench


async def expect_end(bench: IdeBench, **pulses: int) -> None:
    """Stream 0 has left Secure and told its partner; stream 1 is as it was."""
    await bench.settle()
    assert not bench.sink.tlps
    assert int(bench.dut.stream_secure.value) == 0b10
    bench.expect_pulses(stream_insecure_event=1, **pulses)
    fail = fail_message(PF_RID, HOST_RID, bench.setups[0].stream_id)
    assert list(bench.link.packets) == [fail.encode()]


@cocotb.test()
async def used_up_transmit_counter_ends_secure(dut: Any) -> None:
    bench = await make(dut)
    store = dut.u_tx.u_keys.invocation_q
    store[PR_CONTEXT].value = LAST - 1
    await cycles(dut, 2)
    write = to_bus(WRITE.encode(), ide=1, t=1, stream=0)
    await bench.source.send(write)
    assert len(await bench.link.next()) == len(WRITE.encode()) + 16
    assert bench.secure(0)
    await bench.source.send(write)
    await expect_end(bench)


@cocotb.test()
async def used_up_receive_counter_ends_secure(dut: Any) -> None:
    bench = await make(dut)
    dut.u_rx.u_keys.invocation_q[PR_CONTEXT].value = LAST
    await cycles(dut, 2)
    bench.link.sent.append(bench.partners[0].encrypt(WRITE.encode(), True))
    await expect_end(bench, aer_check_failed=1)


@cocotb.test()
async def overflow_of_a_count_of_posted_tlps_is_refused(dut: Any) -> None:
    bench = await make(dut)
    for counter in ("npr_q", "cpl_q"):
        partner = bench.partners[0]
        getattr(dut.u_rx.u_judge.u_counters, counter).value = LAST - 1
        await cycles(dut, 2)
        bench.link.sent.append(partner.encrypt(WRITE.encode(), True))
        await bench.expect_served(WRITE.encode())
        bench.link.sent.append(partner.encrypt(WRITE.encode(), True))
        await expect_end(bench, aer_check_failed=1)
        bench.link.packets.clear()
        await bench.bring_up(0)


@cocotb.test()
async def impossible_pipeline_state_ends_every_stream(dut: Any) -> None:
    bench = await make(dut)
    dut.u_rx.u_judge.state_q.value = 0
    await cycles(dut, 4)
    assert int(dut.stream_secure.value) == 0
    assert bench.pulses["stream_insecure_event"] == bench.count
    await bench.enable(0)
    await cycles(dut, 200)
    assert int(dut.stream_secure.value) == 0
    assert int(dut.stream_keys_ready.value) == 0
    bench.link.packets.clear()
    await bench.source.send(to_bus(WRITE.encode(), ide=1, t=1, stream=1))
    await bench.expect_silence()


@cocotb.test()
async def idekm_answers_after_an_engine_broke_down(dut: Any) -> None:
    bench = await make(dut)
    dut.u_rx.u_engine.u_gcm.u_datapath.state_q.value = 0
    await cycles(dut, 200)
    assert int(dut.stream_secure.value) == 0
    stream_id = bench.setups[0].stream_id
    for direction in Direction:
        slot = KeySlot(direction, SubStream.PR, 0)
        status = await bench.key_prog(stream_id, slot, bytes(range(32)))
        assert status == KpStatus.UNSPECIFIED_FAILURE
        assert not await bench.set_command(ObjectId.K_SET_GO, stream_id, slot)
    assert int(dut.u_idekm.key_q.value) == 0
    assert int(dut.stream_keys_ready.value) == 0


@cocotb.test()
async def impossible_stream_state_is_insecure(dut: Any) -> None:
    bench = await make(dut)
    for state in (0b0000, 0b1111, 0b1101, 0b0111):
        dut.g_stream[0].u_ctrl.state_q.value = state
        await cycles(dut, 3)
        assert int(dut.stream_secure.value) == 0b10, f"state {state:04b}"
        assert int(dut.stream_keys_ready.value) == 0b10, f"state {state:04b}"
        await bench.settle()
        await bench.bring_up(0)
