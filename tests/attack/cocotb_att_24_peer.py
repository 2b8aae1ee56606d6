# SPDX-License-Identifier: Apache-2.0
"""ATT-24: requests between devices, or between functions, that pass the host by.

A second Secure stream, which no TDI has bound, claims the addresses that the TVM works with, as a
peer's would. Nothing of the TVM may leave on it, nothing that comes on it may be served, and a
function that aims at memory of its neighbour goes up to the host like everybody else. Once a TDI
has bound the stream, the peer reaches this TDI, and nobody else reaches anything by it.
"""

from __future__ import annotations

from dataclasses import replace

import pyuvm

from models.app.map import Status
from models.pcie.codes import CplStatus, SelectiveBlock
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import LockFlags, Request, TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.scenario import (
    LEGACY_MEMORY,
    OTHER_STREAM,
    PEER_MEMORY,
    PEER_RID,
    STREAM_BLOCKS,
    TVM_MEMORY,
)
from tests.attack.attack_test import (
    FOREIGN,
    FOREIGN_WITHOUT_T,
    LEGACY_DATA,
    LEGACY_VF,
    TRUSTED,
    VICTIM,
    AttackTest,
)

BYSTANDER = 3
BINDS = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE | LockFlags.BIND_P2P
SIZE = 128
TRANSLATED = 2
MIB = 20  # bits of an address that an association does not look at
VALID = 1
ALTERED = bytes(range(0x40, 0x80))


class Peers(AttackTest):
    """VF1 in RUN on the default stream; the other stream claims all addresses below 4 GiB."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        await self.claim(0, 0xFFF)
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        await self.use_other_stream()
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.kit.start(self.session, self.tdi)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")
        await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")

    async def claim(self, base: int, limit: int) -> None:
        """Address association of the other stream, in MiB."""
        at = await self.kit.vmm.selective_block(STREAM_BLOCKS[OTHER_STREAM])
        low = VALID | (base & 0xFFF) << 8 | (limit & 0xFFF) << 20
        for register, value in (
            (SelectiveBlock.ADDRESS_ASSOCIATION_1, low),
            (SelectiveBlock.ADDRESS_ASSOCIATION_2, limit >> 12),
            (SelectiveBlock.ADDRESS_ASSOCIATION_3, base >> 12),
        ):
            await self.host.config_write(self.host.pf_rid, at + register, value)

    def requests(self, since: int) -> list[tuple[Tlp, Route]]:
        """Memory requests of the device after the mark, and how they came."""
        found = []
        for record in self.from_device(since):
            assert record.plain is not None, record.summary()
            tlp = Tlp.decode(record.plain)
            if tlp.fmt_type in MEMORY_REQUESTS:
                prefix = record.prefix
                found.append((tlp, PLAIN if prefix is None else Route(prefix.stream_id, prefix.t)))
        return found

    async def transfer(self, index: int, to_host: bool, address: int) -> None:
        """One transfer; its requests leave for `address` by the function's own way only."""
        route = TRUSTED if index == VICTIM else PLAIN
        since, what = self.mark(), f"VF{index} to {address:#x}"
        await self.program_dma(index, to_host, address, SIZE, route)
        status = await self.dma_status(index, route)
        assert status & Status.DONE, f"{what}: {status!r}"
        await self.quiet()
        sent = self.requests(since)
        assert sent, what
        assert {way for _, way in sent} == {route}, f"{what}: {sent}"
        assert {tlp.address & -SIZE for tlp, _ in sent} == {address}, what

    async def legacy_holds(self, what: str) -> None:
        """The legacy VM's memory in VF2 is what it wrote."""
        await self.assert_legacy_untouched(what)
        assert self.secure(OTHER_STREAM), what


