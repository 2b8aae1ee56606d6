# SPDX-License-Identifier: Apache-2.0
"""tdi_monitor: events, non-events, their cause, one cycle later."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from models.app.config_map import ConfigRegister as Reg
from models.tdisp.codes import ErrorCause
from tests.unit.tracking_model import Locks, Write, expected, random_locks, rules

MAX_STREAMS = 8
TABLE = rules(MAX_STREAMS)
FAILURES = (ErrorCause.COMPLETION, ErrorCause.POISONED, ErrorCause.ATS, ErrorCause.DSM_FAULT)


@dataclass(frozen=True)
class Events:
    """What happens in one cycle."""

    locks: Locks
    write: Write | None = None
    flr: int = 0
    rid: int = 0
    insecure: int = 0
    poison: int = 0
    completion: int = 0
    internal: int = 0
    failure: ErrorCause = ErrorCause.COMPLETION  # why `completion` is

    def outcome(self) -> tuple[int, ErrorCause]:
        """TDIs that go to ERROR and the cause of the first source that has any."""
        tdis = len(self.locks.streams)
        everyone = (1 << tdis) - 1
        write_hit, write_cause = (0, ErrorCause.NONE)
        if self.write:
            write_hit, write_cause = expected(TABLE, self.write, self.locks)
        insecure = sum(1 << n for n in range(tdis) if self.insecure & self.locks.bound(n))
        sources = (
            (self.flr, ErrorCause.FLR),
            (everyone if self.rid else 0, ErrorCause.REQUESTER_ID),
            (write_hit, write_cause),
            (insecure, ErrorCause.STREAM_INSECURE),
            (self.poison, ErrorCause.POISONED),
            (self.completion, self.failure),
            (self.internal, ErrorCause.DSM_FAULT),
        )
        hit, cause = 0, ErrorCause.NONE
        for bits, reason in sources:
            if bits and cause is ErrorCause.NONE:
                cause = reason
            hit |= bits
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
    dut.cpl_error_cause.value = events.failure
    dut.internal_error.value = events.internal
    events.locks.drive(dut)


class Sizes:
    """How many there are of what."""

    def __init__(self, dut: Any) -> None:
        self.tdis = len(dut.flr_req)
        self.streams = len(dut.stream_insecure_event)
        self.everyone = (1 << self.tdis) - 1
        spread = tuple(n % self.streams for n in range(self.tdis))
        self.locks = Locks(spread, self.everyone & 0x44, (0,) * self.tdis)

    def on_stream(self, number: int) -> int:
        """TDIs that `locks` binds to a stream."""
        return sum(1 << n for n, stream in enumerate(self.locks.streams) if stream == number)


async def start(dut: Any) -> Sizes:
    cocotb.start_soon(Clock(dut.clk, 4, "ns").start())
    sizes = Sizes(dut)
    dut.cfg_watch_be.value = 0xF
    dut.cfg_watch_data.value = 0
    drive(dut, Events(sizes.locks))
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)
    return sizes


async def check(dut: Any, sequence: list[Events]) -> int:
    """Drive one item a cycle; requests follow by one cycle. Returns how many cycles had one."""
    hits = 0
    seen: Events | None = None  # what the edge before the last one sampled
    for events in [*sequence, Events(sequence[0].locks)]:
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
    sizes = await start(dut)
    locks, rng = sizes.locks, random.Random(1)
    sequence = [Events(locks)]
    sets = range(16) if sizes.tdis <= 4 else [1 << n for n in range(sizes.tdis)]
    for bits in [tdis & sizes.everyone for tdis in sets]:
        sequence += [Events(locks, flr=bits), Events(locks, poison=bits), Events(locks)]
        sequence += [Events(locks, completion=bits, failure=cause) for cause in FAILURES]
        sequence.append(Events(locks, internal=bits))
    for bits in range(1 << sizes.streams):
        sequence.append(Events(locks, insecure=bits))
        for _ in range(3):
            bound = random_locks(rng, sizes.tdis, sizes.streams)
            sequence.append(Events(bound, insecure=bits))
    sequence += [Events(locks, rid=1), Events(locks)]
    assert await check(dut, sequence) > len(sequence) // 3


@cocotb.test()
async def a_stream_ends_the_tdis_that_bound_it_for_peers(dut: Any) -> None:
    sizes = await start(dut)
    if sizes.streams < 2:
        return
    own, peer = (0,) * sizes.tdis, 1 << sizes.streams - 1
    control = Reg.IDE + 0x10 + 0x20 * (sizes.streams - 1)
    for tdi in {0, sizes.tdis // 2, sizes.tdis - 1}:
        p2p = tuple(peer if n == tdi else 0 for n in range(sizes.tdis))
        locks = Locks(own, 0, p2p)
        write = Write(0, control, 1, 0)
        for event in (Events(locks, insecure=peer), Events(locks, write)):
            assert event.outcome()[0] == 1 << tdi
            assert await check(dut, [event]) == 1
        unbound = Locks(own, 0, (0,) * sizes.tdis)
        assert await check(dut, [Events(unbound, insecure=peer), Events(unbound, write)]) == 0


@cocotb.test()
async def writes_that_a_lock_forbids_end_tdis_and_others_do_not(dut: Any) -> None:
    sizes = await start(dut)
    control, everyone = Reg.IDE + 0x10, sizes.everyone
    vf = min(2, sizes.tdis - 1)
    shared = everyone if vf == 0 else 1 << vf
    cases = [
        (Write(0, Reg.COMMAND, 6, 4), 1),
        (Write(vf, Reg.COMMAND, 4, 0), 1 << vf),
        (Write(0, Reg.COMMAND, 0, 0x546), 0),
        (Write(0, Reg.COMMAND, 0x546, 6), 0),
        (Write(0, Reg.HEADER_TYPE, 0, 0xFF), 0),
        (Write(0, Reg.INTERRUPT, 0, 0xFF), 0),
        (Write(0, Reg.BAR1, 0, 1), 1),
        (Write(0, Reg.DEVICE_CONTROL, 0, 0x100), everyone),
        (Write(0, Reg.DEVICE_CONTROL, 0, 0x800), everyone),
        (Write(0, Reg.DEVICE_CONTROL, 0, 0x70FF), 0),
        (Write(0, Reg.DEVICE_CONTROL, 0xE0000, 0), 0),
        (Write(vf, Reg.MSIX, 0, 1 << 31), sizes.locks.msix & 1 << vf),
        (Write(0, Reg.MSIX, 0, 1 << 31), 0),
        (Write(0, Reg.SRIOV_CONTROL, 9, 8), everyone),
        (Write(0, Reg.SRIOV_CONTROL, 9, 0x19), everyone),
        (Write(0, Reg.SRIOV_VF_BAR0, 0xC, 0x400C), everyone),
        (Write(0, control, 1, 0), sizes.on_stream(0)),
        (Write(0, control + 0x24, 2, 0x80000002), 0),
        (Write(0, Reg.ATS_CONTROL, 0, 1 << 31), 1),
        (Write(0, Reg.ATS_CONTROL, 0, 1 << 16), everyone),
        (Write(0, Reg.ARI_CONTROL, 0, 1 << 17), everyone),
        (Write(vf, Reg.ARI_CONTROL, 0, 1 << 17), shared),
        (Write(0, Reg.ARI_CONTROL, 0, 0xFFFF), 0),
        (Write(0, Reg.PASID_CONTROL, 0, 1 << 16), everyone),
        (Write(0, Reg.PASID_CONTROL, 0, 0xFFFF), 0),
        (Write(vf, Reg.PASID_CONTROL, 0, 1 << 16), shared),
        (Write(0, Reg.PRI_CONTROL, 0, 1), everyone),
        (Write(0, Reg.PRI_CONTROL, 0x10000, 0), 0),
        (Write(0, Reg.PRI_ALLOCATION, 0, 1), everyone),
        (Write(0, Reg.PRI_CAPACITY, 0, 1), 0),
        (Write(0, Reg.ACS_CONTROL, 0, 0x4C << 16), 0),
        (Write(0, Reg.PM_CONTROL, 8, 0xB), 0),
        (Write(0, Reg.AER_UNCORRECTABLE_STATUS, 1 << 20, 0), 0),
        (Write(0, Reg.LINK_CONTROL, 0, 3), 0),
        (Write(0, Reg.DOE + 8, 0, 1), 0),
        (Write(0, Reg.VSEC_TDI_SELECT, 0, 1), 0),
    ]
    if sizes.streams > 1:
        cases.append((Write(0, control + 0x20, 1, 0), sizes.on_stream(1)))
    for write, hit in cases:
        assert Events(sizes.locks, write).outcome()[0] == hit, write
    hits = sum(1 for _, hit in cases if hit)
    assert await check(dut, [Events(sizes.locks, write) for write, _ in cases]) == hits


@cocotb.test()
async def of_several_causes_the_first_is_told_and_all_tdis_end(dut: Any) -> None:
    sizes = await start(dut)
    rng = random.Random(3)
    table = sorted(rules(sizes.streams))

    def rare(width: int) -> int:
        return rng.getrandbits(width) if rng.random() < 0.3 else 0

    sequence = []
    for _ in range(3000 if sizes.tdis <= 8 else 600):
        write, tdis = None, sizes.tdis
        if rng.random() < 0.5:
            old = rng.getrandbits(32)
            write = Write(rng.randrange(tdis), rng.choice(table), old, old ^ 1 << rng.randrange(32))
        locks = random_locks(rng, tdis, sizes.streams)
        sequence.append(
            Events(
                locks,
                write,
                flr=rare(tdis),
                rid=rare(1),
                insecure=rare(sizes.streams),
                poison=rare(tdis),
                completion=rare(tdis),
                internal=rare(tdis),
                failure=rng.choice(FAILURES),
            )
            if rng.random() < 0.8
            else Events(locks)
        )
    assert await check(dut, sequence) > len(sequence) // 2


@cocotb.test()
async def reset_drops_a_request(dut: Any) -> None:
    sizes = await start(dut)
    drive(dut, Events(sizes.locks, flr=sizes.everyone, rid=1))
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    drive(dut, Events(sizes.locks))
    await RisingEdge(dut.clk)
    assert int(dut.tdi_error_req.value) == 0 == int(dut.tdi_error_cause.value)
