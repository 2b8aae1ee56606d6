# SPDX-License-Identifier: Apache-2.0
"""ATT-17: a session ends while what was set up in it is in use.

VF1 runs on the default stream, which the session keyed. A second session keyed the other stream,
to which no TDI is bound. Whoever ends a session and however, its stream becomes Insecure and its
TDI goes to ERROR; the other session's stream is left alone, unless all sessions end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import pyuvm
from cocotb.triggers import ClockCycles

from models.doe.codes import ObjectType
from models.pcie.codes import CplStatus
from models.spdm.carrier import wrap
from models.spdm.codes import KeyUpdateOperation
from models.spdm.errors import SpdmError
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, Request, Response, TdiState
from tb.host.route import PLAIN
from tb.scenario import OTHER_STREAM
from tests.attack.attack_test import VICTIM, AttackTest, assert_error

HEARTBEAT = 10  # seconds
RESET_CYCLES = 16
RECORD_LENGTH_AT = 12  # offset in the DOE object

Change = Callable[[bytes], bytes]


def flip(position: int) -> Change:
    """Changes one bit of a byte of the DOE object; `position` may count from the end."""

    def change(doe_object: bytes) -> bytes:
        changed = bytearray(doe_object)
        changed[position] ^= 0x04
        return bytes(changed)

    return change


class SessionEnd(AttackTest):
    """VF1 attached in one session, the other stream keyed in another."""

    heartbeat_period = HEARTBEAT

    async def prepare(self) -> None:
        await super().prepare()
        self.other = await self.kit.open_session()
        await self.kit.key_stream(self.other, OTHER_STREAM)

    @contextmanager
    def tampered(self, change: Change) -> Iterator[None]:
        """Within the block DOE objects are altered on their way to the device."""
        doe = self.kit.env.doe
        honest = doe.exchange

        async def exchange(doe_object: bytes) -> bytes | None:
            return await honest(change(doe_object))

        doe.exchange = exchange  # type: ignore[method-assign]
        try:
            yield
        finally:
            doe.exchange = honest  # type: ignore[method-assign]

    async def assert_fallen(self, what: str) -> None:
        """TDI in ERROR, stream Insecure, nothing of the TVM to be had in clear."""
        await self.quiet()
        self.assert_states(TdiState.ERROR, what)
        assert not self.secure(), f"{what}: the stream lives on"
        await self.read_refused(self.memory(), PLAIN, what)
        await self.assert_legacy_untouched(what)
        self.assert_no_leak()

    async def assert_alive(self, what: str) -> None:
        """TDI in RUN, both streams Secure, the TVM is served, the session answers."""
        await self.quiet()
        self.assert_states(TdiState.RUN, what)
        assert self.secure(), what
        await self.assert_served(what)
        answer = await self.kit.tdisp(self.session, Request.GET_DEVICE_INTERFACE_STATE, VICTIM)
        assert answer is not None, what
        assert answer.payload == bytes([TdiState.RUN]), what

    async def dead(self, session: SecureSession, what: str) -> None:
        """The requester's side may still have keys: the device no longer answers to them."""
        try:
            await session.heartbeat()
        except SpdmError:
            return
        raise AssertionError(f"{what}: the session still answers")

    async def attach_in_new_session(self) -> None:
        """A session, its keys, STOP, LOCK and START."""
        self.session = await self.kit.open_session()
        await self.key_again()
        await self.attach_again()


