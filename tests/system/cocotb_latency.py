# SPDX-License-Identifier: Apache-2.0
"""How many cycles the device takes, written to a file, and whether a neighbour changes them."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pyuvm
from pyuvm import uvm_subscriber

from models.app.map import Bar0, Control, Register
from tb.adapter import CLOCK_PERIOD_NS
from tb.agents.tlp.item import SeenTlp, Side
from tb.base_test import BaseTest
from tb.clocking import clock_cycles
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import COMMAND
from tb.scenario import LEGACY_MEMORY, TVM_MEMORY, Scenario

OUTPUT = "LATENCY_OUTPUT"  # variable: where the numbers go
HOW = {False: "in clear", True: "with T = 1"}
REPEATS = 4
QUIET = 300  # cycles: longer than any of it takes


class Latency(BaseTest):
    """From the last beat of a request on the link to the last beat of what it causes first."""

    def connect_phase(self) -> None:
        self.passed: list[SeenTlp] = []
        self.cycles: dict[str, list[int]] = {}
        seen = uvm_subscriber.uvm_AnalysisImp("seen", self, self.passed.append)
        for agent in (self.env.link_in, self.env.link_out):
            agent.monitor.ap.connect(seen)

    async def bring_up(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        await kit.wait_cleared()

    async def measure(self, what: str, act: Callable[[], Awaitable[object]]) -> None:
        """Cycles from the only TLP of `act` to the first one from the device, some times."""
        for _ in range(REPEATS):
            await clock_cycles(self.adapter.clk, QUIET)
            self.passed.clear()
            await act()
            await clock_cycles(self.adapter.clk, QUIET)
            assert self.passed[0].side is Side.TO_DEVICE
            answer = next(item for item in self.passed if item.side is Side.FROM_DEVICE)
            taken = round((answer.time_ns - self.passed[0].time_ns) / CLOCK_PERIOD_NS)
            self.cycles.setdefault(what, []).append(taken)

    async def measure_config(self, index: int) -> None:
        rid = self.kit.function(index).rid
        await self.measure("configuration read", lambda: self.kit.host.config_read(rid, 0))

    async def measure_mmio(self, index: int, route: Route) -> None:
        host, bar0 = self.kit.host, self.kit.function(index).bar0
        for page, address in (("register", bar0), ("memory", bar0 + Bar0.MEMORY)):
            await self.measure(
                f"read of a {page} {HOW[route.t]}",
                lambda address=address: host.mem_read(address, 64, route),  # type: ignore[misc]
            )

    async def measure_dma(self, index: int, route: Route, buffer: int) -> None:
        kit, function = self.kit, self.kit.function(index)
        for register, value in (
            (Register.HOST_ADDRESS_LOW, buffer),
            (Register.HOST_ADDRESS_HIGH, 0),
            (Register.DEVICE_ADDRESS, 0),
            (Register.LENGTH, 64),
        ):
            await kit.write_register(function, register, value, route)
        for what, control in (("write", Control.WRITE_HOST), ("read", Control(0))):
            start = int(control | Control.START)
            await self.measure(
                f"start of a DMA {what} {HOW[route.t]}",
                lambda start=start: kit.write_register(  # type: ignore[misc]
                    function, Register.CONTROL, start, route
                ),
            )


@pyuvm.test()
class CyclesAreCounted(Latency):
    """What one function takes, for a comparison between sizes."""

    async def scenario(self, kit: Scenario) -> None:
        await self.bring_up(kit)
        index = kit.tvm_function
        await self.measure_config(index)
        await self.measure_mmio(index, PLAIN)
        session = await kit.open_session()
        await kit.key_stream(session)
        await kit.start(session, await kit.lock(session, index))
        await self.measure_mmio(index, kit.tee)
        await self.measure_dma(index, kit.tee, TVM_MEMORY.base)
        Path(os.environ[OUTPUT]).write_text(json.dumps(self.cycles))


@pyuvm.test()
class NeighboursCostNoCycles(Latency):
    """A legacy VM beside a TVM is served as without one, and the TVM as without the legacy VM."""

    async def scenario(self, kit: Scenario) -> None:
        await self.bring_up(kit)
        legacy, index = kit.legacy_functions[0], kit.tvm_function
        alone = await self._legacy(legacy)
        session = await kit.open_session()
        await kit.key_stream(session)
        tdi = await kit.lock(session, index)
        assert await self._legacy(legacy) == alone
        await kit.start(session, tdi)
        assert await self._legacy(legacy) == alone
        beside = await self._tvm(index)
        await kit.host.config_write(kit.function(legacy).rid, COMMAND, 0)
        assert await self._tvm(index) == beside

    async def _legacy(self, index: int) -> dict[str, list[int]]:
        self.cycles = {}
        await self.measure_config(index)
        await self.measure_mmio(index, PLAIN)
        await self.measure_dma(index, PLAIN, LEGACY_MEMORY.base)
        return self.cycles

    async def _tvm(self, index: int) -> dict[str, list[int]]:
        self.cycles = {}
        await self.measure_mmio(index, self.kit.tee)
        await self.measure_dma(index, self.kit.tee, TVM_MEMORY.base)
        return self.cycles
