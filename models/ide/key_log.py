# SPDX-License-Identifier: Apache-2.0
"""IDE keys in a side file, and the decryption of a capture with them.

One key a line, in the order in which they were programmed:

    IDE <stream id> <to-device|to-host> <PR|NPR|CPL> <key set> <key, 64 hex digits>

Numbers are decimal; the key is in AES byte order; lines that begin with # are comments. Whoever
has the file can read the traffic: it is written on request only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from models.ide import gcm
from models.ide.codes import FIRST_INVOCATION, KEY_SIZE, MAC_SIZE, SubStream
from models.ide.errors import IdeError
from models.ide.prefix import IdeParts
from models.ide.stream import StreamConfig

WORD = "IDE"
DIRECTIONS = ("to-host", "to-device")
SKIPPED_MAX = 64  # TLPs in a row that may be missing in the capture


@dataclass(frozen=True, slots=True)
class LoggedKey:
    """A key of one sub-stream in one direction."""

    stream_id: int
    to_device: bool
    sub_stream: SubStream
    key_set: int
    key: bytes = field(repr=False)

    def line(self) -> str:
        """The line of the side file, without its end."""
        direction = DIRECTIONS[self.to_device]
        return (
            f"{WORD} {self.stream_id} {direction} {self.sub_stream.name} {self.key_set} "
            f"{self.key.hex()}"
        )

    @classmethod
    def parse(cls, line: str) -> LoggedKey:
        """ValueError for a line of another form."""
        try:
            word, stream_id, direction, sub_stream, key_set, key = line.split()
            parsed = cls(
                int(stream_id),
                bool(DIRECTIONS.index(direction)),
                SubStream[sub_stream],
                int(key_set),
                bytes.fromhex(key),
            )
        except (ValueError, KeyError) as error:
            raise ValueError(f"not a key line: {line!r}") from error
        if word != WORD or len(parsed.key) != KEY_SIZE or parsed.key_set not in (0, 1):
            raise ValueError(f"not a key line: {line!r}")
        return parsed


def parse_key_log(text: str) -> list[LoggedKey]:
    """The keys of a side file; lines of other words belong to other readers."""
    lines = (line.strip() for line in text.splitlines())
    return [LoggedKey.parse(line) for line in lines if line.split(" ")[0] == WORD]


@dataclass
class _Reader:
    """Decrypts one sub-stream in one direction in one key set: its keys in their order."""

    keys: list[bytes]
    current: int = 0
    invocation: int = FIRST_INVOCATION

    def open(self, parts: IdeParts, fixed_field: int) -> bytes | None:
        for number, invocation in self._candidates():
            plaintext = gcm.open_sealed(
                self.keys[number],
                gcm.iv(fixed_field, invocation),
                parts.data,
                parts.trailer[-MAC_SIZE:],
                parts.aad,
            )
            if plaintext is not None:
                self.current, self.invocation = number, invocation + 1
                return plaintext
        return None

    def _candidates(self) -> Iterator[tuple[int, int]]:
        for skipped in range(SKIPPED_MAX + 1):
            yield self.current, self.invocation + skipped
        for number in range(self.current + 1, len(self.keys)):
            for skipped in range(SKIPPED_MAX + 1):
                yield number, FIRST_INVOCATION + skipped


class LinkDecoder:
    """Decrypts the IDE TLPs of a capture, in the order in which they passed."""

    def __init__(self, keys: Iterable[LoggedKey]) -> None:
        self._readers: dict[tuple[int, bool, int, int], _Reader] = {}
        for key in keys:
            where = (key.stream_id, key.to_device, int(key.sub_stream), key.key_set)
            self._readers.setdefault(where, _Reader([])).keys.append(key.key)

    def decrypt(self, wire: bytes, to_device: bool) -> bytes | None:
        """The plain TLP; None when no key fits: altered, repeated, or its key is not known.

        IdeError for bytes that are no IDE TLP.
        """
        parts = IdeParts.of(wire)
        prefix = parts.prefix
        if prefix.p or len(parts.trailer) != MAC_SIZE:
            return None
        reader = self._readers.get((prefix.stream_id, to_device, prefix.sub_stream, prefix.k))
        if reader is None or prefix.sub_stream not in SubStream.__members__.values():
            return None
        fixed_field = StreamConfig(prefix.stream_id).fixed_fields[prefix.sub_stream]
        plaintext = reader.open(parts, fixed_field)
        return None if plaintext is None else parts.local_prefixes + parts.rest + plaintext


__all__ = ["IdeError", "LinkDecoder", "LoggedKey", "parse_key_log"]
