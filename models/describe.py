# SPDX-License-Identifier: Apache-2.0
"""Any message of the control plane in a few words: SPDM, and IDE_KM or TDISP inside of it."""

from __future__ import annotations

from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.idekm.describe import describe as describe_idekm
from models.spdm.codes import Request, Response
from models.spdm.describe import describe as describe_spdm
from models.spdm.errors import SpdmError
from models.spdm.messages import VendorDefinedRequest, VendorDefinedResponse
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.describe import describe as describe_tdisp


def describe(message: bytes) -> str:
    """An SPDM message; a vendor-defined one by what it carries."""
    try:
        protocol, body = _vendor_defined(message)
    except SpdmError:
        return describe_spdm(message)
    if protocol == IDEKM and body:
        return f"IDE_KM {describe_idekm(body)}"
    if protocol == TDISP and body:
        return f"TDISP {describe_tdisp(body)}"
    return describe_spdm(message)


def _vendor_defined(message: bytes) -> tuple[int, bytes]:
    code = message[1] if len(message) > 1 else 0
    if code == Request.VENDOR_DEFINED:
        request = VendorDefinedRequest.decode(message)
        return request.protocol_id, request.body
    if code == Response.VENDOR_DEFINED:
        answer = VendorDefinedResponse.decode(message)
        return answer.protocol_id, answer.body
    return -1, b""
