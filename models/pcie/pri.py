# SPDX-License-Identifier: Apache-2.0
"""Page Requests and the responses to groups of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from models.pcie.codes import FmtType, MessageCode
from models.pcie.layout import PAGE
from models.pcie.tlp import Tlp

READ, WRITE, LAST = 1 << 0, 1 << 1, 1 << 2
INDEX_SHIFT = 3  # of the Page Request Group Index in a Page Request
INDEX_MASK = 0x1FF
CODE_SHIFT = 12  # of the Response Code in a PRG Response


class ResponseCode(IntEnum):
    """What a PRG Response says; other values count as FAILURE."""

    SUCCESS = 0x0
    INVALID = 0x1
    FAILURE = 0xF


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A function asks for a page to be made there."""

    requester_id: int
    page: int  # address of its first byte
    index: int  # Page Request Group Index
    read: bool = True
    write: bool = True
    last: bool = True

    def tlp(self) -> Tlp:
        """As a message."""
        flags = self.read * READ | self.write * WRITE | self.last * LAST
        value = self.page & -PAGE | self.index << INDEX_SHIFT | flags
        return Tlp.msg(
            self.requester_id,
            MessageCode.PAGE_REQUEST,
            value.to_bytes(8, "big"),
            FmtType.MSG_RC,
        )

    @classmethod
    def of(cls, tlp: Tlp) -> PageRequest | None:
        """From a message; None for any other."""
        if tlp.fmt_type is not FmtType.MSG_RC or tlp.message_code != MessageCode.PAGE_REQUEST:
            return None
        value = int.from_bytes(tlp.message, "big")
        return cls(
            tlp.requester_id,
            value & -PAGE,
            value >> INDEX_SHIFT & INDEX_MASK,
            bool(value & READ),
            bool(value & WRITE),
            bool(value & LAST),
        )


@dataclass(frozen=True, slots=True)
class PageResponse:
    """The host answers a Page Request Group."""

    requester_id: int  # of the host
    target: int  # Requester ID of the function
    index: int
    code: int = ResponseCode.SUCCESS

    def tlp(self) -> Tlp:
        """As a message."""
        fields = self.code << CODE_SHIFT | self.index
        message = self.target.to_bytes(2, "big") + fields.to_bytes(2, "big") + bytes(4)
        return Tlp.msg(self.requester_id, MessageCode.PRG_RESPONSE, message, FmtType.MSG_ID)

    @classmethod
    def of(cls, tlp: Tlp) -> PageResponse | None:
        """From a message; None for any other, and for one that is poisoned."""
        if tlp.fmt_type is not FmtType.MSG_ID or tlp.message_code != MessageCode.PRG_RESPONSE:
            return None
        if tlp.ep:
            return None
        fields = int.from_bytes(tlp.message[2:4], "big")
        target = int.from_bytes(tlp.message[:2], "big")
        return cls(tlp.requester_id, target, fields & INDEX_MASK, fields >> CODE_SHIFT)
