# SPDX-License-Identifier: Apache-2.0
"""How many cycles the device takes: written to a file, for a comparison between sizes."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import uvm_subscriber

from models.app.map import Bar0, Control, Register
from tb.adapter import CLOCK_PERIOD_NS
from tb.agents.tlp.item import SeenTlp, Side
from tb.base_test import BaseTest
from tb.host.route import PLAIN, Route
from tb.scenario import TVM_MEMORY, Scenario

OUTPUT = "LATENCY_OUTPUT"  # variable: where the numbers go
REPEATS = 4
QUIET = 300  # cycles: longer than any of it takes
CLEARING = 600  # cycles for each function after a reset: no function is served before it is clear


@pyuvm.test()
class CyclesAreCounted(BaseTest):
    """From the last beat of a request on the link to the last beat of what it causes first."""

    def connect_phase(self) -> None:
        self.passed: list[SeenTlp] = []
        seen = uvm_subscriber.uvm_AnalysisImp("seen", self, self.passed.append)
        for agent in (self.env.link_in, self.env.link_out):
            agent.monitor.ap.connect(seen)

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        self.cycles: dict[str, list[int]] = {}
        await kit.bring_up()
        await ClockCycles(self.adapter.clk, CLEARING * self.adapter.num_tdi)
        index = kit.tvm_function
        await self._config(index)
        await self._mmio("in clear", index, PLAIN)
        session = await kit.open_session()
        await kit.key_stream(session)
        await kit.start(session, await kit.lock(session, index))
        await self._mmio("with T = 1", index, kit.tee)
        await self._engine(index)
        Path(os.environ[OUTPUT]).write_text(json.dumps(self.cycles))

    async def measure(self, what: str, act: Callable[[], Awaitable[object]]) -> None:
        """Cycles from the only TLP of `act` to the first one from the device, some times."""
        for _ in range(REPEATS):
            await ClockCycles(self.adapter.clk, QUIET)
            self.passed.clear()
            await act()
            await ClockCycles(self.adapter.clk, QUIET)
            assert self.passed[0].side is Side.TO_DEVICE
            answer = next(item for item in self.passed if item.side is Side.FROM_DEVICE)
            taken = round((answer.time_ns - self.passed[0].time_ns) / CLOCK_PERIOD_NS)
            self.cycles.setdefault(what, []).append(taken)

    async def _config(self, index: int) -> None:
        rid = self.kit.function(index).rid
        await self.measure("configuration read", lambda: self.kit.host.config_read(rid, 0))

    async def _mmio(self, how: str, index: int, route: Route) -> None:
        host, bar0 = self.kit.host, self.kit.function(index).bar0
        for page, address in (("register", bar0), ("memory", bar0 + Bar0.MEMORY)):
            await self.measure(
                f"read of a {page} {how}",
                lambda address=address: host.mem_read(address, 64, route),  # type: ignore[misc]
            )

    async def _engine(self, index: int) -> None:
        kit, function = self.kit, self.kit.function(index)
        for register, value in (
            (Register.HOST_ADDRESS_LOW, TVM_MEMORY.base),
            (Register.HOST_ADDRESS_HIGH, 0),
            (Register.DEVICE_ADDRESS, 0),
            (Register.LENGTH, 64),
        ):
            await kit.write_register(function, register, value, kit.tee)
        for what, control in (("write", Control.WRITE_HOST), ("read", Control(0))):
            start = int(control | Control.START)
            await self.measure(
                f"start of a DMA {what}",
                lambda start=start: kit.write_register(  # type: ignore[misc]
                    function, Register.CONTROL, start, kit.tee
                ),
            )
