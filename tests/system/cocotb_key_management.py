# SPDX-License-Identifier: Apache-2.0
"""IDE_KM on the device: every object, every status, every slot, and whose keys they are."""

from __future__ import annotations

import struct

import pyuvm
from cocotb.triggers import ClockCycles

from models.ide.codes import SubStream
from models.ide.keys import ALL_SLOTS, KeySlot
from models.idekm.codes import Direction, KpStatus, ObjectId
from models.idekm.key_order import key_to_wire
from models.idekm.messages import KpAck
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, Response, TdiState
from tb.base_test import BaseTest
from tb.host.tsm_port import TsmHostPort
from tb.scenario import DEFAULT_STREAM, IFV_WIRE, OTHER_STREAM, STREAM_BLOCKS, Scenario

KEY = bytes(range(32))
QUIET = 600
SLOT = KeySlot(Direction.RX, SubStream.NPR, 1)
SET_0 = tuple(slot for slot in ALL_SLOTS if slot.key_set == 0)
QUERY_HEAD = struct.Struct("<BxBBBBB")  # id, PortIndex, DevFn, Bus, Segment, MaxPortIndex


def key_info(slot: KeySlot) -> int:
    """The byte."""
    return slot.sub_stream << 4 | slot.direction << 1 | slot.key_set


def key_prog(
    stream: int = DEFAULT_STREAM, info: int = key_info(SLOT), port: int = 0, ifv: bytes = IFV_WIRE
) -> bytes:
    """KEY_PROG with any fields."""
    return bytes([ObjectId.KEY_PROG, 0, 0, stream, 0, info, port]) + key_to_wire(KEY) + ifv


def key_set(
    object_id: int, stream: int = DEFAULT_STREAM, info: int = key_info(SLOT), port: int = 0
) -> bytes:
    """K_SET_GO or K_SET_STOP with any fields."""
    return bytes([object_id, 0, 0, stream, 0, info, port])


