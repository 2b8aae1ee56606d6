# SPDX-License-Identifier: Apache-2.0
"""ATT-04: the registers that route memory requests are rewritten under a locked TDI.

The host shifts the BARs so that the TVM's addresses lead to memory of a legacy VM, and the TVM's
memory answers where the host likes. Requests by the old and the new address follow the
configuration write without a pause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cocotb
import pyuvm

from models.app.map import Bar0, Bar2
from models.pcie.codes import CplStatus, ExtendedCapabilityId, HeaderRegister, SriovRegister
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCode, Request, TdiState
from tb.host.root_port import HOST_RID, ReadResult
from tb.host.route import PLAIN
from tb.host.vmm_host import COMMAND_MASTER, COMMAND_MEMORY, VF_ENABLE, VF_MEMORY
from tests.attack.attack_test import (
    LEGACY_DATA,
    LEGACY_VF,
    TRUSTED,
    VICTIM,
    AttackTest,
    assert_error,
)

PF = 0
FAR = 1 << 32  # how far a change of the upper half of a BAR leads
ALL = 0xFFFFFFFF
LOW = 0xFFFFFFF0
GONE = "VF Enable"
ON = VF_ENABLE | VF_MEMORY


@dataclass(frozen=True)
class Move:
    """A configuration write that changes how memory requests are routed."""

    name: str
    index: int  # of the TDI that it hits
    rid: int
    register: int
    value: int
    old: int
    shift: int | None  # how far the memory of the TDI moves; None: it is nowhere
    enables: int = 0xF

    def tlp(self, tag: int) -> Tlp:
        """The configuration write."""
        write = Tlp.cfg_write(HOST_RID, self.rid, self.register, self.value, tag)
        return replace(write, first_be=self.enables)


class Remap(AttackTest):
    """Moves BARs of the physical function and of the VFs."""

    async def moves(self, index: int) -> list[Move]:
        """What hits TDI `index`."""
        host, pf = self.host, self.host.pf_rid
        function = self.function(index)
        sriov = await host.extended_capability(pf, ExtendedCapabilityId.SRIOV)
        first = sriov + SriovRegister.VF_BAR0 if index else int(HeaderRegister.BAR0)
        places = (
            ("BAR0, low", first, function.bar0, Bar0.SIZE, Bar0.SIZE, LOW),
            ("BAR0, high", first + 4, function.bar0 >> 32, FAR >> 32, FAR, ALL),
            ("BAR2, low", first + 8, function.bar2, Bar2.SIZE, 0, LOW),
        )
        moves = [
            Move(name, index, pf, register, old + step & mask, old & mask, shift)
            for name, register, old, step, shift, mask in places
        ]
        if index:
            control = sriov + SriovRegister.CONTROL
            moves.append(Move("VF MSE", index, pf, control, VF_ENABLE, ON, None))
            moves.append(Move(GONE, index, pf, control, VF_MEMORY, ON, None))
        else:
            on, command = COMMAND_MEMORY | COMMAND_MASTER, HeaderRegister.COMMAND
            moves.append(Move("MSE", index, pf, command, COMMAND_MASTER, on, None, 0b0011))
        return moves

    async def undo(self, move: Move) -> None:
        """Bring everything back to where it was."""
        await self.host.config_write(move.rid, move.register, move.old, move.enables)
        for index in range(1, 4):
            await self.host.config_write(self.function(index).rid, 4, COMMAND_MASTER, 0b0011)

    async def take(self, index: int, run: bool) -> None:
        """LOCK, and START where wanted; in RUN the TVM's secret is in its memory."""
        self.tdi = await self.kit.lock(self.session, index)
        if run:
            await self.kit.start(self.session, self.tdi)
            await self.host.mem_write(self.memory(index), self.secret, TRUSTED, "TVM")


