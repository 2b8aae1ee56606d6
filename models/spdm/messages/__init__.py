# SPDX-License-Identifier: Apache-2.0
"""Codecs of every SPDM message that a TEE-IO device exchanges (SPDM-VCA-001)."""

from __future__ import annotations

from models.spdm.messages.attestation import (
    Certificate,
    Challenge,
    ChallengeAuth,
    Digests,
    GetCertificate,
    GetDigests,
    GetMeasurements,
    Measurements,
)
from models.spdm.messages.base import DEFAULT_SHAPE, Header, Message, Shape
from models.spdm.messages.connection import (
    Algorithms,
    AlgorithmTable,
    Capabilities,
    GetCapabilities,
    GetVersion,
    NegotiateAlgorithms,
    Version,
)
from models.spdm.messages.general import (
    Error,
    VendorDefinedRequest,
    VendorDefinedResponse,
    is_pci_protocol_request,
)
from models.spdm.messages.session import (
    EndSession,
    EndSessionAck,
    Finish,
    FinishRsp,
    Heartbeat,
    HeartbeatAck,
    KeyExchange,
    KeyExchangeRsp,
    KeyUpdate,
    KeyUpdateAck,
)

__all__ = [
    "DEFAULT_SHAPE",
    "AlgorithmTable",
    "Algorithms",
    "Capabilities",
    "Certificate",
    "Challenge",
    "ChallengeAuth",
    "Digests",
    "EndSession",
    "EndSessionAck",
    "Error",
    "Finish",
    "FinishRsp",
    "GetCapabilities",
    "GetCertificate",
    "GetDigests",
    "GetMeasurements",
    "GetVersion",
    "Header",
    "Heartbeat",
    "HeartbeatAck",
    "KeyExchange",
    "KeyExchangeRsp",
    "KeyUpdate",
    "KeyUpdateAck",
    "Measurements",
    "Message",
    "NegotiateAlgorithms",
    "Shape",
    "VendorDefinedRequest",
    "VendorDefinedResponse",
    "Version",
    "is_pci_protocol_request",
]
