# SPDX-License-Identifier: Apache-2.0
"""The environment of the server: what carries DOE objects, and nothing that remembers them."""

from __future__ import annotations

from typing import Any

import cocotb
from pyuvm import ConfigDB, uvm_component, uvm_env

from tb.agents.doe.agent import DoeAgent
from tb.agents.entropy.agent import EntropyAgent
from tb.agents.rot.driver import SECURED, RotDriver
from tb.serve.axis import LeanSink, LeanSource
from tb.serve.host import ServeHost

NO_RESPONSE = bytes(4)


class ServeRot(RotDriver):
    """The root of trust on lean streams."""

    def start_of_simulation_phase(self) -> None:
        adapter = self.adapter
        self.sink = LeanSink(adapter.rot_request, adapter.clk, adapter.rst)
        self.source = LeanSource(adapter.rot_response, adapter.clk)

    async def run_phase(self) -> None:
        cocotb.start_soon(self._watch_ended())
        cocotb.start_soon(self._watch_reset())
        while True:
            packet = await self.sink.recv()
            session_id = packet.tuser & 0xFFFFFFFF if packet.tuser & SECURED else None
            answer = self.responder.handle(packet.tdata, session_id)
            await self._write_keys()
            await self.source.send(answer or NO_RESPONSE, int(answer is None))


class RotOnly(uvm_component):
    """Stands where the agent of the RoT port does, without its monitor."""

    def build_phase(self) -> None:
        self.driver = ServeRot("driver", self)


class ServeEnv(uvm_env):
    """Everything around one device."""

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.host = ServeHost("host", self)
        ConfigDB().set(None, "*", "HOST", self.host)
        self.rot = RotOnly("rot", self)
        self.entropy = EntropyAgent("entropy", self)
        self.doe = DoeAgent("doe", self)
