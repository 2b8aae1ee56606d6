# SPDX-License-Identifier: Apache-2.0
"""The simulation behind the server: carries out what comes over the bridge."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from pathlib import Path
from typing import Any

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB, uvm_test

from models.spdm.key_port import SessionKeyPort
from models.spdm.responder import SpdmResponder
from tb.adapter import TdispDeviceAdapter
from tb.agents.doe.item import DoeResult
from tb.env import TdispEnv
from tb.report.config_dump import config_dump
from tb.serve.bridge import ENVIRONMENT, Bridge, BridgeError, Kind
from tb.serve.env import ServeEnv
from tb.serve.setup import Setup
from tb.serve.vmm import ServeVmm

RESET_CYCLES = 8
SETTLE_CYCLES = 64

# A terminal, or what stops a service, tells the whole group: the server decides, and the
# simulation ends when the server says so or has gone.
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)


@pyuvm.test()
class Serve(uvm_test):
    """One device for as long as the server wants it."""

    def build_phase(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(os.environ[ENVIRONMENT])
        self.bridge = Bridge(connection)
        kind, payload = self.bridge.receive()
        assert kind is Kind.SET_UP, kind.name
        self.setup = Setup.decode(payload)
        self.config = self.setup.load()
        self.entropy = self.config.entropy()
        self.adapter = TdispDeviceAdapter(cocotb.top)
        slots, key_log = self.setup.slots(), self.setup.key_log()

        def responder(key_port: SessionKeyPort) -> SpdmResponder:
            return self.config.responder(slots, key_port, self.entropy, key_log)

        database = ConfigDB()
        database.set(None, "*", "ADAPTER", self.adapter)
        database.set(None, "*", "RNG", self.entropy)
        database.set(None, "*", "PAUSE_SHARE", 0.0)
        database.set(None, "*", "ROT_FACTORY", responder)
        database.set(None, "*", "SECRETS", [])
        database.set(None, "*", "PROFILE", self.config.profile)
        self.env: Any = TdispEnv("env", self) if self.setup.check else ServeEnv("env", self)

    async def run_phase(self) -> None:
        self.raise_objection()
        self.adapter.start_clock()
        self.vmm = ServeVmm(self.env.host, self.config, random.Random(0))
        await self._reset()
        if self.setup.config_dump is not None:
            Path(self.setup.config_dump).write_text(await config_dump(self.vmm))
        try:
            self.bridge.send(Kind.READY)
            while await self._command():
                pass
        except BridgeError:
            self.logger.info("the server has gone")
        await ClockCycles(self.adapter.clk, SETTLE_CYCLES)
        self.bridge.close()
        self.drop_objection()

    async def _reset(self) -> None:
        await self.adapter.reset(RESET_CYCLES)
        await self.vmm.set_up()
        self.secure = self.adapter.streams_secure()

    async def _command(self) -> bool:
        """Carry out one command; whether another one is wanted."""
        kind, payload = self.bridge.receive()  # simulation time stands still meanwhile
        if kind is Kind.STOP:
            return False
        if kind is Kind.RESET:
            await self._reset()
            self.bridge.send(Kind.READY)
            return True
        await self.env.rot.driver.advance_time(time.monotonic())
        item = await self.env.doe.carry(payload)
        await self._enable_again()
        if item.response is None:
            fault = item.result.name if item.result is DoeResult.TIMEOUT else ""
            self.bridge.send(Kind.SILENCE, fault.encode())
        else:
            self.bridge.send(Kind.ANSWER, item.response)
        return True

    async def _enable_again(self) -> None:
        """As a VMM does once a stream was taken down, and before new keys come."""
        for block in range(len(self.config.ide.streams)):
            if self.secure[block] and not self.adapter.streams_secure()[block]:
                await self.vmm.enable_block(block)
        self.secure = self.adapter.streams_secure()
