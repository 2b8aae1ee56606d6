# SPDX-License-Identifier: Apache-2.0
"""Stands in for the root of trust behind the reference device: repeats what was seen at its port.

The reference may ask nothing else than the device has asked; it gets the same keys and the same
answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from models.spdm.key_port import Direction, KeyOperation, SessionKeyPort


class KeyWriteView(Protocol):
    """A write to the session-key port."""

    @property
    def op(self) -> int: ...
    @property
    def session_id(self) -> int: ...
    @property
    def direction(self) -> int: ...
    @property
    def application(self) -> bool: ...
    @property
    def deferred(self) -> bool: ...
    @property
    def key(self) -> bytes: ...
    @property
    def iv(self) -> bytes: ...


@dataclass
class RotExchange:
    """One message that the device gave to its root of trust, and what came back."""

    message: bytes
    session_id: int | None
    keys: list[KeyWriteView] = field(default_factory=list)
    answer: bytes | None = None
    answered: bool = False


def carry_out(write: KeyWriteView, port: SessionKeyPort) -> None:
    """Repeat `write` at another session-key port."""
    if write.op == KeyOperation.LOAD:
        port.load(
            write.session_id,
            Direction(write.direction),
            write.key,
            write.iv,
            application=write.application,
            deferred=write.deferred,
        )
    elif write.op == KeyOperation.END_SESSION:
        port.end_session(write.session_id, deferred=write.deferred)
    else:
        port.end_all()


class ReplayRot:
    """Root of trust of the reference device; fed by the monitor of the RoT port."""

    def __init__(self) -> None:
        self.port: SessionKeyPort | None = None
        self.differences: list[tuple[object, object]] = []  # what was asked, what was recorded
        self._recorded: deque[RotExchange] = deque()

    # ------------------------------------------------------------------ the monitor's side

    def saw_request(self, message: bytes, session_id: int | None) -> None:
        """The device has handed a message to its root of trust."""
        self._recorded.append(RotExchange(message, session_id))

    def saw_key(self, write: KeyWriteView) -> None:
        """The root of trust has written a key; one outside an exchange takes effect at once."""
        open_exchange = next((e for e in self._recorded if not e.answered), None)
        if open_exchange is not None:
            open_exchange.keys.append(write)
        elif self.port is not None:
            carry_out(write, self.port)

    def saw_answer(self, answer: bytes | None) -> None:
        """The root of trust has answered; None is "no response"."""
        for exchange in self._recorded:
            if not exchange.answered:
                exchange.answer, exchange.answered = answer, True
                return

    @property
    def waiting(self) -> list[RotExchange]:
        """What the device has asked and the reference has not."""
        return list(self._recorded)

    def forget(self) -> None:
        """Reset: nothing that was recorded counts any more."""
        self._recorded.clear()

    # ------------------------------------------------------------------ the reference's side

    def handle(self, message: bytes, session_id: int | None = None) -> bytes | None:
        """What the recorded root of trust answered; None for silence."""
        if not self._recorded:
            self.differences.append(((message, session_id), None))
            return None
        exchange = self._recorded.popleft()
        if (exchange.message, exchange.session_id) != (message, session_id):
            asked = (message, session_id)
            self.differences.append((asked, (exchange.message, exchange.session_id)))
        if self.port is not None:
            for write in exchange.keys:
                carry_out(write, self.port)
        return exchange.answer

    def session_ended(self, session_id: int) -> None:
        """The reference's record layer has ended a session: the recorded one knows by itself."""
