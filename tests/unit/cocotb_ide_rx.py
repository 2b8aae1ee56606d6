# SPDX-License-Identifier: Apache-2.0
"""Block `ide`, receive side: what is served, what is refused, and with which consequence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.ide import gcm
from models.ide.codes import SubStream
from models.ide.counters import SentCounters
from models.ide.keys import KeySlot
from models.ide.messages import fail_message, sync_message
from models.ide.permitted import sub_stream_of
from models.ide.prefix import IdePrefix
from models.ide.stream import IdeStream
from models.idekm.codes import Direction, KpStatus, ObjectId
from models.pcie.codes import FmtType
from models.pcie.tlp import Tlp
from tests.models.ide_pair import C1, K1, KEYS, R1, W1, W2, W3, Vector
from tests.unit.ide_bench import HOST_RID, PF_RID, IdeBench, random_tlp, to_wire
from tests.unit.tlp_bench import cycles

NARROWEST = 16  # bytes of a beat


async def make(dut: Any) -> IdeBench:
    """A running bench."""
    bench = IdeBench(dut)
    await bench.start()
    return bench


async def vector_stream(bench: IdeBench, index: int = 0) -> None:
    """Stream 1 with the keys of the vectors in set 0, received direction."""
    stream_id = bench.setups[index].stream_id
    for direction in Direction:
        for sub_stream, key in KEYS[0].items():
            slot = KeySlot(direction, sub_stream, 0)
            assert await bench.key_prog(stream_id, slot, key) == KpStatus.SUCCESS
            assert await bench.set_command(ObjectId.K_SET_GO, stream_id, slot)
    await bench.enable(index)
    assert bench.secure(index)


async def refused(bench: IdeBench, wire: bytes, **pulses: int) -> None:
    """`wire` is not served and ends Secure of stream 0, with an IDE Fail."""
    bench.pulses.clear()
    bench.link.sent.append(wire)
    await bench.settle()
    assert not bench.sink.tlps, f"served: {wire.hex()}"
    assert not bench.secure(0), f"stream stays Secure: {wire.hex()}"
    bench.expect_pulses(**{"stream_insecure_event": 1, **pulses})
    fail = Tlp.decode(await bench.link.next())
    expected = fail_message(PF_RID, HOST_RID, bench.setups[0].stream_id)
    assert fail == replace(expected, tc=bench.setups[0].tc)
    assert not bench.link.packets


@cocotb.test()
async def vectors_of_the_digest_are_served(dut: Any) -> None:
    bench = await make(dut)
    await vector_stream(bench)
    for vector in (W1, W2, R1, W3, C1):
        bench.link.sent.append(vector.wire_bytes)
    for vector in (W1, W2, R1, W3, C1):
        await bench.expect_served(vector.plain_bytes, ide=1, t=int(vector.t), stream=0)
    for sub_stream, key in KEYS[1].items():
        slot = KeySlot(Direction.RX, sub_stream, 1)
        assert await bench.key_prog(1, slot, key) == KpStatus.SUCCESS
        assert await bench.set_command(ObjectId.K_SET_GO, 1, slot)
    bench.link.sent.append(K1.wire_bytes)
    await bench.expect_served(K1.plain_bytes, ide=1, t=1)
    bench.expect_pulses()
    await refused(bench, W1.wire_bytes, aer_check_failed=1)


async def _refused_after(bench: IdeBench, served: list[Vector], wire: bytes) -> None:
    await vector_stream(bench)
    for vector in served:
        bench.link.sent.append(vector.wire_bytes)
        await bench.expect_served(vector.plain_bytes)
    await refused(bench, wire, aer_check_failed=1)


@cocotb.test()
async def wrong_order_repetition_and_loss_are_refused(dut: Any) -> None:
    bench = await make(dut)
    await _refused_after(bench, [], W2.wire_bytes)
    await _refused_after(bench, [W1], W1.wire_bytes)
    await _refused_after(bench, [W1], W3.wire_bytes)
    await _refused_after(bench, [W1], R1.wire_bytes)  # announces two posted TLPs
    await _refused_after(bench, [W1, W2], C1.wire_bytes)  # announces three
    await _refused_after(bench, [], K1.wire_bytes)
    await vector_stream(bench)
    for vector in (W1, W2, W3, R1):  # a positive balance is legal
        bench.link.sent.append(vector.wire_bytes)
        await bench.expect_served(vector.plain_bytes)


@cocotb.test()
async def no_flipped_bit_is_served(dut: Any) -> None:
    bench = await make(dut)
    bench.link.pause = bench.link.stall = bench.sink.stall = 0.0
    wire = W1.wire_bytes
    bits = [*range(24, 32), *range(8, 16)]  # all of prefix bytes 3 and 1
    if bench.link.width == NARROWEST:
        bits += range(8 * (len(wire) - 12), 8 * len(wire))  # all of the MAC
    bits += bench.rng.sample(range(32, 8 * len(wire)), 30)
    for bit in bits:
        await vector_stream(bench)
        changed = bytearray(wire)
        changed[bit // 8] ^= 1 << bit % 8
        bench.pulses.clear()
        bench.link.sent.append(bytes(changed))
        await bench.settle(150)
        assert not bench.sink.tlps, f"bit {bit} was served"
        assert not bench.secure(0), f"bit {bit} left the stream Secure"
        errors = bench.pulses["aer_check_failed"] + bench.pulses["aer_malformed"]
        assert errors == 1, f"bit {bit}: {bench.pulses}"
        bench.link.packets.clear()


@cocotb.test()
async def other_streams_and_other_prefixes_leave_the_stream_alone(dut: Any) -> None:
    bench = await make(dut)
    await vector_stream(bench)
    foreign = W1.wire_bytes[:2] + b"\x77" + W1.wire_bytes[3:]
    bench.link.sent.append(foreign)
    await bench.expect_silence()
    bench.expect_pulses(aer_misrouted=1)
    bench.link.sent.append(b"\x91" + W1.wire_bytes[1:])  # another End-End prefix
    bench.link.sent.append(b"\x82" + W1.wire_bytes[1:])  # a local prefix
    await bench.expect_silence()
    bench.expect_pulses(aer_malformed=2)
    bench.link.sent.append(W1.wire_bytes)
    await bench.expect_served(W1.plain_bytes)


@cocotb.test()
async def traffic_of_all_streams_arrives_in_order_and_exact(dut: Any) -> None:
    bench = await make(dut)
    for index in range(bench.count):
        await bench.bring_up(index, key_set=index % 2)
    bench.setups[0].tc = 0
    expected = []
    for number in range(120):
        if number == 60:
            bench.link.pause = bench.link.stall = bench.sink.stall = 0.0
        tlp = random_tlp(bench.rng)
        index = bench.rng.randrange(-1, bench.count)
        if index < 0:
            digest = bench.rng.choice([b"", b"\1\2\3\4"])
            bench.link.sent.append(replace(tlp, digest=digest).encode())
            expected.append((tlp.encode(), {"ide": 0, "t": 0}))
            continue
        t = bench.rng.randrange(2)
        bench.link.sent.append(bench.partners[index].encrypt(tlp.encode(), bool(t)))
        expected.append((tlp.encode(), {"ide": 1, "t": t, "stream": index}))
        if bench.partners[index].sync_due:
            bench.link.sent.append(bench.partners[index].sync(HOST_RID, PF_RID))
    for plain, side in expected:
        await bench.expect_served(plain, **side)
    await bench.expect_silence()
    bench.expect_pulses()


@cocotb.test()
async def failed_tlp_and_all_later_ones_are_discarded(dut: Any) -> None:
    bench = await make(dut)
    bench.link.pause = 0.0
    for index in range(bench.count):
        await bench.bring_up(index)
    tlps = [random_tlp(bench.rng, 16).encode() for _ in range(12)]
    others = [random_tlp(bench.rng, 16).encode() for _ in range(12)]
    for number, (tlp, other) in enumerate(zip(tlps, others, strict=True)):
        wire = bytearray(bench.partners[0].encrypt(tlp, True))
        if number == 4:
            wire[-1] ^= 0x80
        bench.link.sent.append(bytes(wire))
        bench.link.sent.append(bench.partners[1].encrypt(other, False))
    for number, (tlp, other) in enumerate(zip(tlps, others, strict=True)):
        if number < 4:
            await bench.expect_served(tlp, stream=0)
        await bench.expect_served(other, stream=1)
    await bench.settle()
    assert not bench.sink.tlps
    bench.expect_pulses(aer_check_failed=1, stream_insecure_event=1)
    assert not bench.secure(0)
    assert bench.secure(1)


@cocotb.test()
async def header_checks_fail_like_a_mac(dut: Any) -> None:
    bench = await make(dut)
    write = Tlp.mem_write(HOST_RID, 0x1000, b"abcd")
    wrong = [
        replace(write, tc=3),
        Tlp.msg(HOST_RID, 0x7E, bytes(8), FmtType.MSG_LOCAL),
        replace(Tlp.cfg_read(HOST_RID, PF_RID, 0)),
        Tlp(FmtType.IORD, length=1, first_be=1, requester_id=HOST_RID),
    ]
    times = []
    for tlp in wrong:
        await bench.bring_up(0)
        wire = _sealed(bench.partners[0], tlp)
        await refused(bench, wire, aer_check_failed=1)
    for sub_stream in (SubStream.NPR, SubStream.CPL, 3, 7):
        await bench.bring_up(0)
        await refused(bench, _sealed(bench.partners[0], write, sub_stream), aer_check_failed=1)
    bench.link.pause = bench.link.stall = bench.sink.stall = 0.0
    for tlp, spoil in ((write, 1), (replace(write, tc=3), 0)):
        await bench.bring_up(0)
        spoiled = bytearray(_sealed(bench.partners[0], tlp))
        spoiled[-1] ^= spoil
        times.append(await _time_to_insecure(bench, bytes(spoiled)))
    assert times[0] == times[1], f"the time tells which check failed: {times}"


async def _time_to_insecure(bench: IdeBench, wire: bytes) -> int:
    await bench.settle()
    bench.link.packets.clear()
    bench.link.sent.append(wire)
    for count in range(300):
        await RisingEdge(bench.dut.clk)
        if not bench.secure(0):
            return count
    raise AssertionError("the stream stays Secure")


def _sealed(partner: IdeStream, tlp: Tlp, sub_stream: int | None = None, **flags: bool) -> bytes:
    """`tlp` with a right MAC, though no transmitter may send it."""
    return _seal_raw(partner, tlp.pack(), sub_stream, **flags)


def _seal_raw(
    partner: IdeStream, raw: bytes, sub_stream: int | None = None, **flags: bool
) -> bytes:
    real = sub_stream_of(FmtType(raw[0]))
    named = real if sub_stream is None else sub_stream
    prefix = IdePrefix(partner.config.stream_id, named, True, **flags).encode()
    size = 16 if raw[0] & 0x20 else 12
    context = partner.keys.usable(KeySlot(Direction.TX, real, 0))
    assert context is not None
    data, mac = gcm.seal(context.key, gcm.iv(0, 1), raw[size:], prefix + raw[:size])
    return prefix + raw[:size] + data + mac


@cocotb.test()
async def truncated_and_overlong_packets_hang_nothing(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(1)
    plain = Tlp.mem_write(HOST_RID, 0x2000, bytes(range(64))).encode()
    witness = Tlp.mem_read(HOST_RID, 0x3000, 64).encode()
    for size in range(4, len(plain) + 24, 4):
        raw = (plain + bytes(24))[:size]
        bench.link.sent.append(raw)
        bench.link.sent.append(witness)
        if raw == plain:
            await bench.expect_served(plain)
        await bench.expect_served(witness)
    bench.expect_pulses(aer_malformed=(len(plain) + 24 - 4) // 4 - 1)
    for size in range(4, len(W1.wire_bytes) + 12, 4):
        if size == len(W1.wire_bytes):
            continue
        await vector_stream(bench)
        raw = (W1.wire_bytes + bytes(12))[:size]
        await refused(bench, raw, aer_malformed=1)
    bench.link.sent.append(bench.partners[1].encrypt(plain, True))
    await bench.expect_served(plain, ide=1)


@cocotb.test()
async def garbage_is_survived(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(1)
    witness = Tlp.mem_read(HOST_RID, 0x3000, 64).encode()
    for _ in range(250):
        size = bench.rng.randint(1, 40)
        raw = bytearray(bench.rng.randbytes(4 * size))
        if bench.rng.random() < 0.8:
            raw[0] = bench.rng.choice([*FmtType, 0x92, 0x92, 0x92])
        if raw[0] == 0x92 and len(raw) > 4:
            raw[2] = bench.rng.choice([1, 2])
            raw[4] = bench.rng.choice([*FmtType])
        bench.link.sent.append(bytes(raw))
    await bench.settle(1200)
    bench.sink.tlps.clear()
    bench.link.sent.append(witness)
    await bench.expect_served(witness)
    wire = bench.partners[1].encrypt(witness, True)
    bench.link.sent.append(wire)
    await bench.expect_served(witness, ide=1, stream=1)


@cocotb.test()
async def odd_keeps_make_a_packet_malformed(dut: Any) -> None:
    bench = await make(dut)
    raw = Tlp.mem_write(HOST_RID, 0x2000, bytes(range(4))).encode()
    full = (1 << len(raw) % bench.link.width) - 1 or (1 << bench.link.width) - 1
    for keep in (full >> 1, full ^ 0x10 if full > 0xFF else 0, full & ~1):
        await bench.link.drive(raw, keep=keep)
        await bench.expect_silence()
        bench.expect_pulses(aer_malformed=1)
    await bench.link.drive(raw)
    await bench.expect_served(raw)


@cocotb.test()
async def payload_longer_than_allowed_is_malformed(dut: Any) -> None:
    bench = await make(dut)
    largest = int(cocotb.plusargs.get("max_payload", 512))
    for size, served in ((largest, True), (largest + 4, False), (4096, False)):
        raw = Tlp.mem_write(HOST_RID, 0x10000, bench.rng.randbytes(size)).encode()
        bench.link.sent.append(raw)
        if served:
            await bench.expect_served(raw)
        else:
            await bench.expect_silence()
    bench.expect_pulses(aer_malformed=2)


@cocotb.test()
async def insecure_stream_discards_in_silence(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    held = [random_tlp(bench.rng, 8).encode() for _ in range(3)]
    wires = [partner.encrypt(tlp, True) for tlp in held]
    bench.setups[0].rid_valid = False
    bench.apply()
    await bench.settle()
    bench.expect_pulses(stream_insecure_event=1)
    bench.link.packets.clear()
    bench.link.sent.extend(wires)
    await bench.expect_silence()
    bench.expect_pulses()
    bench.setups[0].enabled = False
    bench.apply()
    bench.link.sent.append(wires[0])
    await bench.expect_silence()
    bench.expect_pulses(aer_misrouted=1)


@cocotb.test()
async def tlps_in_the_buffer_die_with_their_stream(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    bench.sink.stall = 1.0
    await cycles(dut, 2)
    tlps = [random_tlp(bench.rng, 8).encode() for _ in range(6)]
    bench.link.sent.extend(partner.encrypt(tlp, True) for tlp in tlps)
    plain = Tlp.mem_read(HOST_RID, 0x3000, 64).encode()
    bench.link.sent.append(plain)
    await cycles(dut, 500)
    dut.cpl_stream_error.value = 1
    dut.cpl_stream_error_stream.value = 0
    await cycles(dut, 1)
    dut.cpl_stream_error.value = 0
    await cycles(dut, 2)
    bench.sink.stall = 0.2
    await bench.expect_served(tlps[0])  # was on the bus already
    await bench.expect_served(plain)
    await bench.settle()
    assert not bench.sink.tlps
    bench.expect_pulses(aer_check_failed=1, stream_insecure_event=1)


@cocotb.test()
async def held_back_tlps_do_not_outlive_a_new_life_of_the_stream(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    bench.sink.stall = 1.0
    await cycles(dut, 2)
    old = [random_tlp(bench.rng, 4).encode() for _ in range(5)]
    old[0] = Tlp.mem_write(HOST_RID, 0, bytes(256)).encode()  # a part of it is on the bus
    bench.link.sent.extend(partner.encrypt(tlp, True) for tlp in old)
    await bench.settle()
    bench.setups[0].enabled = False
    bench.apply()
    await cycles(dut, 2)
    partner = await bench.bring_up(0)
    fresh = random_tlp(bench.rng, 4).encode()
    bench.link.sent.append(partner.encrypt(fresh, True))
    await bench.settle()
    bench.sink.stall = 0.2
    await bench.expect_served(old[0])
    await bench.expect_served(fresh, ide=1)
    await bench.settle()
    assert not bench.sink.tlps, "TLPs of the old life were served"


@cocotb.test()
async def sync_and_fail_end_in_the_port(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    other = await bench.bring_up(1)
    write = Tlp.mem_write(HOST_RID, 0x1000, b"abcd").encode()
    read = Tlp.mem_read(HOST_RID, 0x1000, 4).encode()
    for _ in range(3):
        bench.link.sent.append(partner.encrypt(write, True))
        await bench.expect_served(write)
    bench.link.sent.append(partner.sync(HOST_RID, PF_RID))
    bench.link.sent.append(partner.encrypt(read, True))
    await bench.expect_served(read)
    plain_sync = sync_message(HOST_RID, PF_RID, SentCounters().sync()).encode()
    unknown = fail_message(HOST_RID, PF_RID, 0x99).encode()
    bench.link.sent.extend([plain_sync, unknown])
    await bench.expect_silence()
    bench.expect_pulses()
    bench.link.sent.append(fail_message(HOST_RID, PF_RID, bench.setups[0].stream_id).encode())
    await bench.expect_silence()  # no Fail is sent back
    bench.expect_pulses(ide_fail_received=1, stream_insecure_event=1)
    assert not bench.secure(0)
    sealed = fail_message(HOST_RID, PF_RID, bench.setups[1].stream_id).encode()
    bench.link.sent.append(other.encrypt(sealed, False))
    await bench.expect_silence()
    bench.expect_pulses(ide_fail_received=1, stream_insecure_event=1)
    assert not bench.secure(1)


@cocotb.test()
async def fail_for_a_disabled_stream_is_ignored(dut: Any) -> None:
    bench = await make(dut)
    bench.link.sent.append(fail_message(HOST_RID, PF_RID, bench.setups[0].stream_id).encode())
    await bench.expect_silence()
    bench.expect_pulses()


@cocotb.test()
async def m_and_p_are_refused_even_with_a_right_mac(dut: Any) -> None:
    bench = await make(dut)
    write = Tlp.mem_write(HOST_RID, 0x1000, b"abcd")
    for changes in ({"m": False}, {"p": True}):
        await bench.bring_up(0)
        await refused(bench, _sealed(bench.partners[0], write, **changes), aer_check_failed=1)
    await bench.bring_up(0)
    wire = _sealed(bench.partners[0], write)
    bench.link.sent.append(wire)
    await bench.expect_served(write.encode(), ide=1)


@cocotb.test()
async def td_on_an_ide_tlp_is_malformed(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(0)
    write = replace(Tlp.mem_write(HOST_RID, 0x1000, b"abcd"), digest=b"1234")
    await refused(bench, _sealed(bench.partners[0], write), aer_malformed=1)
    await bench.bring_up(0)
    without = replace(write, digest=b"")
    header = bytearray(without.pack())
    header[2] |= 0x80  # TD, and no digest behind it
    await refused(bench, _seal_raw(bench.partners[0], bytes(header)), aer_malformed=1)


@cocotb.test()
async def sync_that_announces_too_much_is_refused(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    write = Tlp.mem_write(HOST_RID, 0x1000, b"abcd").encode()
    partner.encrypt(write, True)
    first = partner.encrypt(write, True)
    del first
    partner = await bench.bring_up(0) if not bench.secure(0) else partner
    message = sync_message(HOST_RID, PF_RID, SentCounters().sync())
    lying = replace(message, message=message.message[:6] + bytes([2, 1]))
    await refused(bench, _sealed(partner, lying), aer_check_failed=1)


@cocotb.test()
async def link_loss_inside_a_packet_is_survived(dut: Any) -> None:
    bench = await make(dut)
    partner = await bench.bring_up(0)
    wire = partner.encrypt(Tlp.mem_write(HOST_RID, 0x1000, bytes(200)).encode(), True)
    await bench.link.drive(wire[: 2 * bench.link.width], last=False)
    await cycles(dut, 20)
    dut.link_up.value = 0
    await bench.settle()
    bench.expect_pulses(aer_malformed=1, stream_insecure_event=1)
    dut.link_up.value = 1
    witness = Tlp.mem_read(HOST_RID, 0x3000, 64).encode()
    bench.link.sent.append(witness)
    await bench.expect_served(witness)
    assert not bench.link.packets  # no IDE Fail
    partner = await bench.bring_up(0)
    bench.link.sent.append(partner.encrypt(witness, True))
    await bench.expect_served(witness, ide=1)


@cocotb.test()
async def short_link_loss_under_back_pressure_joins_no_packets(dut: Any) -> None:
    bench = await make(dut)
    bench.link.pause = 0.0
    bench.sink.stall = 1.0
    await cycles(dut, 2)
    largest = Tlp.mem_write(HOST_RID, 0x10000, bench.rng.randbytes(512)).encode()
    sender = cocotb.start_soon(_repeat(bench, largest))
    await bench.settle(600)  # everything is full, a packet is open
    dut.link_up.value = 0
    sender.cancel()
    dut.s_axis_rx_tvalid.value = 0
    await cycles(dut, 2)
    dut.link_up.value = 1
    await cycles(dut, 1)
    witness = Tlp.mem_write(HOST_RID, 0x3000, bytes(range(64))).encode()
    bench.link.sent.append(witness)
    await cycles(dut, 20)
    bench.sink.stall = 0.2
    await bench.settle()
    served = [to_wire(tlp) for tlp in bench.sink.tlps]
    assert served[-1:] == [witness], "the first TLP after the loss was taken for a rest"
    assert set(served[:-1]) == {largest}
    bench.expect_pulses(aer_malformed=1)


async def _repeat(bench: IdeBench, raw: bytes) -> None:
    while True:
        await bench.link.drive(raw)


@cocotb.test()
async def completion_error_of_the_function_ends_secure(dut: Any) -> None:
    bench = await make(dut)
    await bench.bring_up(1)
    dut.cpl_stream_error.value = 1
    dut.cpl_stream_error_stream.value = 1
    await cycles(dut, 1)
    dut.cpl_stream_error.value = 0
    await bench.settle()
    bench.expect_pulses(aer_check_failed=1, stream_insecure_event=1)
    assert not bench.secure(1)
    assert (await bench.link.next())[15] == bench.setups[1].stream_id
