# SPDX-License-Identifier: Apache-2.0
"""What a responder is built with, and what it remembers of its connection and its sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from models.spdm.codes import (
    DATA_TRANSFER_SIZE_MIN,
    SECURED_MESSAGE_1_0,
    SECURED_MESSAGE_1_1,
    VERSION_1_0,
    VERSION_1_1,
    VERSION_1_2,
    VERSION_1_3,
    Capability,
    ErrorCode,
    MeasurementHash,
)
from models.spdm.errors import NegotiationError, SpdmError
from models.spdm.key_schedule import ApplicationSecrets, HandshakeSecrets
from models.spdm.messages import Algorithms, GetCapabilities
from models.spdm.negotiation import (
    RESPONDER_ALGORITHMS,
    RESPONDER_FLAGS,
    AlgorithmOffer,
    check_responder_flags,
)
from models.spdm.suite import DEFAULT_SUITE, Suite
from models.spdm.transcript import ConnectionLogs, Transcript

SUPPORTED_VERSIONS = (VERSION_1_0, VERSION_1_1, VERSION_1_2, VERSION_1_3)
# The capabilities that the code of the responder has.
SUPPORTED_FLAGS = RESPONDER_FLAGS | Capability.MEAS_NO_SIG | Capability.HANDSHAKE_IN_THE_CLEAR
MESSAGE_SIZE_MAX = 0x11C0  # bytes; a record of it fits a DOE mailbox of 1152 DW
MAX_SESSIONS = 0xFFFF
BYTE = 0xFF


class RefusedError(SpdmError):
    """A request is answered with ERROR."""

    def __init__(self, code: ErrorCode, data: int = 0, extended: bytes = b"") -> None:
        super().__init__(f"{code.name}, data 0x{data:02x}")
        self.code = code
        self.data = data
        self.extended = extended


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise NegotiationError(f"{name} is {value}: it must be {low} to {high}")


def _distinct(name: str, values: tuple[int, ...]) -> None:
    if not values or len(set(values)) != len(values):
        raise NegotiationError(f"{name} must name at least one, and none twice")


@dataclass(frozen=True, slots=True)
class ResponderConfig:
    """What a device is built with; lists are best first. NegotiationError for bad values."""

    flags: Capability = RESPONDER_FLAGS
    ct_exponent: int = 20  # cryptographic timeout: 2^n microseconds
    message_size: int = MESSAGE_SIZE_MAX
    max_sessions: int = 4
    heartbeat_period: int = 0  # seconds, 0 for none
    secured_versions: tuple[int, ...] = (SECURED_MESSAGE_1_1, SECURED_MESSAGE_1_0)
    versions: tuple[int, ...] = (VERSION_1_0, VERSION_1_1, VERSION_1_2)  # in the order of VERSION
    algorithms: AlgorithmOffer = RESPONDER_ALGORITHMS
    measurement_hash: MeasurementHash = MeasurementHash.SHA_384

    def __post_init__(self) -> None:
        check_responder_flags(self.flags)
        if foreign := self.flags & ~SUPPORTED_FLAGS:
            raise NegotiationError(f"{Capability(foreign)!r} is not supported")
        _within("ct_exponent", self.ct_exponent, 0, 31)
        _within("message_size", self.message_size, DATA_TRANSFER_SIZE_MIN, MESSAGE_SIZE_MAX)
        _within("max_sessions", self.max_sessions, 1, MAX_SESSIONS)
        _within("heartbeat_period", self.heartbeat_period, 0, BYTE)
        _distinct("secured_versions", self.secured_versions)
        _distinct("versions", self.versions)
        for version in self.versions:
            if version not in SUPPORTED_VERSIONS:
                raise NegotiationError(f"version 0x{version:02x} is not supported")
        for name in ("hashes", "asym", "dhe"):
            _distinct(name, getattr(self.algorithms, name))


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
    suite: Suite = DEFAULT_SUITE  # once negotiated
    logs: ConnectionLogs = field(default_factory=ConnectionLogs)

    @property
    def version(self) -> int:
        """The header version of what is sent; 1.0 while none is negotiated."""
        return self.requester.version if self.requester else VERSION_1_0

    @property
    def requester_flags(self) -> int:
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
    suite: Suite = DEFAULT_SUITE
    in_the_clear: bool = False  # FINISH comes as a plain message; there are no handshake keys
    dhe_secret: bytes = field(default=b"", repr=False)  # until it was logged
    application: ApplicationSecrets | None = field(default=None, repr=False)
    phase: SessionPhase = SessionPhase.HANDSHAKE
    update_pending: bool = False  # a key update waits for VERIFY_NEW_KEY
    heartbeat_period: int = 0  # seconds, 0 when the two sides do not both have HBEAT
    last_heard: float = 0.0  # seconds

    @property
    def has_keys(self) -> bool:
        """Whether the record layer was given keys of this session."""
        return not self.in_the_clear or self.phase is SessionPhase.ESTABLISHED