@pyuvm.test()
class NothingPassesTheHostBy(Peers):
    """Whatever it aims at, a TDI without a bound peer sends on the default stream only."""

    async def attack(self) -> None:
        await self._own_requests("at first")
        await self._bind()
        await self._own_requests("after BIND was refused")
        await self.claim(TVM_MEMORY.base >> MIB, TVM_MEMORY.base >> MIB)
        self.assert_states(TdiState.RUN, "registers of a stream that is not bound")
        await self._own_requests("after the association moved")
        await self._neighbours()
        await self._requests_of_a_peer()
        self.assert_states(TdiState.RUN, "peers")
        await self.assert_served("peers")
        self.assert_no_leak()

    async def _own_requests(self, what: str) -> None:
        self.host.memory.write(TVM_MEMORY.base, self.secret + self.secret)
        await self.transfer(VICTIM, False, TVM_MEMORY.base)
        await self.transfer(VICTIM, True, TVM_MEMORY.base + SIZE)
        assert self.host.memory.read(TVM_MEMORY.base + SIZE, SIZE) == 2 * self.secret, what

    async def _bind(self) -> None:
        """LOCK did not allow it, and the association is not of this TDI."""
        for request in (Request.BIND_P2P_STREAM_REQUEST, Request.UNBIND_P2P_STREAM_REQUEST):
            answer = await self.kit.tdisp(self.session, request, VICTIM, bytes([OTHER_STREAM]))
            assert answer is not None
            assert answer.error is not None, f"{request.name}: {answer}"
        self.assert_states(TdiState.RUN, "BIND refused")

    async def _neighbours(self) -> None:
        """Memory pages of the device as targets: the requests go up, and no page is written."""
        inbound = self.host.inbound
        for index, target in ((VICTIM, LEGACY_VF), (VICTIM, VICTIM), (LEGACY_VF, VICTIM)):
            inbound.refused.clear()
            await self.transfer(index, True, self.memory(target))
            assert inbound.refused, f"VF{index} to VF{target}: the host has seen nothing"
            await self.legacy_holds(f"VF{index} to VF{target}")
            await self.assert_served(f"VF{index} to VF{target}")

    async def _requests_of_a_peer(self) -> None:
        """On the stream that claims the addresses, translated or not, with any Requester ID."""
        for route in (FOREIGN, FOREIGN_WITHOUT_T):
            for rid in (HOST_RID, PEER_RID):
                for at in (0, TRANSLATED):
                    what = f"peer {rid:04x}, AT = {at}, {route}"
                    read = Tlp.mem_read(rid, self.memory(), 64, self.host.new_tag())
                    result = await self.host.request(replace(read, at=at), route)
                    assert (result.status, result.data) == (CplStatus.UR, b""), f"{what}: {result}"
                    write = Tlp.mem_write(rid, self.memory(), ALTERED)
                    await self.host.send(replace(write, at=at), route)
                    await self.quiet(200)
                    await self.assert_served(what)


@pyuvm.test()
class RequestsOfAllGoUpstream(Peers):
    """The TVM by the default stream, the legacy VM in clear: both get what they ask for."""

    async def attack(self) -> None:
        data = self.rng.randbytes(SIZE)
        for index, route, base in (
            (VICTIM, TRUSTED, TVM_MEMORY.base),
            (LEGACY_VF, PLAIN, LEGACY_MEMORY.base),
        ):
            self.host.memory.write(base, data)
            await self.transfer(index, False, base)
            result = await self.host.mem_read(self.memory(index), SIZE, route)
            assert result.data == data, f"VF{index}"
            await self.transfer(index, True, base + SIZE)
            assert self.host.memory.read(base + SIZE, SIZE) == data, f"VF{index}"
        result = await self.host.mem_read(
            self.memory(LEGACY_VF), SIZE, FOREIGN_WITHOUT_T, "by the other stream"
        )
        assert (result.status, result.data) == (CplStatus.SC, data)
        assert not self.host.inbound.refused
        self.assert_states(TdiState.RUN, "upstream")


class Bound(Peers):
    """VF1 may bind the stream of a peer; VF3 is in RUN as well, and binds nothing."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        await self.reach_peer()
        await self.start_again()
        tdi = await self.kit.lock(self.session, BYSTANDER)
        await self.kit.start(self.session, tdi)
        await self.host.mem_write(self.memory(BYSTANDER), self.secret, TRUSTED, "TVM")
        await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")

    async def reach_peer(self) -> None:
        """The TVM's session keys the stream to the peer."""
        await self.kit.reach_peer(self.session, VICTIM)

    async def start_again(self) -> None:
        """VF1 in RUN, with leave to bind."""
        self.tdi = await self.kit.lock(self.session, VICTIM, BINDS)
        await self.kit.start(self.session, self.tdi)
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")

    async def bind(self) -> bool:
        """BIND_P2P_STREAM in the session of the lock; whether it succeeds."""
        answer = await self.kit.bind(self.session, VICTIM)
        assert answer is not None
        return answer.error is None

    async def peer_gets(
        self, index: int, route: Route = FOREIGN, rid: int = PEER_RID, at: int = 0
    ) -> bytes:
        """What a read of a memory page gets on the peer's stream."""
        read = Tlp.mem_read(rid, self.memory(index), 64, self.host.new_tag())
        result = await self.host.request(replace(read, at=at), route)
        assert result.status in (CplStatus.SC, CplStatus.UR), result
        return result.data

    def both_run(self) -> bool:
        """Neither VF1 nor VF3 has moved."""
        return {self.state(VICTIM), self.state(BYSTANDER)} == {TdiState.RUN}


