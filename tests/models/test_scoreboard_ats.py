# SPDX-License-Identifier: Apache-2.0
"""Address translation before the scoreboard: right devices pass, each wrong one is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.app.map import Bar0, Control
from models.pcie.ats import (
    InvalidateRequest,
    Span,
    TranslationEntry,
    translated,
    translation_request,
)
from models.pcie.codes import CplStatus
from models.pcie.layout import PAGE as PAGE_SIZE
from models.pcie.rules import failed_completion, split_completions
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from tb.scoreboard.states import LAG_NS
from tb.scoreboard.timeline import RACE_NS
from tb.scoreboard.world import PLAIN, Route
from tests.models.scoreboard_ats import BUFFER, DATA, PAGE, TARGET, AtsBench
from tests.models.scoreboard_world import (
    HOST,
    PEER_RID,
    PEER_STREAM,
    SECURED,
    STREAM,
    TIMEOUT_NS,
    TO_PEER,
    VF,
    VF_BAR0,
)
from tests.plan import attack, covers

U, L, R, E = TdiState
WITHOUT_T = Route(STREAM, False)


# ---------------------------------------------------------------------- what is right


@covers("TDISP-ATS-001", "TDISP-ATS-002", "TDISP-DMA-002")
@pytest.mark.parametrize("state", [U, R])
def test_a_transfer_by_a_translation_is_accepted(state: TdiState) -> None:
    bench = AtsBench(state)
    bench.transfer()
    bench.learn()
    bench.send(DATA[:32])
    bench.send(DATA[32:], TARGET + 32)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-ATS-002", "TDISP-DMA-004")
def test_data_that_a_translated_read_brings_reaches_memory() -> None:
    bench = AtsBench()
    bench.transfer(Control(0))
    bench.learn()
    read = bench.fetch()
    fresh = bytes(reversed(DATA))
    for completion in split_completions(HOST, read, fresh):
        bench.to_device(completion, SECURED)
    check = bench.read(VF_BAR0 + Bar0.MEMORY, SECURED, 64)
    bench.from_device(split_completions(VF, check, fresh)[0], SECURED)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-ATS-001")
def test_a_large_translation_serves_all_of_its_pages() -> None:
    bench = AtsBench()
    bench.transfer()
    entry = TranslationEntry(Span(TARGET, 16 * PAGE_SIZE))
    bench.tell(bench.ask(address=BUFFER + 3 * PAGE_SIZE), entry=entry)
    bench.send()
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-ATS-003")
def test_an_invalidation_that_is_obeyed_is_accepted() -> None:
    bench = AtsBench()
    bench.transfer()
    bench.learn()
    bench.send(DATA[:32])
    bench.invalidate()
    bench.send(DATA[32:], TARGET + 32)
    bench.invalidated()
    bench.finish()
    assert bench.found() == set()


# ---------------------------------------------------------------------- Translation Requests


@covers("TDISP-ATS-001")
@pytest.mark.parametrize("route", [PLAIN, WITHOUT_T])
def test_a_translation_request_in_run_without_t_is_found(route: Route) -> None:
    bench = AtsBench()
    bench.ask(route)
    assert "TDISP-ATS-001" in bench.found()


@covers("TDISP-ATS-001")
@pytest.mark.parametrize("state", [L, E])
@pytest.mark.parametrize("route", [PLAIN, SECURED])
def test_a_translation_request_of_a_tdi_that_may_not_send_is_found(
    state: TdiState, route: Route
) -> None:
    bench = AtsBench(state)
    bench.ask(route)
    assert "TDISP-ATS-001" in bench.found()


@covers("TDISP-ATS-001", "TDISP-ATS-006")
def test_a_translation_request_on_the_way_to_a_peer_is_found() -> None:
    bench = AtsBench()
    bench.world.add_peer()
    bench.ask(TO_PEER, TARGET)
    assert "TDISP-ATS-001" in bench.found()


@covers("TDISP-ATS-001")
def test_a_translation_request_without_ats_enable_is_found() -> None:
    bench = AtsBench()
    bench.change_view(1, ats_enable=False)
    bench.ask()
    assert bench.found() == {"TDISP-ATS-001", "TDISP-ATS-002"}
    racing = AtsBench()
    racing.change_view(1, ats_enable=False)
    racing.link.translations.disabled(racing.now, 1)
    racing.ask()
    assert racing.found() == set()


@covers("TDISP-ATS-001", "TDISP-DMA-005")
def test_odd_forms_and_tags_in_use_are_found() -> None:
    bench = AtsBench()
    bench.from_device(replace(translation_request(VF, BUFFER, 3), length=1, last_be=0), SECURED)
    assert bench.found() == {"TDISP-ATS-001"}
    bench = AtsBench()
    bench.ask()
    bench.ask(address=BUFFER + PAGE_SIZE)
    assert bench.found() == {"TDISP-DMA-005"}
    bench = AtsBench()
    bench.transfer(Control(0))
    bench.from_device(Tlp.mem_read(VF, BUFFER, 32, 30), SECURED)
    bench.ask()
    assert bench.found() == {"TDISP-DMA-005"}
    bench = AtsBench()
    bench.transfer(Control(0))
    bench.ask()
    bench.from_device(Tlp.mem_read(VF, BUFFER, 32, 30), SECURED)
    assert bench.found() == {"TDISP-DMA-005"}


@covers("TDISP-DMA-007")
def test_a_write_that_asks_for_a_translation_is_found() -> None:
    bench = AtsBench()
    bench.transfer()
    bench.from_device(replace(Tlp.mem_write(VF, BUFFER, DATA), at=1), SECURED)
    assert "TDISP-DMA-007" in bench.found()


# ---------------------------------------------------------------------- completions


@covers("TDISP-FSM-011")
def test_a_translation_completion_without_t_is_an_error_and_teaches_nothing() -> None:
    bench = AtsBench()
    bench.transfer()
    bench.tell(bench.ask(), WITHOUT_T)
    assert bench.world.events == [(1, ErrorCause.ATS)]
    bench.send()
    assert "TDISP-FSM-017" in bench.found()


@covers("TDISP-FSM-011", "IDE-SEL-003")
def test_a_plain_translation_completion_is_dropped_and_may_be_an_error() -> None:
    bench = AtsBench()
    request = bench.ask()
    bench.tell(request, PLAIN)
    assert (bench.world.events, bench.world.possible) == ([], [(1, ErrorCause.ATS)])
    bench.tell(request)
    bench.transfer()
    bench.send()
    bench.finish()
    assert bench.found() == set()


@covers("IDE-SEL-003")
def test_a_translation_completion_on_another_stream_ends_that_stream() -> None:
    bench = AtsBench()
    bench.world.add_peer()
    bench.tell(bench.ask(), TO_PEER)
    assert len(bench.world.insecure_causes) == 1
    assert bench.world.events == []


@covers("TDISP-FSM-010", "TDISP-FSM-009")
def test_failed_translations_may_be_errors_and_poisoned_ones_are() -> None:
    bench = AtsBench()
    request = bench.ask()
    bench.to_device(failed_completion(HOST, request, CplStatus.CA), SECURED)
    assert bench.world.possible == [(1, ErrorCause.COMPLETION)]
    request = bench.ask()
    (completion,) = split_completions(HOST, request, TranslationEntry(Span(TARGET)).encode())
    bench.to_device(replace(completion, ep=True), SECURED)
    assert bench.world.events == [(1, ErrorCause.POISONED)]


@covers("TDISP-FSM-010")
def test_a_translation_that_nobody_gives_explains_an_error_after_the_time_out() -> None:
    bench = AtsBench()
    bench.ask()
    assert not bench.link.translations.error_seen(1, bench.now + 1000)
    assert bench.link.translations.error_seen(1, bench.now + TIMEOUT_NS)
    assert bench.world.events == [(1, ErrorCause.COMPLETION)]


@covers("TDISP-FSM-010")
def test_outside_run_a_translation_that_nobody_gives_lets_the_transfer_fail() -> None:
    bench = AtsBench(U)
    bench.transfer()
    bench.ask()
    bench.now += 2 * TIMEOUT_NS
    bench.link.advance(bench.now)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-DMA-002")
@pytest.mark.parametrize("needed", [True, False])
def test_a_right_that_is_not_given_lets_the_transfer_fail(needed: bool) -> None:
    bench = AtsBench()
    bench.transfer()
    bench.learn(TranslationEntry(Span(TARGET), read=needed, write=not needed))
    bench.finish()
    assert (bench.found() == set()) is needed


# ---------------------------------------------------------------------- translated requests


def nothing(_: AtsBench) -> None:
    """No translation."""


def of_another_page(bench: AtsBench) -> None:
    bench.tell(bench.ask(address=BUFFER + PAGE_SIZE))


def read_only(bench: AtsBench) -> None:
    bench.learn(TranslationEntry(Span(TARGET), write=False))


def not_to_be_used(bench: AtsBench) -> None:
    bench.learn(TranslationEntry(Span(TARGET), untranslated_only=True))


def unanswered(bench: AtsBench) -> None:
    bench.ask()


WITHOUT: list[Callable[[AtsBench], None]] = [
    nothing,
    of_another_page,
    read_only,
    not_to_be_used,
    unanswered,
]


@covers("TDISP-ATS-002", "TDISP-ATS-005")
@attack("ATT-23")
@pytest.mark.parametrize("prepare", WITHOUT)
def test_a_translated_request_without_a_translation_is_found(
    prepare: Callable[[AtsBench], None],
) -> None:
    bench = AtsBench()
    bench.transfer()
    prepare(bench)
    bench.send()
    assert bench.found()


@covers("TDISP-ATS-005")
@attack("ATT-23")
def test_an_untranslated_address_that_claims_to_be_translated_is_found() -> None:
    bench = AtsBench()
    bench.transfer()
    bench.send(at=BUFFER)
    assert bench.found() == {"TDISP-ATS-002", "TDISP-ATS-005"}


@covers("TDISP-ATS-002")
@pytest.mark.parametrize("route", [PLAIN, WITHOUT_T])
def test_a_translated_request_in_run_without_t_is_found(route: Route) -> None:
    bench = AtsBench()
    bench.transfer()
    bench.learn()
    bench.send(route=route)
    assert "TDISP-ATS-002" in bench.found()


@covers("TDISP-ATS-005", "TDISP-LOCK-020", "TDISP-STOP-003")
@attack("ATT-23")
@pytest.mark.parametrize("grace", [True, False])
def test_a_translation_of_a_former_life_is_found(grace: bool) -> None:
    bench = AtsBench()
    bench.learn()
    bench.link.translations.end_life(bench.now, 1)
    bench.now += 0 if grace else 2 * RACE_NS
    bench.transfer()
    bench.send()
    assert (bench.found() == set()) is grace
    assert grace or "TDISP-ATS-005" in bench.found()


@covers("TDISP-ATS-005")
def test_what_waited_in_a_stall_may_use_a_translation_of_its_time() -> None:
    bench = AtsBench()
    bench.transfer()
    bench.learn()
    bench.world.stalls.begin(bench.now)
    bench.link.translations.end_life(bench.now, 1)
    bench.now += 10 * RACE_NS
    bench.world.stalls.end(bench.now)
    bench.send()
    assert bench.found() == set()
    bench.now += 10 * RACE_NS
    bench.transfer()
    bench.send()
    assert "TDISP-ATS-005" in bench.found()


@covers("TDISP-ATS-005", "TDISP-LOCK-020")
def test_an_answer_to_a_former_life_teaches_nothing() -> None:
    bench = AtsBench()
    request = bench.ask()
    bench.link.translations.end_life(bench.now, 1)
    bench.now += 2 * RACE_NS
    bench.tell(request)
    bench.transfer()
    bench.send()
    assert "TDISP-ATS-005" in bench.found()
    late = AtsBench()
    request = late.ask()
    late.link.translations.end_life(late.now, 1)
    late.tell(request, WITHOUT_T)
    assert late.world.events == []


@covers("TDISP-ATS-005", "TDISP-ATS-003")
@pytest.mark.parametrize("span", [PAGE, Span(0, 1 << 32), Span(BUFFER + PAGE_SIZE)])
def test_after_an_invalidation_its_translations_are_used_no_more(span: Span) -> None:
    bench = AtsBench()
    bench.transfer()
    bench.learn()
    bench.invalidate(span)
    bench.invalidated()
    bench.send()
    assert ("TDISP-ATS-005" in bench.found()) is span.overlaps(PAGE)


@covers("TDISP-ATS-005")
def test_what_was_asked_for_before_an_invalidation_is_used_no_more_either() -> None:
    for fresh in (False, True):
        bench = AtsBench()
        bench.transfer()
        if fresh:
            bench.invalidate()
        request = bench.ask()
        if not fresh:
            bench.invalidate()
        bench.invalidated()
        bench.tell(request)
        bench.send()
        assert ("TDISP-ATS-005" in bench.found()) is not fresh


# ---------------------------------------------------------------------- invalidations


@covers("TDISP-ATS-003")
@pytest.mark.parametrize("route", [PLAIN, SECURED, WITHOUT_T])
def test_an_invalidation_is_completed_the_way_that_it_came(route: Route) -> None:
    for back in (PLAIN, SECURED, WITHOUT_T):
        bench = AtsBench()
        bench.invalidate(route=route)
        bench.invalidated(route=back)
        assert (bench.found() == set()) is (route == back)


@covers("TDISP-ATS-003")
def test_a_completion_too_many_or_for_another_tag_is_found() -> None:
    bench = AtsBench()
    bench.invalidate()
    bench.invalidated()
    bench.invalidated()
    assert "TDISP-ATS-003" in bench.found()
    bench = AtsBench()
    bench.invalidate(itag=3)
    bench.invalidated(3, 4)
    assert "TDISP-ATS-003" in bench.found()
    bench = AtsBench()
    bench.invalidate(itag=3)
    bench.invalidate(itag=4)
    bench.invalidated(3, 4)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-ATS-003")
def test_an_invalidation_that_is_not_completed_is_found() -> None:
    bench = AtsBench()
    bench.invalidate()
    bench.finish()
    assert bench.found() == {"TDISP-ATS-003"}
    absent = AtsBench()
    absent.invalidate(target=VF + 4)
    absent.finish()
    assert absent.found() == set()
    twice = AtsBench()
    twice.invalidate()
    twice.invalidated(count=2)
    twice.finish()
    assert twice.found() == {"TDISP-ATS-003"}


@covers("TDISP-ATS-003", "TDISP-ATS-005")
@pytest.mark.parametrize("answered", [True, False])
def test_an_odd_invalidation_may_be_completed_and_takes_nothing_back(answered: bool) -> None:
    bench = AtsBench()
    bench.transfer()
    bench.learn()
    good = InvalidateRequest(HOST, VF, 3, PAGE).tlp()
    for odd in (replace(good, tag=0x23), replace(good, length=1, payload=bytes(4))):
        bench.to_device(odd, SECURED)
        if answered:
            bench.invalidated(3)
    bench.to_device(replace(good, ep=True), SECURED)
    bench.send()
    bench.finish()
    assert bench.found() == set()
    bench.invalidated(3)
    assert bench.found()


@covers("TDISP-ATS-003")
def test_nothing_is_owed_after_a_reset_or_on_a_lost_stream() -> None:
    bench = AtsBench()
    bench.invalidate()
    bench.link.function_reset(bench.now, 1)
    bench.finish()
    assert bench.found() == set()
    bench = AtsBench()
    bench.invalidate()
    bench.world.stream.reference.change(bench.now + 10, False)
    bench.finish()
    assert bench.found() == set()
    bench = AtsBench()
    bench.invalidate()
    bench.link.forget()
    bench.now += 2 * LAG_NS
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-ATS-003", "TDISP-ATS-005")
@pytest.mark.parametrize("done", [True, False])
def test_an_invalidation_waits_for_reads_by_its_translation(done: bool) -> None:
    bench = AtsBench()
    bench.transfer(Control(0))
    bench.learn()
    read = bench.fetch()
    bench.invalidate()
    if done:
        for completion in split_completions(HOST, read, DATA):
            bench.to_device(completion, SECURED)
    bench.invalidated()
    assert bench.found() == (set() if done else {"TDISP-ATS-003", "TDISP-ATS-005"})


@covers("TDISP-ATS-003")
def test_an_invalidation_does_not_wait_for_others() -> None:
    bench = AtsBench()
    bench.transfer(Control(0), length=128)
    bench.learn()
    bench.fetch()
    bench.invalidate(Span(BUFFER + PAGE_SIZE))
    bench.invalidated()
    bench.from_device(translated(Tlp.mem_read(VF, BUFFER + 64, 32, 32), TARGET + 64), SECURED)
    fresh = AtsBench()
    fresh.transfer(Control(0))
    fresh.invalidate()
    fresh.learn()
    fresh.fetch()
    fresh.invalidated()
    assert (bench.found(), fresh.found()) == (set(), set())


# ---------------------------------------------------------------------- peers


def to_the_peer(*, bound: bool = True, redirect: bool = False, mask: int = 0) -> AtsBench:
    """A transfer whose translation leads to a peer."""
    bench = AtsBench()
    bench.world.add_peer(bound=bound)
    bench.world.terms = replace(bench.world.terms, redirect=redirect, address_mask=mask)
    bench.transfer()
    bench.learn()
    return bench


@covers("TDISP-ATS-007", "TDISP-DMA-003", "TDISP-LOCK-027")
@attack("ATT-24")
@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("redirect", [True, False])
def test_a_translated_request_takes_the_bound_stream_of_the_peer(
    bound: bool, redirect: bool
) -> None:
    direct = bound and not redirect
    for route in (SECURED, TO_PEER):
        bench = to_the_peer(bound=bound, redirect=redirect)
        bench.send(route=route)
        right = (route == TO_PEER) is direct
        assert (bench.found() == set()) is right, route
        assert right or "TDISP-ATS-007" in bench.found()


@covers("TDISP-P2P-006")
@pytest.mark.parametrize("mask", [0, 0xFF << 56])
def test_the_mask_hides_bits_of_the_address_of_a_peer(mask: int) -> None:
    tag = 0xAB << 56
    for route in (SECURED, TO_PEER):
        bench = to_the_peer(mask=mask)
        bench.learn(TranslationEntry(Span(tag | TARGET)))
        bench.send(at=tag | TARGET, route=route)
        right = (route == TO_PEER) is bool(mask)
        assert (bench.found() == set()) is right, route


@covers("TDISP-P2P-001", "TDISP-P2P-004", "TDISP-ATS-007")
def test_between_request_and_answer_both_ways_are_right() -> None:
    both = frozenset({frozenset({STREAM}), frozenset({STREAM, PEER_STREAM})})
    for bound in (True, False):
        for route in (SECURED, TO_PEER):
            bench = to_the_peer(bound=bound)
            assert bench.world.bound is not None
            bench.world.bound.change(bench.now, both)
            bench.send(route=route)
            assert bench.found() == set()


@covers("IDE-SEL-004", "TDISP-DMA-004")
@pytest.mark.parametrize(("completer", "taken"), [(PEER_RID, True), (HOST, False)])
def test_a_read_of_a_peer_is_completed_by_that_peer(completer: int, taken: bool) -> None:
    bench = AtsBench()
    bench.world.add_peer()
    bench.transfer(Control(0))
    bench.learn()
    bench.route = TO_PEER
    read = bench.fetch()
    fresh = bytes(reversed(DATA))
    for completion in split_completions(completer, read, fresh):
        bench.to_device(completion, TO_PEER)
    check = bench.read(VF_BAR0 + Bar0.MEMORY, SECURED, 64)
    bench.from_device(split_completions(VF, check, fresh if taken else DATA)[0], SECURED)
    assert bench.found() == set()
