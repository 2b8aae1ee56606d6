# SPDX-License-Identifier: Apache-2.0
"""aes256_pipe and aes256_key_expand against `cryptography` and FIPS-197."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from tests.unit.aes_bench import FIPS_CIPHER, FIPS_KEY, FIPS_PLAIN, encrypt, reset
from tests.unit.aes_zero import zero_key_cipher

SCHEDULE_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
SCHEDULE_LAST = bytes.fromhex("fe4890d1e6188d0b046df344706c631e")  # w56 to w59
NUM_CTX = 4
PIPE_CYCLES = 16


async def reset_pipe(dut: Any) -> random.Random:
    rng = await reset(dut, "key_start", "rk_clear", "in_valid")
    for ctx in range(NUM_CTX):
        await clear(dut, ctx)
    return rng


async def clear(dut: Any, ctx: int) -> None:
    dut.key_ctx.value = ctx
    dut.rk_clear.value = 1
    await RisingEdge(dut.clk)
    dut.rk_clear.value = 0


async def load(dut: Any, ctx: int, key: bytes) -> list[bytes]:
    """Expand `key` into a context; the round keys in the order they were written."""
    dut.key_ctx.value = ctx
    dut.key.value = int.from_bytes(key, "big")
    dut.key_start.value = 1
    await RisingEdge(dut.clk)
    dut.key_start.value = 0
    dut.key.value = 0
    written: list[bytes] = []
    for _ in range(20):
        await RisingEdge(dut.clk)
        if dut.rk_we.value == 1:
            assert int(dut.rk_round.value) == len(written)
            written.append(int(dut.rk_data.value).to_bytes(16, "big"))
            assert dut.key_busy.value == 1
            if dut.key_done.value == 1:
                break
    await RisingEdge(dut.clk)
    assert dut.key_busy.value == 0
    assert int(dut.rk_data.value) == 0, "round key visible after the expansion"
    return written


async def push(dut: Any, expected: list[tuple[int, bytes, bytes]], gap: float, seed: int) -> None:
    """Send (context, block, cipher) triples; compare each answer and its delay."""
    rng = random.Random(seed)
    todo, waiting, cycle = deque(enumerate(expected)), deque[tuple[int, int, bytes]](), 0
    while todo or waiting:
        dut.in_valid.value = 0
        if todo and rng.random() >= gap:
            user, (ctx, block, cipher) = todo.popleft()
            dut.in_valid.value = 1
            dut.in_ctx.value = ctx
            dut.in_user.value = user & 0xFFFF
            dut.in_block.value = int.from_bytes(block, "big")
            waiting.append((cycle, user & 0xFFFF, cipher))
        await RisingEdge(dut.clk)
        if dut.out_valid.value == 1:
            sent, user, cipher = waiting.popleft()
            assert cycle - sent == PIPE_CYCLES
            assert int(dut.out_user.value) == user
            assert int(dut.out_block.value).to_bytes(16, "big") == cipher
        else:
            assert int(dut.out_block.value) == 0, "an empty stage holds a value"
            assert not waiting or cycle - waiting[0][0] < PIPE_CYCLES
        cycle += 1


@cocotb.test()
async def gives_the_fips_197_cipher(dut: Any) -> None:
    await reset_pipe(dut)
    await load(dut, 1, FIPS_KEY)
    await push(dut, [(1, FIPS_PLAIN, FIPS_CIPHER)], 0.0, 1)


@cocotb.test()
async def key_expansion_gives_the_fips_197_schedule(dut: Any) -> None:
    await reset_pipe(dut)
    written = await load(dut, 0, SCHEDULE_KEY)
    assert len(written) == 15
    assert b"".join(written[:2]) == SCHEDULE_KEY
    assert written[14] == SCHEDULE_LAST


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.5])
async def changes_keys_from_block_to_block(dut: Any, gap: float) -> None:
    rng = await reset_pipe(dut)
    keys = [rng.randbytes(32) for _ in range(NUM_CTX)]
    for ctx, key in enumerate(keys):
        await load(dut, ctx, key)
    expected = []
    for _ in range(400):
        ctx, block = rng.randrange(NUM_CTX), rng.randbytes(16)
        expected.append((ctx, block, encrypt(keys[ctx], block)))
    await push(dut, expected, gap, rng.getrandbits(32))


@cocotb.test()
async def replaces_and_clears_one_context_only(dut: Any) -> None:
    rng = await reset_pipe(dut)
    keys = [rng.randbytes(32) for _ in range(NUM_CTX)]
    for ctx, key in enumerate(keys):
        await load(dut, ctx, key)
    keys[2] = rng.randbytes(32)
    await load(dut, 2, keys[2])
    await clear(dut, 1)
    expected = []
    for _ in range(40):
        ctx, block = rng.randrange(NUM_CTX), rng.randbytes(16)
        cipher = zero_key_cipher(block) if ctx == 1 else encrypt(keys[ctx], block)
        expected.append((ctx, block, cipher))
    await push(dut, expected, 0.0, 1)


@cocotb.test()
async def reset_drops_blocks_under_way(dut: Any) -> None:
    await reset_pipe(dut)
    await load(dut, 0, FIPS_KEY)
    dut.in_ctx.value = 0
    dut.in_valid.value = 1
    for _ in range(12):
        await RisingEdge(dut.clk)
    dut.in_valid.value = 0
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    for _ in range(30):
        await RisingEdge(dut.clk)
        assert dut.out_valid.value == 0
        assert int(dut.out_block.value) == 0
