# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, keys: IDE_KM objects, owners, erasure, refresh under traffic."""

from __future__ import annotations

from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.ide.codes import SubStream
from models.ide.keys import ALL_SLOTS, KeySlot
from models.idekm.codes import Direction, KpStatus, ObjectId
from models.pcie.tlp import Tlp
from tests.models.ide_pair import K_PR, W1
from tests.unit.ide_bench import PF_RID, IdeBench, random_tlp, to_bus
from tests.unit.tlp_bench import cycles

KEY = bytes(range(32))
RX_PR = KeySlot(Direction.RX, SubStream.PR, 0)


async def make(dut: Any) -> IdeBench:
    """A running bench."""
    bench = IdeBench(dut)
    await bench.start()
    return bench


@cocotb.test()
async def byte_vectors_of_the_digest_are_answered_exactly(dut: Any) -> None:
    bench = await make(dut)
    prog = bytes.fromhex(
        "020000 01000000 524125df e0026e05 eb7f8bef d9d43997 01b84e6a f71d2403 b4245ecd 2027cd9c"
        "00000000 01000000"
    )
    assert await bench.idekm(prog) == bytes.fromhex("030000 01000000")
    go = bytes.fromhex("040000 01000000")
    assert await bench.idekm(go) == bytes.fromhex("060000 01000000")
    for slot in ALL_SLOTS:
        if slot.key_set == 0 and slot != RX_PR:
            await bench.key_prog(1, slot, KEY)
            await bench.set_command(ObjectId.K_SET_GO, 1, slot)
    await bench.enable(0)
    bench.link.sent.append(W1.wire_bytes)
    await bench.expect_served(W1.plain_bytes)
    assert await bench.idekm(bytes.fromhex("040000 01002200")) == bytes.fromhex("060000 01002200")
    assert K_PR[:4].hex() == "df254152"


@cocotb.test()
async def query_mirrors_the_registers(dut: Any) -> None:
    bench = await make(dut)
    for _ in range(3):
        answer = await bench.idekm(bytes([ObjectId.QUERY, 0, 0]), session=bench.rng.randrange(4))
        assert answer is not None
        assert answer[:7] == bytes([ObjectId.QUERY_RESP, 0, 0, PF_RID & 0xFF, PF_RID >> 8, 0, 0])
        words = b"".join(word.to_bytes(4, "little") for word in bench.registers)
        assert answer[7:] == words
        bench.registers = [bench.rng.getrandbits(32) for _ in bench.registers]
    assert await bench.idekm(bytes([ObjectId.QUERY, 0, 1])) is None


@cocotb.test()
async def objects_of_a_wrong_size_or_kind_get_no_answer(dut: Any) -> None:
    bench = await make(dut)
    sizes = {
        ObjectId.QUERY: 3,
        ObjectId.KEY_PROG: 47,
        ObjectId.K_SET_GO: 7,
        ObjectId.K_SET_STOP: 7,
    }
    for kind in range(9):
        for size in (1, 2, 3, 4, 6, 7, 8, 46, 47, 48, 63, 64, 200):
            if sizes.get(kind) == size:  # type: ignore[call-overload]
                continue
            body = bytes([kind, 0, 0, 1, 0, 0, 0]).ljust(size, b"\0")[:size]
            assert await bench.idekm(body) is None, f"object {kind} of {size} bytes"
    assert await bench.key_prog(1, RX_PR, KEY) == KpStatus.SUCCESS


