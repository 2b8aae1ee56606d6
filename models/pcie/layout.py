# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a raw TLP are: prefixes, header, data. Shared by the codec and by IDE."""

from __future__ import annotations

from dataclasses import dataclass

from models.pcie.codes import FmtType
from models.pcie.errors import Rule, TlpError

DW = 4
PAGE = 0x1000
FMT_PREFIX = 0b100
END_TO_END = 0x10  # bit 4 of a prefix's type
IDE_PREFIX_BYTE = 0x92
PASID_PREFIX_BYTE = 0x91
PASID_BITS = 20

COMPLETIONS = frozenset({FmtType.CPL, FmtType.CPLD, FmtType.CPLLK, FmtType.CPLDLK})
CONFIG_REQUESTS = frozenset({FmtType.CFGRD0, FmtType.CFGRD1, FmtType.CFGWR0, FmtType.CFGWR1})
FMT_TYPES = frozenset(FmtType)
IO_REQUESTS = frozenset({FmtType.IORD, FmtType.IOWR})
MEMORY_READS = frozenset({FmtType.MRD32, FmtType.MRD64, FmtType.MRDLK32, FmtType.MRDLK64})
MEMORY_WRITES = frozenset({FmtType.MWR32, FmtType.MWR64})
DEFERRABLE_WRITES = frozenset({FmtType.DMWR32, FmtType.DMWR64})
ATOMICS = frozenset(
    {
        FmtType.FETCH_ADD32,
        FmtType.FETCH_ADD64,
        FmtType.SWAP32,
        FmtType.SWAP64,
        FmtType.CAS32,
        FmtType.CAS64,
    }
)
MESSAGES = frozenset(kind for kind in FmtType if kind.name.startswith("MSG"))
MEMORY_REQUESTS = MEMORY_READS | MEMORY_WRITES | DEFERRABLE_WRITES | ATOMICS
POSTED = MEMORY_WRITES | MESSAGES
NON_POSTED = (MEMORY_REQUESTS - MEMORY_WRITES) | CONFIG_REQUESTS | IO_REQUESTS


def has_data(kind: FmtType) -> bool:
    """Whether Fmt says "with data"."""
    return bool(kind & 0x40)


def header_size(kind: FmtType) -> int:
    """Bytes of the header: 12 or 16."""
    return 16 if kind & 0x20 else 12


@dataclass(frozen=True, slots=True)
class Framing:
    """What the prefixes and the first DW of the header say about the parts of a TLP."""

    prefixes: tuple[bytes, ...]
    fmt_type: FmtType
    td: bool
    tc: int
    data_size: int  # bytes of payload; 0 for types without data

    @property
    def start(self) -> int:
        """Offset of the header."""
        return DW * len(self.prefixes)

    @property
    def data_start(self) -> int:
        """Offset of the payload."""
        return self.start + header_size(self.fmt_type)

    @classmethod
    def of(cls, raw: bytes) -> Framing:
        """Read prefixes and first header DW; raises TlpError when there is no whole header."""
        prefixes = _prefixes(raw)
        start = DW * len(prefixes)
        if len(raw) < start + 12:
            raise TlpError(Rule.TRUNCATED, f"{len(raw)} bytes")
        if raw[start] not in FMT_TYPES:
            raise TlpError(Rule.TYPE, f"byte 0 is {raw[start]:02x}")
        kind = FmtType(raw[start])
        if len(raw) < start + header_size(kind):
            raise TlpError(Rule.TRUNCATED, f"{len(raw)} bytes")
        length = (int.from_bytes(raw[start + 2 : start + 4], "big") & 0x3FF) or 1024
        return cls(
            prefixes=prefixes,
            fmt_type=kind,
            td=bool(raw[start + 2] & 0x80),
            tc=raw[start + 1] >> 4 & 7,
            data_size=DW * length if has_data(kind) else 0,
        )


def _prefixes(raw: bytes) -> tuple[bytes, ...]:
    prefixes: list[bytes] = []
    while len(raw) > DW * len(prefixes) and raw[DW * len(prefixes)] >> 5 == FMT_PREFIX:
        at = DW * len(prefixes)
        if prefixes and prefixes[-1][0] & END_TO_END and not raw[at] & END_TO_END:
            raise TlpError(Rule.PREFIX, "a local prefix follows an End-End prefix")
        prefixes.append(raw[at : at + DW])
    return tuple(prefixes)
