# SPDX-License-Identifier: Apache-2.0
"""What the tests of the AES-256 cores share."""

from __future__ import annotations

import os
import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

FIPS_KEY = bytes(range(32))
FIPS_PLAIN = bytes.fromhex("00112233445566778899aabbccddeeff")
FIPS_CIPHER = bytes.fromhex("8ea2b7ca516745bfeafc49904b496089")


def encrypt(key: bytes, block: bytes) -> bytes:
    """One AES block."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


async def reset(dut: Any, *inputs: str) -> random.Random:
    """Start the clock, reset, and give the random numbers of the test."""
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    for name in inputs:
        getattr(dut, name).value = 0
    dut.rst.value = 1
    for _ in range(2):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    return random.Random(int(os.environ.get("COCOTB_RANDOM_SEED", "1")))
