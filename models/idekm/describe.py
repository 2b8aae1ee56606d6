# SPDX-License-Identifier: Apache-2.0
"""An IDE_KM object in one line. Keys are never shown (IDEKM-SEC-001)."""

from __future__ import annotations

from models.ide.codes import SubStream
from models.idekm.codes import KpStatus
from models.idekm.errors import IdeKmError
from models.idekm.messages import KeyInfo, KpAck, Query, QueryResponse, decode


def describe_info(info: KeyInfo) -> str:
    """Key set, direction and sub-stream."""
    known = info.sub_stream in list(SubStream)
    sub = SubStream(info.sub_stream).name if known else f"sub-stream {info.sub_stream}"
    return f"K{info.key_set} {info.direction.name} {sub}"


def describe(raw: bytes) -> str:
    """`raw` begins with the object id, behind the protocol id."""
    try:
        message = decode(raw)
    except IdeKmError as error:
        return f"IDE_KM object: {error}"
    name = message.OBJECT_ID.name
    if isinstance(message, Query):
        return f"{name} port {message.port_index}"
    if isinstance(message, QueryResponse):
        return f"{name} port {message.port_index}, {len(message.registers)} bytes of registers"
    text = f"{name} stream {message.stream_id} {describe_info(message.info)}"
    if not isinstance(message, KpAck):
        return text
    known = message.status in list(KpStatus)
    return f"{text}: {KpStatus(message.status).name if known else f'status {message.status}'}"