class KeyManagement(BaseTest):
    """What the tests share."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        self.session: SecureSession = await kit.open_session()
        await self.talk()

    async def talk(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides talk()")

    def secure(self, stream_id: int = DEFAULT_STREAM) -> bool:
        """Whether a stream is Secure."""
        return self.adapter.streams_secure()[STREAM_BLOCKS[stream_id]]

    async def ask(self, body: bytes, session: SecureSession | None = None) -> bytes | None:
        """One object, the answer or None."""
        return await self.kit.ide_km(session or self.session, body)

    async def status(self, body: bytes) -> KpStatus:
        """KEY_PROG that is answered; stream, key info and port come back."""
        raw = await self.ask(body)
        assert raw is not None, body.hex()
        assert raw[0:4] == bytes([ObjectId.KP_ACK, 0, 0, body[3]]), raw.hex()
        assert (raw[5] ^ body[5]) & 0xF3 == 0, raw.hex()
        assert raw[6] == body[6], raw.hex()
        return KpStatus(KpAck.decode(raw).status)

    async def assert_no_key(self, stream: int, info: int, what: str) -> None:
        """Neither GO nor STOP finds a key there."""
        for operation in (ObjectId.K_SET_GO, ObjectId.K_SET_STOP):
            assert await self.ask(key_set(operation, stream, info)) is None, what

    async def take(self, session: SecureSession, slot: KeySlot) -> bool:
        """Whether the device takes a key for the default stream in this session."""
        key = self.rng.randbytes(32)
        raw = await self.kit.program_key(session, DEFAULT_STREAM, slot, key)
        return raw is not None and KpAck.decode(raw).success

    async def lock_refused(self, session: SecureSession, what: str) -> None:
        """LOCK of VF1 in this session gets INVALID_REQUEST."""
        answer = await self.kit.lock_request(session, self.kit.tvm_function)
        assert answer is not None, what
        assert answer.error is ErrorCode.INVALID_REQUEST, f"{what}: {answer}"
        assert self.adapter.tdi_states()[self.kit.tvm_function] is TdiState.CONFIG_UNLOCKED, what


@pyuvm.test()
class QueryShowsTheRegistersOfTheMoment(KeyManagement):
    """QUERY_RESP is what configuration space reads, before and after each change of it."""

    async def talk(self) -> None:
        kit = self.kit
        await self._compare("placed")
        await kit.key_stream(self.session)
        assert self.secure()
        await self._compare("Secure")
        await kit.vmm.enable_stream(STREAM_BLOCKS[OTHER_STREAM], OTHER_STREAM, default=False)
        await self._compare("another stream enabled without keys")
        await kit.vmm.place_stream(STREAM_BLOCKS[DEFAULT_STREAM], DEFAULT_STREAM, default=True)
        await self._compare("disabled")
        for port in (1, 2, 0x7F, 0xFF):
            assert await self.ask(bytes([ObjectId.QUERY, 0, port])) is None, f"port {port}"
        for wrong in (b"\0\0", bytes(4), bytes(40)):
            assert await self.ask(wrong) is None, wrong.hex()

    async def _compare(self, what: str) -> None:
        raw = await self.ask(bytes([ObjectId.QUERY, 0xA5, 0]))
        assert raw is not None, what
        rid = self.kit.function(0).rid
        expected = (ObjectId.QUERY_RESP, 0, rid & 0xFF, rid >> 8, 0, 0)
        assert QUERY_HEAD.unpack(raw[: QUERY_HEAD.size]) == expected, what
        port = TsmHostPort(self.kit.host, self.kit.vmm, STREAM_BLOCKS)
        assert raw[QUERY_HEAD.size :] == await port.ide_registers(), what


@pyuvm.test()
class EverySlotHasItsOwnKey(KeyManagement):
    """GO and STOP of each of the twelve slots of a stream need the key of that very slot."""

    async def talk(self) -> None:
        for number, slot in enumerate(ALL_SLOTS):
            info = key_info(slot)
            await self.assert_no_key(DEFAULT_STREAM, info, f"{slot} before KEY_PROG")
            assert await self.status(key_prog(info=info)) is KpStatus.SUCCESS
            if number + 1 < len(ALL_SLOTS):
                after = key_info(ALL_SLOTS[number + 1])
                assert await self.ask(key_set(ObjectId.K_SET_GO, info=after)) is None, f"{slot}"
        await self.assert_no_key(OTHER_STREAM, key_info(ALL_SLOTS[0]), "the other stream")
        for slot in ALL_SLOTS:
            info = key_info(slot)
            expected = bytes([ObjectId.K_GOSTOP_ACK, 0, 0, DEFAULT_STREAM, 0, info, 0])
            for operation in (ObjectId.K_SET_GO, ObjectId.K_SET_STOP):
                assert await self.ask(key_set(operation, info=info)) == expected, f"{slot}"
            await self.assert_no_key(DEFAULT_STREAM, info, f"{slot} after K_SET_STOP")


@pyuvm.test()
class WrongFieldsHaveTheirStatusAndNoEffect(KeyManagement):
    """Ports, streams, sub-streams, first invocation values; port before value."""

    async def talk(self) -> None:
        port, value = KpStatus.UNSUPPORTED_PORT_INDEX, KpStatus.UNSUPPORTED_VALUE
        for index in (1, 2, 7, 0x80, 0xFF):
            assert await self.status(key_prog(port=index)) is port, f"port {index}"
        streams = (0, DEFAULT_STREAM ^ 1, DEFAULT_STREAM ^ 0x80, OTHER_STREAM + 1, 0xFF)
        for stream in streams:
            assert await self.status(key_prog(stream=stream)) is value, f"stream {stream}"
        for sub_stream in range(3, 16):
            info = sub_stream << 4 | SLOT.key_set
            assert await self.status(key_prog(info=info)) is value, f"sub-stream {sub_stream}"
        for ifv in (bytes(8), b"\0\0\0\0\2\0\0\0", b"\1\0\0\0\1\0\0\0", b"\xff" * 8):
            assert await self.status(key_prog(ifv=ifv)) is value, f"IFV {ifv.hex()}"
        both = key_prog(stream=streams[1], info=0xF0, port=1, ifv=bytes(8))
        assert await self.status(both) is port, "everything wrong"
        await self.assert_no_key(DEFAULT_STREAM, key_info(SLOT), "after all that")
        assert await self.status(key_prog()) is KpStatus.SUCCESS
        for wrong in (
            key_set(ObjectId.K_SET_GO, port=1),
            key_set(ObjectId.K_SET_GO, stream=streams[1]),
            key_set(ObjectId.K_SET_GO, info=0x30 | key_info(SLOT)),
            key_set(ObjectId.K_SET_GO, info=key_info(SLOT) ^ 1),
            key_set(ObjectId.K_SET_GO, info=key_info(SLOT) ^ 2),
            key_set(ObjectId.K_SET_STOP, stream=OTHER_STREAM),
        ):
            assert await self.ask(wrong) is None, wrong.hex()
        reserved = key_set(ObjectId.K_SET_GO, info=key_info(SLOT) | 0x0C)
        assert await self.ask(reserved) == key_set(ObjectId.K_GOSTOP_ACK), "reserved bits"


@pyuvm.test()
class WhatIsNoRequestGetsSilence(KeyManagement):
    """Wrong sizes, responses and unknown ids: no answer, and no key."""

    async def talk(self) -> None:
        good = key_prog()
        for size in (1, 6, 7, 38, 46, 48, 64):
            assert await self.ask(good.ljust(size, b"\0")[:size]) is None, f"KEY_PROG, {size} bytes"
        for operation in (ObjectId.K_SET_GO, ObjectId.K_SET_STOP):
            for body in (key_set(operation)[:-1], key_set(operation) + b"\0"):
                assert await self.ask(body) is None, body.hex()
        for object_id in (ObjectId.QUERY_RESP, ObjectId.KP_ACK, ObjectId.K_GOSTOP_ACK, 7, 0xFF):
            for size in (3, 7, 47):
                body = bytes([object_id]) + good[1:size]
                assert await self.ask(body) is None, body.hex()
        await self.assert_no_key(DEFAULT_STREAM, key_info(SLOT), "after all that")
        assert await self.status(good) is KpStatus.SUCCESS


@pyuvm.test()
class KeysInUseStayWhatTheyAre(KeyManagement):
    """KEY_PROG for the set in use is refused; the other set can be filled; STOP is no end."""

    async def talk(self) -> None:
        kit = self.kit
        await kit.key_stream(self.session)
        await kit.lock(self.session, kit.tvm_function)
        for slot in SET_0:
            body = key_prog(info=key_info(slot))
            assert await self.status(body) is KpStatus.UNSPECIFIED_FAILURE, f"{slot}"
            other = key_prog(info=key_info(slot._replace(key_set=1)))
            for _ in range(2):
                assert await self.status(other) is KpStatus.SUCCESS, f"{slot}, the other set"
        assert self.secure()
        assert self.adapter.tdi_states()[self.kit.tvm_function] is TdiState.CONFIG_LOCKED
        result = await kit.host.mem_read(kit.function(0).bar0, 4, kit.tee)
        assert result.status is not None, "the stream still carries requests"


@pyuvm.test()
class KeysBelongToTheirSession(KeyManagement):
    """Another session's KEY_PROG, GO and STOP do nothing; once the owner ends, it starts anew."""

    async def talk(self) -> None:
        kit, first = self.kit, self.session
        second = await kit.open_session()
        assert await self.take(first, SET_0[0])
        for slot in SET_0[:2]:
            assert not await self.take(second, slot), f"{slot} of another session"
            for operation in (ObjectId.K_SET_GO, ObjectId.K_SET_STOP):
                assert await kit.key_set(second, operation, DEFAULT_STREAM, slot) is None
        await kit.key_stream(first)
        assert self.secure()
        await self.lock_refused(second, "another session's keys")
        await kit.lock(first, kit.tvm_function)
        await kit.stop(first, kit.tvm_function)
        assert await kit.key_set(second, ObjectId.K_SET_STOP, DEFAULT_STREAM, SET_0[0]) is None
        assert self.secure()
        await first.end()
        await ClockCycles(self.adapter.clk, QUIET)
        assert not self.secure()
        self.session = second
        for slot in SET_0:
            await self.assert_no_key(DEFAULT_STREAM, key_info(slot), f"{slot} of the ended session")
        await kit.vmm.place_stream(STREAM_BLOCKS[DEFAULT_STREAM], DEFAULT_STREAM, default=True)
        await kit.key_stream(second)
        assert self.secure()
        answer = await kit.lock_request(second, kit.tvm_function)
        assert answer is not None
        assert answer.code == Response.LOCK_INTERFACE_RESPONSE, answer
