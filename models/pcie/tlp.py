# SPDX-License-Identifier: Apache-2.0
"""Raw TLPs of non-flit mode: one frozen dataclass, to and from wire bytes.

`pack` and `unpack` only care for the place of the fields; `check` applies the rules that make a
TLP Malformed. `encode` is check and pack, `decode` is unpack and check: attacks use the former
pair, everybody else the latter. IDE TLPs are decrypted first (`models.ide.stream`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from models.pcie import tlp_rules
from models.pcie.codes import CplStatus, FmtType
from models.pcie.errors import Rule, TlpError
from models.pcie.layout import (
    COMPLETIONS,
    CONFIG_REQUESTS,
    DW,
    IDE_PREFIX_BYTE,
    MEMORY_WRITES,
    MESSAGES,
    PAGE,
    PASID_BITS,
    PASID_PREFIX_BYTE,
    Framing,
    has_data,
    header_size,
)

__all__ = ["DW", "PAGE", "Rule", "Tlp", "TlpError"]

TH = 1  # in byte 1 of the header
DECODED = 64  # TLPs that are kept: monitors, scoreboard and host decode each one again


@dataclass(frozen=True, slots=True)
class Tlp:
    """One TLP. Fields that its type does not have stay at their defaults.

    Addresses, `register`, `byte_count` and `lower_address` count bytes, `length` counts DWs.
    `payload` is in wire byte order. IDs are 16-bit bus/device/function numbers.
    """

    fmt_type: FmtType
    length: int = 0  # DWs, 1 to 1024; 0 for completions and messages without data
    tc: int = 0
    attr: int = 0  # bit 0 No Snoop, bit 1 Relaxed Ordering, bit 2 ID-Based Ordering
    at: int = 0
    th: bool = False  # with th, the byte-enable byte of a read is the Steering Tag
    ph: int = 0  # Processing Hint of a memory request with th
    ep: bool = False
    requester_id: int = 0
    tag: int = 0
    first_be: int = 0
    last_be: int = 0
    address: int = 0
    completer_id: int = 0  # completer of a completion, target of a configuration request
    status: int = CplStatus.SC
    bcm: bool = False
    byte_count: int = 0
    lower_address: int = 0
    register: int = 0  # byte offset in configuration space
    message_code: int = 0
    message: bytes = bytes(8)  # bytes 8 to 15 of a message
    payload: bytes = b""
    digest: bytes = b""  # ECRC, four bytes where TD is set
    prefixes: tuple[bytes, ...] = ()  # four bytes each, local ones before End-End ones

    # ------------------------------------------------------------------ what it is

    @property
    def td(self) -> bool:
        """TLP Digest present."""
        return bool(self.digest)

    @property
    def is_completion(self) -> bool:
        """Cpl, CplD or a locked completion."""
        return self.fmt_type in COMPLETIONS

    @property
    def is_config(self) -> bool:
        """A configuration request of type 0 or 1."""
        return self.fmt_type in CONFIG_REQUESTS

    @property
    def is_message(self) -> bool:
        """Msg or MsgD."""
        return self.fmt_type in MESSAGES

    @property
    def steering_tag(self) -> int:
        """Steering Tag of a memory request with th: where it needs its tag, in the byte enables."""
        return (
            self.tag & 0xFF if self.fmt_type in MEMORY_WRITES else self.last_be << 4 | self.first_be
        )

    @property
    def has_pasid(self) -> bool:
        """Whether a PASID comes with it."""
        return self.pasid_fields is not None

    @property
    def pasid_fields(self) -> int | None:
        """Bytes 1 to 3 of the PASID prefix: what is asked for besides, and the PASID."""
        for prefix in self.prefixes:
            if prefix[0] == PASID_PREFIX_BYTE:
                return int.from_bytes(prefix[1:], "big")
        return None

    @property
    def pasid(self) -> int | None:
        """The PASID that comes with it."""
        fields = self.pasid_fields
        return None if fields is None else fields & (1 << PASID_BITS) - 1

    def with_pasid(self, pasid: int | None) -> Tlp:
        """The same with a PASID behind all other prefixes, neither execution nor privileges."""
        if pasid is None:
            return self
        value = _field("pasid", pasid, PASID_BITS)
        prefix = bytes([PASID_PREFIX_BYTE]) + value.to_bytes(DW - 1, "big")
        return replace(self, prefixes=(*self.prefixes, prefix))

    @property
    def has_data(self) -> bool:
        """Whether the type carries a payload."""
        return has_data(self.fmt_type)

    # ------------------------------------------------------------------ bytes

    def encode(self) -> bytes:
        """The bytes on the wire; raises TlpError when the TLP breaks a rule."""
        self.check()
        return self.pack()

    @classmethod
    def decode(cls, raw: bytes) -> Tlp:
        """The TLP in `raw`; raises TlpError when it is Malformed or still an IDE TLP."""
        return _decode(bytes(raw))

    def check(self) -> None:
        """Raise TlpError when the TLP breaks a rule of its type."""
        tlp_rules.check(self)

    def pack(self) -> bytes:
        """The bytes on the wire without rule checks; fields must fit (Rule.FIELD)."""
        length = 0 if self.length == 1024 else self.length
        dw0 = (
            _field("fmt_type", self.fmt_type, 8) << 24
            | _field("tag", self.tag, 10) >> 9 << 23
            | _field("tc", self.tc, 3) << 20
            | (self.tag >> 8 & 1) << 19
            | _field("attr", self.attr, 3) >> 2 << 18
            | int(self.th) << 16
            | int(self.td) << 15
            | int(self.ep) << 14
            | (self.attr & 3) << 12
            | _field("at", self.at, 2) << 10
            | _field("length", length, 10)
        )
        body = self._pack_completion() if self.is_completion else self._pack_request()
        header = dw0.to_bytes(4, "big") + body
        return b"".join([*self.prefixes, header, self.payload, self.digest])

    def _pack_completion(self) -> bytes:
        count = 0 if self.byte_count == 4096 else self.byte_count
        dw1 = (
            _field("completer_id", self.completer_id, 16) << 16
            | _field("status", self.status, 3) << 13
            | int(self.bcm) << 12
            | _field("byte_count", count, 12)
        )
        dw2 = (
            _field("requester_id", self.requester_id, 16) << 16
            | (self.tag & 0xFF) << 8
            | _field("lower_address", self.lower_address, 7)
        )
        return dw1.to_bytes(4, "big") + dw2.to_bytes(4, "big")

    def _pack_request(self) -> bytes:
        enables = _field("last_be", self.last_be, 4) << 4 | _field("first_be", self.first_be, 4)
        last = _field("message_code", self.message_code, 8) if self.is_message else enables
        dw1 = _field("requester_id", self.requester_id, 16) << 16 | (self.tag & 0xFF) << 8 | last
        return dw1.to_bytes(4, "big") + self._pack_target()

    def _pack_target(self) -> bytes:
        if self.is_message:
            if len(self.message) != 8:
                raise TlpError(Rule.FIELD, f"message has {len(self.message)} bytes, not 8")
            return self.message
        if self.is_config:
            target = _field("completer_id", self.completer_id, 16) << 16
            return (target | _field("register", self.register, 12)).to_bytes(4, "big")
        if self.address & 3:
            raise TlpError(Rule.FIELD, f"address {self.address:#x} is no DW address")
        if self.ph and not self.th:
            raise TlpError(Rule.FIELD, f"Processing Hint {self.ph} without TH")
        size = header_size(self.fmt_type) - 8
        address = _field("address", self.address, 8 * size) | _field("ph", self.ph, 2)
        return address.to_bytes(size, "big")

    @classmethod
    def unpack(cls, raw: bytes) -> Tlp:
        """The fields in `raw` without rule checks, but for the number of bytes and the type."""
        framing = Framing.of(raw)
        if any(prefix[0] == IDE_PREFIX_BYTE for prefix in framing.prefixes):
            raise TlpError(Rule.IDE_TLP, f"{len(raw)} bytes")
        header, rest = raw[framing.start : framing.data_start], raw[framing.data_start :]
        size = framing.data_size
        expected = size + (DW if framing.td else 0)
        if len(rest) != expected:
            raise TlpError(Rule.LENGTH, f"{len(rest)} bytes follow the header, expected {expected}")
        return _unpack_header(framing, header, rest[:size], rest[size:])

    # ------------------------------------------------------------------ constructors

    @classmethod
    def mem_read(cls, requester_id: int, address: int, length: int, tag: int = 0) -> Tlp:
        """Read `length` bytes at any byte address; 0 bytes is the zero-length read."""
        dws, first, last = _window(address, length)
        base = address & ~3
        kind = FmtType.MRD32 if base < 1 << 32 else FmtType.MRD64
        return cls(
            kind,
            length=dws,
            requester_id=requester_id,
            tag=tag,
            first_be=first,
            last_be=last,
            address=base,
        )

    @classmethod
    def mem_write(cls, requester_id: int, address: int, data: bytes, tag: int = 0) -> Tlp:
        """Write `data` at any byte address; bytes outside it are not enabled and 0."""
        dws, first, last = _window(address, len(data))
        base, lead = address & ~3, address & 3
        kind = FmtType.MWR32 if base < 1 << 32 else FmtType.MWR64
        return cls(
            kind,
            length=dws,
            requester_id=requester_id,
            tag=tag,
            first_be=first,
            last_be=last,
            address=base,
            payload=(bytes(lead) + data).ljust(DW * dws, bytes(1)),
        )

    @classmethod
    def cfg_read(
        cls, requester_id: int, target: int, register: int, tag: int = 0, *, kind: int = 0
    ) -> Tlp:
        """Read the DW at byte offset `register` of function `target`; `kind` is 0 or 1."""
        return cls(
            (FmtType.CFGRD0, FmtType.CFGRD1)[kind],
            length=1,
            requester_id=requester_id,
            tag=tag,
            first_be=0xF,
            completer_id=target,
            register=register,
        )

    @classmethod
    def cfg_write(
        cls,
        requester_id: int,
        target: int,
        register: int,
        value: int,
        tag: int = 0,
        *,
        kind: int = 0,
    ) -> Tlp:
        """Write the DW `value`; `kind` is 0 or 1."""
        return cls(
            (FmtType.CFGWR0, FmtType.CFGWR1)[kind],
            length=1,
            requester_id=requester_id,
            tag=tag,
            first_be=0xF,
            completer_id=target,
            register=register,
            payload=value.to_bytes(DW, "little"),
        )

    @classmethod
    def cpl(cls, completer_id: int, request: Tlp, status: CplStatus, byte_count: int = 4) -> Tlp:
        """Completion without data for `request`."""
        return cls(
            FmtType.CPL,
            tc=request.tc,
            attr=request.attr,
            requester_id=request.requester_id,
            tag=request.tag,
            completer_id=completer_id,
            status=status,
            byte_count=byte_count,
        )

    @classmethod
    def cpld(
        cls, completer_id: int, request: Tlp, payload: bytes, byte_count: int, lower_address: int
    ) -> Tlp:
        """Successful completion of `request` with `payload`, whole DWs."""
        return cls(
            FmtType.CPLD,
            length=len(payload) // DW,
            tc=request.tc,
            attr=request.attr,
            requester_id=request.requester_id,
            tag=request.tag,
            completer_id=completer_id,
            byte_count=byte_count,
            lower_address=lower_address,
            payload=payload,
        )

    @classmethod
    def msg(
        cls, requester_id: int, code: int, message: bytes, kind: FmtType = FmtType.MSG_LOCAL
    ) -> Tlp:
        """Message without data; `kind` gives the routing, `message` the bytes 8 to 15."""
        return cls(kind, requester_id=requester_id, message_code=code, message=message)

    @classmethod
    def msgd(
        cls, requester_id: int, code: int, message: bytes, payload: bytes, kind: FmtType
    ) -> Tlp:
        """Message with `payload`, whole DWs."""
        return cls(
            kind,
            length=len(payload) // DW,
            requester_id=requester_id,
            message_code=code,
            message=message,
            payload=payload,
        )


def _field(name: str, value: int, width: int) -> int:
    if not 0 <= value < 1 << width:
        raise TlpError(Rule.FIELD, f"{name} = {value:#x}, {width} bits")
    return int(value)


def _window(address: int, length: int) -> tuple[int, int, int]:
    """DWs, first and last byte enables of `length` bytes at `address`."""
    lead = address & 3
    if length == 0:
        return 1, 0, 0
    dws = (lead + length + 3) // DW
    end = (lead + length - 1) & 3
    first, last = 0xF << lead & 0xF, 0xF >> (3 - end)
    return (1, first & last, 0) if dws == 1 else (dws, first, last)


def _unpack_header(framing: Framing, header: bytes, payload: bytes, digest: bytes) -> Tlp:
    dw0 = int.from_bytes(header[:4], "big")
    kind = framing.fmt_type
    sized = has_data(kind) or not (kind in COMPLETIONS or kind in MESSAGES)
    own = _completion_fields(header) if kind in COMPLETIONS else _request_fields(kind, header)
    return Tlp(
        kind,
        length=((dw0 & 0x3FF) or 1024) if sized else 0,
        tc=dw0 >> 20 & 7,
        attr=(dw0 >> 18 & 1) << 2 | dw0 >> 12 & 3,
        at=dw0 >> 10 & 3,
        th=bool(dw0 >> 16 & 1),
        ep=bool(dw0 >> 14 & 1),
        tag=(dw0 >> 23 & 1) << 9 | (dw0 >> 19 & 1) << 8 | header[10 if kind in COMPLETIONS else 6],
        payload=payload,
        digest=digest,
        prefixes=framing.prefixes,
        **own,
    )


def _completion_fields(header: bytes) -> dict[str, Any]:
    return {
        "completer_id": int.from_bytes(header[4:6], "big"),
        "status": header[6] >> 5,
        "bcm": bool(header[6] >> 4 & 1),
        "byte_count": (int.from_bytes(header[6:8], "big") & 0xFFF) or 4096,
        "requester_id": int.from_bytes(header[8:10], "big"),
        "lower_address": header[11] & 0x7F,
    }


def _request_fields(kind: FmtType, header: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {"requester_id": int.from_bytes(header[4:6], "big")}
    if kind in MESSAGES:
        return fields | {"message_code": header[7], "message": header[8:16]}
    fields |= {"first_be": header[7] & 0xF, "last_be": header[7] >> 4}
    if kind in CONFIG_REQUESTS:
        register = int.from_bytes(header[10:12], "big") & 0xFFC
        return fields | {"completer_id": int.from_bytes(header[8:10], "big"), "register": register}
    address = int.from_bytes(header[8:], "big")
    return fields | {"address": address & ~3, "ph": address & 3 if header[1] & TH else 0}


@lru_cache(maxsize=DECODED)
def _decode(raw: bytes) -> Tlp:
    tlp = Tlp.unpack(raw)
    tlp.check()
    return tlp
