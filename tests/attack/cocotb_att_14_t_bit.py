# SPDX-License-Identifier: Apache-2.0
"""ATT-14: requests that claim to be trusted, in every way that the T bit can be claimed."""

from __future__ import annotations

import pyuvm

from models.pcie.codes import AerUncorrectable, CplStatus
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCode, TdiState
from tb.host.root_port import HOST_RID
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM
from tests.attack.attack_test import (
    BOUND_WITHOUT_T,
    FOREIGN,
    ROUTES,
    TRUSTED,
    VICTIM,
    AttackTest,
    assert_error,
)

LINK_STREAM = 0  # Stream ID that a link stream would have
T_BIT = 1 << 3
FLAGS_BYTE = 3
TAG = 0xF2
FORGED = bytes(range(0x10, 0x30))

SERVED = {
    # State: names of the routes by which TEE memory and other memory are served
    TdiState.CONFIG_UNLOCKED: (
        {"no IDE", "bound stream, T = 0", "other stream, T = 0"},
        {"no IDE", "bound stream, T = 0", "other stream, T = 0"},
    ),
    TdiState.CONFIG_LOCKED: (set(), {"no IDE", "bound stream, T = 0", "other stream, T = 0"}),
    TdiState.RUN: ({"bound stream, T = 1"}, set(ROUTES)),
    TdiState.ERROR: (set(), {"no IDE", "bound stream, T = 0", "other stream, T = 0"}),
}


class TBit(AttackTest):
    """Tries all routes in a state."""

    async def try_all(self, state: TdiState) -> None:
        """Every route to both kinds of memory, read and write; refusals are counted in AER."""
        self.assert_states(state, "to begin with")
        for address, served in zip((self.memory(), self.public()), SERVED[state], strict=True):
            for name, route in ROUTES.items():
                what = f"{state.name}, {name}, at {address:#x}"
                if name in served:
                    result = await self.host.mem_read(address, 16, route, what)
                    assert result.status is CplStatus.SC, f"{what}: {result.status}"
                    assert result.route == route, what
                    continue
                await self.aer_status()
                await self.read_refused(address, route, what, 16)
                await self.assert_reported(AerUncorrectable.UNSUPPORTED_REQUEST, what)
                await self.write_silently(address + 4, FORGED, route, what)
                await self.assert_reported(AerUncorrectable.UNSUPPORTED_REQUEST, what)
        self.assert_states(state, "after all routes")
        await self.assert_legacy_untouched(state.name)


@pyuvm.test()
class TIsWorthNothingButInRunOnTheBoundStream(TBit):
    """Every state, stream and T bit: TEE memory is served in one case, in which the TVM asks."""

    async def attack(self) -> None:
        await self.use_other_stream()
        await self.try_all(TdiState.RUN)
        await self.assert_served("after the attempts")
        await self.disturb()
        await self.try_all(TdiState.ERROR)
        await self.lock_again()
        await self.try_all(TdiState.CONFIG_LOCKED)
        await self.kit.start(self.session, self.tdi)
        result = await self.host.mem_read(self.memory(), 64, TRUSTED)
        assert result.data == bytes(64), "a refused write had an effect"
        await self.kit.stop(self.session, VICTIM)
        await self.try_all(TdiState.CONFIG_UNLOCKED)
        self.assert_no_leak()


@pyuvm.test()
class ClaimedTIsRefused(AttackTest):
    """T = 1 on another stream, T = 0 on the bound one, no stream at all; the wrong default."""

    async def attack(self) -> None:
        await self.use_other_stream()
        for route in (FOREIGN, BOUND_WITHOUT_T):
            await self.aer_status()
            await self.read_refused(self.memory(), route, str(route))
            await self.assert_reported(AerUncorrectable.UNSUPPORTED_REQUEST, str(route))
            await self.write_silently(self.memory(), FORGED, route, str(route))
        await self.assert_served("after the attempts")
        await self.kit.stop(self.session, VICTIM)
        answer = await self.kit.lock_request(self.session, VICTIM, stream_id=OTHER_STREAM)
        assert_error(answer, ErrorCode.INVALID_REQUEST, "LOCK with the wrong default stream")
        self.assert_states(TdiState.CONFIG_UNLOCKED, "LOCK with the wrong default stream")
        self.assert_no_leak()


@pyuvm.test()
class TCannotBeSetOnTheWay(AttackTest):
    """T set in a prefix, a prefix before a plain TLP, a link stream's prefix."""

    async def attack(self) -> None:
        await self._link_stream()
        for step in (self._t_set, self._prefix_with_mac, self._prefix_without_mac):
            since, what = self.mark(), step.__name__
            await step()
            await self.quiet()
            self.assert_states(TdiState.ERROR, what)
            assert not self.secure(), what
            assert self.fails(since) == [DEFAULT_STREAM], what
            assert len(self.from_device(since)) == 1, f"{what}: answered"
            await self.assert_legacy_untouched(what)
            await self.attach_again()
        self.assert_no_leak()

    def _raw(self) -> bytes:
        return Tlp.mem_read(HOST_RID, self.memory(), 64, tag=TAG).encode()

    def _prefix(self, stream_id: int) -> bytes:
        wire = bytearray(self.host.streams[DEFAULT_STREAM].encrypt(self._raw(), True)[:4])
        wire[2] = stream_id
        return bytes(wire)

    async def _link_stream(self) -> None:
        """Dropped and reported, nothing else."""
        await self.aer_status()
        since = self.mark()
        prefix = bytes([0x92, 0, LINK_STREAM, 0x19])
        await self.host.transmit_wire(prefix + self._raw() + bytes(12), "attack: link stream")
        await self.quiet()
        assert not self.from_device(since), "answered on a link stream"
        await self.assert_reported(AerUncorrectable.MISROUTED_IDE_TLP, "link stream")
        self.assert_states(TdiState.RUN, "link stream")
        await self.assert_served("link stream")

    async def _t_set(self) -> None:
        wire = bytearray(self.host.streams[DEFAULT_STREAM].encrypt(self._raw(), False))
        wire[FLAGS_BYTE] |= T_BIT
        await self.host.transmit_wire(bytes(wire), "attack: T set")

    async def _prefix_with_mac(self) -> None:
        wire = self._prefix(DEFAULT_STREAM) + self._raw() + bytes(12)
        await self.host.transmit_wire(wire, "attack: prefix before a plain TLP, a MAC behind it")

    async def _prefix_without_mac(self) -> None:
        wire = self._prefix(DEFAULT_STREAM) + self._raw()
        await self.host.transmit_wire(wire, "attack: prefix before a plain TLP")


@pyuvm.test()
class TrueTIsServed(AttackTest):
    """The TVM's own requests, with the T bit that is theirs."""

    async def attack(self) -> None:
        await self.use_other_stream()
        await self.assert_served("T = 1 on the bound stream")
        result = await self.host.mem_read(self.public(), 4, FOREIGN)
        assert result.status is CplStatus.SC
        await self.kit.stop(self.session, VICTIM)
        self.tdi = await self.kit.lock(self.session, VICTIM)
        self.assert_states(TdiState.CONFIG_LOCKED, "LOCK with the default stream")
