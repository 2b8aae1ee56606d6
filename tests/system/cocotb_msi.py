# SPDX-License-Identifier: Apache-2.0
"""Interrupts by the MSI capability, beside a TDI in RUN whose interrupts are trusted."""

from __future__ import annotations

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles

from models.app.config_map import ConfigRegister as Reg
from models.app.msi import CONTROL_RESET, ENABLE, VECTORS
from models.pcie.codes import CapabilityId
from models.tdisp.codes import TdiState
from tb.host.inbound import InterruptMessage
from tb.host.route import PLAIN, Route
from tb.scenario import (
    LEGACY_INTERRUPTS,
    LEGACY_MEMORY,
    TVM,
    TVM_INTERRUPTS,
    TVM_MEMORY,
    VMM_MEMORY,
    Scenario,
)
from tests.system.cocotb_functions import DATA, Interrupts
from tests.system.cocotb_sdis import FIRST, PF, WithSdis

FOUR_VECTORS = 2 << 20
MESSAGE = 0x80  # data of vector 0
EVERYTHING = (1 << VECTORS) - 1
QUIET = 400  # cycles: longer than a message takes
OWN_MEMORY = 0x1000  # offset in the TVM's memory
MSIX_ENABLE, MSIX_MASK = 1 << 31, 1 << 30
L, R, E = TdiState.CONFIG_LOCKED, TdiState.RUN, TdiState.ERROR


