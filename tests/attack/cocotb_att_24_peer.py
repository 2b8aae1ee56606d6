# SPDX-License-Identifier: Apache-2.0
"""ATT-24: requests between devices, or between functions, that pass the host by.

A second Secure stream, which no TDI has bound, claims the addresses that the TVM works with, as a
peer's would. Nothing of the TVM may leave on it, nothing that comes on it may be served, and a
function that aims at memory of its neighbour goes up to the host like everybody else.
"""

from __future__ import annotations

from dataclasses import replace

import pyuvm

from models.app.map import Status
from models.pcie.codes import CplStatus, SelectiveBlock
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import Request, TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY_MEMORY, OTHER_STREAM, STREAM_BLOCKS, TVM_MEMORY
from tests.attack.attack_test import (
    FOREIGN,
    FOREIGN_WITHOUT_T,
    LEGACY_DATA,
    LEGACY_VF,
    TRUSTED,
    VICTIM,
    AttackTest,
)

SIZE = 128
PEER_RID = 0x0200
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
