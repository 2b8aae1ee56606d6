# SPDX-License-Identifier: Apache-2.0
"""lock_watch against the table of register tracking, bit by bit."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import Timer

from models.app.config_map import ConfigRegister as Reg
from tests.unit.tracking_model import ONES, Locks, Write, expected, rules

NUM_TDI, NUM_STREAMS = 4, 3
LOCKS = (
    Locks((0, 1, 0, 2), 0b0000),
    Locks((2, 2, 2, 2), 0b1111),
    Locks((1, 0, 2, 1), 0b0101),
)


class Driver:
    """Applies a write and compares; counts hits and misses."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.table = rules(NUM_STREAMS)
        self.hits = self.misses = 0

    def set_locks(self, locks: Locks) -> None:
        self.locks = locks
        self.dut.tdi_msix_locked.value = locks.msix
        self.dut.tdi_stream.value = sum(s << 2 * n for n, s in enumerate(locks.streams))

    async def check(self, write: Write, valid: int = 1) -> None:
        dut = self.dut
        dut.watch_valid.value = valid
        dut.watch_func.value = write.func
        dut.watch_addr.value = write.addr >> 2
        dut.watch_old.value = write.old
        dut.watch_new.value = write.new
        await Timer(1, "ns")
        hit, cause = expected(self.table, write, self.locks)
        got = int(dut.hit.value)
        assert got == (hit if valid else 0), f"{write} {self.locks}: {got:04b}, {hit:04b}"
        if got:
            assert int(dut.cause.value) == cause, write
            self.hits += 1
        else:
            self.misses += 1


@cocotb.test()
async def every_bit_of_every_register_hits_exactly_whom_it_should(dut: Any) -> None:
    driver = Driver(dut)
    rng = random.Random(1)
    driver.set_locks(LOCKS[0])
    for addr, func, bit in product(range(0, 0x300, 4), range(NUM_TDI), range(32)):
        if bit == 0:
            driver.set_locks(rng.choice(LOCKS))
        old = rng.getrandbits(32)
        await driver.check(Write(func, addr, old, old ^ 1 << bit))
    assert driver.hits > 4000
    assert driver.misses > 10000


@cocotb.test()
async def a_value_that_stays_hits_nobody(dut: Any) -> None:
    driver = Driver(dut)
    for locks, addr, func in product(LOCKS, range(0, 0x1000, 4), range(NUM_TDI)):
        driver.set_locks(locks)
        await driver.check(Write(func, addr, 0xA5A55A5A, 0xA5A55A5A))
        assert driver.hits == 0
    await driver.check(Write(0, Reg.COMMAND, 6, 0), valid=0)
    await driver.check(Write(0, Reg.SRIOV_CONTROL, 1, 0), valid=0)
    assert driver.hits == 0


@cocotb.test()
async def random_writes_hit_exactly_whom_they_should(dut: Any) -> None:
    driver = Driver(dut)
    rng = random.Random(2)
    tracked = sorted(driver.table)
    for _ in range(6000):
        driver.set_locks(Locks(tuple(rng.randrange(3) for _ in range(4)), rng.randrange(16)))
        addr = rng.choice(tracked) if rng.random() < 0.7 else rng.randrange(0, 0x1000, 4)
        old = rng.getrandbits(32)
        new = old ^ (rng.getrandbits(32) & rng.getrandbits(32) & rng.getrandbits(32))
        await driver.check(Write(rng.randrange(4), addr, old, new))
    await driver.check(Write(0, Reg.BAR0, 0xC, ONES & ~0xFFF))
    assert min(driver.hits, driver.misses) > 800
