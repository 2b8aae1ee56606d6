# SPDX-License-Identifier: Apache-2.0
"""What a DSM is built with, and what it looks at while it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from models.tdisp.codes import (
    VERSION_1_0,
    InterfaceInfo,
    LockFlags,
    RangeAttributes,
    Request,
)

TEE_MEMORY = RangeAttributes(0)
MANDATORY = frozenset(
    {
        Request.GET_TDISP_VERSION,
        Request.GET_TDISP_CAPABILITIES,
        Request.LOCK_INTERFACE_REQUEST,
        Request.GET_DEVICE_INTERFACE_REPORT,
        Request.GET_DEVICE_INTERFACE_STATE,
        Request.START_INTERFACE_REQUEST,
        Request.STOP_INTERFACE_REQUEST,
    }
)
# Optional requests that the reference can play; vendor messages have no meaning of their own.
IMPLEMENTED = frozenset(
    {
        Request.BIND_P2P_STREAM_REQUEST,
        Request.UNBIND_P2P_STREAM_REQUEST,
        Request.SET_MMIO_ATTRIBUTE_REQUEST,
        Request.SET_TDISP_CONFIG_REQUEST,
    }
)


@dataclass(frozen=True, slots=True)
class RangeProfile:
    """A range of MMIO that a TDI reports, in the order of the report."""

    bar: int
    offset: int  # bytes from the start of the BAR
    num_pages: int
    attributes: RangeAttributes = TEE_MEMORY


@dataclass(frozen=True, slots=True)
class DsmProfile:
    """Constants of a DSM. Every TDI has the same ranges."""

    num_tdi: int
    ranges: tuple[RangeProfile, ...]
    interface_info: InterfaceInfo = InterfaceInfo.DMA_WITHOUT_PASID
    device_specific_info: bytes = b""
    lock_flags: LockFlags = LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX
    optional: frozenset[Request] = frozenset()  # implemented besides the mandatory ones
    versions: tuple[int, ...] = (VERSION_1_0,)
    dsm_caps: int = 0
    dev_addr_width: int = 64
    num_req_this: int = 1
    num_req_all: int = 1
    always_lock_msix: bool = False  # lock and report MSI-X also when LOCK does not ask for it
    refuse_unadvertised_flags: bool = True
    sdis: bool = False  # the TDIs behind the first are SDIs, named by their PASID besides
    report_portion_max: int = 0xFFFF  # bytes of the report in one response

    def __post_init__(self) -> None:
        unknown = self.optional - IMPLEMENTED
        if unknown:
            raise ValueError(f"no model of {sorted(unknown)}")

    @property
    def requests(self) -> frozenset[Request]:
        """Every implemented request."""
        return MANDATORY | self.optional


@dataclass(slots=True)
class FunctionConfig:
    """Configuration of the function that hosts a TDI, as it is now.

    A PF whose VFs belong to its TDI names them in `subordinates`, in their order; ATS is that of
    any of them, the control words are those of the PF.
    """

    rid: int
    present: bool = True
    pasid: int | None = None  # of an SDI
    bars: Mapping[int, int] = field(default_factory=dict)  # bus address by BAR number
    subordinates: Sequence[Mapping[int, int]] = ()  # bars of the other functions of the TDI
    msix_control: int = 0  # Message Control
    lnr_control: int = 0
    tph_control: int = 0
    ats_enable: bool = False
    prs_enable: bool = False
    pasid_enable: bool = False


@dataclass(frozen=True, slots=True)
class StreamView:
    """One selective stream register block and what is behind it."""

    stream_id: int
    default: bool = False  # Default Stream bit
    enabled: bool = False
    tc: int = 0
    secure: bool = False
    keys_programmed: bool = False  # all three sub-streams in both directions, one key set
    owner: int | None = None  # session that programmed the keys
    overlaps: bool = False  # associations overlap those of another enabled block


class Platform(Protocol):
    """The device around a DSM."""

    @property
    def segment(self) -> int | None:
        """The device's own segment, None while it does not know it."""

    def function(self, tdi: int, /) -> FunctionConfig:
        """Configuration of the function behind a TDI."""

    def streams(self) -> Sequence[StreamView]:
        """All selective stream register blocks."""

    def configuration_fault(self, tdi: int, /) -> str | None:
        """What LOCK must refuse in Function 0 and the hosting function; None when all is well."""


class NonceSource(Protocol):
    """Where nonces come from."""

    def nonce(self) -> bytes | None:
        """32 fresh random bytes, None when there is not enough entropy (TDISP-LOCK-016)."""
