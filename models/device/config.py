# SPDX-License-Identifier: Apache-2.0
"""What a device is built with: the data sheet that models and bench share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.app.config_map import DEVICE_ID, SUPPORTED_PAGE_SIZES, VENDOR_ID
from models.app.map import ID_VALUE, MSIX_VECTORS, Bar0, Bar2
from models.spdm.codes import ErrorCode, Response
from models.tdisp.codes import InterfaceInfo, LockFlags, RangeAttributes, Request
from models.tdisp.profile import TEE_MEMORY, DsmProfile, RangeProfile

# Optional parts that this project's device is built with.
MMIO_ATTRIBUTE = True
P2P = True
TDISP_CONFIG = False
PASID = False
PRI = False
ROM = True
TPH = True
MSI = True
REPORT_PORTION = 1024  # bytes of the report in one response


def project_ranges(mmio_attribute: bool) -> tuple[RangeProfile, ...]:
    """MMIO of a function; with SET_MMIO_ATTRIBUTE its memory page can be opened."""
    memory = RangeAttributes.IS_MEM_ATTR_UPDATABLE if mmio_attribute else TEE_MEMORY
    return (
        RangeProfile(0, Bar0.REGISTERS, 1),
        RangeProfile(0, Bar0.PUBLIC, 1, RangeAttributes.IS_NON_TEE_MEM),
        RangeProfile(0, Bar0.MEMORY, 1, memory),
        RangeProfile(2, Bar2.MSIX_TABLE, 1, RangeAttributes.MSIX_TABLE),
        RangeProfile(2, Bar2.MSIX_PBA, 1, RangeAttributes.MSIX_PBA),
    )


RANGES = project_ranges(MMIO_ATTRIBUTE)

# What a record that fails its check is answered with, under the session's own key, before the
# session is freed (SEC-REC-007); None for silence.
BAD_RECORD_ANSWER: bytes | None = bytes((0x12, Response.ERROR, ErrorCode.DECRYPT_ERROR, 0))


def _bar_sizes() -> dict[int, int]:
    return {0: Bar0.SIZE, 2: Bar2.SIZE}


MMA_REQUESTS = frozenset({Request.SET_MMIO_ATTRIBUTE_REQUEST})
P2P_REQUESTS = frozenset({Request.BIND_P2P_STREAM_REQUEST, Request.UNBIND_P2P_STREAM_REQUEST})
CONFIG_REQUESTS = frozenset({Request.SET_TDISP_CONFIG_REQUEST})
P2P_FLAGS = LockFlags.BIND_P2P | LockFlags.ALL_REQUEST_REDIRECT


def project_dsm(
    num_tdi: int,
    *,
    mmio_attribute: bool = MMIO_ATTRIBUTE,
    p2p: bool = P2P,
    tdisp_config: bool = TDISP_CONFIG,
    sdis: bool = False,
) -> DsmProfile:
    """The DSM of this project: vendor messages and XT mode are not built."""
    flags = LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX
    offered = ((mmio_attribute, MMA_REQUESTS), (p2p, P2P_REQUESTS), (tdisp_config, CONFIG_REQUESTS))
    return DsmProfile(
        num_tdi=num_tdi,
        sdis=sdis,
        ranges=project_ranges(mmio_attribute),
        lock_flags=flags | P2P_FLAGS if p2p else flags,
        optional=frozenset().union(*(requests for built, requests in offered if built)),
        interface_info=InterfaceInfo.NO_FW_UPDATE | InterfaceInfo.DMA_WITHOUT_PASID,
        device_specific_info=ID_VALUE.to_bytes(4, "little"),
        report_portion_max=REPORT_PORTION,
    )


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """Sizes and identities. TDI 0 is the physical function, TDI n is virtual function n.

    In a `whole_device` they are functions, and all of them are one TDI that the first one names.
    With `sdis` there is one function, and TDI n >= 1 is its Scalable Device Interface n, which has
    the PASID `sdi_pasid` + n. All TDIs have the same 64-bit BARs, SDIs as slices of those of their
    function; `dsm` defaults to that of this project.
    """

    num_tdi: int = 4
    whole_device: bool = False
    sdis: bool = False  # needs pasid
    sdi_pasid: int = 0
    num_streams: int = 2
    num_sessions: int = 4
    vendor_id: int = VENDOR_ID
    device_id: int = DEVICE_ID
    bar_sizes: Mapping[int, int] = field(default_factory=_bar_sizes)  # bytes by BAR number
    msix_vectors: int = MSIX_VECTORS
    pf_function: int = 0  # function number of the physical function
    first_vf_offset: int = 1
    vf_stride: int = 1
    supported_page_sizes: int = SUPPORTED_PAGE_SIZES
    max_payload: int = 512  # bytes
    doe_dwords: int = 1152  # longest DOE object, header included
    port_aliases: frozenset[int] = frozenset()  # IDE_KM port indices answered besides 0
    bad_record_answer: bytes | None = BAD_RECORD_ANSWER
    mmio_attribute: bool = MMIO_ATTRIBUTE  # SET_MMIO_ATTRIBUTE is offered, for the memory page
    p2p: bool = P2P  # BIND_P2P_STREAM and ALL_REQUEST_REDIRECT are offered
    tdisp_config: bool = TDISP_CONFIG  # SET_TDISP_CONFIG is offered, without XT mode
    pasid: bool = PASID  # the PF has a PASID capability, which its VFs share
    pri: bool = PRI  # the PF has a Page Request capability, which its VFs share
    rom: bool = ROM  # the PF has an Expansion ROM
    tph: bool = TPH  # every function has a TPH Requester capability
    msi: bool = MSI  # every function has an MSI capability
    dsm_profile: DsmProfile | None = None

    def __post_init__(self) -> None:
        if self.sdis and (self.num_tdi < 2 or not self.pasid or self.whole_device):
            raise ValueError("SDIs need PASIDs, and more than one TDI")

    @property
    def functions(self) -> int:
        """How many functions have a configuration space."""
        return 1 if self.sdis else self.num_tdi

    @property
    def bar_slices(self) -> int:
        """How many TDIs a BAR of the physical function has room for: a power of 2."""
        return 1 << (self.num_tdi - 1).bit_length() if self.sdis else 1

    def pasid_of(self, tdi: int) -> int | None:
        """The PASID that names a TDI beside its Requester ID; None for a function."""
        return self.sdi_pasid + tdi if self.sdis and tdi else None

    @property
    def sdi_pasids(self) -> range:
        """The PASIDs of all SDIs."""
        first = self.sdi_pasid + 1
        return range(first, first + self.num_tdi - 1 if self.sdis else first)

    @property
    def dsm(self) -> DsmProfile:
        """What the DSM is built with."""
        if self.dsm_profile is not None:
            return self.dsm_profile
        num_tdi = 1 if self.whole_device else self.num_tdi
        return project_dsm(
            num_tdi,
            mmio_attribute=self.mmio_attribute,
            p2p=self.p2p,
            tdisp_config=self.tdisp_config,
            sdis=self.sdis,
        )


DEFAULT_PROFILE = DeviceProfile()
