# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, transmit side: every TLP under its key, plain, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb

from models.ide import gcm
from models.ide.codes import SubStream
from models.ide.keys import ALL_SLOTS, KeySlot
from models.ide.messages import IdeSync, fail_message, parse
from models.ide.permitted import sub_stream_of
from models.ide.prefix import peek
from models.ide.select import (
    AddressAssociation,
    Departure,
    Outgoing,
    SelectiveStreamBlock,
    Way,
    depart,
)
from models.idekm.codes import Direction, ObjectId
from models.pcie.codes import CplStatus, FmtType
from models.pcie.layout import Framing
from models.pcie.tlp import Tlp
from tests.unit.ide_bench import HOST_RID, PF_RID, IdeBench, random_tlp, to_bus
from tests.unit.tlp_bench import cycles

SYNC_DUE = 245
ZERO_MAC = bytes(12)


async def make(dut: Any) -> IdeBench:
    """A running bench."""
    bench = IdeBench(dut)
    await bench.start()
    return bench


async def send(bench: IdeBench, tlp: Tlp, *, ide: int, t: int = 0, stream: int = 0) -> None:
    """Give a TLP to the device's transmit bus."""
    await bench.source.send(to_bus(tlp.pack(), ide=ide, t=t, stream=stream))


@cocotb.test()
async def traffic_leaves_in_order_and_decrypts(dut: Any) -> None:
    bench = await make(dut)
    for setup in bench.setups:
        setup.tee_limited = True
    for index in range(bench.count):
        await bench.bring_up(index, key_set=1 - index % 2)
    sent = []

    async def produce() -> None:
        for number in range(150):
            if number == 80:
                bench.link.stall = bench.source.pause = 0.0
            tlp = random_tlp(bench.rng)
            index = bench.rng.randrange(-1, bench.count)
            t = bench.rng.randrange(2) if index >= 0 else 0
            sent.append((tlp, index, bool(t)))
            await send(bench, tlp, ide=int(index >= 0), t=t, stream=max(index, 0))

    producer = cocotb.start_soon(produce())
    seen = 0
    while seen < 150:
        raw = await bench.link.next()
        plain, t, index = open_packet(bench, raw)
        tlp, expected_index, expected_t = sent[seen]
        assert (index, t) == (expected_index, expected_t), f"TLP {seen}"
        assert plain == tlp.encode(), f"TLP {seen}: {plain.hex()} for {tlp.encode().hex()}"
        seen += 1
    await producer
    await bench.expect_silence()
    bench.expect_pulses()


def open_packet(bench: IdeBench, raw: bytes) -> tuple[bytes, bool, int]:
    """Plain TLP, T bit and stream index of a packet on the link; -1 for a plain packet."""
    prefix = peek(raw)
    if prefix is None:
        return raw, False, -1
    index = next(n for n, s in enumerate(bench.setups) if s.stream_id == prefix.stream_id)
    assert raw[3] & 0x8C == 0x04, "reserved bit 0, M 1, P 0"
    plain, t, sub_stream = bench.partners[index].decrypt(raw)
    assert sub_stream is sub_stream_of(Framing.of(plain).fmt_type)
    return plain, t, index


