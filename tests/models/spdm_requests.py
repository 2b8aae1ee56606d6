# SPDX-License-Identifier: Apache-2.0
"""Sound requests of every kind, and a device at any step of the negotiation."""

from __future__ import annotations

import random

from models.spdm.codes import ErrorCode, Request
from models.spdm.messages import (
    Challenge,
    EndSession,
    Finish,
    GetCapabilities,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    GetVersion,
    Heartbeat,
    KeyExchange,
    KeyUpdate,
    Message,
)
from models.spdm.negotiation import REQUESTER_FLAGS, offer
from models.spdm.opaque import encode_supported
from models.spdm.responder_state import ResponderConfig
from models.spdm.signing import exchange_data, private_key
from tests.models.spdm_device import Device

NONCE = bytes(32)
CAPABILITIES = GetCapabilities(
    ct_exponent=20, flags=REQUESTER_FLAGS, data_transfer_size=0x1000, max_message_size=0x1000
)
EXCHANGE = KeyExchange(
    requester_session_id=1,
    random=NONCE,
    exchange_data=exchange_data(private_key(random.Random(4))),
    opaque=encode_supported((0x1100,)),
)
NEGOTIATION: tuple[Message, ...] = (GetVersion(), CAPABILITIES, offer())
SESSION_ID = 0x00010001


def error(code: ErrorCode, data: int = 0, version: int = 0x12) -> bytes:
    """The bytes of ERROR."""
    return bytes((version, 0x7F, code, data))


def device_after(
    steps: int = 3, config: ResponderConfig | None = None, capabilities: Message = CAPABILITIES
) -> Device:
    """A device after the first `steps` messages of the negotiation."""
    device = Device(config or ResponderConfig())
    for message in (GetVersion(), capabilities, offer())[:steps]:
        answer = device.responder.handle(message.encode())
        assert answer is not None
        assert answer[1] != 0x7F
    return device


PLAIN_REQUESTS: list[Message] = [
    GetDigests(),
    GetCertificate(offset=0, length=100),
    Challenge(nonce=NONCE),
    GetMeasurements(operation=0xFF),
    EXCHANGE,
    Finish(verify_data=bytes(48)),
    Heartbeat(),
    KeyUpdate(operation=1, tag=0),
    EndSession(),
]
SESSION_ONLY = (Request.FINISH, Request.HEARTBEAT, Request.KEY_UPDATE, Request.END_SESSION)
