# SPDX-License-Identifier: Apache-2.0
"""DOE objects, SPDM and IDE_KM messages that the device must refuse, and such that it answers."""

from __future__ import annotations

from collections.abc import Iterator

import pyuvm

from models.app.map import Bar2
from models.doe.codes import ControlBit as DoeControl
from models.doe.codes import ObjectType, Register, StatusBit
from models.doe.objects import DataObject, DiscoveryRequest, DiscoveryResponse, discover
from models.ide.codes import SubStream
from models.ide.keys import KeySlot
from models.idekm.codes import PROTOCOL_ID as IDE_KM
from models.idekm.codes import Direction, KpStatus, ObjectId
from models.idekm.key_order import key_to_wire
from models.idekm.messages import KpAck
from models.idekm.requester import IdeKmRequester
from models.pcie.codes import CplStatus
from models.spdm.carrier import PlainChannel, wrap
from models.spdm.codes import Response as SpdmResponse
from models.spdm.messages import VendorDefinedRequest
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.codes import LockFlags, RangeAttributes, Request, TdiState
from models.tdisp.report import DeviceInterfaceReport
from tb.base_test import BaseTest
from tb.scenario import DEFAULT_STREAM, IFV_WIRE, OTHER_STREAM, Scenario

KEY = bytes(range(32))
SLOT = KeySlot(Direction.RX, SubStream.NPR, 0)
UNKNOWN_STREAM = 99


