# SPDX-License-Identifier: Apache-2.0
"""What Device Control lets requests and completions be: attributes and AtomicOps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.function import Transfer
from models.app.map import Bar0, Control, Register, Status
from models.pcie.codes import FmtType
from models.pcie.rules import split_completions
from models.pcie.tlp import Tlp
from tb.scoreboard.timeline import RACE_NS
from tests.models.scoreboard_world import HOST, VF, VF_BAR0, Bench
from tests.plan import covers

DATA = bytes(range(1, 65))
BUFFER = 0x8000_0000
ORDERED = 0b100


def bench_with(**fields: int) -> Bench:
    bench = Bench()
    for number in (0, 1):
        bench.change_view(number, **fields)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    return bench


def send_write(bench: Bench, attr: int) -> None:
    tlp = Tlp.mem_write(VF, BUFFER, DATA)
    bench.from_device(replace(tlp, attr=attr))


@covers("TDISP-TRK-004")
@pytest.mark.parametrize("attr", range(8))
def test_a_request_has_no_attribute_that_is_not_asked_for_and_enabled(attr: int) -> None:
    for asked in (0, 5, 7):
        for enabled in (0, 3, 7):
            bench = bench_with(attributes=enabled)
            control = Control.WRITE_HOST | Control(asked << 3)
            bench.start(VF_BAR0, BUFFER, len(DATA), control)
            send_write(bench, attr)
            bench.finish()
            right = not attr & ~(asked & enabled)
            assert bench.found() == (set() if right else {"TDISP-TRK-004"})


@covers("TDISP-TRK-004")
def test_a_request_that_was_made_before_its_attribute_was_cleared_is_accepted() -> None:
    for late, found in ((0.0, set()), (100 * RACE_NS, {"TDISP-TRK-004"})):
        bench = bench_with(attributes=7)
        bench.start(VF_BAR0, BUFFER, len(DATA), Control.WRITE_HOST | Control.NO_SNOOP)
        before = bench.world.views[1]
        bench.change_view(1, attributes=0)
        bench.link.outbound.enables_cleared(before, bench.now)
        bench.now += late
        send_write(bench, 1)
        assert bench.found() == found


@covers("TDISP-MMIO-006")
@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize("attr", [0, ORDERED])
def test_a_completion_is_ordered_by_id_only_where_that_is_enabled(attr: int, enabled: bool) -> None:
    bench = bench_with(ordered_completions=enabled)
    request = Tlp.mem_read(HOST, VF_BAR0 + Bar0.MEMORY, 64, tag=1)
    bench.to_device(replace(request, attr=ORDERED))
    answer = split_completions(VF, request, DATA)[0]
    bench.from_device(replace(answer, attr=attr))
    bench.finish()
    assert bench.found() == (set() if enabled or not attr else {"TDISP-MMIO-006"})


# ---------------------------------------------------------------------- Processing Hints

HINTED = Control.HINT | Control.HINT_HIGH  # 2


def hinted(control: Control, **fields: object) -> Tlp:
    """The request of a transfer, with a hint and no Steering Tag but for `fields`."""
    write = bool(control & Control.WRITE_HOST)
    tlp = Tlp.mem_write(VF, BUFFER, DATA) if write else Tlp.mem_read(VF, BUFFER, len(DATA), 3)
    tlp = tlp if write else replace(tlp, first_be=0, last_be=0)
    return replace(tlp, **{"th": True, "ph": 2, **fields})  # type: ignore[arg-type]


@covers("TDISP-DMA-007")
@pytest.mark.parametrize("kind", [Control(0), Control.WRITE_HOST])
def test_a_hint_is_that_of_its_transfer_and_without_steering_tag(kind: Control) -> None:
    tag = {"tag": 5} if kind else {"last_be": 1}
    cases: list[tuple[Control, bool, dict[str, int], bool]] = [
        (HINTED, True, {}, True),
        (HINTED, False, {}, False),
        (Control(0), True, {}, False),
        (HINTED, True, {"ph": 1}, False),
        (HINTED, True, tag, False),
    ]
    for asked, enabled, fields, right in cases:
        bench = bench_with(hints=enabled)
        bench.start(VF_BAR0, BUFFER, len(DATA), kind | asked)
        bench.from_device(hinted(kind, **fields))
        assert bench.found() == (set() if right else {"TDISP-DMA-007"}), f"{asked!r}, {fields}"


@covers("TDISP-DMA-004")
def test_a_read_with_a_hint_brings_all_of_its_bytes() -> None:
    bench = bench_with(hints=True)
    bench.start(VF_BAR0, BUFFER, len(DATA), HINTED)
    request = hinted(Control(0))
    bench.from_device(request)
    bench.to_device(split_completions(HOST, request, DATA[::-1])[0])
    check = bench.read(VF_BAR0 + Bar0.MEMORY, length=len(DATA))
    bench.from_device(split_completions(VF, check, DATA[::-1])[0])
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-DMA-007", "TDISP-FSM-019")
def test_a_transfer_may_fail_when_its_hint_is_not_enabled_any_more() -> None:
    for asked, fails in ((HINTED, True), (Control(0), False)):
        bench = bench_with(hints=True)
        bench.start(VF_BAR0, BUFFER, len(DATA), Control.WRITE_HOST | asked)
        bench.link.shadows[1].may_lose_hint(bench.now)
        request = bench.read(VF_BAR0 + Bar0.REGISTERS + Register.STATUS)
        failed = int(Status.DONE | Status.ERROR).to_bytes(4, "little")
        bench.from_device(split_completions(VF, request, failed)[0])
        assert (bench.found() == set()) is fails


# ---------------------------------------------------------------------- AtomicOps

KINDS = {
    Control.FETCH_ADD: FmtType.FETCH_ADD32,
    Control.SWAP: FmtType.SWAP32,
    Control.CAS: FmtType.CAS32,
}


def operation(kind: Control, size: int = 8) -> Tlp:
    """As a right device sends it."""
    operands = Transfer(False, BUFFER, 0, size, None, kind).operands
    return Tlp(
        KINDS[kind],
        length=operands // 4,
        requester_id=VF,
        tag=3,
        first_be=0xF,
        last_be=0xF if operands > 4 else 0,
        address=BUFFER,
        payload=DATA[:operands],
    )


def started(kind: Control, size: int = 8) -> Bench:
    bench = bench_with(atomics=True)
    bench.start(VF_BAR0, BUFFER, size, kind | Control.WRITE_HOST)
    return bench


@covers("TDISP-DMA-002", "TDISP-DMA-004")
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_what_an_atomic_op_brings_replaces_its_first_operand(kind: Control, size: int) -> None:
    bench = started(kind, size)
    request = operation(kind, size)
    bench.from_device(request)
    old = bytes(range(200, 200 + size))
    bench.to_device(split_completions(HOST, request, old)[0])
    check = bench.read(VF_BAR0 + Bar0.MEMORY, length=16)
    bench.from_device(split_completions(VF, check, old + DATA[size:16])[0])
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-DMA-004", "TDISP-DMA-007", "TDISP-TRK-004")
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_atomic_ops_are_found(kind: Control) -> None:
    right = operation(kind)
    other = next(each for each in KINDS if each != kind)
    for wrong, requirement in (
        (replace(right, payload=bytes(len(right.payload))), "TDISP-DMA-004"),
        (replace(right, address=BUFFER + 16), "TDISP-DMA-007"),
        (replace(right, fmt_type=KINDS[other]), "TDISP-DMA-007"),
        (Tlp.mem_write(VF, BUFFER, DATA[:8]), "TDISP-DMA-007"),
        (operation(kind, 4), "TDISP-DMA-007"),
    ):
        bench = started(kind)
        bench.from_device(wrong)
        assert {requirement, "TDISP-MMIO-009"} & bench.found(), wrong
    bench = started(kind)
    bench.change_view(1, atomics=False)
    bench.from_device(right)
    assert bench.found() == {"TDISP-TRK-004"}


@covers("TDISP-DMA-002")
def test_an_atomic_op_that_is_never_sent_is_missed_only_where_it_may_be_sent() -> None:
    for enabled in (True, False):
        bench = bench_with(atomics=enabled)
        bench.start(VF_BAR0, BUFFER, 8, Control.SWAP)
        bench.finish()
        assert bench.found() == ({"TDISP-DMA-002"} if enabled else set())
