# SPDX-License-Identifier: Apache-2.0
"""aes256_iter against `cryptography` and FIPS-197."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from tests.unit.aes_bench import FIPS_CIPHER, FIPS_KEY, FIPS_PLAIN, encrypt, reset

CYCLES = 15


@cocotb.test()
async def equals_the_cipher_and_forgets(dut: Any) -> None:
    rng = await reset(dut, "start", "key", "block")
    cases = [(FIPS_KEY, FIPS_PLAIN, FIPS_CIPHER)]
    for _ in range(100):
        key, block = rng.randbytes(32), rng.randbytes(16)
        cases.append((key, block, encrypt(key, block)))
    for key, block, cipher in cases:
        dut.key.value = int.from_bytes(key, "big")
        dut.block.value = int.from_bytes(block, "big")
        dut.start.value = 1
        await RisingEdge(dut.clk)
        assert dut.ready.value == 1
        dut.start.value = 0
        dut.key.value = rng.getrandbits(256)
        dut.block.value = rng.getrandbits(128)
        for _ in range(CYCLES - 1):
            await RisingEdge(dut.clk)
            assert dut.done.value == 0
            assert dut.ready.value == 0
            assert int(dut.result.value) == 0
        await RisingEdge(dut.clk)
        assert dut.done.value == 1
        assert int(dut.result.value).to_bytes(16, "big") == cipher
        await RisingEdge(dut.clk)
        assert dut.done.value == 0
        assert int(dut.planes_q.value) == 0
        assert int(dut.window_q.value) == 0
