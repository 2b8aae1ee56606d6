# SPDX-License-Identifier: Apache-2.0
"""Messages of address translation: bytes written by hand, and everything comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pcie.ats import (
    InvalidateCompletion,
    InvalidateRequest,
    Span,
    TranslationEntry,
    is_translation_request,
    spans,
    translated,
    translation_request,
)
from models.pcie.codes import FmtType
from models.pcie.errors import TlpError
from models.pcie.layout import PAGE
from models.pcie.pri import PageRequest, PageResponse, ResponseCode
from models.pcie.tlp import Tlp
from tests.plan import covers

HOST, VF = 0x0008, 0x0101


@st.composite
def any_span(draw: st.DrawFn) -> Span:
    size = PAGE << draw(st.integers(0, 40))
    return Span(draw(st.integers(0, (1 << 64) // size - 1)) * size, size)


@covers("TDISP-ATS-001")
@given(any_span())
def test_every_span_comes_back_whatever_the_bits_below_it(span: Span) -> None:
    assert Span.decode(span.encode()) == span
    assert Span.decode(span.encode() | 0x7FF) == span
    assert span.holds(span.base, span.size)
    assert not span.holds(span.base, span.size + 1)


@covers("TDISP-ATS-001")
@pytest.mark.parametrize(
    ("span", "value"),
    [
        (Span(0x1234_5000), 0x1234_5000),
        (Span(0x1234_4000, 2 * PAGE), 0x1234_4800),
        (Span(0x1234_4000, 4 * PAGE), 0x1234_5800),
        (Span(0x1234_0000, 16 * PAGE), 0x1234_7800),
        (Span(0x0020_0000, 512 * PAGE), 0x002F_F800),
    ],
)
def test_the_size_of_a_span_has_its_bits(span: Span, value: int) -> None:
    assert span.encode() == value


@covers("TDISP-ATS-001")
@pytest.mark.parametrize(("base", "size"), [(0, 2048), (0, 3 * PAGE), (PAGE, 2 * PAGE), (1, PAGE)])
def test_what_is_no_span_is_refused(base: int, size: int) -> None:
    with pytest.raises(ValueError, match="no span"):
        Span(base, size)


@covers("TDISP-ATS-001", "TDISP-ATS-004")
@given(any_span(), st.booleans(), st.booleans(), st.booleans())
def test_every_entry_comes_back(span: Span, read: bool, write: bool, only: bool) -> None:
    entry = TranslationEntry(span, read, write, only)
    raw = entry.encode()
    assert TranslationEntry.decode(raw) == entry
    glob = bytes([*raw[:7], raw[7] | 0x20])
    assert TranslationEntry.decode(glob) == entry


@covers("TDISP-ATS-001")
def test_an_entry_has_its_bytes() -> None:
    entry = TranslationEntry(Span(0x0123_4567_8000, 2 * PAGE), read=True, write=False)
    assert entry.encode().hex() == "0000012345678801"
    with pytest.raises(TlpError):
        TranslationEntry.decode(bytes(7))


@covers("TDISP-ATS-001")
def test_a_translation_request_has_its_bytes() -> None:
    request = translation_request(VF, 0x1_2345_6789, tag=7, count=2)
    assert request.encode().hex() == "20000404010107ff0000000123456000"
    assert is_translation_request(request)
    for change in ({"at": 0}, {"length": 3}, {"first_be": 0xE}, {"fmt_type": FmtType.MWR64}):
        assert not is_translation_request(replace(request, **change))


@covers("TDISP-ATS-002")
def test_a_translated_request_has_the_header_of_its_new_address() -> None:
    write = Tlp.mem_write(VF, 0x8000, b"1234")
    moved = translated(write, 0x1_0000_0000)
    assert (moved.fmt_type, moved.at, moved.payload) == (FmtType.MWR64, 2, write.payload)
    assert translated(moved, 0x8000).fmt_type is FmtType.MWR32
    moved.check()


@covers("TDISP-ATS-001")
def test_entries_follow_each_other() -> None:
    one = TranslationEntry(Span(0x8_0000, 2 * PAGE))
    other = TranslationEntry(Span(0x9_0000))
    found = spans(0x5000, [one, other])
    assert found == [(Span(0x4000, 2 * PAGE), one), (Span(0x6000), other)]


@covers("TDISP-ATS-003")
def test_an_invalidate_request_has_its_bytes() -> None:
    request = InvalidateRequest(HOST, VF, 3, Span(0x0100_0000, 2 * PAGE))
    assert request.tlp().encode().hex() == "720000020008030101010000000000000000000001000800"
    assert InvalidateRequest.of(request.tlp()) == request
    tlp = request.tlp()
    for change in ({"ep": True}, {"tag": 32}, {"message_code": 2}, {"fmt_type": FmtType.MSGD_RC}):
        assert InvalidateRequest.of(replace(tlp, **change)) is None


@covers("TDISP-ATS-003")
@given(st.sets(st.integers(0, 31)), st.integers(1, 8))
def test_an_invalidate_completion_comes_back(itags: set[int], count: int) -> None:
    completion = InvalidateCompletion(VF, HOST, tuple(sorted(itags)), count)
    assert InvalidateCompletion.of(completion.tlp()) == completion


@covers("TDISP-ATS-003")
def test_an_invalidate_completion_has_its_bytes() -> None:
    completion = InvalidateCompletion(VF, HOST, (0, 5))
    assert completion.tlp().encode().hex() == "32000000010100020008000100000021"
    assert InvalidateCompletion.of(replace(completion.tlp(), message_code=1)) is None
    assert InvalidateCompletion.of(Tlp.mem_read(VF, 0, 4)) is None


@covers("TDISP-ATS-001", "TDISP-FSM-012")
@given(st.integers(0, (1 << 52) - 1), st.integers(0, 0x1FF), st.tuples(*[st.booleans()] * 3))
def test_page_requests_come_back(page: int, index: int, flags: tuple[bool, bool, bool]) -> None:
    request = PageRequest(VF, page * PAGE, index, *flags)
    assert PageRequest.of(request.tlp()) == request
    assert PageResponse.of(request.tlp()) is None


@covers("TDISP-FSM-012", "TDISP-LOCK-021")
@given(st.integers(0, 0x1FF), st.integers(0, 0xF))
def test_responses_to_page_requests_come_back(index: int, code: int) -> None:
    response = PageResponse(HOST, VF, index, code)
    assert PageResponse.of(response.tlp()) == response
    assert PageRequest.of(response.tlp()) is None
    assert PageResponse.of(replace(response.tlp(), ep=True)) is None


@covers("TDISP-ATS-001", "TDISP-FSM-012")
def test_page_requests_and_responses_have_their_bytes() -> None:
    request = PageRequest(VF, 0x0000_7000_1234_5000, 5, read=True, write=False)
    assert request.tlp().encode().hex() == "3000000001010004000070001234502d"
    response = PageResponse(HOST, VF, 5, ResponseCode.INVALID)
    assert response.tlp().encode().hex() == "32000000000800050101100500000000"
