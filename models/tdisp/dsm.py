# SPDX-License-Identifier: Apache-2.0
"""The reference DSM: answers TDISP requests and foresees the state of every TDI.

It is a responder for the models and the predictor of the bench. What it cannot foresee is the
nonce of a device under test: `expect_nonce` tells it before the LOCK request is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.tdisp.checks import Checks, Violation
from models.tdisp.codes import (
    HEADER_SIZE,
    NONCE_SIZE,
    ErrorCause,
    ErrorCode,
    LockFlags,
    RangeAttributes,
    Request,
    TdiState,
)
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    AnyRequest,
    AnyResponse,
    BindP2pStreamResponse,
    DeviceInterfaceReportResponse,
    DeviceInterfaceState,
    ErrorResponse,
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    Header,
    LockInterfaceRequest,
    LockInterfaceResponse,
    SetMmioAttributeResponse,
    SetTdispConfigResponse,
    StartInterfaceRequest,
    StartInterfaceResponse,
    StopInterfaceRequest,
    StopInterfaceResponse,
    TdispCapabilities,
    TdispVersion,
    UnbindP2pStreamResponse,
    decode_request,
    request_bitmap,
)
from models.tdisp.profile import DsmProfile, NonceSource, Platform
from models.tdisp.report import build_report
from models.tdisp.table import Event
from models.tdisp.tdi import Lock, Tdi, Transition

NO_INTERFACE = InterfaceId(0)
# Requests that change what a TDI in RUN may reach, with their responses.
_GRANTS: Mapping[
    int, type[BindP2pStreamResponse | UnbindP2pStreamResponse | SetMmioAttributeResponse]
] = {
    Request.BIND_P2P_STREAM_REQUEST: BindP2pStreamResponse,
    Request.UNBIND_P2P_STREAM_REQUEST: UnbindP2pStreamResponse,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: SetMmioAttributeResponse,
}


class ReferenceDsm:
    """All TDIs of one device. Sessions are told apart by their SPDM session id."""

    def __init__(self, profile: DsmProfile, platform: Platform, nonces: NonceSource) -> None:
        self.profile = profile
        self.platform = platform
        self.tdis = tuple(Tdi(index) for index in range(profile.num_tdi))
        self.observers: list[Callable[[Transition], None]] = []
        self.config = 0  # of SET_TDISP_CONFIG
        self._nonces = nonces
        self._expected: list[tuple[int | None, bytes | None]] = []
        self._lock_lost = False
        self._checks = Checks(profile, platform, self.tdis)

    @property
    def states(self) -> tuple[TdiState, ...]:
        """State of every TDI."""
        return tuple(tdi.state for tdi in self.tdis)

    # ------------------------------------------------------------------ prediction

    def expect_nonce(self, tdi: int | None, nonce: bytes | None) -> None:
        """The next LOCK_INTERFACE_RESPONSE for `tdi` (None: for any) carries `nonce`.

        None as nonce: the device had no entropy. What is not used by the next request is void.
        """
        if nonce is not None and len(nonce) != NONCE_SIZE:
            raise ValueError(f"nonce of {len(nonce)} bytes")
        self._expected.append((tdi, nonce))

    def expect_lost_lock(self) -> None:
        """The next request, if it is a good LOCK, loses against an error of its very moment."""
        self._lock_lost = True

    def violations(self, session: int, body: bytes) -> list[Violation]:
        """Every check that a request would fail now; nothing is carried out."""
        return list(self._checks.violations(session, body))

    def addressed(self, body: bytes) -> Tdi | None:
        """The TDI that a message names, if there is one."""
        if len(body) < HEADER_SIZE:
            return None
        return self._checks.find(Header.decode(body).interface)

    def prospect(self, session: int, body: bytes) -> tuple[int, Lock] | None:
        """The TDI and its lock after a request that changes what it may reach; else None."""
        if len(body) < HEADER_SIZE or Header.decode(body).code not in _GRANTS:
            return None
        if self.violations(session, body):
            return None
        request = decode_request(body)
        tdi = self._checks.find(request.interface)
        if tdi is None or tdi.lock is None:
            return None
        return tdi.index, tdi.lock.with_request(request)

    def acceptable_error_codes(self, session: int, body: bytes) -> frozenset[ErrorCode]:
        """Codes with which a foreign device may refuse a request now; empty for a good one.

        The order of checks is not pinned, so every violated one counts; where the code of a
        check is not pinned, all its codes do.
        """
        found = self.violations(session, body)
        return frozenset({v.code for v in found}.union(*(v.also for v in found)))

    # ------------------------------------------------------------------ messages

    def handle(self, session: int, body: bytes) -> bytes:
        """The response to the request `body`, behind the protocol id, of an established session."""
        violation = next(self._checks.violations(session, body), None)
        if violation is not None:
            answer: AnyResponse = self._refuse(body, violation.code, violation.data)
        else:
            request = decode_request(body)
            tdi = self._checks.find(request.interface)
            assert tdi is not None
            answer = self._carry_out(tdi, session, request)
        self._expected.clear()
        self._lock_lost = False
        return answer.encode()

    def _refuse(self, body: bytes, code: ErrorCode, data: int = 0) -> ErrorResponse:
        whole = len(body) >= HEADER_SIZE
        interface = (
            Header.decode(body).interface.echo(sdis=self.profile.sdis) if whole else NO_INTERFACE
        )
        return ErrorResponse(interface=interface, error=code, data=data)

    def _carry_out(self, tdi: Tdi, session: int, request: AnyRequest) -> AnyResponse:
        interface = request.interface.echo(sdis=self.profile.sdis)
        if isinstance(request, GetTdispVersion):
            return TdispVersion(interface=interface, versions=self.profile.versions)
        if isinstance(request, GetTdispCapabilities):
            return self._capabilities(interface)
        if isinstance(request, LockInterfaceRequest):
            return self._lock(tdi, session, request)
        if isinstance(request, GetDeviceInterfaceReport):
            return self._report(tdi, request)
        if isinstance(request, GetDeviceInterfaceState):
            return DeviceInterfaceState(interface=interface, state=tdi.state)
        if isinstance(request, StartInterfaceRequest):
            self._event(tdi, Event.START_GOOD)
            return StartInterfaceResponse(interface=interface)
        if isinstance(request, StopInterfaceRequest):
            self._event(tdi, Event.STOP)
            return StopInterfaceResponse(interface=interface)
        return self._optional(tdi, request)

    def _capabilities(self, interface: InterfaceId) -> TdispCapabilities:
        profile = self.profile
        return TdispCapabilities(
            interface=interface,
            dsm_caps=profile.dsm_caps,
            req_msgs_supported=request_bitmap(profile.requests),
            lock_interface_flags_supported=int(profile.lock_flags),
            dev_addr_width=profile.dev_addr_width,
            num_req_this=profile.num_req_this,
            num_req_all=profile.num_req_all,
        )

    def _lock(self, tdi: Tdi, session: int, request: LockInterfaceRequest) -> AnyResponse:
        nonce = self._nonce(tdi.index)
        if nonce is None:  # TDISP-LOCK-016
            return self._refuse(request.encode(), ErrorCode.INSUFFICIENT_ENTROPY)
        if self._lock_lost:  # TDISP-LOCK-028
            return self._refuse(request.encode(), ErrorCode.INVALID_DEVICE_CONFIGURATION)
        msix = bool(request.flags & LockFlags.LOCK_MSIX) or self.profile.always_lock_msix
        report = build_report(
            self.profile,
            self.platform.function(tdi.index),
            request.flags,
            request.mmio_reporting_offset,
            msix,
        )
        tdi.lock = Lock(
            session=session,
            stream_id=request.default_stream_id,
            flags=request.flags,
            mmio_reporting_offset=request.mmio_reporting_offset,
            p2p_address_mask=request.bind_p2p_address_mask,
            msix_locked=msix,
            report=report,
            nonce=nonce,
        )
        self._event(tdi, Event.LOCK_GOOD)
        return LockInterfaceResponse(
            interface=request.interface.echo(sdis=self.profile.sdis), nonce=nonce
        )

    def _nonce(self, tdi: int) -> bytes | None:
        for wanted, nonce in self._expected:
            if wanted in (None, tdi):
                return nonce
        return self._nonces.nonce()

    def _report(self, tdi: Tdi, request: GetDeviceInterfaceReport) -> AnyResponse:
        assert tdi.lock is not None
        whole = tdi.lock.report.encode()
        size = min(request.length, self.profile.report_portion_max)
        portion = whole[request.offset : request.offset + size]
        remainder = len(whole) - request.offset - len(portion)
        return DeviceInterfaceReportResponse(
            interface=request.interface.echo(sdis=self.profile.sdis),
            portion=portion,
            remainder=remainder,
        )

    def _optional(self, tdi: Tdi, request: AnyRequest) -> AnyResponse:
        interface = request.interface.echo(sdis=self.profile.sdis)
        lock = tdi.lock
        kind = _GRANTS.get(request.CODE)
        if kind is not None and lock is not None:
            lock.grant(request)
            return kind(interface=interface)
        self.config = getattr(request, "config", 0)
        return SetTdispConfigResponse(interface=interface)

    def is_non_tee(self, tdi: int, page: int) -> bool:
        """IS_NON_TEE_MEM of a reported page as it governs accesses now (TDISP-MMA-003)."""
        lock = self.tdis[tdi].lock
        if lock is None:
            return True
        for item in lock.report.ranges:
            if item.first_page <= page < item.first_page + item.num_pages:
                default = bool(item.attributes & RangeAttributes.IS_NON_TEE_MEM)
                return lock.non_tee_pages.get(page, default)
        return False

    # ------------------------------------------------------------------ events

    def event(self, tdi: int, event: Event, cause: ErrorCause | None = None) -> None:
        """Anything of the transition table that is no message."""
        self._event(self.tdis[tdi], event, cause)

    def _event(self, tdi: Tdi, event: Event, cause: ErrorCause | None = None) -> None:
        transition = tdi.apply(event, cause)
        if transition is not None:
            for observer in self.observers:
                observer(transition)

    def _all(self, event: Event) -> None:
        for tdi in self.tdis:
            self._event(tdi, event)

    def config_change(self, tdi: int, cause: ErrorCause) -> None:
        """A change of configuration that a lock forbids (TDISP-FSM-001)."""
        self.event(tdi, Event.CONFIG_CHANGE, cause)

    def requester_id_change(self) -> None:
        """The captured bus, device or segment number has changed (TDISP-FSM-003)."""
        self._all(Event.REQUESTER_ID_CHANGE)

    def flr(self, function: int) -> None:
        """Function level reset; that of the PF hits all its VFs (TDISP-FSM-004, 005)."""
        if function == 0:
            self._all(Event.FLR)
        else:
            self.event(function, Event.FLR)

    def stream_insecure(self, stream_id: int) -> None:
        """A stream has left Secure: every TDI bound to it (TDISP-FSM-007, TDISP-FSM-008)."""
        for tdi in self.tdis:
            if tdi.bound(stream_id):
                self._event(tdi, Event.STREAM_INSECURE)

    def session_end(self, session: int) -> None:
        """An SPDM session is over: every TDI locked on it (TDISP-SES-007)."""
        for tdi in self.tdis:
            if tdi.lock is not None and tdi.lock.session == session:
                self._event(tdi, Event.SESSION_END)

    def poison(self, tdi: int) -> None:
        """A poisoned TLP or an internal data error (TDISP-FSM-009)."""
        self.event(tdi, Event.POISONED)

    def completion_error(self, tdi: int) -> None:
        """UR, CA or time-out of the TDI's own request (TDISP-FSM-010)."""
        self.event(tdi, Event.COMPLETION_ERROR)

    def fault(self) -> None:
        """The DSM no longer trusts itself (TDISP-FSM-013)."""
        self._all(Event.DSM_FAULT)

    def conventional_reset(self) -> None:
        """Everything is CONFIG_UNLOCKED and empty (TDISP-FSM-014, TDISP-STATE-002)."""
        self._expected.clear()
        self.config = 0
        self._all(Event.CONVENTIONAL_RESET)
