# SPDX-License-Identifier: Apache-2.0
"""Completion arithmetic, splitting and the collector."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pcie.codes import CplStatus, FmtType
from models.pcie.errors import CompletionError, Rule, TlpError
from models.pcie.rules import (
    CompletionCollector,
    Limits,
    byte_count,
    check_limits,
    failed_completion,
    lower_address,
    split_completions,
)
from models.pcie.tlp import Tlp
from tests.plan import covers

READ = Tlp.mem_read(0x0100, 0x1040, 200, tag=3)
DATA = bytes(range(200))


@covers("TDISP-MMIO-009")
@pytest.mark.parametrize(
    ("first", "last", "length", "count", "lower"),
    [
        (0b0000, 0, 1, 1, 0),
        (0b0001, 0, 1, 1, 0),
        (0b0010, 0, 1, 1, 1),
        (0b1000, 0, 1, 1, 3),
        (0b0110, 0, 1, 2, 1),
        (0b0101, 0, 1, 3, 0),
        (0b1001, 0, 1, 4, 0),
        (0b1111, 0b0001, 2, 5, 0),
        (0b1000, 0b0001, 2, 2, 3),
        (0b1100, 0b0111, 1024, 4093, 2),
        (0b1111, 0b1111, 1024, 4096, 0),
        (0b0000, 0b1111, 2, 8, 0),  # not allowed, but no receiver has to check it
        (0b0000, 0b0000, 2, 5, 0),
        (0b1000, 0b0000, 3, 6, 3),
    ],
)
def test_byte_count_and_lower_address_follow_the_byte_enables(
    first: int, last: int, length: int, count: int, lower: int
) -> None:
    request = Tlp(FmtType.MRD32, length=length, first_be=first, last_be=last, address=0x1000)
    assert (byte_count(request), lower_address(request)) == (count, lower)


@covers("TDISP-MMIO-009")
@pytest.mark.parametrize(
    ("request_", "count"),
    [
        (Tlp.cfg_read(0, 0, 0x10), 4),
        (replace(Tlp.cfg_write(0, 0, 0x10, 0), first_be=2), 4),
        (Tlp(FmtType.CAS64, length=4, address=1 << 32, payload=bytes(16)), 8),
        (Tlp(FmtType.SWAP32, length=1, address=4, payload=bytes(4)), 4),
    ],
)
def test_other_requests_are_answered_by_whole_operands(request_: Tlp, count: int) -> None:
    assert (byte_count(request_), lower_address(request_)) == (count, 0)


@covers("TDISP-MMIO-009")
@given(
    st.integers(0, 1 << 40),
    st.integers(0, 4096),
    st.sampled_from([64, 128]),
    st.sampled_from([128, 256, 512]),
)
def test_every_read_split_by_the_rules_is_collected(
    address: int, length: int, rcb: int, payload: int
) -> None:
    length = min(length, 0x1000 - address % 0x1000)
    request = Tlp.mem_read(0, address, length)
    limits = Limits(rcb, payload, 4096)
    memory = bytes(index * 7 & 0xFF for index in range(4 * request.length))
    collector = CompletionCollector(request, limits)
    completions = split_completions(0x0100, request, memory, limits)
    for completion in completions:
        assert Tlp.decode(completion.encode()) == completion
        assert not collector.done
        collector.add(completion)
    lead = address & 3 if length else 0
    assert collector.status is CplStatus.SC
    assert collector.data == memory[lead : lead + max(length, 1)]


@covers("TDISP-MMIO-009")
def test_a_read_is_split_at_the_boundary_of_the_completer() -> None:
    parts = split_completions(0, READ, DATA, Limits(64, 128))
    assert [(part.length, part.byte_count, part.lower_address) for part in parts] == [
        (32, 200, 0x40),
        (18, 72, 0x40),
    ]


def _series() -> list[Tlp]:
    return split_completions(0, READ, DATA, Limits(128, 128))


WRONG: dict[str, list[Tlp]] = {
    "other tag": [replace(_series()[0], tag=4)],
    "other requester": [replace(_series()[0], requester_id=0x0101)],
    "other TC": [replace(_series()[0], tc=1)],
    "other Attr": [replace(_series()[0], attr=1)],
    "Byte Count": [replace(_series()[0], byte_count=199)],
    "Lower Address": [replace(_series()[0], lower_address=0)],
    "second part first": [_series()[1]],
    "first part twice": [_series()[0], _series()[0]],
    "other completer": [_series()[0], replace(_series()[1], completer_id=8)],
    "split off the boundary": [Tlp.cpld(0, READ, bytes(60), 200, 0x40)],
    "no data": [Tlp.cpl(0, READ, CplStatus.SC, 200)],
    "too much data": [replace(_series()[0], length=64, payload=bytes(256))],
    "payload too large": [Tlp.cpld(0, READ, bytes(64 * 5), 200, 0x40)],
    "after the end": [*_series(), _series()[0]],
    "a request": [READ],
}


@covers("TDISP-MMIO-009")
@pytest.mark.parametrize("name", WRONG)
def test_a_completion_that_does_not_continue_the_series_is_refused(name: str) -> None:
    collector = CompletionCollector(READ, Limits(128, 256))
    for completion in WRONG[name][:-1]:
        collector.add(completion)
    with pytest.raises(CompletionError):
        collector.add(WRONG[name][-1])


@covers("TDISP-MMIO-009")
def test_a_completion_beyond_max_payload_size_is_refused() -> None:
    whole = Tlp.cpld(0, READ, DATA, 200, 0x40)
    assert CompletionCollector(READ, Limits(128, 256)).add(whole)
    with pytest.raises(CompletionError, match="200 bytes of payload"):
        CompletionCollector(READ, Limits(128, 128)).add(whole)


@covers("TDISP-MMIO-009")
def test_a_failed_completion_ends_the_read_at_any_place() -> None:
    for before in (0, 1):
        collector = CompletionCollector(READ, Limits(128, 128))
        for completion in _series()[:before]:
            collector.add(completion)
        assert collector.add(failed_completion(0, READ, CplStatus.UR))
        assert collector.status is CplStatus.UR


@covers("TDISP-MMIO-009")
def test_a_write_is_answered_without_data() -> None:
    write = Tlp.cfg_write(0, 0x0100, 4, 6, tag=5)
    collector = CompletionCollector(write)
    assert collector.add(failed_completion(0x0100, write, CplStatus.SC))
    with pytest.raises(CompletionError):
        CompletionCollector(write).add(Tlp.cpld(0x0100, write, bytes(4), 4, 0))
    with pytest.raises(CompletionError):
        CompletionCollector(Tlp.mem_write(0, 0, bytes(4)))


@covers("TDISP-MMIO-009")
def test_sizes_beyond_the_limits_are_named() -> None:
    with pytest.raises(TlpError) as caught:
        check_limits(Tlp.mem_write(0, 0, bytes(260)), Limits())
    assert caught.value.rule is Rule.MAX_PAYLOAD
    with pytest.raises(TlpError) as caught:
        check_limits(Tlp.mem_read(0, 0, 516), Limits())
    assert caught.value.rule is Rule.MAX_READ
    check_limits(Tlp.mem_read(0, 0, 512), Limits())
    check_limits(Tlp.mem_write(0, 0, bytes(256)), Limits())
