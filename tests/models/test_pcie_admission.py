# SPDX-License-Identifier: Apache-2.0
"""The admission tables: written out again by hand, and the rules that hold over all of them."""

from __future__ import annotations

from itertools import product

import pytest

from models.pcie.admission import (
    INBOUND,
    OUTBOUND,
    Answer,
    Arrival,
    Decision,
    MemoryRequest,
    OutboundKind,
    RangeKind,
    answers,
    inbound_completion,
    inbound_memory,
    inbound_span,
    inbound_vdm,
    outbound,
    outbound_memory,
)
from models.pcie.codes import AddressType
from models.tdisp.codes import TdiState
from tests.hits import sample
from tests.plan import covers

U, L, R, E = TdiState

# Rows: states U, L, R, E. Columns: T = 1 bound, T = 1 elsewhere, T = 0. P pass, - reject,
# o reject but a checker also accepts pass.
TABLE = {
    RangeKind.TEE: "--P --- P-- ---",
    RangeKind.OPENED: "--P --- PPP ooo",
    RangeKind.NON_TEE: "ooP ooP PPP ooP",
    RangeKind.MSIX_LOCKED: "--P --- P-- ---",
    RangeKind.MSIX_UNLOCKED: "ooP ooP PPP ooP",
    RangeKind.ROM: "ooP ooP ooP ooP",
}
ARRIVALS = {"bound": (True, True), "elsewhere": (True, False), "plain": (False, False)}


@covers("TDISP-MMIO-001", "TDISP-MMIO-002", "TDISP-MMIO-003", "TDISP-MMIO-004")
@covers("TDISP-MMIO-005", "TDISP-MMIO-008", "TDISP-MMIO-015", "TDISP-MMA-003")
@pytest.mark.parametrize("kind", RangeKind)
def test_inbound_requests_are_admitted_as_the_table_says(kind: RangeKind) -> None:
    for state, row in zip(TdiState, TABLE[kind].split(), strict=True):
        for (t, bound), mark in zip(ARRIVALS.values(), row, strict=True):
            rule = inbound_memory(state, kind, t, bound)
            assert rule.allows(Decision.PASS) == (mark in "Po"), (state, t, bound)
            assert rule.allows(Decision.REJECT) == (mark in "-o"), (state, t, bound)
            assert (rule.decision is Decision.PASS) == (mark == "P")


@covers("TDISP-MMIO-001", "TDISP-MMIO-010")
def test_tee_memory_opens_only_in_run_with_t_on_the_bound_stream() -> None:
    closed = (RangeKind.TEE, RangeKind.MSIX_LOCKED)
    for state, kind, t, bound in product((L, R, E), closed, (False, True), (False, True)):
        served = inbound_memory(state, kind, t, bound).decision is Decision.PASS
        assert served == (state is R and t and bound)


@covers("TDISP-MMIO-014")
def test_a_request_over_two_ranges_needs_both_to_admit_it() -> None:
    both = [RangeKind.NON_TEE, RangeKind.TEE]
    assert inbound_span(R, both, True, True).decision is Decision.PASS
    plain = inbound_span(R, both, False, False)
    assert plain.decision is Decision.REJECT
    assert plain.requirements == ("TDISP-MMIO-002", "TDISP-MMIO-014")
    assert not inbound_span(L, both, True, True).allows(Decision.PASS)
    assert inbound_span(L, both[:1], True, True).allows(Decision.PASS)
    with pytest.raises(ValueError, match="at least one"):
        inbound_span(R, [], True, True)


@covers("TDISP-MMIO-007")
def test_a_rejected_request_gets_ur_or_nothing() -> None:
    assert answers(Decision.PASS, posted=False) == {Answer.NORMAL}
    assert answers(Decision.REJECT, posted=True) == {Answer.NOTHING}
    assert answers(Decision.REJECT, posted=False) == {Answer.UNSUPPORTED_REQUEST, Answer.NOTHING}


@covers("TDISP-MMIO-013")
def test_a_vendor_message_of_a_locked_tdi_needs_t() -> None:
    for state, t in product(TdiState, (False, True)):
        assert (inbound_vdm(state, t) is Decision.PASS) == (t or state is U)
        sample("rule", "inbound", f"VDM with T{int(t)}", state.name, inbound_vdm(state, t).value)


