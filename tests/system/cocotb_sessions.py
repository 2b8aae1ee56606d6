# SPDX-License-Identifier: Apache-2.0
"""Secured sessions on the device: set-up, limits, upkeep, broken records and their consequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import pyuvm
from cocotb.triggers import ClockCycles

from models.doe.codes import ObjectType
from models.ide.codes import SubStream
from models.ide.keys import KeySlot
from models.idekm.codes import PROTOCOL_ID as IDE_KM
from models.idekm.codes import Direction as KeyDirection
from models.idekm.codes import ObjectId
from models.spdm.carrier import PlainChannel, wrap
from models.spdm.codes import ErrorCode, KeyUpdateOperation, Request, Response
from models.spdm.errors import ErrorResponseError
from models.spdm.key_port import Direction
from models.spdm.messages import Finish, Header, VendorDefinedRequest
from models.spdm.record import LENGTH
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.codes import Request as Tdisp
from models.tdisp.codes import TdiState
from tb.base_test import BaseTest
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, STREAM_BLOCKS, Scenario
from tests.unit.record_bench import forge, with_length

MOST_SESSIONS = 4
QUIET = 600
HEARTBEAT = 10  # seconds
KEY = bytes(range(32))
SLOT = KeySlot(KeyDirection.RX, SubStream.NPR, 0)
MESSAGE = b"\x12\xe8\0\0"  # HEARTBEAT


def header(code: int, version: int = 0x12) -> bytes:
    """A message of four bytes."""
    return bytes([version, code, 0, 0])


class Sessions(BaseTest):
    """What the tests share."""

    heartbeat_period = HEARTBEAT

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        await kit.connect()
        await self.talk()

    async def talk(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides talk()")

    def state(self, index: int | None = None) -> TdiState:
        """State of a TDI on the pins, of the TVM's unless `index` says another."""
        return self.adapter.tdi_states()[self.kit.tvm_function if index is None else index]

    def secure(self, stream_id: int = DEFAULT_STREAM) -> bool:
        """Whether a stream is Secure."""
        return self.adapter.streams_secure()[STREAM_BLOCKS[stream_id]]

    async def assert_answers(self, session: SecureSession, what: str) -> None:
        """TDISP in this session is answered with the state on the pins."""
        answer = await self.kit.tdisp(
            session, Tdisp.GET_DEVICE_INTERFACE_STATE, self.kit.tvm_function
        )
        assert answer is not None, what
        assert answer.payload == bytes([self.state()]), what

    async def assert_dead(self, session: SecureSession, what: str) -> None:
        """Whatever it sends, there is no answer."""
        assert await session.request(MESSAGE) is None, what
        session.close()

    def tdisp_message(self, request: Tdisp, version: int = 0x12) -> bytes:
        """A TDISP request for VF1 as an SPDM message."""
        rid = self.kit.function(self.kit.tvm_function).rid
        body = bytes([0x10, request, 0, 0]) + rid.to_bytes(4, "little") + bytes(8)
        return VendorDefinedRequest(version=version, protocol_id=TDISP, body=body).encode()

    async def refused(self, session: SecureSession, message: bytes, code: ErrorCode) -> None:
        """The session answers `message` with ERROR and lives on."""
        answer = await session.request(message)
        assert answer is not None, message.hex()
        assert answer[1:3] == bytes([Response.ERROR, code]), f"{message.hex()}: {answer.hex()}"

    async def set_up(self, run: bool) -> SecureSession:
        """A session that keyed the default stream and locked VF1."""
        session = await self.kit.open_session()
        block = STREAM_BLOCKS[DEFAULT_STREAM]
        await self.kit.vmm.place_stream(block, DEFAULT_STREAM, default=True)
        await self.kit.key_stream(session)
        tdi = await self.kit.lock(session, self.kit.tvm_function)
        if run:
            await self.kit.start(session, tdi)
        return session


