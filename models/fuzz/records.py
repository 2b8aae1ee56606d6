# SPDX-License-Identifier: Apache-2.0
"""Records that end a session: spoiled ones, and good ones in a wrong place (SEC-REC-007)."""

from __future__ import annotations

import random

from models.fuzz.mutations import mutate, mutate_fields
from models.spdm.record import HEADER, PADDING_MAX
from models.spdm.secure_session import SecureSession

DWORD = 4
SESSION_ID = slice(0, 4)
IN_PLACE = 0.3  # how often the header is spoiled and nothing else


def broken(record: bytes) -> bytes:
    """The same record with a wrong tag."""
    return record[:-1] + bytes((record[-1] ^ 1,))


def spoil(rng: random.Random, session: SecureSession, message: bytes) -> list[bytes]:
    """A spoiled record, and another one where the session may not have noticed the first."""
    record = session.seal(message)
    in_place = rng.random() < IN_PLACE
    wrong = mutate_fields(rng, record, HEADER.size) if in_place else mutate(rng, record)
    whole = wrong + bytes(-len(wrong) % DWORD)  # as it arrives
    if whole.startswith(record) and len(whole) - len(record) <= PADDING_MAX:
        return [broken(record)]
    if whole[SESSION_ID] == record[SESSION_ID]:
        return [wrong]
    return [wrong, broken(record)]


def out_of_order(
    rng: random.Random, session: SecureSession, asking: bytes, message: bytes
) -> list[bytes]:
    """Records left out, sent twice or swapped, so that the session ends; `asking` is answered."""
    first, second = session.seal(asking), session.seal(message)
    return rng.choice(([second], [first, first, second], [second, first]))


def under_a_false_name(
    session: SecureSession, other: SecureSession, first: bytes, second: bytes
) -> list[bytes]:
    """A record of `session` under the name of `other`, which ends both as one number is missing."""
    name = other.session_id.to_bytes(DWORD, "little")
    return [name + session.seal(first)[DWORD:], session.seal(second)]
