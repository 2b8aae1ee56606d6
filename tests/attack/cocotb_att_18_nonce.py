# SPDX-License-Identifier: Apache-2.0
"""ATT-18: a START nonce that outlives its lock, is guessed, or is compared in part."""

from __future__ import annotations

from collections.abc import Iterator

import pyuvm

from models.tdisp.codes import NONCE_SIZE, ErrorCode, Request, Response, TdiState
from tests.attack.attack_test import VICTIM, AttackTest, assert_error

OTHER_TDI = 3
LOCKS = 12
FEWEST_BITS, MOST_BITS = 80, 176  # of 256 in which two random nonces differ
FLIPPED = (0, 1, 7, 8, 63, 64, 100, 127, 128, 191, 192, 247, 248, 255)  # bit positions


def flipped(nonce: bytes, position: int) -> bytes:
    """`nonce` with one bit changed."""
    value = int.from_bytes(nonce, "little") ^ 1 << position
    return value.to_bytes(NONCE_SIZE, "little")


def close_to(nonce: bytes) -> Iterator[tuple[str, bytes]]:
    """Nonces that differ a little: in one bit, one byte, one half, one word."""
    for position in FLIPPED:
        yield f"bit {position} flipped", flipped(nonce, position)
    for size in (1, 4, 8, 16, 31):
        yield f"first {size} bytes right", nonce[:size] + bytes(b ^ 0xFF for b in nonce[size:])
        yield f"last {size} bytes right", bytes(b ^ 0xFF for b in nonce[:-size]) + nonce[-size:]
    yield "byte order turned", nonce[::-1]
    yield "zero", bytes(NONCE_SIZE)
    yield "ones", b"\xff" * NONCE_SIZE


class Nonce(AttackTest):
    """Tries nonces."""

    async def refused(self, nonce: bytes, what: str, index: int = VICTIM) -> None:
        """START with `nonce`: INVALID_NONCE, and the TDI stays in CONFIG_LOCKED."""
        answer = await self.kit.tdisp(self.session, Request.START_INTERFACE_REQUEST, index, nonce)
        assert_error(answer, ErrorCode.INVALID_NONCE, what)
        assert self.state(index) is TdiState.CONFIG_LOCKED, what

    async def wrong_state(self, nonce: bytes, what: str) -> None:
        """START with `nonce` outside CONFIG_LOCKED: INVALID_INTERFACE_STATE, no change."""
        before = self.state()
        answer = await self.kit.tdisp(self.session, Request.START_INTERFACE_REQUEST, VICTIM, nonce)
        assert_error(answer, ErrorCode.INVALID_INTERFACE_STATE, what)
        assert self.state() is before, what


@pyuvm.test()
class AlmostRightNoncesAreRefused(Nonce):
    """One bit, one part, zero, turned: all 32 bytes count, and the right one works afterwards."""

    async def attack(self) -> None:
        await self.lock_again()
        for what, nonce in close_to(self.tdi.nonce):
            await self.refused(nonce, what)
        await self.kit.start(self.session, self.tdi)
        self.assert_states(TdiState.RUN, "the right nonce")


@pyuvm.test()
class NonceDiesWithItsLock(Nonce):
    """Used, stopped, broken by ERROR, or of another TDI: never good again."""

    async def attack(self) -> None:
        used = self.tdi.nonce
        await self.wrong_state(used, "a second START")
        await self.kit.stop(self.session, VICTIM)
        await self.wrong_state(used, "after STOP")
        self.tdi = await self.kit.lock(self.session, VICTIM)
        await self.refused(used, "used in an earlier life")
        await self.refused(bytes(NONCE_SIZE), "what a cleared nonce would be")
        unused = self.tdi.nonce
        await self.lock_again()
        await self.refused(unused, "unused, of an earlier lock")
        broken = self.tdi.nonce
        await self.disturb()
        await self.wrong_state(broken, "in ERROR")
        await self.lock_again()
        await self.refused(broken, "of a lock that ERROR ended")
        other = await self.kit.lock(self.session, OTHER_TDI)
        await self.refused(other.nonce, "of another TDI")
        await self.refused(self.tdi.nonce, "of another TDI", OTHER_TDI)
        await self.kit.start(self.session, self.tdi)
        await self.kit.start(self.session, other)
        assert self.state() is self.state(OTHER_TDI) is TdiState.RUN


@pyuvm.test()
class NoncesCannotBeGuessed(Nonce):
    """Each LOCK gives a nonce that differs from each other one in about half of its bits."""

    async def attack(self) -> None:
        nonces = [self.tdi.nonce]
        for _ in range(LOCKS):
            await self.lock_again()
            nonces.append(self.tdi.nonce)
        nonces.append((await self.kit.lock(self.session, OTHER_TDI)).nonce)
        for n, nonce in enumerate([bytes(NONCE_SIZE), *nonces]):
            for other in nonces[n:]:
                distance = (int.from_bytes(nonce) ^ int.from_bytes(other)).bit_count()
                assert FEWEST_BITS < distance < MOST_BITS, f"{nonce.hex()} and {other.hex()}"


@pyuvm.test()
class RightNonceStarts(Nonce):
    """The honest TVM: its nonce works at the first time, for each TDI, after each lock."""

    async def attack(self) -> None:
        for _ in range(3):
            await self.lock_again()
            answer = await self.kit.tdisp(
                self.session, Request.START_INTERFACE_REQUEST, VICTIM, self.tdi.nonce
            )
            assert answer is not None
            assert answer.code == Response.START_INTERFACE_RESPONSE
            self.assert_states(TdiState.RUN, "the right nonce")