class ControlPlane(BaseTest):
    """What the tests share."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        await self.talk()

    async def talk(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides talk()")

    async def exchange(self, doe_object: bytes) -> bytes | None:
        """One DOE object, the answer or None."""
        return await self.kit.env.doe.exchange(doe_object)

    async def assert_doe_works(self) -> None:
        """Discovery of the first entry."""
        raw = await self.exchange(DiscoveryRequest(0).encode())
        assert raw is not None
        assert DiscoveryResponse.decode(DataObject.decode(raw).payload) == discover(0)


@pyuvm.test()
class DiscoveryListsWhatIsServed(ControlPlane):
    """Index by index to the end; unknown types and vendors get silence, and DOE goes on."""

    async def talk(self) -> None:
        index, found = 0, []
        while True:
            raw = await self.exchange(DiscoveryRequest(index).encode())
            assert raw is not None
            entry = DiscoveryResponse.decode(DataObject.decode(raw).payload)
            found.append(entry.kind)
            index = entry.next_index
            if not index:
                break
        assert found == [ObjectType.DISCOVERY, ObjectType.SPDM, ObjectType.SECURED_SPDM]
        for kind, vendor in ((0x7F, 1), (ObjectType.SPDM, 0x1234)):
            assert await self.exchange(DataObject(kind, bytes(8), vendor).encode()) is None
            await self.assert_doe_works()


@pyuvm.test()
class BrokenObjectsDoNothing(ControlPlane):
    """Wrong lengths are dropped, an abort at any word discards the rest, a good object follows."""

    async def talk(self) -> None:
        good = DiscoveryRequest(0).encode()
        for length in (0, 1, 2, 4, 0x3FFFF):
            raw = good[:4] + length.to_bytes(4, "little") + good[8:]
            assert await self.exchange(raw) is None, f"length {length}"
            await self.assert_doe_works()
        for words in range(4):
            await self._abort_after(good[: 4 * words])
            await self.assert_doe_works()

    async def _abort_after(self, part: bytes) -> None:
        host = self.kit.host
        base = host.doe_base
        assert base is not None
        for at in range(0, len(part), 4):
            value = int.from_bytes(part[at : at + 4], "little")
            await host.config_write(host.pf_rid, base + Register.WRITE_MAILBOX, value)
        await host.config_write(host.pf_rid, base + Register.CONTROL, 1 << DoeControl.ABORT)
        status = await host.config_read(host.pf_rid, base + Register.STATUS)
        busy = 1 << StatusBit.BUSY | 1 << StatusBit.ERROR | 1 << StatusBit.DATA_OBJECT_READY
        assert not status & busy, f"status {status:08x} after an abort"


@pyuvm.test()
class SecretsTravelInEstablishedSessionsOnly(ControlPlane):
    """IDE_KM and TDISP in plain messages: silence and no effect; in a session: an answer."""

    async def talk(self) -> None:
        kit = self.kit
        await kit.connect()
        plain = PlainChannel(kit.env.doe)
        for protocol_id, body in self._requests():
            message = VendorDefinedRequest(protocol_id=protocol_id, body=body).encode()
            assert await plain.request(message) is None, f"protocol {protocol_id}"
            record = wrap(ObjectType.SECURED_SPDM, bytes([1, 0, 1, 0, 32, 0]) + message)
            assert await self.exchange(record) is None, "a record of no session"
        session = await kit.open_session()
        for protocol_id, body in self._requests():
            assert await session.vendor_defined(protocol_id, body), f"protocol {protocol_id}"

    def _requests(self) -> Iterator[tuple[int, bytes]]:
        rid = self.kit.function(self.kit.tvm_function).rid
        yield IDE_KM, bytes([ObjectId.QUERY, 0, 0])
        name = rid.to_bytes(4, "little") + bytes(8)
        yield TDISP, bytes([0x10, Request.GET_DEVICE_INTERFACE_STATE, 0, 0]) + name


@pyuvm.test()
class VendorDefinedHeadersAreChecked(ControlPlane):
    """Another standard, vendor, protocol or payload length: no answer of the DSM, no effect."""

    async def talk(self) -> None:
        session = await self.kit.open_session()
        name = self.kit.function(self.kit.tvm_function).rid.to_bytes(4, "little") + bytes(8)
        body = bytes([0x10, Request.GET_DEVICE_INTERFACE_STATE, 0, 0]) + name
        good = VendorDefinedRequest(protocol_id=TDISP, body=body).encode()
        for what, at, value in (
            ("StandardID 0", 4, 0),
            ("vendor length 4", 6, 4),
            ("vendor 0x8086", 7, 0x86),
            ("payload length too long", 9, good[9] + 1),
            ("payload length too short", 9, good[9] - 1),
            ("protocol 2", 11, 2),
        ):
            wrong = good[:at] + bytes([value]) + good[at + 1 :]
            answer = await session.request(wrong)
            refused = answer is None or answer[1] == SpdmResponse.ERROR
            assert refused, f"{what}: answered {answer!r}"
            right = await session.request(good)
            assert right is not None, what
            assert right[1] == SpdmResponse.VENDOR_DEFINED, what


@pyuvm.test()
class MsixIsLockedWhenAsked(ControlPlane):
    """LOCK with and without LOCK_MSIX: the report and the way to the table agree with the flag."""

    async def talk(self) -> None:
        kit = self.kit
        session = await kit.open_session()
        await kit.key_stream(session)
        table = kit.function(kit.tvm_function).bar2 + Bar2.MSIX_TABLE
        for flags in (LockFlags.NO_FW_UPDATE, LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX):
            await kit.lock(session, kit.tvm_function, flags)
            asked = bool(flags & LockFlags.LOCK_MSIX)
            answer = await kit.tdisp(
                session,
                Request.GET_DEVICE_INTERFACE_REPORT,
                kit.tvm_function,
                bytes([0, 0, 0, 1]),
            )
            assert answer is not None
            report = DeviceInterfaceReport.decode(answer.payload[4:])
            reported = [r for r in report.ranges if r.attributes & RangeAttributes.MSIX_TABLE]
            assert bool(reported) is asked, str(flags)
            result = await kit.host.mem_read(table, 16)
            assert (result.status is CplStatus.SC) is not asked, str(flags)
            await kit.stop(session, kit.tvm_function)


@pyuvm.test()
class IdeKmRefusesWhatItCannotServe(ControlPlane):
    """Each status of KP_ACK; silence for GO and STOP of what is not there; foreign sessions."""

    async def talk(self) -> None:
        kit = self.kit
        session = await kit.open_session()
        query = await IdeKmRequester(session).query()
        assert query.registers
        cases = {
            KpStatus.SUCCESS: self._key_prog(),
            KpStatus.UNSUPPORTED_PORT_INDEX: self._key_prog(port=3),
            KpStatus.UNSUPPORTED_VALUE: self._key_prog(stream=UNKNOWN_STREAM),
        }
        for status, body in cases.items():
            raw = await kit.ide_km(session, body)
            assert raw is not None, status.name
            assert KpAck.decode(raw).status == status
        for body in (self._key_prog()[:-1], self._key_prog() + bytes(1)):
            assert await kit.ide_km(session, body) is None, "an object of a wrong length"
        raw = await kit.ide_km(session, self._key_prog(sub_stream=3))
        assert raw is not None
        assert KpAck.decode(raw).status == KpStatus.UNSUPPORTED_VALUE
        other_slot = KeySlot(Direction.TX, SubStream.CPL, 1)
        for operation in (ObjectId.K_SET_GO, ObjectId.K_SET_STOP):
            assert await kit.key_set(session, operation, DEFAULT_STREAM, other_slot) is None
            assert await kit.key_set(session, operation, UNKNOWN_STREAM, SLOT) is None
        await self._foreign(session)
        await self._in_use(session)

    async def _foreign(self, session: SecureSession) -> None:
        kit = self.kit
        other = await kit.open_session()
        assert await kit.ide_km(other, self._key_prog()) is None
        assert await kit.key_set(other, ObjectId.K_SET_GO, DEFAULT_STREAM, SLOT) is None
        assert await kit.key_set(other, ObjectId.K_SET_STOP, DEFAULT_STREAM, SLOT) is None
        assert await kit.key_set(session, ObjectId.K_SET_GO, DEFAULT_STREAM, SLOT) is not None
        await other.end()

    async def _in_use(self, session: SecureSession) -> None:
        kit = self.kit
        await kit.key_stream(session)
        raw = await kit.ide_km(session, self._key_prog())
        assert raw is not None
        assert KpAck.decode(raw).status == KpStatus.UNSPECIFIED_FAILURE, "the set in use"
        await kit.lock(session, kit.tvm_function)
        assert self.adapter.tdi_states()[kit.tvm_function] is TdiState.CONFIG_LOCKED

    def _key_prog(
        self, stream: int = DEFAULT_STREAM, port: int = 0, sub_stream: int = SubStream.NPR
    ) -> bytes:
        info = sub_stream << 4 | SLOT.direction << 1 | SLOT.key_set
        head = bytes([ObjectId.KEY_PROG, 0, 0, stream, 0, info, port])
        return head + key_to_wire(KEY) + IFV_WIRE


@pyuvm.test()
class TwoSessionsDoNotSeeEachOther(ControlPlane):
    """Records of two sessions in turns; what one locked the other cannot read, start or stop."""

    async def talk(self) -> None:
        kit = self.kit
        first = await kit.open_session()
        second = await kit.open_session()
        assert first.session_id != second.session_id
        await kit.key_stream(first)
        await kit.key_stream(second, OTHER_STREAM)
        tdi = await kit.lock(first, kit.tvm_function)
        report = bytes([0, 0, 64, 0])
        for request, payload in (
            (Request.GET_DEVICE_INTERFACE_REPORT, report),
            (Request.START_INTERFACE_REQUEST, tdi.nonce),
            (Request.STOP_INTERFACE_REQUEST, b""),
        ):
            answer = await kit.tdisp(second, request, kit.tvm_function, payload)
            assert answer is not None
            assert answer.error is not None, request.name
            assert self.adapter.tdi_states()[kit.tvm_function] is TdiState.CONFIG_LOCKED
            state = await kit.tdisp(first, Request.GET_DEVICE_INTERFACE_STATE, kit.tvm_function)
            assert state is not None
            assert state.payload == bytes([TdiState.CONFIG_LOCKED])
        await kit.start(first, tdi)
        await second.end()
        await first.heartbeat()
        assert self.adapter.tdi_states()[kit.tvm_function] is TdiState.RUN
