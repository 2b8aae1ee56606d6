# SPDX-License-Identifier: Apache-2.0
"""Which configuration writes end which locked TDIs: the table of register tracking as data."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import Any

from models.app.config_map import ConfigRegister as Reg
from models.tdisp.codes import ErrorCause

ONES = 0xFFFFFFFF
IDE_FIRST_BLOCK = Reg.IDE + 0x0C


class Scope(Enum):
    """Whom a change hits."""

    OWN = 1  # the TDI of the function that is written
    ALL = 2  # every TDI
    SHARED = 3  # every TDI when the physical function is written, else its own
    MSIX = 4  # the TDI of the function when its MSI-X table is locked
    STREAM = 5  # TDIs bound to the stream


@dataclass(frozen=True)
class Rule:
    """Bits of one register whose change (or, with `cleared`, whose clearing) counts."""

    mask: int
    scope: Scope
    cause: ErrorCause
    cleared: bool = False


def rules(num_streams: int) -> dict[int, list[Rule]]:
    """Address -> rules; a register that is not here is free."""
    table: dict[int, list[Rule]] = {
        Reg.COMMAND: [Rule(0x6, Scope.OWN, ErrorCause.COMMAND, cleared=True)],
        Reg.HEADER_TYPE: [Rule(0xFF000000, Scope.OWN, ErrorCause.BAR)],
        Reg.ROM: [Rule(ONES, Scope.OWN, ErrorCause.BAR)],
        Reg.DEVICE_CONTROL: [
            Rule(1 << 8 | 1 << 9 | 1 << 11, Scope.SHARED, ErrorCause.DEVICE_CONTROL)
        ],
        Reg.ARI_CONTROL: [Rule(0xFFFF0000, Scope.SHARED, ErrorCause.DEVICE_CONTROL)],
        Reg.PASID_CONTROL: [Rule(0xFFFF0000, Scope.SHARED, ErrorCause.DEVICE_CONTROL)],
        Reg.PRI_CONTROL: [Rule(0x0000FFFF, Scope.SHARED, ErrorCause.DEVICE_CONTROL)],
        Reg.PRI_ALLOCATION: [Rule(ONES, Scope.SHARED, ErrorCause.DEVICE_CONTROL)],
        Reg.DEVICE_CONTROL_2: [Rule(1 << 12, Scope.SHARED, ErrorCause.DEVICE_CONTROL)],
        Reg.MSIX: [Rule(0xFFFF0000, Scope.MSIX, ErrorCause.MSIX)],
        Reg.TPH_CONTROL: [Rule(ONES, Scope.MSIX, ErrorCause.MSIX)],
        Reg.ATS_CONTROL: [
            Rule(1 << 31, Scope.OWN, ErrorCause.ATS),
            Rule(0x1F << 16, Scope.SHARED, ErrorCause.ATS),
        ],
    }
    for bar in range(Reg.BAR0, Reg.BAR5 + 4, 4):
        table[bar] = [Rule(ONES, Scope.OWN, ErrorCause.BAR)]
    for addr in range(Reg.SRIOV, Reg.SRIOV_MIGRATION + 4, 4):
        table[addr] = [Rule(ONES, Scope.ALL, ErrorCause.SRIOV)]
    for n in range(num_streams):
        for offset in range(0, 0x20, 4):
            if offset != 8:  # Status
                addr = IDE_FIRST_BLOCK + 0x20 * n + offset
                table[addr] = [Rule(ONES, Scope.STREAM, ErrorCause.IDE_REGISTERS)]
    return table


@dataclass(frozen=True)
class Locks:
    """What the TDIs are locked on."""

    streams: tuple[int, ...]  # of each TDI
    msix: int  # bit map
    p2p: tuple[int, ...] = ()  # of each TDI, a bit map of streams bound for peers; none when short
    sdis: bool = False  # all TDIs share the registers of function 0

    def bound(self, tdi: int) -> int:
        """Bit map of all streams that the TDI is bound to."""
        return 1 << self.streams[tdi] | (self.p2p[tdi] if self.p2p else 0)

    def drive(self, dut: Any) -> None:
        """Put the locks on the inputs of the block under test."""
        width = len(dut.tdi_stream) // len(self.streams)
        blocks = len(dut.tdi_p2p) // len(self.streams)
        dut.tdi_stream.value = sum(s << width * n for n, s in enumerate(self.streams))
        dut.tdi_p2p.value = sum(bits << blocks * n for n, bits in enumerate(self.p2p))
        dut.tdi_msix_locked.value = self.msix


def random_locks(rng: random.Random, num_tdi: int, num_streams: int) -> Locks:
    """Default streams and locked MSI-X tables at random; some TDIs have streams for peers."""
    return Locks(
        tuple(rng.randrange(num_streams) for _ in range(num_tdi)),
        rng.getrandbits(num_tdi),
        tuple(rng.getrandbits(num_streams) if rng.random() < 0.2 else 0 for _ in range(num_tdi)),
    )


@dataclass(frozen=True)
class Write:
    """A write as it is announced."""

    func: int
    addr: int
    old: int
    new: int


def targets(rule: Rule, write: Write, locks: Locks) -> set[int]:
    """TDIs that the change hits."""
    everyone = set(range(len(locks.streams)))
    if rule.scope is Scope.ALL or (rule.scope is Scope.SHARED and write.func == 0):
        return everyone
    if rule.scope is Scope.STREAM:
        block = (write.addr - IDE_FIRST_BLOCK) // 0x20
        return {n for n in everyone if locks.bound(n) >> block & 1}
    own = everyone if locks.sdis else {write.func}
    if rule.scope is Scope.MSIX:
        return {n for n in own if locks.msix >> n & 1}
    return own


def expected(table: dict[int, list[Rule]], write: Write, locks: Locks) -> tuple[int, ErrorCause]:
    """Bit map of the TDIs that the write ends, and the cause."""
    hit, cause = 0, ErrorCause.NONE
    for rule in table.get(write.addr, []):
        bits = write.old & ~write.new if rule.cleared else write.old ^ write.new
        if bits & rule.mask:
            cause = rule.cause
            for n in targets(rule, write, locks):
                hit |= 1 << n
    return hit, cause if hit else ErrorCause.NONE
