# SPDX-License-Identifier: Apache-2.0
"""IDE_KM objects. Bytes begin with the object id, behind the protocol id (IDEKM-KP-003)."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Self

from models.idekm.codes import IFV_SIZE, KEY_SIZE, Direction, KpStatus, ObjectId
from models.idekm.errors import IdeKmError
from models.idekm.key_order import ifv_from_wire, ifv_to_wire, key_from_wire, key_to_wire

DIRECTION = 1  # bit numbers in key info
SUB_STREAM = 4
SUB_STREAMS = 3
FIRST_INVOCATION = 1
DWORD = 4


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """Key set, direction and sub-stream of a key."""

    key_set: int
    direction: Direction
    sub_stream: int  # 0 PR, 1 NPR, 2 CPL; others are reserved

    def encode(self) -> int:
        """The byte; reserved bits are 0."""
        if self.key_set not in (0, 1) or not 0 <= self.sub_stream <= 0xF:
            raise IdeKmError(f"{self} does not fit its byte")
        return self.key_set | self.direction << DIRECTION | self.sub_stream << SUB_STREAM

    @classmethod
    def decode(cls, byte: int) -> KeyInfo:
        """From the byte; reserved bits are ignored."""
        return cls(byte & 1, Direction(byte >> DIRECTION & 1), byte >> SUB_STREAM)


@dataclass(frozen=True, slots=True)
class IdeKmObject(ABC):
    """Base of all objects."""

    OBJECT_ID: ClassVar[ObjectId]
    LAYOUT: ClassVar[struct.Struct]

    @abstractmethod
    def encode(self) -> bytes:
        """The bytes behind the protocol id."""

    @classmethod
    def _unpack(cls, raw: bytes) -> tuple[int, ...]:
        """The fields behind the object id; IdeKmError on a wrong id or length."""
        if not raw or raw[0] != cls.OBJECT_ID:
            raise IdeKmError(f"object id {raw[:1].hex() or 'missing'}, not {cls.OBJECT_ID.name}")
        if len(raw) != cls.LAYOUT.size:
            raise IdeKmError(f"{cls.OBJECT_ID.name} of {len(raw)} bytes")
        return cls.LAYOUT.unpack(raw)[1:]


@dataclass(frozen=True, slots=True)
class Query(IdeKmObject):
    """QUERY: what a port has for IDE."""

    OBJECT_ID = ObjectId.QUERY
    LAYOUT = struct.Struct("<BxB")

    port_index: int = 0

    def encode(self) -> bytes:
        return self.LAYOUT.pack(self.OBJECT_ID, self.port_index)

    @classmethod
    def decode(cls, raw: bytes) -> Query:
        """Raises IdeKmError when `raw` is no QUERY."""
        return cls(*cls._unpack(raw))


@dataclass(frozen=True, slots=True)
class QueryResponse(IdeKmObject):
    """QUERY_RESP: where the port is and its IDE registers from IDE Capability on."""

    OBJECT_ID = ObjectId.QUERY_RESP
    LAYOUT = struct.Struct("<BxBBBBB")

    port_index: int
    dev_fn: int
    bus: int
    segment: int
    max_port_index: int
    registers: bytes  # whole little-endian DWs

    def encode(self) -> bytes:
        if len(self.registers) % DWORD:
            raise IdeKmError(f"{len(self.registers)} bytes of registers")
        place = (self.port_index, self.dev_fn, self.bus, self.segment, self.max_port_index)
        return self.LAYOUT.pack(self.OBJECT_ID, *place) + self.registers

    @classmethod
    def decode(cls, raw: bytes) -> QueryResponse:
        """Raises IdeKmError when `raw` is no QUERY_RESP with whole registers."""
        head, registers = raw[: cls.LAYOUT.size], raw[cls.LAYOUT.size :]
        port_index, dev_fn, bus, segment, max_port_index = cls._unpack(head)
        if len(registers) % DWORD:
            raise IdeKmError(f"{len(registers)} bytes of registers")
        return cls(port_index, dev_fn, bus, segment, max_port_index, registers)


@dataclass(frozen=True, slots=True)
class KeyProg(IdeKmObject):
    """KEY_PROG: one key, here in the byte order of the cipher (IDEKM-KP-002)."""

    OBJECT_ID = ObjectId.KEY_PROG
    LAYOUT = struct.Struct(f"<BxxBxBB{KEY_SIZE}s{IFV_SIZE}s")

    stream_id: int
    info: KeyInfo
    key: bytes = field(repr=False)
    port_index: int = 0
    invocation: int = FIRST_INVOCATION

    def encode(self) -> bytes:
        return self.LAYOUT.pack(
            self.OBJECT_ID,
            self.stream_id,
            self.info.encode(),
            self.port_index,
            key_to_wire(self.key),
            ifv_to_wire(self.invocation),
        )

    @classmethod
    def decode(cls, raw: bytes) -> KeyProg:
        """Raises IdeKmError when `raw` is no KEY_PROG."""
        cls._unpack(raw)
        _, stream_id, info, port_index, key, ifv = cls.LAYOUT.unpack(raw)
        return cls(
            stream_id, KeyInfo.decode(info), key_from_wire(key), port_index, ifv_from_wire(ifv)
        )


@dataclass(frozen=True, slots=True)
class KpAck(IdeKmObject):
    """KP_ACK: what became of a KEY_PROG."""

    OBJECT_ID = ObjectId.KP_ACK
    LAYOUT = struct.Struct("<BxxBBBB")

    stream_id: int
    status: int  # see KpStatus
    info: KeyInfo
    port_index: int = 0

    def encode(self) -> bytes:
        info = self.info.encode()
        return self.LAYOUT.pack(self.OBJECT_ID, self.stream_id, self.status, info, self.port_index)

    @classmethod
    def decode(cls, raw: bytes) -> KpAck:
        """Raises IdeKmError when `raw` is no KP_ACK."""
        stream_id, status, info, port_index = cls._unpack(raw)
        return cls(stream_id, status, KeyInfo.decode(info), port_index)

    @property
    def success(self) -> bool:
        """Whether the key was taken."""
        return self.status == KpStatus.SUCCESS


@dataclass(frozen=True, slots=True)
class KeySetObject(IdeKmObject):
    """Common form of K_SET_GO, K_SET_STOP and K_GOSTOP_ACK."""

    LAYOUT = struct.Struct("<BxxBxBB")

    stream_id: int
    info: KeyInfo
    port_index: int = 0

    def encode(self) -> bytes:
        return self.LAYOUT.pack(self.OBJECT_ID, self.stream_id, self.info.encode(), self.port_index)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Raises IdeKmError when `raw` is no such object."""
        stream_id, info, port_index = cls._unpack(raw)
        return cls(stream_id, KeyInfo.decode(info), port_index)