@pyuvm.test()
class MovedMappingsAreNeverServed(Remap):
    """The TDI is in ERROR before a request by the new mapping, or by the old one, is served."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")

    async def attack(self) -> None:
        for index in (VICTIM, PF):
            for number, move in enumerate(await self.moves(index)):
                for run in (True, False) if number == 0 else (True,):
                    await self.take(index, run)
                    await self._move(move)
        self.assert_no_leak()

    async def _move(self, move: Move) -> None:
        since = self.mark()
        for result in await self._volley(move):
            assert result.status is CplStatus.UR, f"{move.name}: {result.status}"
            assert not result.data, f"{move.name}: {result.data.hex()}"
        self.assert_states(TdiState.ERROR, move.name, move.index)
        assert self.secure(), move.name
        answer = await self.kit.tdisp(
            self.session, Request.START_INTERFACE_REQUEST, move.index, self.tdi.nonce
        )
        expected = ErrorCode.INVALID_INTERFACE_STATE
        if move.name == GONE:
            expected = ErrorCode.INVALID_INTERFACE
        assert_error(answer, expected, move.name)
        await self.undo(move)
        self.assert_states(TdiState.ERROR, f"{move.name}, moved back", move.index)
        await self.read_refused(self.memory(move.index), TRUSTED, f"{move.name}, moved back")
        await self.assert_legacy(move)
        assert not self.fails(since), move.name
        await self.kit.stop(self.session, move.index)

    async def _volley(self, move: Move) -> list[ReadResult]:
        """The write, and right behind it all that the host and the TVM may try."""
        config = cocotb.start_soon(self.host.request(move.tlp(self.host.new_tag())))
        tasks = []
        for address in self._places(move):
            for route in (TRUSTED, PLAIN):
                if self._is_legacy(address, move, route):
                    continue
                await self.host.mem_write(address, self.secret, TRUSTED, "TVM's secret")
                tasks.append(cocotb.start_soon(self.host.mem_read(address, 64, route)))
        written = await config
        assert written.status is CplStatus.SC, f"{move.name}: {written.status}"
        return [await task for task in tasks]

    def _places(self, move: Move) -> Iterator[int]:
        old = self.memory(move.index)
        yield old
        if move.shift is not None:
            yield old + move.shift

    def _is_legacy(self, address: int, move: Move, route: object) -> bool:
        """The legacy VM's own memory, before or after the move, is served in clear."""
        reach = {self.memory(n) for n in (LEGACY_VF, 3)}
        reach |= {place + (move.shift or 0) for place in reach}
        return move.index == VICTIM and route == PLAIN and address in reach

    async def assert_legacy(self, move: Move) -> None:
        """The TVM's writes have not reached the legacy VM, whose data all but VF Enable keeps."""
        result = await self.host.mem_read(self.memory(LEGACY_VF), len(LEGACY_DATA))
        if move.name == GONE:
            await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")
        else:
            assert result.data == LEGACY_DATA, f"{move.name}: {result}"


@pyuvm.test()
class MappingsMovedBeforeTheLockAreServed(Remap):
    """The same moves of an unlocked TDI: it is locked, and served where it is now."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)

    async def attack(self) -> None:
        for index in (VICTIM, PF):
            for move in await self.moves(index):
                await self._move(move)

    async def _move(self, move: Move) -> None:
        self.assert_states(TdiState.CONFIG_UNLOCKED, move.name, move.index)
        await self.host.config_write(move.rid, move.register, move.value, move.enables)
        if move.shift is None:
            await self.read_refused(self.memory(move.index), PLAIN, move.name)
            await self.undo(move)
        await self.take(move.index, run=True)
        place = self.memory(move.index) + (move.shift or 0)
        await self.host.mem_write(place, self.secret, TRUSTED, "TVM")
        result = await self.host.mem_read(place, 64, TRUSTED)
        assert result.data == self.secret, f"{move.name}: {result}"
        await self.host.config_write(move.rid, move.register, self._now(move), move.enables)
        self.assert_states(TdiState.RUN, f"{move.name}: the value that is there", move.index)
        await self.kit.stop(self.session, move.index)
        await self.undo(move)

    @staticmethod
    def _now(move: Move) -> int:
        return move.old if move.shift is None else move.value
