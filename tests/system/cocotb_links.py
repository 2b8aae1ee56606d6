# SPDX-License-Identifier: Apache-2.0
"""The link under load: back-pressure on every stream, keys that are refreshed under traffic."""

from __future__ import annotations

import cocotb
import pyuvm

from models.app.map import Bar0, Control, Status
from models.pcie.codes import CplStatus
from models.tdisp.codes import TdiState
from tb.scenario import DEFAULT_STREAM, STREAM_BLOCKS, TVM_MEMORY
from tests.system.cocotb_functions import TransfersRunSideBySide, TwoVms

REFRESHES = 3
SIZE = 512


@pyuvm.test()
class TransfersUnderBackPressure(TransfersRunSideBySide):
    """Three of ten cycles are stalled, at random, on every stream in and out."""

    pause_share = 0.3


@pyuvm.test()
class TransfersUnderHeavyBackPressure(TransfersRunSideBySide):
    """Seven of ten cycles are stalled."""

    pause_share = 0.7


@pyuvm.test()
class KeysAreRefreshedUnderTraffic(TwoVms):
    """The other key set takes over while reads, writes and DMA go on; nothing is lost."""

    async def use(self) -> None:
        self.rounds, self.ended = 0, False
        traffic = cocotb.start_soon(self._traffic())
        for n in range(REFRESHES):
            before = self.rounds
            await self.kit.refresh_keys(self.session, (n + 1) % 2)
            while self.rounds < before + 2:
                await self.kit.env.doe.exchange(bytes(8))
            assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN
            assert self.adapter.streams_secure()[STREAM_BLOCKS[DEFAULT_STREAM]]
        self.ended = True
        await traffic
        used = {r.prefix.k for r in self.kit.host.capture.records if r.prefix is not None}
        assert used == {0, 1}

    async def _traffic(self) -> None:
        kit = self.kit
        memory = kit.function(self.tvm).bar0 + Bar0.MEMORY
        while not self.ended:
            data = self.rng.randbytes(SIZE)
            for at in range(0, SIZE, 128):
                await kit.host.mem_write(memory + at, data[at : at + 128], kit.tee)
            result = await kit.host.mem_read(memory, SIZE, kit.tee)
            assert result.status is CplStatus.SC
            assert result.data == data
            for control in (Control.WRITE_HOST, Control(0)):  # every sub-stream, both ways
                status = await self.move(self.tvm, kit.tee, control, TVM_MEMORY.base, SIZE)
                assert status == Status.DONE
            self.rounds += 1
