# SPDX-License-Identifier: Apache-2.0
"""`app` with a state machine in no state of its own. Needs hierarchical access."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from models.tdisp.codes import ErrorCause, TdiState
from tests.unit.app_bench import AppBench
from tests.unit.tlp_bench import LIMIT, cycles

LOCKED, RUNNING = 1, 2
CLEARED = 4000  # cycles in which all functions are cleared


@cocotb.test(**LIMIT)
async def a_broken_state_machine_stops_every_locked_tdi(dut: Any) -> None:
    """Whoever it served: CONFIG_LOCKED and RUN both end (TDISP-FSM-013)."""
    bench = await AppBench(dut).start()
    await bench.set_state(LOCKED, TdiState.CONFIG_LOCKED)
    await bench.set_state(RUNNING, TdiState.RUN)
    target, dma = dut.u_target, dut.u_dma
    interrupts = target.u_interrupts
    for machine in (
        dut.u_scrub,
        target.u_mmio,
        interrupts.u_msix,
        interrupts.u_msi,
        dma.u_sender,
        dma.u_reads.u_cpl,
    ):
        await cycles(dut, 10)
        machine.state_q.value = 0
        stopped = 0
        for _ in range(6):
            await RisingEdge(dut.clk)
            stopped |= int(dut.cpl_error_event.value)
            if int(dut.cpl_error_event.value):
                assert int(dut.cpl_error_cause.value) == ErrorCause.DSM_FAULT, machine._name
        wanted = 1 << LOCKED | 1 << RUNNING
        assert stopped & wanted == wanted, f"{machine._name}: {stopped:03b}"
        await cycles(dut, CLEARED)
