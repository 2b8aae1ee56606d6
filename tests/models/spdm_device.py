# SPDX-License-Identifier: Apache-2.0
"""A device around the responder model: DOE objects in and out, a small record layer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from models.doe.codes import ObjectType
from models.spdm.carrier import unwrap, wrap
from models.spdm.errors import RecordError
from models.spdm.identity import DeviceIdentity, SlotStore
from models.spdm.key_log import LoggedSecret
from models.spdm.key_port import Direction
from models.spdm.messages import (
    VendorDefinedRequest,
    VendorDefinedResponse,
    is_pci_protocol_request,
)
from models.spdm.record import RecordCipher, RecordKeys, record_session_id
from models.spdm.requester import RequesterConfig, SpdmRequester
from models.spdm.responder import SpdmResponder
from models.spdm.responder_state import ResponderConfig
from models.spdm.secure_session import SecureSession

T = TypeVar("T")
IDENTITY = DeviceIdentity.generate(random.Random(1))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing outside itself."""
    return asyncio.run(coroutine)


@dataclass
class Slot:
    """Keys of one session."""

    ciphers: dict[Direction, RecordCipher] = field(default_factory=dict)
    application: bool = False


@dataclass
class Device:
    """Transport and SessionKeyPort in one; echoes IDE_KM and TDISP bodies in reverse."""

    config: ResponderConfig = field(default_factory=ResponderConfig)
    slots: dict[int, Slot] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    objects: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    alter: Callable[[bytes], bytes] = lambda answer: answer
    identity: DeviceIdentity | SlotStore = IDENTITY
    secrets: list[LoggedSecret] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)  # application data of records
    _deferred: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.responder = SpdmResponder(
            self.identity, self, random.Random(2), self.config, key_log=self.secrets.append
        )

    def load(
        self,
        session_id: int,
        direction: Direction,
        key: bytes,
        iv: bytes,
        *,
        application: bool,
        deferred: bool,
    ) -> None:
        """Session-key port."""
        self.calls.append(("load", session_id, direction, application, deferred))

        def apply() -> None:
            slot = self.slots.setdefault(session_id, Slot())
            slot.ciphers[direction] = RecordCipher(RecordKeys(key, iv))
            slot.application = application

        self._do(apply, deferred)

    def end_session(self, session_id: int, *, deferred: bool) -> None:
        """Session-key port."""
        self.calls.append(("end_session", session_id, deferred))
        self._do(lambda: self.slots.pop(session_id), deferred)

    def end_all(self) -> None:
        """Session-key port."""
        self.calls.append(("end_all",))
        self.slots.clear()

    def _do(self, action: Callable[[], None] | Callable[[], Slot], deferred: bool) -> None:
        if deferred:
            self._deferred.append(lambda: (action(), None)[1])
        else:
            action()

    async def exchange(self, doe_object: bytes) -> bytes | None:
        """Transport."""
        kind, payload = unwrap(doe_object)
        answer = self._plain(payload) if kind == ObjectType.SPDM else self._secured(payload)
        for action in self._deferred:
            action()
        self._deferred.clear()
        answer = self.alter(answer) if answer is not None else None
        self.objects.append((doe_object, answer))
        return answer

    def _plain(self, payload: bytes) -> bytes | None:
        answer = self.responder.handle(payload)
        return None if answer is None else wrap(ObjectType.SPDM, answer)

    def _secured(self, record: bytes) -> bytes | None:
        session_id = record_session_id(record)
        slot = self.slots.get(session_id)
        if slot is None:
            return None
        try:
            data = slot.ciphers[Direction.REQUEST].open(record)
        except RecordError:
            del self.slots[session_id]
            self.responder.session_ended(session_id)
            return None
        self.plain.append(data)
        answer = self.serve(data, session_id, slot)
        if answer is None:
            return None
        self.plain.append(answer)
        sealed = slot.ciphers[Direction.RESPONSE].seal(session_id, answer)
        return wrap(ObjectType.SECURED_SPDM, sealed)

    def serve(self, data: bytes, session_id: int, slot: Slot) -> bytes | None:
        """The answer to the application data of a record."""
        if not (slot.application and is_pci_protocol_request(data)):
            return self.responder.handle(data, session_id)
        request = VendorDefinedRequest.decode(data)
        if not request.body:
            return None
        return VendorDefinedResponse(
            protocol_id=request.protocol_id, body=request.body[::-1]
        ).encode()


def requester(device: Device, config: RequesterConfig | None = None) -> SpdmRequester:
    """A requester that trusts the device's root."""
    return SpdmRequester(device, random.Random(3), [IDENTITY.root], config)


async def attested(device: Device) -> SpdmRequester:
    """A requester that is connected and has the certificate chain."""
    peer = requester(device)
    await peer.connect()
    await peer.get_digests()
    await peer.get_certificate()
    return peer


async def with_session(config: ResponderConfig | None = None) -> tuple[Device, SecureSession]:
    """A device and an established session with it."""
    device = Device(config or ResponderConfig())
    return device, await (await attested(device)).start_session()
