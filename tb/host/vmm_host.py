# SPDX-License-Identifier: Apache-2.0
"""What the VMM does over the simulated link: enumerate, enable VFs, place IDE associations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cocotbext.pcie.core.utils import PcieId

from models.app.map import Bar0, Bar2
from models.ide.codes import ControlBit
from models.ide.select import AddressAssociation
from models.pcie.codes import INITIATE_FLR, CapabilityId, ExtendedCapabilityId, SelectiveBlock
from models.pcie.codes import IdeRegister as Ide
from tb.host.root_port import HOST_RID, HostRootPort

DEVICE = PcieId(1, 0, 0)
VF_REGION_OFFSET = 1 << 24  # VF BARs lie this far above the BARs of the physical function

COMMAND = 0x04
BAR0 = 0x10
COMMAND_MEMORY = 1 << 1
COMMAND_MASTER = 1 << 2

SRIOV_CONTROL = 0x08
SRIOV_NUM_VFS = 0x10
SRIOV_OFFSET_STRIDE = 0x14
SRIOV_PAGE_SIZE = 0x20
SRIOV_BAR0 = 0x24
VF_ENABLE = 1 << 0
VF_MEMORY = 1 << 3

MSIX_ENABLE = 1 << 31  # of the DW that holds Message Control
MSIX_FUNCTION_MASK = 1 << 30

ATS_CONTROL = 0x04  # ATS Control in the high half
ATS_ENABLE = 1 << 31

PASID_CONTROL = 0x04  # PASID Control in the high half
PASID_ENABLE = 1 << 16

AER_STATUS = 0x04  # uncorrectable errors

DEVICE_CONTROL = 0x08
MAX_PAYLOAD_SIZE = 7 << 5
SMALLEST_PAYLOAD = 128

FULL_RID = 0xFFFF
RID_VALID = 1
ADDRESS_VALID = 1


@dataclass(frozen=True)
class FunctionAddress:
    """Where a function is: its Requester ID and its two BARs; an SDI has a PASID besides."""

    rid: int
    bar0: int
    bar2: int
    pasid: int | None = None


class VmmHost:
    """The VMM's hands on one device."""

    def __init__(self, host: HostRootPort) -> None:
        self.host = host
        self.functions: dict[int, FunctionAddress] = {}

    async def enumerate(self) -> FunctionAddress:
        """Find the device, assign its BARs, enable memory and bus mastering."""
        host = self.host
        await host.rc.enumerate()
        device = host.rc.find_device(DEVICE)
        if device is None:
            raise RuntimeError("no device at 01:00.0")
        host.pf_rid = int(DEVICE)
        await self.find_mailbox()
        await device.enable_device()
        await device.set_master()
        self.functions[0] = FunctionAddress(host.pf_rid, device.bar_addr[0], device.bar_addr[2])
        return self.functions[0]

    async def find_mailbox(self) -> None:
        """Tell the host where the registers are that carry objects, and those that drop them."""
        host = self.host
        host.doe_base = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.DOE)
        pcie = await host.capability(host.pf_rid, CapabilityId.PCIE)
        host.device_control = pcie + DEVICE_CONTROL

    async def restore(self) -> None:
        """Write BARs and Command of the physical function as enumeration left them."""
        host, pf = self.host, self.functions[0]
        for at, base in ((BAR0, pf.bar0), (BAR0 + 8, pf.bar2)):
            await host.config_write(pf.rid, at, base & 0xFFFFFFFF)
            await host.config_write(pf.rid, at + 4, base >> 32)
        await self.write_command(0)

    async def enable_vfs(self, count: int, bases: tuple[int, int] | None = None) -> None:
        """Place the VF BARs, enable `count` VFs, let each of them master the bus.

        `bases` are the addresses of VF BAR0 and VF BAR2.
        """
        host, rid = self.host, self.host.pf_rid
        at = await host.extended_capability(rid, ExtendedCapabilityId.SRIOV)
        await host.config_write(rid, at + SRIOV_NUM_VFS, count)
        await host.config_write(rid, at + SRIOV_PAGE_SIZE, 1)
        above = self.functions[0].bar0 + VF_REGION_OFFSET
        base0, base2 = bases or (above, above + VF_REGION_OFFSET)
        for offset, base in ((0, base0), (8, base2)):
            await host.config_write(rid, at + SRIOV_BAR0 + offset, base & 0xFFFFFFFF)
            await host.config_write(rid, at + SRIOV_BAR0 + offset + 4, base >> 32)
        await host.config_write(rid, at + SRIOV_CONTROL, VF_ENABLE | VF_MEMORY)
        placing = await host.config_read(rid, at + SRIOV_OFFSET_STRIDE)
        first, stride = placing & 0xFFFF, placing >> 16
        for n in range(1, count + 1):
            vf_rid = rid + first + (n - 1) * stride
            self.functions[n] = FunctionAddress(
                vf_rid, base0 + (n - 1) * Bar0.SIZE, base2 + (n - 1) * Bar2.SIZE
            )
            await self.write_command(n)

    def find_sdis(self, pasids: Sequence[int]) -> None:
        """The SDIs of the physical function: slices of its BARs, named by these PASIDs."""
        pf = self.functions[0]
        for n, pasid in enumerate(pasids, 1):
            self.functions[n] = FunctionAddress(
                pf.rid, pf.bar0 + n * Bar0.SIZE, pf.bar2 + n * Bar2.SIZE, pasid
            )
            self.host.inbound.check.know_sdi(pf.rid, pasid)

    async def enable_pasid(self, *, enabled: bool = True) -> None:
        """Set PASID Enable of the physical function, or clear it."""
        host = self.host
        at = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.PASID)
        value = PASID_ENABLE if enabled else 0
        await host.config_write(host.pf_rid, at + PASID_CONTROL, value, enables=0b1100)

    @staticmethod
    def command(function: int) -> int:
        """Command while a function is in use; VFs have no Memory Space Enable of their own."""
        return COMMAND_MASTER if function else COMMAND_MASTER | COMMAND_MEMORY

    async def write_command(self, function: int, cleared: int = 0) -> None:
        """Write Command as it is while the function is in use, some bits of it cleared."""
        rid, value = self.functions[function].rid, self.command(function) & ~cleared
        await self.host.config_write(rid, COMMAND, value, enables=0b0011)

    async def selective_block(self, index: int) -> int:
        """Offset of a selective stream block; all blocks have one address association."""
        base = await self.host.extended_capability(self.host.pf_rid, ExtendedCapabilityId.IDE)
        return base + Ide.FIRST_BLOCK + index * SelectiveBlock.SIZE

    async def place_stream(self, index: int, stream_id: int, *, default: bool) -> None:
        """Write Stream ID, Default Stream, TEE-Limited and the RID association of a block.

        The address association of the default stream stays invalid: it takes what no other
        stream takes.
        """
        at = await self.selective_block(index)
        rid = self.host.pf_rid
        await self.host.config_write(rid, at + SelectiveBlock.RID_ASSOCIATION_1, HOST_RID << 8)
        await self.host.config_write(
            rid, at + SelectiveBlock.RID_ASSOCIATION_2, HOST_RID << 8 | RID_VALID
        )
        await self.host.config_write(
            rid, at + SelectiveBlock.CONTROL, self._control(stream_id, default)
        )

    async def aim_stream(self, index: int, peer: int, base: int, limit: int) -> None:
        """Associate a placed stream with the Requester ID and the addresses of a peer."""
        at = await self.selective_block(index)
        low, limit_high, base_high = AddressAssociation(base, limit).words()
        for register, value in (
            (SelectiveBlock.RID_ASSOCIATION_1, peer << 8),
            (SelectiveBlock.RID_ASSOCIATION_2, peer << 8 | RID_VALID),
            (SelectiveBlock.ADDRESS_ASSOCIATION_1, low),
            (SelectiveBlock.ADDRESS_ASSOCIATION_2, limit_high),
            (SelectiveBlock.ADDRESS_ASSOCIATION_3, base_high),
        ):
            await self.host.config_write(self.host.pf_rid, at + register, value)

    async def enable_stream(self, index: int, stream_id: int, *, default: bool) -> None:
        """Set Enable of a block, which must have been placed."""
        at = await self.selective_block(index)
        value = self._control(stream_id, default) | 1 << ControlBit.ENABLE
        await self.host.config_write(self.host.pf_rid, at + SelectiveBlock.CONTROL, value)

    @staticmethod
    def _control(stream_id: int, default: bool) -> int:
        return (
            stream_id << ControlBit.STREAM_ID
            | int(default) << ControlBit.DEFAULT_STREAM
            | 1 << ControlBit.TEE_LIMITED
        )

    async def enable_ats(self, function: int, *, enabled: bool = True) -> None:
        """Set ATS Enable of a function, or clear it."""
        rid = self.functions[function].rid
        at = await self.host.extended_capability(rid, ExtendedCapabilityId.ATS) + ATS_CONTROL
        await self.host.config_write(rid, at, ATS_ENABLE if enabled else 0, enables=0b1100)

    async def enable_msix(self, function: int) -> None:
        """Set MSI-X Enable of a function."""
        rid = self.functions[function].rid
        at = await self.host.capability(rid, CapabilityId.MSIX)
        control = await self.host.config_read(rid, at)
        await self.host.config_write(rid, at, control | MSIX_ENABLE, enables=0b1100)

    async def mask_function(self, function: int, *, masked: bool) -> None:
        """Set or clear the MSI-X Function Mask of a function whose MSI-X is enabled."""
        rid = self.functions[function].rid
        at = await self.host.capability(rid, CapabilityId.MSIX)
        value = MSIX_ENABLE | (MSIX_FUNCTION_MASK if masked else 0)
        await self.host.config_write(rid, at, value, enables=0b1100)

    async def set_max_payload(self, size: int) -> None:
        """Set Max_Payload_Size of the device, and what the root port takes, to `size` bytes."""
        host = self.host
        at = await host.capability(host.pf_rid, CapabilityId.PCIE) + DEVICE_CONTROL
        old = await host.config_read(host.pf_rid, at) & 0xFFFF & ~MAX_PAYLOAD_SIZE
        field = (size // SMALLEST_PAYLOAD).bit_length() - 1 << 5
        await host.config_write(host.pf_rid, at, old | field, enables=0b0011)
        host.limits = replace(host.limits, max_payload=size)
        host.inbound.limits = replace(host.inbound.limits, max_payload=size)

    async def reset_function(self, function: int) -> None:
        """Function level reset."""
        rid = self.functions[function].rid
        at = await self.host.capability(rid, CapabilityId.PCIE) + DEVICE_CONTROL
        await self.host.config_write(rid, at, INITIATE_FLR, enables=0b0011)

    async def take_errors(self) -> int:
        """AER uncorrectable error status; all of it is cleared."""
        host = self.host
        at = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.AER) + AER_STATUS
        value = await host.config_read(host.pf_rid, at)
        await host.config_write(host.pf_rid, at, 0xFFFFFFFF)
        return value