@cocotb.test()
async def sync_is_sent_when_a_counter_reaches_245(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(0)
    bench.link.stall = bench.source.pause = 0.0
    write = Tlp.mem_write(PF_RID, 0x1000, b"abcd")
    completion = Tlp.cpl(PF_RID, Tlp.mem_read(HOST_RID, 0, 4), CplStatus.UR)
    read = Tlp.mem_read(PF_RID, 0x1000, 4)
    for clearing, carried in ((completion, (246, 145)), (read, (145, 246))):
        await _one_sync(bench, write, clearing, IdeSync(*carried))
    await send(bench, read, ide=1, t=1)
    raw = await bench.link.next()
    prefix = peek(raw)
    assert prefix is not None
    assert prefix.pr_sent_counter == 0
    open_packet(bench, raw)


async def _one_sync(bench: IdeBench, write: Tlp, clearing: Tlp, carried: IdeSync) -> None:
    """Posted TLPs until a Sync; `clearing` clears one of the counters on the way."""
    for number in range(SYNC_DUE):
        await send(bench, write, ide=1, t=1)
        if number == 100:
            await send(bench, clearing, ide=1, t=1)
    kinds = []
    for _ in range(SYNC_DUE + 2):
        plain, t, _index = open_packet(bench, await bench.link.next())
        message = parse(Tlp.decode(plain))
        kinds.append(message)
        if message is not None:
            tlp = Tlp.decode(plain)
            assert (tlp.requester_id, tlp.message[:2]) == (PF_RID, HOST_RID.to_bytes(2, "big"))
            assert not t
    assert kinds[-1] == carried
    assert kinds[:-1] == [None] * (SYNC_DUE + 1)


@cocotb.test()
async def insecure_stream_sends_nothing_and_never_plain(dut: Any) -> None:
    bench = await make(dut)
    bench.setups[0].addresses = (0, 0xFFFFF)
    bench.setups[0].enabled = True
    bench.apply()
    await cycles(dut, 3)
    write = Tlp.mem_write(PF_RID, 0x1000, bytes(64))
    completion = Tlp.cpld(PF_RID, Tlp.mem_read(HOST_RID, 0, 4), b"abcd", 4, 0)
    for tlp in (write, completion):
        for t in (0, 1):
            await send(bench, tlp, ide=1, t=t)
    await send(bench, write, ide=0)  # associated by its address
    await bench.expect_silence()
    await send(bench, completion, ide=0)  # belongs to a plain request
    assert await bench.link.next() == completion.encode()
    bench.setups[0].enabled = False
    bench.apply()
    for slot in ALL_SLOTS:  # keys alone do not make the stream Secure
        if slot.key_set == 0:
            await bench.key_prog(1, slot, bytes(32))
            await bench.set_command(ObjectId.K_SET_GO, 1, slot)
    await send(bench, write, ide=0, t=1)
    await send(bench, write, ide=1, t=1)
    await send(bench, replace(completion, tc=1), ide=1)
    await bench.expect_silence()
    await send(bench, write, ide=0)
    assert await bench.link.next() == write.encode()
    await bench.enable(0)
    await send(bench, write, ide=1, t=1)
    expected, mac = gcm.seal(
        bytes(32), gcm.iv(0, 1), write.payload, b"\x92\0\1\5" + write.encode()[:12]
    )
    assert (await bench.link.next())[16:] == expected + mac, "an invocation value was lost"


@cocotb.test()
async def stream_that_dies_lets_no_plaintext_and_no_valid_mac_out(dut: Any) -> None:
    bench = await make(dut)
    bench.link.stall = bench.source.pause = 0.0
    payload = bytes(range(1, 129))
    for delay in range(0, 160, 7):
        partner = await bench.bring_up(0)
        bench.link.packets.clear()

        async def produce() -> None:
            for _ in range(4):
                await send(bench, Tlp.mem_write(PF_RID, 0x1000, payload), ide=1, t=1)

        producer = cocotb.start_soon(produce())
        await cycles(dut, delay)
        bench.setups[0].rid_valid = False
        bench.apply()
        await producer
        await bench.settle(250)
        bench.setups[0].rid_valid = True
        packets, good = list(bench.link.packets), 0
        bench.link.packets.clear()
        assert packets, "no IDE Fail was sent"
        fail = replace(fail_message(PF_RID, HOST_RID, bench.setups[0].stream_id))
        assert packets[-1] == fail.encode()
        for raw in packets[:-1]:
            assert payload[:16] not in raw, "plaintext on the link"
            if raw[-12:] == ZERO_MAC:
                assert raw is packets[-2]
                continue
            partner.decrypt(raw)
            good += 1
        assert len(packets) - 1 - good <= 1


@cocotb.test()
async def link_stall_does_not_keep_a_dead_stream_sending(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    bench.link.stall = 1.0
    await cycles(dut, 2)

    async def produce() -> None:
        for _ in range(5):
            await send(bench, Tlp.mem_write(PF_RID, 0x1000, b"abcdefgh"), ide=1, t=1)

    producer = cocotb.start_soon(produce())
    await cycles(dut, 300)
    bench.setups[0].enabled = False
    bench.apply()
    await cycles(dut, 50)
    bench.link.stall = 0.0
    await producer
    await bench.settle()
    packets = list(bench.link.packets)
    assert len(packets) <= 2, "TLPs that had not begun were sent"
    if bench.link.width >= len(packets[0]):  # was complete in one wide beat
        partner.decrypt(packets.pop(0))
    assert all(raw[-12:] == ZERO_MAC for raw in packets)
    bench.expect_pulses(stream_insecure_event=1)


@cocotb.test()
async def stop_waits_for_the_tlp_that_holds_its_key(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    bench.link.stall = 1.0
    await cycles(dut, 2)
    read = Tlp.mem_read(PF_RID, 0x1000, 4)
    write = Tlp.mem_write(PF_RID, 0x1000, b"abcd")
    for _ in range(2):
        await send(bench, read, ide=1, t=1)
    stop_read = KeySlot(Direction.TX, SubStream.NPR, 0)
    stop_write = KeySlot(Direction.TX, SubStream.PR, 0)
    assert await bench.set_command(ObjectId.K_SET_STOP, 1, stop_read)
    await cycles(dut, 20)  # the erasure waits for the reads, new invocations wait for it
    writer = cocotb.start_soon(send(bench, write, ide=1, t=1))
    await cycles(dut, 20)
    body = bytes([ObjectId.K_SET_STOP, 0, 0, 1, 0, bench.info(stop_write), 0])
    stopper = cocotb.start_soon(bench.idekm(body))
    await cycles(dut, 60)
    bench.link.stall = 0.0
    await writer
    for tlp in (read, read, write):
        assert partner.decrypt(await bench.link.next())[0] == tlp.encode()
    await stopper
    await send(bench, write, ide=1, t=1)
    await bench.expect_silence()
    assert bench.secure(0)


@cocotb.test()
async def every_way_out_of_secure_sends_its_fail(dut: Any) -> None:
    bench = await make(dut)
    setup = bench.setups[0]
    setup.tc = 2
    fail = replace(fail_message(PF_RID, HOST_RID, setup.stream_id), tc=2).encode()

    async def pulse(name: str, **values: int) -> None:
        for key, value in values.items():
            getattr(dut, key).value = value
        getattr(dut, name).value = 1
        await cycles(dut, 1)
        getattr(dut, name).value = 0
        await cycles(dut, 2)

    for name, values in (
        ("pf_flr", {}),
        ("session_end_valid", {"session_end_idx": 0}),
        ("cpl_stream_error", {"cpl_stream_error_stream": 0}),
    ):
        await bench.bring_up(0)
        await pulse(name, **values)
        assert not bench.secure(0), name
        assert await bench.link.next() == fail, name
        bench.pulses.clear()
    for silent in ("enable", "link", "reset"):
        await bench.bring_up(0)
        if silent == "enable":
            setup.enabled = False
            bench.apply()
        else:
            signal = dut.link_up if silent == "link" else dut.rst
            signal.value = int(silent == "reset")
            await cycles(dut, 4)
            signal.value = int(silent == "link")
        await cycles(dut, 3)
        assert not bench.secure(0), silent
        await bench.expect_silence()
        bench.pulses.clear()


@cocotb.test()
async def requests_without_a_stream_are_associated_as_the_model_says(dut: Any) -> None:
    bench = await make(dut)
    for index in range(bench.count):
        await bench.bring_up(index)
    for _ in range(120):
        await _one_association(bench)


async def _one_association(bench: IdeBench) -> None:
    rng = bench.rng
    defaults = rng.randrange(-1, bench.count)
    for index, setup in enumerate(bench.setups):
        base = rng.choice([0, 1, 3]) << 20
        setup.addresses = rng.choice([None, (base, base + (rng.choice([1, 2]) << 20) - 1)])
        setup.default = index == defaults
        setup.tee_limited = rng.random() < 0.3
    bench.apply()
    functions = len(bench.dut.ats_enable)
    ats = bench.dut.ats_enable.value = rng.getrandbits(functions)
    # The last is no function of the device.
    requester = rng.choice((0, functions - 1, functions, rng.randint(0, functions)))
    address = rng.choice([0, 0xFFFFC, 0x100000, 0x1FFFFC, 0x200000, 0x300000, 0x2FFFFC])
    read = Tlp.mem_read(PF_RID + requester, address, 4)
    tlp = rng.choice(
        [
            Tlp.mem_write(PF_RID + requester, address, b"abcd"),
            read,
            replace(read, tc=1),
            Tlp.msg(PF_RID, 0x7E, HOST_RID.to_bytes(2, "big") + bytes(6), FmtType.MSG_ID),
            Tlp.msg(PF_RID, 0x7E, bytes(8), FmtType.MSG_RC),
            Tlp.msg(PF_RID, 0x7E, bytes(8), FmtType.MSG_LOCAL),
        ]
    )
    outgoing = Outgoing(tlp, ats_enabled=bool(ats >> requester & 1))
    expected = depart(_blocks(bench), outgoing, [s.stream_id for s in bench.setups])
    await send(bench, tlp, ide=0)
    plain, t, index = open_packet(bench, await bench.link.next())
    got = (
        Departure(Way.PLAIN) if index < 0 else Departure(Way.STREAM, bench.setups[index].stream_id)
    )
    assert got == expected, f"{tlp} with {bench.setups}"
    assert (plain, t) == (tlp.encode(), False)


def _blocks(bench: IdeBench) -> list[SelectiveStreamBlock]:
    return [
        SelectiveStreamBlock(
            stream_id=s.stream_id,
            enabled=s.enabled,
            tc=s.tc,
            default_stream=s.default,
            tee_limited=s.tee_limited,
            rid_base=s.rid_base,
            rid_limit=s.rid_limit,
            rid_valid=s.rid_valid,
            associations=(AddressAssociation(*s.addresses),) if s.addresses else (),
        )
        for s in bench.setups
    ]


@cocotb.test()
async def types_a_stream_may_not_carry_are_not_sent_on_it(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(0)
    wrong = [
        Tlp.msg(PF_RID, 0x7E, bytes(8), FmtType.MSG_LOCAL),
        Tlp(FmtType.IORD, length=1, first_be=1, requester_id=PF_RID),
        Tlp.cfg_read(PF_RID, HOST_RID, 0),
        replace(Tlp.mem_write(PF_RID, 0x1000, b"abcd"), tc=4),
    ]
    for tlp in wrong:
        await send(bench, tlp, ide=1, t=1)
    await bench.expect_silence()
    write = Tlp.mem_write(PF_RID, 0x1000, b"abcd")
    await send(bench, write, ide=1, t=1)
    assert open_packet(bench, await bench.link.next()) == (write.encode(), True, 0)
