# SPDX-License-Identifier: Apache-2.0
"""Page Requests and PASIDs before the scoreboard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.map import Control, Register
from models.device.config import DEFAULT_PROFILE, DeviceProfile, project_dsm
from models.pcie.pri import PageRequest, PageResponse, ResponseCode
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, InterfaceInfo, TdiState
from tb.scoreboard.world import PLAIN, Route
from tests.models.scoreboard_ats import BUFFER, DATA, AtsBench
from tests.models.scoreboard_world import (
    HOST,
    PEER_STREAM,
    SECURED,
    STREAM,
    TO_PEER,
    VF,
    VF_BAR0,
    VF_BAR2,
)
from tests.plan import covers

U, L, R, E = TdiState
WITHOUT_T = Route(STREAM, False)
OFFERED = DeviceProfile(pri=True)


class PageBench(AtsBench):
    """VF 1 asks for pages."""

    def __init__(self, state: TdiState = R, profile: DeviceProfile = OFFERED) -> None:
        super().__init__(state, profile)
        self.world.views[1] = replace(self.world.views[1], pri_enable=True, pri_allocation=4)

    def want(self, page: int = BUFFER, control: Control = Control.WRITE_HOST) -> None:
        """Software asks for a page."""
        values = {
            Register.HOST_ADDRESS_LOW: page & 0xFFFFFFFF,
            Register.HOST_ADDRESS_HIGH: page >> 32,
            Register.PAGE_REQUEST: int(Control.START | control),
        }
        for register, value in values.items():
            self.write(VF_BAR0 + register, value.to_bytes(4, "little"), self.route)

    def page(self, index: int = 1, route: Route | None = None, *, last: bool = True) -> None:
        """The device sends a Page Request, for which its software has asked."""
        self.want()
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


@covers("TDISP-ATS-001", "TDISP-DMA-007")
@pytest.mark.parametrize(
    ("request_", "pasid", "right"),
    [
        (PageRequest(VF, BUFFER, 1), None, True),
        (PageRequest(VF, BUFFER, 1), 7, False),
        (PageRequest(VF, BUFFER + 0x1000, 1), None, False),
        (PageRequest(VF, BUFFER, 1, write=False), None, False),
        (PageRequest(VF, BUFFER, 1, read=False), None, False),
    ],
)
def test_a_page_that_software_has_not_asked_for_is_found(
    request_: PageRequest, pasid: int | None, right: bool
) -> None:
    bench = PageBench()
    bench.change_view(1, pasid_enable=True)
    bench.want()
    bench.from_device(request_.tlp().with_pasid(pasid), bench.route)
    assert (bench.found() == set()) is right


@covers("TDISP-ATS-001", "TDISP-TRK-008")
def test_no_more_page_requests_are_out_than_the_host_allots() -> None:
    bench = PageBench()
    for index in range(4):
        bench.page(index)
    assert bench.found() == set()
    bench.respond(0)
    bench.page(0)
    assert bench.found() == set()
    bench.page(5)
    assert bench.found() == {"TDISP-ATS-001", "TDISP-TRK-008"}


@covers("TDISP-ATS-001", "TDISP-TRK-008")
@pytest.mark.parametrize(("late", "right"), [(0, True), (100_000, False)])
def test_a_disabled_interface_sends_no_page_requests(late: int, right: bool) -> None:
    bench = PageBench()
    bench.want()
    bench.link.pages.limited(bench.now + 300, bench.world.views[1])
    bench.change_view(1, pri_enable=False)
    bench.now += late
    bench.from_device(PageRequest(VF, BUFFER, 1).tlp(), bench.route)
    assert (bench.found() == set()) is right


# ---------------------------------------------------------------------- PASID


def with_pasid(info: InterfaceInfo) -> DeviceProfile:
    """A device that reports these kinds of DMA."""
    dsm = replace(project_dsm(DEFAULT_PROFILE.num_tdi), interface_info=info)
    return DeviceProfile(dsm_profile=dsm)


class PasidBench(AtsBench):
    """VF 1 of a device with PASIDs, not locked."""

    def __init__(self, profile: DeviceProfile = DEFAULT_PROFILE, *, enabled: bool = True) -> None:
        super().__init__(U, profile)
        self.change_view(1, pasid_enable=enabled)

    def transfer_in(self, pasid: int | None, control: Control = Control.WRITE_HOST) -> None:
        """Software starts a transfer, with a PASID or without."""
        if pasid is not None:
            self.write(VF_BAR0 + Register.PASID, pasid.to_bytes(4, "little"))
            control |= Control.WITH_PASID
        self.transfer(control)

    def send_in(self, pasid: int | None) -> None:
        """The device writes all of it."""
        self.from_device(Tlp.mem_write(VF, BUFFER, DATA).with_pasid(pasid))


@covers("TDISP-DMA-007", "TDISP-RPT-011")
@pytest.mark.parametrize("pasid", [None, 7])
@pytest.mark.parametrize(
    ("info", "bare", "prefixed"),
    [
        (InterfaceInfo.DMA_WITHOUT_PASID, True, False),
        (InterfaceInfo.DMA_WITH_PASID, False, True),
        (InterfaceInfo.DMA_WITH_PASID | InterfaceInfo.DMA_WITHOUT_PASID, True, True),
    ],
)
def test_requests_have_a_pasid_as_the_report_says(
    pasid: int | None, info: InterfaceInfo, bare: bool, prefixed: bool
) -> None:
    bench = PasidBench(with_pasid(info), enabled=False)
    bench.transfer_in(pasid)
    bench.send_in(pasid)
    right = bare if pasid is None else prefixed
    assert bench.found() == (set() if right else {"TDISP-DMA-007", "TDISP-RPT-011"})


@covers("TDISP-DMA-007")
@pytest.mark.parametrize(
    ("wanted", "sent", "right"),
    [(7, 7, True), (7, 8, False), (7, None, False), (None, 7, False), (None, None, True)],
)
def test_requests_have_the_pasid_that_software_chose(
    wanted: int | None, sent: int | None, right: bool
) -> None:
    bench = PasidBench()
    bench.transfer_in(wanted)
    bench.send_in(sent)
    assert ("TDISP-DMA-007" in bench.found()) is not right


@covers("TDISP-DMA-007", "TDISP-ATS-004")
def test_a_pasid_asks_for_neither_execution_nor_privileges() -> None:
    bench = PasidBench()
    bench.transfer_in(7)
    prefix = bytes.fromhex("91400007")
    bench.from_device(replace(Tlp.mem_write(VF, BUFFER, DATA), prefixes=(prefix,)))
    assert bench.found() == {"TDISP-DMA-007", "TDISP-RPT-011"}


@covers("TDISP-DMA-007", "TDISP-TRK-008")
def test_a_pasid_needs_its_enable_but_for_what_is_on_its_way() -> None:
    for late, right in ((0, True), (100_000, False)):
        bench = PasidBench()
        bench.transfer_in(7)
        bench.change_view(1, pasid_enable=False)
        bench.link.way.pasid_cleared(bench.now + 100)
        bench.now += late
        bench.send_in(7)
        assert (bench.found() == set()) is right


@covers("TDISP-DMA-007")
def test_a_transfer_without_its_enable_need_not_come_to_its_end() -> None:
    for enabled in (False, True):
        bench = PasidBench(enabled=enabled)
        bench.transfer_in(7)
        bench.finish()
        assert bool(bench.found()) is enabled


@covers("TDISP-DMA-007")
def test_an_interrupt_with_a_pasid_is_found() -> None:
    for pasid in (None, 7):
        bench = PasidBench()
        bench.interrupts_on(VF_BAR2, 0xFEE0_0000, 1)
        bench.transfer_in(7, Control.WRITE_HOST | Control.INTERRUPT)
        bench.send_in(7)
        bench.from_device(Tlp.mem_write(VF, 0xFEE0_0000, bytes((1, 0, 0, 0))).with_pasid(pasid))
        assert bool(bench.found()) is (pasid is not None)
