# SPDX-License-Identifier: Apache-2.0
"""Stream pieces of rtl/common: every word once, in order, held while it waits."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

WORDS = 400
PART = 128


async def start(dut: Any) -> random.Random:
    """Clock and reset; the random source of the test."""
    dut.s_valid.value = 0
    dut.m_ready.value = 0
    dut.rst.value = 1
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    return random.Random(cocotb.RANDOM_SEED)


async def drive(dut: Any, rng: random.Random, words: list[dict[str, int]], rate: float) -> None:
    """Offer `words`, each a value for every input signal."""
    for word in words:
        while rng.random() >= rate:
            dut.s_valid.value = 0
            await RisingEdge(dut.clk)
        for name, value in word.items():
            getattr(dut, name).value = value
        dut.s_valid.value = 1
        await RisingEdge(dut.clk)
        while not int(dut.s_ready.value):
            await RisingEdge(dut.clk)
    dut.s_valid.value = 0


async def collect(
    dut: Any, rng: random.Random, expected: deque[Any], rate: float, read: Callable[[], Any]
) -> None:
    """Take `expected` words; what is offered may not change before it is taken."""
    offer = None
    while expected:
        await RisingEdge(dut.clk)
        if int(dut.m_valid.value):
            word = read()
            assert offer in (None, word), "an offer changed"
            offer = word
            if int(dut.m_ready.value):
                assert word == expected.popleft()
                offer = None
        else:
            assert offer is None, "an offer was withdrawn"
        dut.m_ready.value = int(rng.random() < rate)


async def run(
    dut: Any, rng: random.Random, words: list[dict[str, int]], expected: list[Any], read: Any
) -> None:
    """`words` in, `expected` out, at full speed and with gaps on either side."""
    for in_rate, out_rate in ((1.0, 1.0), (1.0, 0.4), (0.4, 1.0), (0.6, 0.6)):
        driver = cocotb.start_soon(drive(dut, rng, words, in_rate))
        await collect(dut, rng, deque(expected), out_rate, read)
        await driver
        dut.m_ready.value = 0
        await RisingEdge(dut.clk)
        await RisingEdge(dut.clk)
        assert not int(dut.m_valid.value), "a word was repeated"


@cocotb.test()
async def words_pass_once_and_in_order(dut: Any) -> None:
    rng = await start(dut)
    values = [rng.getrandbits(len(dut.s_data)) for _ in range(WORDS)]
    words = [{"s_data": value} for value in values]
    await run(dut, rng, words, list(values), lambda: int(dut.m_data.value))


@cocotb.test()
async def a_word_passes_each_cycle(dut: Any) -> None:
    rng = await start(dut)
    dut.m_ready.value = 1
    dut.s_valid.value = 1
    dut.s_data.value = rng.getrandbits(len(dut.s_data))
    for _ in range(4):
        await RisingEdge(dut.clk)
    for _ in range(50):
        await RisingEdge(dut.clk)
        assert int(dut.s_ready.value)
        assert int(dut.m_valid.value)


@cocotb.test()
async def fifo_holds_its_depth(dut: Any) -> None:
    await start(dut)
    depth = int(dut.DEPTH.value)
    dut.s_valid.value = 1
    dut.s_data.value = 1
    taken = 0
    for _ in range(2 * depth + 4):
        await RisingEdge(dut.clk)
        taken += int(dut.s_ready.value)
        assert not (int(dut.empty.value) and int(dut.m_valid.value))
    assert taken == depth


def packets(rng: random.Random, lanes: int) -> list[list[int]]:
    """Packets of DWs."""
    return [
        [rng.getrandbits(32) for _ in range(rng.randint(1, 3 * lanes))] for _ in range(WORDS // 4)
    ]


def beats(packet: list[int], lanes: int) -> list[tuple[int, int, int]]:
    """(data, keep, last) of a packet."""
    result = []
    for start_lane in range(0, len(packet), lanes):
        part = packet[start_lane : start_lane + lanes]
        data = sum(word << 32 * n for n, word in enumerate(part))
        result.append((data, (1 << len(part)) - 1, int(start_lane + lanes >= len(packet))))
    return result


@cocotb.test()
async def beats_are_cut_into_parts(dut: Any) -> None:
    rng = await start(dut)
    lanes = len(dut.s_keep)
    source = packets(rng, lanes)
    words = [
        {"s_data": data, "s_keep": keep, "s_last": last}
        for packet in source
        for data, keep, last in beats(packet, lanes)
    ]
    expected = [(d, last) for packet in source for d, _keep, last in beats(packet, PART // 32)]
    await run(dut, rng, words, expected, lambda: (int(dut.m_data.value), int(dut.m_last.value)))


@cocotb.test()
async def parts_are_put_together(dut: Any) -> None:
    rng = await start(dut)
    lanes = len(dut.m_data) // 32
    source = packets(rng, lanes)
    words = [
        {"s_data": data, "s_last": last}
        for packet in source
        for data, _keep, last in beats(packet, PART // 32)
    ]
    expected = [(d, last) for packet in source for d, _keep, last in beats(packet, lanes)]
    await run(dut, rng, words, expected, lambda: (int(dut.m_data.value), int(dut.m_last.value)))
