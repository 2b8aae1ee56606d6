# SPDX-License-Identifier: Apache-2.0
"""The AES-256 rounds with round keys that are all zero, which no key gives.

`cryptography` cannot make this one; it shows that a cleared key store holds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence


def zero_key_cipher(block: bytes) -> bytes:
    """One block through 14 rounds without any key."""
    state = list(block)
    for number in range(1, 15):
        state = [SBOX[b] for b in state]
        state = [state[r + 4 * ((c + r) % 4)] for c in range(4) for r in range(4)]
        if number < 14:
            state = [mixed for c in range(4) for mixed in _mix_column(state[4 * c : 4 * c + 4])]
    return bytes(state)


def _times(a: int, b: int) -> int:
    product = 0
    for bit in range(8):
        product ^= (b >> bit & 1) * (a << bit)
    for bit in range(14, 7, -1):
        product ^= (product >> bit & 1) * (0x11B << (bit - 8))
    return product


def _turn(value: int, count: int) -> int:
    return (value << count | value >> (8 - count)) & 0xFF


def _make_sbox() -> list[int]:
    powers = [1]
    for _ in range(254):
        powers.append(_times(powers[-1], 3))
    inverse = {powers[n]: powers[-n % 255] for n in range(255)}
    values = [inverse.get(value, 0) for value in range(256)]
    return [0x63 ^ b ^ _turn(b, 1) ^ _turn(b, 2) ^ _turn(b, 3) ^ _turn(b, 4) for b in values]


def _mix_column(column: Sequence[int]) -> list[int]:
    a = [*column, *column]
    return [_times(a[i], 2) ^ _times(a[i + 1], 3) ^ a[i + 2] ^ a[i + 3] for i in range(4)]


SBOX = _make_sbox()
