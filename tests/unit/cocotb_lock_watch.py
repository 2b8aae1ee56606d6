# SPDX-License-Identifier: Apache-2.0
"""lock_watch against the table of register tracking, bit by bit."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import Timer

from models.app.config_map import ConfigRegister as Reg
from tests.unit.tracking_model import ONES, Locks, Write, expected, random_locks, rules

SDIS = bool(os.environ.get("SDIS"))  # all TDIs are SDIs of one function, or it


class Driver:
    """Applies a write and compares; counts hits and misses."""

    def __init__(self, dut: Any, seed: int) -> None:
        self.dut = dut
        self.rng = random.Random(seed)
        self.num_tdi = len(dut.hit)
        self.num_streams = len(dut.tdi_p2p) // self.num_tdi
        self.table = rules(self.num_streams)
        self.hits = self.misses = 0
        self.set_locks(random_locks(self.rng, self.num_tdi, self.num_streams))

    def functions(self) -> list[int]:
        """The physical one, the first, the last and one between."""
        last = 0 if SDIS else self.num_tdi - 1
        return sorted({0, min(1, last), last // 2, last})

    def set_locks(self, locks: Locks) -> None:
        self.locks = replace(locks, sdis=SDIS)
        locks.drive(self.dut)

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
        assert got == (hit if valid else 0), f"{write} {self.locks}: {got:b}, {hit:b}"
        if got:
            assert int(dut.cause.value) == cause, write
            self.hits += 1
        else:
            self.misses += 1


@cocotb.test()
async def every_bit_of_every_register_hits_exactly_whom_it_should(dut: Any) -> None:
    driver = Driver(dut, 1)
    functions = driver.functions()
    for addr, func, bit in product(range(0, 0x320, 4), functions, range(32)):
        if bit == 0:
            locks = random_locks(driver.rng, driver.num_tdi, driver.num_streams)
            driver.set_locks(locks)
        old = driver.rng.getrandbits(32)
        await driver.check(Write(func, addr, old, old ^ 1 << bit))
    assert driver.hits > 900 * len(functions)
    assert driver.misses > 2500 * len(functions)


@cocotb.test()
async def a_value_that_stays_hits_nobody(dut: Any) -> None:
    driver = Driver(dut, 2)
    for addr, func in product(range(0, 0x1000, 4), driver.functions()):
        await driver.check(Write(func, addr, 0xA5A55A5A, 0xA5A55A5A))
        assert driver.hits == 0
    await driver.check(Write(0, Reg.COMMAND, 6, 0), valid=0)
    await driver.check(Write(0, Reg.SRIOV_CONTROL, 1, 0), valid=0)
    await driver.check(Write(0, Reg.IDE + 0x10, 1, 0), valid=0)
    assert driver.hits == 0


@cocotb.test()
async def random_writes_hit_exactly_whom_they_should(dut: Any) -> None:
    driver = Driver(dut, 3)
    rng = driver.rng
    tracked = sorted(driver.table)
    rounds = 6000 if driver.num_tdi <= 8 else 1500
    for _ in range(rounds):
        driver.set_locks(random_locks(rng, driver.num_tdi, driver.num_streams))
        addr = rng.choice(tracked) if rng.random() < 0.7 else rng.randrange(0, 0x1000, 4)
        old = rng.getrandbits(32)
        new = old ^ (rng.getrandbits(32) & rng.getrandbits(32) & rng.getrandbits(32))
        func = 0 if SDIS else rng.randrange(driver.num_tdi)
        await driver.check(Write(func, addr, old, new))
    await driver.check(Write(0, Reg.BAR0, 0xC, ONES & ~0xFFF))
    assert min(driver.hits, driver.misses) > rounds // 8
