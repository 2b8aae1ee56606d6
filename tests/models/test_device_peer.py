# SPDX-License-Identifier: Apache-2.0
"""Streams to peers from the TSM to the reference device and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.device.config import DeviceProfile
from models.device.device import NOTHING
from models.device.registers import FIRST_BLOCK
from models.ide.errors import InsecureCause
from models.ide.select import AddressAssociation, SelectiveStreamBlock, associate
from models.ide.select import Outgoing as Leaving
from models.pcie.codes import SelectiveBlock
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, ErrorCode, LockFlags, Request, TdiState
from models.tdisp.messages import (
    BindP2pStreamRequest,
    BindP2pStreamResponse,
    ErrorResponse,
    UnbindP2pStreamRequest,
)
from models.tdisp.p2p import PeerTerms, masked
from models.tsm.errors import PolicyError, TsmError
from models.tsm.tsm import TdiHandle
from tests.models.life_cycle_parties import OTHER_STREAM, STREAM, Bench, interface, run, tdisp
from tests.plan import attack, covers

U, L, R, E = TdiState
OFFERED = DeviceProfile(p2p=True)
PEER = 0x0200
MIB = 1 << 20
BASE, LIMIT = 0x40 * MIB, 0x80 * MIB - 1
MASK = 0xFF << 56
FLAGS = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE | LockFlags.BIND_P2P
ASSOCIATION = FIRST_BLOCK + SelectiveBlock.SIZE + SelectiveBlock.ADDRESS_ASSOCIATION_2
PEER_BLOCK = SelectiveStreamBlock(
    2, enabled=True, associations=(AddressAssociation(BASE, LIMIT),), tee_limited=True
)
DEFAULT_BLOCK = SelectiveStreamBlock(1, enabled=True, default_stream=True, tee_limited=True)


async def running(
    bench: Bench, flags: LockFlags = FLAGS, spoil: Callable[[Bench], None] = lambda _: None
) -> TdiHandle:
    """VF 1 in RUN with ATS, and the other stream Secure, aimed at a peer."""
    bench.host.aim_stream(1, PEER, BASE, LIMIT)
    bench.host.set_ats(1)
    spoil(bench)
    await bench.tsm.connect()
    await bench.tsm.protect(STREAM, bench.host.pf_rid)
    await bench.tsm.protect_peer(OTHER_STREAM, bench.host.pf_rid)
    wanted = bench.assignment(flags=flags, p2p_address_mask=MASK)
    tenant = bench.tenant()
    info = tenant.tvm.expectation.interface_info | 8  # ATS is enabled
    tenant.tvm.expectation = replace(tenant.tvm.expectation, interface_info=info)
    return await bench.tsm.bring_up(wanted, tenant, bench.host.pf_rid)


def bound(bench: Bench) -> frozenset[int]:
    """Streams that VF 1 is bound to."""
    return bench.device.grants(1).streams


@covers("TDISP-P2P-001", "TDISP-P2P-004", "TDISP-CAP-003", "TDISP-LOCK-023")
def test_a_tsm_binds_a_stream_to_a_peer_and_unbinds_it() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle = await running(bench)
        assert bound(bench) == {STREAM}
        await bench.tsm.bind(handle, OTHER_STREAM)
        assert bound(bench) == {STREAM, OTHER_STREAM}
        assert bench.device.peer_terms(1) == PeerTerms(redirect=False, address_mask=MASK)
        await bench.tsm.unbind(handle, OTHER_STREAM)
        assert bound(bench) == {STREAM}
        await bench.tsm.bind(handle, OTHER_STREAM)
        await bench.tsm.stop(handle)
        assert bench.device.grants(1) == NOTHING
        assert bench.device.peer_terms(1) == PeerTerms()

    run(life())


@covers("TDISP-LOCK-027")
def test_a_lock_may_send_everything_upstream() -> None:
    bench = Bench(OFFERED)
    run(running(bench, FLAGS | LockFlags.ALL_REQUEST_REDIRECT))
    assert bench.device.peer_terms(1).redirect


SPOILED: dict[str, Callable[[Bench], None]] = {
    "addresses overlap": lambda bench: bench.host.aim_stream(0, 0, LIMIT - MIB + 1, LIMIT),
    "Requester IDs overlap": lambda bench: bench.host.aim_stream(0, PEER, 0, MIB - 1),
}


@covers("TDISP-P2P-002")
@attack("ATT-24")
@pytest.mark.parametrize("spoil", SPOILED)
def test_the_device_refuses_a_stream_that_does_not_fit(spoil: str) -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle = await running(bench, spoil=SPOILED[spoil])
        assert bench.tsm.session is not None
        request = BindP2pStreamRequest(interface=interface(bench), p2p_stream_id=OTHER_STREAM)
        answer = await tdisp(bench.tsm.session, request)
        assert isinstance(answer, ErrorResponse), handle
        assert answer.error == ErrorCode.INVALID_REQUEST
        assert (bench.state(), bound(bench)) == (R, frozenset({STREAM}))

    run(life())


@covers("TDISP-P2P-002")
def test_a_secure_stream_other_than_default_is_needed() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        await running(bench)
        session, device = bench.tsm.session, bench.device
        assert session is not None
        device.stream_insecure(1, InsecureCause.CHECK_FAILED)
        request = BindP2pStreamRequest(interface=interface(bench), p2p_stream_id=OTHER_STREAM)
        answer = await tdisp(session, request)
        assert isinstance(answer, ErrorResponse)
        default = BindP2pStreamRequest(interface=interface(bench), p2p_stream_id=STREAM)
        unbind = UnbindP2pStreamRequest(interface=interface(bench), p2p_stream_id=OTHER_STREAM)
        for message in (default, unbind):
            answer = await tdisp(session, message)
            assert isinstance(answer, ErrorResponse)
        assert bench.state() is R

    run(life())


@covers("TDISP-P2P-003", "TDISP-P2P-005", "TDISP-TRK-009", "TDISP-TRK-010", "TDISP-FSM-007")
@pytest.mark.parametrize("is_bound", [True, False])
@pytest.mark.parametrize("cause", [ErrorCause.IDE_REGISTERS, ErrorCause.STREAM_INSECURE])
def test_a_stream_counts_as_long_as_it_is_bound(is_bound: bool, cause: ErrorCause) -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle = await running(bench)
        await bench.tsm.bind(handle, OTHER_STREAM)
        if not is_bound:
            await bench.tsm.unbind(handle, OTHER_STREAM)
        if cause is ErrorCause.IDE_REGISTERS:
            bench.host.write(ASSOCIATION, 1)
        else:
            bench.device.stream_insecure(1, InsecureCause.CHECK_FAILED)

    run(life())
    assert bench.state() is (E if is_bound else R)
    if is_bound:
        assert bench.device.dsm.tdis[1].cause is cause
        assert bench.device.grants(1) == NOTHING


@covers("TDISP-P2P-007", "TDISP-CAP-007")
def test_without_the_switch_nothing_is_offered() -> None:
    bench = Bench(DeviceProfile(p2p=False))

    async def life() -> None:
        handle = await running(bench, LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE)
        assert handle.capabilities is not None
        assert not handle.capabilities.lock_interface_flags_supported & 0x18
        assert not handle.capabilities.supports(Request.BIND_P2P_STREAM_REQUEST)
        with pytest.raises(PolicyError, match="TDISP-P2P-007"):
            await bench.tsm.bind(handle, OTHER_STREAM)
        assert bench.tsm.session is not None
        for kind in (BindP2pStreamRequest, UnbindP2pStreamRequest):
            request = kind(interface=interface(bench), p2p_stream_id=OTHER_STREAM)
            answer = await tdisp(bench.tsm.session, request)
            assert isinstance(answer, ErrorResponse)
            assert (answer.error, answer.data) == (ErrorCode.UNSUPPORTED_REQUEST, kind.CODE)

    run(life())
    with pytest.raises(PolicyError, match="TDISP-CAP-007"):
        run(running(Bench(DeviceProfile(p2p=False))))


@covers("TDISP-P2P-002")
def test_the_tsm_binds_only_what_it_has_protected_for_a_lock_that_allows_it() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        handle = await running(bench, LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE)
        with pytest.raises(PolicyError, match="LOCK without BIND_P2P"):
            await bench.tsm.bind(handle, OTHER_STREAM)
        handle.assignment = replace(handle.assignment, flags=FLAGS)
        with pytest.raises(TsmError, match="no keys"):
            await bench.tsm.bind(handle, 9)
        assert bench.state() is R
        with pytest.raises(TsmError, match="INVALID_REQUEST"):
            await bench.tsm.bind(handle, OTHER_STREAM)
        assert bench.state() is U

    run(life())


@covers("TDISP-P2P-002")
def test_the_tsm_protects_no_default_and_no_aimless_stream_as_one_to_a_peer() -> None:
    for stream, aimed in ((STREAM, True), (OTHER_STREAM, False)):
        bench = Bench(OFFERED)
        if aimed:
            bench.host.aim_stream(1, PEER, BASE, LIMIT)
        run(bench.tsm.connect())
        with pytest.raises(PolicyError, match="TDISP-P2P-002"):
            run(bench.tsm.protect_peer(stream, bench.host.pf_rid))


@covers("TDISP-P2P-002", "TDISP-SES-010")
def test_keys_of_another_session_and_another_session_bind_nothing() -> None:
    bench = Bench(OFFERED)

    async def life() -> None:
        await running(bench)
        other = await bench.second_session()
        request = BindP2pStreamRequest(interface=interface(bench), p2p_stream_id=OTHER_STREAM)
        assert isinstance(await tdisp(other, request), ErrorResponse)
        assert bench.tsm.session is not None
        assert isinstance(await tdisp(bench.tsm.session, request), BindP2pStreamResponse)

    run(life())


# ---------------------------------------------------------------------- the mask


@covers("TDISP-P2P-006")
def test_a_mask_of_0_hides_nothing_and_ones_hide_their_bits() -> None:
    assert masked(0x1234, 0) == 0x1234
    assert masked(0xFF00_0000_0000_1234, MASK) == 0x1234
    assert PeerTerms(address_mask=0xFF).peer_address(0x1FF) == 0x100


@covers("TDISP-P2P-006", "TDISP-ATS-007")
def test_the_mask_counts_for_streams_to_peers_only() -> None:
    tagged = replace(Tlp.mem_write(0x0101, MASK | BASE, bytes(4)), at=2)
    untagged = replace(Tlp.mem_write(0x0101, BASE, bytes(4)), at=2)
    terms = PeerTerms(address_mask=MASK)
    claims = replace(DEFAULT_BLOCK, associations=(AddressAssociation(BASE, LIMIT),))
    for default, tlp, hidden, expected in (
        (DEFAULT_BLOCK, tagged, None, 1),
        (DEFAULT_BLOCK, tagged, terms.peer_address(tagged.address), 2),
        (DEFAULT_BLOCK, untagged, terms.peer_address(untagged.address), 2),
        (claims, tagged, terms.peer_address(tagged.address), 2),
    ):
        leaving = Leaving(tlp, t=True, ats_enabled=True, peer_address=hidden)
        block = associate((default, PEER_BLOCK), leaving)
        assert block is not None
        assert block.stream_id == expected