@cocotb.test()
async def key_prog_refuses_what_the_port_does_not_have(dut: Any) -> None:
    bench = await make(dut)
    head = bytes([ObjectId.KEY_PROG, 0, 0])
    tail = KEY + bytes.fromhex("0000000001000000")

    async def status(stream: int, info: int, port: int) -> int | None:
        answer = await bench.idekm(head + bytes([stream, 0, info, port]) + tail)
        if answer is None:
            return None
        assert answer == bytes([ObjectId.KP_ACK, 0, 0, stream, answer[4], info, port])
        return answer[4]

    assert await status(1, 0, 1) == KpStatus.UNSUPPORTED_PORT_INDEX
    assert await status(9, 0, 255) == KpStatus.UNSUPPORTED_PORT_INDEX
    assert await status(9, 0, 0) == KpStatus.UNSUPPORTED_VALUE
    for sub_stream in range(3, 16):
        assert await status(1, sub_stream << 4, 0) == KpStatus.UNSUPPORTED_VALUE
    assert int(dut.stream_owner_valid.value) == 0
    assert await status(1, 0x21, 0) == KpStatus.SUCCESS
    assert int(dut.stream_owner_valid.value) == 1
    for stream, info, port in ((1, 0, 0), (9, 0, 0), (1, 0x30, 0), (1, 0x21, 1)):
        body = bytes([ObjectId.K_SET_GO, 0, 0, stream, 0, info, port])
        assert await bench.idekm(body) is None
    assert await bench.idekm(bytes([ObjectId.K_SET_GO, 0, 0, 1, 0, 0x21, 0])) is not None


@cocotb.test()
async def each_key_goes_to_its_own_slot_only(dut: Any) -> None:
    bench = await make(dut)
    for stream in bench.setups:
        for slot in ALL_SLOTS:
            others = [s for s in ALL_SLOTS if s != slot]
            await bench.key_prog(stream.stream_id, slot, KEY)
            for other in others:
                if other < slot:
                    continue
                assert not await bench.set_command(ObjectId.K_SET_GO, stream.stream_id, other)
            assert await bench.set_command(ObjectId.K_SET_GO, stream.stream_id, slot)


@cocotb.test()
async def secure_needs_all_keys_of_one_set_and_enable(dut: Any) -> None:
    bench = await make(dut)
    slots = [slot for slot in ALL_SLOTS if slot.key_set == 1]
    missing = bench.rng.choice(slots)
    for slot in slots:
        await bench.key_prog(1, slot, KEY)
        if slot != missing:
            await bench.set_command(ObjectId.K_SET_GO, 1, slot)
    assert int(dut.stream_keys_ready.value) == 1
    await bench.enable(0)
    assert not bench.secure(0)
    await bench.set_command(ObjectId.K_SET_GO, 1, missing)
    await cycles(dut, 3)
    assert bench.secure(0)


@cocotb.test()
async def enable_without_rid_association_stays_insecure(dut: Any) -> None:
    bench = await make(dut)
    bench.setups[0].rid_valid = False
    for slot in ALL_SLOTS:
        if slot.key_set == 0:
            await bench.key_prog(1, slot, KEY)
            await bench.set_command(ObjectId.K_SET_GO, 1, slot)
    await bench.enable(0)
    assert not bench.secure(0)
    bench.setups[0].rid_valid = True
    bench.apply()
    await cycles(dut, 5)
    assert not bench.secure(0), "Enable did not rise with a valid association"
    await bench.enable(0)
    assert bench.secure(0)


