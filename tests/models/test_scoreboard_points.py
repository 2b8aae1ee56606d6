# SPDX-License-Identifier: Apache-2.0
"""Which coverage points the scoreboard samples: who was hit, what decided, and what is certain."""

from __future__ import annotations

import asyncio

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Bar0
from models.device.config import DeviceProfile
from models.pcie.codes import INITIATE_FLR, CplStatus
from models.pcie.tlp import Tlp
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    LockInterfaceRequest,
    StartInterfaceRequest,
    StopInterfaceRequest,
)
from tb.scoreboard.world import PLAIN, Route
from tests.models.scoreboard_device import PF, STREAM, VF1, Bench, run
from tests.models.scoreboard_world import SECURED, VF
from tests.models.scoreboard_world import VF_BAR0 as LINK_BAR0
from tests.models.scoreboard_world import Bench as LinkBench
from tests.plan import covers

BUS_MASTER = 0x4
PASID = 0x300  # SDI n has PASID + n
ONLY_UPPER, ONLY_LOWER = 0xC, 0x3  # byte enables


def points(bench: Bench | LinkBench, group: str) -> set[tuple[str, ...]]:
    """What has been sampled so far; nothing was wrong."""
    assert bench.found() == set()
    source = bench.checker if isinstance(bench, Bench) else bench.link
    return {item.point for item in source.take_covered() if item.group == group}


def started() -> Bench:
    """VF 1 is in RUN, what was sampled on the way is thrown away."""
    bench = Bench()
    asyncio.run(bench.started())
    bench.checker.take_covered()
    return bench


@covers("TDISP-FSM-004", "TDISP-FSM-005")
@pytest.mark.parametrize(("rid", "whom"), [(VF1, "own"), (PF, "VF")])
def test_an_event_is_sampled_at_those_that_it_is_about(rid: int, whom: str) -> None:
    bench = started()
    bench.write(rid, Reg.DEVICE_CONTROL, INITIATE_FLR)
    assert ("FLR", whom, "RUN", "ERROR") in points(bench, "event")


@covers("TDISP-TRK-013", "TDISP-FSM-008")
def test_an_event_of_another_function_is_sampled_as_such() -> None:
    bench = started()
    bench.write(VF1 + 1, Reg.COMMAND, BUS_MASTER)
    bench.write(VF1 + 1, Reg.DEVICE_CONTROL, INITIATE_FLR)
    items = bench.checker.take_covered()
    found = {item.point for item in items if item.group in ("event", "register")}
    assert ("COMMAND", "BUS_MASTER_ENABLE set", "other", "RUN", "RUN") in found
    assert ("FLR", "other", "RUN", "RUN") in found


@covers("TDISP-TRK-002", "TDISP-TRK-014")
@pytest.mark.parametrize(
    ("data", "enables", "change", "after"),
    [
        (0, ONLY_LOWER, "BUS_MASTER_ENABLE cleared", "ERROR"),
        (0, ONLY_UPPER, "other bytes", "RUN"),
        (BUS_MASTER, ONLY_LOWER, "same value", "RUN"),
    ],
)
def test_a_write_is_sampled_by_what_it_changes(
    data: int, enables: int, change: str, after: str
) -> None:
    bench = started()
    bench.write(VF1, Reg.COMMAND, data, enables)
    assert ("COMMAND", change, "own", "RUN", after) in points(bench, "register")


@covers("TDISP-START-003", "TDISP-START-004", "TDISP-LOCK-002")
def test_nonces_and_refusals_are_sampled_by_their_reason() -> None:
    bench = Bench()

    async def life() -> None:
        bench.configure()
        session = await bench.session()
        await bench.keys(session)
        wrong = LockInterfaceRequest(interface=InterfaceId.of(VF1), default_stream_id=STREAM + 1)
        await bench.tdisp(session, wrong)
        old = await bench.lock(session)
        await bench.stop(session)
        new = await bench.lock(session)
        await bench.start(session, old)
        await bench.start(session, new)
        await bench.start(session, new)

    run(life())
    items = bench.checker.take_covered()
    assert {item.point for item in items if item.group == "nonce"} == {
        ("of an old lock", "CONFIG_LOCKED", "INVALID_NONCE"),
        ("its own", "CONFIG_LOCKED", "none"),
        ("of an old lock", "RUN", "INVALID_INTERFACE_STATE"),
    }
    refusals = {item.point[1:] for item in items if item.group == "refusal"}
    assert ("TDISP-LOCK-002", "INVALID_REQUEST") in refusals
    assert ("TDISP-START-002", "INVALID_NONCE") in refusals


