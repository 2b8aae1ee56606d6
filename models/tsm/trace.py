# SPDX-License-Identifier: Apache-2.0
"""What the TSM does, step by step and message by message, for progress and diagrams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from models.doe.codes import ObjectType
from models.doe.objects import DataObject, DoeError
from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.idekm.describe import describe as describe_idekm
from models.spdm.describe import describe as describe_spdm
from models.spdm.secure_session import SecureSession
from models.tdisp.describe import describe as describe_tdisp
from models.transport import Transport


class Step(Enum):
    """Steps of the life cycle, in their order."""

    DISCOVER = "find the data object types"
    CONNECT = "connect"
    AUTHENTICATE = "authenticate the device"
    SESSION = "open a session"
    MEASURE = "read measurements"
    QUERY = "compare IDE registers"
    KEYS = "set keys at both ports"
    GO = "let keys be used, enable the stream"
    INTERFACE = "ask for TDISP version and capabilities"
    LOCK = "lock the TDI"
    REPORT = "read and check the report"
    APPROVE = "ask the tenant"
    START = "start the TDI"
    ATTRIBUTE = "change an MMIO attribute"
    BIND = "bind a stream to a peer"
    UNBIND = "unbind a stream to a peer"
    REFRESH = "refresh the keys of the stream"
    STOP = "stop the TDI"
    CLOSE = "stop the stream, end the session"
    ABANDON = "take everything down"


# Not part of every life
ON_REQUEST = frozenset({Step.ATTRIBUTE, Step.BIND, Step.UNBIND, Step.REFRESH, Step.ABANDON})


class TraceKind(Enum):
    """What a trace entry tells."""

    BEGIN = auto()
    REQUEST = auto()
    RESPONSE = auto()
    DONE = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One line of the trace."""

    kind: TraceKind
    step: Step
    text: str


Observer = Callable[[TraceEntry], None]


def ignore(_: TraceEntry) -> None:
    """An observer that is not interested."""


def describe_object(raw: bytes) -> str:
    """A DOE object in a few words; a record cannot be read here."""
    try:
        item = DataObject.decode(raw)
    except DoeError as error:
        return str(error)
    if item.kind == ObjectType.SPDM:
        return f"SPDM {describe_spdm(item.payload)}"
    if item.kind == ObjectType.DISCOVERY:
        return "DOE Discovery"
    if item.kind == ObjectType.SECURED_SPDM:
        return f"record, session {item.payload[3::-1].hex()}, {len(item.payload)} bytes"
    return f"DOE type {item.kind}"


class Trace:
    """Gives entries to an observer, under the step that is going on."""

    def __init__(self, observer: Observer = ignore) -> None:
        self.step = Step.DISCOVER
        self._observer = observer
        self.quiet = False  # the record that passes is told in plain

    def tell(self, kind: TraceKind, text: str) -> None:
        """One entry."""
        self._observer(TraceEntry(kind, self.step, text))


class TracedTransport:
    """Tells every object that passes."""

    def __init__(self, transport: Transport, trace: Trace) -> None:
        self._transport = transport
        self._trace = trace

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Deliver an object; its answer."""
        quiet, self._trace.quiet = self._trace.quiet, False
        if not quiet:
            self._trace.tell(TraceKind.REQUEST, describe_object(doe_object))
        answer = await self._transport.exchange(doe_object)
        if not quiet:
            text = "no answer" if answer is None else describe_object(answer)
            self._trace.tell(TraceKind.RESPONSE, text)
        return answer


class TracedSession:
    """Tells IDE_KM and TDISP messages in plain text."""

    def __init__(self, session: SecureSession, trace: Trace) -> None:
        self._session = session
        self._trace = trace

    async def vendor_defined(self, protocol_id: int, body: bytes, /) -> bytes | None:
        """The answer to a message, None for silence."""
        describe = describe_idekm if protocol_id == IDEKM else describe_tdisp
        self._trace.tell(TraceKind.REQUEST, describe(body))
        self._trace.quiet = True
        try:
            answer = await self._session.vendor_defined(protocol_id, body)
        finally:
            self._trace.quiet = False
        self._trace.tell(TraceKind.RESPONSE, "no answer" if answer is None else describe(answer))
        return answer
