# SPDX-License-Identifier: Apache-2.0
"""ATT-13: the device is made to send requests that it must not send, or the host to believe them.

What the device sends is looked at on the link: in RUN everything goes with T = 1 on the bound
stream, a TDI that is locked but does not run sends nothing, and a function of a legacy VM never
sends T = 1, so that the host refuses what it wants from a TVM.
"""

from __future__ import annotations

import pyuvm

from models.app.map import Register, Status
from models.host.owner_check import Verdict
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY_MEMORY, TVM_MEMORY, VMM_MEMORY
from tests.attack.attack_test import (
    LEGACY_VF,
    ROUTES,
    TRUSTED,
    VICTIM,
    AttackTest,
)

SIZE = 256
COMMAND = 0x04


class Dma(AttackTest):
    """Starts transfers and looks at the requests on the link."""

    async def attack(self) -> None:
        await self.use_other_stream()
        self.theirs = self.rng.randbytes(SIZE)
        self.host.memory.write(TVM_MEMORY.base, self.theirs)
        await self.steps()
        await self.assert_legacy_untouched("DMA")
        self.assert_no_leak([self.theirs])

    async def steps(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides steps()")

    def requests(self, since: int) -> list[tuple[Tlp, Route]]:
        """The memory requests that the device sent after the mark, and how."""
        found = []
        for record in self.from_device(since):
            assert record.plain is not None, record.summary()
            tlp = Tlp.decode(record.plain)
            if tlp.fmt_type in MEMORY_REQUESTS:
                prefix = record.prefix
                route = PLAIN if prefix is None else Route(prefix.stream_id, prefix.t)
                found.append((tlp, route))
        return found

    def assert_tvm_memory_untouched(self, what: str) -> None:
        """The TVM's memory holds what the TVM put there."""
        assert self.host.memory.read(TVM_MEMORY.base, SIZE) == self.theirs, what

    async def nothing_is_sent(self, what: str, address: int = VMM_MEMORY.base) -> None:
        """A transfer started by any route, in either direction, sends no request."""
        for name, route in ROUTES.items():
            for to_host in (True, False):
                since = self.mark()
                await self.program_dma(VICTIM, to_host, address, SIZE, route)
                await self.quiet()
                assert not self.requests(since), f"{what}, programmed by {name}"


@pyuvm.test()
class DmaOfAStateThatDoesNotRunIsNotSent(Dma):
    """CONFIG_LOCKED and ERROR: whatever the VMM programs, by whichever route, nothing is sent."""

    async def steps(self) -> None:
        await self.lock_again()
        self.assert_states(TdiState.CONFIG_LOCKED, "locked")
        await self.nothing_is_sent("CONFIG_LOCKED")
        await self.kit.start(self.session, self.tdi)
        status = await self.kit.read_register(self.function(), Register.STATUS, TRUSTED)
        assert status == 0, "a transfer programmed before START"
        await self.disturb()
        await self.nothing_is_sent("ERROR")
        self.assert_states(TdiState.ERROR, "after the attempts")


@pyuvm.test()
class OthersCannotStartATransferInRun(Dma):
    """RUN: only the TVM's own programming starts anything, and all of it is trusted."""

    async def steps(self) -> None:
        for name, route in ROUTES.items():
            since = self.mark()
            await self.program_dma(VICTIM, True, VMM_MEMORY.base, SIZE, route)
            await self.quiet()
            sent = self.requests(since)
            assert bool(sent) is (route == TRUSTED), f"programmed by {name}: {len(sent)} requests"
            assert {way for _, way in sent} <= {TRUSTED}, f"programmed by {name}"
        self.assert_states(TdiState.RUN, "after the attempts")


@pyuvm.test()
class FunctionOfALegacyVmCannotReachATvm(Dma):
    """CONFIG_UNLOCKED: requests carry no T; the host refuses them; without BME there is none."""

    async def steps(self) -> None:
        rid = self.function(LEGACY_VF).rid
        for to_host in (True, False):
            since = self.mark()
            await self.program_dma(LEGACY_VF, to_host, TVM_MEMORY.base, SIZE, PLAIN)
            status = await self.dma_status(LEGACY_VF, PLAIN)
            assert status & Status.ERROR or to_host
            sent = self.requests(since)
            assert sent
            assert all(not way.t for _, way in sent), "a legacy VM's request with T = 1"
            self.assert_tvm_memory_untouched(f"to host: {to_host}")
        assert {verdict for _, verdict in self.host.inbound.refused} == {Verdict.UNTRUSTED}
        await self.host.config_write(rid, COMMAND, 0, enables=0b0011)
        since = self.mark()
        await self.program_dma(LEGACY_VF, True, LEGACY_MEMORY.base, SIZE, PLAIN)
        assert await self.dma_status(LEGACY_VF, PLAIN) & Status.ERROR
        assert not self.requests(since), "sent without Bus Master Enable"
        self.assert_states(TdiState.RUN, "the TVM's TDI")
        await self.assert_served("legacy VM's DMA")


@pyuvm.test()
class TransferCaughtByErrorEndsThere(Dma):
    """RUN is left with reads under way: no more requests, and late completions have no effect."""

    async def steps(self) -> None:
        self.host.inbound.hold_completions = True
        since = self.mark()
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, SIZE, TRUSTED)
        await self.quiet()
        assert self.requests(since), "no transfer to catch"
        await self.disturb()
        await self.quiet()
        since = self.mark()
        self.host.inbound.hold_completions = False
        await self.host.inbound.release()
        await self.quiet()
        assert not self.requests(since), "goes on in ERROR"
        await self.lock_again()
        await self.kit.start(self.session, self.tdi)
        result = await self.host.mem_read(self.memory(), SIZE, TRUSTED)
        assert result.data == bytes(SIZE), "a late completion wrote memory"
        assert not self.requests(since), "the former owner's transfer goes on"


@pyuvm.test()
class TvmsOwnTransfersPass(Dma):
    """The TVM programs its TDI: both directions, T = 1, its stream, data to the byte."""

    async def steps(self) -> None:
        since = self.mark()
        await self.program_dma(VICTIM, False, TVM_MEMORY.base, SIZE, TRUSTED)
        assert await self.dma_status(VICTIM, TRUSTED) == Status.DONE
        await self.program_dma(VICTIM, True, TVM_MEMORY.base + SIZE, SIZE, TRUSTED)
        assert await self.dma_status(VICTIM, TRUSTED) == Status.DONE
        await self.quiet()
        assert self.host.memory.read(TVM_MEMORY.base + SIZE, SIZE) == self.theirs
        sent = self.requests(since)
        assert sent
        assert {route for _, route in sent} == {TRUSTED}
        assert not self.host.inbound.refused
