# SPDX-License-Identifier: Apache-2.0
"""The one thing that a requester needs of a device, wherever the device is."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A DOE mailbox in a simulation, a socket, or a device in Python."""

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Deliver a whole DOE object, header included; its answer, or None when none comes."""
