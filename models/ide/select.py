# SPDX-License-Identifier: Apache-2.0
"""Which selective stream a TLP belongs to: registers, transmit association, receive checks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from models.ide.codes import ControlBit, StatusBit, StreamState
from models.ide.permitted import is_permitted
from models.pcie.codes import AddressType, FmtType, SelectiveBlock
from models.pcie.layout import COMPLETIONS, CONFIG_REQUESTS, DW, MEMORY_REQUESTS
from models.pcie.tlp import Tlp

ADDRESS_BLOCK_SIZE = 0x0C
GRANULE = 1 << 20  # address associations count in MiB
_TO_RC = frozenset({FmtType.MSG_RC, FmtType.MSGD_RC})
_BY_ID = frozenset({FmtType.MSG_ID, FmtType.MSGD_ID})


class BlockError(ValueError):
    """A register block that cannot be encoded, or bytes that are none."""


@dataclass(frozen=True, slots=True)
class AddressAssociation:
    """Addresses of one association block: `base` and `limit` are its first and last byte."""

    base: int
    limit: int
    valid: bool = True

    def contains(self, address: int) -> bool:
        """Whether a valid association holds `address`."""
        return self.valid and self.base <= address <= self.limit

    def words(self) -> tuple[int, int, int]:
        """The three registers; BlockError when an address has no MiB granularity."""
        if self.base % GRANULE or (self.limit + 1) % GRANULE:
            raise BlockError(f"{self.base:#x} to {self.limit:#x} is not made of whole MiB")
        low = self.valid | (self.base >> 20 & 0xFFF) << 8 | (self.limit >> 20 & 0xFFF) << 20
        return low, self.limit >> 32, self.base >> 32


@dataclass(frozen=True, slots=True)
class SelectiveStreamBlock:
    """Values of one selective stream register block (IDE-CAP-001)."""

    stream_id: int
    enabled: bool = False
    tc: int = 0
    pcrc: bool = False
    config_requests: bool = False
    default_stream: bool = False
    tee_limited: bool = False
    algorithm: int = 0
    rid_base: int = 0
    rid_limit: int = 0
    rid_valid: bool = False
    segment_base: int = 0
    associations: tuple[AddressAssociation, ...] = ()
    state: StreamState = StreamState.INSECURE
    received_fail: bool = False

    def holds_rid(self, rid: int) -> bool:
        """Whether `rid` is inside a valid RID association."""
        return self.rid_valid and self.rid_base <= rid <= self.rid_limit

    # ------------------------------------------------------------------ registers

    @property
    def control(self) -> int:
        """The Stream Control register."""
        return (
            self.enabled << ControlBit.ENABLE
            | self.pcrc << ControlBit.PCRC
            | self.config_requests << ControlBit.CONFIG_REQUESTS
            | self.algorithm << ControlBit.ALGORITHM
            | self.tc << ControlBit.TC
            | self.default_stream << ControlBit.DEFAULT_STREAM
            | self.tee_limited << ControlBit.TEE_LIMITED
            | self.stream_id << ControlBit.STREAM_ID
        )

    @property
    def status(self) -> int:
        """The Stream Status register (IDE-CAP-004)."""
        state = int(self.state) if self.enabled else 0
        return state << StatusBit.STATE | self.received_fail << StatusBit.RECEIVED_FAIL

    def encode(self) -> bytes:
        """All registers, little-endian DWs; BlockError when an address has no MiB granularity."""
        words = [
            len(self.associations),
            self.control,
            self.status,
            self.rid_limit << 8,
            int(self.rid_valid) | self.rid_base << 8 | self.segment_base << 24,
        ]
        for association in self.associations:
            words += association.words()
        return b"".join(word.to_bytes(DW, "little") for word in words)

    @classmethod
    def decode(cls, raw: bytes) -> SelectiveStreamBlock:
        """The block at the start of `raw`; BlockError when `raw` is too short for it."""
        if len(raw) < SelectiveBlock.ADDRESS_ASSOCIATION_1:
            raise BlockError(f"{len(raw)} bytes")
        count = raw[0] & 0xF
        if len(raw) < SelectiveBlock.ADDRESS_ASSOCIATION_1 + ADDRESS_BLOCK_SIZE * count:
            raise BlockError(f"{len(raw)} bytes for {count} address association blocks")
        control = _word(raw, SelectiveBlock.CONTROL)
        status = _word(raw, SelectiveBlock.STATUS)
        rid = _word(raw, SelectiveBlock.RID_ASSOCIATION_2)
        secure = status & 0xF == StreamState.SECURE
        return cls(
            stream_id=control >> ControlBit.STREAM_ID & 0xFF,
            enabled=bool(control >> ControlBit.ENABLE & 1),
            tc=control >> ControlBit.TC & 7,
            pcrc=bool(control >> ControlBit.PCRC & 1),
            config_requests=bool(control >> ControlBit.CONFIG_REQUESTS & 1),
            default_stream=bool(control >> ControlBit.DEFAULT_STREAM & 1),
            tee_limited=bool(control >> ControlBit.TEE_LIMITED & 1),
            algorithm=control >> ControlBit.ALGORITHM & 0x1F,
            rid_base=rid >> 8 & 0xFFFF,
            rid_limit=_word(raw, SelectiveBlock.RID_ASSOCIATION_1) >> 8 & 0xFFFF,
            rid_valid=bool(rid & 1),
            segment_base=rid >> 24,
            associations=tuple(_decode_association(raw, index) for index in range(count)),
            state=StreamState.SECURE if secure else StreamState.INSECURE,
            received_fail=bool(status >> StatusBit.RECEIVED_FAIL & 1),
        )


def _word(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + DW], "little")


def _decode_association(raw: bytes, index: int) -> AddressAssociation:
    at = SelectiveBlock.ADDRESS_ASSOCIATION_1 + ADDRESS_BLOCK_SIZE * index
    low, limit_high, base_high = (_word(raw, at + DW * word) for word in range(3))
    return AddressAssociation(
        base=base_high << 32 | (low >> 8 & 0xFFF) << 20,
        limit=limit_high << 32 | (low >> 20) << 20 | (GRANULE - 1),
        valid=bool(low & 1),
    )


# ---------------------------------------------------------------------- transmit


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A TLP that is about to be sent, and what its header does not say."""

    tlp: Tlp
    t: bool = False
    request_stream: int | None = None  # of a completion: the stream that its request came on
    ats_enabled: bool = False
    redirected: bool = False  # by ACS or by its lock, to the root complex
    peer_address: int | None = None  # by which it finds a stream to a peer; None: its address