@pyuvm.test()
class StreamAndTdiEndWithTheirSession(SessionEnd):
    """END_SESSION, altered, cut and repeated records, a key update that fails, no heartbeat."""

    async def attack(self) -> None:
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "END_SESSION": self._end,
            "END_SESSION while locked": self._end_while_locked,
            "altered cipher text": lambda: self._altered(flip(20)),
            "altered tag": lambda: self._altered(flip(-1)),
            "altered length": lambda: self._altered(flip(RECORD_LENGTH_AT)),
            "repeated record": self._repeated,
            "failed KEY_UPDATE": self._failed_key_update,
            "no heartbeat": self._silent,
        }
        for what, way in ways.items():
            await way()
            await self.assert_fallen(what)
            assert self.secure(OTHER_STREAM), f"{what}: the other session's stream ended"
            await self.other.heartbeat()
            await self.dead(self.session, what)
            await self.attach_in_new_session()
            await self.assert_served(f"after {what}")

    async def _end(self) -> None:
        await self.session.end()

    async def _end_while_locked(self) -> None:
        await self.lock_again()
        await self.session.end()

    async def _silent(self) -> None:
        """The other session alone is kept alive."""
        for now in (1.5 * HEARTBEAT, 2.5 * HEARTBEAT):
            await self.kit.env.rot.driver.advance_time(now)
            await self.other.heartbeat()

    async def _altered(self, change: Change) -> None:
        with self.tampered(change), suppress(SpdmError):
            await self.session.heartbeat()

    async def _repeated(self) -> None:
        last: list[bytes] = []

        def keep(doe_object: bytes) -> bytes:
            last.append(doe_object)
            return doe_object

        with self.tampered(keep):
            await self.session.heartbeat()
        await self.kit.env.doe.exchange(last[0])

    async def _failed_key_update(self) -> None:
        with self.tampered(flip(-1)), suppress(SpdmError):
            await self.session.key_update(KeyUpdateOperation.UPDATE_ALL_KEYS)


@pyuvm.test()
class AllEndWithTheConnection(SessionEnd):
    """A plain GET_VERSION, and silence of all sessions: both streams end, and the TDI."""

    async def attack(self) -> None:
        await self.kit.connect()
        await self.assert_fallen("GET_VERSION")
        assert not self.secure(OTHER_STREAM), "GET_VERSION"
        await self.dead(self.session, "GET_VERSION")
        await self.dead(self.other, "GET_VERSION")
        await self.attach_in_new_session()
        await self.kit.env.rot.driver.advance_time(2.5 * HEARTBEAT)
        await self.assert_fallen("time-out")
        await self.dead(self.session, "time-out")
        await self.attach_in_new_session()
        await self.assert_served("after the time-out")


@pyuvm.test()
class ConventionalResetLeavesNothing(SessionEnd):
    """CONFIG_UNLOCKED, no stream, no session; the next owner finds zeros."""

    async def attack(self) -> None:
        await self.adapter.reset(RESET_CYCLES)
        await ClockCycles(self.adapter.clk, 1200)  # clearing takes its time
        self.assert_states(TdiState.CONFIG_UNLOCKED, "reset")
        assert not self.secure()
        assert not self.secure(OTHER_STREAM)
        self.host.streams.clear()
        await self.kit.bring_up_again()
        await self.dead(self.session, "reset")
        result = await self.host.mem_read(self.memory(), 64)
        assert result.status is CplStatus.SC
        assert result.data == bytes(64), "left behind by reset"
        await self.kit.connect()
        self.session = await self.kit.open_session()
        await self.key_again()
        await self.attach_again()
        await self.assert_served("after reset")
        self.assert_no_leak()


@pyuvm.test()
class OthersSessionsDoNotMatter(SessionEnd):
    """What others end, an unknown session's record and a right key update leave all alive."""

    async def attack(self) -> None:
        for kind in (KeyUpdateOperation.UPDATE_KEY, KeyUpdateOperation.UPDATE_ALL_KEYS):
            await self.session.key_update(kind)
            await self.assert_alive(kind.name)
        await self.session.heartbeat()
        record = b"\x55\xaa\x55\xaa" + bytes([24, 0]) + self.rng.randbytes(24)
        foreign = wrap(ObjectType.SECURED_SPDM, record)
        assert await self.kit.env.doe.exchange(foreign) is None
        await self.assert_alive("record of an unknown session")
        answer = await self.kit.tdisp(self.other, Request.STOP_INTERFACE_REQUEST, VICTIM)
        assert_error(answer, ErrorCode.INVALID_REQUEST, "STOP in another session")
        await self.other.end()
        assert not self.secure(OTHER_STREAM)
        await self.assert_alive("END_SESSION of another session")
        stopped = await self.kit.tdisp(self.session, Request.STOP_INTERFACE_REQUEST, VICTIM)
        assert stopped is not None
        assert stopped.code == Response.STOP_INTERFACE_RESPONSE
