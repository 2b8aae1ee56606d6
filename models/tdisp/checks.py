# SPDX-License-Identifier: Apache-2.0
"""The checks of a request, in their order. Nothing here changes anything."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.tdisp.checks_optional import (
    Refusal,
    bind_refusals,
    set_mmio_refusals,
    unbind_refusals,
)
from models.tdisp.codes import VERSION_1_0, ErrorCode, LockFlags, Request, TdiState
from models.tdisp.errors import DecodeError
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    AnyRequest,
    BindP2pStreamRequest,
    GetDeviceInterfaceReport,
    Header,
    LockInterfaceRequest,
    SetMmioAttributeRequest,
    SetTdispConfigRequest,
    StartInterfaceRequest,
    UnbindP2pStreamRequest,
    decode_request,
    payload_fits,
)
from models.tdisp.profile import DsmProfile, Platform, StreamView
from models.tdisp.table import state_refusal
from models.tdisp.tdi import Tdi

VERSION_MAJOR = 4  # bit number
DEFINED_FLAGS = (
    LockFlags.NO_FW_UPDATE
    | LockFlags.SYSTEM_CACHE_LINE_SIZE
    | LockFlags.LOCK_MSIX
    | LockFlags.BIND_P2P
    | LockFlags.ALL_REQUEST_REDIRECT
)
STREAM_TC = 0
XT_MODE = 1  # bit of SET_TDISP_CONFIG and of DSM_CAPS
_CONFIGURATION = frozenset({ErrorCode.INVALID_DEVICE_CONFIGURATION})
# Requests that only the session of the lock may make, and what others get (TDISP-SES-010).
_OWNED = {
    Request.START_INTERFACE_REQUEST: ErrorCode.INVALID_NONCE,
    Request.STOP_INTERFACE_REQUEST: ErrorCode.INVALID_REQUEST,
    Request.GET_DEVICE_INTERFACE_REPORT: ErrorCode.INVALID_REQUEST,
    Request.BIND_P2P_STREAM_REQUEST: ErrorCode.INVALID_REQUEST,
    Request.UNBIND_P2P_STREAM_REQUEST: ErrorCode.INVALID_REQUEST,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: ErrorCode.INVALID_REQUEST,
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A check that a request fails. `also` holds codes that the specification leaves open."""

    code: ErrorCode
    requirement: str
    data: int = 0
    also: frozenset[ErrorCode] = frozenset()


def _invalid(refusal: Refusal) -> Violation:
    return Violation(ErrorCode.INVALID_REQUEST, *refusal)


