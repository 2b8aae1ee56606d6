# SPDX-License-Identifier: Apache-2.0
"""The link checker accepts what a right device sends and finds each kind of wrong TLP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.map import ID_VALUE, Bar0, Bar2, Control, Register, Status
from models.ide.errors import InsecureCause
from models.ide.messages import fail_message
from models.pcie.codes import CplStatus, FmtType
from models.pcie.rules import failed_completion, split_completions
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from tb.scoreboard.states import LAG_NS
from tb.scoreboard.timeline import RACE_NS
from tb.scoreboard.world import PLAIN, Route
from tests.models.scoreboard_world import (
    BAR0,
    HOST,
    PF,
    SECURED,
    STREAM,
    VF,
    VF_BAR0,
    VF_BAR2,
    Bench,
)
from tests.plan import covers

U, L, R, E = TdiState
DATA = bytes(range(1, 65))
BUFFER = 0x8000_0000


def answer(request: Tlp, data: bytes, completer: int = VF) -> Tlp:
    return split_completions(completer, request, data)[0]


def refusal(request: Tlp, completer: int = VF) -> Tlp:
    return failed_completion(completer, request, CplStatus.UR)


# ---------------------------------------------------------------------- inbound


@covers("TDISP-MMIO-015")
def test_a_legacy_read_that_is_answered_rightly_is_accepted() -> None:
    bench = Bench()
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    request = bench.read(VF_BAR0 + Bar0.MEMORY, length=64)
    bench.from_device(answer(request, DATA))
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-MMIO-001")
def test_wrong_data_is_found() -> None:
    bench = Bench()
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    request = bench.read(VF_BAR0 + Bar0.MEMORY, length=64)
    bench.from_device(answer(request, DATA[:60] + b"\xff" * 4))
    assert "TDISP-ZERO-001" in bench.found()


@covers("TDISP-MMIO-001")
def test_a_missing_completion_is_found() -> None:
    bench = Bench()
    bench.read(VF_BAR0)
    bench.finish()
    assert bench.found() == {"TDISP-MMIO-001"}


@covers("TDISP-MMIO-001")
def test_a_refusal_of_what_must_be_served_is_found() -> None:
    bench = Bench()
    bench.state(R)
    bench.from_device(refusal(bench.read(VF_BAR0, SECURED)), SECURED)
    assert "TDISP-MMIO-001" in bench.found()


@covers("TDISP-MMIO-001", "TDISP-MMIO-006")
def test_trusted_access_in_run_is_accepted() -> None:
    bench = Bench()
    bench.state(R)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA, SECURED)
    request = bench.read(VF_BAR0 + Bar0.MEMORY, SECURED, 64)
    bench.from_device(answer(request, DATA), SECURED)
    bench.finish()
    assert bench.found() == set()


@pytest.mark.parametrize("state", [L, R, E])
@covers("TDISP-MMIO-002")
def test_plain_access_to_tee_memory_that_is_served_is_found(state: TdiState) -> None:
    bench = Bench()
    bench.state(state)
    request = bench.read(VF_BAR0)
    bench.from_device(answer(request, ID_VALUE.to_bytes(4, "little")))
    assert "TDISP-MMIO-002" in bench.found()


@pytest.mark.parametrize("state", [U, L, E])
@covers("TDISP-MMIO-003")
def test_trusted_access_outside_run_that_is_served_is_found(state: TdiState) -> None:
    bench = Bench()
    bench.state(state)
    request = bench.read(VF_BAR0, SECURED)
    bench.from_device(answer(request, ID_VALUE.to_bytes(4, "little")), SECURED)
    assert "TDISP-MMIO-003" in bench.found()


ONE_DW = Tlp.mem_read(HOST, VF_BAR0 + Bar0.MEMORY, 4, 7)


@pytest.mark.parametrize(
    "read",
    [replace(ONE_DW, last_be=0b0110), replace(ONE_DW, first_be=0, last_be=0, length=2)],
    ids=["last byte enables", "no byte enables"],
)
@covers("TDISP-MMIO-009", "TDISP-MMIO-002")
def test_a_form_that_no_receiver_has_to_check_opens_nothing(read: Tlp) -> None:
    bench = Bench()
    bench.state(R)
    data = bytes(4 * read.length)
    bench.from_device(answer(bench.to_device(read, SECURED), data), SECURED)
    assert bench.found() == set()
    bench.from_device(refusal(bench.to_device(read)))
    assert bench.found() == set()
    bench.from_device(answer(bench.to_device(read), data))
    assert "TDISP-MMIO-002" in bench.found()


@pytest.mark.parametrize(
    "read",
    [replace(ONE_DW, fmt_type=FmtType.MRDLK64), replace(ONE_DW, at=1), replace(ONE_DW, at=3)],
    ids=["locked", "Translation Request", "reserved AT"],
)
@covers("TDISP-MMIO-007")
def test_a_read_that_no_function_serves_is_found_when_it_is_served(read: Tlp) -> None:
    bench = Bench()
    bench.from_device(refusal(bench.to_device(read)))
    assert bench.found() == set()
    bench.from_device(answer(bench.to_device(read), bytes(4)))
    assert "TDISP-MMIO-007" in bench.found()


@covers("TDISP-MMIO-007")
def test_a_rejected_read_may_be_refused_or_dropped() -> None:
    bench = Bench()
    bench.state(R)
    bench.from_device(refusal(bench.read(VF_BAR0)))
    bench.read(VF_BAR0)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-MMIO-007")
def test_a_rejected_write_that_takes_effect_is_found() -> None:
    bench = Bench()
    bench.state(R)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    request = bench.read(VF_BAR0 + Bar0.MEMORY, SECURED, 64)
    bench.from_device(answer(request, DATA), SECURED)
    assert "TDISP-ZERO-001" in bench.found()


@covers("TDISP-MMIO-006")
def test_a_completion_with_another_t_is_found() -> None:
    bench = Bench()
    bench.state(R)
    request = bench.read(VF_BAR0, SECURED)
    bench.from_device(answer(request, ID_VALUE.to_bytes(4, "little")), Route(STREAM, False))
    assert "TDISP-MMIO-006" in bench.found()


@covers("IDE-SEL-002")
def test_a_completion_in_clear_of_a_protected_request_is_found() -> None:
    bench = Bench()
    bench.state(R)
    request = bench.read(VF_BAR0, SECURED)
    bench.from_device(answer(request, ID_VALUE.to_bytes(4, "little")), PLAIN)
    assert "IDE-SEL-002" in bench.found()


@covers("TDISP-MMIO-007")
def test_a_completion_for_no_request_is_found() -> None:
    bench = Bench()
    request = Tlp.mem_read(HOST, VF_BAR0, 4, 77)
    bench.from_device(answer(request, bytes(4)))
    assert "TDISP-MMIO-007" in bench.found()


@covers("TDISP-MMIO-006")
def test_a_wrong_byte_count_is_found() -> None:
    bench = Bench()
    request = bench.read(VF_BAR0)
    good = answer(request, ID_VALUE.to_bytes(4, "little"))
    bench.from_device(replace(good, byte_count=8))
    assert "TDISP-MMIO-006" in bench.found()


@covers("TDISP-START-006")
def test_a_read_that_races_with_a_change_of_state_is_tolerated_and_counted() -> None:
    bench = Bench()
    bench.state(R)
    request = bench.read(VF_BAR0, SECURED)
    bench.world.tracks[1].reference.change(bench.now + 50, E)
    bench.from_device(refusal(request), SECURED)
    assert bench.found() == set()
    assert bench.world.findings.tolerances.total() == 1


@covers("TDISP-FSM-016")
def test_after_the_race_the_old_state_counts_no_more() -> None:
    bench = Bench()
    bench.state(R)
    bench.world.tracks[1].reference.change(bench.now, E)
    bench.world.tracks[1].device.change(bench.now, E)
    bench.now += 2 * RACE_NS
    request = bench.read(VF_BAR0, SECURED)
    bench.from_device(answer(request, ID_VALUE.to_bytes(4, "little")), SECURED)
    assert "TDISP-MMIO-003" in bench.found()


@covers("TDISP-FSM-009")
def test_a_poisoned_write_that_would_be_served_is_an_error_without_effect() -> None:
    bench = Bench()
    bench.state(R)
    write = replace(Tlp.mem_write(HOST, VF_BAR0 + Bar0.MEMORY, DATA), ep=True)
    bench.to_device(write, SECURED)
    request = bench.read(VF_BAR0 + Bar0.MEMORY, SECURED, 64)
    bench.from_device(answer(request, bytes(64)), SECURED)
    assert bench.found() == set()
    assert bench.world.events == [(1, ErrorCause.POISONED)]


@covers("TDISP-MMIO-009")
def test_a_payload_beyond_the_largest_is_malformed_and_has_no_effect() -> None:
    bench = Bench()
    bench.world.findings.expect_error("Malformed TLP")
    largest = bench.world.limits().max_received
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    bench.to_device(Tlp.mem_write(HOST, VF_BAR0 + Bar0.MEMORY, bytes(largest + 4)))
    request = bench.read(VF_BAR0 + Bar0.MEMORY, length=64)
    bench.from_device(answer(request, DATA))
    assert bench.found() == set()
    assert bench.world.findings.unmet() == []


@covers("TDISP-FSM-002")
def test_configuration_requests_are_successful_for_functions_that_exist_only() -> None:
    bench = Bench()
    request = bench.to_device(Tlp.cfg_read(HOST, VF, 0, tag=9))
    bench.from_device(answer(request, bytes(4)))
    absent = bench.to_device(Tlp.cfg_read(HOST, PF + 5, 0, tag=10))
    bench.from_device(refusal(absent, PF + 5))
    assert bench.found() == set()
    locked = bench.to_device(Tlp.cfg_write(HOST, PF, 4, 0, tag=11))
    bench.from_device(refusal(locked, PF))
    assert "TDISP-FSM-002" in bench.found()


# ---------------------------------------------------------------------- outbound


def dma_write(address: int, data: bytes, rid: int = VF) -> Tlp:
    return Tlp.mem_write(rid, address, data)


def run_with_memory(state: TdiState = R, control: Control = Control.WRITE_HOST) -> Bench:
    """A TDI in `state` with 64 bytes in memory and a transfer of them under way."""
    bench = Bench()
    if state is R:
        bench.state(R)
    route = SECURED if state is R else None
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA, route)
    bench.start(VF_BAR0, BUFFER, 64, control, route)
    return bench


@covers("TDISP-DMA-002", "TDISP-DMA-003")
def test_a_transfer_to_the_host_on_the_bound_stream_is_accepted() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER, DATA[:32]), SECURED)
    bench.from_device(dma_write(BUFFER + 32, DATA[32:]), SECURED)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-DMA-002", "TDISP-DMA-009")
def test_a_byte_in_clear_from_a_tdi_in_run_is_found() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER, DATA), PLAIN)
    assert {"TDISP-DMA-002", "TDISP-DMA-009"} <= bench.found()


@covers("TDISP-DMA-002")
def test_t_0_on_the_stream_from_a_tdi_in_run_is_found() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER, DATA), Route(STREAM, False))
    assert "TDISP-DMA-002" in bench.found()


@covers("TDISP-DMA-008")
def test_a_transfer_in_config_unlocked_is_plain() -> None:
    bench = run_with_memory(U)
    bench.from_device(dma_write(BUFFER, DATA))
    assert bench.found() == set()
    other = run_with_memory(U)
    other.from_device(dma_write(BUFFER, DATA), SECURED)
    assert "TDISP-DMA-008" in other.found()


@pytest.mark.parametrize("state", [L, E])
@covers("TDISP-DMA-001")
def test_dma_of_a_tdi_that_may_not_send_is_found(state: TdiState) -> None:
    bench = run_with_memory()
    bench.state(state)
    bench.from_device(dma_write(BUFFER, DATA), SECURED)
    assert "TDISP-DMA-001" in bench.found()


@covers("TDISP-DMA-007")
def test_a_foreign_requester_id_is_found() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER, DATA, rid=PF), SECURED)
    assert "TDISP-DMA-007" in bench.found()


@covers("TDISP-FSM-017")
def test_a_request_that_software_did_not_start_is_found() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER + 4096, DATA), SECURED)
    assert "TDISP-FSM-017" in bench.found()


@covers("TDISP-DMA-004")
def test_wrong_data_to_the_host_is_found() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER, bytes(64)), SECURED)
    assert "TDISP-DMA-004" in bench.found()


@covers("TDISP-DMA-002")
def test_a_transfer_that_stops_half_way_is_found() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER, DATA[:32]), SECURED)
    bench.finish()
    assert "TDISP-DMA-002" in bench.found()


@covers("TDISP-TRK-002")
def test_a_request_without_bus_master_enable_is_found() -> None:
    bench = run_with_memory(U)
    bench.change_view(1, bus_master=False)
    bench.from_device(dma_write(BUFFER, DATA))
    assert "TDISP-TRK-002" in bench.found()


def interrupt_after_lock(*, in_run: bool) -> Bench:
    """An entry that the legacy owner has written, LOCK, RUN; a transfer ends with an interrupt."""
    bench = Bench()
    bench.interrupts_on(VF_BAR2, BUFFER, 0x51)
    bench.world.locked_msix = True
    bench.link.shadows[1].take_table(bench.now)
    bench.state(R)
    if in_run:
        bench.interrupts_on(VF_BAR2, BUFFER, 0x51, SECURED)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA, SECURED)
    bench.start(VF_BAR0, BUFFER + 4096, 64, Control.WRITE_HOST | Control.INTERRUPT, SECURED)
    bench.from_device(dma_write(BUFFER + 4096, DATA), SECURED)
    bench.from_device(dma_write(BUFFER, (0x51).to_bytes(4, "little")), SECURED)
    return bench


@covers("TDISP-INT-004")
def test_an_interrupt_by_an_entry_from_before_the_lock_is_found() -> None:
    assert "TDISP-FSM-017" in interrupt_after_lock(in_run=False).found()
    assert interrupt_after_lock(in_run=True).found() == set()


@covers("TDISP-INT-004")
def test_a_table_that_a_lock_has_taken_may_keep_what_it_shows() -> None:
    for shown in (0x51, 0):
        bench = Bench()
        bench.interrupts_on(VF_BAR2, BUFFER, 0x51)
        bench.link.shadows[1].take_table(bench.now)
        bench.world.locked_msix = True
        bench.state(R)
        request = bench.read(VF_BAR2 + Bar2.MSIX_TABLE + 24, SECURED)
        bench.from_device(answer(request, shown.to_bytes(4, "little")), SECURED)
        assert bench.found() == set(), shown


@covers("TDISP-DMA-004")
def test_data_that_the_device_reads_reaches_its_memory() -> None:
    bench = run_with_memory(control=Control(0))
    request = Tlp.mem_read(VF, BUFFER, 64, 5)
    bench.from_device(request, SECURED)
    fresh = bytes(reversed(DATA))
    for completion in split_completions(HOST, request, fresh):
        bench.to_device(completion, SECURED)
    check = bench.read(VF_BAR0 + Bar0.MEMORY, SECURED, 64)
    bench.from_device(answer(check, fresh), SECURED)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-DMA-004")
def test_a_late_completion_that_is_consumed_is_found() -> None:
    bench = run_with_memory(control=Control(0))
    request = Tlp.mem_read(VF, BUFFER, 64, 5)
    bench.from_device(request, SECURED)
    bench.state(E)
    bench.link.shadows[1].abort(bench.now)
    bench.state(U)
    bench.link.shadows[1].scrub(bench.now)
    for completion in split_completions(HOST, request, DATA):
        bench.to_device(completion, SECURED)
    check = bench.read(VF_BAR0 + Bar0.MEMORY, length=64)
    bench.from_device(answer(check, DATA))
    assert "TDISP-ZERO-001" in bench.found()


@covers("TDISP-FSM-010")
def test_a_failed_completion_is_an_error_of_the_tdi() -> None:
    bench = run_with_memory(control=Control(0))
    request = Tlp.mem_read(VF, BUFFER, 64, 5)
    bench.from_device(request, SECURED)
    bench.to_device(failed_completion(HOST, request, CplStatus.CA), SECURED)
    assert bench.world.events == [(1, ErrorCause.COMPLETION)]


@covers("TDISP-FSM-010")
def test_a_completion_timeout_explains_an_error() -> None:
    bench = run_with_memory(control=Control(0))
    bench.from_device(Tlp.mem_read(VF, BUFFER, 64, 5), SECURED)
    assert not bench.link.own_reads.error_seen(1, bench.now + 1000)
    assert bench.link.own_reads.error_seen(1, bench.now + 399_000)
    assert bench.world.events == [(1, ErrorCause.COMPLETION)]


@covers("TDISP-INT-002")
def test_interrupts_go_out_as_the_lock_of_the_table_says() -> None:
    for locked, route, good in (
        (True, SECURED, True),
        (True, PLAIN, False),
        (False, PLAIN, True),
        (False, SECURED, False),
    ):
        bench = Bench()
        bench.state(R)
        bench.world.locked_msix = locked
        table = SECURED if locked else None
        bench.interrupts_on(VF_BAR2, 0xFEE0_0000, 0x55, table)
        bench.write(VF_BAR0 + Bar0.MEMORY, DATA, SECURED)
        bench.start(VF_BAR0, BUFFER, 64, Control.WRITE_HOST | Control.INTERRUPT, SECURED)
        bench.from_device(dma_write(BUFFER, DATA), SECURED)
        bench.from_device(dma_write(0xFEE0_0000, b"\x55\0\0\0"), route)
        bench.finish()
        assert (bench.found() == set()) is good, (locked, route)


@covers("TDISP-INT-002")
@pytest.mark.parametrize(("shown", "right"), [(Status.BUSY, True), (Status.DONE, True), (0, False)])
def test_a_read_under_way_may_see_the_transfer_end(shown: int, right: bool) -> None:
    bench = Bench()
    bench.interrupts_on(VF_BAR2, 0xFEE0_0000, 0x55)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    bench.start(VF_BAR0, BUFFER, 64, Control.WRITE_HOST | Control.INTERRUPT)
    request = bench.read(VF_BAR0 + Bar0.REGISTERS + Register.STATUS)
    bench.from_device(dma_write(BUFFER, DATA))
    bench.from_device(dma_write(0xFEE0_0000, b"\x55\0\0\0"))
    bench.from_device(answer(request, int(shown).to_bytes(4, "little")))
    bench.finish()
    assert (bench.found() == set()) is right


@covers("TDISP-INT-002")
def test_a_transfer_that_might_have_failed_ends_with_one_interrupt() -> None:
    bench = Bench()
    bench.interrupts_on(VF_BAR2, 0xFEE0_0000, 0x55)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    bench.start(VF_BAR0, BUFFER, 64, Control.WRITE_HOST | Control.INTERRUPT)
    bench.link.shadows[1].may_fail(bench.now)
    bench.from_device(dma_write(BUFFER, DATA))
    bench.from_device(dma_write(0xFEE0_0000, b"\x55\0\0\0"))
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-INT-002")
def test_an_interrupt_that_is_not_sent_is_found() -> None:
    bench = Bench()
    bench.interrupts_on(VF_BAR2, 0xFEE0_0000, 0x55)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA)
    bench.start(VF_BAR0, BUFFER, 64, Control.WRITE_HOST | Control.INTERRUPT)
    bench.from_device(dma_write(BUFFER, DATA))
    bench.finish()
    assert bench.found() == {"TDISP-INT-002"}


# ---------------------------------------------------------------------- IDE


@covers("IDE-ST-002")
def test_a_damaged_tlp_ends_the_stream_and_has_no_effect() -> None:
    bench = Bench()
    bench.state(R)
    raw = bytearray(bench.world.host.encrypt(Tlp.mem_read(HOST, VF_BAR0, 4, 3).encode(), True))
    raw[-1] ^= 1
    bench.link.to_device(bench.now, bytes(raw))
    assert bench.world.insecure_causes == [InsecureCause.CHECK_FAILED]
    bench.finish()
    assert bench.found() == set()


@covers("IDE-ST-008")
def test_a_misrouted_tlp_changes_nothing() -> None:
    bench = Bench()
    raw = bytearray(bench.world.host.encrypt(Tlp.mem_read(HOST, VF_BAR0, 4, 3).encode(), True))
    raw[2] = 9
    bench.link.to_device(bench.now, bytes(raw))
    bench.finish()
    assert bench.world.insecure_causes == []
    assert bench.world.findings.errors["Misrouted IDE TLP"] == 1
    assert bench.found() == set()


@covers("IDE-GCM-001")
def test_a_wrong_mac_of_the_device_is_found() -> None:
    bench = run_with_memory()
    raw = bytearray(bench.world.device.encrypt(dma_write(BUFFER, DATA).encode(), True))
    raw[-1] ^= 1
    bench.link.from_device(bench.now, bytes(raw))
    assert "IDE-GCM-001" in bench.found()


@covers("IDE-CNT-001")
def test_a_wrong_ordering_counter_of_the_device_is_found() -> None:
    bench = run_with_memory()
    bench.from_device(dma_write(BUFFER, DATA), SECURED)
    request = bench.read(VF_BAR0, SECURED)
    bench.world.device.sent.cpl = 0
    bench.from_device(answer(request, ID_VALUE.to_bytes(4, "little")), SECURED)
    assert bench.found() == {"IDE-CNT-001"}


def lose_the_stream(bench: Bench) -> None:
    bench.world.device_end.make_insecure(InsecureCause.CHECK_FAILED)
    bench.link.stream_insecure(bench.now, STREAM, bench.world.device_end)


@covers("IDE-ST-002")
def test_an_ide_fail_must_be_due_and_must_be_sent() -> None:
    bench = Bench()
    lose_the_stream(bench)
    bench.from_device(fail_message(PF, HOST, STREAM))
    bench.finish()
    assert bench.found() == set()
    bench.from_device(fail_message(PF, HOST, STREAM))
    bench.link.advance(bench.now + 2 * LAG_NS)
    assert "IDE-ST-002" in bench.found()
    missing = Bench()
    lose_the_stream(missing)
    missing.finish()
    assert "IDE-ST-002" in missing.found()


@covers("TDISP-MMIO-005")
def test_requests_to_no_function_are_refused_by_the_physical_function() -> None:
    bench = Bench()
    bench.from_device(refusal(bench.read(0x9_0000_0000), PF))
    bench.from_device(answer(bench.read(BAR0 + Bar0.PUBLIC + 4), bytes(4), PF))
    bench.finish()
    assert bench.found() == set()
