# SPDX-License-Identifier: Apache-2.0
"""The parts that a system test plays with."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.spdm.identity import DeviceIdentity
from models.spdm.key_port import SessionKeyPort
from models.spdm.responder import SpdmResponder
from tb.host.vmm_host import VmmHost

if TYPE_CHECKING:
    from tb.env import TdispEnv


@dataclass(frozen=True)
class RootOfTrust:
    """Identity of the device and the entropy of its SPDM responder."""

    identity: DeviceIdentity
    rng: random.Random

    def responder(self, key_port: SessionKeyPort) -> SpdmResponder:
        """The responder behind `key_port`."""
        return SpdmResponder(self.identity, key_port, self.rng)


def make_root_of_trust(rng: random.Random) -> RootOfTrust:
    """A fresh identity; all its randomness comes from `rng`."""
    return RootOfTrust(DeviceIdentity.generate(rng), random.Random(rng.random()))


class Scenario:
    """VMM, TSM and TVMs around one environment."""

    def __init__(self, env: TdispEnv, root: RootOfTrust, rng: random.Random) -> None:
        self.env = env
        self.root = root
        self.rng = rng

    @property
    def vmm(self) -> VmmHost:
        """The VMM's hands on the device."""
        if not hasattr(self, "_vmm"):
            self._vmm = VmmHost(self.env.host)
        return self._vmm
