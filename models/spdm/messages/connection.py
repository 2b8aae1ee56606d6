# SPDX-License-Identifier: Apache-2.0
"""Version, capabilities and algorithms (SPDM-VCA-001).

Capabilities have grown with the versions: flags from 1.1 on in the request, sizes from 1.2 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from models.spdm.codes import (
    MEASUREMENT_SPECIFICATION_DMTF,
    OPAQUE_FORMAT_1,
    VERSION_1_0,
    VERSION_1_1,
    VERSION_1_2,
    Request,
    Response,
)
from models.spdm.errors import DecodeError
from models.spdm.messages.base import Header, Message, Shape
from models.spdm.wire import Reader, little

TABLE_FIXED_COUNT = 0x20  # two bytes of supported algorithms, no external ones
TABLE_SIZE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVersion(Message):
    """GET_VERSION: 4 bytes, header version 1.0."""

    CODE: ClassVar[int] = Request.GET_VERSION

    version: int = VERSION_1_0


@dataclass(frozen=True, slots=True, kw_only=True)
class Version(Message):
    """VERSION: the list of supported versions, header version 1.0."""

    CODE: ClassVar[int] = Response.VERSION

    version: int = VERSION_1_0
    entries: tuple[int, ...] = (VERSION_1_2 << 8,)  # 15:12 major, 11:8 minor, update, alpha

    def _body(self) -> bytes:
        entries = b"".join(little("version entry", entry, 2) for entry in self.entries)
        return b"\0" + little("entry count", len(self.entries), 1) + entries

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        reader.take(1)
        count = reader.number(1)
        entries = tuple(reader.number(2) for _ in range(count))
        return cls(version=header.version, entries=entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _CapabilityExchange(Message):
    FLAGS_SINCE: ClassVar[int] = VERSION_1_0

    ct_exponent: int = 0  # cryptographic timeout: 2^n microseconds
    flags: int = 0  # bits, see Capability
    data_transfer_size: int = 0  # bytes
    max_message_size: int = 0  # bytes
    attributes: int = 0  # param1; bit 0 asks for all algorithms, from version 1.3 on

    def _params(self) -> tuple[int, int]:
        return self.attributes, 0

    def _body(self) -> bytes:
        if self.version < self.FLAGS_SINCE:
            return b""
        flags = little("CTExponent", self.ct_exponent, 1) + bytes(2)
        body = b"\0" + flags + little("flags", self.flags, 4)
        if self.version < VERSION_1_2:
            return body
        return (
            body
            + little("DataTransferSize", self.data_transfer_size, 4)
            + little("MaxSPDMmsgSize", self.max_message_size, 4)
        )

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        ct_exponent = flags = transfer = largest = 0
        if header.version >= cls.FLAGS_SINCE:
            reader.take(1)
            ct_exponent = reader.number(1)
            reader.take(2)
            flags = reader.number(4)
        if header.version >= VERSION_1_2:
            transfer, largest = reader.number(4), reader.number(4)
        return cls(
            version=header.version,
            ct_exponent=ct_exponent,
            flags=flags,
            data_transfer_size=transfer,
            max_message_size=largest,
            attributes=header.param1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapabilities(_CapabilityExchange):
    """GET_CAPABILITIES: 4, 12 or 20 bytes."""

    CODE: ClassVar[int] = Request.GET_CAPABILITIES
    FLAGS_SINCE: ClassVar[int] = VERSION_1_1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities(_CapabilityExchange):
    """CAPABILITIES: 12 or 20 bytes."""

    CODE: ClassVar[int] = Response.CAPABILITIES


@dataclass(frozen=True, slots=True)
class AlgorithmTable:
    """One algorithm structure: offered bits in a request, the selected bit in a response."""

    kind: int  # see TableType
    bits: int

    def encode(self) -> bytes:
        """Four bytes."""
        kind = little("AlgType", self.kind, 1)
        return kind + bytes((TABLE_FIXED_COUNT,)) + little("AlgSupported", self.bits, 2)


def _table_count(header: Header) -> int:
    """Number of algorithm tables; version 1.0 has none and a reserved byte in its place."""
    return header.param1 if header.version > VERSION_1_0 else 0


def _parse_tables(reader: Reader, count: int) -> tuple[AlgorithmTable, ...]:
    tables: list[AlgorithmTable] = []
    for _ in range(count):
        kind, size = reader.number(1), reader.number(1)
        if size >> 4 != TABLE_FIXED_COUNT >> 4:
            raise DecodeError(f"AlgCount 0x{size:02x}, expected 2 bytes of fixed algorithms")
        if tables and kind <= tables[-1].kind:
            raise DecodeError(f"algorithm table {kind} does not ascend")
        tables.append(AlgorithmTable(kind, reader.number(2)))
        reader.take(4 * (size & 0xF))  # external algorithms are never selected
    return tuple(tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiateAlgorithms(Message):
    """NEGOTIATE_ALGORITHMS; external algorithms are accepted and dropped when decoding."""

    CODE: ClassVar[int] = Request.NEGOTIATE_ALGORITHMS
    FIXED_SIZE: ClassVar[int] = 32

    measurement_specification: int = MEASUREMENT_SPECIFICATION_DMTF
    other_params: int = OPAQUE_FORMAT_1
    base_asym: int  # bits, see BaseAsym
    base_hash: int  # bits, see BaseHash
    mel_specification: int = 0
    tables: tuple[AlgorithmTable, ...]

    def _params(self) -> tuple[int, int]:
        return len(self.tables), 0

    def _body(self) -> bytes:
        return (
            little("Length", self.FIXED_SIZE + TABLE_SIZE * len(self.tables), 2)
            + little("MeasurementSpecification", self.measurement_specification, 1)
            + little("OtherParamsSupport", self.other_params, 1)
            + little("BaseAsymAlgo", self.base_asym, 4)
            + little("BaseHashAlgo", self.base_hash, 4)
            + bytes(4 + 8 + 3)
            + little("MELspecification", self.mel_specification, 1)
            + b"".join(table.encode() for table in self.tables)
        )

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        length, specification, other = (reader.number(size) for size in (2, 1, 1))
        base_asym, base_hash = reader.number(4), reader.number(4)
        reader.take(4 + 8)
        external_asym, external_hash = reader.number(1), reader.number(1)
        reader.take(1)
        mel_specification = reader.number(1)
        reader.take(4 * (external_asym + external_hash))
        tables = _parse_tables(reader, _table_count(header))
        if length != reader.position:
            raise DecodeError(f"Length {length}, expected {reader.position}")
        return cls(
            version=header.version,
            measurement_specification=specification,
            other_params=other,
            base_asym=base_asym,
            base_hash=base_hash,
            mel_specification=mel_specification,
            tables=tables,
        )

    def table(self, kind: int) -> int | None:
        """The bits of the table `kind`, None when it is not in the message."""
        return next((table.bits for table in self.tables if table.kind == kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithms(Message):
    """ALGORITHMS: what the responder selected."""

    CODE: ClassVar[int] = Response.ALGORITHMS
    FIXED_SIZE: ClassVar[int] = 36

    measurement_specification: int = MEASUREMENT_SPECIFICATION_DMTF
    other_params: int = OPAQUE_FORMAT_1
    measurement_hash: int  # see MeasurementHash
    base_asym: int  # one bit of BaseAsym
    base_hash: int  # one bit of BaseHash
    mel_specification: int = 0
    tables: tuple[AlgorithmTable, ...]

    def _params(self) -> tuple[int, int]:
        return len(self.tables), 0

    def _body(self) -> bytes:
        return (
            little("Length", self.FIXED_SIZE + TABLE_SIZE * len(self.tables), 2)
            + little("MeasurementSpecificationSel", self.measurement_specification, 1)
            + little("OtherParamsSelection", self.other_params, 1)
            + little("MeasurementHashAlgo", self.measurement_hash, 4)
            + little("BaseAsymSel", self.base_asym, 4)
            + little("BaseHashSel", self.base_hash, 4)
            + bytes(4 + 7)
            + little("MELspecificationSel", self.mel_specification, 1)
            + bytes(4)
            + b"".join(table.encode() for table in self.tables)
        )

    @classmethod
    def _parse(cls, header: Header, reader: Reader, shape: Shape) -> Self:
        length, specification, other = (reader.number(size) for size in (2, 1, 1))
        measurement_hash, base_asym, base_hash = (reader.number(4) for _ in range(3))
        reader.take(4 + 7)
        mel_specification = reader.number(1)
        external_asym, external_hash = reader.number(1), reader.number(1)
        reader.take(2 + 4 * (external_asym + external_hash))
        tables = _parse_tables(reader, _table_count(header))
        if length != reader.position:
            raise DecodeError(f"Length {length}, expected {reader.position}")
        return cls(
            version=header.version,
            measurement_specification=specification,
            other_params=other,
            measurement_hash=measurement_hash,
            base_asym=base_asym,
            base_hash=base_hash,
            mel_specification=mel_specification,
            tables=tables,
        )

    def table(self, kind: int) -> int | None:
        """The bits of the table `kind`, None when it is not in the message."""
        return next((table.bits for table in self.tables if table.kind == kind), None)
