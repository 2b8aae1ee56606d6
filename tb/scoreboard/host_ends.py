# SPDX-License-Identifier: Apache-2.0
"""The host's end of every stream, with the keys that KEY_PROG gave to the device, mirrored."""

from __future__ import annotations

from models.ide.codes import SubStream
from models.ide.errors import IdeError, InsecureCause
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction, KpStatus, ObjectId

# Offsets behind the protocol id (IDEKM-KP-001).
STREAM_ID, STATUS, KEY_INFO, KEY = 3, 4, 5, 7
KEY_SIZE = 32
DW = 4


def key_in_aes_order(wire: bytes) -> bytes:
    """The key from KEY_PROG: eight DWs, each little-endian (IDEKM-KP-002)."""
    return b"".join(wire[n : n + DW][::-1] for n in range(0, len(wire), DW))


def slot_of(key_info: int) -> KeySlot | None:
    """The key context that a key info byte names, seen from the device."""
    sub_stream = key_info >> 4
    if sub_stream not in SubStream.__members__.values():
        return None
    return KeySlot(Direction(key_info >> 1 & 1), SubStream(sub_stream), key_info & 1)


def mirrored(slot: KeySlot) -> KeySlot:
    """The same context at the partner port."""
    return slot._replace(direction=Direction(1 - slot.direction))


class HostEnds:
    """Follows the device's end. It may use a key as soon as the device has taken it: the device
    sends with a new key before the answer that says so has been read."""

    def __init__(self) -> None:
        self._ends: dict[int, IdeStream] = {}
        self._keys: dict[tuple[int, KeySlot], bytes] = {}

    def key_taken(self, request: bytes, answer: bytes) -> None:
        """KEY_PROG and its KP_ACK have passed; both without protocol id."""
        whole = len(request) >= KEY + KEY_SIZE and len(answer) > KEY_INFO
        if not whole or request[0] != ObjectId.KEY_PROG or answer[0] != ObjectId.KP_ACK:
            return
        slot = slot_of(request[KEY_INFO])
        if answer[STATUS] != KpStatus.SUCCESS or slot is None:
            return
        stream_id = request[STREAM_ID]
        key = key_in_aes_order(request[KEY : KEY + KEY_SIZE])
        self._keys[stream_id, mirrored(slot)] = key
        end = self._ends.get(stream_id)
        if end is not None:
            _give(end, mirrored(slot), key)

    def follow(self, device: IdeStream) -> None:
        """The device's end may have entered or left Secure."""
        stream_id = device.config.stream_id
        end = self._ends.get(stream_id)
        if device.secure and (end is None or not end.secure):
            self._ends[stream_id] = self._start(device)
        elif not device.secure and end is not None and end.secure:
            end.make_insecure(device.cause or InsecureCause.INTERNAL_FAULT)
            self.forget(stream_id)

    def _start(self, device: IdeStream) -> IdeStream:
        config = device.config
        end = IdeStream(StreamConfig(config.stream_id, config.tc, config.pcrc))
        for (stream_id, slot), key in self._keys.items():
            if stream_id == config.stream_id:
                _give(end, slot, key)
        end.enable()
        return end

    def forget(self, stream_id: int) -> None:
        """The keys of the stream are gone."""
        for known in [entry for entry in self._keys if entry[0] == stream_id]:
            del self._keys[known]

    def get(self, stream_id: int) -> IdeStream | None:
        """The host's end; None for a stream that was never Secure."""
        return self._ends.get(stream_id)

    def reset(self) -> None:
        """Everything is gone."""
        self._ends.clear()
        self._keys.clear()


def _give(end: IdeStream, slot: KeySlot, key: bytes) -> None:
    try:
        end.program(slot, key)
        end.go(slot)
    except IdeError:
        return  # the set in use: the device has refused it likewise
