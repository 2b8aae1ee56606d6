# SPDX-License-Identifier: Apache-2.0
"""What the vendor-specific capability of this device shows of a TDI."""

from __future__ import annotations

from models.app.config_map import ConfigRegister as Reg
from models.tdisp.codes import ErrorCause, TdiState
from tb.host.root_port import HostRootPort

STATE_MASK = 0x3
CAUSE_SHIFT = 4


async def shown(host: HostRootPort, tdi: int) -> tuple[TdiState, ErrorCause]:
    """State of a TDI, and why it is in ERROR."""
    await host.config_write(host.pf_rid, Reg.VSEC_TDI_SELECT, tdi)
    status = await host.config_read(host.pf_rid, Reg.VSEC_TDI_STATUS)
    return TdiState(status & STATE_MASK), ErrorCause(status >> CAUSE_SHIFT)
