# SPDX-License-Identifier: Apache-2.0
"""IDE Sync and IDE Fail (IDE-MSG-001)."""

from __future__ import annotations

from dataclasses import dataclass

from models.ide.codes import FailByte, SyncByte
from models.pcie.codes import FmtType, MessageCode
from models.pcie.tlp import Tlp

MESSAGE_START = 8  # offset in the header of the bytes that `Tlp.message` holds


@dataclass(frozen=True, slots=True)
class IdeSync:
    """Counters that an IDE Sync carries."""

    npr_counter: int
    cpl_counter: int


@dataclass(frozen=True, slots=True)
class IdeFail:
    """An IDE Fail and the stream it speaks of."""

    stream_id: int


def _message(code: MessageCode, requester_id: int, destination: int | None, fields: bytes) -> Tlp:
    if destination is None:
        return Tlp.msg(requester_id, code, fields, FmtType.MSG_LOCAL)
    routed = destination.to_bytes(2, "big") + fields[2:]
    return Tlp.msg(requester_id, code, routed, FmtType.MSG_ID)


def sync_message(requester_id: int, destination: int | None, sync: IdeSync) -> Tlp:
    """IDE Sync by ID to `destination`, or local (Link IDE) where that is None."""
    fields = bytearray(8)
    fields[SyncByte.NPR_COUNTER - MESSAGE_START] = sync.npr_counter
    fields[SyncByte.CPL_COUNTER - MESSAGE_START] = sync.cpl_counter
    return _message(MessageCode.IDE_SYNC, requester_id, destination, bytes(fields))


def fail_message(requester_id: int, destination: int | None, stream_id: int) -> Tlp:
    """IDE Fail by ID to `destination`, or local (Link IDE) where that is None."""
    fields = bytearray(8)
    fields[FailByte.STREAM_ID - MESSAGE_START] = stream_id
    return _message(MessageCode.IDE_FAIL, requester_id, destination, bytes(fields))


def parse(tlp: Tlp) -> IdeSync | IdeFail | None:
    """What `tlp` says if it is one of the two messages."""
    if tlp.fmt_type not in (FmtType.MSG_ID, FmtType.MSG_LOCAL):
        return None
    if tlp.message_code == MessageCode.IDE_SYNC:
        return IdeSync(
            tlp.message[SyncByte.NPR_COUNTER - MESSAGE_START],
            tlp.message[SyncByte.CPL_COUNTER - MESSAGE_START],
        )
    if tlp.message_code == MessageCode.IDE_FAIL:
        return IdeFail(tlp.message[FailByte.STREAM_ID - MESSAGE_START])
    return None
