# SPDX-License-Identifier: Apache-2.0
"""AXI4-Stream ends that look at each signal once a beat and sleep in between.

They stand in for cocotbext-axi's source and sink, which look at every signal once a byte: that
costs the server most of its time. Frames are whole packets; there is no back-pressure of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.queue import Queue
from cocotb.triggers import RisingEdge

BYTE = 8


@dataclass(frozen=True, slots=True)
class Packet:
    """The bytes of one packet that count, and `tuser` of its first beat."""

    tdata: bytes
    tuser: int = 0


class LeanSource:
    """Sends packets one after another."""

    def __init__(self, bus: Any, clock: Any) -> None:
        self._bus = bus
        self._clock = clock
        self._lanes = len(bus.tdata) // BYTE
        self._user = hasattr(bus, "tuser")
        bus.tvalid.value = 0

    async def send(self, data: bytes, user: int = 0) -> None:
        """Send a packet; returns when its last beat was taken."""
        bus = self._bus
        if self._user:
            bus.tuser.value = user
        for at in range(0, len(data), self._lanes):
            beat = data[at : at + self._lanes]
            bus.tdata.value = int.from_bytes(beat, "little")
            bus.tkeep.value = (1 << len(beat)) - 1
            bus.tlast.value = int(at + self._lanes >= len(data))
            bus.tvalid.value = 1
            await RisingEdge(self._clock)
            while not int(bus.tready.value):
                await RisingEdge(self._clock)
        bus.tvalid.value = 0


class LeanSink:
    """Takes packets as they come."""

    def __init__(self, bus: Any, clock: Any, reset: Any) -> None:
        self._bus = bus
        self._clock = clock
        self._reset = reset
        self._lanes = len(bus.tdata) // BYTE
        self._user = hasattr(bus, "tuser")
        self._queue: Queue[Packet] = Queue()
        bus.tready.value = 1
        cocotb.start_soon(self._run())

    async def recv(self) -> Packet:
        """The next packet."""
        return await self._queue.get()

    async def _run(self) -> None:
        bus = self._bus
        data, user = b"", 0
        while True:
            await RisingEdge(self._clock)
            if int(self._reset.value):
                data = b""
            elif int(bus.tvalid.value):
                if not data and self._user:
                    user = int(bus.tuser.value)
                count = int(bus.tkeep.value).bit_count()  # keep bits are without a gap
                data += int(bus.tdata.value).to_bytes(self._lanes, "little")[:count]
                if int(bus.tlast.value):
                    self._queue.put_nowait(Packet(data, user))
                    data = b""
            else:
                await RisingEdge(bus.tvalid)