# T bits that may be sent in U, L, R, E: 0, 1, - none, m as the request.
OUT = {
    OutboundKind.NON_POSTED: "0-1-",
    OutboundKind.WRITE: "0-1-",
    OutboundKind.MSI: "000-",
    OutboundKind.MSIX_UNLOCKED: "000-",
    OutboundKind.MSIX_LOCKED: "-01-",
    OutboundKind.TRANSLATION_REQUEST: "0-1-",
    OutboundKind.TRANSLATED: "0-1-",
    OutboundKind.PAGE_REQUEST: "0-1-",
    OutboundKind.INVALIDATION_COMPLETION: "mmmm",
    OutboundKind.COMPLETION: "mmmm",
    OutboundKind.VDM: "m111",
}


SENT = {"0": "T0", "1": "T1", "-": "nothing", "m": "T of the request"}


@covers("TDISP-DMA-001", "TDISP-DMA-002", "TDISP-DMA-008", "TDISP-INT-001", "TDISP-INT-002")
@covers("TDISP-INT-003", "TDISP-ATS-001", "TDISP-ATS-002", "TDISP-ATS-003", "TDISP-MMIO-006")
@pytest.mark.parametrize("kind", OutboundKind)
def test_outbound_tlps_are_sent_as_the_table_says(kind: OutboundKind) -> None:
    for state, mark in zip(TdiState, OUT[kind], strict=True):
        rule = outbound(state, kind)
        assert rule.allowed == (mark != "-"), state
        assert rule.t == {"0": False, "1": True}.get(mark), state
        sample("rule", "outbound", kind.name, state.name, SENT[mark])


# AT, write, ATS Enable -> T bits that may be sent in U, L, R, E.
MEMORY = {
    (AddressType.UNTRANSLATED, False, False): "0-1-",
    (AddressType.UNTRANSLATED, True, False): "0-1-",
    (AddressType.UNTRANSLATED, False, True): "0-1-",
    (AddressType.UNTRANSLATED, True, True): "0-1-",
    (AddressType.TRANSLATION_REQUEST, False, True): "0-1-",
    (AddressType.TRANSLATED, False, True): "0-1-",
    (AddressType.TRANSLATED, True, True): "0-1-",
}


@covers("TDISP-ATS-001", "TDISP-ATS-002", "TDISP-DMA-001", "TDISP-DMA-002")
def test_ats_requests_are_sent_in_run_by_a_function_with_ats_enable_only() -> None:
    for at, write, enable in product(AddressType, (False, True), (False, True)):
        marks = MEMORY.get((at, write, enable), "----")
        for state, mark in zip(TdiState, marks, strict=True):
            rule = outbound_memory(state, MemoryRequest(at, write, enable))
            assert rule.allowed == (mark != "-"), (at, write, enable, state)
            assert rule.t == {"0": False, "1": True}.get(mark)
            assert rule.requirements


@covers("TDISP-ATS-006", "TDISP-ATS-007", "TDISP-LOCK-027")
def test_only_translated_requests_that_are_not_redirected_go_to_a_peer() -> None:
    both = (False, True)
    for at, write, enable, peer, redirect in product(AddressType, both, both, both, both):
        direct = MemoryRequest(at, write, enable, peer, redirect).direct
        translated = at is AddressType.TRANSLATED and enable
        assert direct == (translated and peer and not redirect)


@covers("TDISP-INT-001", "TDISP-INT-003")
def test_a_checker_tolerates_interrupts_with_t_0_in_error_but_never_with_t_1() -> None:
    for kind in (OutboundKind.MSI, OutboundKind.MSIX_UNLOCKED, OutboundKind.MSIX_LOCKED):
        rule = outbound(E, kind)
        assert (rule.allowed, rule.allows(False), rule.allows(True)) == (False, True, False)
    for kind in (OutboundKind.NON_POSTED, OutboundKind.WRITE):
        assert not outbound(E, kind).allows(False)


@covers("TDISP-DMA-004", "TDISP-DMA-005")
def test_completions_count_only_in_the_life_that_asked() -> None:
    for issued, now, same in product(TdiState, TdiState, (False, True)):
        passed = inbound_completion(issued, now, same) is Decision.PASS
        assert passed == (same and issued is now and now in (U, R))


@covers("TDISP-MMIO-001", "TDISP-DMA-001")
def test_every_cell_is_there_and_names_a_requirement() -> None:
    for kind, state in product(RangeKind, TdiState):
        assert len(INBOUND[kind][state]) == len(Arrival)
        assert all(rule.requirements for rule in INBOUND[kind][state])
    for out, state in product(OutboundKind, TdiState):
        assert OUTBOUND[out][state].requirements
