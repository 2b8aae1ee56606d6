# SPDX-License-Identifier: Apache-2.0
"""P2P streams, MMIO attributes and SET_TDISP_CONFIG, where they are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.device.config import RANGES, project_dsm
from models.tdisp.codes import ErrorCode, LockFlags, RangeAttributes, TdiState
from models.tdisp.messages import (
    BindP2pStreamRequest,
    BindP2pStreamResponse,
    GetTdispCapabilities,
    SetMmioAttributeRequest,
    SetMmioAttributeResponse,
    SetTdispConfigRequest,
    SetTdispConfigResponse,
    TdispCapabilities,
    UnbindP2pStreamRequest,
    UnbindP2pStreamResponse,
)
from models.tdisp.profile import IMPLEMENTED
from models.tdisp.report import MmioRange
from tests.models.tdisp_world import BAR0, FOREIGN, OTHER_STREAM, STREAM, World, name
from tests.plan import attack, covers

U, L, R, E = TdiState
NON_TEE = RangeAttributes.IS_NON_TEE_MEM
UPDATABLE = RangeAttributes.IS_MEM_ATTR_UPDATABLE
PROFILE = replace(
    project_dsm(4),
    optional=IMPLEMENTED,
    lock_flags=LockFlags.LOCK_MSIX | LockFlags.BIND_P2P,
    ranges=(*RANGES[:2], replace(RANGES[2], num_pages=2, attributes=UPDATABLE), *RANGES[3:]),
)
PAGE = (BAR0 >> 12) + 2
BIND = BindP2pStreamRequest(interface=name(0), p2p_stream_id=OTHER_STREAM)
UNBIND = UnbindP2pStreamRequest(interface=name(0), p2p_stream_id=OTHER_STREAM)


def running(flags: LockFlags = LockFlags.BIND_P2P) -> World:
    """A TDI in RUN with ATS, that may bind a stream."""
    world = World(PROFILE)
    world.functions[0].ats_enable = True
    world.bring_to(R, flags=flags)
    return world


def second(world: World, **changes: object) -> None:
    view = replace(world.stream_views[1], **changes)  # type: ignore[arg-type]
    world.stream_views[1] = view


@covers("TDISP-CAP-003", "TDISP-P2P-007")
def test_optional_requests_have_their_bits() -> None:
    answer = World(PROFILE).send(GetTdispCapabilities(interface=name(0)))
    assert isinstance(answer, TdispCapabilities)
    assert answer.req_msgs_supported == 0x17FE


@covers("TDISP-P2P-001", "TDISP-P2P-004", "TDISP-P2P-005")
@attack("ATT-24")
def test_a_bound_stream_counts_until_it_is_unbound() -> None:
    world = running()
    assert isinstance(world.send(BIND), BindP2pStreamResponse)
    lock = world.dsm.tdis[0].lock
    assert lock is not None
    assert lock.streams == {STREAM, OTHER_STREAM}
    assert isinstance(world.send(UNBIND), UnbindP2pStreamResponse)
    world.dsm.stream_insecure(OTHER_STREAM)
    assert world.state() is R
    world.send(BIND)
    world.dsm.stream_insecure(OTHER_STREAM)
    assert world.state() is E


BIND_FAULTS: list[Callable[[World], None]] = [
    lambda world: second(world, stream_id=9),
    lambda world: second(world, keys_programmed=False),
    lambda world: second(world, owner=FOREIGN),
    lambda world: second(world, default=True),
    lambda world: second(world, overlaps=True),
    lambda world: second(world, enabled=False),
    lambda world: second(world, secure=False),
    lambda world: world.stream_views.append(world.stream_views[1]),
    lambda world: setattr(world.functions[0], "ats_enable", False),
]


@covers("TDISP-P2P-002")
@attack("ATT-24")
@pytest.mark.parametrize("spoil", BIND_FAULTS)
def test_bind_is_refused_for_each_reason(spoil: Callable[[World], None]) -> None:
    world = running()
    spoil(world)
    assert world.error(BIND) is ErrorCode.INVALID_REQUEST
    assert world.state() is R


@covers("TDISP-P2P-002", "TDISP-SES-010")
def test_bind_needs_its_flag_its_session_and_a_bound_stream_to_unbind() -> None:
    world = running(LockFlags(0))
    assert world.error(BIND) is ErrorCode.INVALID_REQUEST
    world = running()
    assert world.error(BIND, FOREIGN) is ErrorCode.INVALID_REQUEST
    assert world.error(UNBIND) is ErrorCode.INVALID_REQUEST
    world.send(BIND)
    second(world, stream_id=9)
    assert world.error(UNBIND) is ErrorCode.INVALID_REQUEST
    default = BindP2pStreamRequest(interface=name(0), p2p_stream_id=STREAM)
    assert world.error(default) is ErrorCode.INVALID_REQUEST


def set_mmio(page: int, pages: int, attributes: int, range_id: int = 0) -> SetMmioAttributeRequest:
    wanted = MmioRange(page, pages, attributes, range_id)
    return SetMmioAttributeRequest(interface=name(0), mmio_range=wanted)


@covers("TDISP-MMA-003", "TDISP-MMA-004", "TDISP-RPT-012", "TDISP-STOP-006")
def test_an_attribute_governs_its_pages_until_the_next_lock() -> None:
    world = running()
    lock = world.dsm.tdis[0].lock
    assert lock is not None
    before = lock.report.encode()
    assert isinstance(world.send(set_mmio(PAGE + 1, 1, NON_TEE)), SetMmioAttributeResponse)
    shown = [world.dsm.is_non_tee(0, PAGE + n) for n in range(-2, 3)]
    assert shown == [False, True, False, True, False]
    assert lock.report.encode() == before
    world.send(set_mmio(PAGE, 2, 0))
    assert not world.dsm.is_non_tee(0, PAGE + 1)
    world.send(set_mmio(PAGE, 2, NON_TEE))
    world.send(world.stop_request())
    assert world.dsm.is_non_tee(0, PAGE)
    world.bring_to(R, flags=0)
    assert not world.dsm.is_non_tee(0, PAGE)


@covers("TDISP-MMA-002")
@pytest.mark.parametrize(
    "request_",
    [
        set_mmio(PAGE - 1, 1, NON_TEE),
        set_mmio(PAGE, 3, NON_TEE),
        set_mmio(PAGE, 0, NON_TEE),
        set_mmio(PAGE, 1, NON_TEE, 2),
        set_mmio(PAGE, 1, NON_TEE | UPDATABLE),
        set_mmio(PAGE, 1, RangeAttributes.MSIX_TABLE),
    ],
)
def test_set_mmio_is_refused_for_each_reason(request_: SetMmioAttributeRequest) -> None:
    world = running()
    assert world.error(request_) is ErrorCode.INVALID_REQUEST
    assert world.state() is R


@covers("TDISP-HDR-002")
def test_reserved_attribute_bits_are_ignored() -> None:
    assert isinstance(running().send(set_mmio(PAGE, 1, 0xFFF0)), SetMmioAttributeResponse)


@covers("TDISP-CFG-001")
def test_the_configuration_is_set_while_all_tdis_are_unlocked() -> None:
    world = World(PROFILE)
    request = SetTdispConfigRequest(interface=name(0), config=2)
    assert isinstance(world.send(request), SetTdispConfigResponse)
    assert world.dsm.config == 2
    world.bring_to(L, 2, flags=0)
    assert world.error(request) is ErrorCode.INVALID_INTERFACE_STATE
    world.dsm.conventional_reset()
    assert world.dsm.config == 0


@covers("TDISP-CFG-001", "TDISP-CAP-004")
def test_xt_mode_is_set_only_where_it_is_offered() -> None:
    request = SetTdispConfigRequest(interface=name(0), config=1)
    world = World(PROFILE)
    assert world.error(request) is ErrorCode.INVALID_REQUEST
    assert world.dsm.config == 0
    other = World(replace(PROFILE, dsm_caps=1))
    assert isinstance(other.send(request), SetTdispConfigResponse)
    assert other.dsm.config == 1
