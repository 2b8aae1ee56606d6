# SPDX-License-Identifier: Apache-2.0
"""Runs the SPDM responder of the root of trust behind the RoT port."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiStreamFrame, AxiStreamSink, AxiStreamSource
from pyuvm import ConfigDB, uvm_component

from models.spdm.key_port import Direction
from tb.adapter import KeyWrite
from tb.agents.stream import read_only
from tb.agents.tlp.driver import pauses

SECURED = 1 << 32


class QueuedKeyPort:
    """SessionKeyPort that keeps writes until the driver carries them out, in order."""

    def __init__(self) -> None:
        self.writes: list[KeyWrite] = []

    def load(
        self,
        session_id: int,
        direction: Direction,
        key: bytes,
        iv: bytes,
        *,
        application: bool,
        deferred: bool,
    ) -> None:
        self.writes.append(KeyWrite(0, session_id, int(direction), application, deferred, key, iv))

    def end_session(self, session_id: int, *, deferred: bool) -> None:
        self.writes.append(KeyWrite(1, session_id, deferred=deferred))

    def end_all(self) -> None:
        self.writes.append(KeyWrite(2, 0))


class RotDriver(uvm_component):
    """Hands each SPDM message to the responder model; writes its keys, then sends its answer."""

    def build_phase(self) -> None:
        self.adapter: Any = ConfigDB().get(self, "", "ADAPTER")
        self.key_port = QueuedKeyPort()
        self.responder: Any = ConfigDB().get(self, "", "ROT_FACTORY")(self.key_port)

    def start_of_simulation_phase(self) -> None:
        adapter = self.adapter
        self.sink = AxiStreamSink(read_only(adapter.rot_request), adapter.clk, adapter.rst)
        self.source = AxiStreamSource(adapter.rot_response, adapter.clk, adapter.rst)
        share: float = ConfigDB().get(self, "", "PAUSE_SHARE")
        for part in (self.sink, self.source):
            part.log.setLevel("WARNING")
            if share:
                part.set_pause_generator(pauses(ConfigDB().get(self, "", "RNG"), share))

    async def run_phase(self) -> None:
        cocotb.start_soon(self._watch_ended())
        cocotb.start_soon(self._watch_reset())
        while True:
            frame = await self.sink.recv(compact=True)
            user = frame.tuser if isinstance(frame.tuser, int) else frame.tuser[0]
            session_id = user & 0xFFFFFFFF if user & SECURED else None
            answer = self.responder.handle(bytes(frame.tdata), session_id)
            await self._write_keys()
            data = answer if answer is not None else bytes(4)
            await self.source.send(AxiStreamFrame(data, tuser=int(answer is None)))

    async def _write_keys(self) -> None:
        while self.key_port.writes:
            await self.adapter.write_key(self.key_port.writes.pop(0))

    async def advance_time(self, now: float) -> None:
        """Tell the root of trust the time in seconds; overdue sessions end."""
        self.responder.advance_time(now)
        await self._write_keys()

    async def _watch_reset(self) -> None:
        while True:
            await RisingEdge(self.adapter.rst)
            self.responder.reset()
            self.key_port.writes.clear()

    async def _watch_ended(self) -> None:
        while True:
            await self.adapter.session_ended_event
            session_id = self.adapter.session_ended()
            if session_id is not None:
                self.responder.session_ended(session_id)
