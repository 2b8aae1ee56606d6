# SPDX-License-Identifier: Apache-2.0
"""The host's end of every stream, with the keys that KEY_PROG gave to the device, mirrored."""

from __future__ import annotations

from models.ide.codes import SubStream
from models.ide.errors import IdeError, InsecureCause
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction
from models.idekm.errors import IdeKmError
from models.idekm.messages import KeyInfo, KeyProg, KpAck


def partner_slot(info: KeyInfo) -> KeySlot:
    """The key context of the partner port for a key that the device was given."""
    return KeySlot(Direction(1 - info.direction), SubStream(info.sub_stream), info.key_set)


class HostEnds:
    """Follows the device's end. It may use a key as soon as the device has taken it: the device
    sends with a new key before the answer that says so has been read."""

    def __init__(self) -> None:
        self._ends: dict[int, IdeStream] = {}  # by register block of the device
        self._keys: dict[tuple[int, KeySlot], bytes] = {}

    def key_taken(self, request: bytes, answer: bytes) -> None:
        """KEY_PROG and its KP_ACK have passed; both without protocol id."""
        try:
            prog, ack = KeyProg.decode(request), KpAck.decode(answer)
        except IdeKmError:
            return
        if not ack.success:
            return
        slot = partner_slot(prog.info)
        self._keys[prog.stream_id, slot] = prog.key
        end = self.get(prog.stream_id)
        if end is not None:
            _give(end, slot, prog.key)

    def follow(self, block: int, device: IdeStream) -> None:
        """The device's end may have entered or left Secure."""
        end = self._ends.get(block)
        if device.secure and (end is None or not end.secure):
            self._ends[block] = self._start(device)
        elif not device.secure and end is not None and end.secure:
            end.make_insecure(device.cause or InsecureCause.INTERNAL_FAULT)
            self.forget(end.config.stream_id)

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
        ends = [end for end in self._ends.values() if end.config.stream_id == stream_id]
        return next((end for end in ends if end.secure), ends[0] if ends else None)

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
