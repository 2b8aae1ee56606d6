# SPDX-License-Identifier: Apache-2.0
"""TDISP messages on the device: wrong headers, foreign sessions and portions of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyuvm

from models.app.map import Bar0
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import (
    HEADER_SIZE,
    NONCE_SIZE,
    PROTOCOL_ID,
    VERSION_1_0,
    ErrorCode,
    LockFlags,
    RangeAttributes,
    Request,
    Response,
    TdiState,
)
from models.tdisp.report import DeviceInterfaceReport, MmioRange, reported_page
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, TdispAnswer, decode_answer
from tests.system.cocotb_transitions import Transitions

NEIGHBOUR = 2
WHOLE = 0xFFFF
SEGMENT_VALID = 1 << 24
PAYLOADS: Mapping[Request, int] = {
    Request.GET_TDISP_VERSION: 0,
    Request.GET_TDISP_CAPABILITIES: 4,
    Request.LOCK_INTERFACE_REQUEST: 20,
    Request.GET_DEVICE_INTERFACE_REPORT: 4,
    Request.GET_DEVICE_INTERFACE_STATE: 0,
    Request.START_INTERFACE_REQUEST: NONCE_SIZE,
    Request.STOP_INTERFACE_REQUEST: 0,
    Request.BIND_P2P_STREAM_REQUEST: 1,
    Request.UNBIND_P2P_STREAM_REQUEST: 1,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: 16,
}
REFUSED = ErrorCode.INVALID_INTERFACE_STATE
INVALID = ErrorCode.INVALID_REQUEST
# What a session that is not that of the lock gets in U, L, R and E; None: the response.
FOREIGN: Mapping[Request, tuple[ErrorCode | None, ...]] = {
    Request.GET_TDISP_VERSION: (None, None, None, None),
    Request.GET_TDISP_CAPABILITIES: (None, None, None, None),
    Request.GET_DEVICE_INTERFACE_STATE: (None, None, None, None),
    Request.LOCK_INTERFACE_REQUEST: (INVALID, REFUSED, REFUSED, REFUSED),
    Request.GET_DEVICE_INTERFACE_REPORT: (REFUSED, INVALID, INVALID, REFUSED),
    Request.START_INTERFACE_REQUEST: (REFUSED, ErrorCode.INVALID_NONCE, REFUSED, REFUSED),
    Request.BIND_P2P_STREAM_REQUEST: (REFUSED, REFUSED, INVALID, REFUSED),
    Request.UNBIND_P2P_STREAM_REQUEST: (REFUSED, REFUSED, INVALID, REFUSED),
    Request.SET_MMIO_ATTRIBUTE_REQUEST: (REFUSED, REFUSED, INVALID, REFUSED),
    Request.STOP_INTERFACE_REQUEST: (None, INVALID, INVALID, None),  # last: it succeeds
}


@dataclass(frozen=True)
class Wrong:
    """A request in which one thing is wrong, and the code that it gets."""

    what: str
    raw: bytes
    code: ErrorCode


def message(
    request: int, function_id: int, payload: bytes, version: int = VERSION_1_0, rest: bytes = b""
) -> bytes:
    """A TDISP request; `rest` takes the place of the reserved bytes."""
    head = bytes([version, request, 0, 0]) + function_id.to_bytes(4, "little")
    return head + (rest or bytes(8)) + payload


class Messages(Transitions):
    """Requests as raw bytes."""

    async def send(self, raw: bytes, session: SecureSession | None = None) -> TdispAnswer:
        """The answer to a request in this session or another; there must be one."""
        answer = await (session or self.session).vendor_defined(PROTOCOL_ID, raw)
        assert answer is not None, raw.hex()
        assert answer[0] == VERSION_1_0, answer.hex()
        assert not any(answer[2:4] + answer[8:16]), f"reserved bytes: {answer.hex()}"
        expected = raw[4:8] if len(raw) >= HEADER_SIZE else bytes(4)
        assert answer[4:8] == expected, f"FUNCTION_ID: {answer.hex()}"
        return decode_answer(answer)

    @property
    def rid(self) -> int:
        """Requester ID of the victim."""
        return self.kit.function(self.victim).rid

    def payload(self, request: Request) -> bytes:
        """A payload that would do where the state allows the request."""
        if request is Request.LOCK_INTERFACE_REQUEST:
            return bytes([0, 0, DEFAULT_STREAM]).ljust(PAYLOADS[request], b"\0")
        if request is Request.START_INTERFACE_REQUEST:
            return self.tdi.nonce if self.tdi else bytes(NONCE_SIZE)
        if request is Request.GET_DEVICE_INTERFACE_REPORT:
            return bytes([0, 0, 16, 0])
        if request in (Request.BIND_P2P_STREAM_REQUEST, Request.UNBIND_P2P_STREAM_REQUEST):
            return bytes([OTHER_STREAM])
        if request is Request.SET_MMIO_ATTRIBUTE_REQUEST:
            page = reported_page(self.kit.function(self.victim).bar0 + Bar0.MEMORY, 0)
            return MmioRange(page, 1, RangeAttributes.IS_NON_TEE_MEM, 0).encode()
        return bytes(PAYLOADS[request])

    async def report(
        self, offset: int, length: int, index: int | None = None
    ) -> tuple[bytes, int] | ErrorCode:
        """Portion and remainder of the victim's or another report, or the error."""
        rid = self.rid if index is None else self.kit.function(index).rid
        payload = offset.to_bytes(2, "little") + length.to_bytes(2, "little")
        raw = message(Request.GET_DEVICE_INTERFACE_REPORT, rid, payload)
        answer = await self.send(raw)
        if answer.error is not None:
            return answer.error
        portion = answer.payload[4:]
        assert int.from_bytes(answer.payload[0:2], "little") == len(portion)
        return portion, int.from_bytes(answer.payload[2:4], "little")


