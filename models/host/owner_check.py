# SPDX-License-Identifier: Apache-2.0
"""The host's check of requests that come from a device (TDISP-HOST-010).

T = 1 reaches a TVM's memory only from a TDI that this TVM has accepted; T = 0 never does. What
the VMM has assigned a function to decides only about memory that is no TVM's. A Scalable Device
Interface has the Requester ID of its function, so its PASID tells it apart; interrupts have none,
and reach whoever has the function or any of its SDIs.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    pasid: int | None = None

    @classmethod
    def of(cls, tlp: Tlp, t: bool) -> DmaRequest:
        """From a TLP and its T bit; HostError when it is no memory request."""
        if tlp.fmt_type not in MEMORY_REQUESTS:
            raise HostError(f"{tlp.fmt_type.name} is no memory request")
        if tlp.fmt_type in MEMORY_READS:
            lead = (lower_address(tlp) - tlp.address) & (DW - 1)
            at = tlp.address + lead
            return cls(tlp.requester_id, at, byte_count(tlp), False, t, tlp.pasid)
        size = operand_size(tlp) if tlp.fmt_type in ATOMICS else DW * tlp.length
        return cls(tlp.requester_id, tlp.address, size, True, t, tlp.pasid)


Name = tuple[int, int | None]  # Requester ID, and PASID of an SDI


class OwnerCheck:
    """Which TVM accepted which TDI, and to whom the VMM assigned each function."""

    def __init__(self, memory: HostMemory) -> None:
        self.memory = memory
        self._accepted: dict[Name, Owner] = {}
        self._assigned: dict[Name, Owner] = {}
        self._sdis: set[Name] = set()

    def accept(self, tvm: Owner, requester_id: int, pasid: int | None = None) -> None:
        """`tvm` takes the TDI into its trust; HostError while another TVM has it."""
        if not tvm.confidential:
            raise HostError(f"{tvm.name} is no TVM")
        name = self._named(requester_id, pasid)
        if self._accepted.get(name, tvm) != tvm:
            raise HostError(f"{requester_id:04x} belongs to {self._accepted[name].name}")
        self._accepted[name] = tvm

    def revoke(self, requester_id: int, pasid: int | None = None) -> None:
        """No TVM trusts the TDI any more."""
        self._accepted.pop(self._named(requester_id, pasid), None)

    def assign(self, owner: Owner, requester_id: int, pasid: int | None = None) -> None:
        """The VMM gives the function or the SDI to `owner`; without this it is the VMM's own."""
        self._assigned[self._named(requester_id, pasid)] = owner

    def know_sdi(self, requester_id: int, pasid: int) -> None:
        """This PASID is the name of an SDI: whoever has the function does not have it."""
        self._sdis.add((requester_id, pasid))

    def name(self, requester_id: int, pasid: int | None) -> Name:
        """Who sends with this PASID: an SDI, or the function, which may use any other."""
        return requester_id, pasid if (requester_id, pasid) in self._sdis else None

    def _named(self, requester_id: int, pasid: int | None) -> Name:
        if pasid is not None:
            self.know_sdi(requester_id, pasid)
        return requester_id, pasid

    def _owners(
        self, owners: Mapping[Name, Owner], region: Region, request: DmaRequest
    ) -> set[Owner]:
        """Those to whom the sender of `request` may belong."""
        if region.interrupts and request.pasid is None:
            return {owner for name, owner in owners.items() if name[0] == request.requester_id}
        owner = owners.get(self.name(request.requester_id, request.pasid))
        return set() if owner is None else {owner}

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
        accepted = region.owner in self._owners(self._accepted, region, request)
        return Verdict.ALLOWED if accepted else Verdict.NOT_ACCEPTED

    def _check_other(self, region: Region, request: DmaRequest) -> Verdict:
        assigned = self._owners(self._assigned, region, request) or {VMM}
        reachable = region.shared or region.owner in assigned
        return Verdict.ALLOWED if reachable else Verdict.NOT_ASSIGNED
