# SPDX-License-Identifier: Apache-2.0
"""A host around the reference device, without a simulator: VMM's writes and a root port."""

from __future__ import annotations

from collections.abc import Mapping

from models.app.config_map import ConfigRegister as Reg
from models.device.device import ReferenceDevice
from models.device.registers import ATS_ENABLE, FIRST_BLOCK, PASID_ENABLE
from models.ide.codes import ControlBit, SubStream
from models.ide.keys import KeySlot
from models.ide.select import AddressAssociation
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.messages import KeyInfo
from models.pcie.codes import SelectiveBlock, SriovControlBit

DEFAULT_PF_RID = 0x0100
DEFAULT_WINDOW = 0x1_0000_0000
HOST_RID = 0x0000
FULL = 0xF
COMMAND_ENABLES = 0x6  # Memory Space Enable, Bus Master Enable
COMMAND_BYTES = 0b0011
VFS_ON = 1 << SriovControlBit.VF_ENABLE | 1 << SriovControlBit.VF_MEMORY_SPACE_ENABLE
HIGH_BYTES = 0b1100
STREAM_CONTROL = 1 << ControlBit.TEE_LIMITED


class ModelHost:
    """Is a `HostPort`. `root_port` holds the host's end of each stream."""

    def __init__(self, device: ReferenceDevice, pf_rid: int = DEFAULT_PF_RID) -> None:
        self.device = device
        self.pf_rid = pf_rid
        self.root_port: dict[int, IdeStream] = {}
        self._blocks: dict[int, int] = {}  # register block by Stream ID
        self._controls: dict[int, int] = {}

    # ------------------------------------------------------------------ the VMM's part

    def write(self, register: int, value: int, enables: int = FULL, function: int = 0) -> None:
        """A configuration write."""
        self.device.config_write(self.rid(function), register, value, enables)

    def rid(self, function: int) -> int:
        """Requester ID of a function, or of the one that an SDI belongs to."""
        profile = self.device.profile
        if function == 0 or profile.sdis:
            return self.pf_rid
        return self.pf_rid + profile.first_vf_offset + (function - 1) * profile.vf_stride

    def enumerate(self, window: int = DEFAULT_WINDOW, num_vfs: int | None = None) -> None:
        """Place all BARs from `window` on and enable every function."""
        profile = self.device.profile
        vfs = profile.functions - 1
        count = vfs if num_vfs is None else min(vfs, num_vfs)
        at = window
        for first, copies in ((Reg.BAR0, 1), (Reg.SRIOV_VF_BAR0, count)):
            for bar, of_function in profile.bar_sizes.items():
                size = of_function * profile.bar_slices
                at = -(-at // size) * size
                self.write(first + 4 * bar, at & 0xFFFFFFFF)
                self.write(first + 4 * bar + 4, at >> 32)
                at += size * copies
        self.write(Reg.COMMAND, COMMAND_ENABLES, COMMAND_BYTES)
        if profile.sdis:
            self.write(Reg.PASID_CONTROL, PASID_ENABLE, HIGH_BYTES)
        if count:
            self.write(Reg.SRIOV_NUM_VFS, count)
            self.write(Reg.SRIOV_CONTROL, VFS_ON)
        for vf in range(1, count + 1):
            self.write(Reg.COMMAND, COMMAND_ENABLES, COMMAND_BYTES, vf)

    def place_stream(self, block: int, stream_id: int, *, default: bool) -> None:
        """Write Stream ID, Default Stream and the RID association of a register block."""
        base = FIRST_BLOCK + block * SelectiveBlock.SIZE
        self.write(base + SelectiveBlock.RID_ASSOCIATION_1, HOST_RID << 8)
        self.write(base + SelectiveBlock.RID_ASSOCIATION_2, HOST_RID << 8 | 1)
        control = STREAM_CONTROL | stream_id << ControlBit.STREAM_ID
        control |= default << ControlBit.DEFAULT_STREAM
        self.write(base + SelectiveBlock.CONTROL, control)
        self._blocks[stream_id] = block
        self._controls[stream_id] = control
        self.root_port[stream_id] = IdeStream(StreamConfig(stream_id))

    def aim_stream(self, block: int, peer: int, base: int, limit: int) -> None:
        """Associate a placed stream with the Requester ID and the addresses of a peer."""
        at = FIRST_BLOCK + block * SelectiveBlock.SIZE
        (low, limit_high, base_high) = AddressAssociation(base, limit).words()
        for register, value in (
            (SelectiveBlock.RID_ASSOCIATION_1, peer << 8),
            (SelectiveBlock.RID_ASSOCIATION_2, peer << 8 | 1),
            (SelectiveBlock.ADDRESS_ASSOCIATION_1, low),
            (SelectiveBlock.ADDRESS_ASSOCIATION_2, limit_high),
            (SelectiveBlock.ADDRESS_ASSOCIATION_3, base_high),
        ):
            self.write(at + register, value)

    def set_ats(self, function: int) -> None:
        """Set ATS Enable of a function."""
        self.write(Reg.ATS_CONTROL, ATS_ENABLE, HIGH_BYTES, function)

    def enable_block(self, block: int) -> None:
        """Let Enable of a placed register block rise at the device."""
        stream_id = next(stream for stream, place in self._blocks.items() if place == block)
        self._control(stream_id, 0)
        self._control(stream_id, 1)

    def bars(self, function: int) -> Mapping[int, int]:
        """Where the BARs of a function are."""
        return self.device.space.bars(function)

    # ------------------------------------------------------------------ HostPort

    async def tee_io_supported(self) -> bool:
        """The reference device is one for TEE-IO."""
        return True

    async def ide_registers(self) -> bytes:
        """IDE registers by configuration reads."""
        return self.device.ide_registers()

    async def program_key(self, stream_id: int, info: KeyInfo, key: bytes, /) -> None:
        """Set a key of the root port."""
        self.root_port[stream_id].program(_slot(info), key)

    async def key_go(self, stream_id: int, info: KeyInfo, /) -> None:
        """Let a key of the root port be used."""
        self.root_port[stream_id].go(_slot(info))

    async def key_stop(self, stream_id: int, info: KeyInfo, /) -> None:
        """Erase a key of the root port."""
        self.root_port[stream_id].stop(_slot(info))

    async def enable_stream(self, stream_id: int, /) -> None:
        """Set Enable at both ports."""
        self._control(stream_id, 1)
        self.root_port[stream_id].enable()

    async def disable_stream(self, stream_id: int, /) -> None:
        """Clear Enable at both ports."""
        self._control(stream_id, 0)
        self.root_port[stream_id].disable()

    def _control(self, stream_id: int, enable: int) -> None:
        base = FIRST_BLOCK + self._blocks[stream_id] * SelectiveBlock.SIZE
        value = self._controls[stream_id] | enable << ControlBit.ENABLE
        self.write(base + SelectiveBlock.CONTROL, value)


def _slot(info: KeyInfo) -> KeySlot:
    return KeySlot(info.direction, SubStream(info.sub_stream), info.key_set)
