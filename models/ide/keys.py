# SPDX-License-Identifier: Apache-2.0
"""Keys of one port of a stream: programmed, ready after GO, erased."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from models.ide.codes import FIRST_INVOCATION, INVOCATION_MAX, KEY_SIZE, SubStream
from models.ide.errors import IdeError, IdeFailure
from models.idekm.codes import Direction

KEY_SETS = (0, 1)


class KeySlot(NamedTuple):
    """One of the twelve key contexts of a stream (IDE-KEY-001)."""

    direction: Direction
    sub_stream: SubStream
    key_set: int


ALL_SLOTS = tuple(KeySlot(*slot) for slot in product(Direction, SubStream, KEY_SETS))


@dataclass
class KeyContext:
    """A key with its invocation counter: the value that the next TLP uses."""

    key: bytes
    invocation: int = FIRST_INVOCATION
    go: bool = False

    def __repr__(self) -> str:
        return f"KeyContext(go={self.go}, invocation={self.invocation})"

    def take_invocation(self) -> int:
        """The invocation value for one TLP; IdeError at the end (IDE-GCM-007, IDE-GCM-010)."""
        if self.invocation >= INVOCATION_MAX:
            raise IdeError(IdeFailure.CHECK_FAILED, "the invocation counter is used up")
        value = self.invocation
        self.invocation += 1
        return value


class KeyStore:
    """The key contexts of one port."""

    def __init__(self) -> None:
        self._contexts: dict[KeySlot, KeyContext] = {}

    def program(self, slot: KeySlot, key: bytes, invocation: int) -> None:
        """Put `key`, in AES byte order, into `slot`; it is not used before `go`."""
        if len(key) != KEY_SIZE:
            raise IdeError(IdeFailure.KEY_REFUSED, f"key of {len(key)} bytes")
        if invocation != FIRST_INVOCATION:
            raise IdeError(IdeFailure.KEY_REFUSED, f"invocation value starts at {invocation}")
        self._contexts[slot] = KeyContext(key, invocation)

    def go(self, slot: KeySlot) -> None:
        """Let `slot` be used (IDE-KEY-002); IdeError when it holds no key."""
        context = self._contexts.get(slot)
        if context is None:
            raise IdeError(IdeFailure.KEY_REFUSED, f"GO without a key: {slot}")
        context.go = True

    def erase(self, slot: KeySlot) -> None:
        """Forget the key of `slot`, if it has one."""
        self._contexts.pop(slot, None)

    def erase_all(self) -> None:
        """Forget every key (IDE-KEY-008)."""
        self._contexts.clear()

    def programmed(self, slot: KeySlot) -> bool:
        """Whether `slot` holds a key."""
        return slot in self._contexts

    def ready(self, slot: KeySlot) -> bool:
        """Whether `slot` holds a key that has got GO."""
        context = self._contexts.get(slot)
        return context is not None and context.go

    def usable(self, slot: KeySlot) -> KeyContext | None:
        """The context of `slot` when it is ready."""
        return self._contexts[slot] if self.ready(slot) else None

    def set_ready(self, direction: Direction, key_set: int) -> bool:
        """Whether all three sub-streams of `direction` are ready in `key_set`."""
        return all(self.ready(KeySlot(direction, sub, key_set)) for sub in SubStream)
