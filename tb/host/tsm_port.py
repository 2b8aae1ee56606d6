# SPDX-License-Identifier: Apache-2.0
"""The TSM's hands on the simulated root port."""

from __future__ import annotations

from models.ide.codes import CapabilityBit, SubStream
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.messages import KeyInfo
from models.pcie.codes import CapabilityId, ExtendedCapabilityId, IdeRegister, SelectiveBlock
from tb.host.root_port import HostRootPort
from tb.host.vmm_host import VmmHost

DEVICE_CAPABILITIES = 0x04  # from the start of the PCI Express capability
TEE_IO_SUPPORTED = 1 << 30
NUM_SELECTIVE_MASK = 0xFF


class TsmHostPort:
    """Is a `HostPort` of the TSM; `blocks` gives the register block of each Stream ID."""

    def __init__(self, host: HostRootPort, vmm: VmmHost, blocks: dict[int, int]) -> None:
        self._host = host
        self._vmm = vmm
        self._blocks = blocks

    async def tee_io_supported(self) -> bool:
        """Device Capabilities bit 30 of the device."""
        rid = self._host.pf_rid
        at = await self._host.capability(rid, CapabilityId.PCIE)
        return bool(await self._host.config_read(rid, at + DEVICE_CAPABILITIES) & TEE_IO_SUPPORTED)

    async def ide_registers(self) -> bytes:
        """The device's IDE registers from IDE Capability on."""
        host, rid = self._host, self._host.pf_rid
        base = await host.extended_capability(rid, ExtendedCapabilityId.IDE)
        capability = await host.config_read(rid, base + IdeRegister.CAPABILITY)
        count = (capability >> CapabilityBit.NUM_SELECTIVE & NUM_SELECTIVE_MASK) + 1
        end = IdeRegister.FIRST_BLOCK + count * SelectiveBlock.SIZE
        values = [
            await host.config_read(rid, base + at) for at in range(IdeRegister.CAPABILITY, end, 4)
        ]
        return b"".join(value.to_bytes(4, "little") for value in values)

    async def program_key(self, stream_id: int, info: KeyInfo, key: bytes, /) -> None:
        """Set a key of the root port."""
        self._stream(stream_id)
        self._host.program(stream_id, _slot(info), key)

    async def key_go(self, stream_id: int, info: KeyInfo, /) -> None:
        """Let a key of the root port be used."""
        self._stream(stream_id).go(_slot(info))

    async def key_stop(self, stream_id: int, info: KeyInfo, /) -> None:
        """Erase a key of the root port."""
        self._stream(stream_id).stop(_slot(info))

    async def enable_stream(self, stream_id: int, /) -> None:
        """Set Enable at both ports."""
        self._stream(stream_id).enable()
        block = self._blocks[stream_id]
        await self._vmm.enable_stream(block, stream_id, default=block == 0)

    async def disable_stream(self, stream_id: int, /) -> None:
        """Clear Enable at both ports; the next use starts with a fresh stream."""
        block = self._blocks[stream_id]
        await self._vmm.place_stream(block, stream_id, default=block == 0)
        self._stream(stream_id).disable()
        del self._host.streams[stream_id]

    def _stream(self, stream_id: int) -> IdeStream:
        streams = self._host.streams
        return streams.setdefault(stream_id, IdeStream(StreamConfig(stream_id)))


def _slot(info: KeyInfo) -> KeySlot:
    return KeySlot(info.direction, SubStream(info.sub_stream), info.key_set)
