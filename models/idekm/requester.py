# SPDX-License-Identifier: Apache-2.0
"""IDE_KM from the host's side: one object at a time, each answer checked."""

from __future__ import annotations

from typing import Protocol, TypeVar

from models.idekm.codes import PROTOCOL_ID, KpStatus
from models.idekm.errors import IdeKmError
from models.idekm.messages import (
    AnyObject,
    KeyInfo,
    KeyProg,
    KGoStopAck,
    KpAck,
    KSetGo,
    KSetStop,
    Query,
    QueryResponse,
    decode,
)

AnswerT = TypeVar("AnswerT", QueryResponse, KpAck, KGoStopAck)


class VendorChannel(Protocol):
    """An established session."""

    async def vendor_defined(self, protocol_id: int, body: bytes, /) -> bytes | None:
        """The answer to a vendor-defined message, None for silence."""


class KeyRefusedError(IdeKmError):
    """KP_ACK with another status than success."""

    def __init__(self, status: int) -> None:
        known = status in KpStatus.__members__.values()
        super().__init__(f"KP_ACK: {KpStatus(status).name if known else f'status {status:#x}'}")
        self.status = status


class IdeKmRequester:
    """Keys and streams of one port of the device. Every failure is an IdeKmError."""

    def __init__(self, session: VendorChannel, port_index: int = 0) -> None:
        self._session = session
        self._port_index = port_index

    async def _ask(self, request: AnyObject, kind: type[AnswerT]) -> AnswerT:
        name = request.OBJECT_ID.name
        raw = await self._session.vendor_defined(PROTOCOL_ID, request.encode())
        if raw is None:
            raise IdeKmError(f"no answer to {name}")
        answer = decode(raw)
        if not isinstance(answer, kind):
            raise IdeKmError(f"{name} answered with {answer.OBJECT_ID.name}")
        if answer.port_index != request.port_index:
            raise IdeKmError(f"{name} answered for port {answer.port_index}")
        return answer

    async def query(self) -> QueryResponse:
        """What the port has for IDE."""
        return await self._ask(Query(self._port_index), QueryResponse)

    async def program(self, stream_id: int, info: KeyInfo, key: bytes) -> None:
        """Set a key; KeyRefusedError when the device does not take it."""
        request = KeyProg(stream_id, info, key, self._port_index)
        answer = await self._ask(request, KpAck)
        _check_echo(request, answer)
        if not answer.success:
            raise KeyRefusedError(answer.status)

    async def go(self, stream_id: int, info: KeyInfo) -> None:
        """Let a key be used."""
        request = KSetGo(stream_id, info, self._port_index)
        _check_echo(request, await self._ask(request, KGoStopAck))

    async def stop(self, stream_id: int, info: KeyInfo) -> None:
        """Take a key out of use."""
        request = KSetStop(stream_id, info, self._port_index)
        _check_echo(request, await self._ask(request, KGoStopAck))


def _check_echo(request: KeyProg | KSetGo | KSetStop, answer: KpAck | KGoStopAck) -> None:
    if (answer.stream_id, answer.info) != (request.stream_id, request.info):
        raise IdeKmError(f"answer for stream {answer.stream_id}, {answer.info}")
