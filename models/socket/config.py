# SPDX-License-Identifier: Apache-2.0
"""What a served device is and how its VMM sets it up, before the first client comes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.device.config import DeviceProfile
from models.spdm.codes import NUM_SLOTS, Capability
from models.spdm.identity import SlotStore
from models.spdm.key_log import KeyLog
from models.spdm.key_port import SessionKeyPort
from models.spdm.measurements import DeviceState, Measurement
from models.spdm.negotiation import REQUESTER_FLAGS
from models.spdm.requester import RequesterConfig
from models.spdm.responder import SpdmResponder
from models.spdm.responder_state import ResponderConfig
from models.spdm.signing import Entropy

DEFAULT_TDIS = 4
DEFAULT_STREAMS = 2
DEFAULT_SESSIONS = 4
MAX_VFS = 7
MAX_STREAMS = 8
MAX_SESSIONS = 16
BYTE = 0xFF
FUNCTION_BITS = 3
BUS = 8  # bit number in a Requester ID


class ConfigError(Exception):
    """A setting that no device can have; the text names it."""


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}: it must be {low} to {high}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the VMM finds the physical function; VF n has its Requester ID plus n.

    By default VF 1 is 0xBEEF, the function that the public requester asks for.
    """

    bus: int = 0xBE
    device: int = 0x1D
    function: int = 6
    vfs: int = 3  # that the VMM enables
    window: int = 0x1_0000_0000  # bus address from which on BARs are placed

    def __post_init__(self) -> None:
        _within("device.bus", self.bus, 1, BYTE)
        _within("device.device", self.device, 0, 0x1F)
        _within("device.function", self.function, 0, 7)
        _within("device.vfs", self.vfs, 0, MAX_VFS)
        _within("device.window", self.window, 0, (1 << 63) - 1)
        _within("Requester ID of the last VF", self.pf_rid + self.vfs, 0, 0xFFFF)

    @property
    def pf_rid(self) -> int:
        """Requester ID of the physical function."""
        return self.bus << BUS | self.device << FUNCTION_BITS | self.function


@dataclass(frozen=True, slots=True)
class IdePlan:
    """Selective streams by register block, and the port index of IDE_KM."""

    streams: tuple[int, ...] = (0, 1)
    default: int = 0
    port_index: int = 1  # answered besides 0

    def __post_init__(self) -> None:
        _within("number of ide.streams", len(self.streams), 1, MAX_STREAMS)
        for stream in self.streams:
            _within("ide.streams", stream, 0, BYTE)
        if len(set(self.streams)) != len(self.streams):
            raise ConfigError("ide.streams names a Stream ID twice")
        if self.default not in self.streams:
            raise ConfigError(f"ide.default is {self.default}, which is not in ide.streams")
        _within("ide.port_index", self.port_index, 0, BYTE)

    def blocks(self, count: int) -> tuple[int, ...]:
        """A Stream ID for each of `count` register blocks; unused blocks get unused IDs."""
        unused = (value for value in range(BYTE, -1, -1) if value not in self.streams)
        return self.streams + tuple(next(unused) for _ in range(count - len(self.streams)))


@dataclass(frozen=True, slots=True)
class SlotFiles:
    """Certificates and key of one slot; a slot may have several, one for each algorithm."""

    slot: int
    chain: Path  # PEM or DER, root first or leaf first
    key: Path  # PEM or DER

    def __post_init__(self) -> None:
        _within("identity.slots.slot", self.slot, 0, NUM_SLOTS - 1)


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """Where certificates and keys come from, and where the root goes."""

    slots: tuple[SlotFiles, ...] = ()  # none: a test PKI is made
    filled: tuple[int, ...] = (0, 1)  # slots of the test PKI
    root: Path = Path("sim_build/serve/root.pem")

    def __post_init__(self) -> None:
        for slot in self.filled:
            _within("identity.filled", slot, 0, NUM_SLOTS - 1)
        given = [files.slot for files in self.slots] or self.filled
        if 0 not in given:
            raise ConfigError("identity: slot 0 must be filled")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything that the TOML file says."""

    place: Place = field(default_factory=Place)
    ide: IdePlan = field(default_factory=IdePlan)
    identity: IdentityFiles = field(default_factory=IdentityFiles)
    seed: int | None = None  # of all randomness; None for that of the operating system
    spdm: ResponderConfig = field(default_factory=ResponderConfig)
    measurements: tuple[Measurement, ...] = field(
        default_factory=lambda: DeviceState().measurements()
    )

    def __post_init__(self) -> None:
        _within("spdm.max_sessions", self.spdm.max_sessions, 1, MAX_SESSIONS)

    def entropy(self) -> random.Random:
        """A new source of randomness."""
        return random.SystemRandom() if self.seed is None else random.Random(self.seed)

    def responder(
        self,
        slots: SlotStore,
        key_port: SessionKeyPort,
        entropy: Entropy,
        key_log: KeyLog | None = None,
    ) -> SpdmResponder:
        """The root of trust behind a session-key port."""
        return SpdmResponder(slots, key_port, entropy, self.spdm, self.measurements, key_log)

    @property
    def requester(self) -> RequesterConfig:
        """A requester that takes the best of what this device offers."""
        return RequesterConfig(
            flags=REQUESTER_FLAGS | self.spdm.flags & Capability.HANDSHAKE_IN_THE_CLEAR,
            algorithms=self.spdm.algorithms,
            secured_versions=self.spdm.secured_versions,
        )

    @property
    def expected_measurements(self) -> Mapping[int, bytes]:
        """Values by index."""
        return {block.index: block.value for block in self.measurements}

    @property
    def profile(self) -> DeviceProfile:
        """What the device is built with."""
        return DeviceProfile(
            num_tdi=max(DEFAULT_TDIS, self.place.vfs + 1),
            num_streams=max(DEFAULT_STREAMS, len(self.ide.streams)),
            num_sessions=max(DEFAULT_SESSIONS, self.spdm.max_sessions),
            pf_function=self.place.function,
            port_aliases=frozenset({self.ide.port_index}),
        )