@cocotb.test()
async def keys_in_use_are_refused_and_stopped_keys_are_gone(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    for direction, sub_stream in product(Direction, SubStream):
        slot = KeySlot(direction, sub_stream, 0)
        assert await bench.key_prog(1, slot, KEY) == KpStatus.UNSPECIFIED_FAILURE
        other = KeySlot(direction, sub_stream, 1)
        assert await bench.key_prog(1, other, KEY) == KpStatus.SUCCESS
    write = Tlp.mem_write(PF_RID, 0x1000, b"abcd")
    stopped = KeySlot(Direction.TX, SubStream.PR, 0)
    assert await bench.set_command(ObjectId.K_SET_STOP, 1, stopped)
    assert not await bench.set_command(ObjectId.K_SET_STOP, 1, stopped)
    assert bench.secure(0)
    assert int(dut.stream_keys_ready.value) == 0
    await bench.source.send(to_bus(write.encode(), ide=1, t=1, stream=0))
    await bench.expect_silence()
    read = Tlp.mem_read(PF_RID, 0x1000, 4)
    await bench.source.send(to_bus(read.encode(), ide=1, t=1, stream=0))
    assert partner.decrypt(await bench.link.next())[0] == read.encode()
    received = KeySlot(Direction.RX, SubStream.PR, 0)
    assert await bench.set_command(ObjectId.K_SET_STOP, 1, received)
    bench.pulses.clear()
    bench.link.sent.append(partner.encrypt(write.encode(), True))
    await bench.settle()
    assert not bench.sink.tlps
    bench.expect_pulses(aer_check_failed=1, stream_insecure_event=1)


@cocotb.test()
async def foreign_session_is_ignored_until_the_owner_ends(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(0, session=2)
    await bench.bring_up(1, session=1)
    assert int(dut.stream_owner_session.value) & 0xF == 0b0110
    spare = KeySlot(Direction.RX, SubStream.PR, 1)
    assert await bench.key_prog(1, spare, KEY, session=1) is None
    assert not await bench.set_command(ObjectId.K_SET_GO, 1, RX_PR, session=1)
    assert not await bench.set_command(ObjectId.K_SET_STOP, 1, RX_PR, session=1)
    assert bench.secure(0)
    assert int(dut.stream_keys_ready.value) == 0b11, "a foreign STOP took a key away"
    dut.session_end_valid.value = 1
    dut.session_end_idx.value = 2
    await cycles(dut, 1)
    dut.session_end_valid.value = 0
    await cycles(dut, 2)
    assert int(dut.stream_secure.value) == 0b10
    assert int(dut.stream_owner_valid.value) == 0b10
    assert int(dut.stream_keys_ready.value) == 0b10
    assert await bench.key_prog(1, spare, KEY, session=1) == KpStatus.SUCCESS
    for slot in ALL_SLOTS:
        if slot != spare:
            assert not await bench.set_command(ObjectId.K_SET_GO, 1, slot, session=1), slot
    bench.expect_pulses(stream_insecure_event=1)


@cocotb.test()
async def session_end_at_any_moment_of_key_prog_leaves_no_key(dut: Any) -> None:
    bench = await make(dut)
    for delay in range(40, 70):
        task = cocotb.start_soon(bench.key_prog(1, RX_PR, KEY, session=3))
        await cycles(dut, delay)
        dut.session_end_valid.value = 1
        dut.session_end_idx.value = 3
        await cycles(dut, 1)
        dut.session_end_valid.value = 0
        await task
        await cycles(dut, 30)
        assert int(dut.stream_owner_valid.value) == 0, f"owner after {delay} cycles"
        assert not await bench.set_command(ObjectId.K_SET_GO, 1, RX_PR, session=1), delay


@cocotb.test()
async def every_way_out_of_secure_needs_new_keys(dut: Any) -> None:
    bench = await make(dut)

    async def pulse(name: str) -> None:
        getattr(dut, name).value = 1
        await cycles(dut, 1)
        getattr(dut, name).value = 0

    async def check() -> None:
        await cycles(dut, 3)
        assert not bench.secure(0)
        assert int(dut.stream_keys_ready.value) & 1 == 0
        await bench.enable(0)
        assert not bench.secure(0)
        for slot in ALL_SLOTS:
            assert not await bench.set_command(ObjectId.K_SET_GO, 1, slot)
        assert not bench.secure(0)
        bench.setups[0].enabled = False
        bench.apply()
        bench.link.packets.clear()

    dut.cpl_stream_error_stream.value = 0
    for name in ("pf_flr", "cpl_stream_error"):
        await bench.bring_up(0)
        await pulse(name)
        await check()
    await bench.bring_up(0)
    bench.setups[0].enabled = False
    bench.apply()
    await check()
    await bench.bring_up(0)
    dut.link_up.value = 0
    await cycles(dut, 2)
    dut.link_up.value = 1
    await check()
    for slot in ALL_SLOTS:  # keys without Secure: erased by FLR as well
        await bench.key_prog(1, slot, KEY)
    await pulse("pf_flr")
    await check()


@cocotb.test()
async def enable_rewritten_as_one_does_not_restart(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(0)
    dut.cpl_stream_error_stream.value = 0
    dut.cpl_stream_error.value = 1
    await cycles(dut, 1)
    dut.cpl_stream_error.value = 0
    for direction in Direction:
        await bench_keys(bench, direction)
    await cycles(dut, 5)
    assert not bench.secure(0)
    await bench.enable(0)
    assert bench.secure(0)


async def bench_keys(bench: IdeBench, direction: Direction) -> None:
    """Fresh keys of set 0 for the device only."""
    for sub_stream in SubStream:
        slot = KeySlot(direction, sub_stream, 0)
        assert await bench.key_prog(1, slot, bench.rng.randbytes(32)) == KpStatus.SUCCESS
        assert await bench.set_command(ObjectId.K_SET_GO, 1, slot)


@cocotb.test()
async def refresh_under_traffic_loses_nothing(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    running = True
    expected: list[bytes] = []

    async def receive_traffic() -> None:
        while running:
            tlp = random_tlp(bench.rng, 16).encode()
            if len(bench.link.sent) < 4:
                bench.link.sent.append(partner.encrypt(tlp, True))
                expected.append(tlp)
                if partner.sync_due:
                    bench.link.sent.append(partner.sync(0, PF_RID))
            await cycles(dut, bench.rng.randrange(30))

    async def transmit_traffic() -> None:
        while running:
            tlp = random_tlp(bench.rng, 16).encode()
            await bench.source.send(to_bus(tlp, ide=1, t=1, stream=0))
            raw = await bench.link.next()
            while raw[4] == 0x32 and raw[11] == 0x54:  # IDE Sync
                partner.decrypt(raw)
                raw = await bench.link.next()
            assert partner.decrypt(raw)[0] == tlp

    tasks = [cocotb.start_soon(receive_traffic()), cocotb.start_soon(transmit_traffic())]
    for key_set in (1, 0, 1, 0):
        for direction in Direction:
            await bench.give_keys(0, key_set, direction)
        assert partner.key_set(Direction.TX) == key_set
        for _ in range(4000):  # until each sub-stream has had a TLP
            await RisingEdge(dut.clk)
            if all(partner.key_set(Direction.RX, sub) == key_set for sub in SubStream):
                break
        assert all(partner.key_set(Direction.RX, sub) == key_set for sub in SubStream)
        await cycles(dut, 1500)
        old = KeySlot(Direction.TX, SubStream.PR, 1 - key_set)
        assert not await bench.set_command(ObjectId.K_SET_GO, 1, old), "the old key is still there"
    running = False
    for task in tasks:
        await task
    for tlp in expected:
        await bench.expect_served(tlp, ide=1, t=1)
    assert bench.secure(0)
    bench.expect_pulses()


@cocotb.test()
async def old_key_after_the_switch_is_refused_in_its_sub_stream_only(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    write = Tlp.mem_write(0, 0x1000, b"abcd").encode()
    read = Tlp.mem_read(0, 0x1000, 4).encode()
    old_write, old_read = partner.encrypt(write, True), partner.encrypt(read, True)
    await bench.give_keys(0, 1, Direction.RX)
    new_write = partner.encrypt(write, True)
    bench.link.sent.append(new_write)
    await bench.expect_served(write)
    # The counter of the read announces the old write as well, so only the new one may satisfy it.
    bench.link.sent.append(old_read)
    await bench.expect_served(read)  # its own sub-stream has not switched
    bench.link.sent.append(old_write)
    await bench.settle()
    assert not bench.sink.tlps
    bench.expect_pulses(aer_check_failed=1, stream_insecure_event=1)
