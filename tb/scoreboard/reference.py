# SPDX-License-Identifier: Apache-2.0
"""What the scoreboard asks of a reference device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.ide.errors import InsecureCause
from models.ide.select import SelectiveStreamBlock
from models.ide.stream import IdeStream
from models.pcie.rules import Limits
from models.spdm.key_port import SessionKeyPort
from models.tdisp.codes import ErrorCause, TdiState
from tb.scoreboard.world import FunctionView


class Reference(Protocol):
    """A model of the device, advanced event by event."""

    @property
    def key_port(self) -> SessionKeyPort:
        """Where session keys enter."""

    # ------------------------------------------------------------------ events

    def exchange(self, doe_object: bytes) -> bytes | None:
        """The answer to a request object; None for silence."""

    def learn_nonce(self, nonce: bytes) -> None:
        """The next LOCK_INTERFACE_RESPONSE carries this nonce."""

    def config_write(self, rid: int, address: int, data: int, enables: int) -> None:
        """A successful configuration write."""

    def tdi_error(self, tdi: int, cause: ErrorCause) -> None:
        """An event that moves a locked TDI to ERROR."""

    def stream_insecure(self, block: int, cause: InsecureCause) -> None:
        """The stream of a register block leaves Secure, or has just done so."""

    def link_down(self) -> None:
        """The data link goes down."""

    def reset(self) -> None:
        """Conventional reset."""

    # ------------------------------------------------------------------ state

    def tdi_states(self) -> Sequence[TdiState]:
        """State of every TDI."""

    def bound_stream(self, tdi: int) -> int | None:
        """Stream ID that a locked TDI is bound to; None for an unlocked one."""

    def msix_locked(self, tdi: int) -> bool:
        """Whether the TDI's MSI-X table is locked and reported."""

    def scrub_count(self, tdi: int) -> int:
        """How often the data of the function has been cleared so far."""

    def functions(self) -> Sequence[FunctionView]:
        """Configuration of every function."""

    def blocks(self) -> Sequence[SelectiveStreamBlock]:
        """The selective stream register blocks."""

    def streams(self) -> Sequence[IdeStream]:
        """The device's end of the stream of each block."""

    def limits(self) -> Limits:
        """Sizes that the device keeps to."""
