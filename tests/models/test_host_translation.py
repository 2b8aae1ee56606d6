# SPDX-License-Identifier: Apache-2.0
"""The translation agent of the host: who learns which address, and how it is taken back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from models.host.errors import HostError
from models.host.memory import VMM, HostMemory, Owner, OwnerKind, Region
from models.host.owner_check import OwnerCheck, Verdict
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
from tb.host.inbound import Inbound, InboundRequest
from tb.host.route import Route
from tests.plan import attack, covers

VF, OTHER = 0x0101, 0x0102
TVM = Owner(OwnerKind.TVM, "A")
SECRET = Region(0x0100_0000, 4 * PAGE, TVM)
OPEN = Region(0x0300_0000, 4 * PAGE, VMM)
IOVA = 0x7000_0000
TRUSTED = Route(1, True)


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


# ---------------------------------------------------------------------- at the root port


class Port:
    """The root port's service of requests, and what it sends back."""

    def __init__(self) -> None:
        made = agent()
        self.sent: list[tuple[Tlp, Route]] = []
        self.inbound = Inbound(made.check.memory, self._respond)
        self.inbound.check = made.check
        self.inbound.translation = made

    async def _respond(self, tlp: Tlp, route: Route) -> None:
        self.sent.append((tlp, route))

    def handle(self, tlp: Tlp, route: Route = TRUSTED) -> None:
        """A request of the device arrives."""
        asyncio.run(self.inbound.handle(InboundRequest(tlp, route)))


@covers("TDISP-HOST-010", "TDISP-FSM-011")
def test_the_root_port_translates_and_a_hostile_one_takes_t_away() -> None:
    port = Port()
    request = translation_request(VF, IOVA, 3)
    port.handle(request)
    port.inbound.translation_route = lambda route: Route(route.stream, False)
    port.handle(request)
    assert [route for _, route in port.sent] == [TRUSTED, Route(1, False)]
    for completion, _ in port.sent:
        assert TranslationEntry.decode(completion.payload).target.base == SECRET.base
    assert len(port.inbound.translations) == 2
    assert not port.inbound.served


@covers("TDISP-HOST-010")
def test_the_root_port_leads_requests_by_the_table_of_their_requester() -> None:
    port = Port()
    memory = port.inbound.memory
    port.handle(Tlp.mem_write(VF, IOVA + 8, b"12345678"))
    assert memory.read(SECRET.base + 8, 8) == b"12345678"
    port.handle(translated(Tlp.mem_read(VF, IOVA + 8, 8, 4), SECRET.base + 8))
    port.handle(Tlp.mem_read(VF, IOVA + 8, 8, 5))
    assert [tlp.payload for tlp, _ in port.sent] == [b"12345678"] * 2
    port.handle(Tlp.mem_read(VF, 0x5000, 8, 6))
    assert port.sent[-1][0].status == CplStatus.UR
    assert port.inbound.refused[-1][1] is Verdict.NOT_MAPPED


@covers("IDE-SEL-004", "TDISP-ATS-007")
def test_what_comes_on_the_stream_of_a_peer_is_completed_in_its_name() -> None:
    port = Port()
    port.inbound.peers[2] = 0x0200
    for route in (TRUSTED, Route(2, True)):
        port.handle(translated(Tlp.mem_read(VF, IOVA, 8, 4), SECRET.base), route)
    assert [(tlp.completer_id, route.stream) for tlp, route in port.sent] == [(0, 1), (0x0200, 2)]
