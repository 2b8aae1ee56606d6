# SPDX-License-Identifier: Apache-2.0
"""tlp_route: a flipped bit of a decision admits nothing. Needs hierarchical access."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import TdiState
from tests.unit.cocotb_tlp_route import OUTPUTS, PF_BAR0, Bench
from tests.unit.tlp_bench import LIMIT, cycles, memory_read, memory_write

MEMORY = PF_BAR0 + 0x2000
SIDE = {"ide": 0, "t": 0, "stream": 0}


@cocotb.test(**LIMIT)
async def a_flipped_decision_opens_nothing(dut: Any) -> None:
    """Refused writes with one bit of the decision flipped after their first beat."""
    bench = await Bench(dut).start(pause=0.0)
    bench.state[0] = TdiState.RUN
    bench.apply()
    for bit in range(len(dut.c_to_q)):
        sending = cocotb.start_soon(bench.source.send(memory_write(MEMORY, [bit] * 32, **SIDE)))
        while not int(dut.c_valid_q.value):
            await RisingEdge(dut.clk)
        dut.c_to_q.value = int(dut.c_to_q.value) ^ 1 << bit
        await sending
        await cycles(dut, 30)
        for name in OUTPUTS:
            assert not bench.sinks[name].tlps, f"bit {bit}: {name}"
            assert not int(getattr(dut, f"{name}_tvalid").value), f"bit {bit}: {name}"
        await bench.source.send(memory_read(MEMORY, 4, tag=bit, **SIDE))
        assert (await bench.sinks["errcpl"].next()).completion["tag"] == bit
