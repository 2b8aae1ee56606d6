# SPDX-License-Identifier: Apache-2.0
"""Completions of the engines' reads: in pieces, out of order, failed, never."""

from __future__ import annotations

from dataclasses import replace

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import MEMORY_BYTES, Control, Register, Status
from models.pcie.codes import AerUncorrectable, CplStatus
from models.pcie.rules import Limits, failed_completion
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.scenario import LEGACY_MEMORY, TVM_MEMORY
from tests.system.cocotb_functions import TwoVms

PIECES = Limits(rcb=64, max_payload=64)
SIZE = 256
QUIET = 600
COMPLETION_TIMEOUT = 100_000  # cycles; the test waits for a fifth longer


class Completions(TwoVms):
    """Holds back what the root port would answer."""

    async def start_read(self, index: int, route: Route, base: int, length: int) -> None:
        """Start a transfer from the host."""
        await self.start(
            index,
            route,
            Control(0),
            HOST_ADDRESS_LOW=base,
            HOST_ADDRESS_HIGH=0,
            DEVICE_ADDRESS=0,
            LENGTH=length,
        )

    async def held(self, count: int) -> list[tuple[Tlp, Route]]:
        """Wait until `count` completions are held back."""
        for _ in range(QUIET):
            if len(self.kit.host.inbound.held) >= count:
                return self.kit.host.inbound.held
            await ClockCycles(self.adapter.clk, 10)
        raise AssertionError(f"{len(self.kit.host.inbound.held)} of {count} completions")

    async def assert_memory(self, index: int, route: Route, expected: bytes) -> None:
        """The function's memory begins with `expected`."""
        result = await self.kit.host.mem_read(self.memory(index), len(expected), route)
        assert result.data == expected, f"VF{index} reads {result.data.hex()}"

    async def assert_transfers(self, index: int, route: Route, base: int) -> None:
        """A transfer from the host brings its data."""
        data = self.rng.randbytes(SIZE)
        self.kit.host.memory.write(base, data)
        assert await self.move(index, route, Control(0), base, SIZE) == Status.DONE
        await self.assert_memory(index, route, data)


@pyuvm.test()
class CompletionsOvertakeEachOther(Completions):
    """Pieces of 64 bytes, those of one request in order, those of different ones in any."""

    async def use(self) -> None:
        self.kit.host.inbound.limits = PIECES
        self.kit.host.inbound.hold_completions = True
        self.ended, self.overtaken = False, 0
        release = cocotb.start_soon(self._release())
        await self.side_by_side(self._vm)
        self.ended = True
        await release
        assert self.overtaken > SIZE // 64, "completions came in the order of their requests"

    async def _vm(self, index: int, route: Route, base: int) -> None:
        for length in (MEMORY_BYTES, SIZE + 4):
            data = self.rng.randbytes(length)
            self.kit.host.memory.write(base, data)
            await self.start_read(index, route, base, length)
            assert await self.finish(index, route) == Status.DONE
            await self.assert_memory(index, route, data)

    async def _release(self) -> None:
        """Send any completion whose predecessors of the same request have been sent."""
        host = self.kit.host
        while not self.ended:
            held = host.inbound.held
            first: dict[tuple[int, int], int] = {}
            for n, (completion, _) in enumerate(held):
                first.setdefault((completion.requester_id, completion.tag), n)
            if not first:
                await ClockCycles(self.adapter.clk, 20)
                continue
            chosen = self.rng.choice(list(first.values()))
            self.overtaken += chosen > 0
            await host.respond(*held.pop(chosen))