class WrongHeaders(Messages):
    """Everything wrong about a header or a length, for each request, in some states."""

    states: tuple[TdiState, ...] = ()

    async def run_table(self) -> None:
        for state in self.states:
            await self.bring_to(state)
            for request in PAYLOADS:
                for wrong in self.wrongs(request):
                    answer = await self.send(wrong.raw)
                    what = f"{request.name} in {state.name}, {wrong.what}"
                    assert answer.error is wrong.code, f"{what}: {answer}"
                    assert self.state() is state, what
            for code in (0x00, 0x01, Response.DEVICE_INTERFACE_STATE, 0x7F, 0x80, 0x8B, 0x8D, 0xFF):
                answer = await self.send(message(code, self.rid, bytes(4)))
                assert answer.error is ErrorCode.UNSUPPORTED_REQUEST, f"code {code:02x}: {answer}"
                assert answer.error_data == code
            await self.assert_state(state, "in the end")
            await self.kit.stop(self.session, self.victim)

    def wrongs(self, request: Request) -> Iterator[Wrong]:
        """One thing wrong at a time; then two, of which the first in order counts."""
        good, rid = self.payload(request), self.rid
        mismatch, unknown = ErrorCode.VERSION_MISMATCH, ErrorCode.INVALID_INTERFACE
        versions = [0x20, 0x00] if request is Request.GET_TDISP_VERSION else [0x20, 0x11]
        for version in versions:
            raw = message(request, rid, good, version)
            yield Wrong(f"version {version:02x}", raw, mismatch)
        raw = message(request, rid, good)
        yield Wrong("a byte too few", raw[:-1], INVALID)
        yield Wrong("a byte too many", raw + bytes(1), INVALID)
        beyond = rid + self.adapter.num_tdi
        for name, other in (("function that is not there", beyond), ("bus", rid ^ 0x0200)):
            yield Wrong(f"another {name}", message(request, other, good), unknown)
        yield Wrong("all of it", message(request, beyond, good + bytes(9), 0x20), mismatch)
        yield Wrong("function and length", message(request, beyond, good + bytes(9)), unknown)


@pyuvm.test()
class WrongHeadersWhileUnlocked(WrongHeaders):
    """In CONFIG_UNLOCKED and ERROR."""

    states = (TdiState.CONFIG_UNLOCKED, TdiState.ERROR)


@pyuvm.test()
class WrongHeadersWhileLocked(WrongHeaders):
    """In CONFIG_LOCKED and RUN."""

    states = (TdiState.CONFIG_LOCKED, TdiState.RUN)


@pyuvm.test()
class WhatIsReservedIsIgnored(Messages):
    """Reserved bits and bytes, any valid segment, minor versions of GET_TDISP_VERSION."""

    async def run_table(self) -> None:
        state = Request.GET_DEVICE_INTERFACE_STATE
        for function_id in (
            self.rid | SEGMENT_VALID,
            self.rid | SEGMENT_VALID | 0x5A << 16,
            self.rid | 0xA5 << 16,
            self.rid | 0xFE << 24,
        ):
            answer = await self.send(message(state, function_id, b""))
            assert answer.error is None, f"{function_id:08x}: {answer}"
        raw = bytearray(message(state, self.rid, b"", rest=self.rng.randbytes(8)))
        raw[2:4] = b"\xff\xff"
        assert (await self.send(bytes(raw))).error is None
        for version in (0x10, 0x11, 0x1F):
            answer = await self.send(message(Request.GET_TDISP_VERSION, self.rid, b"", version))
            assert answer.payload == bytes([1, VERSION_1_0]), f"{version:02x}: {answer}"
        caps = await self.send(
            message(Request.GET_TDISP_CAPABILITIES, self.rid, b"\xff\xff\xff\xff")
        )
        flags = LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX
        flags |= LockFlags.BIND_P2P | LockFlags.ALL_REQUEST_REDIRECT
        expected = bytes(4) + b"\xfe\x07" + bytes(14) + bytes([flags, 0, 0, 0, 0, 64, 1, 1])
        assert caps.payload == expected
        lock = bytearray(self.payload(Request.LOCK_INTERFACE_REQUEST))
        lock[0:2], lock[3] = b"\xfd\xff", 0xFF
        assert (
            await self.send(message(Request.LOCK_INTERFACE_REQUEST, self.rid, bytes(lock)))
        ).error is None
        assert self.state() is TdiState.CONFIG_LOCKED


