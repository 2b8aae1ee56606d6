# SPDX-License-Identifier: Apache-2.0
"""All inputs of dma_admit against the table of outbound requests."""

from __future__ import annotations

from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import Timer

from models.pcie.admission import OutboundKind, outbound
from models.tdisp.codes import TdiState

U, L, R, E = (
    TdiState.CONFIG_UNLOCKED,
    TdiState.CONFIG_LOCKED,
    TdiState.RUN,
    TdiState.ERROR,
)

KINDS = {
    "memory": OutboundKind.WRITE,
    "MSI-X not locked": OutboundKind.MSIX_UNLOCKED,
    "MSI-X locked": OutboundKind.MSIX_LOCKED,
}

# Kind of request -> state -> T that it is sent with, or None when it is not sent.
SENT: dict[str, dict[TdiState, int | None]] = {
    "memory": {U: 0, L: None, R: 1, E: None},
    "MSI-X not locked": {U: 0, L: 0, R: 0, E: None},
    "MSI-X locked": {U: 0, L: 0, R: 1, E: None},
}


@cocotb.test()
async def every_input_is_admitted_as_the_table_says(dut: Any) -> None:
    passed = 0
    streams = range(1 << len(dut.tdi_stream))
    for state, stream, values in product(TdiState, streams, product(*[(0, 1)] * 6)):
        locked, secure, master, msix, form, rid = values
        dut.tdi_state.value = int(state)
        dut.tdi_stream.value = stream
        dut.msix_locked.value = locked
        dut.stream_secure.value = secure
        dut.bus_master.value = master
        dut.msix.value = msix
        dut.form_ok.value = form
        dut.rid_match.value = rid
        await Timer(1, "ns")
        kind = ("MSI-X locked" if locked else "MSI-X not locked") if msix else "memory"
        t = SENT[kind][state]
        allow = t is not None and master and form and rid and (secure or not t)
        where = f"{state.name} {kind} {values}"
        assert int(dut.allow.value) == int(bool(allow)), where
        # A table is locked with its TDI: "locked" says nothing in CONFIG_UNLOCKED.
        if master and form and rid and secure and not (msix and locked and state is U):
            rule = outbound(state, KINDS[kind])
            assert bool(allow) == rule.allowed, where
            assert not allow or rule.t == bool(t), where
        if allow:
            passed += 1
            assert int(dut.t.value) == t, where
            assert int(dut.ide.value) == t, where
            if t:
                assert int(dut.stream.value) == stream, where
    assert passed
