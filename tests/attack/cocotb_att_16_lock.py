# SPDX-License-Identifier: Apache-2.0
"""ATT-16: LOCK while something that it needs of the default stream is missing, each thing alone.

The VMM or a careless TSM leaves out one key, programs one in another session, lets the stream use
another traffic class, or names another stream. LOCK must fail and lock nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import pyuvm

from models.ide.codes import ControlBit, SubStream
from models.ide.keys import ALL_SLOTS, KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction, ObjectId
from models.idekm.messages import KpAck
from models.pcie.codes import SelectiveBlock
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, TdiState
from tb.host.vmm_host import VmmHost
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, STREAM_BLOCKS
from tests.attack.attack_test import VICTIM, AttackTest, assert_error

KEY_SET = 0
SLOTS = tuple(slot for slot in ALL_SLOTS if slot.key_set == KEY_SET)
TC_MASK = 7


class Lock(AttackTest):
    """LOCK with a default stream that was set up in parts."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()

    async def key(
        self,
        missing: Collection[KeySlot] = (),
        not_ready: Collection[KeySlot] = (),
        foreign: Collection[KeySlot] = (),
        enable: bool = True,
    ) -> None:
        """Key the default stream, but for what is left out; `foreign` keys must be refused."""
        kit, host = self.kit, self.host
        await kit.vmm.place_stream(STREAM_BLOCKS[DEFAULT_STREAM], DEFAULT_STREAM, default=True)
        for slot in SLOTS:
            await kit.key_set(self.session, ObjectId.K_SET_STOP, DEFAULT_STREAM, slot)
        stream = IdeStream(StreamConfig(DEFAULT_STREAM))
        host.streams[DEFAULT_STREAM] = stream
        for slot in SLOTS:
            key = self.rng.randbytes(32)
            if slot in foreign:
                assert not await self._taken(self.other, slot, key), f"{slot} of another session"
            if slot in missing or slot in foreign:
                continue
            assert await self._taken(self.session, slot, key), f"{slot}"
            partner = KeySlot(Direction(1 - slot.direction), slot.sub_stream, slot.key_set)
            host.program(DEFAULT_STREAM, partner, key)
            if slot not in not_ready:
                await kit.key_set(self.session, ObjectId.K_SET_GO, DEFAULT_STREAM, slot)
                stream.go(partner)
        stream.enable()
        if enable:
            block = STREAM_BLOCKS[DEFAULT_STREAM]
            await kit.vmm.enable_stream(block, DEFAULT_STREAM, default=True)

    async def _taken(self, session: SecureSession, slot: KeySlot, key: bytes) -> bool:
        answer = await self.kit.program_key(session, DEFAULT_STREAM, slot, key)
        return answer is not None and KpAck.decode(answer).success

    async def refused(self, what: str, stream_id: int = DEFAULT_STREAM) -> None:
        """LOCK gets INVALID_REQUEST; the TDI stays in CONFIG_UNLOCKED and serves its VM."""
        answer = await self.kit.lock_request(self.session, VICTIM, stream_id=stream_id)
        assert_error(answer, ErrorCode.INVALID_REQUEST, what)
        self.assert_states(TdiState.CONFIG_UNLOCKED, what)
        result = await self.host.mem_read(self.memory(), 16)
        assert result.data, f"{what}: locked all the same"

    async def locks(self, what: str) -> None:
        """LOCK and STOP succeed."""
        await self.kit.lock(self.session, VICTIM)
        self.assert_states(TdiState.CONFIG_LOCKED, what)
        await self.kit.stop(self.session, VICTIM)


@pyuvm.test()
class LockNeedsEveryKey(Lock):
    """No key at all; each of the six keys missing or not set to go; not enabled; then all."""

    async def attack(self) -> None:
        await self.refused("no key")
        for slot in SLOTS:
            await self.key(missing=[slot])
            await self.refused(f"no {slot}")
            await self.key(not_ready=[slot])
            await self.refused(f"no GO for {slot}")
        await self.key(enable=False)
        await self.refused("not enabled")
        await self.key()
        await self.locks("all keys")


@pyuvm.test()
class LockNeedsKeysOfItsOwnSession(Lock):
    """All keys of another session; one key of another session while the stream has an owner."""

    async def attack(self) -> None:
        self.other = await self.kit.open_session()
        await self.kit.key_stream(self.other)
        assert self.secure()
        await self.refused("all keys of another session")
        await self.other.end()
        self.other = await self.kit.open_session()
        await self.key()
        for slot in SLOTS[1:]:
            await self.key(foreign=[slot])
            await self.refused(f"{slot} of another session")
        await self.key()
        await self.locks("own keys")


@pyuvm.test()
class LockNeedsTheOneDefaultStream(Lock):
    """Another stream named, no default stream, two of them, TC other than 0, other keys stopped."""

    async def attack(self) -> None:
        await self.key()
        await self.kit.key_stream(self.session, OTHER_STREAM)
        for stream_id in (OTHER_STREAM, 0, 255):
            await self.refused(f"stream {stream_id}", stream_id)
        await self._mark(DEFAULT_STREAM, default=False)
        await self.refused("no default stream")
        await self._mark(DEFAULT_STREAM, default=True)
        await self._mark(OTHER_STREAM, default=True)
        for stream_id in (DEFAULT_STREAM, OTHER_STREAM):
            await self.refused(f"two default streams, LOCK names {stream_id}", stream_id)
        await self._mark(OTHER_STREAM, default=False)
        await self.key()
        await self.locks("one default stream")
        await self._traffic_class(1)
        await self.refused("TC 1")
        slot = KeySlot(Direction.RX, SubStream.CPL, KEY_SET)
        await self.key()
        await self.kit.key_set(self.session, ObjectId.K_SET_STOP, DEFAULT_STREAM, slot)
        await self.refused("a key stopped")
        await self.key()
        await self.locks("keyed again")

    async def _mark(self, stream_id: int, *, default: bool) -> None:
        """Write the control register with Enable as it is; Default Stream may change."""
        vmm: VmmHost = self.kit.vmm
        await vmm.enable_stream(STREAM_BLOCKS[stream_id], stream_id, default=default)

    async def _traffic_class(self, traffic_class: int) -> None:
        """Set up the stream once more, with another TC; Insecure it is set, then enabled."""
        host, vmm = self.host, self.kit.vmm
        block = STREAM_BLOCKS[DEFAULT_STREAM]
        await self.key(enable=False)
        at = await vmm.selective_block(block) + SelectiveBlock.CONTROL
        control = await host.config_read(host.pf_rid, at)
        for enable in (0, 1 << ControlBit.ENABLE):
            value = control | traffic_class << ControlBit.TC | enable
            await host.config_write(host.pf_rid, at, value)
        assert (await host.config_read(host.pf_rid, at)) >> ControlBit.TC & TC_MASK


@pyuvm.test()
class LockWithEverythingInPlaceSucceeds(Lock):
    """The careful TSM, twice."""

    async def attack(self) -> None:
        for what in ("first", "again"):
            await self.key()
            await self.locks(what)
