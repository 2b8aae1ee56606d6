# SPDX-License-Identifier: Apache-2.0
"""Measurement blocks and the set that a device reports (SPDM-MEA-001)."""

from __future__ import annotations

from dataclasses import dataclass

from models.spdm.codes import (
    MEASUREMENT_SPECIFICATION_DMTF,
    BaseHash,
    MeasurementHash,
    MeasurementType,
    SummaryType,
)
from models.spdm.errors import DecodeError
from models.spdm.transcript import digest
from models.spdm.wire import Reader, counted, little

RAW_BIT = 0x80
INDEX_MAX = 0xFE
TCB_TYPES = (MeasurementType.ROM, MeasurementType.FIRMWARE, MeasurementType.HARDWARE_CONFIG)
SECURITY_VERSION_SIZE = 8
BASE_HASH_OF = {
    MeasurementHash.SHA_256: BaseHash.SHA_256,
    MeasurementHash.SHA_384: BaseHash.SHA_384,
    MeasurementHash.SHA_512: BaseHash.SHA_512,
}


def measured(
    index: int, kind: int, content: bytes, algorithm: MeasurementHash, *, raw: bool = False
) -> Measurement:
    """A block that holds `content` as it is, or its digest."""
    as_it_is = raw or algorithm == MeasurementHash.RAW
    value = content if as_it_is else digest(BASE_HASH_OF[algorithm], content)
    return Measurement(index, kind, value, as_it_is)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One DMTF measurement block."""

    index: int  # 1 to 254
    kind: int  # see MeasurementType
    value: bytes  # a digest, or the bytes themselves when `raw`
    raw: bool = False

    def encode(self) -> bytes:
        """The whole block."""
        kind = self.kind | (RAW_BIT if self.raw else 0)
        body = little("value type", kind, 1) + counted("measurement value", self.value)
        head = little("index", self.index, 1) + bytes((MEASUREMENT_SPECIFICATION_DMTF,))
        return head + counted("measurement", body)

    @classmethod
    def parse(cls, reader: Reader) -> Measurement:
        """The next block of a record; DecodeError when its lengths disagree."""
        index, specification = reader.number(1), reader.number(1)
        if specification != MEASUREMENT_SPECIFICATION_DMTF:
            raise DecodeError(f"measurement {index}: specification {specification} is not DMTF")
        inner = Reader(reader.counted())
        kind, value = inner.number(1), inner.counted()
        inner.finish()
        return cls(index, kind & ~RAW_BIT, value, raw=bool(kind & RAW_BIT))


def decode_record(record: bytes, count: int) -> tuple[Measurement, ...]:
    """The `count` blocks of a measurement record; DecodeError unless they are all of it."""
    reader = Reader(record)
    blocks = tuple(Measurement.parse(reader) for _ in range(count))
    reader.finish()
    return blocks


def summary_hash(blocks: tuple[Measurement, ...], kind: int, base_hash: BaseHash) -> bytes:
    """Hash over whole blocks: all of them, or those of the trusted computing base."""
    tcb_only = kind == SummaryType.TCB
    chosen = (block for block in blocks if not tcb_only or block.kind in TCB_TYPES)
    return digest(base_hash, b"".join(block.encode() for block in chosen))


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What a device measures about itself."""

    firmware: bytes = b"tdisp-device firmware"
    hardware_config: bytes = b"tdisp-device hardware configuration"
    version: str = "1.0.0"
    security_version: int = 1
    device_mode: bytes = bytes(16)  # operational and device mode: supported, current

    def measurements(
        self, algorithm: MeasurementHash = MeasurementHash.SHA_384
    ) -> tuple[Measurement, ...]:
        """The blocks, with indices from 1 without a gap."""
        security_version = self.security_version.to_bytes(SECURITY_VERSION_SIZE, "little")
        values = (
            (MeasurementType.FIRMWARE, self.firmware, False),
            (MeasurementType.HARDWARE_CONFIG, self.hardware_config, False),
            (MeasurementType.DEVICE_MODE, self.device_mode, True),
            (MeasurementType.VERSION, self.version.encode(), True),
            (MeasurementType.SECURITY_VERSION, security_version, True),
        )
        return tuple(
            measured(number, kind, value, algorithm, raw=raw)
            for number, (kind, value, raw) in enumerate(values, start=1)
        )
