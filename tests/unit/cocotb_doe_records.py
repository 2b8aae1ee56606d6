# SPDX-License-Identifier: Apache-2.0
"""doe_spdm against the reference: records sound and broken, lengths, sessions, the key port."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from typing import Any

import cocotb

from models.doe.codes import ObjectType
from models.doe.objects import DiscoveryRequest
from models.spdm.carrier import wrap
from models.spdm.key_port import Direction, KeyOperation
from models.spdm.record import LENGTH, RecordKeys
from tb.adapter import KeyWrite
from tests.unit.record_bench import LONGEST, Party, RecordBench, make, rot_echo, with_length

SEED = int(os.environ.get("COCOTB_RANDOM_SEED") or "1")
LIMIT = {"timeout_time": 40, "timeout_unit": "ms"}
HEADER = 6  # bytes of session id and length
TAG = 16
# docs/spec, secured DOE objects: keys, then request and answer as DOE objects
REQUEST_KEY = "848d206a0b0b9ebf2c2db70e5a447cb8c6ceae51db25ae2e59bfc3739b693b2f"
REQUEST_IV = "159f1e766c1428b698751f0f"
RESPONSE_KEY = "e75693cf32a2af8c16a445e050873d9dc4c7f6921350016ebd3377456d260950"
RESPONSE_IV = "ba1ca8e08bba9941343bd883"
VECTOR_SESSION = 0x00020001
VECTOR_REQUESTS = (
    "01000200 0f000000 01000200 2e002560 fee42154 a89b4464 5188936a 04591961 176a26e5 61d25f4f"
    "077bb6b3 7e7a9bda 19dd13ce 7699e4b1 4e7cd671",
    "01000200 0f000000 01000200 2e00f5b1 4c1ea56e b29416c2 0f1046ba 6e5f8413 ee8ffaa7 ab242084"
    "3901d7f4 2e719760 1c440f6c 1d5e071e 167ed2aa",
)
VECTOR_ANSWER = (
    "01000200 10000000 01000200 3000d1d9 db8cf871 2608adc7 7b578ab6 90820a65 ddfa1d92 35bd0dd6"
    "18c34a5b 74f7a10f c9204b5c b59ee5c0 70dfce72 9e440000"
)
VECTOR_RESPONSE = "10010000 00010000 00000000 00000000 0110"  # behind the protocol id
VECTOR_PLAIN = (
    ("01000000 03000000 00000000", "01000000 03000000 01000001"),
    ("01000100 03000000 10840000", "01000100 04000000 10040000 00010012"),
)


def always(answer: bytes | None) -> Callable[[bytes], bytes | None]:
    """Whoever is asked says this."""
    return lambda _: answer


@cocotb.test(**LIMIT)
async def vectors_are_met_to_the_byte(dut: Any) -> None:
    bench = await make(dut, SEED)
    pairs = ((REQUEST_KEY, REQUEST_IV), (RESPONSE_KEY, RESPONSE_IV))
    keys = [RecordKeys(bytes.fromhex(key), bytes.fromhex(iv)) for key, iv in pairs]
    await bench.load(
        KeyWrite(0, VECTOR_SESSION, way, True, False, keys[way].key, keys[way].iv)
        for way in Direction
    )
    bench.reference.responders_answer = always(bytes.fromhex(VECTOR_RESPONSE))
    first, second = map(bytes.fromhex, VECTOR_REQUESTS)
    assert await bench.send(first, "sequence 0") == bytes.fromhex(VECTOR_ANSWER)
    assert await bench.send(second, "sequence 1")
    bench.reference.rot_answer = always(bytes.fromhex("10040000 00010012"))
    for request, answer in VECTOR_PLAIN:
        assert await bench.send(bytes.fromhex(request), "plain") == bytes.fromhex(answer)


@cocotb.test(**LIMIT)
async def every_length_up_to_the_mailbox_is_served(dut: Any) -> None:
    bench = await make(dut, SEED)
    party = await bench.session()
    sizes = [*range(40), *range(60, 68), 127, 128, 129, 1023, LONGEST - 1, LONGEST]
    for size in sizes:
        await bench.record(party.seal(bench.message(size)), f"{size} bytes")
    for size in (1, 2, 3, 4, 5, 8, 11, 12, 13, 14, 16, 100, 1001):
        await bench.send(wrap(ObjectType.SPDM, bench.message(size)), f"{size} bytes, plain")


@cocotb.test(**LIMIT)
async def every_altered_byte_ends_the_session(dut: Any) -> None:
    """Every byte of header, cipher text and tag; padding does not count."""
    bench = await make(dut, SEED)
    for tail in range(4):
        size = 21 + tail
        length = HEADER + LENGTH.size + size + TAG
        party = await bench.session()
        for place in range(length + -length % 4):
            record = bytearray(party.seal(bench.message(size)))
            record += bytes(-length % 4)
            record[place] ^= 1 << bench.rng.randrange(8)
            await bench.record(bytes(record), f"byte {place} of {length}")
            if place < 4:
                await bench.record(party.forge(bytes(4)), "end it: its number is used up", [])
            if party.session_id not in bench.reference.slots:
                party = await bench.session()


@cocotb.test(**LIMIT)
async def every_bit_of_a_tag_counts(dut: Any) -> None:
    bench = await make(dut, SEED)
    for bit in range(0, 8 * TAG, 3):
        party = await bench.session()
        record = bytearray(party.seal(bench.message(16)))
        record[-1 - bit // 8] ^= 1 << bit % 8
        await bench.record(bytes(record), f"bit {bit}")
        assert party.session_id not in bench.reference.slots


@cocotb.test(**LIMIT)
async def a_number_is_good_once_and_in_order(dut: Any) -> None:
    """Replayed, skipped and swapped records, in either of two sessions, whose turns alternate."""
    bench = await make(dut, SEED)
    for way in ("again", "skipped", "older", "other"):
        parties = [await bench.session(), await bench.session()]
        sent = []
        for turn in range(6):
            sent.append(parties[turn % 2].seal(bench.message(bench.rng.randrange(1, 60))))
            await bench.record(sent[-1], f"turn {turn}")
        wrong = {
            "again": sent[-1],
            "skipped": parties[1].forge(with_length(bytes(4)), skip=1),
            "older": sent[1],
            "other": sent[0][:4] + parties[1].seal(bench.message(8))[4:],
        }[way]
        await bench.record(wrong, way)
        victim = parties[0 if way == "other" else 1]
        assert victim.session_id not in bench.reference.slots, way
        survivor = parties[1 if way == "other" else 0]
        if way != "other":
            await bench.record(survivor.seal(bench.message(30)), f"the other session after {way}")
        await bench.record(victim.seal(bench.message(30)), f"the dead one after {way}")
        await bench.load([survivor.end()])


@cocotb.test(**LIMIT)
async def lengths_that_lie_end_the_session(dut: Any) -> None:
    """Length field of the record, application length under a true tag, words too few or many."""
    bench = await make(dut, SEED)
    for claimed in (0, 1, 15, 16, 17, 18, 30, 37, 39, 40, 44, 60, 4608 + 15, 4608 + 16, 0xFFFF):
        party = await bench.session()
        record = party.forge(with_length(bytes(20)), length=claimed)
        await bench.record(record, f"length field {claimed}")
    for size, claimed in product((1, 4, 20), (0, 1, 3, 4, 5, 19, 21, 22, 0x8000, 0xFFFF)):
        party = await bench.session()
        await bench.record(
            party.forge(LENGTH.pack(claimed) + bytes([0x12, 0xE0, *range(18)])[:size]),
            f"application length {claimed} of {size}",
        )
        if party.session_id in bench.reference.slots:
            assert claimed == size
            await bench.load([party.end()])
    for plain in (b"", b"\0"):
        party = await bench.session()
        await bench.record(party.forge(plain), f"plain text of {len(plain)} bytes")
    for more in (4, 8, 64):
        party = await bench.session()
        await bench.record(party.seal(bench.message(18)) + bytes(more), f"{more} bytes more")
    for size in range(4, 64, 4):
        party = await bench.session()
        await bench.record(party.seal(bench.message(40))[:size], f"cut to {size} bytes")
        assert party.session_id not in bench.reference.slots


@cocotb.test(**LIMIT)
async def padding_is_ignored(dut: Any) -> None:
    """DW padding of any value; random padding within the record is not (SEC-REC-006)."""
    bench = await make(dut, SEED)
    party = await bench.session()
    for size in range(1, 9):
        record = party.seal(bench.message(size))
        padding = bench.rng.randbytes(-len(record) % 4)
        await bench.record(record + padding, f"padding {padding.hex()}")
    assert party.session_id in bench.reference.slots
    await bench.record(party.forge(with_length(b"\x12\xe0\0\0") + bytes(7)), "random padding")
    assert party.session_id not in bench.reference.slots


@cocotb.test(**LIMIT)
async def framing_decides_who_is_asked(dut: Any) -> None:
    """Each field of a vendor message, in plain, before FINISH and after it."""
    bench = await make(dut, SEED)
    good = bytes.fromhex("12fe0000 0300 02 0100 0900 01") + bytes(8)
    changes = [(0, 0), *((place, bit) for place in range(12) for bit in range(8))]
    parties = [await bench.session(application=False), await bench.session()]
    for place, bit in changes:
        message = bytearray(good)
        message[place] ^= 1 << bit if place else 0
        for version in (0x12,) if place else (0x10, 0x11, 0x12, 0x13, 0x14, 0xFF):
            message[0] = version
            what = f"byte {place} bit {bit} version {version:02x}"
            await bench.send(wrap(ObjectType.SPDM, bytes(message)), f"plain, {what}")
            for party in parties:
                await bench.record(party.seal(bytes(message)), f"session, {what}")
    for size in range(1, 13):
        await bench.record(parties[1].seal(good[:size]), f"{size} bytes of it")


@cocotb.test(**LIMIT)
async def objects_that_are_none_of_ours_vanish(dut: Any) -> None:
    bench = await make(dut, SEED)
    party = await bench.session()
    for kind, vendor in product((0, 1, 2, 3, 4, 5, 0x80, 0xFF), (0, 1, 2, 0x101, 0xFFFF)):
        if kind < 3 and vendor == 1:
            continue
        words = bench.rng.randrange(1, 6)
        raw = vendor.to_bytes(2, "little") + bytes([kind, 0, words + 2, 0, 0, 0])
        assert await bench.send(raw + bytes(4 * words), f"type {kind}, vendor {vendor}") is None
    for kind in range(3):
        await bench.send(bytes([1, 0, kind, 0, 2, 0, 0, 0]), f"type {kind} without content")
    discovery = DiscoveryRequest(0).encode()
    await bench.send(discovery[:4] + bytes([4, 0, 0, 0]) + discovery[8:] + bytes(4), "4 DW")
    for index in range(256):
        await bench.send(DiscoveryRequest(index).encode(), f"index {index}")
    await bench.record(party.seal(bench.message(33)), "a good one")


@cocotb.test(**LIMIT)
async def the_key_port_misused_harms_only_its_own(dut: Any) -> None:
    """Full table, unknown sessions, one key of two, keys loaded twice."""
    bench = await make(dut, SEED)
    parties = [await bench.session() for _ in range(4)]
    extra = Party(bench.rng.getrandbits(32))
    await bench.load(extra.loads(bench.rng))
    await bench.record(extra.seal(bench.message(20)), "a fifth session")
    await bench.load([KeyWrite(KeyOperation.END_SESSION, extra.session_id)])
    await bench.record(parties[0].seal(bench.message(20)), "an unknown session was ended")
    await bench.load(parties[1].loads(bench.rng))
    await bench.record(parties[1].seal(bench.message(20)), "keys loaded again")
    await bench.load([parties[2].end(), parties[3].end()])
    for way in Direction:
        half = Party(bench.rng.getrandbits(32))
        await bench.load(half.loads(bench.rng, [way]))
        half.loads(bench.rng, [Direction(1 - way)])
        await bench.record(half.seal(bench.message(20)), f"{way.name} key only")
    for party in parties[:2]:
        await bench.record(party.seal(bench.message(20)), "an honest session")


@cocotb.test(**LIMIT)
async def keys_change_with_the_answer(dut: Any) -> None:
    """Writes of the root of trust while it answers, at once and deferred, in either session."""
    bench = await make(dut, SEED)
    own, other = await bench.session(application=False), await bench.session()
    rng = bench.rng
    ask = b"\x12\xe5\0\0" + bytes(8)
    record = own.seal(ask)
    await bench.record(record, "FINISH", own.loads(rng, deferred=True))
    await bench.record(own.seal(bench.message(20)), "first under application keys")
    record = own.seal(ask)
    await bench.record(record, "other session updated", other.loads(rng))
    await bench.record(other.seal(bench.message(20)), "under its new keys")
    record = own.seal(ask)
    late = Party(rng.getrandbits(32))
    await bench.record(record, "a new session", late.loads(rng, deferred=True))
    await bench.record(late.seal(bench.message(20)), "the new session")
    ends = [
        KeyWrite(KeyOperation.END_SESSION, party.session_id, deferred=True)
        for party in (own, late, other)
    ]
    await bench.record(own.seal(ask), "three ends deferred", ends)
    for party in (own, late, other):
        await bench.record(party.seal(bench.message(20)), "after three ends")
    assert not bench.reference.slots


@cocotb.test(**LIMIT)
async def a_session_that_ends_under_way_gets_no_answer(dut: Any) -> None:
    """END_SESSION and END_ALL at once while the root of trust has the message, slots used again."""
    bench = await make(dut, SEED)
    rng = bench.rng
    ask = b"\x12\xec\0\0"
    for number in range(4):
        parties = [await bench.session() for _ in range(number + 1)]
        own = parties[rng.randrange(len(parties))]
        heir = Party(rng.getrandbits(32))
        end_all = KeyWrite(KeyOperation.END_ALL, 0)
        ends = {
            0: [own.end()],
            1: [own.end(), *heir.loads(rng)],
            2: [end_all],
            3: [end_all, *heir.loads(rng)],
        }[number]
        assert await bench.record(own.seal(ask), f"case {number}", ends) is None
        await bench.record(own.seal(ask), f"case {number}, the ended one")
        if number % 2:
            await bench.record(heir.seal(bench.message(20)), f"case {number}, the heir")
        await bench.send(wrap(ObjectType.SPDM, ask), f"case {number}, all gone", [end_all])
        assert not bench.reference.slots


@cocotb.test(**LIMIT)
async def objects_too_long_for_the_room_do_nothing(dut: Any) -> None:
    """Longer than the mailbox is; a record of that length is refused as any broken one."""
    bench = await make(dut, SEED)
    party = await bench.session()
    assert await bench.exchange(wrap(ObjectType.SPDM, bytes(4608))) is None
    assert not bench.said
    await bench.record(party.seal(bench.message(40)), "the next one")
    await bench.record(party.forge(LENGTH.pack(1) + bytes(4608)), "a record that is too long")
    assert party.session_id not in bench.reference.slots


@cocotb.test(**LIMIT)
async def an_answer_without_a_byte_is_none(dut: Any) -> None:
    bench = await make(dut, SEED)
    party = await bench.session()
    ask = b"\x12\xe0\0\0"
    for answer in (None, b""):
        bench.reference.rot_answer = always(answer)
        await bench.record(party.seal(ask), "silence")
        await bench.send(wrap(ObjectType.SPDM, ask), "silence, plain")
    bench.reference.rot_answer = rot_echo
    await bench.record(party.seal(ask), "an answer")


async def random_step(bench: RecordBench, parties: list[Party]) -> None:
    """Something sound or something broken, of any session."""
    rng = bench.rng
    party = rng.choice(parties)
    size = rng.choice((rng.randrange(0, 80), rng.randrange(0, 80), rng.randrange(300)))
    chance = rng.random()
    if chance < 0.1:
        await bench.send(wrap(ObjectType.SPDM, bench.message(max(1, size))), "plain")
        return
    record = bytearray(party.seal(bench.message(size)))
    if chance < 0.2:
        record[rng.randrange(len(record))] ^= 1 << rng.randrange(8)
    elif chance < 0.25:
        record = record[: 4 * rng.randrange(1, len(record) // 4)]
    await bench.record(bytes(record), f"record of {size} bytes, {chance:.2f}")


@cocotb.test(**LIMIT)
async def random_records_under_back_pressure(dut: Any) -> None:
    """Four sessions in turns while every port pauses; dead ones are replaced, old ones rekeyed."""
    bench = await make(dut, SEED)
    parties = [await bench.session() for _ in range(4)]
    bench.back_pressure(0.3)
    for _ in range(150):
        await random_step(bench, parties)
        for n, party in enumerate(parties):
            if party.session_id not in bench.reference.slots:
                parties[n] = await bench.session()
            elif bench.rng.random() < 0.05:
                await bench.load(party.loads(bench.rng))
