# SPDX-License-Identifier: Apache-2.0
"""DOE objects in words and as named fields, for reports and coverage."""

from __future__ import annotations

from enum import IntEnum

from models.doe.codes import ObjectType
from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.idekm.codes import ObjectId
from models.spdm.carrier import unwrap
from models.spdm.codes import Request as SpdmRequest
from models.spdm.codes import Response as SpdmResponse
from models.spdm.errors import SpdmError
from models.spdm.messages import VendorDefinedRequest, VendorDefinedResponse
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.codes import ErrorCode, Request, Response

Plain = tuple[int, bytes] | None  # session and application data of a record
RESPONSE_BIT = 0x80


def _vendor(message: bytes) -> tuple[int, bytes] | None:
    """Protocol id and body of a vendor-defined message."""
    if len(message) < 2:
        return None
    request = message[1] == SpdmRequest.VENDOR_DEFINED
    try:
        if request:
            sent = VendorDefinedRequest.decode(message)
            return sent.protocol_id, sent.body
        if message[1] == SpdmResponse.VENDOR_DEFINED:
            answer = VendorDefinedResponse.decode(message)
            return answer.protocol_id, answer.body
    except SpdmError:
        return None
    return None


def tdisp_body(message: bytes) -> bytes | None:
    """The TDISP message in an SPDM message, if it carries one with a whole header."""
    vendor = _vendor(message)
    if vendor is None or vendor[0] != TDISP or len(vendor[1]) < 16:
        return None
    return vendor[1]


def idekm_body(message: bytes) -> bytes | None:
    """The IDE_KM object in an SPDM message, behind its protocol id."""
    vendor = _vendor(message)
    if vendor is None or vendor[0] != IDEKM or not vendor[1]:
        return None
    return vendor[1]


def _member(numbers: type[IntEnum], value: int) -> str:
    return numbers(value).name if value in list(numbers) else f"{numbers.__name__} {value:#x}"


def _spdm_name(message: bytes) -> str:
    if len(message) < 2:
        return "short message"
    body = tdisp_body(message)
    if body is not None:
        kinds: type[IntEnum] = Request if body[1] & RESPONSE_BIT else Response
        return _member(kinds, body[1])
    km = idekm_body(message)
    if km is not None:
        return f"IDE_KM {_member(ObjectId, km[0])}"
    numbers: type[IntEnum] = SpdmRequest if message[1] & RESPONSE_BIT else SpdmResponse
    return f"SPDM {_member(numbers, message[1])}"


def name_of(raw: bytes, plain: Plain) -> str:
    """What an object is, in one or two words."""
    if plain is not None:
        return _spdm_name(plain[1])
    try:
        kind, payload = unwrap(raw)
    except SpdmError:
        return "malformed object"
    if kind == ObjectType.SPDM:
        return _spdm_name(payload)
    return _member(ObjectType, kind) if kind in list(ObjectType) else f"DOE type {kind}"


def error_of(plain: Plain) -> str:
    """The error code of a TDISP_ERROR or SPDM ERROR; "none" for all else."""
    if plain is None:
        return "none"
    message = plain[1]
    body = tdisp_body(message)
    if body is not None and body[1] == Response.TDISP_ERROR and len(body) >= 20:
        return _member(ErrorCode, int.from_bytes(body[16:20], "little"))
    if len(message) >= 3 and message[1] == SpdmResponse.ERROR:
        return f"SPDM error {message[2]:#x}"
    return "none"


def describe(raw: bytes, plain: Plain) -> str:
    """An object in one line, for the history of a mismatch."""
    name = name_of(raw, plain)
    if plain is None:
        return name
    body = tdisp_body(plain[1])
    target = "" if body is None else f" of {int.from_bytes(body[4:6], 'little'):04x}"
    return f"{name}{target} in session {plain[0]:08x}"


def fields_of(raw: bytes | None, plain: Plain) -> dict[str, object]:
    """An answer field by field, as far as it can be read."""
    if raw is None:
        return {"answer": "none"}
    fields: dict[str, object] = {"answer": name_of(raw, plain), "object": raw}
    if plain is None:
        return fields
    session_id, message = plain
    fields["session"] = f"{session_id:08x}"
    fields["error"] = error_of(plain)
    body = tdisp_body(message)
    if body is None:
        fields["message"] = message
        return fields
    fields["TDISPVersion"] = body[0]
    fields["MessageType"] = body[1]
    fields["INTERFACE_ID"] = body[4:16]
    fields["payload"] = body[16:]
    return fields
