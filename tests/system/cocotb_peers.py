# SPDX-License-Identifier: Apache-2.0
"""Translated requests to a peer: around the host only by a bound stream, and as the lock says."""

from __future__ import annotations

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import Control, Status
from models.host.memory import Region
from models.host.translation import Mapping
from models.pcie.ats import Span
from models.pcie.layout import PAGE
from models.tdisp.codes import LockFlags
from tb.host.route import Route
from tb.scenario import OTHER_STREAM, PEER_MEMORY, PEER_RID, TVM, TVM_MEMORY
from tests.system.cocotb_optional import PEER, SIZE, TRUSTED, Optional, accepted, finished, start
from tests.system.cocotb_transitions import QUIET

VIRTUAL = 0x6000_0000  # untranslated addresses of the victim
METADATA = 1 << 40  # a bit that no address of the peer has
MARKED = Region(PEER_MEMORY.base | METADATA, PEER_MEMORY.size, TVM)
PEER_PAGE, OWN_PAGE, MARKED_PAGE = range(3)
TARGETS = {
    PEER_PAGE: PEER_MEMORY.base,
    OWN_PAGE: TVM_MEMORY.base,
    MARKED_PAGE: MARKED.base,
}
BINDS, REDIRECTED = LockFlags.BIND_P2P, LockFlags.BIND_P2P | LockFlags.ALL_REQUEST_REDIRECT


@pyuvm.test()
class TranslatedRequestsReachABoundPeer(Optional):
    """Bound or not, redirected or not, with metadata that the mask strips and without."""

    async def run_table(self) -> None:
        kit, victim = self.kit, self.victim
        kit.host.inbound.peers[OTHER_STREAM] = PEER_RID
        for region in (PEER_MEMORY, MARKED):
            kit.memory.add(region)
        agent, rid = kit.host.inbound.translation, kit.function(victim).rid
        for page, target in TARGETS.items():
            agent.map(rid, Mapping(Span(VIRTUAL + page * PAGE), target))
        await kit.reach_peer(self.session, victim)
        for flags, mask, direct in (
            (BINDS, 0, {PEER_PAGE}),
            (BINDS, METADATA, {PEER_PAGE, MARKED_PAGE}),
            (REDIRECTED, METADATA, set()),
        ):
            tdi = await kit.lock(self.session, victim, flags, p2p_address_mask=mask)
            await kit.start(self.session, tdi)
            await self._sent(set(), "not bound", [PEER_PAGE])
            accepted(await kit.bind(self.session, victim))
            await self._sent(direct, f"bound, {flags!r}, mask {mask:x}", list(TARGETS))
            accepted(await kit.unbind(self.session, victim))
            await self._sent(set(), "unbound", [PEER_PAGE])
            await kit.stop(self.session, victim)

    async def _sent(self, direct: set[int], what: str, pages: list[int]) -> None:
        """Requests for pages in `direct` leave on the peer's stream; all others go upstream."""
        for page in pages:
            for control in (Control.WRITE_HOST, Control(0)):
                data = await self.fill(self.victim)
                route = await self._move(page, control)
                assert route == (PEER if page in direct else TRUSTED), f"{what}, page {page}"
                if control:
                    assert self.kit.memory.read(TARGETS[page], SIZE) == data, f"{what}, page {page}"

    async def _move(self, page: int, control: Control) -> Route:
        """One transfer by translated addresses; the way that its requests came."""
        inbound = self.kit.host.inbound
        inbound.served.clear()
        await start(self, control | Control.TRANSLATE, VIRTUAL + page * PAGE, SIZE)
        assert await finished(self) == Status.DONE
        await ClockCycles(self.adapter.clk, QUIET // 3)
        assert not inbound.refused
        (route,) = {request.route for request in inbound.served}
        return route
