# SPDX-License-Identifier: Apache-2.0
"""A campaign against the reference device, without a simulator."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Bar0
from models.device.config import DeviceProfile
from models.device.registers import FIRST_BLOCK
from models.fuzz.campaign import PEER_BLOCK, WEIGHTS, Campaign, Kind
from models.fuzz.corpus import CORPUS
from models.fuzz.grammar import Scene
from models.fuzz.judge import States
from models.pcie.codes import SelectiveBlock
from models.socket.config import ServerConfig
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.model_device import ModelDevice
from models.spdm.identity import DeviceIdentity, SlotStore
from models.spdm.requester import SpdmRequester
from models.tdisp.interface_id import InterfaceId
from models.tdisp.report import reported_page
from models.tsm.model_host import ModelHost

IDENTITY = DeviceIdentity.generate(random.Random(1))
DEFAULT_CONFIG = ServerConfig()
SDI_PASID = 0x300  # SDI n has SDI_PASID + n
UNUSED_STREAM = 77
ALL_BYTES = 0b1111
DWORD = 4
ADDRESS_REGISTERS = 3  # of an address association
PEER_RID = 0x0200
PEER_BASE, PEER_LIMIT = 0x4000_0000, 0x7FFF_FFFF


class SdiConfig(ServerConfig):
    """The TDIs behind the first are SDIs of its function."""

    @property
    def profile(self) -> DeviceProfile:
        """What the device is built with."""
        return replace(super().profile, sdis=True, pasid=True, sdi_pasid=SDI_PASID)


class _Host:
    """The VMM of the device; `ModelDevice` revives its streams by itself."""

    def __init__(self, device: ModelDevice, pf_rid: int) -> None:
        self._device = device
        self._pf_rid = pf_rid

    def states(self) -> States:
        """States of all TDIs."""
        return self._device.device.tdi_states()

    def secure(self, block: int = 0) -> bool:
        """Whether the stream of a register block is Secure."""
        return self._device.device.stream_ends()[block].secure

    async def settle(self) -> None:
        """A model has no time."""

    async def revive(self) -> None:
        """Done already."""

    @asynccontextmanager
    async def misconfigured(self) -> AsyncIterator[None]:
        """VF BAR0, or without VFs BAR2, lies on BAR0 (TDISP-LOCK-009, TDISP-LOCK-012)."""
        device, pf = self._device.device, self._pf_rid
        moved = Reg.BAR2 if device.profile.sdis else Reg.SRIOV_VF_BAR0
        places = [(moved + n, device.config_read(pf, Reg.BAR0 + n)) for n in (0, 4)]
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
    host: ModelHost

    def run(self, messages: int) -> None:
        """Send the messages; FuzzError when a rule is broken."""
        asyncio.run(self.campaign.run(messages))

    def replay(self) -> None:
        """Send what once found something; FuzzError when a rule is broken."""
        asyncio.run(self.campaign.replay(find.message for find in CORPUS))

    def live(self) -> None:
        """A whole valid life cycle without peers, straight after; TsmError when it fails."""
        self._without_peers()
        wanted = Wanted(self.config, [IDENTITY.root], self.config.expected_measurements)
        asyncio.run(LifeCycle(self.wire, wanted, random.Random(3)).run())

    def _without_peers(self) -> None:
        host, streams = self.host, self.config.ide.streams
        base = FIRST_BLOCK + PEER_BLOCK * SelectiveBlock.SIZE
        host.place_stream(PEER_BLOCK, streams[PEER_BLOCK], default=False)
        for number in range(ADDRESS_REGISTERS):
            host.write(base + SelectiveBlock.ADDRESS_ASSOCIATION_1 + DWORD * number, 0)
        host.enable_block(PEER_BLOCK)
        for function in range(self.config.place.vfs + 1):
            host.write(Reg.ATS_CONTROL, 0, function=function)


def _with_peers(host: ModelHost, vfs: int) -> None:
    """What a BIND_P2P_STREAM needs of the configuration."""
    host.aim_stream(PEER_BLOCK, PEER_RID, PEER_BASE, PEER_LIMIT)
    for function in range(vfs + 1):
        host.set_ats(function)


def reference_run(
    seed: int | random.Random,
    weights: Mapping[Kind, int] = WEIGHTS,
    config: ServerConfig = DEFAULT_CONFIG,
) -> ReferenceRun:
    """A device as its VMM has set it up, and nobody connected."""
    rng = seed if isinstance(seed, random.Random) else random.Random(seed)
    entropy = random.Random(rng.getrandbits(64))
    slots = SlotStore.single(IDENTITY)
    device = ModelDevice(config, lambda port: config.responder(slots, port, entropy), entropy)
    wire = _Wire(device)
    place = config.place
    host = device.host
    names = [
        InterfaceId.of(host.rid(n), pasid=config.profile.pasid_of(n)) for n in range(place.vfs + 1)
    ]
    scene = Scene(
        names,
        stream_ids=(*config.ide.streams, UNUSED_STREAM),
        port_indices=(0, config.ide.port_index),
        memory_pages={
            name: reported_page(host.bars(n)[0] + Bar0.MEMORY, 0) for n, name in enumerate(names)
        },
    )
    _with_peers(host, place.vfs)

    def prepare() -> SpdmRequester:
        return SpdmRequester(wire, random.Random(rng.getrandbits(64)), [IDENTITY.root])

    campaign = Campaign(wire, prepare, _Host(device, place.pf_rid), scene, rng, weights)
    return ReferenceRun(campaign, config, wire, host)
