# SPDX-License-Identifier: Apache-2.0
"""One port of a selective IDE stream in non-flit mode.

Both ports are the same class: what one sends with `encrypt` the other takes with `decrypt`. Every
TLP has a MAC of its own (no aggregation). The stream is Secure when it is enabled and all six keys
of one key set have got GO; what goes wrong in Secure is told by an IdeError and ends Secure.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.ide import gcm
from models.ide.codes import (
    FIRST_INVOCATION,
    MAC_SIZE,
    STREAM_TC,
    StreamState,
    SubStream,
)
from models.ide.counters import ReceivedCounters, SentCounters
from models.ide.errors import IdeError, IdeFailure, InsecureCause
from models.ide.keys import KEY_SETS, KeyContext, KeySlot, KeyStore
from models.ide.messages import IdeSync, fail_message, parse, sync_message
from models.ide.permitted import is_permitted, sub_stream_of
from models.ide.prefix import IdeParts, IdePrefix, peek
from models.idekm.codes import Direction
from models.pcie.errors import TlpError
from models.pcie.layout import CONFIG_REQUESTS, DW, END_TO_END, IDE_PREFIX_BYTE, Framing
from models.pcie.tlp import Tlp

__all__ = ["IdeError", "IdeFailure", "IdeStream", "InsecureCause", "KeySlot", "StreamConfig"]

# Ways out of Secure after which no IDE Fail is sent (IDE-ST-003, IDE-ST-004); after the last two
# there is no link or no state to send one.
WITHOUT_FAIL = frozenset(
    {
        InsecureCause.ENABLE_CLEARED,
        InsecureCause.FAIL_RECEIVED,
        InsecureCause.LINK_DOWN,
        InsecureCause.RESET,
    }
)
# Causes that destroy keys even of a stream that is not Secure yet.
ERASING = frozenset(
    {
        InsecureCause.LINK_DOWN,
        InsecureCause.SESSION_ENDED,
        InsecureCause.RESET,
        InsecureCause.FLR,
    }
)


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """What both ports of a stream agree on before it is enabled."""

    stream_id: int
    tc: int = STREAM_TC
    pcrc: bool = False
    fixed_fields: tuple[int, int, int] = (0, 0, 0)  # of the IV, by sub-stream


class IdeStream:
    """State of one port: keys, invocation counters, ordering counters, Secure or Insecure."""

    def __init__(self, config: StreamConfig) -> None:
        self.config = config
        self.keys = KeyStore()
        self.state = StreamState.INSECURE
        self.enabled = False
        self.cause: InsecureCause | None = None  # of the last way out of Secure
        self.fail_due = False  # an IDE Fail is to be sent
        self._clear_counters()
        self._tx_set = 0
        self._rx_set = dict.fromkeys(SubStream, 0)
        self._may_start = False  # Enable has risen since the last way out of Secure

    def _clear_counters(self) -> None:
        self.sent = SentCounters()
        self.received = ReceivedCounters()

    @property
    def secure(self) -> bool:
        """Whether the stream is Secure."""
        return self.state is StreamState.SECURE

    @property
    def status_state(self) -> int:
        """Bits 3:0 of the status register (IDE-CAP-004)."""
        return int(self.state) if self.enabled else 0

    @property
    def sync_due(self) -> bool:
        """Whether `sync` has to be sent before more posted TLPs."""
        return self.secure and self.sent.sync_due

    def key_set(self, direction: Direction, sub_stream: SubStream = SubStream.PR) -> int:
        """The key set in use; all sub-streams of a transmitter use the same."""
        return self._tx_set if direction is Direction.TX else self._rx_set[sub_stream]

    # ------------------------------------------------------------------ keys and state

    def program(self, slot: KeySlot, key: bytes, invocation: int = FIRST_INVOCATION) -> None:
        """Take `key`, in AES byte order; IdeError for the set in use (IDE-KEY-009)."""
        if self.secure and self.key_set(slot.direction, slot.sub_stream) == slot.key_set:
            raise IdeError(IdeFailure.KEY_REFUSED, f"key set {slot.key_set} is in use")
        self.keys.program(slot, key, invocation)

    def go(self, slot: KeySlot) -> None:
        """K_SET_GO. The transmitter toggles K when all of the other set is ready (IDE-KEY-003)."""
        self.keys.go(slot)
        if self.secure and self._completes_refresh(slot):
            self._erase(Direction.TX, self._tx_set)
            self._tx_set = slot.key_set
        self._start_if_ready()

    def _completes_refresh(self, slot: KeySlot) -> bool:
        other = slot.direction is Direction.TX and slot.key_set != self._tx_set
        return other and self.keys.set_ready(Direction.TX, slot.key_set)

    def stop(self, slot: KeySlot) -> None:
        """K_SET_STOP: the key is gone, the state stays (IDE-KEY-007)."""
        self.keys.erase(slot)

    def enable(self, rid_valid: bool = True) -> None:
        """Enable rises; without a valid RID association nothing happens (IDE-CAP-006)."""
        if self.enabled:
            return
        self.enabled = True
        self._may_start = rid_valid
        self._start_if_ready()

    def disable(self) -> None:
        """Enable falls (IDE-ST-004)."""
        self.make_insecure(InsecureCause.ENABLE_CLEARED)
        self.enabled = False
        self._may_start = False

    def make_insecure(self, cause: InsecureCause) -> None:
        """Leave Secure: keys and counters go, Enable has to rise (IDE-ST-001, IDE-KEY-008)."""
        if cause in ERASING:
            self.keys.erase_all()
        if not self.secure:
            return
        self.state = StreamState.INSECURE
        self.cause = cause
        self.fail_due = cause not in WITHOUT_FAIL
        self.keys.erase_all()
        self._clear_counters()
        self._may_start = False

    def check_failed(self, detail: str) -> IdeError:
        """The error to raise for an IDE Check Failed; the stream is Insecure (IDE-ST-002).

        Also for what only the owner of the stream can see: a completion on another stream than
        its request (IDE-SEL-003).
        """
        self.make_insecure(InsecureCause.CHECK_FAILED)
        return IdeError(IdeFailure.CHECK_FAILED, detail)

    def _start_if_ready(self) -> None:
        if self.secure or not self._may_start:
            return
        for key_set in KEY_SETS:
            if all(self.keys.set_ready(direction, key_set) for direction in Direction):
                self.state = StreamState.SECURE
                self.fail_due = False
                self._clear_counters()
                self._tx_set = key_set
                self._rx_set = dict.fromkeys(SubStream, key_set)
                return

    def _erase(self, direction: Direction, key_set: int) -> None:
        for sub_stream in SubStream:
            self.keys.erase(KeySlot(direction, sub_stream, key_set))

    def _next_iv(self, context: KeyContext, sub_stream: SubStream) -> bytes:
        try:
            invocation = context.take_invocation()
        except IdeError:
            self.make_insecure(InsecureCause.CHECK_FAILED)
            raise
        return gcm.iv(self.config.fixed_fields[sub_stream], invocation)

    # ------------------------------------------------------------------ transmit

    def encrypt(self, tlp: bytes, t: bool) -> bytes:
        """The IDE TLP on the wire for the plain TLP `tlp`.

        Raises IdeError: DISCARDED when Insecure (IDE-ST-005), NOT_PERMITTED, SYNC_OVERDUE, NO_KEY.
        """
        framing = self._admit(tlp, t)
        sub_stream = sub_stream_of(framing.fmt_type)
        self._require_tx_key(sub_stream)
        if sub_stream is SubStream.PR:
            self.sent.posted()
        return self._seal(tlp, framing, t, self.sent.field(sub_stream))

    def sync(self, requester_id: int, destination: int | None) -> bytes:
        """An IDE Sync on the wire (IDE-CNT-003)."""
        if not self.secure:
            raise IdeError(IdeFailure.DISCARDED, f"stream {self.config.stream_id}")
        self._require_tx_key(SubStream.PR)
        message = sync_message(requester_id, destination, self.sent.sync())
        raw = self._with_tc(message.encode())
        return self._seal(raw, Framing.of(raw), False, 0)

    def fail(self, requester_id: int, destination: int | None) -> bytes:
        """The plain IDE Fail of this stream, which is Insecure; clears `fail_due`."""
        self.fail_due = False
        message = fail_message(requester_id, destination, self.config.stream_id)
        return self._with_tc(message.encode())

    def _with_tc(self, raw: bytes) -> bytes:
        return raw[:1] + bytes([raw[1] | self.config.tc << 4]) + raw[2:]

    def _admit(self, tlp: bytes, t: bool) -> Framing:
        if not self.secure:
            raise IdeError(IdeFailure.DISCARDED, f"stream {self.config.stream_id}")
        try:
            framing = Framing.of(tlp)
        except TlpError as error:
            raise IdeError(IdeFailure.NOT_PERMITTED, str(error)) from error
        reason = ""
        if any(prefix[0] == IDE_PREFIX_BYTE for prefix in framing.prefixes):
            reason = "an IDE TLP already"
        elif framing.td:
            reason = "TD is 1"
        elif len(tlp) != framing.data_start + framing.data_size:
            reason = f"{len(tlp)} bytes do not agree with Length"
        elif not is_permitted(framing.fmt_type):
            reason = framing.fmt_type.name
        elif framing.tc != self.config.tc:
            reason = f"TC {framing.tc} on a stream of TC {self.config.tc}"
        elif t and framing.fmt_type in CONFIG_REQUESTS:
            reason = "a configuration request with T = 1"
        if reason:
            raise IdeError(IdeFailure.NOT_PERMITTED, reason)
        return framing

    def _require_tx_key(self, sub_stream: SubStream) -> None:
        if not self.keys.ready(KeySlot(Direction.TX, sub_stream, self._tx_set)):
            raise IdeError(IdeFailure.NO_KEY, f"{sub_stream.name}, key set {self._tx_set}")

    def _seal(self, tlp: bytes, framing: Framing, t: bool, counter: int) -> bytes:
        sub_stream = sub_stream_of(framing.fmt_type)
        data = tlp[framing.data_start :]
        with_pcrc = self.config.pcrc and bool(data)
        prefix = IdePrefix(
            self.config.stream_id, sub_stream, t, self._tx_set, counter, p=with_pcrc
        ).encode()
        local = DW * sum(not raw[0] & END_TO_END for raw in framing.prefixes)
        aad = prefix + tlp[local : framing.data_start]
        plaintext = data + (gcm.pcrc(data) if with_pcrc else b"")
        context = self.keys.usable(KeySlot(Direction.TX, sub_stream, self._tx_set))
        assert context is not None
        nonce = self._next_iv(context, sub_stream)
        ciphertext, mac = gcm.seal(context.key, nonce, plaintext, aad)
        return tlp[:local] + aad + ciphertext + mac

    # ------------------------------------------------------------------ receive

    def decrypt(self, wire: bytes) -> tuple[bytes, bool, SubStream]:
        """The plain TLP, its T bit and its sub-stream, for an IDE TLP from the partner port.

        Raises IdeError; after CHECK_FAILED and MALFORMED the stream is Insecure. An IDE Sync is
        returned like any message when its counters have been taken; it needs no further action.
        """
        parts = self._receivable(wire)
        sub_stream = self._check_header(parts)
        plaintext = self._verify(parts, sub_stream)
        data = plaintext[: len(parts.data)]
        tlp = parts.local_prefixes + parts.rest + data
        self._count(parts, sub_stream, tlp)
        self._check_pcrc(parts, plaintext)
        return tlp, parts.prefix.t, sub_stream

    def _receivable(self, wire: bytes) -> IdeParts:
        prefix = peek(wire)
        if prefix is None:
            raise IdeError(IdeFailure.NOT_IDE, wire[:DW].hex())
        if prefix.stream_id != self.config.stream_id or not self.enabled:
            raise IdeError(IdeFailure.MISROUTED, f"stream {prefix.stream_id}")
        if not self.secure:
            raise IdeError(IdeFailure.DISCARDED, f"stream {prefix.stream_id}")
        try:
            parts = IdeParts.of(wire)
        except IdeError:
            self.make_insecure(InsecureCause.CHECK_FAILED)
            raise
        return parts

    def _check_header(self, parts: IdeParts) -> SubStream:
        prefix, kind = parts.prefix, parts.framing.fmt_type
        if not is_permitted(kind):
            raise self.check_failed(f"{kind.name} on a selective stream")
        sub_stream = sub_stream_of(kind)
        if prefix.sub_stream != sub_stream:
            raise self.check_failed(f"{kind.name} in sub-stream {prefix.sub_stream}")
        if parts.framing.tc != self.config.tc:
            raise self.check_failed(f"TC {parts.framing.tc}")
        if parts.framing.td:
            raise self.check_failed("TD is 1")
        if not prefix.m:
            raise self.check_failed("M is 0, there is no aggregation")
        if prefix.p and not (self.config.pcrc and parts.data):
            raise self.check_failed("P is 1 without PCRC or without data")
        if len(parts.trailer) != parts.trailer_size:
            self.make_insecure(InsecureCause.CHECK_FAILED)
            raise IdeError(IdeFailure.MALFORMED, f"trailer of {len(parts.trailer)} bytes")
        return sub_stream

    def _verify(self, parts: IdeParts, sub_stream: SubStream) -> bytes:
        slot = KeySlot(Direction.RX, sub_stream, parts.prefix.k)
        context = self.keys.usable(slot)
        if context is None:
            raise self.check_failed(f"no key for {sub_stream.name}, key set {parts.prefix.k}")
        sealed = parts.data + parts.trailer[:-MAC_SIZE]
        nonce = self._next_iv(context, sub_stream)
        mac = parts.trailer[-MAC_SIZE:]
        plaintext = gcm.open_sealed(context.key, nonce, sealed, mac, parts.aad)
        if plaintext is None:
            raise self.check_failed(f"MAC of {sub_stream.name}")
        if self._rx_set[sub_stream] != parts.prefix.k:
            self.keys.erase(KeySlot(Direction.RX, sub_stream, self._rx_set[sub_stream]))
            self._rx_set[sub_stream] = parts.prefix.k
        return plaintext

    def _count(self, parts: IdeParts, sub_stream: SubStream, tlp: bytes) -> None:
        counter = parts.prefix.pr_sent_counter
        try:
            if sub_stream is SubStream.NPR:
                self.received.subtract(counter, 0)
            elif sub_stream is SubStream.CPL:
                self.received.subtract(0, counter)
            else:
                self.received.posted()
                sync = _sync_in(parts, tlp)
                if sync is not None:
                    self.received.subtract(sync.npr_counter, sync.cpl_counter)
        except IdeError:
            self.make_insecure(InsecureCause.CHECK_FAILED)
            raise

    def _check_pcrc(self, parts: IdeParts, plaintext: bytes) -> None:
        if not self.config.pcrc or not parts.data:
            return
        data, received = plaintext[: len(parts.data)], plaintext[len(parts.data) :]
        if received != gcm.pcrc(data):
            raise IdeError(IdeFailure.PCRC_FAILED, received.hex() or "P is 0")


def _sync_in(parts: IdeParts, tlp: bytes) -> IdeSync | None:
    if parts.data:
        return None
    try:
        message = parse(Tlp.unpack(tlp))
    except TlpError:
        return None
    return message if isinstance(message, IdeSync) else None
