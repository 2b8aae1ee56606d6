# SPDX-License-Identifier: Apache-2.0
"""ATT-12: a TDI is used to get at another one of the same device.

Two TVMs have a TDI each, VF1 and VF2, on one stream; their engines share queues, memory and the
space of tags. Each is aimed at the other: at its host memory, beyond the end of its own device
memory, and by completions under the other's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyuvm

from models.app.map import MEMORY_BYTES, Control, Register, Status
from models.host.memory import Owner, OwnerKind, Region
from models.host.owner_check import Verdict
from models.pcie.codes import AerUncorrectable
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.route import Route
from tb.scenario import TVM_MEMORY
from tests.attack.attack_test import TRUSTED, AttackTest

SIZE = 256
FIRST, SECOND = 1, 2
NEIGHBOUR = Owner(OwnerKind.TVM, "neighbour")
NEIGHBOUR_MEMORY = Region(0x0110_0000, 0x1_0000, NEIGHBOUR)
BASES = {FIRST: TVM_MEMORY.base, SECOND: NEIGHBOUR_MEMORY.base}
BEYOND = (
    (MEMORY_BYTES - 4, 8),
    (MEMORY_BYTES, 4),
    (MEMORY_BYTES, MEMORY_BYTES),
    (4, MEMORY_BYTES),
    (0xFFFF_FFFC, 8),
    (0x8000_0000, 4),
    (0, MEMORY_BYTES + 4),
    (4, 0xFFFF_FFFC),
)


class Neighbours(AttackTest):
    """VF1 of one TVM and VF2 of another, both in RUN with data in their memory."""

    async def prepare(self) -> None:
        self.session, _ = await self.kit.attach(FIRST)
        self.host.memory.add(NEIGHBOUR_MEMORY)
        await self.take(SECOND)
        self.secrets = {}
        for index, base in BASES.items():
            self.secrets[index] = self.rng.randbytes(SIZE)
            self.host.memory.write(base, self.secrets[index])
            await self.fill(index)

    async def take(self, index: int) -> None:
        """LOCK and START for the TVM that the function belongs to."""
        await self.kit.start(self.session, await self.kit.lock(self.session, index))
        if index == SECOND:
            self.host.inbound.check.revoke(self.function(index).rid)
            self.host.inbound.check.accept(NEIGHBOUR, self.function(index).rid)

    async def fill(self, index: int) -> None:
        """The TVM's data in the memory of its function."""
        data = self.secrets[index]
        for at in range(0, SIZE, 128):
            await self.host.mem_write(self.memory(index) + at, data[at : at + 128], TRUSTED)

    async def assert_holds(self, index: int, expected: bytes, what: str) -> None:
        """Memory of a function begins with `expected`."""
        result = await self.host.mem_read(self.memory(index), len(expected), TRUSTED)
        assert result.data == expected, f"{what}: VF{index} reads {result.data.hex()}"

    def assert_both_run(self, what: str) -> None:
        """Neither TDI has moved."""
        states = (self.state(FIRST), self.state(SECOND))
        assert states == (TdiState.RUN, TdiState.RUN), f"{what}: {states}"

    def requests(self, since: int) -> list[Tlp]:
        """Memory requests of the device after the mark."""
        sent = [Tlp.decode(r.plain) for r in self.from_device(since) if r.plain is not None]
        return [tlp for tlp in sent if tlp.fmt_type in MEMORY_REQUESTS]

    async def held(self, count: int) -> Sequence[tuple[Tlp, Route]]:
        """Wait until `count` completions are held back."""
        for _ in range(100):
            if len(self.host.inbound.held) >= count:
                return self.host.inbound.held
            await self.quiet(20)
        raise AssertionError(f"{len(self.host.inbound.held)} of {count} completions")