@pyuvm.test()
class NothingIsServedBeforeFinish(Sessions):
    """After KEY_EXCHANGE only: TDISP and IDE_KM are refused; a wrong FINISH ends the session."""

    async def talk(self) -> None:
        kit = self.kit
        requester = kit.requester
        assert requester is not None
        early = await requester.exchange_keys()
        for request in (Tdisp.GET_TDISP_VERSION, Tdisp.GET_DEVICE_INTERFACE_STATE):
            await self.refused(early, self.tdisp_message(request), ErrorCode.UNEXPECTED_REQUEST)
        for body in (bytes([ObjectId.QUERY, 0, 0]), self._key_prog()):
            message = VendorDefinedRequest(protocol_id=IDE_KM, body=body).encode()
            await self.refused(early, message, ErrorCode.UNEXPECTED_REQUEST)
        for code in (Request.END_SESSION, Request.HEARTBEAT, Request.KEY_UPDATE):
            await self.refused(early, header(code), ErrorCode.UNEXPECTED_REQUEST)
        await early.finish()
        await self.assert_answers(early, "after FINISH")
        assert await kit.key_set(early, ObjectId.K_SET_GO, DEFAULT_STREAM, SLOT) is None
        wrong = await requester.exchange_keys()
        answer = await wrong.request(Finish(verify_data=bytes(48)).encode())
        assert answer is not None
        assert answer[1:3] == bytes([Response.ERROR, ErrorCode.DECRYPT_ERROR])
        await self.assert_dead(wrong, "after a wrong FINISH")
        await self.assert_answers(early, "the other session")
        await self.assert_answers(await kit.open_session(), "a right FINISH")

    def _key_prog(self) -> bytes:
        info = SLOT.sub_stream << 4 | SLOT.direction << 1
        return bytes([ObjectId.KEY_PROG, 0, 0, DEFAULT_STREAM, 0, info, 0]) + KEY + bytes(8)


@pyuvm.test()
class SessionsHaveALimit(Sessions):
    """Four sessions at once, each with its own keys; a fifth is refused until one ends."""

    async def talk(self) -> None:
        sessions = [await self.kit.open_session() for _ in range(MOST_SESSIONS)]
        assert len({session.session_id for session in sessions}) == MOST_SESSIONS
        with pytest.raises(ErrorResponseError, match=ErrorCode.SESSION_LIMIT_EXCEEDED.name):
            await self.kit.open_session()
        for _ in range(2):
            for number, session in enumerate(sessions):
                await self.assert_answers(session, f"session {number} of four")
        await sessions[1].end()
        sessions[1] = await self.kit.open_session()
        for number, session in enumerate(sessions):
            await self.assert_answers(session, f"session {number} after one was replaced")


@pyuvm.test()
class EachMessageHasItsPlace(Sessions):
    """What belongs into a session is refused in plain and the other way round; nothing ends."""

    async def talk(self) -> None:
        kit = self.kit
        session = await self.set_up(run=True)
        plain = PlainChannel(kit.env.doe)
        for code in (Request.HEARTBEAT, Request.END_SESSION, Request.KEY_UPDATE, Request.FINISH):
            answer = await plain.request(header(code) + bytes(48 * (code == Request.FINISH)))
            assert answer is not None
            assert answer[1:3] == bytes([Response.ERROR, ErrorCode.SESSION_REQUIRED]), code.name
        for code in (
            Request.GET_CAPABILITIES,
            Request.NEGOTIATE_ALGORITHMS,
            Request.CHALLENGE,
            Request.KEY_EXCHANGE,
            Request.FINISH,
        ):
            await self.refused(session, header(code), ErrorCode.UNEXPECTED_REQUEST)
        await self.refused(session, header(Request.GET_VERSION, 0x10), ErrorCode.UNEXPECTED_REQUEST)
        await self.refused(session, header(0xEF), ErrorCode.UNSUPPORTED_REQUEST)
        for version in (0x10, 0x11, 0x13, 0xFF):
            message = self.tdisp_message(Tdisp.STOP_INTERFACE_REQUEST, version)
            await self.refused(session, message, ErrorCode.VERSION_MISMATCH)
        answer = await plain.request(header(Request.GET_VERSION, 0x12))
        assert answer is not None
        assert answer[1:3] == bytes([Response.ERROR, ErrorCode.VERSION_MISMATCH])
        assert self.state() is TdiState.RUN
        assert self.secure()
        await self.assert_answers(session, "in the end")


