# SPDX-License-Identifier: Apache-2.0
"""The selective streams of a port: registers, keys, owner and state of each (IDE-ST-001)."""

from __future__ import annotations

from collections.abc import Callable

from models.ide.codes import SubStream
from models.ide.errors import InsecureCause
from models.ide.keys import KEY_SETS, KeySlot
from models.ide.select import SelectiveStreamBlock
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction
from models.tdisp.profile import StreamView


class StreamControl:
    """`on_insecure` is called with the Stream ID whenever a stream leaves Secure (IDE-ST-012)."""

    def __init__(self, count: int, on_insecure: Callable[[int], None]) -> None:
        self._blocks = [SelectiveStreamBlock(0) for _ in range(count)]
        self._streams = [IdeStream(StreamConfig(0)) for _ in range(count)]
        self._owners: list[int | None] = [None] * count
        self._on_insecure = on_insecure

    # ------------------------------------------------------------------ registers

    @property
    def streams(self) -> tuple[IdeStream, ...]:
        """The device's end of the stream of each block."""
        return tuple(self._streams)

    @property
    def blocks(self) -> tuple[SelectiveStreamBlock, ...]:
        """The register blocks as they were configured; state and Received IDE Fail are not kept."""
        return tuple(self._blocks)

    def configure(self, index: int, block: SelectiveStreamBlock) -> None:
        """New register values of a block; Enable and RID Valid act at once."""
        old, stream = self._blocks[index], self._streams[index]
        was_secure = stream.secure
        self._blocks[index] = block
        if not block.enabled:
            stream.disable()
        elif not old.enabled:
            stream.config = StreamConfig(block.stream_id, block.tc, block.pcrc)
            stream.enable(block.rid_valid)
        elif old.rid_valid and not block.rid_valid:
            self._lose_association(stream)
        self._told(old.stream_id, stream, was_secure)
        stream.config = StreamConfig(block.stream_id, block.tc, block.pcrc)

    @staticmethod
    def _lose_association(stream: IdeStream) -> None:
        if stream.secure:
            stream.make_insecure(InsecureCause.ASSOCIATION_INVALID)
        else:  # Enable has to rise again, with a valid association
            stream.disable()
            stream.enable(rid_valid=False)

    def _told(self, stream_id: int, stream: IdeStream, was_secure: bool) -> None:
        if was_secure and not stream.secure:
            self._on_insecure(stream_id)

    # ------------------------------------------------------------------ what ends Secure

    def insecure(self, index: int, cause: InsecureCause) -> None:
        """A stream leaves Secure, or its IdeStream has just done so."""
        stream = self._streams[index]
        stream.make_insecure(cause)
        self._on_insecure(self._blocks[index].stream_id)

    def all_insecure(self, cause: InsecureCause) -> None:
        """Every stream loses its keys (IDE-ST-010, FLR and reset)."""
        for block, stream in zip(self._blocks, self._streams, strict=True):
            was_secure = stream.secure
            stream.make_insecure(cause)
            self._told(block.stream_id, stream, was_secure)

    def session_end(self, session: int) -> None:
        """Streams keyed on a session that is over (TDISP-SES-008, IDEKM-KP-007)."""
        for index, owner in enumerate(self._owners):
            if owner != session:
                continue
            self._owners[index] = None
            stream = self._streams[index]
            was_secure = stream.secure
            stream.make_insecure(InsecureCause.SESSION_ENDED)
            self._told(self._blocks[index].stream_id, stream, was_secure)

    def reset(self) -> None:
        """Conventional reset: nothing is left."""
        self.all_insecure(InsecureCause.RESET)
        count = len(self._blocks)
        self._blocks = [SelectiveStreamBlock(0) for _ in range(count)]
        self._streams = [IdeStream(StreamConfig(0)) for _ in range(count)]
        self._owners = [None] * count

    # ------------------------------------------------------------------ views

    def views(self) -> tuple[StreamView, ...]:
        """What LOCK looks at."""
        return tuple(self._view(index) for index in range(len(self._blocks)))

    def _view(self, index: int) -> StreamView:
        block, stream = self._blocks[index], self._streams[index]
        return StreamView(
            stream_id=block.stream_id,
            default=block.default_stream,
            enabled=block.enabled,
            tc=block.tc,
            secure=stream.secure,
            keys_programmed=_keys_programmed(stream),
            owner=self._owners[index],
            overlaps=self._overlaps(index),
        )

    def _overlaps(self, index: int) -> bool:
        """Whether addresses or Requester IDs also belong to another enabled block."""
        block = self._blocks[index]
        others = [b for n, b in enumerate(self._blocks) if n != index and b.enabled]
        return any(_share_addresses(block, b) or _share_rids(block, b) for b in others)

    def _find(self, stream_id: int) -> int:
        return next(n for n, block in enumerate(self._blocks) if block.stream_id == stream_id)

    # ------------------------------------------------------------------ KeyPort

    def has_stream(self, stream_id: int) -> bool:
        """Whether a block has this Stream ID, enabled or not (IDEKM-KP-005)."""
        return any(block.stream_id == stream_id for block in self._blocks)

    def owner(self, stream_id: int) -> int | None:
        """The session that keys of the stream belong to (TDISP-SES-006)."""
        return self._owners[self._find(stream_id)]

    def has_key(self, stream_id: int, slot: KeySlot) -> bool:
        """Whether a slot holds a key."""
        return self._streams[self._find(stream_id)].keys.programmed(slot)

    def in_use(self, stream_id: int, slot: KeySlot) -> bool:
        """Whether the stream is Secure and uses the key set of a slot."""
        stream = self._streams[self._find(stream_id)]
        return stream.secure and stream.key_set(slot.direction, slot.sub_stream) == slot.key_set

    def program(self, stream_id: int, slot: KeySlot, key: bytes, session: int) -> None:
        """Put a key into a slot; the first session becomes the owner (IDE-KEY-010)."""
        index = self._find(stream_id)
        self._streams[index].program(slot, key)
        if self._owners[index] is None:
            self._owners[index] = session

    def go(self, stream_id: int, slot: KeySlot) -> None:
        """Let a key be used; the last of six makes an enabled stream Secure."""
        self._streams[self._find(stream_id)].go(slot)

    def stop(self, stream_id: int, slot: KeySlot) -> None:
        """Erase a key; the state stays (IDEKM-STP-001)."""
        self._streams[self._find(stream_id)].stop(slot)


def _share_addresses(block: SelectiveStreamBlock, other: SelectiveStreamBlock) -> bool:
    return any(
        one.valid and two.valid and one.base <= two.limit and two.base <= one.limit
        for one in block.associations
        for two in other.associations
    )


def _share_rids(block: SelectiveStreamBlock, other: SelectiveStreamBlock) -> bool:
    return (
        block.rid_valid
        and other.rid_valid
        and block.rid_base <= other.rid_limit
        and other.rid_base <= block.rid_limit
    )


def _keys_programmed(stream: IdeStream) -> bool:
    """Whether the key set in use, or while Insecure any, is complete in both directions."""
    if stream.secure:
        slots = [
            KeySlot(direction, sub, stream.key_set(direction, sub))
            for direction in Direction
            for sub in SubStream
        ]
        return all(map(stream.keys.programmed, slots))
    return any(
        all(
            stream.keys.programmed(KeySlot(d, sub, key_set)) for d in Direction for sub in SubStream
        )
        for key_set in KEY_SETS
    )
