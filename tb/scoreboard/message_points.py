# SPDX-License-Identifier: Apache-2.0
"""Coverage points of answers: by state, session, refusal, and what LOCK and the report hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.tdisp.codes import ErrorCode, InterfaceInfo, LockFlags, RangeAttributes, Request
from models.tdisp.dsm import ReferenceDsm
from models.tdisp.errors import DecodeError
from models.tdisp.messages import (
    AnyRequest,
    GetDeviceInterfaceReport,
    LockInterfaceRequest,
    StartInterfaceRequest,
    decode_request,
)
from models.tdisp.report import DeviceInterfaceReport
from models.tdisp.tdi import Lock, Tdi
from tb.coverage import CoverItem
from tb.scoreboard.describe import Plain, tdisp_body

NO_TDI = "no TDI"
NONE = "none"
EVERYTHING = 0xFFFF
FLAGS = 0x1F  # that are defined


@dataclass(frozen=True)
class Asked:
    """A TDISP request, and what the reference held before it."""

    state: str
    session: str
    refusals: tuple[tuple[str, str], ...]  # error code and requirement, the first one decides
    message: AnyRequest | None
    total: int  # bytes of the report
    lock: Lock | None
    nonce: str = NONE
    name: str = NONE  # what its INTERFACE_ID names


class MessagePoints:
    """`asked` comes before the reference answers, `compared` when both answers are known."""

    def __init__(self, dsm: ReferenceDsm) -> None:
        self._dsm = dsm
        self._asked: Asked | None = None
        self._nonces: set[bytes] = set()  # of all locks so far
        self.covered: list[CoverItem] = []

    def asked(self, plain: Plain) -> None:
        """The reference is about to answer."""
        body = None if plain is None else tdisp_body(plain[1])
        self._asked = None if plain is None or body is None else self._look(plain[0], body)

    def _look(self, session: int, body: bytes) -> Asked:
        tdi = self._dsm.addressed(body)
        refusals = [(one.code.name, one.requirement) for one in self._dsm.violations(session, body)]
        lock = None if tdi is None else tdi.lock
        message = _decoded(body)
        self._remember_nonces()
        return Asked(
            NO_TDI if tdi is None else tdi.state.name,
            _session(tdi, session),
            tuple(refusals),
            message,
            0 if lock is None else len(lock.report.encode()),
            lock,
            self._nonce(message.nonce, tdi) if isinstance(message, StartInterfaceRequest) else NONE,
            NONE if message is None else self._name(message),
        )

    def _name(self, message: AnyRequest) -> str:
        sdi = self._dsm.profile.sdis and message.interface.pasid is not None
        return "an SDI" if sdi else "a function"

    def _remember_nonces(self) -> None:
        self._nonces |= {one.lock.nonce for one in self._dsm.tdis if one.lock and one.lock.nonce}

    def _nonce(self, nonce: bytes, tdi: Tdi | None) -> str:
        owners = [one for one in self._dsm.tdis if one.lock and one.lock.nonce == nonce]
        if owners:
            return "its own" if owners == [tdi] else "of another TDI"
        return "of an old lock" if nonce in self._nonces else "of no lock"

    def compared(self, request: str, answer: str, error: str) -> None:
        """An answer, or that there is none, is as the reference says."""
        asked, self._asked = self._asked, None
        self._remember_nonces()
        if asked is None:
            self._add("message", request, NO_TDI, answer, error)
            return
        self._add("message", request, asked.state, answer, error)
        self._add("session", request, asked.state, asked.session, error)
        if asked.refusals and asked.refusals[0][0] == error:
            self._add("refusal", request, asked.refusals[0][1], error)
        if asked.name != NONE and error in (NONE, ErrorCode.INVALID_INTERFACE.name):
            self._add("name", asked.name, "taken" if error == NONE else error)
        message = asked.message
        if asked.nonce != NONE:
            self._add("nonce", asked.nonce, asked.state, error)
        if isinstance(message, LockInterfaceRequest) and asked.state != NO_TDI:
            for name, value in _lock_fields(message):
                self._add("lock", name, value, error)
        elif isinstance(message, GetDeviceInterfaceReport) and asked.lock is not None:
            self._report(asked, message, asked.lock, error)

    def _report(
        self, asked: Asked, message: GetDeviceInterfaceReport, lock: Lock, error: str
    ) -> None:
        rest = asked.total - message.offset
        outcome = error
        if error == NONE:
            most = min(message.length, self._dsm.profile.report_portion_max)
            outcome = "to the end" if most >= rest else "portion"
        length = _length(message.length, rest)
        self._add("report", asked.state, _offset(message.offset, asked.total), length, outcome)
        if error == NONE:
            for name, value in _content(lock.report, lock):
                self._add("report content", name, value)

    def _add(self, group: str, *point: str) -> None:
        self.covered.append(CoverItem(group, point))


def _session(tdi: Tdi | None, session: int) -> str:
    if tdi is None or tdi.lock is None:
        return "not locked"
    return "of the lock" if tdi.lock.session == session else "another"


def _decoded(body: bytes) -> AnyRequest | None:
    if body[1] not in list(Request):
        return None
    try:
        return decode_request(body)
    except DecodeError:
        return None


def _sign(value: int) -> str:
    """Of a number modulo 2**64."""
    if not value:
        return "0"
    return "negative" if value < 0 or value >> 63 else "positive"


def _lock_fields(request: LockInterfaceRequest) -> Iterator[tuple[str, str]]:
    for flag in LockFlags:
        yield str(flag.name), "1" if request.flags & flag else "0"
    yield "reserved flags", "set" if request.flags & ~FLAGS else "0"
    yield "MMIO_REPORTING_OFFSET", _sign(request.mmio_reporting_offset)
    yield "BIND_P2P_ADDRESS_MASK", "0" if not request.bind_p2p_address_mask else "set"


def _offset(offset: int, total: int) -> str:
    if offset in (0, total):
        return "end" if offset else "0"
    return "inside" if offset < total else "beyond"


def _length(length: int, rest: int) -> str:
    if length in (0, EVERYTHING):
        return "everything" if length else "0"
    if length == rest:
        return "rest"
    return "part" if length < rest else "more"


def _content(report: DeviceInterfaceReport, lock: Lock) -> Iterator[tuple[str, str]]:
    for info in InterfaceInfo:
        yield str(info.name), "1" if report.interface_info & info else "0"
    msix = RangeAttributes.MSIX_TABLE | RangeAttributes.MSIX_PBA
    present = any(item.attributes & msix for item in report.ranges)
    yield "MSI-X ranges", "present" if present else "absent"
    yield "MSI-X Message Control", "0" if not report.msi_x_message_control else "set"
    yield "TPH_CONTROL", "0" if not report.tph_control else "set"
    yield "offset of ranges", _sign(lock.mmio_reporting_offset)
    yield "SET_MMIO_ATTRIBUTE before", "yes" if lock.non_tee_pages else "no"
    for item in report.ranges:
        names = [str(one.name) for one in RangeAttributes if item.attributes & one]
        yield f"range of BAR {item.range_id}", " and ".join(names) or "TEE memory"
