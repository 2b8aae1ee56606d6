# SPDX-License-Identifier: Apache-2.0
"""Which stream a TLP belongs to, and the register block that says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ide.codes import StreamState
from models.ide.select import (
    Acceptance,
    AddressAssociation,
    BlockError,
    Departure,
    Outgoing,
    SelectiveStreamBlock,
    Way,
    accept_at_endpoint,
    accept_at_root_port,
    associate,
    completion_on_its_stream,
    depart,
    stream_of,
)
from models.pcie.codes import CplStatus, FmtType
from models.pcie.tlp import Tlp
from tests.plan import covers

MIB = 1 << 20
PEER = AddressAssociation(0x40_0000_0000, 0x40_0010_0000 + MIB - 1)
DEFAULT = SelectiveStreamBlock(
    1, enabled=True, default_stream=True, rid_limit=0x00FF, rid_valid=True
)
LIMITED = replace(DEFAULT, tee_limited=True)
BY_ADDRESS = SelectiveStreamBlock(
    2, enabled=True, rid_base=0x0200, rid_limit=0x0207, rid_valid=True, associations=(PEER,)
)
READ = Tlp.mem_read(0x0100, 0x8000_0000, 4, tag=1)
PEER_WRITE = Tlp.mem_write(0x0100, PEER.limit - 3, bytes(4))


# ---------------------------------------------------------------------- registers


@covers("IDE-CAP-001", "IDE-CAP-004")
def test_a_block_is_the_registers_written_by_hand() -> None:
    block = SelectiveStreamBlock(
        0x5A,
        enabled=True,
        tc=5,
        pcrc=True,
        config_requests=True,
        default_stream=True,
        tee_limited=True,
        rid_base=0x0100,
        rid_limit=0x01FF,
        rid_valid=True,
        segment_base=0x07,
        associations=(PEER,),
        state=StreamState.SECURE,
        received_fail=True,
    )
    words = [
        0x00000001,
        0x5AE80301,
        0x80000002,
        0x0001FF00,
        0x07010001,
        0x00100001,  # limit 31:20 = 001h, base 31:20 = 000h, valid
        0x00000040,
        0x00000040,
    ]
    raw = b"".join(word.to_bytes(4, "little") for word in words)
    assert block.encode().hex() == raw.hex()
    assert SelectiveStreamBlock.decode(raw) == block


@st.composite
def blocks(draw: st.DrawFn) -> SelectiveStreamBlock:
    """Register blocks with any field value."""
    pages = st.integers(0, (1 << 44) - 1)
    enabled = draw(st.booleans())
    return SelectiveStreamBlock(
        stream_id=draw(st.integers(0, 255)),
        enabled=enabled,
        tc=draw(st.integers(0, 7)),
        default_stream=draw(st.booleans()),
        tee_limited=draw(st.booleans()),
        algorithm=draw(st.integers(0, 31)),
        rid_base=draw(st.integers(0, 0xFFFF)),
        rid_limit=draw(st.integers(0, 0xFFFF)),
        rid_valid=draw(st.booleans()),
        segment_base=draw(st.integers(0, 255)),
        associations=tuple(
            AddressAssociation(draw(pages) * MIB, draw(pages) * MIB + MIB - 1, draw(st.booleans()))
            for _ in range(draw(st.integers(0, 15)))
        ),
        state=StreamState.SECURE if enabled and draw(st.booleans()) else StreamState.INSECURE,
    )


@covers("IDE-CAP-001")
@given(blocks())
def test_every_block_comes_back(block: SelectiveStreamBlock) -> None:
    assert SelectiveStreamBlock.decode(block.encode()) == block


@covers("IDE-CAP-001")
def test_a_block_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BlockError, match="whole MiB"):
        replace(BY_ADDRESS, associations=(AddressAssociation(4096, MIB - 1),)).encode()
    with pytest.raises(BlockError):
        SelectiveStreamBlock.decode(bytes(19))
    with pytest.raises(BlockError):
        SelectiveStreamBlock.decode(b"\x01" + bytes(19))


@covers("IDE-CAP-004")
def test_the_state_reads_0_while_disabled() -> None:
    assert replace(DEFAULT, enabled=False, state=StreamState.SECURE).status == 0


# ---------------------------------------------------------------------- transmit


def stream(outgoing: Outgoing, *blocks_: SelectiveStreamBlock) -> int | None:
    """Stream ID that `outgoing` is associated with."""
    block = associate(blocks_ or (DEFAULT, BY_ADDRESS), outgoing)
    return None if block is None else block.stream_id


@covers("IDE-SEL-001")
@pytest.mark.parametrize(
    ("outgoing", "expected"),
    [
        (Outgoing(READ), 1),
        (Outgoing(PEER_WRITE), 2),
        (Outgoing(replace(PEER_WRITE, address=PEER.limit + 1)), 1),
        (Outgoing(replace(PEER_WRITE, address=PEER.base)), 2),
        (Outgoing(replace(PEER_WRITE, address=PEER.base - 4)), 1),
        (Outgoing(replace(READ, tc=1)), None),
        (Outgoing(PEER_WRITE, redirected=True), 1),
        (Outgoing(PEER_WRITE, ats_enabled=True), 1),
        (Outgoing(replace(PEER_WRITE, at=2), ats_enabled=True), 2),
        (Outgoing(Tlp.msg(0x0100, 0x7E, bytes(8), FmtType.MSG_RC)), 1),
        (Outgoing(Tlp.msg(0x0100, 0x7E, bytes.fromhex("0203") + bytes(6), FmtType.MSG_ID)), 2),
        (Outgoing(Tlp.msg(0x0100, 0x7E, bytes.fromhex("0300") + bytes(6), FmtType.MSG_ID)), None),
        (Outgoing(Tlp.msg(0x0100, 0x7E, bytes(8), FmtType.MSG_LOCAL)), None),
        (Outgoing(Tlp(FmtType.IORD, length=1)), None),
    ],
)
def test_a_tlp_is_associated_by_type_address_and_target(
    outgoing: Outgoing, expected: int | None
) -> None:
    assert stream(outgoing) == expected


@covers("IDE-SEL-001")
def test_an_association_holds_its_first_and_last_byte_when_valid() -> None:
    edges = (PEER.base - 1, PEER.base, PEER.limit, PEER.limit + 1)
    assert [PEER.contains(at) for at in edges] == [False, True, True, False]
    assert not replace(PEER, valid=False).contains(PEER.base)


@covers("IDE-SEL-001")
def test_a_disabled_stream_takes_nothing() -> None:
    assert stream(Outgoing(READ), replace(DEFAULT, enabled=False)) is None


@covers("IDE-SEL-001")
def test_configuration_requests_travel_only_where_enabled() -> None:
    request = Outgoing(Tlp.cfg_read(0, 0x0203, 0, kind=1))
    assert stream(request) is None
    assert stream(request, replace(BY_ADDRESS, config_requests=True)) == 2
    assert stream(Outgoing(Tlp.cfg_read(0, 0x0203, 0)), replace(BY_ADDRESS)) is None


@covers("IDE-SEL-005")
def test_a_tee_limited_stream_takes_only_requests_with_t() -> None:
    assert stream(Outgoing(READ, t=True), LIMITED) == 1
    assert stream(Outgoing(READ), LIMITED) is None
    completion = Tlp.cpl(0x0100, READ, CplStatus.UR)
    assert stream(Outgoing(completion, request_stream=1), LIMITED) == 1


@covers("IDE-SEL-002", "IDE-ST-005", "TDISP-DMA-009")
def test_a_completion_leaves_as_its_request_came_or_not_at_all() -> None:
    completion = Tlp.cpl(0x0100, READ, CplStatus.UR)
    both = (DEFAULT, BY_ADDRESS)
    assert depart(both, Outgoing(completion), {1, 2}) == Departure(Way.PLAIN)
    on_2 = Outgoing(completion, request_stream=2)
    assert depart(both, on_2, {1, 2}) == Departure(Way.STREAM, 2)
    assert depart(both, on_2, {1}) == Departure(Way.DISCARD, 2)
    assert depart((DEFAULT,), on_2, {1}) == Departure(Way.DISCARD)


@covers("IDE-ST-005", "TDISP-DMA-009")
def test_a_request_of_an_insecure_stream_is_discarded() -> None:
    assert depart((DEFAULT,), Outgoing(READ, t=True), set()) == Departure(Way.DISCARD, 1)
    assert depart((), Outgoing(READ), set()) == Departure(Way.PLAIN)


# ---------------------------------------------------------------------- receive


@covers("IDE-SEL-004")
@pytest.mark.parametrize(
    ("source", "inside"), [(0x01FF, False), (0x0200, True), (0x0207, True), (0x0208, False)]
)
def test_the_rid_window_is_checked_at_its_edges(source: int, inside: bool) -> None:
    request = replace(READ, requester_id=source)
    completion = Tlp.cpl(source, READ, CplStatus.SC)
    bad = (Acceptance.UNSUPPORTED_REQUEST, Acceptance.UNEXPECTED_COMPLETION)
    for tlp, refusal in zip((request, completion), bad, strict=True):
        expected = Acceptance.ACCEPT if inside else refusal
        assert accept_at_endpoint(BY_ADDRESS, tlp) is expected
        assert accept_at_root_port(BY_ADDRESS, tlp) is expected


@covers("IDE-SEL-004")
def test_the_default_stream_of_an_endpoint_has_no_rid_window() -> None:
    assert accept_at_endpoint(DEFAULT, replace(READ, requester_id=0xFF00)) is Acceptance.ACCEPT
    invalid = replace(BY_ADDRESS, rid_valid=False)
    tlp = replace(READ, requester_id=0x0200)
    assert accept_at_endpoint(invalid, tlp) is Acceptance.UNSUPPORTED_REQUEST


@covers("IDE-ST-008", "IDE-SEL-003")
def test_streams_are_found_by_id_and_completions_stay_on_theirs() -> None:
    both = (DEFAULT, replace(BY_ADDRESS, enabled=False))
    assert stream_of(both, 1) is DEFAULT
    assert stream_of(both, 2) is None
    assert completion_on_its_stream(1, 1)
    assert not completion_on_its_stream(1, 2)
    assert not completion_on_its_stream(None, 1)
