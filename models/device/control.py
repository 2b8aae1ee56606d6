# SPDX-License-Identifier: Apache-2.0
"""From a DOE object to the one who answers it, and back (DOE-OBJ-001, SEC-VDM-001)."""

from __future__ import annotations

from typing import Protocol

from models.device.config import DeviceProfile
from models.device.records import RecordLayer, SessionSlot
from models.doe.codes import VENDOR_PCI_SIG, ObjectType
from models.doe.objects import DataObject, DiscoveryRequest, DoeError, discover
from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.idekm.responder import IdeKmResponder
from models.spdm.codes import VERSION_1_2
from models.spdm.errors import RecordError, SpdmError
from models.spdm.messages import (
    VendorDefinedRequest,
    VendorDefinedResponse,
    is_pci_protocol_request,
)
from models.tdisp.dsm import ReferenceDsm

SESSION_ID_SIZE = 4  # bytes, in front of every record


class RootOfTrust(Protocol):
    """What is behind the RoT port."""

    def handle(self, message: bytes, session_id: int | None, /) -> bytes | None:
        """The answer to an SPDM message, None for silence."""

    def session_ended(self, session_id: int, /) -> None:
        """The record layer has ended a session."""


class Control:
    """One request at a time, each answered before the next is looked at."""

    def __init__(
        self,
        profile: DeviceProfile,
        records: RecordLayer,
        rot: RootOfTrust,
        idekm: IdeKmResponder,
        dsm: ReferenceDsm,
    ) -> None:
        self._profile = profile
        self._records = records
        self._rot = rot
        self._idekm = idekm
        self._dsm = dsm

    def handle(self, raw: bytes) -> bytes | None:
        """The answer to a DOE object; None for silence."""
        try:
            request = DataObject.decode(raw)
        except DoeError:  # DOE-FSM-008
            return None
        if request.vendor != VENDOR_PCI_SIG:
            return None
        if request.kind == ObjectType.DISCOVERY:
            return self._discovery(request.payload)
        if request.kind == ObjectType.SPDM:
            answer = self._plain(request.payload)
        elif request.kind == ObjectType.SECURED_SPDM:
            answer = self._secured(request.payload)
        else:
            return None
        self._records.answered()
        return None if answer is None else DataObject(request.kind, answer).encode()

    @staticmethod
    def _discovery(payload: bytes) -> bytes | None:
        try:
            return discover(DiscoveryRequest.decode(payload).index).encode()
        except DoeError:
            return None

    def _plain(self, message: bytes) -> bytes | None:
        """IDE_KM and TDISP outside a session have no answer (SEC-VDM-002, TDISP-SES-001)."""
        if not message or is_pci_protocol_request(message):
            return None
        return self._rot.handle(message, None) or None

    def _secured(self, record: bytes) -> bytes | None:
        slot = self._records.get(int.from_bytes(record[:SESSION_ID_SIZE], "little"))
        if slot is None or len(record) < SESSION_ID_SIZE:  # SEC-REC-005
            return None
        try:
            data = self._records.open(slot, record)
        except RecordError:
            return self._bad_record(slot)
        answer = self._in_session(data, slot)
        if not answer or self._records.get(slot.session_id) is not slot:
            return None  # a session that has ended meanwhile has no key for an answer
        try:
            return self._records.seal(slot, answer)
        except RecordError:  # no number is left for another record
            self._end(slot)
            return None

    def _bad_record(self, slot: SessionSlot) -> bytes | None:
        """The session is over, and says so with its own key (SEC-REC-007)."""
        notice = self._profile.bad_record_answer
        try:
            return None if notice is None else self._records.seal(slot, notice)
        except RecordError:
            return None
        finally:
            self._end(slot)

    def _end(self, slot: SessionSlot) -> None:
        self._records.end(slot.session_id)
        self._rot.session_ended(slot.session_id)

    def _in_session(self, data: bytes, slot: SessionSlot) -> bytes | None:
        """IDE_KM and TDISP are answered here once the session is past FINISH."""
        if not data:
            return None
        ours = slot.established and is_pci_protocol_request(data) and data[0] == VERSION_1_2
        try:
            request = VendorDefinedRequest.decode(data) if ours else None
        except SpdmError:
            request = None
        if request is None:
            return self._rot.handle(data, slot.session_id)
        if request.protocol_id == IDEKM:
            body = self._idekm.handle(slot.session_id, request.body)
        else:
            body = self._dsm.handle(slot.session_id, request.body)
        if body is None:
            return None
        return VendorDefinedResponse(
            version=request.version, protocol_id=request.protocol_id, body=body
        ).encode()
