# SPDX-License-Identifier: Apache-2.0
"""Steps of the life cycle on the device, each a test of its own."""

from __future__ import annotations

import pyuvm

from models.app.map import ID_VALUE, Bar0, Register
from models.pcie.codes import CplStatus
from models.tdisp.codes import Request, TdiState
from tb.base_test import BaseTest
from tb.scenario import Scenario

PATTERN = bytes(range(256))


@pyuvm.test()
class TvmReadsAndWritesMmio(BaseTest):
    """In RUN the TVM's IDE requests with T = 1 are served; data comes back to the byte."""

    async def scenario(self, kit: Scenario) -> None:
        kit.certificate_known = False
        _, tdi = await kit.attach()
        assert await kit.read_register(tdi.function, Register.ID, kit.tee) == ID_VALUE
        memory = tdi.function.bar0 + Bar0.MEMORY
        await kit.host.mem_write(memory + 3, PATTERN[:100], kit.tee)
        result = await kit.host.mem_read(memory + 3, 100, kit.tee)
        assert result.status is CplStatus.SC
        assert result.data == PATTERN[:100]
        assert result.route == kit.tee


@pyuvm.test()
class StopEndsInConfigUnlockedWithClearedMemory(BaseTest):
    """After STOP the next owner reads zeros."""

    async def scenario(self, kit: Scenario) -> None:
        session, tdi = await kit.attach()
        memory = tdi.function.bar0 + Bar0.MEMORY
        await kit.host.mem_write(memory, PATTERN, kit.tee)
        await kit.stop(session, tdi.index)
        assert self.adapter.tdi_states()[tdi.index] is TdiState.CONFIG_UNLOCKED
        result = await kit.host.mem_read(memory, len(PATTERN))
        assert result.data == bytes(len(PATTERN))


@pyuvm.test()
class StateIsReportedInEveryState(BaseTest):
    """GET_DEVICE_INTERFACE_STATE follows the life cycle."""

    async def scenario(self, kit: Scenario) -> None:
        await kit.bring_up()
        session = await kit.open_session()
        await kit.key_stream(session)
        index, seen = kit.tvm_function, []

        async def look() -> None:
            answer = await kit.tdisp(session, Request.GET_DEVICE_INTERFACE_STATE, index)
            assert answer is not None
            seen.append(TdiState(answer.payload[0]))

        await look()
        tdi = await kit.lock(session, index)
        await look()
        await kit.start(session, tdi)
        await look()
        await kit.stop(session, index)
        await look()
        assert seen == [
            TdiState.CONFIG_UNLOCKED,
            TdiState.CONFIG_LOCKED,
            TdiState.RUN,
            TdiState.CONFIG_UNLOCKED,
        ]