class BesideATvm(Interrupts):
    """The TVM's function is in RUN and interrupts by MSI-X, the other one by MSI."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        await kit.vmm.enable_msix(self.tvm)
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await kit.start(self.session, await kit.lock(self.session, self.tvm))
        await self.entry(self.tvm, kit.tee, 0, TVM_INTERRUPTS.base, 0)
        self.rid = kit.function(self.legacy).rid
        await self.program()
        await self.use()

    async def write(self, register: Reg, value: int) -> None:
        """A register of the capability of the other function."""
        await self.kit.host.config_write(self.rid, register, value)

    async def program(self) -> None:
        """Four vectors, none of them masked."""
        assert await self.kit.host.capability(self.rid, CapabilityId.MSI) == Reg.MSI
        await self.write(Reg.MSI_ADDRESS_LOW, LEGACY_INTERRUPTS.base)
        await self.write(Reg.MSI_ADDRESS_HIGH, 0)
        await self.write(Reg.MSI_DATA, MESSAGE)
        await self.write(Reg.MSI_MASK, 0)
        await self.write(Reg.MSI, FOUR_VECTORS | ENABLE)

    async def held(self) -> int:
        """The pending bits."""
        return await self.kit.host.config_read(self.rid, Reg.MSI_PENDING)

    async def taken(self) -> list[InterruptMessage]:
        """The interrupts that have come."""
        await ClockCycles(self.adapter.clk, QUIET)
        sent = self.kit.host.inbound.interrupts
        messages = list(sent)
        sent.clear()
        return messages

    async def assert_sent(self, *vectors: int) -> None:
        """These vectors of the other function have come, by MSI, with T = 0, and nothing else."""
        messages = await self.taken()
        assert [(m.data, m.t) for m in messages] == [(MESSAGE + v, False) for v in vectors]
        assert {m.requester_id for m in messages} <= {self.rid}

    async def wait_masked(self, vector: int, route: Route = PLAIN, base: int = 0) -> None:
        """An event of a vector while all are masked."""
        await self.write(Reg.MSI_MASK, EVERYTHING)
        await self.interrupt(self.legacy, route, vector, base or LEGACY_MEMORY.base)
        await self.assert_sent()
        assert await self.held() == 1 << vector


@pyuvm.test()
class AnMsiIsNeverTrusted(BesideATvm):
    """T = 0 in CONFIG_UNLOCKED, CONFIG_LOCKED and RUN, while those of the neighbour have T = 1."""

    async def use(self) -> None:
        kit = self.kit
        for vector in range(VECTORS):
            await self.interrupt(self.legacy, PLAIN, vector, LEGACY_MEMORY.base)
        await self.assert_sent(*range(VECTORS))
        await self.wait_masked(1)
        tdi = await kit.lock(self.session, self.legacy)
        await self.assert_sent()
        await self.write(Reg.MSI_MASK, 0)
        await self.assert_sent(1)
        assert self.adapter.tdi_states()[self.legacy] is L
        await kit.start(self.session, tdi)
        for vector in range(VECTORS):
            await self._both(vector)
        await self.wait_masked(3, kit.tee, TVM_MEMORY.base + OWN_MEMORY)
        await self.write(Reg.MSI_MASK, 0)
        await self.assert_sent(3)
        states = self.adapter.tdi_states()
        assert states[self.legacy] is states[self.tvm] is R
        assert not kit.host.inbound.refused

    async def _both(self, vector: int) -> None:
        """Both functions have an interrupt at once; their data is trusted, one message is not."""
        tee = self.kit.tee
        other = cocotb.start_soon(self.interrupt(self.tvm, tee, 0, TVM_MEMORY.base))
        await self.interrupt(self.legacy, tee, vector, TVM_MEMORY.base + OWN_MEMORY)
        await other
        messages = {m.requester_id: m for m in await self.taken()}
        assert len(messages) == 2
        untrusted, trusted = messages[self.rid], messages[self.kit.function(self.tvm).rid]
        assert (untrusted.data, untrusted.t) == (MESSAGE + vector, False)
        assert (trusted.data, trusted.t) == (DATA, True)


@pyuvm.test()
class AnMsiEndsWithItsLife(BesideATvm):
    """ERROR sends none, STOP and function level reset leave none to send, MSI-X turns it off."""

    async def use(self) -> None:
        await self._in_error()
        await self._reset()
        await self._turned_off()
        assert self.adapter.tdi_states()[self.tvm] is R

    async def _in_error(self) -> None:
        kit = self.kit
        await kit.start(self.session, await kit.lock(self.session, self.legacy))
        await self.wait_masked(2, kit.tee, TVM_MEMORY.base + OWN_MEMORY)
        await kit.host.config_write(self.rid, Reg.MSIX, MSIX_MASK, enables=0b1100)
        assert self.adapter.tdi_states()[self.legacy] is E
        await self.write(Reg.MSI_MASK, 0)
        await self.assert_sent()
        await kit.stop(self.session, self.legacy)
        await kit.host.config_write(self.rid, Reg.MSIX, 0, enables=0b1100)
        await self.assert_sent()
        assert await self.held() == 0
        await self.interrupt(self.legacy, PLAIN, 2, LEGACY_MEMORY.base)
        await self.assert_sent(2)

    async def _reset(self) -> None:
        await self.wait_masked(0)
        await self.kit.vmm.reset_function(self.legacy)
        await self.kit.wait_cleared()
        head = await self.kit.host.config_read(self.rid, Reg.MSI)
        assert head & ~0xFFFF == CONTROL_RESET
        for register in (
            Reg.MSI_ADDRESS_LOW,
            Reg.MSI_ADDRESS_HIGH,
            Reg.MSI_DATA,
            Reg.MSI_MASK,
            Reg.MSI_PENDING,
        ):
            assert await self.kit.host.config_read(self.rid, register) == 0, register.name
        await self.kit.vmm.write_command(self.legacy)
        await self.program()
        await self.assert_sent()
        await self.interrupt(self.legacy, PLAIN, 0, LEGACY_MEMORY.base)
        await self.assert_sent(0)

    async def _turned_off(self) -> None:
        """Both are enabled: MSI-X is what counts."""
        await self.kit.host.config_write(self.rid, Reg.MSIX, MSIX_ENABLE, enables=0b1100)
        await self.entry(self.legacy, PLAIN, 1, LEGACY_INTERRUPTS.base + 16, 0)
        await self.interrupt(self.legacy, PLAIN, 1, LEGACY_MEMORY.base)
        (message,) = await self.taken()
        assert (message.address, message.data) == (LEGACY_INTERRUPTS.base + 16, DATA + 1)
        await self.kit.host.config_write(self.rid, Reg.MSIX, 0, enables=0b1100)
        await self.interrupt(self.legacy, PLAIN, 1, LEGACY_MEMORY.base)
        await self.assert_sent(1)


@pyuvm.test()
class MsiIsOfTheFunctionAndNotOfItsSdis(WithSdis):
    """Its registers are free for the SDIs; they themselves interrupt by MSI-X or not at all."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        self.session = await kit.open_session()
        await kit.key_stream(self.session)
        await self.run(FIRST, TVM)
        for register, value in (
            (Reg.MSI_ADDRESS_LOW, LEGACY_INTERRUPTS.base),
            (Reg.MSI_DATA, MESSAGE),
            (Reg.MSI, FOUR_VECTORS | ENABLE),
        ):
            await kit.host.config_write(kit.host.pf_rid, register, value)
            assert self.adapter.tdi_states()[FIRST] is R
        sent = kit.host.inbound.interrupts
        await self.interrupt(FIRST, kit.tee, 1, TVM_MEMORY.base)
        assert not sent
        await self.interrupt(PF, PLAIN, 2, VMM_MEMORY.base)
        (message,) = sent
        assert (message.data, message.t) == (MESSAGE + 2, False)
        assert message.requester_id == kit.host.pf_rid
