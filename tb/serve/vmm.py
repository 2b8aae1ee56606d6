# SPDX-License-Identifier: Apache-2.0
"""The VMM of the server: puts the device where the configuration wants it."""

from __future__ import annotations

from typing import Any

from models.socket.config import ServerConfig
from models.socket.model_device import NoRootOfTrust, make_host, set_up
from models.spdm.signing import Entropy
from models.tdisp.nonces import RandomNonces
from tb.host.vmm_host import FunctionAddress, VmmHost


class ServeVmm(VmmHost):
    """Carries out on the simulated link what `models.socket.model_device.set_up` does."""

    def __init__(self, host: Any, config: ServerConfig, entropy: Entropy) -> None:
        super().__init__(host)
        self._config = config
        self._plan = make_host(config, lambda _: NoRootOfTrust(), RandomNonces(entropy))
        set_up(self._plan, config)

    def _function(self, number: int) -> FunctionAddress:
        bars = self._plan.bars(number)
        return FunctionAddress(self._plan.rid(number), bars[0], bars[2])

    async def set_up(self) -> None:
        """BARs, VFs, streams placed and enabled ahead of their keys."""
        host, config = self.host, self._config
        self.functions = {0: self._function(0)}
        host.pf_rid = config.place.pf_rid
        await self.restore()
        await self.find_mailbox()
        if config.place.vfs:
            first = self._function(1)
            await self.enable_vfs(config.place.vfs, (first.bar0, first.bar2))
        blocks = config.ide.blocks(config.profile.num_streams)
        for block, stream_id in enumerate(blocks):
            await self.place_stream(block, stream_id, default=stream_id == config.ide.default)
        for block in range(len(config.ide.streams)):
            await self.enable_block(block)

    async def enable_block(self, block: int) -> None:
        """Let Enable of a block rise; it has to after the stream was Secure, for new keys."""
        stream_id = self._config.ide.streams[block]
        default = stream_id == self._config.ide.default
        await self.place_stream(block, stream_id, default=default)
        await self.enable_stream(block, stream_id, default=default)
