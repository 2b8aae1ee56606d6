# SPDX-License-Identifier: Apache-2.0
"""The translation agent of the host: who learns which address, and how it is taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.host.errors import HostError
from models.host.memory import VMM, HostMemory, Owner, OwnerKind, Region
from models.host.owner_check import OwnerCheck
from models.host.translation import Mapping, TranslationAgent
from models.pcie.ats import (
    InvalidateCompletion,
    Span,
    TranslationEntry,
    translated,
    translation_request,
)
from models.pcie.codes import CplStatus, FmtType
from models.pcie.layout import PAGE
from models.pcie.tlp import Tlp
from tests.plan import attack, covers

VF, OTHER = 0x0101, 0x0102
TVM = Owner(OwnerKind.TVM, "A")
SECRET = Region(0x0100_0000, 4 * PAGE, TVM)
OPEN = Region(0x0300_0000, 4 * PAGE, VMM)
IOVA = 0x7000_0000


def agent() -> TranslationAgent:
    """VF 1 is accepted by the TVM; its table leads to memory of the TVM and of the VMM."""
    memory = HostMemory()
    for region in (SECRET, OPEN):
        memory.add(region)
    check = OwnerCheck(memory)
    check.accept(TVM, VF)
    made = TranslationAgent(check)
    made.map(VF, Mapping(Span(IOVA), SECRET.base))
    made.map(VF, Mapping(Span(IOVA + 2 * PAGE, 2 * PAGE), OPEN.base, write=False))
    return made


def ask(made: TranslationAgent, address: int, t: bool, rid: int = VF) -> TranslationEntry:
    """The one entry of a translation."""
    (completion,) = made.completions(translation_request(rid, address, 3), t)
    assert (completion.requester_id, completion.tag, completion.status) == (rid, 3, CplStatus.SC)
    return TranslationEntry.decode(completion.payload)


NOTHING = TranslationEntry(Span(0), read=False, write=False)


@covers("TDISP-HOST-010", "TDISP-ATS-001")
def test_an_address_is_translated_with_its_rights() -> None:
    made = agent()
    assert ask(made, IOVA + 0x10, t=True) == TranslationEntry(Span(SECRET.base))
    large = TranslationEntry(Span(OPEN.base, 2 * PAGE), write=False)
    assert ask(made, IOVA + 3 * PAGE, t=False) == large
    assert ask(made, IOVA + 5 * PAGE, t=True) == NOTHING


@covers("TDISP-HOST-010")
@attack("ATT-23")
def test_memory_of_a_tvm_is_translated_for_its_tdi_with_t_only() -> None:
    made = agent()
    made.map(OTHER, Mapping(Span(IOVA), SECRET.base))
    assert ask(made, IOVA, t=False) == NOTHING
    assert ask(made, IOVA, t=True, rid=OTHER) == NOTHING
    made.check.revoke(VF)
    assert ask(made, IOVA, t=True) == NOTHING


@covers("TDISP-ATS-001")
def test_several_pages_are_translated_at_once_and_odd_requests_refused() -> None:
    made = agent()
    request = translation_request(VF, IOVA, 3, count=3)
    (completion,) = made.completions(request, True)
    raw = completion.payload
    entries = [TranslationEntry.decode(raw[at : at + 8]) for at in range(0, 24, 8)]
    assert entries[0].target.base == SECRET.base
    assert entries[1] == NOTHING
    assert entries[2].target == Span(OPEN.base, 2 * PAGE)
    (refusal,) = made.completions(replace(request, length=3), True)
    assert refusal.status == CplStatus.UR


@covers("TDISP-HOST-010")
def test_untranslated_requests_are_led_where_the_table_says() -> None:
    made = agent()
    write = Tlp.mem_write(VF, IOVA + 8, bytes(8))
    led = made.physical(write)
    assert led is not None
    assert led.address == SECRET.base + 8
    assert made.physical(Tlp.mem_write(VF, IOVA + 2 * PAGE, bytes(8))) is None
    read = made.physical(Tlp.mem_read(VF, IOVA + 3 * PAGE, 8))
    assert read is not None
    assert read.address == OPEN.base + PAGE
    assert made.physical(Tlp.mem_read(VF, 0x5000, 8)) is None
    direct = translated(write, SECRET.base)
    assert made.physical(direct) == direct
    foreign = Tlp.mem_read(OTHER, 0x5000, 8)
    assert made.physical(foreign) == foreign


@covers("TDISP-ATS-003")
def test_an_invalidation_is_complete_when_all_completions_have_come() -> None:
    made = agent()
    span = made.unmap(VF, IOVA + 3 * PAGE)
    assert span == Span(IOVA + 2 * PAGE, 2 * PAGE)
    first, second = made.invalidate(VF, span), made.invalidate(VF, Span(IOVA))
    assert (first.itag, second.itag, first.target) == (0, 1, VF)
    assert made.completed(InvalidateCompletion(VF, 0, (1,)).tlp()) == (second,)
    twice = InvalidateCompletion(VF, 0, (0,), count=2).tlp()
    assert not made.completed(twice)
    assert made.invalidating == (first,)
    assert made.completed(twice) == (first,)
    assert not made.invalidating


@covers("TDISP-ATS-003")
def test_a_completion_for_nothing_or_in_another_name_is_an_error() -> None:
    made = agent()
    made.invalidate(VF, Span(IOVA))
    for wrong in (
        InvalidateCompletion(OTHER, 0, (0,)).tlp(),
        InvalidateCompletion(VF, 0, (1,)).tlp(),
        InvalidateCompletion(VF, 8, (0,)).tlp(),
        Tlp.msg(VF, 0x7E, bytes(8), FmtType.MSG_ID),
    ):
        with pytest.raises(HostError):
            made.completed(wrong)
    assert len(made.invalidating) == 1
    for _ in range(31):
        made.invalidate(VF, Span(IOVA))
    with pytest.raises(HostError, match="ITags"):
        made.invalidate(VF, Span(IOVA))


@covers("TDISP-HOST-010")
def test_tables_are_kept_free_of_contradictions() -> None:
    made = agent()
    with pytest.raises(HostError, match="mapped already"):
        made.map(VF, Mapping(Span(IOVA), OPEN.base))
    with pytest.raises(HostError, match="aligned"):
        made.map(OTHER, Mapping(Span(IOVA, 2 * PAGE), OPEN.base + PAGE))
    with pytest.raises(HostError, match="not mapped"):
        made.unmap(VF, 0)
