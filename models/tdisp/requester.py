# SPDX-License-Identifier: Apache-2.0
"""TDISP from the host's side: one request at a time, each response checked."""

from __future__ import annotations

from typing import Protocol, TypeVar

from models.tdisp.codes import PROTOCOL_ID, VERSION_1_0, LockFlags, TdiState
from models.tdisp.errors import DecodeError, TdispError
from models.tdisp.interface_id import InterfaceId
from models.tdisp.message import Message
from models.tdisp.messages import (
    AnyResponse,
    BindP2pStreamRequest,
    BindP2pStreamResponse,
    DeviceInterfaceReportResponse,
    DeviceInterfaceState,
    ErrorResponse,
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    LockInterfaceRequest,
    LockInterfaceResponse,
    SetMmioAttributeRequest,
    SetMmioAttributeResponse,
    StartInterfaceRequest,
    StartInterfaceResponse,
    StopInterfaceRequest,
    StopInterfaceResponse,
    TdispCapabilities,
    TdispVersion,
    UnbindP2pStreamRequest,
    UnbindP2pStreamResponse,
    decode_response,
)
from models.tdisp.report import REPORT_MAX, DeviceInterfaceReport, MmioRange

AnswerT = TypeVar("AnswerT", bound=Message)
DEFAULT_PORTION = 0x40  # bytes of the report in one request


class VendorChannel(Protocol):
    """An established session."""

    async def vendor_defined(self, protocol_id: int, body: bytes, /) -> bytes | None:
        """The answer to a vendor-defined message, None for silence."""


class RefusedError(TdispError):
    """TDISP_ERROR."""

    def __init__(self, request: str, answer: ErrorResponse) -> None:
        super().__init__(f"{request} refused: {answer.name}")
        self.error = answer.error
        self.data = answer.data


class UnexpectedAnswerError(TdispError):
    """No answer, or one that does not belong to the request (TDISP-HOST-008)."""


class TdispRequester:
    """One TDI over one session. Every failure is a TdispError."""

    def __init__(self, session: VendorChannel, interface: InterfaceId) -> None:
        self.interface = interface
        self._session = session

    async def ask(self, request: Message, kind: type[AnswerT]) -> AnswerT:
        """The response to a request, of type `kind` (TDISP-HDR-007)."""
        name = type(request).__name__
        raw = await self._session.vendor_defined(PROTOCOL_ID, request.encode())
        if raw is None:
            raise UnexpectedAnswerError(f"no answer to {name}")
        answer: AnyResponse = decode_response(raw)
        if isinstance(answer, ErrorResponse):
            raise RefusedError(name, answer)
        if not isinstance(answer, kind):
            raise UnexpectedAnswerError(f"{name} answered with {type(answer).__name__}")
        if answer.version != VERSION_1_0 or answer.interface != request.interface:
            raise UnexpectedAnswerError(f"{name} answered for {answer.interface}")
        return answer

    async def version(self) -> tuple[int, ...]:
        """Versions that the DSM supports; UnexpectedAnswerError when 1.0 is not among them."""
        answer = await self.ask(GetTdispVersion(interface=self.interface), TdispVersion)
        if VERSION_1_0 not in answer.versions:
            raise UnexpectedAnswerError(f"versions {bytes(answer.versions).hex()}")
        return answer.versions

    async def capabilities(self) -> TdispCapabilities:
        """What the DSM can do."""
        return await self.ask(GetTdispCapabilities(interface=self.interface), TdispCapabilities)

    async def state(self) -> TdiState:
        """The state of the TDI; DecodeError for a reserved one."""
        request = GetDeviceInterfaceState(interface=self.interface)
        answer = await self.ask(request, DeviceInterfaceState)
        if answer.state not in list(TdiState):
            raise DecodeError(f"TDI_STATE {answer.state}")
        return TdiState(answer.state)

    async def lock(
        self, stream_id: int, flags: LockFlags, offset: int = 0, p2p_address_mask: int = 0
    ) -> bytes:
        """Lock the TDI; its nonce."""
        request = LockInterfaceRequest(
            interface=self.interface,
            flags=int(flags),
            default_stream_id=stream_id,
            mmio_reporting_offset=offset,
            bind_p2p_address_mask=p2p_address_mask,
        )
        return (await self.ask(request, LockInterfaceResponse)).nonce

    async def report(self, portion: int = DEFAULT_PORTION) -> DeviceInterfaceReport:
        """The whole report, read `portion` bytes at a time (TDISP-RPT-003)."""
        whole, total = b"", REPORT_MAX
        while len(whole) < total:
            request = GetDeviceInterfaceReport(
                interface=self.interface, offset=len(whole), length=portion
            )
            answer = await self.ask(request, DeviceInterfaceReportResponse)
            end = len(whole) + len(answer.portion) + answer.remainder
            if not 0 < len(answer.portion) <= portion or (whole and end != total):
                raise UnexpectedAnswerError("portions of the report do not fit together")
            whole, total = whole + answer.portion, end
        return DeviceInterfaceReport.decode(whole)

    async def start(self, nonce: bytes) -> None:
        """Let the TDI run."""
        request = StartInterfaceRequest(interface=self.interface, nonce=nonce)
        await self.ask(request, StartInterfaceResponse)

    async def set_mmio_attribute(self, wanted: MmioRange) -> None:
        """Give whole pages of a reported range the IS_NON_TEE_MEM of `wanted` (TDISP-MMA-003)."""
        request = SetMmioAttributeRequest(interface=self.interface, mmio_range=wanted)
        await self.ask(request, SetMmioAttributeResponse)

    async def bind(self, stream_id: int) -> None:
        """Let the TDI reach a peer by a stream of its own (TDISP-P2P-001)."""
        request = BindP2pStreamRequest(interface=self.interface, p2p_stream_id=stream_id)
        await self.ask(request, BindP2pStreamResponse)

    async def unbind(self, stream_id: int) -> None:
        """Take it back; nothing is under way on it any more (TDISP-P2P-004)."""
        request = UnbindP2pStreamRequest(interface=self.interface, p2p_stream_id=stream_id)
        await self.ask(request, UnbindP2pStreamResponse)

    async def stop(self) -> None:
        """Unlock the TDI; its data is gone."""
        await self.ask(StopInterfaceRequest(interface=self.interface), StopInterfaceResponse)
