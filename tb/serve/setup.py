# SPDX-License-Identifier: Apache-2.0
"""What the server tells the simulation before anything else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from models.socket.config import ServerConfig
from models.socket.identity import make_identity
from models.socket.toml_config import parse
from models.spdm.identity import DeviceIdentity


@dataclass(frozen=True, slots=True)
class Setup:
    """The configuration as text, the folder of its files, and the seed of a test identity."""

    config: str  # TOML
    folder: str
    identity_seed: int
    check: bool = False  # with the scoreboard

    def encode(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Setup:
        """From JSON."""
        return cls(**json.loads(raw))

    def load(self) -> ServerConfig:
        """The configuration."""
        return parse(self.config, Path(self.folder))

    def identity(self) -> DeviceIdentity:
        """The identity of the device: that of the files, or the one of the seed."""
        return make_identity(self.load().identity, self.identity_seed)
