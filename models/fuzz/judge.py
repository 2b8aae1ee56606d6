# SPDX-License-Identifier: Apache-2.0
"""What must hold whatever is sent: form of the answers, echoes, and who may move a TDI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.idekm.codes import KpStatus, ObjectId
from models.spdm.codes import VERSION_1_2, Response
from models.spdm.codes import Request as SpdmRequest
from models.tdisp.codes import HEADER_SIZE, VERSION_1_0, ErrorCode, TdiState
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.codes import Request as TdispRequest
from models.tdisp.codes import Response as TdispResponse

RESPONSE_BIT = 0x80
PROTOCOL_AT = 11  # byte of a vendor-defined message
ECHO = slice(4, 8)  # FUNCTION_ID in a TDISP message
ERROR_CODE = slice(HEADER_SIZE, HEADER_SIZE + 4)
ERROR_SIZE = 24
NONCE_SIZE = 32
KEY_INFO = 0xF3  # without its reserved bits
_U, _L, _R, _E = TdiState
# The only arcs that messages have; STOP leads from everywhere to CONFIG_UNLOCKED.
ARCS = {
    TdispResponse.LOCK_INTERFACE_RESPONSE: {(_U, _L)},
    TdispResponse.START_INTERFACE_RESPONSE: {(_L, _R)},
    TdispResponse.STOP_INTERFACE_RESPONSE: {(_L, _U), (_R, _U), (_E, _U)},
}
OF_LOST_SESSION = {(_L, _E), (_R, _E)}
DWORD = 4
States = Sequence[TdiState]


class FuzzError(AssertionError):
    """A device has broken a rule."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise FuzzError(what)


