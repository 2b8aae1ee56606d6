# SPDX-License-Identifier: Apache-2.0
"""A whole life cycle with everything at once, under back-pressure on every stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import MSIX_VECTORS, Control, Status
from models.pcie.codes import CplStatus
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import COMMAND, COMMAND_MASTER
from tb.scenario import LEGACY_INTERRUPTS, LEGACY_MEMORY, TVM_INTERRUPTS, TVM_MEMORY
from tests.system.cocotb_functions import DATA, Interrupts

LARGEST = 600
STEPS = 6  # of the TVM between two events of the life cycle
Step = Callable[[int, Route, int, int], Awaitable[None]]


class WholeLife(Interrupts):
    """The TVM attaches, works, refreshes keys, stops, attaches again, loses its TDI, ends.

    A legacy VM works on VF2 all the while. What each does next is drawn at random.
    """

    async def use(self) -> None:
        self.ended, self.rounds = False, 0
        legacy = cocotb.start_soon(self._legacy_life())
        await self._work("attached")
        await self.kit.refresh_keys(self.session, 1)
        await self._work("keys refreshed")
        await self._attach_again()
        await self._work("attached again")
        await self._lose()
        await self._attach_again()
        await self._work("attached after an error")
        await self.kit.stop(self.session, self.tvm)
        await self.session.end()
        before = self.rounds
        while self.rounds < before + 2:
            await ClockCycles(self.adapter.clk, 100)
        self.ended = True
        await legacy
        assert not self.kit.host.inbound.refused
        assert not self.kit.host.inbound.interrupts

    # ------------------------------------------------------------------ the life cycle

    async def _attach_again(self) -> None:
        kit = self.kit
        await kit.stop(self.session, self.tvm)
        result = await kit.host.mem_read(self.memory(self.tvm), LARGEST)
        assert (result.status, result.data) == (CplStatus.SC, bytes(LARGEST))
        await kit.start(self.session, await kit.lock(self.session, self.tvm))

    async def _lose(self) -> None:
        """Bus Master Enable is cleared under a transfer; nothing is served until STOP."""
        kit, function = self.kit, self.kit.function(self.tvm)
        await self.start(
            self.tvm,
            kit.tee,
            Control.WRITE_HOST,
            HOST_ADDRESS_LOW=TVM_MEMORY.base,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=LARGEST,
        )
        for value in (0, COMMAND_MASTER):
            await kit.host.config_write(function.rid, COMMAND, value, enables=0b0011)
        assert self.adapter.tdi_states()[self.tvm] is TdiState.ERROR
        for route in (PLAIN, kit.tee):
            result = await kit.host.mem_read(self.memory(self.tvm), 64, route)
            assert (result.status, result.data) == (CplStatus.UR, b""), route

    # ------------------------------------------------------------------ what VMs do

    async def _legacy_life(self) -> None:
        while not self.ended:
            await self._step(self.legacy, PLAIN, LEGACY_MEMORY.base, LEGACY_INTERRUPTS.base)
            self.rounds += 1

    async def _work(self, what: str) -> None:
        for _ in range(STEPS):
            await self._step(self.tvm, self.kit.tee, TVM_MEMORY.base, TVM_INTERRUPTS.base)
            assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN, what

    async def _step(self, index: int, route: Route, base: int, window: int) -> None:
        steps: list[Step] = [self._from_host, self._to_host, self._accesses, self._interrupt]
        await self.rng.choice(steps)(index, route, base, window)

    async def _from_host(self, index: int, route: Route, base: int, _window: int) -> None:
        data = self.rng.randbytes(4 * self.rng.randint(1, LARGEST // 4))
        self.kit.host.memory.write(base, data)
        assert await self.move(index, route, Control(0), base, len(data)) == Status.DONE
        result = await self.kit.host.mem_read(self.memory(index), len(data), route)
        assert result.data == data

    async def _to_host(self, index: int, route: Route, base: int, _window: int) -> None:
        data = self.rng.randbytes(128)
        await self.kit.host.mem_write(self.memory(index), data, route)
        assert await self.move(index, route, Control.WRITE_HOST, base, 128) == Status.DONE
        for _ in range(100):
            if self.kit.host.memory.read(base, 128) == data:
                return
            await ClockCycles(self.adapter.clk, 50)
        raise AssertionError(f"data of VF{index} did not arrive")

    async def _accesses(self, index: int, route: Route, *_places: int) -> None:
        host, reads = self.kit.host, []
        at = self.memory(index) + self.rng.randrange(2048)
        for _ in range(6):
            data = self.rng.randbytes(self.rng.choice((1, 4, 33, 120)))
            at = at if at % 0x1000 + len(data) <= 0x1000 else self.memory(index)
            await host.mem_write(at, data, route)
            read = Tlp.mem_read(HOST_RID, at, len(data), host.new_tag())
            reads.append((data, await host.issue(read, route)))
        for data, answer in reads:
            result = await answer
            assert (result.status, result.data) == (CplStatus.SC, data)

    async def _interrupt(self, index: int, route: Route, base: int, window: int) -> None:
        vector = self.rng.randrange(MSIX_VECTORS)
        await self.entry(index, route, vector, window + 4 * vector, 0)
        await self.interrupt(index, route, vector, base)
        rid, sent = self.kit.function(index).rid, self.kit.host.inbound.interrupts
        for _ in range(100):
            own = [message for message in sent if message.requester_id == rid]
            if own:
                break
            await ClockCycles(self.adapter.clk, 50)
        (message,) = own
        sent.remove(message)
        assert (message.address, message.data) == (window + 4 * vector, DATA + vector)
        assert message.t is route.t


@pyuvm.test()
class WholeLifeUnderBackPressure(WholeLife):
    """Three of ten cycles are stalled, at random, on every stream in and out."""

    pause_share = 0.3


@pyuvm.test()
class WholeLifeUnderHeavyBackPressure(WholeLife):
    """Seven of ten cycles are stalled."""

    pause_share = 0.7