class Checks:
    """All checks of one DSM."""

    def __init__(self, profile: DsmProfile, platform: Platform, tdis: Sequence[Tdi]) -> None:
        self._profile = profile
        self._platform = platform
        self._tdis = tdis

    def find(self, interface: InterfaceId) -> Tdi | None:
        """The TDI with this name (TDISP-HDR-005, TDISP-HDR-006); reserved bytes do not count."""
        own = self._platform.segment
        if None not in (own, interface.segment) and own != interface.segment:
            return None
        pasid = interface.pasid if self._profile.sdis else None
        for tdi in self._tdis:
            function = self._platform.function(tdi.index)
            if function.present and (function.rid, function.pasid) == (interface.rid, pasid):
                return tdi
        return None

    def violations(self, session: int, body: bytes) -> Iterator[Violation]:
        """Every check that a request on `session` fails; the first decides the answer."""
        try:
            header = Header.decode(body)
        except DecodeError:
            yield Violation(ErrorCode.INVALID_REQUEST, "TDISP-HDR-008")
            return
        if not self._version_fits(header):
            yield Violation(ErrorCode.VERSION_MISMATCH, "TDISP-HDR-003")
        known = header.code in self._profile.requests
        if not known:
            yield Violation(ErrorCode.UNSUPPORTED_REQUEST, "TDISP-HDR-004", header.code)
        tdi = self.find(header.interface)
        if tdi is None:
            yield Violation(ErrorCode.INVALID_INTERFACE, "TDISP-HDR-005")
        if not known:
            return
        request = decode_request(body) if payload_fits(header.code, body) else None
        if request is None:
            yield Violation(ErrorCode.INVALID_REQUEST, "TDISP-HDR-008")
        if tdi is not None:
            yield from self._of_tdi(tdi, session, Request(header.code), request)

    def _version_fits(self, header: Header) -> bool:
        if header.code == Request.GET_TDISP_VERSION:  # TDISP-VER-003
            return header.version >> VERSION_MAJOR == VERSION_1_0 >> VERSION_MAJOR
        return header.version in self._profile.versions

    def _of_tdi(
        self, tdi: Tdi, session: int, code: Request, request: AnyRequest | None
    ) -> Iterator[Violation]:
        refusal = state_refusal(tdi.state, code)
        if refusal is not None:
            yield Violation(refusal, "TDISP-FSM-015")
        foreign = tdi.locked and tdi.lock is not None and tdi.lock.session != session
        if foreign and code in _OWNED:
            yield Violation(_OWNED[code], "TDISP-SES-010")
        if isinstance(request, LockInterfaceRequest):
            yield from self._lock(tdi, session, request)
        elif isinstance(request, GetDeviceInterfaceReport):
            yield from self._report(tdi, request)
        elif isinstance(request, StartInterfaceRequest):
            yield from self._start(tdi, request)
        elif isinstance(request, SetTdispConfigRequest):
            if any(other.state is not TdiState.CONFIG_UNLOCKED for other in self._tdis):
                yield Violation(ErrorCode.INVALID_INTERFACE_STATE, "TDISP-CFG-001")
            if request.config & XT_MODE & ~self._profile.dsm_caps:  # a mode that is not there
                yield Violation(ErrorCode.INVALID_REQUEST, "TDISP-CAP-004")
        else:
            yield from self._optional(tdi, request)

    # ------------------------------------------------------------------ LOCK

    def _lock(self, tdi: Tdi, session: int, request: LockInterfaceRequest) -> Iterator[Violation]:
        unadvertised = request.flags & DEFINED_FLAGS & ~self._profile.lock_flags
        if unadvertised and self._profile.refuse_unadvertised_flags:
            yield Violation(ErrorCode.INVALID_REQUEST, "TDISP-CAP-007")
        yield from self._default_stream(session, request)
        fault = self._platform.configuration_fault(tdi.index)
        if fault is not None:
            yield Violation(ErrorCode.INVALID_DEVICE_CONFIGURATION, fault.partition(":")[0])

    def _default_stream(self, session: int, request: LockInterfaceRequest) -> Iterator[Violation]:
        streams = [stream for stream in self._platform.streams() if stream.default]
        if len(streams) != 1:
            yield _open("TDISP-LOCK-005" if streams else "TDISP-LOCK-002")
        matching = [s for s in streams if s.stream_id == request.default_stream_id]
        if streams and not matching:
            yield _open("TDISP-LOCK-002")
        for stream in (matching or streams)[:1]:
            yield from _stream_violations(stream, session)

    # ------------------------------------------------------------------ REPORT, START, optional

    def _report(self, tdi: Tdi, request: GetDeviceInterfaceReport) -> Iterator[Violation]:
        total = None if tdi.lock is None else len(tdi.lock.report.encode())
        if not request.length or (total is not None and request.offset >= total):
            yield Violation(ErrorCode.INVALID_REQUEST, "TDISP-RPT-002")

    def _start(self, tdi: Tdi, request: StartInterfaceRequest) -> Iterator[Violation]:
        nonce = None if tdi.lock is None else tdi.lock.nonce
        if nonce is None or not hmac.compare_digest(nonce, request.nonce):
            yield Violation(ErrorCode.INVALID_NONCE, "TDISP-START-002")

    def _optional(self, tdi: Tdi, request: AnyRequest | None) -> Iterator[Violation]:
        if tdi.lock is None:
            return
        streams = self._platform.streams()
        if isinstance(request, BindP2pStreamRequest):
            ats = self._platform.function(tdi.index).ats_enable
            refusals = bind_refusals(tdi.lock, request.p2p_stream_id, streams, ats)
        elif isinstance(request, UnbindP2pStreamRequest):
            refusals = unbind_refusals(tdi.lock, request.p2p_stream_id, streams)
        elif isinstance(request, SetMmioAttributeRequest):
            refusals = set_mmio_refusals(tdi.lock, request.mmio_range)
        else:
            return
        yield from map(_invalid, refusals)


def _open(requirement: str) -> Violation:
    """Refused for certain, but with which code is not pinned."""
    return Violation(ErrorCode.INVALID_REQUEST, requirement, also=_CONFIGURATION)


def _stream_violations(stream: StreamView, session: int) -> Iterator[Violation]:
    if not stream.keys_programmed:
        yield Violation(ErrorCode.INVALID_REQUEST, "TDISP-LOCK-003")
    if stream.owner != session:
        yield Violation(ErrorCode.INVALID_REQUEST, "TDISP-LOCK-004")
    if stream.tc != STREAM_TC:
        yield _open("TDISP-LOCK-006")
    if not (stream.secure and stream.enabled):
        yield _open("TDISP-LOCK-007")
