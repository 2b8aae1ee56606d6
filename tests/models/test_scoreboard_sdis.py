# SPDX-License-Identifier: Apache-2.0
"""Requests of Scalable Device Interfaces before the scoreboard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.map import Bar0, Bar2, Control
from models.device.config import DeviceProfile
from models.pcie.rules import split_completions
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.scoreboard.link import LinkChecker
from tb.scoreboard.timeline import Track
from tb.scoreboard.world import PLAIN, FunctionView, Route
from tests.models.scoreboard_world import (
    BAR0,
    BAR2,
    HOST,
    PEER,
    PEER_STREAM,
    PF,
    SECURED,
    STREAM,
    TIMEOUT_NS,
    Bench,
)
from tests.plan import covers

BASE = 0x300
SDIS = DeviceProfile(sdis=True, pasid=True, sdi_pasid=BASE)
BUFFER = 0x8000_0000
VECTORS = 0xFEE0_0000
DATA = bytes(range(64))
WITHOUT_T = Route(STREAM, False)


def sdi(tdi: int) -> FunctionView:
    """What the link sees of an SDI, or of the function."""
    view = FunctionView(tdi, PF, True, True, True, BAR0, BAR2, True, pasid_enable=True)
    if tdi == 0:
        return replace(view, sdi_pasids=SDIS.sdi_pasids)
    bars = BAR0 + tdi * Bar0.SIZE, BAR2 + tdi * Bar2.SIZE
    return replace(view, bar0=bars[0], bar2=bars[1], pasid=SDIS.pasid_of(tdi))


class SdiBench(Bench):
    """The function, SDI 1 of a TVM in RUN and SDI 2 of a legacy VM."""

    def __init__(self) -> None:
        super().__init__(SDIS)
        world = self.world
        world.views += [replace(world.views[1], number=2)]
        world.tracks += [Track(TdiState.CONFIG_UNLOCKED)]
        world.msix_locked = lambda tdi: tdi == 1  # type: ignore[method-assign]
        self.link = LinkChecker(world, world, TIMEOUT_NS, SDIS)
        world.views[:] = [sdi(tdi) for tdi in range(3)]
        self.state(TdiState.RUN, 1)

    def transfer(
        self, tdi: int, control: Control = Control.WRITE_HOST, address: int = BUFFER
    ) -> None:
        """Software of a TDI starts a transfer."""
        view, route = self.world.views[tdi], SECURED if tdi == 1 else PLAIN
        self.write(view.bar0 + Bar0.MEMORY, DATA, route)
        self.start(view.bar0, address, len(DATA), control, route)

    def sends(self, pasid: int | None, route: Route, address: int = BUFFER) -> None:
        """The device writes with this PASID."""
        self.from_device(Tlp.mem_write(PF, address, DATA).with_pasid(pasid), route)


@covers("TDISP-DMA-007")
@pytest.mark.parametrize("tdi", [1, 2])
def test_an_sdi_sends_with_its_own_pasid(tdi: int) -> None:
    bench = SdiBench()
    route = SECURED if tdi == 1 else PLAIN
    bench.transfer(tdi)
    bench.sends(BASE + tdi, route)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-DMA-007")
@pytest.mark.parametrize("pasid", [None, 0, BASE, BASE + 2, BASE + 3])
@pytest.mark.parametrize("control", [Control.WRITE_HOST, Control.WRITE_HOST | Control.WITH_PASID])
def test_an_sdi_with_another_pasid_is_found(pasid: int | None, control: Control) -> None:
    bench = SdiBench()
    bench.transfer(1, control)
    bench.sends(pasid, SECURED)
    assert "TDISP-DMA-007" in bench.found()


@covers("TDISP-DMA-007")
def test_the_function_may_use_any_pasid_but_those_of_its_sdis() -> None:
    bench = SdiBench()
    bench.transfer(0)
    bench.sends(None, PLAIN)
    assert bench.found() == set()
    bench.transfer(0)
    bench.sends(BASE + 1, PLAIN)
    assert "TDISP-DMA-007" in bench.found()


@covers("TDISP-DMA-001", "TDISP-DMA-009")
@pytest.mark.parametrize("route", [PLAIN, WITHOUT_T])
def test_an_sdi_in_run_sends_nothing_by_the_way_of_its_neighbour(route: Route) -> None:
    bench = SdiBench()
    bench.transfer(1)
    bench.sends(BASE + 1, route)
    assert bench.found()


@covers("IDE-SEL-001")
@pytest.mark.parametrize("ats", [True, False])
@pytest.mark.parametrize("route", [PLAIN, Route(PEER_STREAM, False)])
def test_ats_of_the_function_chooses_the_stream_of_an_sdi(ats: bool, route: Route) -> None:
    bench = SdiBench()
    world = bench.world
    world.add_peer(bound=False)
    world.peers = [replace(block, tee_limited=False) for block in world.peers]
    world.views[0] = replace(world.views[0], ats_enable=ats)
    bench.transfer(2, address=PEER.base)
    bench.sends(BASE + 2, route, PEER.base)
    bench.finish()
    right = PLAIN if ats else Route(PEER_STREAM, False)
    assert (bench.found() == set()) is (route == right)


@covers("TDISP-INT-002", "TDISP-DMA-007")
def test_interrupts_of_sdis_have_no_pasid() -> None:
    bench = SdiBench()
    for tdi, route in ((2, PLAIN), (1, SECURED)):
        view = bench.world.views[tdi]
        bench.interrupts_on(view.bar2, VECTORS, 7, route)
        bench.transfer(tdi, Control.WRITE_HOST | Control.INTERRUPT)
        bench.sends(BASE + tdi, route)
    for route in (SECURED, PLAIN):
        bench.from_device(Tlp.mem_write(PF, VECTORS, (7).to_bytes(4, "little")), route)
    bench.finish()
    assert bench.found() == set()
    bench.from_device(Tlp.mem_write(PF, VECTORS, (7).to_bytes(4, "little")), PLAIN)
    assert bench.found()


@covers("TDISP-DMA-004")
def test_completions_find_the_sdi_that_has_asked() -> None:
    bench = SdiBench()
    for tdi, tag in ((1, 4), (2, 5)):
        bench.transfer(tdi, Control(0))
        route = SECURED if tdi == 1 else PLAIN
        read = Tlp.mem_read(PF, BUFFER, len(DATA), tag).with_pasid(BASE + tdi)
        bench.from_device(read, route)
        data = bytes([tdi]) * len(DATA)
        (completion,) = split_completions(HOST, read, data)
        bench.to_device(completion, route)
    for tdi in (1, 2):
        memory = bench.link.shadows[tdi].model.memory
        assert memory[: len(DATA)] == bytes([tdi]) * len(DATA)
    assert bench.found() == set()
