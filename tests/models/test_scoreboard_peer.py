# SPDX-License-Identifier: Apache-2.0
"""Streams to peers before the scoreboard: what leaves on them, and what is served on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.map import ID_VALUE, Bar0, Control
from models.pcie.codes import CplStatus
from models.pcie.rules import failed_completion, split_completions
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.scoreboard.world import Route
from tests.models.scoreboard_world import (
    PEER,
    PEER_RID,
    PEER_STREAM,
    SECURED,
    TO_PEER,
    VF,
    VF_BAR0,
    Bench,
)
from tests.plan import attack, covers

R = TdiState.RUN
DATA = bytes(range(1, 65))
ID = ID_VALUE.to_bytes(4, "little")


def transfer(*, bound: bool = True, address: int = PEER.base) -> Bench:
    """VF 1 in RUN, with a transfer of 64 bytes to `address` under way."""
    bench = Bench()
    bench.world.add_peer(bound=bound)
    bench.state(R)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA, SECURED)
    bench.start(VF_BAR0, address, 64, Control.WRITE_HOST, SECURED)
    return bench


@covers("TDISP-ATS-006", "TDISP-DMA-003")
@attack("ATT-24")
@pytest.mark.parametrize("bound", [True, False])
def test_untranslated_requests_go_upstream_wherever_they_aim(bound: bool) -> None:
    for route, right in ((SECURED, True), (TO_PEER, False)):
        bench = transfer(bound=bound)
        bench.from_device(Tlp.mem_write(VF, PEER.base, DATA), route)
        bench.finish()
        assert ("TDISP-ATS-006" not in bench.found()) is right, route
        assert (bench.found() == set()) is right, route


def read_of_the_peer(bench: Bench, route: Route, rid: int = PEER_RID) -> Tlp:
    """The peer reads a register of VF 1."""
    return bench.to_device(Tlp.mem_read(rid, VF_BAR0 + Bar0.REGISTERS, 4, 9), route)


@covers("TDISP-MMIO-001", "TDISP-MMIO-004", "TDISP-P2P-004")
@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("served", [True, False])
def test_a_peer_is_served_on_a_bound_stream_only(bound: bool, served: bool) -> None:
    bench = Bench()
    bench.world.add_peer(bound=bound)
    bench.state(R)
    request = read_of_the_peer(bench, TO_PEER)
    if served:
        (answer,) = split_completions(VF, request, ID)
    else:
        answer = failed_completion(VF, request, CplStatus.UR)
    bench.from_device(answer, TO_PEER)
    bench.finish()
    wrong = "TDISP-MMIO-001" if bound else "TDISP-MMIO-004"
    assert (bench.found() == set()) is (bound == served)
    assert bound == served or wrong in bench.found()


@covers("TDISP-MMIO-002", "IDE-SEL-004")
@pytest.mark.parametrize(("route", "rid"), [(Route(PEER_STREAM), PEER_RID), (TO_PEER, 0x0300)])
def test_without_t_or_with_a_foreign_requester_id_a_peer_is_served_nothing(
    route: Route, rid: int
) -> None:
    bench = Bench()
    bench.world.add_peer()
    bench.state(R)
    request = read_of_the_peer(bench, route, rid)
    (answer,) = split_completions(VF, request, ID)
    bench.from_device(replace(answer, requester_id=rid), route)
    assert bench.found() & {"TDISP-MMIO-002", "IDE-SEL-004"}
