# SPDX-License-Identifier: Apache-2.0
"""An SPDM message in a few words, for people."""

from __future__ import annotations

from enum import IntEnum

from models.spdm.codes import HEADER_SIZE, ErrorCode, KeyUpdateOperation, Request, Response

REQUEST_BIT = 0x80


def is_request(code: int) -> bool:
    """Whether a message with this code is a request."""
    return bool(code & REQUEST_BIT)


def name_of(code: int) -> str:
    """The name of a request or response code."""
    kinds: type[IntEnum] = Request if is_request(code) else Response
    return kinds(code).name if code in list(kinds) else f"code 0x{code:02x}"


def describe(message: bytes) -> str:
    """The name, and what matters of the parameters."""
    if len(message) < HEADER_SIZE:
        return f"{len(message)} bytes, too short for a message"
    code, param1, param2 = message[1:HEADER_SIZE]
    if code == Response.ERROR:
        known = ErrorCode(param1).name if param1 in list(ErrorCode) else f"0x{param1:02x}"
        return f"ERROR {known}" + (f", data 0x{param2:02x}" if param2 else "")
    if code == Request.KEY_UPDATE and param1 in list(KeyUpdateOperation):
        return f"KEY_UPDATE {KeyUpdateOperation(param1).name}"
    return name_of(code)
