# SPDX-License-Identifier: Apache-2.0
"""What a responder remembers of its connection and of its sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from models.spdm.codes import (
    SECURED_MESSAGE_1_0,
    SECURED_MESSAGE_1_1,
    VERSION_1_0,
    VERSION_1_2,
    Capability,
    ErrorCode,
)
from models.spdm.errors import SpdmError
from models.spdm.key_schedule import ApplicationSecrets, HandshakeSecrets
from models.spdm.messages import Algorithms, GetCapabilities
from models.spdm.negotiation import RESPONDER_FLAGS
from models.spdm.transcript import ConnectionLogs, Transcript


class RefusedError(SpdmError):
    """A request is answered with ERROR."""

    def __init__(self, code: ErrorCode, data: int = 0, extended: bytes = b"") -> None:
        super().__init__(f"{code.name}, data 0x{data:02x}")
        self.code = code
        self.data = data
        self.extended = extended


@dataclass(frozen=True, slots=True)
class ResponderConfig:
    """What a device is built with."""

    flags: Capability = RESPONDER_FLAGS
    ct_exponent: int = 20  # cryptographic timeout: 2^n microseconds
    message_size: int = 0x11C0  # bytes; a record of it fits a DOE mailbox of 1152 DW
    max_sessions: int = 4
    heartbeat_period: int = 0  # seconds, 0 for none
    secured_versions: tuple[int, ...] = (SECURED_MESSAGE_1_1, SECURED_MESSAGE_1_0)  # best first


class Phase(Enum):
    """Progress of the connection."""

    NOT_STARTED = auto()
    AFTER_VERSION = auto()
    AFTER_CAPABILITIES = auto()
    NEGOTIATED = auto()


@dataclass(slots=True)
class Connection:
    """Everything that GET_VERSION forgets, sessions aside."""

    phase: Phase = Phase.NOT_STARTED
    requester: GetCapabilities | None = None
    algorithms: Algorithms | None = None
    logs: ConnectionLogs = field(default_factory=ConnectionLogs)

    @property
    def version(self) -> int:
        """The header version of what is sent; 1.0 while none is negotiated."""
        return VERSION_1_2 if self.requester else VERSION_1_0

    @property
    def common_flags(self) -> int:
        """Flags of the requester, 0 while unknown."""
        return self.requester.flags if self.requester else 0


class SessionPhase(Enum):
    """Progress of a session."""

    HANDSHAKE = auto()
    ESTABLISHED = auto()


@dataclass(slots=True)
class Session:
    """One session, from KEY_EXCHANGE_RSP on."""

    session_id: int
    transcript: Transcript = field(repr=False)  # TH
    measurements: Transcript  # L1 inside this session
    handshake: HandshakeSecrets | None = field(repr=False)
    application: ApplicationSecrets | None = field(default=None, repr=False)
    phase: SessionPhase = SessionPhase.HANDSHAKE
    update_pending: bool = False  # a key update waits for VERIFY_NEW_KEY
    last_heard: float = 0.0  # seconds
