# SPDX-License-Identifier: Apache-2.0
"""The host's translation agent: page tables for requesters, Translation Requests, invalidations.

The VMM fills the tables. What a TVM owns is translated only for a TDI that it has accepted, and
only for requests with T = 1 (TDISP-HOST-010): the same check as for memory requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from models.host.errors import HostError
from models.host.owner_check import DmaRequest, Name, OwnerCheck
from models.pcie.ats import (
    ENTRY_SIZE,
    ITAGS,
    InvalidateCompletion,
    InvalidateRequest,
    Span,
    TranslationEntry,
    is_translation_request,
)
from models.pcie.codes import CplStatus
from models.pcie.layout import ATOMICS, DW, PAGE
from models.pcie.rules import ROOT_LIMITS, failed_completion, split_completions
from models.pcie.tlp import Tlp
from models.pcie.tlp_rules import operand_size


@dataclass(frozen=True, slots=True)
class Mapping:
    """One entry of a page table."""

    untranslated: Span
    target: int  # first byte behind it
    read: bool = True
    write: bool = True

    def translate(self, address: int) -> int:
        """Where `address`, which is inside, leads."""
        return self.target + address - self.untranslated.base


@dataclass
class TranslationAgent:
    """Page tables of functions and SDIs. A requester without one has its addresses as they are."""

    check: OwnerCheck
    host_rid: int = 0
    _tables: dict[Name, list[Mapping]] = field(default_factory=dict)
    _open: dict[int, InvalidateRequest] = field(default_factory=dict)  # by ITag
    _missing: dict[int, int] = field(default_factory=dict)  # completions, by ITag

    # ------------------------------------------------------------------ tables

    def has_table(self, requester_id: int, pasid: int | None = None) -> bool:
        """Whether addresses of the requester are translated."""
        return self.check.name(requester_id, pasid) in self._tables

    def map(self, requester_id: int, mapping: Mapping, pasid: int | None = None) -> None:
        """Add an entry; HostError when it overlaps another or is not aligned."""
        if mapping.target % mapping.untranslated.size:
            raise HostError(f"{mapping.target:#x} is not aligned to {mapping.untranslated.size:#x}")
        table = self._tables.setdefault(self.check.name(requester_id, pasid), [])
        if any(mapping.untranslated.overlaps(other.untranslated) for other in table):
            raise HostError(f"{mapping.untranslated.base:#x} is mapped already")
        table.append(mapping)

    def unmap(self, requester_id: int, address: int, pasid: int | None = None) -> Span:
        """Take the entry at `address` out; what has to be invalidated. HostError without one."""
        mapping = self.find(requester_id, address, pasid)
        if mapping is None:
            raise HostError(f"{address:#x} is not mapped")
        self._tables[self.check.name(requester_id, pasid)].remove(mapping)
        return mapping.untranslated

    def find(self, requester_id: int, address: int, pasid: int | None = None) -> Mapping | None:
        """The entry that holds `address`."""
        table = self._tables.get(self.check.name(requester_id, pasid), ())
        return next((item for item in table if item.untranslated.holds(address)), None)

    # ------------------------------------------------------------------ requests

    def completions(self, request: Tlp, t: bool) -> list[Tlp]:
        """What a Translation Request gets; UR for one without the right form."""
        if not is_translation_request(request):
            return [failed_completion(self.host_rid, request, CplStatus.UR)]
        count, at, raw = request.length * DW // ENTRY_SIZE, request.address & -PAGE, b""
        for _ in range(count):
            entry = self._entry(request, at, t)
            raw += entry.encode()
            at = (at & -entry.target.size) + entry.target.size
        return split_completions(self.host_rid, request, raw, ROOT_LIMITS)

    def _entry(self, request: Tlp, address: int, t: bool) -> TranslationEntry:
        """No right to anything is how a page is told that is not there."""
        requester_id, pasid = request.requester_id, request.pasid
        mapping = self.find(requester_id, address, pasid)
        if mapping is None:
            return TranslationEntry(Span(0), read=False, write=False)
        target = Span(mapping.target, mapping.untranslated.size)
        asked = [
            DmaRequest(requester_id, target.base, target.size, write, t, pasid)
            for write in (False, True)
        ]
        allowed = [self.check.check(item).allowed for item in asked]
        read, write = mapping.read and allowed[0], mapping.write and allowed[1]
        if not (read or write):  # the address is the owner's secret
            target = Span(0)
        return TranslationEntry(target, read, write)

    def physical(self, request: Tlp) -> Tlp | None:
        """A memory request with the address that it leads to; None where it leads nowhere.

        Translated requests, and those of requesters without a table, stay as they are. The owner
        check comes afterwards.
        """
        name = request.requester_id, request.pasid
        if request.at or not self.has_table(*name):
            return request
        mapping = self.find(name[0], request.address, name[1])
        atomic = request.fmt_type in ATOMICS
        size = operand_size(request) if atomic else DW * request.length
        if mapping is None or not mapping.untranslated.holds(request.address, size):
            return None
        writes, reads = request.has_data, atomic or not request.has_data
        if (writes and not mapping.write) or (reads and not mapping.read):
            return None
        return replace(request, address=mapping.translate(request.address))

    # ------------------------------------------------------------------ invalidation

    @property
    def invalidating(self) -> tuple[InvalidateRequest, ...]:
        """Invalidate Requests that are not completed."""
        return tuple(self._open.values())

    def invalidate(self, requester_id: int, span: Span) -> InvalidateRequest:
        """The request that takes translations of `span` back; HostError when no ITag is free."""
        itag = next((n for n in range(ITAGS) if n not in self._open), None)
        if itag is None:
            raise HostError("all ITags are in use")
        request = InvalidateRequest(self.host_rid, requester_id, itag, span)
        self._open[itag] = request
        return request

    def completed(self, message: Tlp) -> tuple[InvalidateRequest, ...]:
        """Take an Invalidate Completion; the requests that are complete with it.

        Raises HostError for one that belongs to no open request.
        """
        completion = InvalidateCompletion.of(message)
        if completion is None or completion.target != self.host_rid:
            raise HostError(f"{message} is no Invalidate Completion for this host")
        done = []
        for itag in completion.itags:
            request = self._open.get(itag)
            if request is None or request.target != completion.requester_id:
                raise HostError(f"{completion.requester_id:04x} completes ITag {itag}")
            missing = self._missing.get(itag, completion.count) - 1
            self._missing[itag] = missing
            if missing == 0:
                del self._open[itag], self._missing[itag]
                done.append(request)
        return tuple(done)