@pyuvm.test()
class CompletionsThatFailEndTheirTransferOnly(Completions):
    """UR and CA at once or after data, to the legacy VM's engine: an error there, nothing else."""

    async def use(self) -> None:
        for status in (CplStatus.UR, CplStatus.CA):
            for pieces in (0, 1):
                await self._fail(status, pieces)
                assert self.adapter.tdi_states()[self.tvm] is TdiState.RUN
                for index, route, base in self.vms():
                    await self.assert_transfers(index, route, base)

    async def _fail(self, status: CplStatus, pieces: int) -> None:
        inbound, what = self.kit.host.inbound, f"{status.name} after {pieces} completions"
        await self.kit.host.mem_write(self.memory(self.legacy), bytes(128))
        await self.kit.host.mem_write(self.memory(self.legacy) + 128, bytes(128))
        data = self.rng.randbytes(SIZE)
        self.kit.host.memory.write(LEGACY_MEMORY.base, data)
        inbound.hold_completions = True
        await self.start_read(self.legacy, PLAIN, LEGACY_MEMORY.base, SIZE)
        good = [completion for completion, _ in await self.held(2)]
        inbound.held.clear()
        inbound.hold_completions = False
        for completion in good[:pieces]:
            await self.kit.host.respond(completion, PLAIN)
        failed = failed_completion(HOST_RID, inbound.served[-1].tlp, status)
        place = good[pieces]
        failed = replace(failed, byte_count=place.byte_count, lower_address=place.lower_address)
        await self.kit.host.respond(failed, PLAIN)
        assert await self.finish(self.legacy, PLAIN) == Status.DONE | Status.ERROR, what
        came = sum(len(completion.payload) for completion in good[:pieces])
        await self.assert_memory(self.legacy, PLAIN, data[:came] + bytes(SIZE - came))


@pyuvm.test()
class ReadsThatNobodyAnswersTimeOut(Completions):
    """An error for the legacy VM, ERROR for the TVM's TDI; what comes late is lost."""

    async def use(self) -> None:
        kit, inbound = self.kit, self.kit.host.inbound
        await kit.vmm.take_errors()
        inbound.hold_completions = True
        for index, route, base in self.vms():
            kit.host.memory.write(base, self.rng.randbytes(SIZE))
            await self.start_read(index, route, base, SIZE)
        await self.held(4)
        await ClockCycles(self.adapter.clk, COMPLETION_TIMEOUT * 6 // 5)
        assert self.adapter.tdi_states()[self.tvm] is TdiState.ERROR
        assert await self.finish(self.legacy, PLAIN) == Status.DONE | Status.ERROR
        errors = await kit.vmm.take_errors()
        assert errors == 1 << AerUncorrectable.COMPLETION_TIMEOUT, f"AER {errors:08x}"
        inbound.hold_completions = False
        await inbound.release()
        await ClockCycles(self.adapter.clk, QUIET)
        errors = await kit.vmm.take_errors()
        assert errors == 1 << AerUncorrectable.UNEXPECTED_COMPLETION, f"AER {errors:08x}"
        await self.assert_memory(self.legacy, PLAIN, bytes(SIZE))
        await self.assert_transfers(self.legacy, PLAIN, LEGACY_MEMORY.base)
        await kit.stop(self.session, self.tvm)
        await kit.start(self.session, await kit.lock(self.session, self.tvm))
        await self.assert_memory(self.tvm, kit.tee, bytes(SIZE))
        await self.assert_transfers(self.tvm, kit.tee, TVM_MEMORY.base)


@pyuvm.test()
class AnEngineTakesOneTransferAtATime(Completions):
    """START while one is under way, and changed registers: the transfer goes on as it began."""

    async def use(self) -> None:
        await self.side_by_side(self._vm)

    async def _vm(self, index: int, route: Route, base: int) -> None:
        kit, data = self.kit, self.rng.randbytes(MEMORY_BYTES)
        kit.host.memory.write(base, data)
        await self.start_read(index, route, base, MEMORY_BYTES)
        function = kit.function(index)
        for register, value in (
            (Register.HOST_ADDRESS_LOW, base + MEMORY_BYTES),
            (Register.DEVICE_ADDRESS, 64),
            (Register.LENGTH, 4),
            (Register.CONTROL, int(Control.START | Control.WRITE_HOST)),
        ):
            await kit.write_register(function, register, value, route)
        assert await self.finish(index, route) == Status.DONE
        await self.assert_memory(index, route, data)
