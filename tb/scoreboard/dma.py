# SPDX-License-Identifier: Apache-2.0
"""One transfer of the DMA engine as its requests and completions pass on the link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from models.app.function import Transfer
from models.app.map import Control
from models.pcie.codes import AddressType, CplStatus, FmtType
from models.pcie.errors import CompletionError
from models.pcie.layout import DW, MEMORY_READS, MEMORY_WRITES
from models.pcie.rules import CompletionCollector, Limits
from models.pcie.tlp import Tlp
from tb.scoreboard.world import Route

# A requester does not look at where a completion was split, only that it continues.
ANY_SPLIT = Limits(rcb=DW, max_payload=4096)
Words = Sequence[frozenset[int]]
ATOMIC_TYPES = {
    Control.FETCH_ADD: frozenset({FmtType.FETCH_ADD32, FmtType.FETCH_ADD64}),
    Control.SWAP: frozenset({FmtType.SWAP32, FmtType.SWAP64}),
    Control.CAS: frozenset({FmtType.CAS32, FmtType.CAS64}),
}


@dataclass
class OpenRead:
    """A read or an AtomicOp of the device that waits for completions."""

    request: Tlp
    route: Route
    time_ns: float
    offset: int  # in the function's memory
    host_address: int  # as software has given it, not translated
    asked_ns: float = float("-inf")  # when the translation of a translated one was asked for
    collector: CompletionCollector = field(init=False)

    def __post_init__(self) -> None:
        self.collector = CompletionCollector(self.request, ANY_SPLIT)


def _all_bytes(tlp: Tlp) -> bool:
    if tlp.th and tlp.fmt_type in MEMORY_READS:
        return True  # the Steering Tag is where the byte enables would be
    return tlp.first_be == 0xF and tlp.last_be == (0xF if tlp.length > 1 else 0)


class Effect(Enum):
    """What a completion from the host does to the device."""

    DATA = "data taken"
    FAILED = "the transfer fails"
    DROPPED = "dropped"
    OTHER_STREAM = "on another stream than its request"


@dataclass
class DmaRun:
    """A transfer on its way. Bytes pass in order, each once."""

    transfer: Transfer
    started_ns: float
    snapshot: bytes  # of the function's memory when the transfer started
    required: bool = True  # False: whether it was started at all is not certain
    issued: int = 0  # bytes written or asked for
    received: int = 0  # bytes that completions have brought
    failed: bool = False
    ended_ns: float | None = None  # aborted, or failed
    open: dict[int, OpenRead] = field(default_factory=dict)  # by tag

    @property
    def complete(self) -> bool:
        """Whether every byte has passed."""
        passed = self.issued if self.transfer.to_host else self.received
        return passed == self.transfer.length

    def end(self, time_ns: float) -> None:
        """Nothing new is sent from now on, a race apart."""
        if self.ended_ns is None:
            self.ended_ns = time_ns

    def alive(self, made_ns: float) -> bool:
        """Whether a request that was made at `made_ns` or later may belong to it."""
        return self.ended_ns is None or made_ns <= self.ended_ns

    @property
    def host_address(self) -> int:
        """The address of the next request, not translated."""
        return self.transfer.host_address + self.issued

    def continues(self, tlp: Tlp) -> bool:
        """Whether `tlp` is the next request of this transfer, not translated."""
        untranslated = tlp.at == AddressType.UNTRANSLATED and tlp.pasid == self.transfer.pasid
        return untranslated and tlp.address == self.host_address and self.fits(tlp)

    def fits(self, tlp: Tlp) -> bool:
        """Whether `tlp` may be the next request but for its address."""
        transfer, size = self.transfer, DW * tlp.length
        if transfer.atomic:  # goes whole
            kinds, fits = ATOMIC_TYPES[transfer.atomic], not self.issued
            fits = fits and size == transfer.operands
        else:
            kinds = MEMORY_WRITES if transfer.to_host else MEMORY_READS
            fits = self.issued + size <= transfer.length
        return tlp.fmt_type in kinds and fits and _all_bytes(tlp)

    def offset(self) -> int:
        """Offset in the function's memory of the next byte."""
        return self.transfer.device_address + self.issued

    def issue(
        self, tlp: Tlp, route: Route, time_ns: float, asked_ns: float = float("-inf")
    ) -> None:
        """The next request has been sent; `asked_ns` is when its translation was asked for."""
        if tlp.fmt_type not in MEMORY_WRITES:
            self.open[tlp.tag] = OpenRead(
                tlp, route, time_ns, self.offset(), self.host_address, asked_ns
            )
        self.issued += self.transfer.length if self.transfer.atomic else DW * tlp.length

    def take(self, completion: Tlp, route: Route) -> tuple[Effect, int, bytes]:
        """A completion from the host: its effect, where in memory its data goes, the data."""
        read = self.open[completion.tag]
        wanted = read.route.stream
        if wanted is not None and route.stream is None:
            return Effect.DROPPED, 0, b""
        if wanted is not None and route.stream != wanted:
            return Effect.OTHER_STREAM, 0, b""
        before = len(read.collector.data)
        try:
            last = read.collector.add(completion)
        except CompletionError:
            return Effect.DROPPED, 0, b""
        if last:
            del self.open[completion.tag]
        if completion.status != CplStatus.SC or completion.ep:
            self.failed = True
            return Effect.FAILED, 0, b""
        data = read.collector.data[before:]
        self.received += len(data)
        return Effect.DATA, read.offset + before, data