class Way(Enum):
    """How a TLP leaves the port."""

    PLAIN = "plain"
    STREAM = "on its stream"
    DISCARD = "discarded"


@dataclass(frozen=True, slots=True)
class Departure:
    """The way a TLP takes; `stream_id` is None for a plain one."""

    way: Way
    stream_id: int | None = None


def associate(
    blocks: Sequence[SelectiveStreamBlock], outgoing: Outgoing
) -> SelectiveStreamBlock | None:
    """The selective stream that `outgoing` belongs to, if any (IDE-SEL-001)."""
    tlp = outgoing.tlp
    open_blocks = [block for block in blocks if block.enabled and block.tc == tlp.tc]
    if not is_permitted(tlp.fmt_type):
        return None
    if tlp.fmt_type in COMPLETIONS:  # IDE-SEL-002
        matching = (b for b in open_blocks if b.stream_id == outgoing.request_stream)
        return next(matching, None)
    candidates = [b for b in open_blocks if outgoing.t or not b.tee_limited]  # IDE-SEL-005
    default = next((block for block in candidates if block.default_stream), None)
    if tlp.fmt_type in CONFIG_REQUESTS:
        return next((b for b in candidates if _takes_config(b, tlp)), None)
    if outgoing.redirected or tlp.fmt_type in _TO_RC:
        return default
    if tlp.fmt_type in _BY_ID:
        target = int.from_bytes(tlp.message[:2], "big")
        return next((b for b in candidates if b.holds_rid(target)), None)
    if tlp.fmt_type in MEMORY_REQUESTS:
        return _by_address(candidates, default, outgoing)
    return None


def _takes_config(block: SelectiveStreamBlock, tlp: Tlp) -> bool:
    return block.config_requests and block.holds_rid(tlp.completer_id)


def _by_address(
    candidates: Sequence[SelectiveStreamBlock],
    default: SelectiveStreamBlock | None,
    outgoing: Outgoing,
) -> SelectiveStreamBlock | None:
    tlp = outgoing.tlp
    if outgoing.ats_enabled and tlp.at != AddressType.TRANSLATED:
        return default
    to_peer = tlp.address if outgoing.peer_address is None else outgoing.peer_address
    for block in candidates:
        address = tlp.address if block.default_stream else to_peer
        if any(association.contains(address) for association in block.associations):
            return block
    return default


def depart(
    blocks: Sequence[SelectiveStreamBlock], outgoing: Outgoing, secure: Collection[int]
) -> Departure:
    """How `outgoing` leaves, given the Stream IDs that are Secure (IDE-ST-005, TDISP-DMA-009).

    A completion whose request came on a stream that is no longer there is discarded.
    """
    block = associate(blocks, outgoing)
    if block is None:
        lost = outgoing.tlp.fmt_type in COMPLETIONS and outgoing.request_stream is not None
        return Departure(Way.DISCARD if lost else Way.PLAIN)
    way = Way.STREAM if block.stream_id in secure else Way.DISCARD
    return Departure(way, block.stream_id)


# ---------------------------------------------------------------------- receive


class Acceptance(Enum):
    """What the RID association says to a TLP that passed the IDE checks (IDE-SEL-004)."""

    ACCEPT = "accept"
    UNSUPPORTED_REQUEST = "Unsupported Request"
    UNEXPECTED_COMPLETION = "Unexpected Completion"


def stream_of(
    blocks: Sequence[SelectiveStreamBlock], stream_id: int
) -> SelectiveStreamBlock | None:
    """The enabled block with `stream_id`; None means Misrouted (IDE-ST-008)."""
    return next((b for b in blocks if b.enabled and b.stream_id == stream_id), None)


def accept_at_endpoint(block: SelectiveStreamBlock, tlp: Tlp) -> Acceptance:
    """The RID check of an endpoint's upstream port; the Default stream has none."""
    return Acceptance.ACCEPT if block.default_stream else accept_at_root_port(block, tlp)


def accept_at_root_port(block: SelectiveStreamBlock, tlp: Tlp) -> Acceptance:
    """The RID check of the root port where the stream ends."""
    source = tlp.completer_id if tlp.is_completion else tlp.requester_id
    if block.holds_rid(source):
        return Acceptance.ACCEPT
    if tlp.is_completion:
        return Acceptance.UNEXPECTED_COMPLETION
    return Acceptance.UNSUPPORTED_REQUEST


def completion_on_its_stream(request_stream: int | None, received_on: int | None) -> bool:
    """Whether a completion came on its request's stream; None is plain (IDE-SEL-003)."""
    return request_stream == received_on
