# SPDX-License-Identifier: Apache-2.0
"""Valid messages to begin with: every request, with fields that are often right."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from models.fuzz.mutations import mutate_fields
from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.idekm.codes import Direction
from models.idekm.messages import IdeKmObject, KeyInfo, KeyProg, KSetGo, KSetStop, Query
from models.spdm.codes import VERSION_1_2, Request
from models.spdm.messages import (
    GetCertificate,
    GetDigests,
    GetMeasurements,
    Heartbeat,
    VendorDefinedRequest,
)
from models.tdisp.codes import NONCE_SIZE, VERSION_1_0, LockFlags, RangeAttributes
from models.tdisp.codes import PROTOCOL_ID as TDISP
from models.tdisp.codes import Request as TdispRequest
from models.tdisp.interface_id import InterfaceId
from models.tdisp.message import Header
from models.tdisp.report import MmioRange

OFTEN = 0.85  # how often a field has a value that fits
VENDOR_HEADER = 11  # bytes of a vendor-defined message before the protocol id
PASID_BITS = 20
KEY_SETS = (0, 1)
SUB_STREAMS = (0, 1, 2)
PORTION = 0x40  # bytes of a report asked for at once
GOOD_FLAGS = LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX | LockFlags.BIND_P2P


@dataclass
class Scene:
    """What a device has that messages can name."""

    names: Sequence[InterfaceId]  # of its TDIs
    stream_ids: Sequence[int]  # the default stream first
    port_indices: Sequence[int] = (0,)
    longest_object: int = 4 * 1152  # bytes that the mailbox takes
    nonces: dict[InterfaceId, bytes] = field(default_factory=dict)  # last one of a TDI
    memory_pages: Mapping[InterfaceId, int] = field(default_factory=dict)  # page numbers of TDIs

    @property
    def pasids(self) -> list[int]:
        """Of its SDIs."""
        return [name.pasid for name in self.names if name.pasid is not None]


class Grammar:
    """Makes messages at random."""

    def __init__(self, rng: random.Random, scene: Scene) -> None:
        self.rng = rng
        self.scene = scene
        self._payloads: dict[int, Callable[[InterfaceId], bytes]] = {
            TdispRequest.GET_TDISP_CAPABILITIES: lambda _: bytes(4),
            TdispRequest.LOCK_INTERFACE_REQUEST: self._lock,
            TdispRequest.GET_DEVICE_INTERFACE_REPORT: self._report,
            TdispRequest.START_INTERFACE_REQUEST: self._start,
            TdispRequest.BIND_P2P_STREAM_REQUEST: lambda _: bytes((self._stream(),)),
            TdispRequest.UNBIND_P2P_STREAM_REQUEST: lambda _: bytes((self._stream(),)),
            TdispRequest.SET_MMIO_ATTRIBUTE_REQUEST: self._attribute,
            TdispRequest.VDM_REQUEST: lambda _: bytes((0, 0)),
            TdispRequest.SET_TDISP_CONFIG_REQUEST: lambda _: bytes(4),
        }

    def _often(self, good: int, bits: int) -> int:
        return good if self.rng.random() < OFTEN else self.rng.getrandbits(bits)

    def _stream(self) -> int:
        return self._often(self.rng.choice(self.scene.stream_ids), 8)

    # ------------------------------------------------------------------ TDISP

    def tdisp(self) -> bytes:
        """A request behind its protocol id."""
        rng = self.rng
        name = self._name()
        code = self._often(rng.choice(list(TdispRequest)), 8)
        version = self._often(VERSION_1_0, 8)
        payload = self._payloads[code](name) if code in self._payloads else b""
        return Header(version, code, name).encode() + payload

    def _name(self) -> InterfaceId:
        """Often that of a TDI, else with another Requester ID or PASID."""
        rng, name = self.rng, self.rng.choice(self.scene.names)
        if rng.random() < OFTEN:
            return name
        if name.pasid is not None and rng.random() < 0.5:
            return InterfaceId.of(name.rid, pasid=rng.getrandbits(PASID_BITS))
        return InterfaceId.of(rng.getrandbits(16), pasid=name.pasid)

    def good(self, code: int, name: InterfaceId) -> bytes:
        """A request behind its protocol id, without a mistake where the state allows it."""
        if code == TdispRequest.LOCK_INTERFACE_REQUEST:
            payload = self._good_lock()
        elif code == TdispRequest.START_INTERFACE_REQUEST:
            payload = self.scene.nonces.get(name, bytes(NONCE_SIZE))
        elif code == TdispRequest.GET_DEVICE_INTERFACE_REPORT:
            payload = bytes((0, 0, PORTION, 0))
        elif code in (TdispRequest.BIND_P2P_STREAM_REQUEST, TdispRequest.UNBIND_P2P_STREAM_REQUEST):
            payload = bytes((self.scene.stream_ids[1],))
        elif code == TdispRequest.SET_MMIO_ATTRIBUTE_REQUEST:
            payload = self._good_range(name).encode()
        else:
            payload = self._payloads[code](name) if code in self._payloads else b""
        return Header(VERSION_1_0, code, name).encode() + payload

    def request(self, code: int, name: InterfaceId) -> bytes:
        """`good` in its SPDM message."""
        return self.vendor(TDISP, self.good(code, name))

    def other_name(self) -> InterfaceId:
        """One that no TDI has: for its Requester ID, or for its PASID."""
        rng, rids, pasids = self.rng, [name.rid for name in self.scene.names], self.scene.pasids
        if pasids and rng.random() < 0.5:
            return InterfaceId.of(rids[0], pasid=self._none_of(pasids, PASID_BITS))
        rid = self._none_of(rids, 16)
        return InterfaceId.of(rid, pasid=rng.choice((None, *pasids)) if pasids else None)

    def _none_of(self, known: Sequence[int], bits: int) -> int:
        """Half of the numbers are neighbours of known ones, by one bit."""
        rng = self.rng
        while True:
            near = rng.choice(known) ^ 1 << rng.randrange(bits)
            number = near if rng.random() < 0.5 else rng.getrandbits(bits)
            if number not in known:
                return number

    def _good_lock(self) -> bytes:
        flags = int(GOOD_FLAGS).to_bytes(2, "little")
        return flags + bytes((self.scene.stream_ids[0],)) + bytes(17)

    def _good_range(self, name: InterfaceId) -> MmioRange:
        value = self.rng.choice((RangeAttributes.IS_NON_TEE_MEM, RangeAttributes(0)))
        return MmioRange(self.scene.memory_pages.get(name, 0), 1, int(value), 0)

    def _attribute(self, name: InterfaceId) -> bytes:
        good = self._good_range(name).encode()
        return good if self.rng.random() < OFTEN else mutate_fields(self.rng, good, len(good))

    def _lock(self, _: InterfaceId) -> bytes:
        flags = self._often(int(GOOD_FLAGS), 16)
        offset = self._often(0, 64) & ~0xFFF
        head = flags.to_bytes(2, "little") + bytes((self._stream(), 0))
        return head + offset.to_bytes(8, "little") + bytes(8)

    def _report(self, _: InterfaceId) -> bytes:
        offset, length = self.rng.choice((0, 0, 16, 0x40, 0xFFFF)), self._often(PORTION, 16)
        return offset.to_bytes(2, "little") + length.to_bytes(2, "little")

    def _start(self, name: InterfaceId) -> bytes:
        nonce = self.scene.nonces.get(name, bytes(NONCE_SIZE))
        return nonce if self.rng.random() < OFTEN else self.rng.randbytes(NONCE_SIZE)

    # ------------------------------------------------------------------ IDE_KM

    def idekm(self) -> bytes:
        """An object behind its protocol id."""
        rng = self.rng
        port = self._often(rng.choice(self.scene.port_indices), 8)
        sub_stream = self._often(rng.choice(SUB_STREAMS), 4)
        info = KeyInfo(rng.choice(KEY_SETS), rng.choice(tuple(Direction)), sub_stream)
        stream = self._stream()
        kind = rng.randrange(8)
        if kind == 0:
            return Query(port).encode()
        if kind < 4:
            invocation = self._often(1, 64)
            return KeyProg(stream, info, rng.randbytes(32), port, invocation).encode()
        message = KSetGo(stream, info, port) if kind < 6 else KSetStop(stream, info, port)
        return message.encode()

    def key_stream(self, block: int = 0) -> Iterator[bytes]:
        """All keys of the stream of a block, without a mistake; block 0 has the default stream."""
        stream = self.scene.stream_ids[block]
        infos = [KeyInfo(0, one, sub) for one in Direction for sub in SUB_STREAMS]
        for info in infos:
            yield self.key_object(KeyProg(stream, info, self.rng.randbytes(32)))
        for info in infos:
            yield self.key_object(KSetGo(stream, info))

    def key(self, key_set: int = 0, stream: int | None = None, port: int | None = None) -> bytes:
        """A KEY_PROG for some slot of a key set."""
        scene, info = self.scene, self.key_info(key_set)
        stream = scene.stream_ids[0] if stream is None else stream
        port = scene.port_indices[0] if port is None else port
        return self.key_object(KeyProg(stream, info, self.rng.randbytes(32), port))

    def key_info(self, key_set: int) -> KeyInfo:
        """Any slot of a key set."""
        return KeyInfo(key_set, self.rng.choice(tuple(Direction)), self.rng.choice(SUB_STREAMS))

    def other_stream(self) -> int:
        """A Stream ID that no register block has."""
        return self._none_of(self.scene.stream_ids, 8)

    def other_port(self) -> int:
        """A port index that is not answered."""
        return self._none_of(self.scene.port_indices, 8)

    def key_object(self, message: IdeKmObject) -> bytes:
        """An IDE_KM object in its SPDM message."""
        return self.vendor(IDEKM, message.encode())

    # ------------------------------------------------------------------ SPDM

    def vendor(self, protocol: int, body: bytes) -> bytes:
        """`body` in its SPDM message."""
        return VendorDefinedRequest(protocol_id=protocol, body=body).encode()

    def any_vendor(self) -> tuple[int, bytes]:
        """Protocol id and body."""
        return (TDISP, self.tdisp()) if self.rng.random() < 0.6 else (IDEKM, self.idekm())

    def spdm(self) -> bytes:
        """Another message that a session takes, or may not take."""
        rng = self.rng
        kind = rng.randrange(5)
        if kind == 0:
            return Heartbeat().encode()
        if kind == 1:
            return GetDigests().encode()
        if kind == 2:
            length = rng.randrange(300)
            return GetCertificate(slot=0, offset=rng.randrange(2000), length=length).encode()
        if kind == 3:
            return GetMeasurements(operation=rng.choice((0, 1, 5, 200, 255))).encode()
        code = rng.choice([r for r in Request if r != Request.END_SESSION])
        return bytes((VERSION_1_2, code, 0, 0)) + rng.randbytes(rng.randrange(40))