@pyuvm.test()
class OnlyTheBoundPeerIsServed(Bound):
    """Another session's stream, other TDIs, other requesters, and addresses that move."""

    async def reach_peer(self) -> None:
        """The VMM keys the stream itself, and takes the part of the peer."""
        self.other = await self.kit.open_session()
        await self.kit.reach_peer(self.other, VICTIM)

    async def attack(self) -> None:
        assert self.secure(OTHER_STREAM)
        assert not await self.bind(), "keys of another session"
        assert not await self.peer_gets(VICTIM), "a stream that is not bound"
        await self._take_the_stream_over()
        assert await self.bind()
        await self._others_on_the_stream()
        await self.transfer(VICTIM, True, PEER_MEMORY.base)
        await self.transfer(VICTIM, True, TVM_MEMORY.base + SIZE)
        assert self.both_run()
        await self.claim(TVM_MEMORY.base >> MIB, TVM_MEMORY.base >> MIB)
        assert self.state() is TdiState.ERROR, "the association of a bound stream moved"
        assert self.state(BYSTANDER) is TdiState.RUN
        assert not await self.peer_gets(VICTIM), "in ERROR"
        self.assert_no_leak()

    async def _take_the_stream_over(self) -> None:
        """The VMM's session ends, and the TVM's keys the stream."""
        await self.other.end()
        await self.quiet()
        await self.kit.stop(self.session, VICTIM)
        block = STREAM_BLOCKS[OTHER_STREAM]
        await self.kit.vmm.place_stream(block, OTHER_STREAM, default=False)
        await super().reach_peer()
        await self.start_again()

    async def _others_on_the_stream(self) -> None:
        for index, route, rid in (
            (BYSTANDER, FOREIGN, PEER_RID),
            (LEGACY_VF, FOREIGN, PEER_RID),
            (VICTIM, FOREIGN, HOST_RID),
            (VICTIM, FOREIGN, PEER_RID + 1),
            (VICTIM, FOREIGN, self.function(BYSTANDER).rid),
            (VICTIM, FOREIGN_WITHOUT_T, PEER_RID),
        ):
            for at in (0, TRANSLATED):
                what = f"VF{index}, {route}, {rid:04x}, AT = {at}"
                assert not await self.peer_gets(index, route, rid, at), what
                write = Tlp.mem_write(rid, self.memory(index), ALTERED)
                await self.host.send(replace(write, at=at), route)
        await self.quiet()
        await self.assert_served("others on the stream")
        await self.assert_served("others on the stream", BYSTANDER)
        await self.legacy_holds("others on the stream")


@pyuvm.test()
class TheBoundPeerAndTheHostAreServed(Bound):
    """The peer on its stream while it is bound, the TVM on its own, the legacy VM in clear."""

    async def attack(self) -> None:
        assert not await self.peer_gets(VICTIM)
        assert await self.bind()
        for at in (0, TRANSLATED):
            assert await self.peer_gets(VICTIM, at=at) == self.secret
        await self.host.send(Tlp.mem_write(PEER_RID, self.memory() + 64, ALTERED), FOREIGN)
        await self.quiet()
        result = await self.host.mem_read(self.memory(), SIZE, TRUSTED)
        assert result.data == self.secret + ALTERED
        await self.transfer(VICTIM, True, TVM_MEMORY.base + SIZE)
        assert self.host.memory.read(TVM_MEMORY.base + SIZE, SIZE) == self.secret + ALTERED
        await self.assert_served("the bystander", BYSTANDER)
        await self.legacy_holds("the legacy VM")
        answer = await self.kit.unbind(self.session, VICTIM)
        assert answer is not None
        assert answer.error is None
        assert not await self.peer_gets(VICTIM), "unbound"
        assert self.both_run()
