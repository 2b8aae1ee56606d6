# SPDX-License-Identifier: Apache-2.0
"""AXI4-Stream ports as cocotbext-axi reads them, with beats that are cheap to read."""

from __future__ import annotations

import copy
from typing import Any

from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus


class BeatSignal:
    """A signal of a beat, read from the simulator once in a time step.

    Sinks and monitors read it at a clock edge only, but then once for every byte of the beat.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._time = -1.0
        self._value = 0

    def __len__(self) -> int:
        return len(self._handle)

    @property
    def value(self) -> int:
        """As of this time step. Raises ValueError while a bit is unknown."""
        now = get_sim_time("step")
        if now != self._time:
            self._value = int(self._handle.value)
            self._time = now
        return self._value


def read_only(bus: AxiStreamBus) -> AxiStreamBus:
    """`bus` for a sink or a monitor, which drive no signal of a beat."""
    beats = copy.copy(bus)
    for name in ("tdata", "tkeep", "tuser"):
        if hasattr(bus, name):
            setattr(beats, name, BeatSignal(getattr(bus, name)))
    return beats
