# SPDX-License-Identifier: Apache-2.0
"""All streams of one port: finds the stream of a TLP, acts on IDE messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.ide.codes import SubStream
from models.ide.errors import IdeError, IdeFailure, InsecureCause
from models.ide.messages import IdeFail, IdeSync, parse
from models.ide.prefix import peek
from models.ide.stream import IdeStream
from models.pcie.errors import TlpError
from models.pcie.layout import MESSAGES, Framing
from models.pcie.tlp import Tlp


@dataclass(frozen=True, slots=True)
class Received:
    """A TLP that passed IDE; a plain one has no stream and T = 0 (IDE-SEL-007).

    `message` is set for IDE Sync and IDE Fail, which the port has dealt with.
    """

    tlp: bytes
    stream_id: int | None = None
    t: bool = False
    sub_stream: SubStream | None = None
    message: IdeSync | IdeFail | None = None


class IdePort:
    """The IDE part of a port, in receive direction."""

    def __init__(self, streams: Iterable[IdeStream] = ()) -> None:
        self.streams = {stream.config.stream_id: stream for stream in streams}
        self.failed: set[int] = set()  # streams with Received IDE Fail Message set

    def receive(self, wire: bytes) -> Received:
        """Take a TLP from the link, in clear or not; raises IdeError when it is not served."""
        prefix = peek(wire)
        if prefix is None:
            return self._plain(wire)
        stream = self.streams.get(prefix.stream_id)
        if stream is None:
            raise IdeError(IdeFailure.MISROUTED, f"stream {prefix.stream_id}")
        tlp, t, sub_stream = stream.decrypt(wire)
        message = _message(tlp)
        if isinstance(message, IdeFail):
            self._fail(message)
        return Received(tlp, prefix.stream_id, t, sub_stream, message)

    def link_down(self) -> None:
        """Every stream turns Insecure (IDE-ST-010)."""
        for stream in self.streams.values():
            stream.make_insecure(InsecureCause.LINK_DOWN)

    def clear_failed(self, stream_id: int) -> None:
        """Software writes 1 to the status bit (IDE-CAP-005)."""
        self.failed.discard(stream_id)

    def _plain(self, raw: bytes) -> Received:
        message = _message(raw)
        if isinstance(message, IdeFail):
            self._fail(message)
            return Received(raw, message=message)
        return Received(raw)  # a plain IDE Sync belongs to no stream and means nothing

    def _fail(self, message: IdeFail) -> None:
        stream = self.streams.get(message.stream_id)
        if stream is None or not stream.enabled:
            return
        self.failed.add(message.stream_id)
        stream.make_insecure(InsecureCause.FAIL_RECEIVED)


def _message(raw: bytes) -> IdeSync | IdeFail | None:
    try:
        if Framing.of(raw).fmt_type not in MESSAGES:
            return None
        return parse(Tlp.decode(raw))
    except TlpError:
        return None
