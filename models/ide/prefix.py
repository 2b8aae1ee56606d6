# SPDX-License-Identifier: Apache-2.0
"""The IDE TLP prefix and the parts of an IDE TLP in non-flit mode."""

from __future__ import annotations

from dataclasses import dataclass

from models.ide.codes import MAC_SIZE, PCRC_SIZE, PrefixBit, PrefixByte
from models.ide.errors import IdeError, IdeFailure
from models.pcie.errors import TlpError
from models.pcie.layout import DW, END_TO_END, FMT_PREFIX, IDE_PREFIX_BYTE, Framing


@dataclass(frozen=True, slots=True)
class IdePrefix:
    """Fields of the IDE TLP prefix (IDE-TLP-001). `sub_stream` may hold a reserved value."""

    stream_id: int
    sub_stream: int
    t: bool
    k: int = 0
    pr_sent_counter: int = 0
    m: bool = True
    p: bool = False

    def encode(self) -> bytes:
        """Four bytes; the reserved bit is 0 (IDE-TLP-008)."""
        flags = (
            self.t << PrefixBit.T
            | self.k << PrefixBit.K
            | self.m << PrefixBit.M
            | self.p << PrefixBit.P
            | self.sub_stream << PrefixBit.SUB_STREAM
        )
        return bytes([IDE_PREFIX_BYTE, self.pr_sent_counter, self.stream_id, flags])

    @classmethod
    def decode(cls, raw: bytes) -> IdePrefix:
        """Raises IdeError when the four bytes are no IDE TLP prefix."""
        if len(raw) != DW or raw[PrefixByte.TYPE] != IDE_PREFIX_BYTE:
            raise IdeError(IdeFailure.NOT_IDE, raw.hex())
        flags = raw[PrefixByte.FLAGS]
        return cls(
            stream_id=raw[PrefixByte.STREAM_ID],
            sub_stream=flags >> PrefixBit.SUB_STREAM & 7,
            t=bool(flags >> PrefixBit.T & 1),
            k=flags >> PrefixBit.K & 1,
            pr_sent_counter=raw[PrefixByte.PR_SENT_COUNTER],
            m=bool(flags >> PrefixBit.M & 1),
            p=bool(flags >> PrefixBit.P & 1),
        )


def prefix_offset(wire: bytes) -> int | None:
    """Offset of the IDE TLP prefix behind the local prefixes; None for a plain TLP."""
    at = 0
    while at + DW <= len(wire) and wire[at] >> 5 == FMT_PREFIX and not wire[at] & END_TO_END:
        at += DW
    return at if at + DW <= len(wire) and wire[at] == IDE_PREFIX_BYTE else None


def peek(wire: bytes) -> IdePrefix | None:
    """The IDE TLP prefix of a TLP on the wire; None for a plain TLP."""
    at = prefix_offset(wire)
    return None if at is None else IdePrefix.decode(wire[at : at + DW])


@dataclass(frozen=True, slots=True)
class IdeParts:
    """An IDE TLP taken apart. `data` is as on the wire, `trailer` is PCRC and MAC."""

    local_prefixes: bytes
    prefix: IdePrefix
    prefix_raw: bytes
    rest: bytes  # other End-End prefixes and the header
    data: bytes
    trailer: bytes
    framing: Framing

    @property
    def aad(self) -> bytes:
        """What the MAC of a selective stream covers besides the data (IDE-GCM-004)."""
        return self.prefix_raw + self.rest

    @property
    def trailer_size(self) -> int:
        """Bytes that M and P announce behind the data."""
        return (MAC_SIZE if self.prefix.m else 0) + (PCRC_SIZE if self.prefix.p else 0)

    @classmethod
    def of(cls, wire: bytes) -> IdeParts:
        """Raises IdeError NOT_IDE or MALFORMED."""
        at = prefix_offset(wire)
        if at is None:
            raise IdeError(IdeFailure.NOT_IDE, wire[:DW].hex())
        try:
            framing = Framing.of(wire)
        except TlpError as error:
            raise IdeError(IdeFailure.MALFORMED, str(error)) from error
        start, end = framing.data_start, framing.data_start + framing.data_size
        if len(wire) < end:
            raise IdeError(IdeFailure.MALFORMED, f"{len(wire)} bytes, data end at {end}")
        return cls(
            local_prefixes=wire[:at],
            prefix=IdePrefix.decode(wire[at : at + DW]),
            prefix_raw=wire[at : at + DW],
            rest=wire[at + DW : start],
            data=wire[start:end],
            trailer=wire[end:],
            framing=framing,
        )
