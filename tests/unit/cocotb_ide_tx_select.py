# SPDX-License-Identifier: Apache-2.0
"""ide_tx_select: random tables and requests against the association of the model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cocotb
from cocotb.triggers import Timer

from models.ide.select import (
    AddressAssociation,
    Departure,
    Outgoing,
    SelectiveStreamBlock,
    Way,
    depart,
)
from models.pcie.codes import FmtType
from models.pcie.tlp import Tlp
from tests.unit.ide_bench import to_bus

PF_RID = 0x0300
MIB = 1 << 20
TARGETS = (0x0008, 0x0010, 0x0018)
UNTRANSLATED, TRANSLATION_REQUEST, TRANSLATED = range(3)
ROUNDS = 3000


def random_block(rng: random.Random, index: int, default: bool) -> SelectiveStreamBlock:
    """A register block; associations overlap now and then."""
    base, size = rng.randrange(4), rng.choice((1, 2))
    return SelectiveStreamBlock(
        stream_id=1 + index,
        enabled=rng.random() < 0.9,
        tc=rng.choice((0, 0, 0, 1)),
        default_stream=default,
        tee_limited=rng.random() < 0.2,
        rid_base=rng.choice(TARGETS),
        rid_limit=rng.choice(TARGETS),
        rid_valid=rng.random() < 0.8,
        associations=(AddressAssociation(base * MIB, (base + size) * MIB - 1, rng.random() < 0.8),),
    )


def random_request(rng: random.Random, requester: int, at: int) -> Tlp:
    """A request at the edge of a MiB, or a message."""
    address = MIB * rng.randrange(5) + rng.choice((0, MIB - 4))
    address |= rng.choice((0, 0, 1 << 40))
    target = rng.choice(TARGETS).to_bytes(2, "big") + bytes(6)
    tlp = rng.choice(
        (
            Tlp.mem_write(requester, address, b"abcd"),
            Tlp.mem_read(requester, address, 4),
            Tlp.msg(requester, 0x7E, target, FmtType.MSG_ID),
            Tlp.msg(requester, 0x7E, bytes(8), FmtType.MSG_RC),
            Tlp.msg(requester, 0x7E, bytes(8), FmtType.MSG_LOCAL),
        )
    )
    return replace(tlp, tc=rng.choice((0, 0, 0, 1)), at=0 if tlp.is_message else at)


def drive_tables(dut: Any, blocks: Sequence[SelectiveStreamBlock]) -> None:
    """The registers of all blocks."""

    def pack(width: int, values: Sequence[int]) -> int:
        return sum(int(value) << width * n for n, value in enumerate(values))

    dut.enable.value = pack(1, [b.enabled for b in blocks])
    dut.tc.value = pack(3, [b.tc for b in blocks])
    dut.is_default.value = pack(1, [b.default_stream for b in blocks])
    dut.tee_limited.value = pack(1, [b.tee_limited for b in blocks])
    dut.rid_valid.value = pack(1, [b.rid_valid for b in blocks])
    dut.rid_base.value = pack(16, [b.rid_base for b in blocks])
    dut.rid_limit.value = pack(16, [b.rid_limit for b in blocks])
    dut.addr_valid.value = pack(1, [b.associations[0].valid for b in blocks])
    dut.addr_base.value = pack(64, [b.associations[0].base for b in blocks])
    dut.addr_limit.value = pack(64, [b.associations[0].limit for b in blocks])


@cocotb.test()
async def requests_without_a_stream_go_where_the_model_says(dut: Any) -> None:
    rng = random.Random(cocotb.RANDOM_SEED)
    functions, streams = len(dut.ats_enable), len(dut.enable)
    dut.pf_rid.value = PF_RID
    dut.named.value = 0
    dut.named_stream.value = 0
    dut.t.value = 0
    seen: dict[Departure, int] = {}
    for _ in range(ROUNDS):
        defaults = rng.randrange(-1, streams)
        blocks = [random_block(rng, n, n == defaults) for n in range(streams)]
        drive_tables(dut, blocks)
        ats = dut.ats_enable.value = rng.getrandbits(functions)
        # Just outside of the device are two Requester IDs that have no ATS Enable.
        number = rng.choice((-1, 0, functions - 1, functions, rng.randrange(functions)))
        enabled = number >= 0 and bool(ats >> number & 1)
        kinds = (UNTRANSLATED, TRANSLATION_REQUEST, TRANSLATED) if enabled else (0, TRANSLATED)
        tlp = random_request(rng, PF_RID + number, rng.choice(kinds))
        dut.hdr.value = to_bus(tlp.pack()).hdr
        await Timer(1, "ns")
        expected = depart(blocks, Outgoing(tlp, ats_enabled=enabled), [b.stream_id for b in blocks])
        plain = not int(dut.ide.value)
        got = Departure(Way.PLAIN) if plain else Departure(Way.STREAM, 1 + int(dut.stream.value))
        assert not int(dut.drop.value), str(tlp)
        assert got == expected, f"{tlp}, ATS Enable {enabled}, {blocks}"
        seen[got] = seen.get(got, 0) + 1
    assert len(seen) == streams + 1, f"never seen: only {seen}"
