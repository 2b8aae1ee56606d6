# SPDX-License-Identifier: Apache-2.0
"""The host around a campaign on the simulated device: its mailbox, its VMM, and a life after it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cocotb.triggers import ClockCycles, SimTimeoutError, with_timeout

from models.app.map import ID_VALUE, Bar0, Bar2, Register
from models.doe.codes import Register as Doe
from models.doe.codes import StatusBit
from models.fuzz.grammar import Scene
from models.fuzz.judge import FuzzError, States
from models.pcie.codes import ExtendedCapabilityId, HeaderRegister
from models.spdm.measurements import DeviceState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.report import reported_page
from models.tsm.ports import Assignment
from models.tsm.tenant import TvmTenant
from models.tsm.tsm import Parties, Tsm
from tb.agents.doe.agent import DoeSequence
from tb.agents.doe.item import DoeItem, DoeResult
from tb.host.tsm_port import TsmHostPort
from tb.host.vmm_host import SRIOV_BAR0
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, STREAM_BLOCKS, Scenario

UNUSED_STREAM = 77
PATIENCE = 8  # looks at an idle mailbox, each longer than a message takes on its way
HANG_US = 1000  # a device that has no entropy says so within 262 us at 250 MHz
QUIET = 600  # cycles: longer than the end of a session takes to move a TDI
ABANDONED = 0.03  # of the objects: one that is never finished comes first
LIVING = 1  # VF1 lives once more after the campaign
REPORTING_OFFSET = -(1 << 40)
DWORD = 4
BAR2_REGISTER = HeaderRegister.BAR0 + 2 * DWORD
PEER_RID = 0x0200
PEER_BASE, PEER_LIMIT = 0x4000_0000, 0x7FFF_FFFF


class FuzzMailbox:
    """Is a `Transport`: the mailbox with hangs, errors and overflows found at once."""

    def __init__(self, kit: Scenario, rng: random.Random, longest: int) -> None:
        self._doe = kit.env.doe
        self._rng = rng
        self._longest = longest

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """The answer to an object; FuzzError when the mailbox hangs."""
        try:
            answer: bytes | None = await with_timeout(self._exchange(doe_object), HANG_US, "us")
        except SimTimeoutError:
            raise FuzzError(f"the mailbox hangs on {doe_object.hex()}") from None
        return answer

    async def _exchange(self, doe_object: bytes) -> bytes | None:
        if self._rng.random() < ABANDONED:
            await self._write(doe_object[: DWORD * self._rng.randrange(1, 8)])
            await self._doe.driver.abort()
        if len(doe_object) > self._longest:
            await self._overflow(doe_object)
            return None
        item = DoeItem(doe_object, PATIENCE)
        await DoeSequence(item).start(self._doe.sequencer)
        if item.result not in (DoeResult.RESPONSE, DoeResult.SILENT):
            raise FuzzError(f"{item.result.value} of the mailbox on {doe_object.hex()}")
        return item.response

    async def _write(self, part: bytes) -> None:
        for at in range(0, len(part), DWORD):
            word = int.from_bytes(part[at : at + DWORD], "little")
            await self._doe.driver.write(Doe.WRITE_MAILBOX, word)

    async def _overflow(self, doe_object: bytes) -> None:
        """An object that does not fit is an error until Abort (DOE-FSM-004)."""
        await self._write(doe_object[: self._longest + DWORD])
        status = await self._doe.driver.read(Doe.STATUS)
        if not status >> StatusBit.ERROR & 1:
            raise FuzzError(f"status {status:08x} with an object of {len(doe_object)} bytes")
        await self._doe.driver.abort()


class FuzzVmm:
    """Is `Surroundings`: the VMM of the device."""

    def __init__(self, kit: Scenario) -> None:
        self._kit = kit
        self._adapter = kit.env.adapter
        kit.env.scoreboard.findings.allow_error("INSUFFICIENT_ENTROPY")

    def scene(self) -> Scene:
        """What messages can name."""
        functions = [function for _, function in sorted(self._kit.vmm.functions.items())]
        names = [InterfaceId.of(function.rid, pasid=function.pasid) for function in functions]
        pages = [reported_page(function.bar0 + Bar0.MEMORY, 0) for function in functions]
        streams = (DEFAULT_STREAM, OTHER_STREAM, UNUSED_STREAM)
        return Scene(names, streams, memory_pages=dict(zip(names, pages, strict=True)))

    async def set_up(self) -> None:
        """What BIND_P2P_STREAM needs: ATS, and a stream that leads to a peer."""
        await self._aim()
        for index in self._kit.vmm.functions:
            await self._kit.vmm.enable_ats(index)

    async def _aim(self) -> None:
        block = STREAM_BLOCKS[OTHER_STREAM]
        await self._kit.vmm.aim_stream(block, PEER_RID, PEER_BASE, PEER_LIMIT)

    def states(self) -> States:
        """States of all TDIs."""
        states: States = self._adapter.tdi_states()
        return states

    def secure(self, block: int = 0) -> bool:
        """Whether the stream of a register block is Secure."""
        return bool(self._adapter.streams_secure()[block])

    async def settle(self) -> None:
        """Longer than the end of a session takes."""
        await ClockCycles(self._adapter.clk, QUIET)

    async def revive(self) -> None:
        """Let Enable of the streams that are not Secure rise again."""
        for stream_id, block in STREAM_BLOCKS.items():
            if not self._adapter.streams_secure()[block]:
                default = stream_id == DEFAULT_STREAM
                await self._kit.vmm.place_stream(block, stream_id, default=default)
                if not default:
                    await self._aim()
                await self._kit.vmm.enable_stream(block, stream_id, default=default)

    @asynccontextmanager
    async def misconfigured(self) -> AsyncIterator[None]:
        """VF BAR0, or without VFs BAR2, lies on BAR0 (TDISP-LOCK-009, TDISP-LOCK-012)."""
        kit, host = self._kit, self._kit.host
        pf, at, old = kit.function(0), BAR2_REGISTER, kit.function(0).bar2
        if not kit.sdi_pasids:
            sriov = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.SRIOV)
            at, old = sriov + SRIOV_BAR0, kit.function(1).bar0
        await self._move(at, pf.bar0)
        yield
        await self._move(at, old)

    async def _move(self, at: int, base: int) -> None:
        host = self._kit.host
        await host.config_write(host.pf_rid, at, base & 0xFFFFFFFF)
        await host.config_write(host.pf_rid, at + DWORD, base >> 32)
        await self.settle()

    @asynccontextmanager
    async def without_entropy(self) -> AsyncIterator[None]:
        """The source of nonces is dry."""
        self._kit.env.entropy.enabled = False
        yield
        self._kit.env.entropy.enabled = True


async def live(kit: Scenario) -> None:
    """A valid life cycle by the golden TSM, with a read of the TVM; TsmError when it fails."""
    host, function = kit.host, kit.function(LIVING)
    await kit.vmm.enable_ats(LIVING, enabled=False)
    for stream_id, block in STREAM_BLOCKS.items():
        await kit.vmm.place_stream(block, stream_id, default=stream_id == DEFAULT_STREAM)
    parties = Parties(
        kit.env.doe, TsmHostPort(host, kit.vmm, STREAM_BLOCKS), [kit.root.identity.root]
    )
    assignment = Assignment(
        function.rid,
        {0: function.bar0, 2: function.bar2},
        {0: Bar0.SIZE, 2: Bar2.SIZE},
        DEFAULT_STREAM,
        mmio_reporting_offset=REPORTING_OFFSET,
        pasid=function.pasid,
    )
    wanted = {block.index: block.value for block in DeviceState().measurements()}
    tsm = Tsm(parties, kit.rng)
    handle = await tsm.bring_up(assignment, TvmTenant("TVM", assignment, wanted), host.pf_rid)
    assert await kit.read_register(function, Register.ID, kit.tee) == ID_VALUE
    await tsm.stop(handle)
    await tsm.close()
