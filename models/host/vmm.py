# SPDX-License-Identifier: Apache-2.0
"""The VMM: what it assigns to whom, as data. It is not trusted; the TVM checks its mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.host.errors import HostError
from models.host.tvm import ADDRESS_SPACE, MappedRange, MmioMapping
from models.ide.select import SelectiveStreamBlock
from models.pcie.codes import CommandBit, HeaderRegister, SriovControlBit, SriovRegister
from models.pcie.layout import PAGE

ENABLED = 1 << CommandBit.MEMORY_SPACE_ENABLE | 1 << CommandBit.BUS_MASTER_ENABLE
VFS_ENABLED = 1 << SriovControlBit.VF_ENABLE | 1 << SriovControlBit.VF_MEMORY_SPACE_ENABLE
RID_LIMIT = 0xFFFF


@dataclass(frozen=True, slots=True)
class DeviceLayout:
    """What enumeration has found out about a device with a PF and VFs."""

    pf_rid: int
    bar_sizes: Mapping[int, int]  # bytes by BAR number; VFs have the same; all BARs are 64 bits
    sriov: int  # offset of the SR-IOV capability
    first_vf_offset: int = 1
    vf_stride: int = 1

    def rid(self, function: int) -> int:
        """Requester ID of function 0 (PF) or of VF `function`."""
        if function == 0:
            return self.pf_rid
        return self.pf_rid + self.first_vf_offset + (function - 1) * self.vf_stride


@dataclass(frozen=True, slots=True)
class ConfigWrite:
    """One configuration write of the bytes of the DW `value` that `enables` names."""

    rid: int
    register: int
    value: int
    enables: int = 0xF


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """One function: who it is and where its BARs are."""

    index: int
    rid: int
    bars: Mapping[int, int]  # bus address by BAR number


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Register values of one selective stream at both ports, not yet enabled."""

    endpoint: SelectiveStreamBlock
    root_port: SelectiveStreamBlock


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """All that the VMM assigns. `functions[n]` is function n; VF BARs follow each other."""

    layout: DeviceLayout
    functions: tuple[FunctionPlan, ...]
    streams: tuple[StreamPlan, ...]

    def config_writes(self) -> list[ConfigWrite]:
        """The writes that put the BARs and enables in place, in a safe order."""
        pf, sriov = self.functions[0], self.layout.sriov
        writes = _bar_writes(pf.rid, HeaderRegister.BAR0, pf.bars)
        writes.append(ConfigWrite(pf.rid, HeaderRegister.COMMAND, ENABLED, 0b0011))
        if len(self.functions) == 1:
            return writes
        count = len(self.functions) - 1
        writes.append(ConfigWrite(pf.rid, sriov + SriovRegister.NUM_VFS, count))
        vf_bars = self.functions[1].bars
        writes += _bar_writes(pf.rid, sriov + SriovRegister.VF_BAR0, vf_bars)
        writes.append(ConfigWrite(pf.rid, sriov + SriovRegister.CONTROL, VFS_ENABLED))
        master = 1 << CommandBit.BUS_MASTER_ENABLE
        writes += [
            ConfigWrite(vf.rid, HeaderRegister.COMMAND, master, 0b0011) for vf in self.functions[1:]
        ]
        return writes


def _bar_writes(rid: int, first: int, bars: Mapping[int, int]) -> list[ConfigWrite]:
    writes = []
    for bar, address in sorted(bars.items()):
        low = first + 4 * bar
        writes.append(ConfigWrite(rid, low, address & 0xFFFFFFFF))
        writes.append(ConfigWrite(rid, low + 4, address >> 32))
    return writes


class Vmm:
    """Assigns bus addresses from a window, streams to ports, and maps MMIO for VMs."""

    def __init__(self, window: int, host_rid: int = 0) -> None:
        self.window = window
        self.host_rid = host_rid

    def plan(
        self, layout: DeviceLayout, num_vfs: int, stream_ids: Sequence[int] = (1,)
    ) -> ResourcePlan:
        """BARs of the PF, then VF BARs, all aligned to their size; the first stream is Default."""
        at = self.window
        pf_bars: dict[int, int] = {}
        vf_bases: dict[int, int] = {}
        for bars, count in ((pf_bars, 1), (vf_bases, num_vfs)):
            for bar, size in sorted(layout.bar_sizes.items()):
                at = -(-at // size) * size
                bars[bar] = at
                at += size * count
        if at > ADDRESS_SPACE:
            raise HostError(f"the window at {self.window:#x} is too small")
        functions = [FunctionPlan(0, layout.pf_rid, pf_bars)]
        for vf in range(1, num_vfs + 1):
            bars = {bar: b + (vf - 1) * layout.bar_sizes[bar] for bar, b in vf_bases.items()}
            functions.append(FunctionPlan(vf, layout.rid(vf), bars))
        streams = tuple(
            self._stream(stream_id, layout, num_vfs, default=stream_id == stream_ids[0])
            for stream_id in stream_ids
        )
        return ResourcePlan(layout, tuple(functions), streams)

    def _stream(
        self, stream_id: int, layout: DeviceLayout, num_vfs: int, *, default: bool
    ) -> StreamPlan:
        endpoint = SelectiveStreamBlock(
            stream_id,
            default_stream=default,
            tee_limited=True,
            rid_base=self.host_rid,
            rid_limit=self.host_rid,
            rid_valid=True,
        )
        root_port = SelectiveStreamBlock(
            stream_id,
            rid_base=layout.pf_rid,
            rid_limit=min(RID_LIMIT, layout.rid(num_vfs)),
            rid_valid=True,
        )
        return StreamPlan(endpoint, root_port)

    def map_pages(
        self, function: FunctionPlan, pages: Sequence[tuple[int, int, int]], offset: int = 0
    ) -> MmioMapping:
        """Map ranges of a function for a VM.

        `pages` are (BAR number, byte offset in the BAR, number of pages) in reported order,
        `offset` is the MMIO reporting offset.
        """
        ranges = tuple(
            MappedRange(function.bars[bar] + start, count) for bar, start, count in pages
        )
        return MmioMapping(ranges, offset)


def reporting_offset(ranges: Sequence[MappedRange], wanted: int) -> int:
    """The page-aligned MMIO reporting offset nearest below `wanted` that cannot wrap a range.

    Raises HostError when a range would reach beyond the address space (TDISP-HOST-007).
    """
    offset = wanted // PAGE * PAGE
    for mapped in ranges:
        end = mapped.address + PAGE * mapped.num_pages + offset
        if mapped.address + offset < 0 or end > ADDRESS_SPACE:
            raise HostError(
                f"offset {wanted:#x} moves {mapped.address:#x} out of the address space"
            )
    return offset