@dataclass
class Judge:
    """Looks at each exchange; counts what was seen."""

    errors: Counter[tuple[str, str]] = field(default_factory=Counter)  # request, error code
    statuses: Counter[str] = field(default_factory=Counter)  # of KP_ACK
    answers: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)  # requests of a session without a right

    def session_message(
        self, request: bytes, answer: bytes | None, before: States, after: States
    ) -> None:
        """A message of a session and its answer, both in plain."""
        if answer is None:
            self.answers["silence"] += 1
            self._unmoved(before, after)
            return
        _require(len(answer) >= 4, f"an answer of {len(answer)} bytes")
        _require(answer[0] == VERSION_1_2, f"an answer in version 0x{answer[0]:02x}")
        _require(not answer[1] & RESPONSE_BIT, f"a request as an answer: {answer[:4].hex()}")
        if answer[1] == Response.ERROR:
            self.answers["SPDM ERROR"] += 1
            self._unmoved(before, after)
            return
        _require(answer[1] == request[1] & 0x7F, f"{answer[:4].hex()} answers {request[:4].hex()}")
        if answer[1] != Response.VENDOR_DEFINED:
            self.answers["SPDM"] += 1
            self._unmoved(before, after)
            return
        _require(request[1] == SpdmRequest.VENDOR_DEFINED, "a vendor-defined answer out of place")
        _require(answer[:PROTOCOL_AT][4:9] == request[4:9], "another vendor answers")
        size = int.from_bytes(answer[9:PROTOCOL_AT], "little")
        _require(size == len(answer) - PROTOCOL_AT, f"payload length {size}")
        protocol = answer[PROTOCOL_AT]
        _require(protocol == request[PROTOCOL_AT], f"protocol {protocol} answers")
        bodies = request[PROTOCOL_AT + 1 :], answer[PROTOCOL_AT + 1 :]
        if protocol == TDISP:
            self._tdisp(*bodies, before, after)
        else:
            _require(protocol == IDEKM, f"protocol {protocol}")
            self._idekm(*bodies)
            self._unmoved(before, after)

    def lost_session(self, before: States, after: States) -> None:
        """A session was lost: what was locked in it is in ERROR, nothing else moves."""
        self.answers["lost session"] += 1
        moved = {(old, new) for old, new in zip(before, after, strict=True) if old is not new}
        _require(moved <= OF_LOST_SESSION, f"{_names(before)} became {_names(after)}")

    def plain_object(
        self, request: bytes, answer: bytes | None, before: States, after: States
    ) -> None:
        """A DOE object of any kind but a record, and its answer."""
        self.answers["plain silence" if answer is None else "plain"] += 1
        _require(list(before) == list(after), f"a plain object moves a TDI: {request.hex()}")
        if answer is not None:
            length = DWORD * int.from_bytes(answer[4:7], "little")
            _require(len(answer) == length, f"an object of a wrong length: {answer.hex()}")

    @staticmethod
    def _unmoved(before: States, after: States) -> None:
        _require(list(before) == list(after), f"{_names(before)} became {_names(after)}")

    def _tdisp(self, request: bytes, answer: bytes, before: States, after: States) -> None:
        _require(len(answer) >= HEADER_SIZE, f"a TDISP answer of {len(answer)} bytes")
        _require(answer[0] == VERSION_1_0, f"TDISP version 0x{answer[0]:02x}")
        code = request[1] if len(request) > 1 else 0
        name = TdispRequest(code).name if code in list(TdispRequest) else "unknown"
        if len(request) >= HEADER_SIZE:
            _require(answer[ECHO] == request[ECHO], "FUNCTION_ID is not echoed")
        if answer[1] == TdispResponse.TDISP_ERROR:
            _require(len(answer) == ERROR_SIZE, f"TDISP_ERROR of {len(answer)} bytes")
            error = int.from_bytes(answer[ERROR_CODE], "little")
            _require(error in list(ErrorCode), f"error code 0x{error:x}")
            self.errors[name, ErrorCode(error).name] += 1
            self._unmoved(before, after)
            return
        _require(answer[1] == code & 0x7F, f"TDISP {answer[1]:02x} answers {code:02x}")
        self.answers[TdispResponse(answer[1]).name] += 1
        moved = {(old, new) for old, new in zip(before, after, strict=True) if old is not new}
        arcs = ARCS.get(TdispResponse(answer[1]), set())
        _require(moved <= arcs, f"{name}: {_names(before)} became {_names(after)}")
        changes = sum(old is not new for old, new in zip(before, after, strict=True))
        _require(changes <= 1, f"{name} has moved {changes} TDIs")
        if answer[1] == TdispResponse.LOCK_INTERFACE_RESPONSE:
            nonce = answer[HEADER_SIZE:]
            _require(len(nonce) == NONCE_SIZE and any(nonce), f"nonce {nonce.hex()}")
            _require(changes == 1, "LOCK succeeds without a move")

    def _idekm(self, request: bytes, answer: bytes) -> None:
        _require(bool(request), "an answer to an empty IDE_KM object")
        kind, expected = (
            answer[0],
            {
                ObjectId.QUERY: ObjectId.QUERY_RESP,
                ObjectId.KEY_PROG: ObjectId.KP_ACK,
                ObjectId.K_SET_GO: ObjectId.K_GOSTOP_ACK,
                ObjectId.K_SET_STOP: ObjectId.K_GOSTOP_ACK,
            },
        )
        _require(request[0] in expected, f"object {request[0]:02x} was answered")
        _require(kind == expected[ObjectId(request[0])], f"{kind:02x} answers {request[0]:02x}")
        self.answers[ObjectId(kind).name] += 1
        if kind == ObjectId.QUERY_RESP:
            return
        _require(len(answer) == 7, f"an acknowledgement of {len(answer)} bytes")
        _require(answer[3] == request[3], "Stream ID is not echoed")
        _require((answer[5] ^ request[5]) & KEY_INFO == 0, "key information is not echoed")
        _require(answer[6] == request[6], "PortIndex is not echoed")
        if kind == ObjectId.KP_ACK:
            _require(answer[4] in list(KpStatus), f"status {answer[4]}")
            self.statuses[KpStatus(answer[4]).name] += 1


def _names(states: States) -> str:
    return ", ".join(state.name for state in states)
