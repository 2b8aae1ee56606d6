# SPDX-License-Identifier: Apache-2.0
"""The reference device behind the socket, set up by a VMM as the simulated one is."""

from __future__ import annotations

import time
from collections.abc import Callable

from models.device.control import RootOfTrust
from models.device.device import ReferenceDevice
from models.ide.codes import ControlBit
from models.socket.config import ServerConfig
from models.spdm.key_port import SessionKeyPort
from models.spdm.responder import SpdmResponder
from models.spdm.signing import Entropy
from models.tdisp.nonces import RandomNonces
from models.tdisp.profile import NonceSource
from models.tsm.model_host import ModelHost

ENABLE = 1 << ControlBit.ENABLE
DWORD = 4


class NoRootOfTrust:
    """Behind a device that nobody talks to: the host's idea of one that is elsewhere."""

    def handle(self, message: bytes, session_id: int | None, /) -> bytes | None:
        """Silence."""
        return None

    def session_ended(self, session_id: int, /) -> None:
        """There are no sessions."""


def set_up(host: ModelHost, config: ServerConfig) -> None:
    """What the VMM does before the first client: BARs, VFs, streams placed and enabled.

    Streams are enabled ahead of their keys, since a client of the socket has no configuration
    space: the last K_SET_GO makes them Secure.
    """
    host.enumerate(config.place.window, config.place.vfs)
    blocks = config.ide.blocks(host.device.profile.num_streams)
    for block, stream_id in enumerate(blocks):
        host.place_stream(block, stream_id, default=stream_id == config.ide.default)
    for block in range(len(config.ide.streams)):
        host.enable_block(block)


def make_host(
    config: ServerConfig, rot: Callable[[SessionKeyPort], RootOfTrust], nonces: NonceSource
) -> ModelHost:
    """A reference device in the place that `config` says, not set up yet."""
    device = ReferenceDevice(rot, nonces, config.profile)
    return ModelHost(device, config.place.pf_rid)


class ModelDevice:
    """Is a `DoeDevice`."""

    def __init__(
        self,
        config: ServerConfig,
        rot: Callable[[SessionKeyPort], SpdmResponder],
        entropy: Entropy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._clock = clock
        self._responder: SpdmResponder | None = None

        def keep(port: SessionKeyPort) -> SpdmResponder:
            self._responder = rot(port)
            return self._responder

        self.nonces = RandomNonces(entropy)
        self.host = make_host(config, keep, self.nonces)
        self.device = self.host.device
        set_up(self.host, config)
        self._secure = self._states()

    def _states(self) -> list[bool]:
        return [stream.secure for stream in self.device.stream_ends()]

    def exchange(self, doe_object: bytes, /) -> bytes | None:
        """The answer of the device; an object that does not fit the mailbox has none."""
        if len(doe_object) > DWORD * self.device.profile.doe_dwords:
            return None
        self._advance_time()
        answer = self.device.handle_object(doe_object)
        now = self._states()
        for block, (before, after) in enumerate(zip(self._secure, now, strict=True)):
            if before and not after:  # Enable has to rise again for new keys
                self.host.enable_block(block)
        self._secure = now
        return answer

    def _advance_time(self) -> None:
        """Tell the root of trust the time: sessions whose heartbeat is overdue end."""
        if self._responder is not None:
            self._responder.advance_time(self._clock())

    def reset(self) -> None:
        """Conventional reset and set-up."""
        self.device.reset()
        if self._responder is not None:
            self._responder.reset()
        set_up(self.host, self._config)
        self._secure = self._states()
