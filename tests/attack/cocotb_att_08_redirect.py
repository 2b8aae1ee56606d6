# SPDX-License-Identifier: Apache-2.0
"""ATT-08: a switch delivers TLPs to the wrong place, or does not deliver them."""

from __future__ import annotations

import pyuvm

from models.ide.codes import SubStream
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction
from models.pcie.codes import AerUncorrectable, CplStatus
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM
from tests.attack.attack_test import (
    BOUND_WITHOUT_T,
    FOREIGN,
    FOREIGN_WITHOUT_T,
    LEGACY_DATA,
    LEGACY_VF,
    TRUSTED,
    AttackTest,
)

STRANGE_STREAM = 9  # of another device behind the switch
TAG = 0xF1
STREAM_ID_BYTE = 2
HEADER = 4  # behind the prefix
ALTERED = bytes(range(0x80, 0xC0))


def stream_of_another_device(rng_bytes: bytes) -> IdeStream:
    """A Secure stream that this device has no keys of."""
    stream = IdeStream(StreamConfig(STRANGE_STREAM))
    slots = [KeySlot(d, sub, 0) for d in Direction for sub in SubStream]
    for n, slot in enumerate(slots):
        stream.program(slot, bytes([n]) + rng_bytes[1:32])
        stream.go(slot)
    stream.enable()
    return stream


@pyuvm.test()
class MisdeliveredTlpsAreRefused(AttackTest):
    """TLPs of another stream or for another address have no effect on any TDI."""

    async def attack(self) -> None:
        await self.use_other_stream()
        await self._other_stream()
        await self._unknown_stream()
        await self._other_address()
        await self._address_changed_under_way()
        await self._stream_changed_under_way()
        self.assert_no_leak()

    async def _nothing_changed(self, what: str) -> None:
        self.assert_states(TdiState.RUN, what)
        assert self.secure(), what
        assert self.secure(OTHER_STREAM), what
        await self.assert_served(what)
        await self.assert_legacy_untouched(what)

    async def _other_stream(self) -> None:
        for route in (FOREIGN, FOREIGN_WITHOUT_T):
            what = f"on another stream, {route}"
            await self.read_refused(self.memory(), route, what)
            await self.write_silently(self.memory(), ALTERED, route, what)
            await self._nothing_changed(what)

    async def _unknown_stream(self) -> None:
        what = "on the stream of another device"
        await self.aer_status()
        strange = stream_of_another_device(self.rng.randbytes(32))
        since = self.mark()
        for raw in (
            Tlp.mem_read(HOST_RID, self.memory(), 64, tag=TAG).encode(),
            Tlp.mem_write(HOST_RID, self.memory(), ALTERED).encode(),
        ):
            await self.host.transmit_wire(strange.encrypt(raw, True), f"attack: {what}")
        await self.quiet()
        assert not self.from_device(since), f"{what}: {self.from_device(since)[0].summary()}"
        await self.assert_reported(AerUncorrectable.MISROUTED_IDE_TLP, what)
        await self._nothing_changed(what)

    async def _other_address(self) -> None:
        """The TVM's TLP arrives at VF2, the legacy VM's at VF1."""
        legacy = self.memory(LEGACY_VF)
        await self.read_refused(legacy, TRUSTED, "T = 1 at a TDI that is not locked")
        await self.write_silently(legacy, ALTERED, TRUSTED, "T = 1 at a TDI that is not locked")
        await self.read_refused(self.memory(), PLAIN, "VF2's TLP at VF1")
        await self.write_silently(self.memory(), ALTERED, PLAIN, "VF2's TLP at VF1")
        await self._nothing_changed("TLPs for another address")

    async def _address_changed_under_way(self) -> None:
        what = "address changed from VF1 to VF2"
        raw = Tlp.mem_write(HOST_RID, self.memory(), ALTERED).encode()
        elsewhere = Tlp.mem_write(HOST_RID, self.memory(LEGACY_VF), ALTERED).encode()
        wire = self.host.streams[DEFAULT_STREAM].encrypt(raw, True)
        size = len(raw) - len(ALTERED)
        wire = wire[:HEADER] + elsewhere[:size] + wire[HEADER + size :]
        await self.host.transmit_wire(wire, f"attack: {what}")
        await self.quiet()
        self.assert_states(TdiState.ERROR, what)
        assert not self.secure(), what
        assert self.secure(OTHER_STREAM), what
        await self.assert_legacy_untouched(what)
        await self.attach_again()

    async def _stream_changed_under_way(self) -> None:
        """The stream on which it arrives ends at once, its own one when the gap is seen."""
        what = "Stream ID changed"
        raw = Tlp.mem_write(HOST_RID, self.memory(), ALTERED).encode()
        wire = bytearray(self.host.streams[DEFAULT_STREAM].encrypt(raw, True))
        wire[STREAM_ID_BYTE] = OTHER_STREAM
        since = self.mark()
        await self.host.transmit_wire(bytes(wire), f"attack: {what}")
        await self.quiet()
        self.assert_states(TdiState.RUN, what)
        assert not self.secure(OTHER_STREAM), what
        assert self.secure(), f"{what}: the stream of VF1 ended as well"
        assert self.fails(since) == [OTHER_STREAM], what
        await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM, after the lost one")
        await self.quiet()
        self.assert_states(TdiState.ERROR, "TLP lost in the switch")
        assert not self.secure(), "TLP lost in the switch"
        await self.assert_legacy_untouched("TLP lost in the switch")


@pyuvm.test()
class DeliveredTlpsAreServed(AttackTest):
    """The same TLPs where they belong: VF1 by its stream, VF2 by the other one and in clear."""

    async def attack(self) -> None:
        await self.use_other_stream()
        await self.assert_served("on its stream")
        await self.assert_legacy_untouched("in clear")
        for route in (FOREIGN_WITHOUT_T, BOUND_WITHOUT_T):
            result = await self.host.mem_read(self.memory(LEGACY_VF), len(LEGACY_DATA), route)
            assert (result.status, result.data) == (CplStatus.SC, LEGACY_DATA), route
            assert result.route == route
        self.assert_states(TdiState.RUN, "delivered")
        assert self.secure()
        assert self.secure(OTHER_STREAM)