@pyuvm.test()
class UpkeepDoesNotDisturbALifeCycle(Sessions):
    """HEARTBEAT, KEY_UPDATE, attestation and another session between all steps of an attach."""

    async def talk(self) -> None:
        kit = self.kit
        session = await kit.open_session()
        await self._upkeep(session, "no keys")
        await kit.key_stream(session)
        await self._upkeep(session, "stream keyed")
        tdi = await kit.lock(session, kit.tvm_function)
        await self._upkeep(session, "CONFIG_LOCKED")
        await kit.start(session, tdi)
        await self._upkeep(session, "RUN")
        assert await kit.read_register(kit.function(kit.tvm_function), 0, kit.tee)
        await kit.stop(session, kit.tvm_function)
        await self._upkeep(session, "CONFIG_UNLOCKED")
        await kit.lock(session, kit.tvm_function)
        await session.end()
        await ClockCycles(self.adapter.clk, QUIET)
        assert self.state() is TdiState.ERROR
        assert not self.secure()
        session = await kit.open_session()
        await kit.stop(session, kit.tvm_function)
        assert self.state() is TdiState.CONFIG_UNLOCKED

    async def _upkeep(self, session: SecureSession, what: str) -> None:
        before = self.adapter.tdi_states(), self.adapter.streams_secure()
        await session.heartbeat()
        for kind in (KeyUpdateOperation.UPDATE_KEY, KeyUpdateOperation.UPDATE_ALL_KEYS):
            await session.key_update(kind)
        await session.get_digests()
        await session.get_measurements()
        other = await self.kit.open_session()
        await self.assert_answers(other, f"another session, {what}")
        await other.end()
        await self.assert_answers(session, what)
        assert (self.adapter.tdi_states(), self.adapter.streams_secure()) == before, what


class Broken(Sessions):
    """One broken record after another; each ends its session and nothing else."""

    async def talk(self) -> None:
        bystander = await self.kit.open_session()
        await self.kit.key_stream(bystander, OTHER_STREAM)
        for number, (what, make) in enumerate(self.records(bystander)):
            session = await self.set_up(run=number % 2 == 0)
            record = make(session)
            answer = await self.kit.env.doe.exchange(wrap(ObjectType.SECURED_SPDM, record))
            assert answer is not None, f"{what}: no DecryptError"
            await ClockCycles(self.adapter.clk, QUIET)
            assert self.state() is TdiState.ERROR, f"{what}: {self.state().name}"
            assert not self.secure(), f"{what}: the stream lives on"
            assert self.secure(OTHER_STREAM), f"{what}: another session's stream ended"
            await self.assert_dead(session, what)
            await self.assert_answers(bystander, what)
            await self.kit.stop(bystander, self.kit.tvm_function)

    def records(
        self, bystander: SecureSession
    ) -> Iterator[tuple[str, Callable[[SecureSession], bytes]]]:
        """Which ones."""
        raise AssertionError("a test overrides records()")

    def forge(
        self, session: SecureSession, plain: bytes, skip: int = 0, length: int | None = None
    ) -> bytes:
        """A record with a true tag under the session's key."""
        tap = self.kit.env.scoreboard.checker.control.tap
        keys, number = tap.keys(session.session_id, Direction.REQUEST)
        return forge(keys, number + skip, session.session_id, plain, length)

    def good(self, session: SecureSession) -> bytearray:
        """The next record: STOP for VF1, which must not be carried out."""
        return bytearray(
            self.forge(session, with_length(self.tdisp_message(Tdisp.STOP_INTERFACE_REQUEST)))
        )


@pyuvm.test()
class BrokenRecordsEndTheirSessionOnly(Broken):
    """Bits of tag and cipher text, numbers, the length field, another session's key."""

    def records(
        self, bystander: SecureSession
    ) -> Iterator[tuple[str, Callable[[SecureSession], bytes]]]:
        stop = with_length(self.tdisp_message(Tdisp.STOP_INTERFACE_REQUEST))

        def flipped(place: int) -> Callable[[SecureSession], bytes]:
            def make(session: SecureSession) -> bytes:
                record = self.good(session)
                record[place] ^= 0x10
                return bytes(record)

            return make

        def of_another(session: SecureSession) -> bytes:
            return session.session_id.to_bytes(4, "little") + bytes(self.good(bystander)[4:])

        yield "last bit of the tag", flipped(-1)
        yield "first byte of the cipher text", flipped(6)
        yield "a number left out", lambda s: self.forge(s, stop, skip=1)
        yield "a number used again", lambda s: self.forge(s, stop, skip=-1)
        yield "length field altered", flipped(4)
        yield "another session's key", of_another