@covers("TDISP-RPT-002", "TDISP-RPT-003")
@pytest.mark.parametrize(
    ("offset", "length", "point"),
    [
        (0, 0xFFFF, ("0", "everything", "to the end")),
        (0, 16, ("0", "part", "portion")),
        (16, 16, ("inside", "part", "portion")),
        (16, 0x1000, ("inside", "more", "to the end")),
        (0x8000, 1, ("beyond", "more", "INVALID_REQUEST")),
    ],
)
def test_reports_are_sampled_by_place_and_size(
    offset: int, length: int, point: tuple[str, ...]
) -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        bench.checker.take_covered()
        request = GetDeviceInterfaceReport(
            interface=InterfaceId.of(VF1), offset=offset, length=length
        )
        await bench.tdisp(session, request)

    run(life())
    assert points(bench, "report") == {("RUN", *point)}


@covers("TDISP-HDR-005", "TDISP-HDR-007", "TDISP-FSM-005")
def test_sdis_are_sampled_by_their_names_and_with_their_function() -> None:
    bench = Bench(DeviceProfile(sdis=True, pasid=True, sdi_pasid=PASID))
    sdi, nobody = InterfaceId.of(PF, pasid=PASID + 1), InterfaceId.of(PF, pasid=PASID)

    async def life() -> None:
        bench.configure()
        session = await bench.session()
        await bench.keys(session)
        await bench.tdisp(session, LockInterfaceRequest(interface=sdi, default_stream_id=STREAM))
        for name in (sdi, nobody, InterfaceId.of(PF), InterfaceId.of(VF1)):
            await bench.tdisp(session, GetDeviceInterfaceState(interface=name))
        bench.write(PF, Reg.DEVICE_CONTROL, INITIATE_FLR)

    run(life())
    items = bench.checker.take_covered()
    assert {item.point for item in items if item.group == "name"} == {
        (name, answer)
        for name in ("an SDI", "a function")
        for answer in ("taken", "INVALID_INTERFACE")
    }
    events = {item.point for item in items if item.group == "event"}
    assert ("FLR", "SDI", "CONFIG_LOCKED", "ERROR") in events
    assert ("FLR", "own", "CONFIG_UNLOCKED", "CONFIG_UNLOCKED") in events


@covers("TDISP-LOCK-028", "TDISP-START-007")
def test_an_event_while_a_request_is_under_way_is_sampled_as_a_race() -> None:
    bench = Bench()

    def disturb(answer: bytes) -> bytes:
        bench.pins()  # RUN shows
        bench.write(VF1, Reg.DEVICE_CONTROL, INITIATE_FLR)
        return answer

    async def life() -> None:
        bench.configure()
        session = await bench.session()
        await bench.keys(session)
        nonce = await bench.lock(session)
        bench.alter = disturb
        await bench.start(session, nonce)

    run(life())
    races = points(bench, "race")
    assert {(race[0], race[1], race[3]) for race in races} == {
        ("START_INTERFACE_REQUEST", "FLR", "ERROR")
    }


@covers("TDISP-FSM-004")
def test_functions_of_a_whole_device_are_sampled_as_its_tdi() -> None:
    bench = Bench(DeviceProfile(whole_device=True))
    name = InterfaceId.of(PF)

    async def life() -> None:
        bench.configure()
        session: SecureSession = await bench.session()
        await bench.keys(session)
        await bench.tdisp(session, LockInterfaceRequest(interface=name, default_stream_id=STREAM))
        bench.write(VF1, Reg.DEVICE_CONTROL, INITIATE_FLR)
        await bench.tdisp(session, StopInterfaceRequest(interface=name))
        await bench.tdisp(session, StartInterfaceRequest(interface=name, nonce=bytes(32)))

    run(life())
    events = points(bench, "event")
    assert ("FLR", "own", "CONFIG_LOCKED", "ERROR") in events
    assert ("STOP_INTERFACE_REQUEST", "own", "ERROR", "CONFIG_UNLOCKED") in events


@covers("TDISP-MMIO-001", "TDISP-MMIO-003")
def test_an_access_is_sampled_by_what_decided_about_it() -> None:
    bench = LinkBench()
    bench.state(TdiState.RUN)
    bench.write(LINK_BAR0 + Bar0.MEMORY, bytes(4), SECURED)
    bench.write(LINK_BAR0 + Bar0.MEMORY, bytes(4))
    assert points(bench, "mmio") == {
        ("RUN", "T1", "bound", "memory", "pass"),
        ("RUN", "T0", "plain", "memory", "reject"),
    }


@covers("TDISP-MMIO-001")
@pytest.mark.parametrize("access", ["read", "write"])
@pytest.mark.parametrize("route", [SECURED, PLAIN])  # PLAIN: refused in either state
def test_an_access_that_races_with_a_change_of_state_is_no_point(access: str, route: Route) -> None:
    bench = LinkBench()
    bench.state(TdiState.RUN)
    bench.world.tracks[1].reference.change(bench.now, TdiState.ERROR)
    address = LINK_BAR0 + Bar0.MEMORY
    if access == "read":
        request = bench.read(address, route)
        bench.from_device(Tlp.cpl(VF, request, CplStatus.UR), route)
    else:
        bench.write(address, bytes(4), route)
    assert {item.group for item in bench.link.take_covered()}.isdisjoint({"mmio", "access"})
    assert bench.found() == set()
