# SPDX-License-Identifier: Apache-2.0
"""Ways to spoil a message. All randomness comes from the generator that is passed in."""

from __future__ import annotations

import random
from collections.abc import Callable

Mutation = Callable[[random.Random, bytes], bytes]
EDGES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)
LONGEST = 64  # bytes that are added at once
MOST = 3  # mutations of one message


def flip_bit(rng: random.Random, raw: bytes) -> bytes:
    """One bit is wrong."""
    at = rng.randrange(8 * len(raw))
    changed = bytearray(raw)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def edge_byte(rng: random.Random, raw: bytes) -> bytes:
    """One byte takes a value at the edge of a field."""
    at = rng.randrange(len(raw))
    return raw[:at] + bytes((rng.choice(EDGES),)) + raw[at + 1 :]


def step_byte(rng: random.Random, raw: bytes) -> bytes:
    """One byte is one too many or one too few: lengths, counts, codes."""
    at = rng.randrange(len(raw))
    return raw[:at] + bytes(((raw[at] + rng.choice((-1, 1))) % 256,)) + raw[at + 1 :]


def random_bytes(rng: random.Random, raw: bytes) -> bytes:
    """A run of bytes is replaced."""
    at = rng.randrange(len(raw))
    size = rng.randint(1, min(8, len(raw) - at))
    return raw[:at] + rng.randbytes(size) + raw[at + size :]


def truncate(rng: random.Random, raw: bytes) -> bytes:
    """The end is missing."""
    return raw[: rng.randrange(len(raw))]


def extend(rng: random.Random, raw: bytes) -> bytes:
    """Something follows."""
    return raw + rng.randbytes(rng.randint(1, LONGEST))


def insert(rng: random.Random, raw: bytes) -> bytes:
    """Something is pushed in between."""
    at = rng.randrange(len(raw))
    return raw[:at] + rng.randbytes(rng.randint(1, 4)) + raw[at:]


def remove(rng: random.Random, raw: bytes) -> bytes:
    """A piece is missing."""
    at = rng.randrange(len(raw))
    return raw[:at] + raw[at + rng.randint(1, 4) :]


def double(_: random.Random, raw: bytes) -> bytes:
    """The message stands there twice."""
    return raw + raw


MUTATIONS: tuple[Mutation, ...] = (
    flip_bit,
    edge_byte,
    step_byte,
    random_bytes,
    truncate,
    extend,
    insert,
    remove,
    double,
)
FIELDS: tuple[Mutation, ...] = (flip_bit, edge_byte, step_byte, random_bytes)  # no byte moves


def mutate(rng: random.Random, raw: bytes) -> bytes:
    """`raw` with one to three mutations."""
    for _ in range(rng.randint(1, MOST)):
        if raw:
            raw = rng.choice(MUTATIONS)(rng, raw)
    return raw


def mutate_fields(rng: random.Random, raw: bytes, size: int) -> bytes:
    """A wrong field among the first `size` bytes, and all else in its place."""
    return rng.choice(FIELDS)(rng, raw[:size]) + raw[size:]
