# SPDX-License-Identifier: Apache-2.0
"""A VM without confidential memory: it trusts the VMM and uses functions that are not locked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from models.host.memory import Owner, OwnerKind
from models.pcie.tlp import Tlp

SHORTEST_SECRET = 4  # bytes; anything shorter may turn up by chance


@dataclass
class LegacyVm:
    """Its accesses have T = 0 and no IDE. It notes all data that it gets to see."""

    name: str
    bars: dict[int, int]  # bus address by BAR number, as assigned by the VMM
    requester_id: int = 0
    seen: list[bytes] = field(default_factory=list)

    @property
    def owner(self) -> Owner:
        """This VM as an owner of memory."""
        return Owner(OwnerKind.LEGACY, self.name)

    def mmio_read(self, bar: int, offset: int, length: int) -> Tlp:
        """A read of its function; give it a tag before sending."""
        return Tlp.mem_read(self.requester_id, self.bars[bar] + offset, length)

    def mmio_write(self, bar: int, offset: int, data: bytes) -> Tlp:
        """A write to its function."""
        return Tlp.mem_write(self.requester_id, self.bars[bar] + offset, data)

    def note(self, data: bytes) -> None:
        """Remember data from a completion, from its own memory or from another place."""
        self.seen.append(data)

    def leaks(self, secrets: Iterable[bytes]) -> list[bytes]:
        """Those of a TVM's `secrets` of which this VM has seen any four bytes in a row."""
        return [secret for secret in secrets if any(_share(secret, data) for data in self.seen)]


def _share(secret: bytes, data: bytes) -> bool:
    parts = (secret[at : at + SHORTEST_SECRET] for at in range(len(secret) - SHORTEST_SECRET + 1))
    return any(part in data for part in parts)
