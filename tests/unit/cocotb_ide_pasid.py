# SPDX-License-Identifier: Apache-2.0
"""Block `ide` with PASID prefixes: their place, what the MAC covers, what else is refused."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import cocotb

from models.ide import gcm
from models.ide.codes import SubStream
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from tests.models.ide_pair import KEYS, PASID_RUN, PW1, W1
from tests.unit.cocotb_ide_rx import make, refused, vector_stream
from tests.unit.cocotb_ide_tx import open_packet
from tests.unit.ide_bench import (
    HOST_RID,
    PASID_VALID,
    IdeBench,
    pasid_prefix,
    random_tlp,
    to_bus,
)
from tests.unit.tlp_bench import cycles

CORNERS = (0, 1, 0x80000, 0xFFFFE, 0xFFFFF)


def with_pasid(rng: random.Random, tlp: Tlp) -> Tlp:
    """A request with a PASID, in half of the cases."""
    if tlp.fmt_type not in MEMORY_REQUESTS or rng.random() < 0.5:
        return tlp
    pasid = rng.choice((*CORNERS, rng.getrandbits(20)))
    return replace(tlp, prefixes=(pasid_prefix(PASID_VALID | pasid),))


async def fresh_stream(bench: IdeBench) -> None:
    """Stream 1 as if nothing had been received, whatever became of it."""
    bench.setups[0].enabled = False
    bench.apply()
    await cycles(bench.dut, 20)
    await vector_stream(bench)
    bench.pulses.clear()
    bench.link.packets.clear()


def pasid_of(tlp: Tlp) -> int:
    """The PASID of a TLP as on the internal bus."""
    return to_bus(tlp.pack()).side["pasid"]


@cocotb.test()
async def vectors_with_a_pasid_are_served(dut: Any) -> None:
    bench = await make(dut)
    await vector_stream(bench)
    for vector in PASID_RUN.values():
        bench.link.sent.append(vector.wire_bytes)
    for vector in PASID_RUN.values():
        await bench.expect_served(vector.plain_bytes, ide=1, t=int(vector.t), stream=0)
    bench.expect_pulses()


@cocotb.test()
async def vectors_with_a_pasid_are_sent(dut: Any) -> None:
    bench = await make(dut)
    await vector_stream(bench)
    for vector in PASID_RUN.values():
        await bench.source.send(to_bus(vector.plain_bytes, ide=1, t=int(vector.t), stream=0))
        assert (await bench.link.next()) == vector.wire_bytes


@cocotb.test()
async def traffic_with_and_without_pasid_arrives_in_order(dut: Any) -> None:
    bench = await make(dut)
    for index in range(bench.count):
        await bench.bring_up(index)
    expected = []
    for _ in range(100):
        tlp = with_pasid(bench.rng, random_tlp(bench.rng))
        index = bench.rng.randrange(-1, bench.count)
        raw, t = tlp.encode(), bench.rng.randrange(2)
        wire = raw if index < 0 else bench.partners[index].encrypt(raw, bool(t))
        bench.link.sent.append(wire)
        side = {"ide": 1, "t": t, "stream": index} if index >= 0 else {"ide": 0, "t": 0}
        expected.append((raw, {**side, "pasid": pasid_of(tlp)}))
    for raw, side in expected:
        await bench.expect_served(raw, **side)
    await bench.expect_silence()
    bench.expect_pulses()


@cocotb.test()
async def traffic_with_and_without_pasid_leaves_in_order(dut: Any) -> None:
    bench = await make(dut)
    for setup in bench.setups:
        setup.tee_limited = True  # nothing is associated by its address
    for index in range(bench.count):
        await bench.bring_up(index)
    sent: list[tuple[bytes, bool, int]] = []

    async def produce() -> None:
        for _ in range(100):
            tlp = with_pasid(bench.rng, random_tlp(bench.rng))
            index = bench.rng.randrange(-1, bench.count)
            t = bench.rng.randrange(2) if index >= 0 else 0
            sent.append((tlp.encode(), bool(t), index))
            side = {"ide": int(index >= 0), "t": t, "stream": max(index, 0)}
            await bench.source.send(to_bus(tlp.pack(), **side))

    producer = cocotb.start_soon(produce())
    for number in range(100):
        raw = await bench.link.next()
        plain, t, index = (raw, False, -1) if raw[0] != 0x92 else open_packet(bench, raw)
        assert (plain, t, index) == sent[number], f"TLP {number}: {raw.hex()}"
    await producer
    await bench.expect_silence()


@cocotb.test()
async def no_flipped_bit_of_a_pasid_is_served(dut: Any) -> None:
    bench = await make(dut)
    bench.link.pause = bench.link.stall = bench.sink.stall = 0.0
    wire = PW1.wire_bytes
    for bit in bench.rng.sample(range(32, 64), 10):
        await fresh_stream(bench)
        changed = bytearray(wire)
        changed[bit // 8] ^= 1 << bit % 8
        bench.link.sent.append(bytes(changed))
        await bench.settle(150)
        assert not bench.sink.tlps, f"bit {bit} was served"
        assert not bench.secure(0), f"bit {bit} left the stream Secure"


@cocotb.test()
async def reserved_bits_of_a_pasid_prefix_are_covered_and_ignored(dut: Any) -> None:
    bench = await make(dut)
    for fields in ("f1", "c1"):
        await fresh_stream(bench)
        prefix = bytes.fromhex(f"91{fields}2345")  # wants execution and privileges, too
        aad = PW1.wire_bytes[:4] + prefix + PW1.wire_bytes[8:20]
        key = KEYS[0][SubStream.PR]
        data, mac = gcm.seal(key, gcm.iv(0, 1), PW1.plain_bytes[-16:], aad)
        bench.link.sent.append(aad + data + mac)
        await bench.expect_served(PW1.plain_bytes, pasid=PASID_VALID | 0x12345)


@cocotb.test()
async def prefixes_in_another_order_or_number_are_malformed(dut: Any) -> None:
    bench = await make(dut)
    pasid, local, plain = PW1.plain_bytes[:4], bytes.fromhex("8e000000"), PW1.plain_bytes[4:]
    wrong = (pasid + pasid + plain, local + plain, local + pasid + plain, pasid + local + plain)
    await fresh_stream(bench)
    swapped = pasid + W1.wire_bytes  # the IDE prefix must be the first
    for raw in (*wrong, swapped, pasid, pasid + plain[:8], pasid + bytes(4)):
        bench.link.sent.append(raw)
        await bench.expect_silence()
        bench.expect_pulses(aer_malformed=1)
    assert bench.secure(0)
    bench.link.sent.append(pasid + plain)
    await bench.expect_served(pasid + plain, ide=0)
    for raw in (
        PW1.wire_bytes[:4] + pasid + PW1.wire_bytes[4:],
        PW1.wire_bytes[:4] + local + plain,
    ):
        await fresh_stream(bench)
        await refused(bench, raw, aer_malformed=1)


@cocotb.test()
async def truncated_packets_with_a_pasid_hang_nothing(dut: Any) -> None:
    bench = await make(dut)
    witness = Tlp.mem_read(HOST_RID, 0x3000, 64).encode()
    for size in range(4, len(PW1.wire_bytes) + 12, 4):
        await fresh_stream(bench)
        raw = (PW1.wire_bytes + bytes(12))[:size]
        bench.link.sent.append(raw)
        if size == len(PW1.wire_bytes):
            await bench.expect_served(PW1.plain_bytes)
        bench.link.sent.append(witness)
        await bench.expect_served(witness)


@cocotb.test()
async def a_pasid_is_malformed_where_it_is_not_built(dut: Any) -> None:
    bench: IdeBench = await make(dut)
    await fresh_stream(bench)
    bench.link.sent.append(PW1.plain_bytes)
    await bench.expect_silence()
    bench.expect_pulses(aer_malformed=1)
    assert bench.secure(0)
    await refused(bench, PW1.wire_bytes, aer_malformed=1)
    await fresh_stream(bench)
    await bench.source.send(to_bus(PW1.plain_bytes, ide=1, t=1, stream=0))
    assert (await bench.link.next()) == W1.wire_bytes  # none is sent either
