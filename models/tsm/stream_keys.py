# SPDX-License-Identifier: Apache-2.0
"""Keys of IDE streams: made once, never again (TDISP-HOST-003), set at both ports in order."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass

from models.idekm.codes import KEY_SIZE, Direction
from models.idekm.errors import IdeKmError
from models.idekm.messages import SUB_STREAMS, KeyInfo
from models.idekm.requester import IdeKmRequester
from models.spdm.errors import SpdmError
from models.spdm.signing import Entropy
from models.tsm.errors import PolicyError
from models.tsm.ports import HostPort


class KeyFactory:
    """Fresh keys; remembers digests of all that it gave out."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._given: set[bytes] = set()

    def fresh(self) -> bytes:
        """A key that was never given out; PolicyError when the entropy repeats itself."""
        key = self._entropy.randbytes(KEY_SIZE)
        digest = hashlib.sha384(key).digest()
        if digest in self._given:
            raise PolicyError("TDISP-HOST-003", "a key would be used twice")
        self._given.add(digest)
        return key


def infos(key_set: int, direction: Direction) -> list[KeyInfo]:
    """The keys of one set and direction, in the order of their sub-streams."""
    return [KeyInfo(key_set, direction, sub_stream) for sub_stream in range(SUB_STREAMS)]


def partner(info: KeyInfo) -> KeyInfo:
    """The same key at the other port."""
    return KeyInfo(info.key_set, Direction(1 - info.direction), info.sub_stream)


@dataclass(slots=True)
class StreamKeys:
    """Key sets of one stream at the device and at the root port."""

    stream_id: int
    device: IdeKmRequester
    host: HostPort
    factory: KeyFactory
    key_set: int = 0  # in use or about to be

    async def program(self) -> None:
        """A fresh key for each sub-stream and direction at both ports."""
        for direction in Direction:
            for info in infos(self.key_set, direction):
                key = self.factory.fresh()
                await self.device.program(self.stream_id, info, key)
                await self.host.program_key(self.stream_id, partner(info), key)

    async def go(self) -> None:
        """Receivers of both ports before the transmitters (IDEKM-ORD-001, IDE-KEY-002)."""
        for direction in Direction:
            for info in infos(self.key_set, direction):
                await self.device.go(self.stream_id, info)
            for info in infos(self.key_set, direction):
                await self.host.key_go(self.stream_id, info)

    async def refresh(self) -> None:
        """Move to the other key set while traffic goes on (IDE-KEY-006)."""
        self.key_set = 1 - self.key_set
        await self.program()
        await self.go()

    async def stop(self) -> None:
        """Both ports forget the keys; a device that does not answer is not waited for."""
        for direction in Direction:
            for info in infos(self.key_set, direction):
                with suppress(IdeKmError, SpdmError):
                    await self.device.stop(self.stream_id, info)
                await self.host.key_stop(self.stream_id, info)
        await self.host.disable_stream(self.stream_id)
