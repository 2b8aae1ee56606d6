# SPDX-License-Identifier: Apache-2.0
"""Watches the RoT port."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiStreamMonitor
from pyuvm import ConfigDB, uvm_analysis_port, uvm_component

from tb.agents.rot.item import RotItem, RotKind
from tb.agents.stream import read_only

SECURED = 1 << 32


class RotMonitor(uvm_component):
    """Writes a RotItem to `ap` for each message, answer, key write and session end."""

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.ap = uvm_analysis_port("ap", self)

    def start_of_simulation_phase(self) -> None:
        adapter = self.adapter
        self.requests = AxiStreamMonitor(read_only(adapter.rot_request), adapter.clk, adapter.rst)
        self.responses = AxiStreamMonitor(read_only(adapter.rot_response), adapter.clk, adapter.rst)
        for part in (self.requests, self.responses):
            part.log.setLevel("WARNING")

    async def run_phase(self) -> None:
        cocotb.start_soon(self._watch_requests())
        cocotb.start_soon(self._watch_responses())
        cocotb.start_soon(self._watch_keys())
        await self._watch_ended()

    async def _watch_requests(self) -> None:
        while True:
            frame = await self.requests.recv(compact=True)
            user = frame.tuser if isinstance(frame.tuser, int) else frame.tuser[0]
            session_id = user & 0xFFFFFFFF if user & SECURED else None
            self.ap.write(RotItem(RotKind.REQUEST, bytes(frame.tdata), session_id))

    async def _watch_responses(self) -> None:
        while True:
            frame = await self.responses.recv(compact=True)
            user = frame.tuser if isinstance(frame.tuser, int) else frame.tuser[-1]
            raw = None if user else bytes(frame.tdata)
            self.ap.write(RotItem(RotKind.RESPONSE, raw))

    async def _watch_keys(self) -> None:
        adapter = self.adapter
        await adapter.out_of_reset()
        while True:
            await RisingEdge(adapter.clk)
            write = adapter.key_write()
            if write is not None:
                self.ap.write(RotItem(RotKind.KEY, session_id=write.session_id, key=write))
            elif not adapter.key_pending:
                await adapter.key_event

    async def _watch_ended(self) -> None:
        adapter = self.adapter
        while True:
            await adapter.session_ended_event
            session_id = adapter.session_ended()
            if session_id is not None:
                self.ap.write(RotItem(RotKind.SESSION_ENDED, session_id=session_id))