@pyuvm.test()
class RecordsOfWrongFormEndTheirSession(Broken):
    """A true tag over wrong lengths, random padding, records cut or drawn out."""

    def records(
        self, bystander: SecureSession
    ) -> Iterator[tuple[str, Callable[[SecureSession], bytes]]]:
        message = self.tdisp_message(Tdisp.STOP_INTERFACE_REQUEST)
        size = len(message)
        yield "application length too small", lambda s: self._lies(s, size - 1)
        yield "application length too large", lambda s: self._lies(s, size + 1)
        yield "random padding", lambda s: self.forge(s, with_length(message) + bytes(5))
        yield "length field beyond the object", lambda s: self._claims(s, size + 64)
        yield "cut by a word", lambda s: bytes(self.good(s)[:-4])
        yield "a word too many", lambda s: bytes(self.good(s) + bytes(8))
        yield "session id only", lambda s: bytes(self.good(s)[:4])

    def _lies(self, session: SecureSession, claimed: int) -> bytes:
        message = self.tdisp_message(Tdisp.STOP_INTERFACE_REQUEST)
        return self.forge(session, LENGTH.pack(claimed) + message)

    def _claims(self, session: SecureSession, length: int) -> bytes:
        message = self.tdisp_message(Tdisp.STOP_INTERFACE_REQUEST)
        return self.forge(session, with_length(message), length=length)


@pyuvm.test()
class RecordsOfNobodyDoNothing(Broken):
    """Unknown session ids, also those that differ in one bit: silence, and all goes on."""

    async def talk(self) -> None:
        session = await self.set_up(run=True)
        right = session.session_id
        for unknown in (right ^ 1, right ^ 1 << 31, 0, 0xFFFFFFFF, right >> 16 | right << 16):
            record = self.good(session)
            record[0:4] = (unknown & 0xFFFFFFFF).to_bytes(4, "little")
            answer = await self.kit.env.doe.exchange(wrap(ObjectType.SECURED_SPDM, bytes(record)))
            assert answer is None, f"session {unknown:08x}"
            assert self.state() is TdiState.RUN
            assert self.secure()
        await self.assert_answers(session, "in the end")


@pyuvm.test()
class ConnectionStartsAgainInEveryState(Sessions):
    """GET_VERSION in clear: all sessions, their streams and TDIs; and then everything anew."""

    async def talk(self) -> None:
        for state in TdiState:
            session = await self._bring_to(state)
            other = await self.kit.open_session()
            plain = PlainChannel(self.kit.env.doe)
            answer = await plain.request(header(Request.GET_VERSION, 0x10))
            assert answer is not None
            assert Header.decode(answer).code == Response.VERSION
            await ClockCycles(self.adapter.clk, QUIET)
            locked = state is not TdiState.CONFIG_UNLOCKED
            expected = TdiState.ERROR if locked else TdiState.CONFIG_UNLOCKED
            assert self.state() is expected, state.name
            assert not self.secure(), state.name
            for dead in (session, other):
                await self.assert_dead(dead, state.name)
            early = await plain.request(header(Request.GET_DIGESTS))
            assert early is not None
            assert early[1:3] == bytes([Response.ERROR, ErrorCode.UNEXPECTED_REQUEST])
            await self.kit.connect()
            await self.kit.stop(await self.kit.open_session(), self.kit.tvm_function)

    async def _bring_to(self, state: TdiState) -> SecureSession:
        if state is TdiState.CONFIG_UNLOCKED:
            session = await self.kit.open_session()
            await self.kit.key_stream(session)
            return session
        session = await self.set_up(run=state is not TdiState.CONFIG_LOCKED)
        if state is TdiState.ERROR:
            rid = self.kit.function(self.kit.tvm_function).rid
            for value in (0, 4):
                await self.kit.host.config_write(rid, 4, value, enables=0b0011)
        assert self.state() is state
        return session
