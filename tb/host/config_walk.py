# SPDX-License-Identifier: Apache-2.0
"""Finds capabilities of a function by configuration reads."""

from __future__ import annotations

from abc import abstractmethod

from models.pcie.codes import ExtendedCapabilityId

CAPABILITIES_POINTER = 0x34
FIRST_EXTENDED = 0x100


class ConfigWalk:
    """Mix-in for a host that reads configuration space."""

    @abstractmethod
    async def config_read(self, rid: int, address: int) -> int:
        """A DW of configuration space; all ones where the answer is not Successful."""

    async def extended_capability(self, rid: int, wanted: ExtendedCapabilityId) -> int:
        """Offset of an extended capability; LookupError when the function has none."""
        at = FIRST_EXTENDED
        while at:
            header = await self.config_read(rid, at)
            if header & 0xFFFF == wanted:
                return at
            at = header >> 20
        raise LookupError(f"function {rid:04x} has no extended capability {wanted.name}")

    async def capability(self, rid: int, wanted: int) -> int:
        """Offset of a capability; LookupError when the function has none."""
        at = await self.config_read(rid, CAPABILITIES_POINTER) & 0xFC
        while at:
            header = await self.config_read(rid, at)
            if header & 0xFF == wanted:
                return at
            at = header >> 8 & 0xFC
        raise LookupError(f"function {rid:04x} has no capability {wanted:02x}")
