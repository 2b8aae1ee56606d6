# SPDX-License-Identifier: Apache-2.0
"""ATT-11: a function sends requests in the name of another one.

The attack runs on a device whose function is hostile: its engines put the Requester ID of another
function into their requests, each of its partner: VF1 and VF2, the physical function and VF3. The
host tells TDIs apart by that ID alone, so the filter may not let one such request out.
"""

from __future__ import annotations

import pyuvm

from models.app.map import Status
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY, LEGACY_MEMORY, TVM_MEMORY
from tests.attack.attack_test import LEGACY_VF, TRUSTED, VICTIM, AttackTest

SIZE = 256
FUNCTIONS = {VICTIM: TRUSTED, LEGACY_VF: PLAIN, 3: PLAIN, 0: PLAIN}  # and how they are programmed


class Engines(AttackTest):
    """Lets the engine of each function transfer in both directions."""

    honest = True

    async def prepare(self) -> None:
        await super().prepare()
        self.host.inbound.check.assign(LEGACY, self.function(0).rid)
        self.theirs = self.rng.randbytes(SIZE)

    async def transfer(self, index: int, to_host: bool) -> tuple[Status, list[Tlp]]:
        """One transfer: its status, and the memory requests on the link."""
        route = FUNCTIONS[index]
        base = TVM_MEMORY.base if route == TRUSTED else LEGACY_MEMORY.base
        since = self.mark()
        await self.program_dma(index, to_host, base + (SIZE if to_host else 0), SIZE, route)
        if not self.honest:
            await self.quiet(100)
            self.env.scoreboard.transfer_may_fail(index)
        status = await self.dma_status(index, route)
        await self.quiet()
        return status, self.requests(since)

    def requests(self, since: int) -> list[Tlp]:
        """Memory requests of the device after the mark."""
        sent = [Tlp.decode(r.plain) for r in self.from_device(since) if r.plain is not None]
        return [tlp for tlp in sent if tlp.fmt_type in MEMORY_REQUESTS]

    def fill(self) -> None:
        """What the host's memory holds before a transfer."""
        for base in (TVM_MEMORY.base, LEGACY_MEMORY.base):
            self.host.memory.write(base, self.theirs + bytes(SIZE))

    async def shown(self, index: int, route: Route) -> bytes:
        """The start of a function's memory."""
        return (await self.host.mem_read(self.memory(index), SIZE, route)).data


@pyuvm.test()
class SpoofedRequestsAreDropped(Engines):
    """Nothing leaves, nothing is read or written; the transfer ends with an error."""

    honest = False

    async def attack(self) -> None:
        for index, route in FUNCTIONS.items():
            for to_host in (True, False):
                self.fill()
                what, before = f"VF{index}, to host: {to_host}", await self.shown(index, route)
                status, sent = await self.transfer(index, to_host)
                assert not sent, f"{what}: {sent[0]}"
                assert status & Status.ERROR, f"{what}: {status!r}"
                assert await self.shown(index, route) == before, what
                for base in (TVM_MEMORY.base, LEGACY_MEMORY.base):
                    assert self.host.memory.read(base, 2 * SIZE) == self.theirs + bytes(SIZE), what
        self.assert_states(TdiState.RUN, "spoofed")
        self.assert_no_leak()


@pyuvm.test()
class HonestRequestsPass(Engines):
    """The same transfers of an honest function: each in its own name, to the byte."""

    async def attack(self) -> None:
        for index, route in FUNCTIONS.items():
            self.fill()
            base = TVM_MEMORY.base if route == TRUSTED else LEGACY_MEMORY.base
            for to_host in (False, True):
                status, sent = await self.transfer(index, to_host)
                assert status == Status.DONE, f"VF{index}: {status!r}"
                assert {tlp.requester_id for tlp in sent} == {self.function(index).rid}
            assert await self.shown(index, route) == self.theirs
            assert self.host.memory.read(base + SIZE, SIZE) == self.theirs, f"VF{index}"
        self.assert_states(TdiState.RUN, "honest")
