# SPDX-License-Identifier: Apache-2.0
"""What waits for a host that takes nothing is judged by the time at which it was made."""

from __future__ import annotations

import pytest

from models.app.map import Bar0, Control
from models.pcie.codes import CplStatus
from models.pcie.rules import failed_completion
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.scoreboard.stalls import Stalls
from tb.scoreboard.timeline import RACE_NS
from tests.models.scoreboard_world import SECURED, VF, VF_BAR0, Bench
from tests.plan import covers

DATA = bytes(range(1, 65))
BUFFER = 0x8000_0000
LONG = 20 * RACE_NS
SOON, LATE = 1.5 * RACE_NS, 3 * RACE_NS  # after the stall


@covers("TDISP-FSM-017")
def test_a_stall_reaches_back_to_its_beginning_until_all_that_waited_has_left() -> None:
    stalls = Stalls()
    assert stalls.made_since(5000) == 5000 - RACE_NS
    stalls.begin(10_000)
    assert stalls.made_since(9000) == 9000 - RACE_NS
    assert stalls.made_since(10_000 + LONG) == 10_000 - RACE_NS
    stalls.end(10_000 + LONG)
    assert stalls.made_since(10_000 + LONG + SOON) == 10_000 - RACE_NS
    assert stalls.made_since(10_000 + LONG + LATE) == 10_000 + LONG + LATE - RACE_NS


def _stalled_while_it_dies(after: float) -> Bench:
    """VF1 has a transfer and a read in work when the host stops taking; then comes an ERROR."""
    bench = Bench()
    bench.state(TdiState.RUN)
    bench.write(VF_BAR0 + Bar0.MEMORY, DATA, SECURED)
    bench.start(VF_BAR0, BUFFER, len(DATA), Control.WRITE_HOST, SECURED)
    bench.world.stalls.begin(bench.now)
    bench.now += LONG
    bench.state(TdiState.ERROR)
    bench.link.shadows[1].abort(bench.now)
    bench.now += LONG
    bench.world.stalls.end(bench.now)
    bench.now += after
    return bench


@covers("TDISP-DMA-001", "TDISP-FSM-017")
@pytest.mark.parametrize(("after", "excused"), [(SOON, True), (LATE, False)])
def test_a_request_that_waited_belongs_to_run(after: float, excused: bool) -> None:
    bench = _stalled_while_it_dies(after)
    bench.from_device(Tlp.mem_write(VF, BUFFER, DATA), SECURED)
    assert (bench.found() == set()) is excused


@covers("TDISP-DMA-009")
def test_a_request_that_waited_has_not_become_plain() -> None:
    bench = _stalled_while_it_dies(SOON)
    bench.from_device(Tlp.mem_write(VF, BUFFER, DATA))
    assert bench.found()


@covers("TDISP-MMIO-003")
def test_a_read_that_waited_for_others_may_be_decided_after_the_error() -> None:
    bench = Bench()
    bench.state(TdiState.RUN)
    bench.world.stalls.begin(bench.now)
    request = bench.read(VF_BAR0, SECURED)
    bench.now += LONG
    bench.state(TdiState.ERROR)
    bench.now += LONG
    bench.world.stalls.end(bench.now)
    bench.from_device(failed_completion(VF, request, CplStatus.UR), SECURED)
    assert bench.found() == set()
