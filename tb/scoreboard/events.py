# SPDX-License-Identifier: Apache-2.0
"""Configuration accesses: what they do to TDIs and streams, and what reads must show."""

from __future__ import annotations

from models.app.config_map import ConfigRegister
from models.device.device import ReferenceDevice
from models.doe.codes import ControlBit, Register
from models.ide.codes import StatusBit, StreamState
from models.pcie.codes import IdeRegister, SelectiveBlock
from models.tdisp.tracking import byte_mask
from tb.coverage import CoverItem
from tb.scoreboard.event_points import register_name
from tb.scoreboard.findings import Findings
from tb.scoreboard.states import TransitionChecker

FULL = 0xF
PRI_RESET = 1 << 1
ONES = 0xFFFFFFFF
STATE_MASK = 0xF
FIRST_BLOCK = ConfigRegister.IDE + IdeRegister.FIRST_BLOCK
# Fields of these survive a function level reset: they are not compared.
STICKY = (ConfigRegister.DEVICE_CONTROL, ConfigRegister.LINK_CONTROL, ConfigRegister.LINK_CONTROL_2)


class ConfigWatcher:
    """Gives writes to the reference device and compares what reads return.

    The reference keeps a shadow of every register and derives events from it: tracked registers,
    function level reset, Requester ID, VF Enable, stream registers (TDISP-TRK-001 to 016).
    """

    def __init__(
        self,
        reference: ReferenceDevice,
        streams: TransitionChecker[bool],
        findings: Findings,
        doe_base: int,
    ) -> None:
        self._reference = reference
        self._streams = streams
        self._findings = findings
        self._doe_base = doe_base
        self.covered: list[CoverItem] = []

    def describe(self, rid: int, address: int, data: int, enables: int) -> str:
        """A write in one line."""
        return f"configuration write {rid:04x}+{address:03x} {data:08x}/{enables:x}"

    def in_mailbox(self, address: int) -> bool:
        """Whether a register is one of the DOE capability: nothing to tell the history."""
        return self._doe_base <= address <= self._doe_base + Register.READ_MAILBOX

    def is_abort(self, rid: int, address: int, data: int, enables: int) -> bool:
        """A write that aborts what the mailbox is doing."""
        space = self._reference.space
        if space.find(rid) != 0:
            return False
        if space.initiates_flr(address, data, enables):
            return True
        abort = bool(data & byte_mask(enables) & 1 << ControlBit.ABORT)
        return address == self._doe_base + Register.CONTROL and abort

    def reset_functions(self, rid: int, address: int, data: int, enables: int) -> list[int]:
        """The functions that a write resets (TDISP-FSM-005)."""
        space = self._reference.space
        function = space.find(rid)
        if function is None or not space.initiates_flr(address, data, enables):
            return []
        return list(range(self._reference.profile.num_tdi)) if function == 0 else [function]

    def resets_page_requests(self, rid: int, address: int, data: int, enables: int) -> bool:
        """Whether a write resets the Page Request interface, which counts while Enable is 0."""
        space = self._reference.space
        if not self._reference.profile.pri or space.find(rid) != 0:
            return False
        written = address == ConfigRegister.PRI_CONTROL and data & byte_mask(enables) & PRI_RESET
        return bool(written) and not space.views()[0].pri_enable

    def write(self, rid: int, address: int, data: int, enables: int) -> None:
        """A write has been completed successfully."""
        self._reference.config_write(rid, address, data, enables)

    def read(self, time_ns: float, rid: int, address: int, value: int) -> None:
        """A read has returned `value`: bits that software can write are as it has written them."""
        function = self._reference.space.find(rid)
        if function is None:
            return
        if function == 0 and self._is_status(address):
            self._status(time_ns, address, value)
            return
        if address in STICKY:
            return
        space = self._reference.space
        none = space.preview(function, address, 0, FULL).new
        writable = none ^ space.preview(function, address, ONES, FULL).new
        expected = self._reference.config_read(rid, address)
        if writable and not self.in_mailbox(address):
            state = self._reference.tdi_states()[function].name
            kind = "VF" if function else "PF"
            self.covered.append(CoverItem("register read", (kind, register_name(address), state)))
        if (value ^ expected) & writable:
            requirement = "IDE-CAP-009" if address >= FIRST_BLOCK else "TDISP-TRK-014"
            self._findings.mismatch(
                (requirement,),
                time_ns,
                f"configuration read {rid:04x}+{address:03x}",
                {"value": f"{expected & writable:08x}", "writable bits": f"{writable:08x}"},
                {"value": f"{value & writable:08x}", "writable bits": f"{writable:08x}"},
                function,
            )

    def _is_status(self, address: int) -> bool:
        block, offset = divmod(address - FIRST_BLOCK, SelectiveBlock.SIZE)
        in_blocks = 0 <= block < self._reference.profile.num_streams
        return in_blocks and offset == SelectiveBlock.STATUS

    def _status(self, time_ns: float, address: int, value: int) -> None:
        """Stream status: Secure or Insecure, 0 while disabled (IDE-CAP-004)."""
        block = (address - FIRST_BLOCK) // SelectiveBlock.SIZE
        track = self._streams.tracks[block]
        if track.reference.now is not track.device.now or len(track.around(time_ns)) > 1:
            return
        secure = track.reference.now and self._reference.blocks()[block].enabled
        expected = int(StreamState.SECURE) if secure else 0
        self._findings.compare(
            ("IDE-CAP-004",),
            time_ns,
            f"status of stream register block {block}",
            {"state": expected},
            {"state": value >> StatusBit.STATE & STATE_MASK},
        )