@pyuvm.test()
class EachTdiReachesItsOwnOnly(Neighbours):
    """No byte of one TVM gets to the other, and only the TDI that tried may lose its state."""

    async def attack(self) -> None:
        await self._beyond_its_memory()
        await self._completions_under_anothers_name()
        await self._into_anothers_host_memory()
        self.assert_no_leak(tuple(self.secrets.values()))

    async def _beyond_its_memory(self) -> None:
        for address, length in BEYOND:
            for control in (Control.START, Control.START | Control.WRITE_HOST):
                what, since = f"{length:#x} bytes at {address:#x}", self.mark()
                for register, value in (
                    (Register.HOST_ADDRESS_LOW, TVM_MEMORY.base + 0x1000),
                    (Register.DEVICE_ADDRESS, address),
                    (Register.LENGTH, length),
                    (Register.CONTROL, int(control)),
                ):
                    await self.kit.write_register(self.function(FIRST), register, value, TRUSTED)
                status = await self.dma_status(FIRST, TRUSTED)
                assert status & Status.ERROR, f"{what}: {status!r}"
                assert not self.requests(since), f"{what}: {self.requests(since)[0]}"
        for index, secret in self.secrets.items():
            await self.assert_holds(index, secret, "beyond its memory")
        self.assert_both_run("beyond its memory")

    async def _completions_under_anothers_name(self) -> None:
        """Both engines read; the answers come to the other's tag, then the other's name."""
        inbound, what = self.host.inbound, "completions under another's name"
        inbound.hold_completions = True
        for index, base in BASES.items():
            await self.program_dma(index, False, base, SIZE, TRUSTED)
        held = list(await self.held(4))
        await self.aer_status()
        rids = {self.function(n).rid: self.function(FIRST + SECOND - n).rid for n in BASES}
        for completion, route in held:
            crossed = replace(completion, requester_id=rids[completion.requester_id])
            await self.host.respond(crossed, route)
        await self.quiet()
        await self.assert_reported(AerUncorrectable.UNEXPECTED_COMPLETION, what)
        inbound.hold_completions = False
        await inbound.release()
        for index, secret in self.secrets.items():
            assert await self.dma_status(index, TRUSTED) == Status.DONE, what
            await self.assert_holds(index, secret, what)
        self.assert_both_run(what)

    async def _into_anothers_host_memory(self) -> None:
        """The request says who it is from: the host refuses. A refused read costs the TDI."""
        inbound, rid = self.host.inbound, self.function(FIRST).rid
        for to_host in (True, False):
            since = self.mark()
            await self.program_dma(FIRST, to_host, NEIGHBOUR_MEMORY.base, SIZE, TRUSTED)
            await self.quiet()
            sent = self.requests(since)
            assert sent
            assert {tlp.requester_id for tlp in sent} == {rid}
        assert {verdict for _, verdict in inbound.refused} == {Verdict.NOT_ACCEPTED}
        assert self.state(FIRST) is TdiState.ERROR
        assert self.state(SECOND) is TdiState.RUN
        assert self.host.memory.read(NEIGHBOUR_MEMORY.base, SIZE) == self.secrets[SECOND]
        await self.assert_holds(SECOND, self.secrets[SECOND], "the neighbour fell")
        await self.kit.stop(self.session, FIRST)
        result = await self.host.mem_read(self.memory(FIRST), SIZE)
        assert result.data == bytes(SIZE), "data of the neighbour"


@pyuvm.test()
class NeighboursWorkSideBySide(Neighbours):
    """Both engines at once, each in its own memory, up to the last byte of it."""

    async def attack(self) -> None:
        last = MEMORY_BYTES - SIZE
        for index, base in BASES.items():
            await self.program_dma(index, False, base, SIZE, TRUSTED)
        for index in BASES:
            assert await self.dma_status(index, TRUSTED) == Status.DONE
            await self.assert_holds(index, self.secrets[index], "side by side")
        for index, base in BASES.items():
            for register, value in (
                (Register.HOST_ADDRESS_LOW, base),
                (Register.DEVICE_ADDRESS, last),
                (Register.CONTROL, int(Control.START)),
            ):
                await self.kit.write_register(self.function(index), register, value, TRUSTED)
        for index in BASES:
            assert await self.dma_status(index, TRUSTED) == Status.DONE
            result = await self.host.mem_read(self.memory(index) + last, SIZE, TRUSTED)
            assert result.data == self.secrets[index], f"VF{index}"
        assert not self.host.inbound.refused
        self.assert_both_run("side by side")
