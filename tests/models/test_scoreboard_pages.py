# SPDX-License-Identifier: Apache-2.0
"""Page Requests and PASIDs before the scoreboard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.device.config import DEFAULT_PROFILE, DeviceProfile, project_dsm
from models.pcie.pri import PageRequest, PageResponse, ResponseCode
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, InterfaceInfo, TdiState
from tb.scoreboard.world import PLAIN, Route
from tests.models.scoreboard_ats import BUFFER, DATA, AtsBench
from tests.models.scoreboard_world import HOST, PEER_STREAM, SECURED, STREAM, TO_PEER, VF
from tests.plan import covers

U, L, R, E = TdiState
WITHOUT_T = Route(STREAM, False)
OFFERED = DeviceProfile(pri=True)
PASID = bytes.fromhex("91000007")


class PageBench(AtsBench):
    """VF 1 asks for pages."""

    def __init__(self, state: TdiState = R, profile: DeviceProfile = OFFERED) -> None:
        super().__init__(state, profile)

    def page(self, index: int = 1, route: Route | None = None, *, last: bool = True) -> None:
        """The device sends a Page Request."""
        request = PageRequest(VF, BUFFER, index, last=last)
        self.from_device(request.tlp(), route or self.route)

    def respond(self, index: int = 1, route: Route | None = None, target: int = VF) -> None:
        """The host answers a group."""
        response = PageResponse(HOST, target, index, ResponseCode.SUCCESS)
        self.to_device(response.tlp(), route or self.route)


@covers("TDISP-ATS-001")
@pytest.mark.parametrize("state", TdiState)
@pytest.mark.parametrize("route", [PLAIN, WITHOUT_T, SECURED])
def test_pages_are_asked_for_in_run_with_t_and_before_a_lock_without(
    state: TdiState, route: Route
) -> None:
    bench = PageBench(state)
    bench.page(route=route)
    right = (state, route) in ((R, SECURED), (U, PLAIN))
    assert (bench.found() == set()) is right
    assert right or bench.found() & {"TDISP-ATS-001", "TDISP-DMA-008"}


@covers("TDISP-ATS-001", "TDISP-ATS-006")
def test_a_page_request_on_the_way_to_a_peer_is_found() -> None:
    bench = PageBench()
    bench.world.add_peer()
    bench.page(route=TO_PEER)
    assert "TDISP-ATS-001" in bench.found()


@covers("TDISP-ATS-001")
def test_a_device_that_does_not_offer_page_requests_sends_none() -> None:
    bench = PageBench(profile=DEFAULT_PROFILE)
    bench.page()
    assert bench.found()


@covers("TDISP-FSM-012")
@pytest.mark.parametrize("route", [SECURED, WITHOUT_T, PLAIN])
def test_a_response_without_t_or_by_another_way_is_an_error(route: Route) -> None:
    bench = PageBench()
    bench.page()
    bench.respond(route=route)
    assert bench.world.events == ([] if route == SECURED else [(1, ErrorCause.ATS)])
    bench.respond()
    bench.respond(route=route)
    assert len(bench.world.events) == (route != SECURED)
    assert bench.found() == set()


@covers("TDISP-FSM-012")
def test_a_response_on_another_stream_is_an_error() -> None:
    bench = PageBench()
    bench.world.add_peer()
    bench.page()
    bench.respond(route=Route(PEER_STREAM, True))
    assert bench.world.events == [(1, ErrorCause.ATS)]


@covers("TDISP-FSM-012", "TDISP-LOCK-021")
def test_responses_that_nobody_waits_for_are_discarded() -> None:
    bench = PageBench()
    bench.respond(route=WITHOUT_T)
    bench.page()
    bench.respond(index=2, route=WITHOUT_T)
    bench.respond(route=WITHOUT_T, target=VF + 1)
    bench.link.life_ended(bench.now, 1)
    bench.respond(route=WITHOUT_T)
    bench.page()
    bench.link.function_reset(bench.now, 1)
    bench.respond(route=PLAIN)
    assert bench.world.events == []
    assert bench.found() == set()


@covers("TDISP-FSM-012")
def test_outside_run_a_response_moves_nothing() -> None:
    bench = PageBench(U)
    bench.page()
    bench.respond(route=WITHOUT_T)
    assert bench.world.events == []


@covers("TDISP-ATS-001")
def test_a_group_keeps_its_way() -> None:
    bench = PageBench()
    bench.page(last=False)
    bench.page()
    assert bench.found() == set()
    bench.page(last=False)
    bench.page(route=WITHOUT_T)
    assert "TDISP-ATS-001" in bench.found()


# ---------------------------------------------------------------------- PASID


def with_pasid(info: InterfaceInfo) -> DeviceProfile:
    """A device that reports these kinds of DMA."""
    dsm = replace(project_dsm(DEFAULT_PROFILE.num_tdi), interface_info=info)
    return DeviceProfile(dsm_profile=dsm)


@covers("TDISP-DMA-007", "TDISP-RPT-011")
@pytest.mark.parametrize("prefixes", [(), (PASID,)])
@pytest.mark.parametrize(
    ("info", "bare", "prefixed"),
    [
        (InterfaceInfo.DMA_WITHOUT_PASID, True, False),
        (InterfaceInfo.DMA_WITH_PASID, False, True),
        (InterfaceInfo.DMA_WITH_PASID | InterfaceInfo.DMA_WITHOUT_PASID, True, True),
    ],
)
def test_requests_have_a_pasid_as_the_report_says(
    prefixes: tuple[bytes, ...], info: InterfaceInfo, bare: bool, prefixed: bool
) -> None:
    bench = AtsBench(U, with_pasid(info))
    bench.transfer()
    bench.from_device(replace(Tlp.mem_write(VF, BUFFER, DATA), prefixes=prefixes))
    right = prefixed if prefixes else bare
    assert bench.found() == (set() if right else {"TDISP-DMA-007", "TDISP-RPT-011"})