@dataclass(frozen=True, slots=True)
class KSetGo(KeySetObject):
    """K_SET_GO: a programmed key may be used."""

    OBJECT_ID = ObjectId.K_SET_GO


@dataclass(frozen=True, slots=True)
class KSetStop(KeySetObject):
    """K_SET_STOP: a key may no longer be used."""

    OBJECT_ID = ObjectId.K_SET_STOP


@dataclass(frozen=True, slots=True)
class KGoStopAck(KeySetObject):
    """K_GOSTOP_ACK: K_SET_GO or K_SET_STOP was carried out; repeats their fields."""

    OBJECT_ID = ObjectId.K_GOSTOP_ACK


AnyObject = Query | QueryResponse | KeyProg | KpAck | KSetGo | KSetStop | KGoStopAck
_OBJECTS: tuple[type[AnyObject], ...] = (
    Query,
    QueryResponse,
    KeyProg,
    KpAck,
    KSetGo,
    KSetStop,
    KGoStopAck,
)
BY_ID: dict[int, type[AnyObject]] = {int(kind.OBJECT_ID): kind for kind in _OBJECTS}


def decode(raw: bytes) -> AnyObject:
    """Any object; IdeKmError when the id is unknown or the length wrong."""
    kind = BY_ID.get(raw[0]) if raw else None
    if kind is None:
        raise IdeKmError(f"object id {raw[:1].hex() or 'missing'}")
    return kind.decode(raw)
