# SPDX-License-Identifier: Apache-2.0
"""IDE Sync and IDE Fail of the device: sent when due, and only then."""

from __future__ import annotations

from models.ide.codes import SYNC_DUE, SubStream
from models.ide.counters import SentCounters
from models.ide.errors import IdeError
from models.ide.messages import IdeSync
from models.ide.prefix import IdePrefix
from tb.scoreboard.findings import Findings
from tb.scoreboard.states import LAG_NS


class SentMirror:
    """The PR_Sent_Counters of the device's transmitter, foretold from what it sends."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._counters: dict[int, SentCounters] = {}

    def restart(self, stream_id: int) -> None:
        """The stream enters Secure (IDE-CNT-001)."""
        self._counters[stream_id] = SentCounters()

    def tlp(self, time_ns: float, prefix: IdePrefix, sync: IdeSync | None) -> None:
        """An IDE TLP has left; `sync` is what it says when it is an IDE Sync."""
        counters = self._counters.setdefault(prefix.stream_id, SentCounters())
        title = f"stream {prefix.stream_id}: ordering counters of the transmitter"
        if sync is not None:
            self._sync(time_ns, counters, sync, title)
            return
        sub_stream = SubStream(prefix.sub_stream)
        if sub_stream is SubStream.PR:
            try:
                counters.posted()
            except IdeError as error:
                self._findings.mismatch(
                    ("IDE-CNT-002",), time_ns, title, {}, {"reason": str(error)}
                )
        self._findings.compare(
            ("IDE-CNT-001",),
            time_ns,
            title,
            {"PR_Sent_Counter": counters.field(sub_stream)},
            {"PR_Sent_Counter": prefix.pr_sent_counter, "sub-stream": sub_stream},
        )

    def _sync(self, time_ns: float, counters: SentCounters, sync: IdeSync, title: str) -> None:
        if not counters.sync_due:
            self._findings.mismatch(
                ("IDE-CNT-002",),
                time_ns,
                f"{title}: Sync before it is due",
                {"counter": f"at least {SYNC_DUE}"},
                {"NPR": counters.npr, "CPL": counters.cpl},
            )
        expected = counters.sync()
        self._findings.compare(
            ("IDE-CNT-003",),
            time_ns,
            f"{title}: IDE Sync",
            {"NPR": expected.npr_counter, "CPL": expected.cpl_counter},
            {"NPR": sync.npr_counter, "CPL": sync.cpl_counter},
        )


class FailMessages:
    """Pairs the IDE Fail messages that are due with those that are sent (IDE-ST-002 to 004)."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._due: dict[int, float] = {}
        self._early: dict[int, float] = {}
        self._optional: set[int] = set()

    def due(self, time_ns: float, stream_id: int) -> None:
        """The stream has left Secure in a way that the partner must be told."""
        if self._early.pop(stream_id, None) is None:
            self._due[stream_id] = time_ns

    def may(self, stream_id: int) -> None:
        """The stream has left Secure by a reset of the function: a message may come."""
        if self._early.pop(stream_id, None) is None:
            self._optional.add(stream_id)

    def sent(self, time_ns: float, stream_id: int) -> None:
        """The device has sent an IDE Fail."""
        if self._due.pop(stream_id, None) is not None:
            return
        if stream_id in self._optional:
            self._optional.discard(stream_id)
        else:
            self._early[stream_id] = time_ns

    def forget(self) -> None:
        """Reset or link down: nothing is due any more."""
        self._due.clear()
        self._early.clear()
        self._optional.clear()

    def advance(self, time_ns: float) -> None:
        """Report what has waited too long."""
        for stream_id, since in list(self._due.items()):
            if time_ns - since > LAG_NS:
                del self._due[stream_id]
                self._report(time_ns, stream_id, "a message", "none")
        for stream_id, since in list(self._early.items()):
            if time_ns - since > LAG_NS:
                del self._early[stream_id]
                self._report(time_ns, stream_id, "none", "a message")

    def finish(self, time_ns: float) -> None:
        """The run ends."""
        self.advance(time_ns + 2 * LAG_NS)

    def _report(self, time_ns: float, stream_id: int, expected: str, got: str) -> None:
        self._findings.mismatch(
            ("IDE-ST-002", "IDE-ST-003", "IDE-ST-004"),
            time_ns,
            f"IDE Fail of stream {stream_id}",
            {"IDE Fail": expected},
            {"IDE Fail": got},
        )
