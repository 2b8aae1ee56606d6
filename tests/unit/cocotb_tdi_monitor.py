# SPDX-License-Identifier: Apache-2.0
"""tdi_monitor: events, non-events, their cause, one cycle later."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from models.tdisp.codes import ErrorCause
from tests.unit.tracking_model import Locks, Write, expected, rules

NUM_TDI, NUM_STREAMS = 4, 3
TABLE = rules(NUM_STREAMS)
LOCKS = Locks((0, 1, 0, 2), 0b0100)


@dataclass(frozen=True)
class Events:
    """What happens in one cycle."""

    write: Write | None = None
    flr: int = 0
    rid: int = 0
    insecure: int = 0
    poison: int = 0
    completion: int = 0
    internal: int = 0
    locks: Locks = field(default=LOCKS)

    def outcome(self) -> tuple[int, ErrorCause]:
        """TDIs that go to ERROR and the cause of the first source that has any."""
        everyone = (1 << NUM_TDI) - 1
        write_hit, write_cause = (0, ErrorCause.NONE)
        if self.write:
            write_hit, write_cause = expected(TABLE, self.write, self.locks)
        insecure = sum(
            1 << n for n, stream in enumerate(self.locks.streams) if self.insecure >> stream & 1
        )
        sources = (
            (self.flr, ErrorCause.FLR),
            (everyone if self.rid else 0, ErrorCause.REQUESTER_ID),
            (write_hit, write_cause),
            (insecure, ErrorCause.STREAM_INSECURE),
            (self.poison, ErrorCause.POISONED),
            (self.completion, ErrorCause.COMPLETION),
            (self.internal, ErrorCause.DSM_FAULT),
        )
        hit, cause = 0, ErrorCause.NONE
        for tdis, reason in sources:
            if tdis and cause is ErrorCause.NONE:
                cause = reason
            hit |= tdis
        return hit, cause


def drive(dut: Any, events: Events) -> None:
    write = events.write
    dut.cfg_watch_valid.value = int(write is not None)
    if write is not None:
        dut.cfg_watch_func.value = write.func
        dut.cfg_watch_addr.value = write.addr >> 2
        dut.cfg_watch_old.value = write.old
        dut.cfg_watch_new.value = write.new
    dut.flr_req.value = events.flr
    dut.rid_change.value = events.rid
    dut.stream_insecure_event.value = events.insecure
    dut.poison_event.value = events.poison
    dut.cpl_error_event.value = events.completion
    dut.internal_error.value = events.internal
    dut.tdi_stream.value = sum(s << 2 * n for n, s in enumerate(events.locks.streams))
    dut.tdi_msix_locked.value = events.locks.msix


async def start(dut: Any) -> None:
    cocotb.start_soon(Clock(dut.clk, 4, "ns").start())
    dut.cfg_watch_be.value = 0xF
    dut.cfg_watch_data.value = 0
    drive(dut, Events())
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)


async def check(dut: Any, sequence: list[Events]) -> int:
    """Drive one item a cycle; requests follow by one cycle. Returns how many cycles had one."""
    hits = 0
    seen: Events | None = None  # what the edge before the last one sampled
    for events in [*sequence, Events()]:
        drive(dut, events)
        await RisingEdge(dut.clk)
        if seen is not None:
            hit, cause = seen.outcome()
            got = (int(dut.tdi_error_req.value), int(dut.tdi_error_cause.value))
            assert got == (hit, cause), f"{seen}: {got}, expected {(hit, cause)}"
            hits += int(hit != 0)
        seen = events
    return hits


@cocotb.test()
async def every_event_ends_its_tdis_and_no_other(dut: Any) -> None:
    await start(dut)
    sequence = [Events()]
    for bits in range(16):
        sequence += [Events(flr=bits), Events(poison=bits), Events(completion=bits), Events()]
        sequence += [Events(internal=bits)]
    for bits in range(8):
        for streams in ((0, 1, 0, 2), (2, 2, 1, 1), (0, 0, 0, 0)):
            sequence.append(Events(insecure=bits, locks=Locks(streams, 0)))
    sequence += [Events(rid=1), Events()]
    assert await check(dut, sequence) > 50


@cocotb.test()
async def writes_that_a_lock_forbids_end_tdis_and_others_do_not(dut: Any) -> None:
    await start(dut)
    control = Reg.IDE + 0x10
    cases = (
        (Write(0, Reg.COMMAND, 6, 4), 0b0001),
        (Write(2, Reg.COMMAND, 4, 0), 0b0100),
        (Write(0, Reg.COMMAND, 0, 0x546), 0),
        (Write(0, Reg.COMMAND, 0x546, 6), 0),
        (Write(0, Reg.BAR1, 0, 1), 0b0001),
        (Write(0, Reg.DEVICE_CONTROL, 0, 0x100), 0b1111),
        (Write(0, Reg.DEVICE_CONTROL, 0, 0x70FF), 0),
        (Write(2, Reg.MSIX, 0, 1 << 31), 0b0100),
        (Write(1, Reg.MSIX, 0, 1 << 31), 0),
        (Write(0, Reg.SRIOV_CONTROL, 9, 8), 0b1111),
        (Write(0, Reg.SRIOV_VF_BAR0, 0xC, 0x400C), 0b1111),
        (Write(0, control, 1, 0), 0b0101),
        (Write(0, control + 0x20, 1, 0), 0b0010),
        (Write(0, control + 0x24, 2, 0x80000002), 0),
        (Write(0, Reg.ATS_CONTROL, 0, 1 << 31), 0b0001),
        (Write(0, Reg.PM_CONTROL, 8, 0xB), 0),
        (Write(0, Reg.AER_UNCORRECTABLE_STATUS, 1 << 20, 0), 0),
        (Write(0, Reg.LINK_CONTROL, 0, 3), 0),
        (Write(0, Reg.DOE + 8, 0, 1), 0),
        (Write(0, Reg.VSEC_TDI_SELECT, 0, 1), 0),
    )
    for write, hit in cases:
        assert Events(write).outcome()[0] == hit, write
    hits = sum(1 for _, hit in cases if hit)
    assert await check(dut, [Events(write) for write, _ in cases]) == hits


@cocotb.test()
async def of_several_causes_the_first_is_told_and_all_tdis_end(dut: Any) -> None:
    await start(dut)
    rng = random.Random(3)

    def rare(width: int) -> int:
        return rng.getrandbits(width) if rng.random() < 0.3 else 0

    sequence = []
    for _ in range(3000):
        write = None
        if rng.random() < 0.5:
            old = rng.getrandbits(32)
            addr = rng.choice(sorted(TABLE))
            write = Write(rng.randrange(4), addr, old, old ^ 1 << rng.randrange(32))
        locks = Locks(tuple(rng.randrange(3) for _ in range(4)), rng.randrange(16))
        sequence.append(
            Events(write, rare(4), rare(1), rare(3), rare(4), rare(4), rare(4), locks)
            if rng.random() < 0.8
            else Events(locks=locks)
        )
    assert await check(dut, sequence) > 1500


@cocotb.test()
async def reset_drops_a_request(dut: Any) -> None:
    await start(dut)
    drive(dut, Events(flr=15, rid=1))
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    drive(dut, Events())
    await RisingEdge(dut.clk)
    assert int(dut.tdi_error_req.value) == 0 == int(dut.tdi_error_cause.value)
