# SPDX-License-Identifier: Apache-2.0
"""What the server tells the simulation before anything else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from models.socket.config import ServerConfig
from models.socket.identity import make_slots
from models.socket.toml_config import parse
from models.spdm.identity import SlotStore
from models.spdm.key_file import KeyFile


@dataclass(frozen=True, slots=True)
class Setup:
    """The configuration as text, the folder of its files, and the seed of a test identity."""

    config: str  # TOML
    folder: str
    identity_seed: int
    check: bool = False  # with the scoreboard
    key_file: str | None = None  # where the secrets of sessions go
    config_dump: str | None = None  # where configuration space goes, as it was set up

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

    def slots(self) -> SlotStore:
        """The certificate slots of the device: from the files, or from the seed."""
        config = self.load()
        return make_slots(config.identity, self.identity_seed, config.spdm.algorithms.asym)

    def key_log(self) -> KeyFile | None:
        """Where secrets go, None when nobody asked for them."""
        return None if self.key_file is None else KeyFile(Path(self.key_file))
