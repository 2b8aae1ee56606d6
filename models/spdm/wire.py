# SPDX-License-Identifier: Apache-2.0
"""Reading and writing of little-endian fields with exact lengths."""

from __future__ import annotations

from models.spdm.errors import DecodeError, EncodeError


def little(name: str, value: int, size: int) -> bytes:
    """`value` as `size` little-endian bytes; EncodeError when it does not fit."""
    if not 0 <= value < 1 << (8 * size):
        raise EncodeError(f"{name} = {value} does not fit {size} bytes")
    return value.to_bytes(size, "little")


def fixed(name: str, raw: bytes, size: int) -> bytes:
    """`raw`, which must be `size` bytes; EncodeError otherwise."""
    if len(raw) != size:
        raise EncodeError(f"{name} has {len(raw)} bytes, expected {size}")
    return raw


def counted(name: str, raw: bytes, size: int = 2) -> bytes:
    """A length of `size` bytes, then `raw`."""
    return little(f"length of {name}", len(raw), size) + raw


class Reader:
    """Takes fields from the front of a byte string; DecodeError when it ends too early."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._position = 0

    @property
    def position(self) -> int:
        """Number of bytes taken so far."""
        return self._position

    @property
    def remaining(self) -> int:
        """Number of bytes not yet taken."""
        return len(self._raw) - self._position

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.remaining:
            raise DecodeError(f"length {len(self._raw)}, expected {self._position + size} or more")
        taken = self._raw[self._position : self._position + size]
        self._position += size
        return taken

    def number(self, size: int) -> int:
        """The next `size` bytes as a little-endian number."""
        return int.from_bytes(self.take(size), "little")

    def counted(self, size: int = 2) -> bytes:
        """A length of `size` bytes and as many bytes as it says."""
        return self.take(self.number(size))

    def finish(self) -> None:
        """DecodeError unless everything was taken."""
        if self.remaining:
            raise DecodeError(f"length {len(self._raw)}, expected {self._position}")
