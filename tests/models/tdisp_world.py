# SPDX-License-Identifier: Apache-2.0
"""A reference DSM on a platform that a test can change at will."""

from __future__ import annotations

import random
from dataclasses import replace

from models.device.config import project_dsm
from models.tdisp.codes import ErrorCode, LockFlags, TdiState
from models.tdisp.dsm import ReferenceDsm
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    AnyResponse,
    ErrorResponse,
    GetDeviceInterfaceState,
    LockInterfaceRequest,
    LockInterfaceResponse,
    Message,
    StartInterfaceRequest,
    StopInterfaceRequest,
    decode_response,
)
from models.tdisp.nonces import RandomNonces
from models.tdisp.profile import DsmProfile, FunctionConfig, StreamView

SESSION, FOREIGN = 0x0002_0001, 0x0003_0001
STREAM, OTHER_STREAM = 5, 6
PF_RID = 0x0100
BAR0, BAR2 = 0x80000000, 0x90000000
FLAGS = LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX
GOOD_STREAM = StreamView(
    STREAM, default=True, enabled=True, secure=True, keys_programmed=True, owner=SESSION
)
SECOND_STREAM = StreamView(
    OTHER_STREAM, enabled=True, secure=True, keys_programmed=True, owner=SESSION
)


class World:
    """Platform and DSM; TDI n has Requester ID 0x0100 + n."""

    def __init__(self, profile: DsmProfile | None = None) -> None:
        self.segment: int | None = None
        self.functions = [
            FunctionConfig(
                PF_RID + n, bars={0: BAR0 + 0x4000 * n, 2: BAR2 + 0x20000 * n}, msix_control=0x8003
            )
            for n in range(4)
        ]
        self.stream_views = [GOOD_STREAM, SECOND_STREAM]
        self.fault: str | None = None
        self.nonces = RandomNonces(random.Random(7))
        self.dsm = ReferenceDsm(profile or project_dsm(4), self, self.nonces)

    def function(self, tdi: int, /) -> FunctionConfig:
        return self.functions[tdi]

    def streams(self) -> list[StreamView]:
        return self.stream_views

    def configuration_fault(self, tdi: int, /) -> str | None:
        return self.fault

    def stream(self, **changes: object) -> None:
        """Change the default stream."""
        self.stream_views[0] = replace(self.stream_views[0], **changes)  # type: ignore[arg-type]

    # ------------------------------------------------------------------ messages

    def send(self, request: Message, session: int = SESSION) -> AnyResponse:
        """The response to a request."""
        return decode_response(self.dsm.handle(session, request.encode()))

    def error(self, request: Message, session: int = SESSION) -> ErrorCode:
        """The error with which a request must be refused, without any effect."""
        before = [(tdi.state, tdi.lock) for tdi in self.dsm.tdis]
        acceptable = self.dsm.acceptable_error_codes(session, request.encode())
        answer = self.send(request, session)
        assert isinstance(answer, ErrorResponse), answer
        assert [(tdi.state, tdi.lock) for tdi in self.dsm.tdis] == before
        assert answer.error in acceptable or answer.error == ErrorCode.INSUFFICIENT_ENTROPY
        return ErrorCode(answer.error)

    def lock_request(self, tdi: int = 0, flags: int = FLAGS, offset: int = 0) -> Message:
        """LOCK_INTERFACE_REQUEST for the default stream."""
        return LockInterfaceRequest(
            interface=name(tdi),
            flags=int(flags),
            default_stream_id=STREAM,
            mmio_reporting_offset=offset,
        )

    def lock(self, tdi: int = 0, flags: int = FLAGS, offset: int = 0) -> bytes:
        """Lock a TDI; its nonce."""
        answer = self.send(self.lock_request(tdi, flags, offset))
        assert isinstance(answer, LockInterfaceResponse), answer
        return answer.nonce

    def start_request(self, nonce: bytes, tdi: int = 0) -> Message:
        return StartInterfaceRequest(interface=name(tdi), nonce=nonce)

    def stop_request(self, tdi: int = 0) -> Message:
        return StopInterfaceRequest(interface=name(tdi))

    def state_request(self, tdi: int = 0) -> Message:
        return GetDeviceInterfaceState(interface=name(tdi))

    def state(self, tdi: int = 0) -> TdiState:
        """State of a TDI."""
        return self.dsm.tdis[tdi].state

    def bring_to(self, state: TdiState, tdi: int = 0, flags: int = FLAGS) -> bytes:
        """Take a TDI from CONFIG_UNLOCKED to `state`; the nonce of its lock."""
        if state is TdiState.CONFIG_UNLOCKED:
            return bytes(32)
        nonce = self.lock(tdi, flags)
        if state is TdiState.RUN:
            self.send(self.start_request(nonce, tdi))
        elif state is TdiState.ERROR:
            self.dsm.poison(tdi)
        assert self.state(tdi) is state
        return nonce


def name(tdi: int) -> InterfaceId:
    """INTERFACE_ID of a TDI."""
    return InterfaceId.of(PF_RID + tdi)
