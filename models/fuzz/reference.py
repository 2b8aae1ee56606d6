# SPDX-License-Identifier: Apache-2.0
"""A campaign against the reference device, without a simulator."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from models.app.config_map import ConfigRegister as Reg
from models.fuzz.campaign import WEIGHTS, Campaign, Kind
from models.fuzz.corpus import CORPUS
from models.fuzz.grammar import Scene
from models.fuzz.judge import States
from models.socket.config import ServerConfig
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.model_device import ModelDevice
from models.spdm.identity import DeviceIdentity, SlotStore
from models.spdm.requester import SpdmRequester

IDENTITY = DeviceIdentity.generate(random.Random(1))
UNUSED_STREAM = 77
ALL_BYTES = 0b1111


class _Host:
    """The VMM of the device; `ModelDevice` revives its streams by itself."""

    def __init__(self, device: ModelDevice, pf_rid: int) -> None:
        self._device = device
        self._pf_rid = pf_rid

    def states(self) -> States:
        """States of all TDIs."""
        return self._device.device.tdi_states()

    def secure(self) -> bool:
        """Whether the default stream is Secure."""
        return self._device.device.stream_ends()[0].secure

    async def settle(self) -> None:
        """A model has no time."""

    async def revive(self) -> None:
        """Done already."""

    @asynccontextmanager
    async def misconfigured(self) -> AsyncIterator[None]:
        """VF BAR0 lies on BAR0 (TDISP-LOCK-012)."""
        device, pf = self._device.device, self._pf_rid
        places = [(Reg.SRIOV_VF_BAR0 + n, device.config_read(pf, Reg.BAR0 + n)) for n in (0, 4)]
        old = [(at, device.config_read(pf, at)) for at, _ in places]
        for at, value in places:
            device.config_write(pf, at, value, ALL_BYTES)
        yield
        for at, value in old:
            device.config_write(pf, at, value, ALL_BYTES)

    @asynccontextmanager
    async def without_entropy(self) -> AsyncIterator[None]:
        """The source of nonces is dry."""
        nonces = self._device.nonces
        nonces.available = False
        yield
        nonces.available = True


class _Wire:
    """The device as a transport."""

    def __init__(self, device: ModelDevice) -> None:
        self._device = device

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """The answer to an object."""
        return self._device.exchange(doe_object)


@dataclass(frozen=True)
class ReferenceRun:
    """A campaign and what it is run on."""

    campaign: Campaign
    config: ServerConfig
    wire: _Wire

    def run(self, messages: int) -> None:
        """Send the messages; FuzzError when a rule is broken."""
        asyncio.run(self.campaign.run(messages))

    def replay(self) -> None:
        """Send what once found something; FuzzError when a rule is broken."""
        asyncio.run(self.campaign.replay(find.message for find in CORPUS))

    def live(self) -> None:
        """A whole valid life cycle, straight after; TsmError when it fails."""
        wanted = Wanted(self.config, [IDENTITY.root], self.config.expected_measurements)
        asyncio.run(LifeCycle(self.wire, wanted, random.Random(3)).run())


def reference_run(seed: int, weights: Mapping[Kind, int] = WEIGHTS) -> ReferenceRun:
    """A device as its VMM has set it up, and nobody connected."""
    rng, config = random.Random(seed), ServerConfig()
    entropy = random.Random(rng.getrandbits(64))
    slots = SlotStore.single(IDENTITY)
    device = ModelDevice(config, lambda port: config.responder(slots, port, entropy), entropy)
    wire = _Wire(device)
    place = config.place
    scene = Scene(
        rids=[place.pf_rid + n for n in range(place.vfs + 1)],
        stream_ids=(*config.ide.streams, UNUSED_STREAM),
        port_indices=(0, config.ide.port_index),
    )

    def prepare() -> SpdmRequester:
        return SpdmRequester(wire, random.Random(rng.getrandbits(64)), [IDENTITY.root])

    campaign = Campaign(wire, prepare, _Host(device, place.pf_rid), scene, rng, weights)
    return ReferenceRun(campaign, config, wire)
