# SPDX-License-Identifier: Apache-2.0
"""ATT-27: resets, power states, disabled VFs and other bus numbers while there is traffic.

VF1 and VF3 belong to TVMs, VF2 to a legacy VM. Engines have reads under way whose completions are
held back, memory holds secrets, and then the host makes the event. The TDIs that it hits are in
ERROR (or CONFIG_UNLOCKED after a conventional reset), nothing of theirs can be read, completions
that come late have no effect, and everybody else works on.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import cocotb
import pyuvm

from models.app.map import PAGE, Register, Status
from models.pcie.codes import CapabilityId, CplStatus, ExtendedCapabilityId
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from tb.host.root_port import HOST_RID, ReadResult
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import COMMAND, COMMAND_MASTER, SRIOV_CONTROL
from tb.scenario import LEGACY, LEGACY_MEMORY, TVM_MEMORY
from tests.attack.attack_test import (
    LEGACY_DATA,
    LEGACY_VF,
    TRUSTED,
    VICTIM,
    AttackTest,
    Step,
)

BYSTANDER = 3  # of another tenant
SIZE = 64
OTHER_BUS = 0x0200
OTHER_BUS_TAG = 200
RESET_CYCLES = 16
PM_CONTROL = 4
RESET = "conventional reset"
D3HOT = 3
BYSTANDERS = TVM_MEMORY.base + 0x1000
CHUNK = 256
READ = 512
READS = 4
PIN = "internal error"
PROGRAMMED = (Register.LENGTH, Register.HOST_ADDRESS_LOW, Register.DEVICE_ADDRESS, Register.STATUS)


class EventsUnderTraffic(AttackTest):
    """Brings VF1 to a state with traffic, makes events, looks at who lives on."""

    async def prepare(self) -> None:
        await self.kit.bring_up()
        self.session = await self.kit.open_session()
        await self.kit.key_stream(self.session)
        await self.settle_others()

    async def settle_others(self) -> None:
        """VF3 in RUN with the secret, VF2 with data of the legacy VM."""
        tdi = await self.kit.lock(self.session, BYSTANDER)
        await self.kit.start(self.session, tdi)
        await self.host.mem_write(self.memory(BYSTANDER), self.secret, TRUSTED, "bystander")
        await self.host.mem_write(self.memory(LEGACY_VF), LEGACY_DATA, PLAIN, "legacy VM")

    async def bring_to(self, state: TdiState) -> None:
        """VF1 from CONFIG_UNLOCKED to `state`, with a secret where it can have one."""
        self.host.inbound.check.assign(LEGACY, self.function().rid)
        if state is TdiState.CONFIG_UNLOCKED:
            return
        self.tdi = await self.kit.lock(self.session, VICTIM)
        if state is not TdiState.CONFIG_LOCKED:
            await self.kit.start(self.session, self.tdi)
            await self.host.mem_write(self.memory(), self.secret, TRUSTED, "TVM")
        if state is TdiState.ERROR:
            await self.disturb()
        assert self.state() is state

    async def begin_traffic(self, *functions: tuple[int, Route, int]) -> None:
        """Reads from the host by the engines of functions, which nobody completes yet."""
        self.late = self.rng.randbytes(SIZE)
        inbound = self.host.inbound
        inbound.hold_completions = True
        for index, route, base in functions:
            self.host.memory.write(base, self.late)
            await self.program_dma(index, False, base, SIZE, route)
        await self.quiet(300)
        assert len(inbound.held) == len(functions), f"{len(inbound.held)} reads"

    async def end_traffic(self) -> None:
        """The completions come at last."""
        self.host.inbound.hold_completions = False
        await self.host.inbound.release()
        await self.quiet()

    async def flr(self, index: int) -> None:
        """Function level reset, and Bus Master Enable of a VF after it."""
        await self.kit.vmm.reset_function(index)
        await self.quiet(1500)
        if index:
            rid = self.function(index).rid
            await self.host.config_write(rid, COMMAND, COMMAND_MASTER, enables=0b0011)

    async def assert_empty(self, what: str, index: int = VICTIM) -> None:
        """Refused until STOP, zero after it."""
        if self.state(index) is TdiState.ERROR:
            await self.read_refused(self.memory(index), PLAIN, what)
            if self.secure():
                await self.read_refused(self.memory(index), TRUSTED, what)
        await self.kit.stop(self.session, index)
        result = await self.host.mem_read(self.memory(index), SIZE)
        assert (result.status, result.data) == (CplStatus.SC, bytes(SIZE)), f"{what}: {result}"


@pyuvm.test()
class FlrEndsItsOwnTdiOnly(EventsUnderTraffic):
    """FLR of VF1 in each of the four states, with VF1 and VF3 reading: VF3 does not notice."""

    async def attack(self) -> None:
        for state in TdiState:
            what = f"FLR in {state.name}"
            await self.bring_to(state)
            await self._traffic(state)
            answered = cocotb.start_soon(self.host.mem_read(self.memory(BYSTANDER), SIZE, TRUSTED))
            await self.flr(VICTIM)
            unlocked = state is TdiState.CONFIG_UNLOCKED
            assert self.state() is (state if unlocked else TdiState.ERROR), what
            assert (await answered).data == self.secret, what
            await self.end_traffic()
            assert self.state(BYSTANDER) is TdiState.RUN, what
            assert self.secure(), what
            assert await self.dma_status(BYSTANDER, TRUSTED) == Status.DONE, what
            result = await self.host.mem_read(self.memory(BYSTANDER), SIZE, TRUSTED)
            assert result.data == self.late, what
            await self.host.mem_write(self.memory(BYSTANDER), self.secret, TRUSTED)
            await self.assert_legacy_untouched(what)
            await self.assert_empty(what)
        self.assert_no_leak()

    async def _traffic(self, state: TdiState) -> None:
        bystander = (BYSTANDER, TRUSTED, BYSTANDERS)
        if state is TdiState.RUN:
            await self.begin_traffic((VICTIM, TRUSTED, TVM_MEMORY.base), bystander)
        elif state is TdiState.CONFIG_UNLOCKED:
            await self.begin_traffic((VICTIM, PLAIN, LEGACY_MEMORY.base), bystander)
        else:
            await self.begin_traffic(bystander)


class EventsOfAll(EventsUnderTraffic):
    """Events that hit VF1 and VF3 alike."""

    async def each(self, acts: dict[str, Step]) -> None:
        """Make each event in RUN with both TDIs reading."""
        for number, (what, act) in enumerate(acts.items()):
            if number:
                await self.settle_others()
            await self.bring_to(TdiState.RUN)
            await self.begin_traffic(
                (VICTIM, TRUSTED, TVM_MEMORY.base), (BYSTANDER, TRUSTED, BYSTANDERS)
            )
            await act()
            await self._assert_over(what)
        self.assert_no_leak()

    async def _assert_over(self, what: str) -> None:
        reset = what == RESET
        expected = TdiState.CONFIG_UNLOCKED if reset else TdiState.ERROR
        for index in (VICTIM, BYSTANDER):
            assert self.state(index) is expected, f"{what}: VF{index} {self.state(index).name}"
        if self.secure():
            await self.end_traffic()
        else:  # the host has no stream any more to send them on
            self.host.inbound.held.clear()
            self.host.inbound.hold_completions = False
            self.host.streams.clear()
        if reset:
            await self.kit.bring_up_again()
            await self.kit.connect()
            self.session = await self.kit.open_session()
            await self.kit.key_stream(self.session)
        for index in (VICTIM, BYSTANDER):
            await self.assert_empty(f"{what}, VF{index}", index)

    async def other_bus(self) -> None:
        """A configuration write that comes by another bus number and enables no byte."""
        rid = OTHER_BUS | self.host.pf_rid & 0xFF
        write = Tlp.cfg_write(HOST_RID, rid, COMMAND, 0, OTHER_BUS_TAG)
        await self.host.request(replace(write, first_be=0))
        await self.host.config_read(self.host.pf_rid, 0)
        back = Tlp.cfg_write(HOST_RID, self.host.pf_rid, COMMAND, 0, OTHER_BUS_TAG)
        await self.host.request(replace(back, first_be=0))
        await self.quiet()

    async def disable_vfs(self) -> None:
        """VF Enable off, and on again later."""
        host = self.host
        at = await host.extended_capability(host.pf_rid, ExtendedCapabilityId.SRIOV)
        await host.config_write(host.pf_rid, at + SRIOV_CONTROL, 0)
        await self.quiet(1500)
        await self.kit.vmm.enable_vfs(3)

    async def flr_of_all(self) -> None:
        """FLR of the physical function, which holds the IDE capability; then new keys."""
        await self.flr(0)
        assert self.adapter.streams_secure() == (False,) * self.adapter.num_streams
        self.host.streams.clear()
        await self.kit.bring_up_again()
        await self.kit.key_stream(self.session)
        self.host.inbound.held.clear()

    async def reset(self) -> None:
        """Conventional reset."""
        await self.adapter.reset(RESET_CYCLES)
        await self.quiet(1500)
        self.host.inbound.held.clear()
        self.host.streams.clear()


@pyuvm.test()
class ChangesOfEveryFunctionEndEveryTdi(EventsOfAll):
    """Another bus number, VF Enable off: ERROR with reads under way."""

    async def attack(self) -> None:
        await self.each({"bus number": self.other_bus, "VF Enable": self.disable_vfs})


@pyuvm.test()
class ResetsEndEveryTdi(EventsOfAll):
    """FLR of the physical function: ERROR, no streams. Conventional reset: all as new."""

    async def attack(self) -> None:
        acts: dict[str, Step] = {"FLR of the physical function": self.flr_of_all}
        await self.each({**acts, RESET: self.reset})


@pyuvm.test()
class EventsCutShortWhatIsUnderWay(EventsUnderTraffic):
    """A write to the host and the TVM's own reads: each ends early, with no data but the TVM's."""

    async def attack(self) -> None:
        acts: dict[str, Step] = {
            PIN: lambda: self.kit.internal_error(VICTIM),
            "Bus Master Enable": lambda: self.kit.vmm.write_command(VICTIM, cleared=COMMAND_MASTER),
            "FLR": lambda: self.flr(VICTIM),
        }
        for what, act in acts.items():
            await self.bring_to(TdiState.RUN)
            data = await self._fill()
            since = self.mark()
            await self.program_dma(VICTIM, True, TVM_MEMORY.base, PAGE, TRUSTED)
            while not self._sent(since):
                await self.quiet(1)
            reads = [await self._read() for _ in range(READS)]
            await act()
            results = [await read for read in reads]
            await self.quiet()
            assert self.state() is TdiState.ERROR, what
            assert 0 < self._sent(since) < PAGE, f"{what}: {self._sent(since)} bytes written"
            if what == PIN:  # a write comes behind the reads
                assert results[-1].status is CplStatus.UR, what
            for result in results:
                assert result.data in (b"", data[:READ]), f"{what}: {result}"
                assert result.status is (CplStatus.SC if result.data else CplStatus.UR), what
            await self.kit.vmm.write_command(VICTIM)
            await self.assert_empty(what)
            for register in PROGRAMMED:
                assert await self.kit.read_register(self.function(), register) == 0, what
        self.assert_no_leak()

    async def _fill(self) -> bytes:
        data = self.rng.randbytes(PAGE)
        for at in range(0, PAGE, CHUNK):
            await self.host.mem_write(self.memory() + at, data[at : at + CHUNK], TRUSTED, "TVM")
        return data

    async def _read(self) -> Coroutine[Any, Any, ReadResult]:
        tag = self.host.new_tag()
        return await self.host.issue(Tlp.mem_read(HOST_RID, self.memory(), READ, tag=tag), TRUSTED)

    def _sent(self, since: int) -> int:
        """Bytes that the device has written to the host after the mark."""
        plain = [record.plain for record in self.from_device(since) if record.plain is not None]
        sent = [Tlp.decode(raw) for raw in plain]
        return sum(len(tlp.payload) for tlp in sent if tlp.fmt_type in MEMORY_REQUESTS)


@pyuvm.test()
class EventsElsewhereLeaveATdiAlone(EventsUnderTraffic):
    """FLR of the legacy VM's function, D3hot and back: the TVMs' TDIs run, and lose nothing."""

    async def attack(self) -> None:
        await self.bring_to(TdiState.RUN)
        await self.begin_traffic(
            (VICTIM, TRUSTED, TVM_MEMORY.base), (BYSTANDER, TRUSTED, BYSTANDERS)
        )
        await self.flr(LEGACY_VF)
        await self.end_traffic()
        for index in (VICTIM, BYSTANDER):
            assert await self.dma_status(index, TRUSTED) == Status.DONE, f"VF{index}"
        await self._assert_alive("FLR of VF2")
        result = await self.host.mem_read(self.memory(LEGACY_VF), len(LEGACY_DATA))
        assert result.data == bytes(len(LEGACY_DATA)), "FLR clears the function that it is for"
        at = await self.host.capability(self.host.pf_rid, CapabilityId.PM) + PM_CONTROL
        await self.host.config_write(self.host.pf_rid, at, D3HOT, enables=0b0001)
        for route in (PLAIN, TRUSTED):
            await self.read_refused(self.memory(), route, f"D3hot, {route}")
        await self.host.config_write(self.host.pf_rid, at, 0, enables=0b0001)
        await self._assert_alive("D3hot and back")

    async def _assert_alive(self, what: str) -> None:
        assert self.secure(), what
        for index in (VICTIM, BYSTANDER):
            assert self.state(index) is TdiState.RUN, f"{what}: VF{index}"
            result = await self.host.mem_read(self.memory(index), SIZE, TRUSTED)
            assert result.data == self.late, f"{what}: VF{index}"
