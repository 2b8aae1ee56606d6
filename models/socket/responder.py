# SPDX-License-Identifier: Apache-2.0
"""What is answered to each frame: one frame a request, with the same command (EMU-001)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from models.socket.codes import CLIENT_HELLO, SERVER_HELLO, Command, command_name
from models.socket.frames import Frame

DWORD = 4


class DoeDevice(Protocol):
    """The device behind the socket."""

    def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Deliver a whole DOE object; its answer, or None when the device keeps silent."""

    def reset(self) -> None:
        """Conventional reset, and the set-up by the VMM as before the first client."""


class After(Enum):
    """What follows once the answer is sent."""

    GO_ON = auto()
    NEXT_CLIENT = auto()
    SHUTDOWN = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a frame, what follows, and a line for the log if something was odd."""

    frame: Frame
    after: After = After.GO_ON
    complaint: str | None = None


def reply(frame: Frame, device: DoeDevice) -> Reply:
    """Answer a frame.

    Where the device keeps silent the payload is empty. A command that is not served is answered
    with UNKNOWN.
    """
    if frame.command == Command.NORMAL:
        return _exchange(frame.payload, device)
    if frame.command == Command.TEST:
        odd = None if frame.payload == CLIENT_HELLO else f"TEST with {frame.payload[:16]!r}"
        return Reply(Frame(Command.TEST, SERVER_HELLO), complaint=odd)
    if frame.command == Command.CONTINUE:
        return Reply(Frame(Command.CONTINUE), After.NEXT_CLIENT)
    if frame.command == Command.SHUTDOWN:
        return Reply(Frame(Command.SHUTDOWN), After.SHUTDOWN)
    odd = f"{command_name(frame.command)} is not served"
    return Reply(Frame(Command.UNKNOWN), complaint=odd)


def _exchange(doe_object: bytes, device: DoeDevice) -> Reply:
    if not doe_object or len(doe_object) % DWORD:
        odd = f"a DOE object of {len(doe_object)} bytes is no whole DWs: not delivered"
        return Reply(Frame(Command.NORMAL), complaint=odd)
    answer = device.exchange(doe_object)
    return Reply(Frame(Command.NORMAL, answer or b""))
