# SPDX-License-Identifier: Apache-2.0
"""The host's check of requests that come from a device (TDISP-HOST-010).

T = 1 reaches a TVM's memory only from a TDI that this TVM has accepted; T = 0 never does. What
the VMM has assigned a function to decides only about memory that is no TVM's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from models.host.errors import HostError
from models.host.memory import VMM, HostMemory, Owner, Region
from models.pcie.layout import ATOMICS, DW, MEMORY_READS, MEMORY_REQUESTS
from models.pcie.rules import byte_count, lower_address
from models.pcie.tlp import Tlp
from models.pcie.tlp_rules import operand_size


class Verdict(Enum):
    """What the host does with a request, and why."""

    ALLOWED = "allowed"
    NO_MEMORY = "no region holds the addresses"
    UNTRUSTED = "T = 0 to memory of a TVM"
    NOT_ACCEPTED = "T = 1 to memory of a TVM that has not accepted this TDI"
    NOT_ASSIGNED = "memory of somebody to whom the function is not assigned"
    NOT_MAPPED = "no page table entry for the address"
    INTERRUPT_READ = "a read of the interrupt window"

    @property
    def allowed(self) -> bool:
        """Whether the request is carried out."""
        return self is Verdict.ALLOWED


@dataclass(frozen=True, slots=True)
class DmaRequest:
    """A memory request from a device, as the host's check sees it."""

    requester_id: int
    address: int
    length: int  # bytes
    write: bool
    t: bool

    @classmethod
    def of(cls, tlp: Tlp, t: bool) -> DmaRequest:
        """From a TLP and its T bit; HostError when it is no memory request."""
        if tlp.fmt_type not in MEMORY_REQUESTS:
            raise HostError(f"{tlp.fmt_type.name} is no memory request")
        if tlp.fmt_type in MEMORY_READS:
            lead = (lower_address(tlp) - tlp.address) & (DW - 1)
            return cls(tlp.requester_id, tlp.address + lead, byte_count(tlp), False, t)
        size = operand_size(tlp) if tlp.fmt_type in ATOMICS else DW * tlp.length
        return cls(tlp.requester_id, tlp.address, size, True, t)


class OwnerCheck:
    """Which TVM accepted which TDI, and to whom the VMM assigned each function."""

    def __init__(self, memory: HostMemory) -> None:
        self.memory = memory
        self._accepted: dict[int, Owner] = {}
        self._assigned: dict[int, Owner] = {}

    def accept(self, tvm: Owner, requester_id: int) -> None:
        """`tvm` takes the TDI into its trust; HostError while another TVM has it."""
        if not tvm.confidential:
            raise HostError(f"{tvm.name} is no TVM")
        if self._accepted.get(requester_id, tvm) != tvm:
            raise HostError(f"{requester_id:04x} belongs to {self._accepted[requester_id].name}")
        self._accepted[requester_id] = tvm

    def revoke(self, requester_id: int) -> None:
        """No TVM trusts the TDI any more."""
        self._accepted.pop(requester_id, None)

    def assign(self, owner: Owner, requester_id: int) -> None:
        """The VMM gives the function to `owner`; without this it is the VMM's own."""
        self._assigned[requester_id] = owner

    def check(self, request: DmaRequest) -> Verdict:
        """What becomes of `request`."""
        region = self.memory.region_at(request.address, max(1, request.length))
        if region is None:
            return Verdict.NO_MEMORY
        if region.interrupts and not request.write:
            return Verdict.INTERRUPT_READ
        if region.owner.confidential:
            return self._check_confidential(region, request)
        return self._check_other(region, request)

    def _check_confidential(self, region: Region, request: DmaRequest) -> Verdict:
        if not request.t:
            return Verdict.UNTRUSTED
        accepted = self._accepted.get(request.requester_id) == region.owner
        return Verdict.ALLOWED if accepted else Verdict.NOT_ACCEPTED

    def _check_other(self, region: Region, request: DmaRequest) -> Verdict:
        assigned = self._assigned.get(request.requester_id, VMM)
        reachable = region.shared or region.owner == assigned
        return Verdict.ALLOWED if reachable else Verdict.NOT_ASSIGNED
