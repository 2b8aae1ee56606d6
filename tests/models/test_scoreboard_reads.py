# SPDX-License-Identifier: Apache-2.0
"""The link checker on reads that nobody answers, and on requests that cross a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.map import PAGE, Bar0, Control, Register, Status
from models.pcie.codes import CplStatus
from models.pcie.rules import Limits, failed_completion, split_completions
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.scoreboard.timeline import RACE_NS
from tb.scoreboard.world import PLAIN, Route
from tests.models.scoreboard_world import HOST, SECURED, TIMEOUT_NS, VF, VF_BAR0, Bench
from tests.plan import covers

BUFFER = 0x8000_0000
DATA = bytes(range(1, 65))
FAILED = int(Status.DONE | Status.ERROR).to_bytes(4, "little")
MEMORY = VF_BAR0 + Bar0.MEMORY
STATUS = VF_BAR0 + Bar0.REGISTERS + Register.STATUS


def waiting_read() -> tuple[Bench, Tlp]:
    """A legacy VM's transfer from the host, whose only read waits for its completion."""
    bench = Bench()
    bench.start(VF_BAR0, BUFFER, len(DATA), Control(0))
    request = Tlp.mem_read(VF, BUFFER, len(DATA), 5)
    bench.from_device(request)
    return bench, request


def look(bench: Bench, address: int, shown: bytes) -> None:
    """The host reads and gets `shown`."""
    request = bench.read(address, length=len(shown))
    bench.from_device(split_completions(VF, request, shown)[0])


def pass_time(bench: Bench, share: float) -> None:
    """A share of the completion time-out passes."""
    bench.now += share * TIMEOUT_NS
    bench.link.advance(bench.now)


@covers("TDISP-FSM-019")
def test_a_legacy_transfer_may_fail_by_a_time_out() -> None:
    bench, _ = waiting_read()
    pass_time(bench, 1.2)
    look(bench, STATUS, FAILED)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-FSM-019")
def test_a_legacy_transfer_that_fails_before_its_time_out_is_found() -> None:
    bench, _ = waiting_read()
    pass_time(bench, 0.5)
    look(bench, STATUS, FAILED)
    assert bench.found()


@covers("TDISP-DMA-005")
@pytest.mark.parametrize(("shown", "right"), [(bytes(64), True), (DATA, False)])
def test_a_completion_after_the_time_out_must_have_no_effect(shown: bytes, right: bool) -> None:
    bench, request = waiting_read()
    pass_time(bench, 1.2)
    for completion in split_completions(HOST, request, DATA):
        bench.to_device(completion)
    look(bench, MEMORY, shown)
    assert (bench.found() == set()) is right


def across(bench: Bench, write: bytes = b"") -> Tlp:
    """A request over the border between the public page and the memory page."""
    bench.tag += 1
    tlp = Tlp.mem_read(HOST, MEMORY - 8, 16, bench.tag)
    if write:
        tlp = Tlp.mem_write(HOST, MEMORY - 8, write)
    bench.now += 100
    bench.link.to_device(bench.now, tlp.pack())
    return tlp


@covers("TDISP-MMIO-014")
def test_a_read_across_a_page_may_be_dropped_refused_or_served() -> None:
    assert MEMORY % PAGE == 0
    dropped = Bench()
    across(dropped)
    refused = Bench()
    refused.from_device(failed_completion(VF, across(refused), CplStatus.UR))
    served = Bench()
    served.from_device(split_completions(VF, across(served), bytes(16))[0])
    for bench in (dropped, refused, served):
        bench.finish()
        assert bench.found() == set()


@covers("TDISP-MMIO-014")
def test_a_read_across_a_page_shows_no_other_data() -> None:
    bench = Bench()
    bench.from_device(split_completions(VF, across(bench), DATA[:16])[0])
    assert bench.found()


@covers("TDISP-MMIO-014")
@pytest.mark.parametrize("effect", [False, True])
def test_a_write_across_a_page_has_its_effect_or_none(effect: bool) -> None:
    bench = Bench()
    across(bench, DATA[:16])
    look(bench, MEMORY, DATA[8:16] if effect else bytes(8))
    assert bench.found() == set()


def parts(bench: Bench, shown: bytes, route: Route) -> Tlp:
    """A read in RUN whose first Completion has come, and the refusal of the rest."""
    bench.state(TdiState.RUN)
    for start in range(0, 256, len(DATA)):
        bench.write(MEMORY + start, DATA, SECURED)
    request = bench.read(MEMORY, route, length=256)
    first, second = split_completions(VF, request, shown, Limits(rcb=128, max_payload=128))
    bench.from_device(first, route)
    bench.now += 10 * RACE_NS
    refusal = failed_completion(VF, request, CplStatus.UR)
    count, lower = second.byte_count, second.lower_address
    return replace(refusal, byte_count=count, lower_address=lower)


@covers("TDISP-MMIO-007", "TDISP-FSM-017")
@pytest.mark.parametrize("change", [True, False])
def test_the_rest_of_a_read_is_refused_only_after_a_change_of_state(change: bool) -> None:
    bench = Bench()
    refusal = parts(bench, 4 * DATA, SECURED)
    if change:
        bench.state(TdiState.ERROR)
    bench.from_device(refusal, SECURED)
    bench.finish()
    assert (bench.found() == set()) is change


@covers("TDISP-MMIO-001", "TDISP-MMIO-002", "TDISP-MMIO-007")
def test_a_read_that_ends_early_has_shown_what_it_may_show() -> None:
    cases = [
        (4 * DATA, SECURED, set()),
        (bytes(128) + 2 * DATA, SECURED, {"TDISP-MMIO-001", "TDISP-ZERO-001"}),
        (4 * DATA, PLAIN, {"TDISP-MMIO-002"}),
    ]
    for shown, route, found in cases:
        bench = Bench()
        refusal = parts(bench, shown, route)
        bench.state(TdiState.ERROR)
        bench.from_device(refusal, route)
        bench.finish()
        assert bench.found() == found, f"{shown.hex()} by {route}"


@covers("TDISP-MMIO-002", "TDISP-MMIO-007")
def test_a_refused_read_that_is_not_answered_to_its_end_has_shown_nothing() -> None:
    bench = Bench()
    parts(bench, 4 * DATA, PLAIN)
    bench.finish()
    assert bench.found()
