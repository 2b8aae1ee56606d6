# SPDX-License-Identifier: Apache-2.0
"""ghash and ghash_serial: field rules, and GHASH as `cryptography` computes it."""

from __future__ import annotations

import os
import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.unit.aes_bench import encrypt

ONE = 1 << 127  # x^0
X = 1 << 126
H = int("26d1e553d854a88986d756d83932dffe", 16)
H_SQUARED = int("85be28f347d0a82faff6abba42908081", 16)


def known_hash(rng: random.Random, count: int) -> tuple[int, list[int], int]:
    """H, blocks and their GHASH, taken from the tag of a GCM without payload."""
    key, iv, aad = rng.randbytes(32), rng.randbytes(12), rng.randbytes(16 * count)
    tag = AESGCM(key).encrypt(iv, b"", aad)
    mask = encrypt(key, iv + b"\0\0\0\1")
    blocks = [int.from_bytes(aad[i : i + 16], "big") for i in range(0, len(aad), 16)]
    blocks.append(8 * len(aad) << 64)
    expected = int.from_bytes(tag, "big") ^ int.from_bytes(mask, "big")
    return int.from_bytes(encrypt(key, bytes(16)), "big"), blocks, expected


class Hash:
    """The accumulator under test; the serial one has more ports."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.serial = hasattr(dut, "block_ready")
        self.rng = random.Random(int(os.environ.get("COCOTB_RANDOM_SEED", "1")))

    async def reset(self) -> Hash:
        cocotb.start_soon(Clock(self.dut.clk, 10, "ns").start())
        self.dut.block_valid.value = 0
        self.dut.init.value = 0
        if self.serial:
            self.dut.clear.value = 0
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        return self

    async def compute(self, h: int, blocks: list[int]) -> int:
        """GHASH of `blocks`, back to back."""
        self.dut.h.value = h
        for number, block in enumerate(blocks):
            self.dut.init.value = int(number == 0)
            self.dut.block.value = block
            self.dut.block_valid.value = 1
            await RisingEdge(self.dut.clk)
            while self.serial and self.dut.block_ready.value == 0:
                await RisingEdge(self.dut.clk)
        self.dut.block_valid.value = 0
        self.dut.init.value = 0
        await RisingEdge(self.dut.clk)
        while self.serial and self.dut.block_ready.value == 0:
            await RisingEdge(self.dut.clk)
        return int(self.dut.acc.value)


@cocotb.test()
async def one_is_neutral_and_x_shifts(dut: Any) -> None:
    bench = await Hash(dut).reset()
    for bit in range(128):
        assert await bench.compute(ONE, [1 << bit]) == 1 << bit
        shifted = 1 << (bit - 1) if bit else 0xE1 << 120
        assert await bench.compute(X, [1 << bit]) == shifted
    assert await bench.compute(0, [(1 << 128) - 1]) == 0


@cocotb.test()
async def published_square_of_h(dut: Any) -> None:
    bench = await Hash(dut).reset()
    assert await bench.compute(H, [H]) == H_SQUARED


@cocotb.test()
async def every_product_of_two_bits(dut: Any) -> None:
    """x^i x^j depends on i + j only, and grows by one multiplication with x."""
    bench = await Hash(dut).reset()
    powers = [ONE]
    for _ in range(254):
        last = powers[-1]
        powers.append(last >> 1 ^ (0xE1 << 120 if last & 1 else 0))
    pairs = [(i, j) for i in (0, 1, 31, 32, 63, 64, 95, 96, 127) for j in range(128)]
    for i, j in pairs:
        assert await bench.compute(powers[i], [powers[j]]) == powers[i + j], (i, j)


@cocotb.test()
async def equals_the_library(dut: Any) -> None:
    bench = await Hash(dut).reset()
    for _ in range(60):
        h, blocks, expected = known_hash(bench.rng, bench.rng.randint(0, 12))
        assert await bench.compute(h, blocks) == expected


@cocotb.test()
async def forgets_when_told(dut: Any) -> None:
    bench = await Hash(dut).reset()
    for name in ("clear" if bench.serial else "init", "rst"):
        assert await bench.compute(H, [H, ONE]) != 0
        getattr(dut, name).value = 1
        await RisingEdge(dut.clk)
        getattr(dut, name).value = 0
        await RisingEdge(dut.clk)
        assert int(dut.acc.value) == 0
