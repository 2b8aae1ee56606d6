# SPDX-License-Identifier: Apache-2.0
"""The DOE mailbox at register level: what configuration accesses to it do and show.

The owner of a mailbox looks at `request`, takes it with `consume` and hands the answer, or None,
to `deliver`. An answer that was asked for before an Abort is thrown away (DOE-FSM-006).
"""

from __future__ import annotations

from dataclasses import dataclass

from models.doe.codes import HEADER_DWORDS, ControlBit, Register, StatusBit
from models.doe.objects import from_dwords, object_dwords, to_dwords
from models.pcie.codes import ExtendedCapabilityId

CAPABILITY_VERSION = 1
NEXT_CAPABILITY = 20  # bit number in the header
VERSION = 16
ALL_BYTES = 0xF
DEFAULT_CAPACITY = 1152  # DW


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request that was taken out of the mailbox."""

    number: int
    raw: bytes


class DoeMailbox:
    """Registers of one instance (DOE-REG-001). `capacity` is in DW, for either direction."""

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        *,
        interrupts: bool = False,
        next_capability: int = 0,
    ) -> None:
        self.capacity = capacity
        self.interrupts = interrupts
        self._next_capability = next_capability
        self._interrupt_enable = False
        self._interrupt_status = False
        self.interrupts_sent = 0
        self.error = False
        self._number = 0
        self._empty()

    def _empty(self) -> None:
        self._written: list[int] = []
        self._request: bytes | None = None
        self._outstanding: int | None = None  # ticket whose answer is awaited
        self._answer: list[int] = []

    # ------------------------------------------------------------------ registers

    @property
    def busy(self) -> bool:
        """From GO until the whole request is taken."""
        return self._request is not None

    @property
    def ready(self) -> bool:
        """Data Object Ready."""
        return bool(self._answer)

    def read(self, register: int) -> int:
        """The value of a register; others than those of the capability read 0."""
        if register == Register.HEADER:
            head = ExtendedCapabilityId.DOE | CAPABILITY_VERSION << VERSION
            return head | self._next_capability << NEXT_CAPABILITY
        if register == Register.CAPABILITIES:
            return int(self.interrupts)
        if register == Register.CONTROL:  # Abort and GO read 0 (DOE-REG-002)
            return self._interrupt_enable << ControlBit.INTERRUPT_ENABLE
        if register == Register.STATUS:
            return (
                self.busy << StatusBit.BUSY
                | self._interrupt_status << StatusBit.INTERRUPT_STATUS
                | self.error << StatusBit.ERROR
                | self.ready << StatusBit.DATA_OBJECT_READY
            )
        if register == Register.READ_MAILBOX and self._answer:
            return self._answer[0]
        return 0

    def write(
        self, register: int, value: int, enables: int = ALL_BYTES, *, poisoned: bool = False
    ) -> None:
        """A configuration write; the mailboxes ignore one that is not of all four bytes."""
        if poisoned:  # DOE-FSM-007
            self._fail()
        elif register == Register.CONTROL:
            self._control(value & _mask(enables))
        elif register == Register.STATUS:
            if value & _mask(enables) & 1 << StatusBit.INTERRUPT_STATUS:
                self._interrupt_status = False
        elif register == Register.WRITE_MAILBOX and enables == ALL_BYTES:
            self._append(value)
        elif register == Register.READ_MAILBOX and enables == ALL_BYTES:
            self._pop()

    def _control(self, value: int) -> None:
        if self.interrupts:
            self._interrupt_enable = bool(value >> ControlBit.INTERRUPT_ENABLE & 1)
        if value >> ControlBit.ABORT & 1:  # DOE-FSM-002
            self.error = False
            self._empty()
        elif value >> ControlBit.GO & 1:
            self._go()

    def _append(self, value: int) -> None:
        if self.error:
            return
        if self.busy or len(self._written) >= self.capacity:  # DOE-FSM-004
            self._fail()
        else:
            self._written.append(value)

    def _pop(self) -> None:
        """The read mailbox moves on by a write, never by a read (DOE-REG-003)."""
        if self.error:
            return
        if not self._answer:
            self._fail()
        else:
            self._answer.pop(0)

    def _go(self) -> None:
        if self.error:
            return
        if self.busy:
            self._fail()
            return
        written, self._written = self._written, []
        whole = len(written) >= HEADER_DWORDS and object_dwords(written[1]) == len(written)
        if whole:  # anything else is discarded without a trace (DOE-FSM-008)
            self._request = from_dwords(written)

    def _fail(self) -> None:
        """Error stays until Abort; nothing that is in the mailbox is carried out any more."""
        self._empty()
        if not self.error:
            self.error = True
            self._interrupt()

    def _interrupt(self) -> None:
        if self.interrupts:
            self._interrupt_status = True
            self.interrupts_sent += self._interrupt_enable

    # ------------------------------------------------------------------ the owner's side

    @property
    def request(self) -> bytes | None:
        """A whole object that waits to be taken; it stays while an answer is still unread."""
        return None if self._answer or self._outstanding is not None else self._request

    def consume(self) -> Ticket | None:
        """Take the request; Busy falls (DOE-FSM-001)."""
        raw = self.request
        if raw is None:
            return None
        self._request = None
        self._number += 1
        self._outstanding = self._number
        return Ticket(self._number, raw)

    def deliver(self, ticket: Ticket, answer: bytes | None) -> None:
        """The answer to a request; it is lost when the request was aborted (DOE-FSM-006)."""
        if ticket.number != self._outstanding:
            return
        self._outstanding = None
        if answer is None:
            return
        dwords = to_dwords(answer)
        if len(dwords) > self.capacity:
            self._fail()
            return
        self._answer = dwords
        self._interrupt()

    def expire(self, ticket: Ticket) -> None:
        """A second has passed since GO without an answer (DOE-FSM-003)."""
        if ticket.number == self._outstanding:
            self._fail()

    def flr(self) -> None:
        """Function level reset: the mailbox is empty, as after power-up (DOE-FSM-005)."""
        self._empty()
        self.error = self._interrupt_enable = self._interrupt_status = False


def _mask(enables: int) -> int:
    return sum(0xFF << 8 * byte for byte in range(4) if enables >> byte & 1)
