# SPDX-License-Identifier: Apache-2.0
"""The DUT adapter: the only file that knows signal names.

A team with a device of its own writes one class with these attributes and methods and runs every
test against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamBus

from models.tdisp.codes import TdiState

CLOCK_PERIOD_NS = 4
STATES = tuple(TdiState)  # by their codes on the pins


@dataclass(frozen=True)
class KeyWrite:
    """One write to the session-key port of the root of trust."""

    op: int  # 0 load, 1 end session, 2 end all sessions
    session_id: int
    direction: int = 0  # 0 requester to device, 1 device to requester
    application: bool = False
    deferred: bool = False
    key: bytes = bytes(32)
    iv: bytes = bytes(12)


class TdispDeviceAdapter:
    """Signals of `tdisp_device`."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.clk = dut.clk
        self.rst = dut.rst
        self.data_w = len(dut.s_axis_rx_tdata)
        self.num_tdi = len(dut.tdi_state) // 2
        self.num_streams = len(dut.stream_secure)
        self._states = (0, (TdiState.CONFIG_UNLOCKED,) * self.num_tdi)  # as read last, decoded
        self.link_in = AxiStreamBus.from_prefix(dut, "s_axis_rx")
        self.link_out = AxiStreamBus.from_prefix(dut, "m_axis_tx")
        self.rot_request = AxiStreamBus.from_prefix(dut, "m_axis_rot")
        self.rot_response = AxiStreamBus.from_prefix(dut, "s_axis_rot")
        self.entropy = AxiStreamBus.from_prefix(dut, "entropy")
        dut.rst.value = 1
        dut.link_up.value = 0
        dut.internal_error.value = 0
        dut.rot_key_valid.value = 0

    def start_clock(self) -> None:
        """Start the clock; call once."""
        cocotb.start_soon(Clock(self.clk, CLOCK_PERIOD_NS, "ns").start())

    async def reset(self, cycles: int = 8) -> None:
        """Conventional reset with the link down, then bring the link up."""
        self.rst.value = 1
        self.dut.link_up.value = 0
        await ClockCycles(self.clk, cycles)
        self.rst.value = 0
        self.dut.link_up.value = 1
        await RisingEdge(self.clk)

    async def out_of_reset(self) -> None:
        """Wait for the first clock edge without reset; outputs are defined from there on."""
        await RisingEdge(self.clk)
        while int(self.rst.value):
            await RisingEdge(self.clk)

    def set_link(self, up: bool) -> None:
        """Say whether the data link layer is up."""
        self.dut.link_up.value = int(up)

    async def internal_error(self, tdis: int) -> None:
        """Logic around the device has found an uncorrectable error; a bit for each TDI."""
        self.dut.internal_error.value = tdis
        await RisingEdge(self.clk)
        self.dut.internal_error.value = 0

    async def write_key(self, write: KeyWrite) -> None:
        """Carry out one write to the session-key port."""
        dut = self.dut
        dut.rot_key_op.value = write.op
        dut.rot_key_session_id.value = write.session_id
        dut.rot_key_direction.value = write.direction
        dut.rot_key_application.value = int(write.application)
        dut.rot_key_deferred.value = int(write.deferred)
        dut.rot_key_key.value = int.from_bytes(write.key, "big")
        dut.rot_key_iv.value = int.from_bytes(write.iv, "big")
        dut.rot_key_valid.value = 1
        await RisingEdge(self.clk)
        while not int(dut.rot_key_ready.value):
            await RisingEdge(self.clk)
        dut.rot_key_valid.value = 0
        dut.rot_key_key.value = 0

    def session_ended(self) -> int | None:
        """Session id that the record layer reports as ended in this cycle."""
        if int(self.dut.rot_session_ended_valid.value):
            return int(self.dut.rot_session_ended_id.value)
        return None

    def key_write(self) -> KeyWrite | None:
        """The write that the session-key port accepts in this cycle, for monitors."""
        dut = self.dut
        if not (int(dut.rot_key_valid.value) and int(dut.rot_key_ready.value)):
            return None
        return KeyWrite(
            int(dut.rot_key_op.value),
            int(dut.rot_key_session_id.value),
            int(dut.rot_key_direction.value),
            bool(int(dut.rot_key_application.value)),
            bool(int(dut.rot_key_deferred.value)),
            int(dut.rot_key_key.value).to_bytes(32, "big"),
            int(dut.rot_key_iv.value).to_bytes(12, "big"),
        )

    @property
    def key_pending(self) -> bool:
        """Whether a write to the session-key port is under way."""
        return bool(int(self.dut.rot_key_valid.value))

    @property
    def key_event(self) -> Any:
        """Trigger that fires when a write to the session-key port may begin."""
        return RisingEdge(self.dut.rot_key_valid)

    @property
    def session_ended_event(self) -> Any:
        """Trigger that fires when the record layer reports an ended session."""
        return RisingEdge(self.dut.rot_session_ended_valid)

    @property
    def tdi_state_event(self) -> Any:
        """Trigger that fires when a TDI state may have changed."""
        return self.dut.tdi_state.value_change

    @property
    def stream_secure_event(self) -> Any:
        """Trigger that fires when a stream may have become Secure or Insecure."""
        return self.dut.stream_secure.value_change

    def tdi_states(self) -> tuple[TdiState, ...]:
        """State of every TDI; the same object as before when none has changed."""
        value = int(self.dut.tdi_state.value)
        if value != self._states[0]:
            states = tuple(STATES[value >> 2 * n & 3] for n in range(self.num_tdi))
            self._states = value, states
        return self._states[1]

    def streams_secure(self) -> tuple[bool, ...]:
        """Whether each selective stream is Secure."""
        value = int(self.dut.stream_secure.value)
        return tuple(bool((value >> n) & 1) for n in range(self.num_streams))