@pyuvm.test()
class ForeignSessionsAreRefusedInEveryState(Messages):
    """What another session, with a stream of its own, can ask about a TDI that is not its own."""

    flags = Messages.flags | LockFlags.BIND_P2P

    async def run_table(self) -> None:
        other = await self.kit.open_session()
        await self.kit.reach_peer(other, self.victim)
        for column, state in enumerate(TdiState):
            await self.bring_to(state)
            for request, codes in FOREIGN.items():
                what = f"{request.name} in {state.name}"
                answer = await self.send(message(request, self.rid, self.payload(request)), other)
                assert answer.error is codes[column], f"{what}: {answer}"
                if codes[column] is None:
                    assert answer.code == request - 0x80, f"{what}: {answer}"
                if request is not Request.STOP_INTERFACE_REQUEST:
                    await self.assert_state(state, what)
            await self.kit.stop(self.session, self.victim)
        own = message(
            Request.LOCK_INTERFACE_REQUEST,
            self.kit.function(NEIGHBOUR).rid,
            bytes([0, 0, OTHER_STREAM]).ljust(20, b"\0"),
        )
        assert (await self.send(own, other)).error is INVALID, "its stream is no default stream"


@pyuvm.test()
class ReportComesInAnyPortions(Messages):
    """Whatever the portions, the same bytes; beyond the end and of no length: refused."""

    async def run_table(self) -> None:
        for state in (TdiState.CONFIG_LOCKED, TdiState.RUN):
            await self.bring_to(state)
            whole = await self.report(0, WHOLE)
            assert isinstance(whole, tuple)
            assert whole[1] == 0
            report = DeviceInterfaceReport.decode(whole[0])
            assert report.encode() == whole[0]
            for size in (13, 40, len(whole[0]) - 1, len(whole[0])):
                await self._collect(whole[0], size)
            await self._corners(whole[0])
            if state is TdiState.RUN and NEIGHBOUR in self.kit.vmm.functions:
                await self._neighbour(whole[0])
            await self.kit.stop(self.session, self.victim)

    async def _collect(self, whole: bytes, size: int) -> None:
        found = b""
        while len(found) < len(whole):
            got = await self.report(len(found), size)
            assert isinstance(got, tuple), f"{len(found)} + {size}: {got}"
            found += got[0]
            assert 0 < len(got[0]) <= size
            assert len(found) + got[1] == len(whole)
        assert found == whole, f"in portions of {size}"

    async def _corners(self, whole: bytes) -> None:
        end = len(whole)
        for offset, length in (
            *((end - 1, length) for length in (1, 2, WHOLE)),
            *((1, length) for length in (1, end - 2, end - 1, end, WHOLE)),
        ):
            expected = whole[offset : offset + length]
            left = end - offset - len(expected)
            assert await self.report(offset, length) == (expected, left), f"{offset} + {length}"
        for offset in (0, 1, end - 1):
            assert await self.report(offset, 0) is INVALID, f"{offset} + 0"
        for offset in (end, end + 1, 0x7FFF, 0x8000, WHOLE):
            for length in (0, 1, WHOLE):
                assert await self.report(offset, length) is INVALID, f"{offset} + {length}"

    async def _neighbour(self, whole: bytes) -> None:
        """VF2, locked by another flag and offset: its own report, in turns with that of VF1."""
        await self.kit.lock(self.session, NEIGHBOUR, LockFlags.NO_FW_UPDATE, offset=1 << 32)
        other = await self.report(0, WHOLE, NEIGHBOUR)
        assert isinstance(other, tuple)
        assert other[0] != whole
        collected = [b"", b""]
        for offset in range(0, len(other[0]), 24):
            for place, (index, full) in enumerate(((self.victim, whole), (NEIGHBOUR, other[0]))):
                got = await self.report(offset, 24, index)
                assert isinstance(got, tuple)
                assert got[0] == full[offset : offset + 24]
                collected[place] += got[0]
        assert collected[1] == other[0]
        await self.kit.stop(self.session, NEIGHBOUR)
