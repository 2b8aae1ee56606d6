# SPDX-License-Identifier: Apache-2.0
"""Ordering counters between the sub-streams of one stream."""

from __future__ import annotations

from models.ide.codes import RECEIVED_COUNTER_MAX, SENT_COUNTER_MAX, SYNC_DUE, SubStream
from models.ide.errors import IdeError, IdeFailure
from models.ide.messages import IdeSync


class SentCounters:
    """PR_Sent_Counter-NPR and -CPL of a transmitter (IDE-CNT-001)."""

    def __init__(self) -> None:
        self.npr = 0
        self.cpl = 0

    @property
    def sync_due(self) -> bool:
        """Whether an IDE Sync has to be sent (IDE-CNT-002)."""
        return max(self.npr, self.cpl) >= SYNC_DUE

    def posted(self) -> None:
        """A posted TLP is sent; IdeError when the Sync that was due did not come."""
        if max(self.npr, self.cpl) >= SENT_COUNTER_MAX:
            raise IdeError(IdeFailure.SYNC_OVERDUE, f"counters {self.npr}, {self.cpl}")
        self.npr += 1
        self.cpl += 1

    def sync(self) -> IdeSync:
        """A Sync is sent: it counts itself, carries both counters and clears them (IDE-CNT-003)."""
        self.posted()
        carried = IdeSync(self.npr, self.cpl)
        self.npr = self.cpl = 0
        return carried

    def field(self, sub_stream: SubStream) -> int:
        """PR_Sent_Counter of the next TLP of `sub_stream`; its counter is cleared."""
        if sub_stream is SubStream.NPR:
            value, self.npr = self.npr, 0
        elif sub_stream is SubStream.CPL:
            value, self.cpl = self.cpl, 0
        else:
            value = 0
        return value


class ReceivedCounters:
    """The receiver's balance: posted TLPs that came, less those that were announced.

    A positive balance is legal (IDE-CNT-006); a negative one is not (IDE-CNT-004).
    """

    def __init__(self) -> None:
        self.npr = 0
        self.cpl = 0

    def posted(self) -> None:
        """A posted TLP came; IdeError on overflow (IDE-CNT-005)."""
        if max(self.npr, self.cpl) >= RECEIVED_COUNTER_MAX:
            raise IdeError(IdeFailure.CHECK_FAILED, "a counter of received posted TLPs overflows")
        self.npr += 1
        self.cpl += 1

    def subtract(self, npr: int, cpl: int) -> None:
        """Take what a TLP announced from the balances; IdeError on underflow."""
        if npr > self.npr or cpl > self.cpl:
            raise IdeError(
                IdeFailure.CHECK_FAILED,
                f"{npr}, {cpl} posted TLPs announced, {self.npr}, {self.cpl} received",
            )
        self.npr -= npr
        self.cpl -= cpl
