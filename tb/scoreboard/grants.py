# SPDX-License-Identifier: Apache-2.0
"""What requests in RUN give to a TDI: bound streams, and pages that are open to everybody.

A device carries such a request out at some time between its arrival and its answer.
"""

from __future__ import annotations

from models.device.device import Grants, ReferenceDevice
from models.tdisp.codes import TdiState
from tb.scoreboard.describe import Plain, tdisp_body
from tb.scoreboard.timeline import RACE_NS, Unsettled
from tb.scoreboard.world import Page


class GrantTracks:
    """Follows the reference device, and requests that it has not carried out yet."""

    def __init__(self, reference: ReferenceDevice, num_tdi: int) -> None:
        self._reference = reference
        self._prospects: dict[int, list[Grants]] = {}
        self.unsettled: set[int] = set()  # TDIs for which there were prospects
        self._streams: list[Unsettled[frozenset[int]]] = []
        self._pages: list[Unsettled[frozenset[Page]]] = []
        for tdi in range(num_tdi):
            grants = reference.grants(tdi)
            self._streams.append(Unsettled(grants.streams))
            self._pages.append(Unsettled(grants.pages))

    def streams(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[int]]:
        """The sets of Stream IDs that may have been bound to the TDI in this time."""
        return self._streams[tdi].during(start_ns, end_ns)

    def pages(self, tdi: int, start_ns: float, end_ns: float) -> frozenset[frozenset[Page]]:
        """The sets of TEE pages that may have been open in this time.

        In ERROR those are given that were open before.
        """
        return self._pages[tdi].during(start_ns, end_ns)

    # ------------------------------------------------------------------ events

    def asked(self, time_ns: float, plain: Plain) -> int | None:
        """A request has reached the device; from now on it may be carried out.

        Returns the TDI if a stream is to be unbound.
        """
        body = None if plain is None else tdisp_body(plain[1])
        found = None if plain is None or body is None else self._reference.prospect(plain[0], body)
        if found is None:
            return None
        tdi, grants = found
        bound = self._reference.grants(tdi).streams
        self._prospects.setdefault(tdi, []).append(grants)
        self.unsettled.add(tdi)
        self.follow(time_ns, tdi, self._reference.tdi_states()[tdi])
        return tdi if grants.streams < bound else None

    def answered(self) -> None:
        """The reference has carried out all requests that have arrived."""
        self._prospects.clear()

    def follow(self, time_ns: float, tdi: int, state: TdiState) -> None:
        """The reference may have changed; the TDI is in `state`."""
        grants, prospects = self._reference.grants(tdi), self._prospects.get(tdi, [])
        bound, was = self._streams[tdi], frozenset().union(*self._streams[tdi].now)
        streams = frozenset({grants.streams, *(other.streams for other in prospects)})
        # UNBIND is answered when nothing is under way any more (TDISP-P2P-004).
        unbound = state is TdiState.RUN and frozenset().union(*streams) < was
        bound.change(time_ns - RACE_NS if unbound else time_ns, streams)
        if not prospects:
            self.unsettled.discard(tdi)
        if state is not TdiState.ERROR:
            pages = frozenset({grants.pages, *(other.pages for other in prospects)})
            self._pages[tdi].change(time_ns, pages)
