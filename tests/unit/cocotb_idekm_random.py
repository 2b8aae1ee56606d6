# SPDX-License-Identifier: Apache-2.0
"""IDE_KM responder of the block `ide` against the reference responder, object by object."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from models.ide.keys import KeySlot
from models.idekm.codes import ObjectId
from models.idekm.responder import IdeKmResponder, PortIdentity
from tests.unit.ide_bench import PF_RID, IdeBench
from tests.unit.tlp_bench import cycles

OBJECTS = 400
SIZES = {
    ObjectId.QUERY: 3,
    ObjectId.KEY_PROG: 47,
    ObjectId.K_SET_GO: 7,
    ObjectId.K_SET_STOP: 7,
}


class Slots:
    """Key slots of streams that are never enabled."""

    def __init__(self, stream_ids: list[int]) -> None:
        self.owners: dict[int, int | None] = dict.fromkeys(stream_ids)
        self.keys: set[tuple[int, KeySlot]] = set()

    def has_stream(self, stream_id: int) -> bool:
        return stream_id in self.owners

    def owner(self, stream_id: int) -> int | None:
        return self.owners[stream_id]

    def has_key(self, stream_id: int, slot: KeySlot) -> bool:
        return (stream_id, slot) in self.keys

    def in_use(self, stream_id: int, slot: KeySlot) -> bool:
        return False

    def program(self, stream_id: int, slot: KeySlot, key: bytes, session: int) -> None:
        if self.owners[stream_id] is None:
            self.owners[stream_id] = session
        self.keys.add((stream_id, slot))

    def go(self, stream_id: int, slot: KeySlot) -> None:
        assert self.has_key(stream_id, slot)

    def stop(self, stream_id: int, slot: KeySlot) -> None:
        self.keys.discard((stream_id, slot))

    def end(self, session: int) -> None:
        """All that `session` owns goes."""
        for stream_id, owner in self.owners.items():
            if owner == session:
                self.owners[stream_id] = None
                self.keys = {key for key in self.keys if key[0] != stream_id}


def random_object(rng: random.Random, stream_ids: list[int]) -> bytes:
    """An object, most of the time a good one."""
    kind = rng.choice([*SIZES, ObjectId.KEY_PROG, ObjectId.K_SET_GO, *ObjectId])
    stream = rng.choice([*stream_ids * 4, rng.randrange(256)])
    info = rng.choice([0, 1, 2]) << 4 | rng.randrange(4)
    info = rng.choice([*[info] * 6, rng.randrange(256) & 0xF3])
    port = rng.choice([0] * 8 + [1, 255])
    value = rng.choice([b"\1\0\0\0"] * 6 + [b"\0\0\0\0", b"\0\0\0\1", b"\2\0\0\0"])
    high = rng.choice([bytes(4)] * 8 + [b"\1\0\0\0"])
    reserved = rng.randbytes(2) + bytes([stream]) + rng.randbytes(1)
    if kind is ObjectId.QUERY:
        body = bytes([kind, rng.randrange(256), port])
    else:
        body = bytes([kind]) + reserved + bytes([info, port])
    if kind is ObjectId.KEY_PROG:
        body += rng.randbytes(32) + high + value
    if rng.random() < 0.1:
        body = (body + rng.randbytes(3))[: rng.randint(1, len(body) + 3)]
    return body


@cocotb.test()
async def every_answer_is_that_of_the_reference(dut: Any) -> None:
    bench = IdeBench(dut)
    await bench.start()
    ids = [setup.stream_id for setup in bench.setups]
    slots = Slots(ids)
    model = IdeKmResponder(
        slots,
        lambda: PortIdentity(PF_RID),
        lambda: b"".join(word.to_bytes(4, "little") for word in bench.registers),
    )
    answered = 0
    for _ in range(OBJECTS):
        session = bench.rng.randrange(3)
        if bench.rng.random() < 0.05:
            dut.session_end_valid.value = 1
            dut.session_end_idx.value = session
            await cycles(dut, 1)
            dut.session_end_valid.value = 0
            slots.end(session)
        body = random_object(bench.rng, ids)
        got, expected = await bench.idekm(body, session), model.handle(session, body)
        assert got == expected, f"{body.hex()} in session {session}: {got!r}, not {expected!r}"
        answered += got is not None
    assert answered > OBJECTS // 4
