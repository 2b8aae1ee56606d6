# SPDX-License-Identifier: Apache-2.0
"""SET_MMIO_ATTRIBUTE and P2P streams on the whole device, and a device that has neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cocotb
import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB

from models.app.map import MEMORY_BYTES, Bar0, Bar2, Control, Register, Status
from models.device.config import DeviceProfile
from models.ide.stream import IdeStream
from models.pcie.codes import CplStatus, SelectiveBlock
from models.pcie.layout import MEMORY_REQUESTS
from models.pcie.tlp import Tlp
from models.tdisp.codes import (
    ErrorCode,
    LockFlags,
    RangeAttributes,
    Request,
    Response,
    TdiState,
)
from models.tdisp.report import MmioRange, reported_page
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import RID_VALID
from tb.scenario import (
    DEFAULT_STREAM,
    OTHER_STREAM,
    PEER_MEMORY,
    PEER_RID,
    STREAM_BLOCKS,
    TVM_MEMORY,
    Attached,
    TdispAnswer,
)
from tests.system.cocotb_transitions import QUIET, Transitions

NEIGHBOUR = 2  # another TDI in RUN
SIZE = 64
OFFSET = 0x1234_5000  # MMIO reporting offset
WHOLE = bytes.fromhex("0000ffff")  # OFFSET and LENGTH of a whole report
NON_TEE = int(RangeAttributes.IS_NON_TEE_MEM)
INVALID = ErrorCode.INVALID_REQUEST
TRUSTED = Route(DEFAULT_STREAM, True)
PEER = Route(OTHER_STREAM, True)
WAYS = (TRUSTED, Route(DEFAULT_STREAM), PEER, Route(OTHER_STREAM), PLAIN)


class Optional(Transitions):
    """The victim and, where a test wants it, a neighbour of the same tenant in RUN."""

    flags = Transitions.flags | LockFlags.BIND_P2P

    def memory(self, index: int) -> int:
        """Bus address of a memory page."""
        return self.kit.function(index).bar0 + Bar0.MEMORY

    async def attach(self, index: int, flags: LockFlags | None = None, offset: int = 0) -> Attached:
        """From CONFIG_UNLOCKED to RUN."""
        tdi = await self.kit.lock(
            self.session, index, self.flags if flags is None else flags, offset
        )
        await self.kit.start(self.session, tdi)
        return tdi

    async def fill(self, index: int) -> bytes:
        """Random data of the TVM at the start of a memory page."""
        data: bytes = self.rng.randbytes(SIZE)
        await self.kit.host.mem_write(self.memory(index), data, TRUSTED)
        return data

    async def served(self, address: int, route: Route, rid: int = HOST_RID) -> bytes | None:
        """What a read gets; None when it is refused."""
        read = Tlp.mem_read(rid, address, SIZE, self.kit.host.new_tag())
        result = await self.kit.host.request(read, route)
        assert result.status in (CplStatus.SC, CplStatus.UR), result
        assert (result.status is CplStatus.SC) == bool(result.data), result
        return result.data or None

    def states(self) -> tuple[TdiState, TdiState]:
        """Of the victim and of its neighbour."""
        states = self.adapter.tdi_states()
        return states[self.victim], states[NEIGHBOUR]


def accepted(answer: TdispAnswer | None, what: str = "") -> None:
    """The answer is no error."""
    assert answer is not None, what
    assert answer.error is None, f"{what}: {answer}"


def refused(answer: TdispAnswer | None, what: str, code: ErrorCode = INVALID) -> None:
    """The answer is TDISP_ERROR."""
    assert answer is not None, what
    assert answer.error is code, f"{what}: {answer}"


# ---------------------------------------------------------------------- SET_MMIO_ATTRIBUTE


@pyuvm.test()
class AnAttributeOpensOnePageToAll(Optional):
    """Open and closed again, and closed by ERROR, by STOP and by the next LOCK."""

    async def run_table(self) -> None:
        kit, victim = self.kit, self.victim
        await kit.key_stream(self.session, OTHER_STREAM)
        await self.attach(victim, offset=OFFSET)
        await self.attach(NEIGHBOUR)
        self.data, self.other = await self.fill(victim), await self.fill(NEIGHBOUR)
        before = await self.ask(Request.GET_DEVICE_INTERFACE_REPORT, WHOLE)
        for non_tee in (True, True, False, True):
            accepted(await self.set(non_tee=non_tee))
            await self._shown(opened=non_tee)
        assert await self.ask(Request.GET_DEVICE_INTERFACE_REPORT, WHOLE) == before
        data = self.rng.randbytes(SIZE)
        await kit.host.mem_write(self.memory(victim), data, PLAIN)
        assert await self.served(self.memory(victim), TRUSTED) == data, "written by anybody"
        await self.change()
        assert self.states() == (TdiState.ERROR, TdiState.RUN)
        assert await self.served(self.memory(victim), PLAIN) is None, "ERROR closes the page"
        await kit.stop(self.session, victim)
        await self.attach(victim, offset=OFFSET)
        self.data = await self.fill(victim)
        await self._shown(opened=False)

    async def set(self, *, non_tee: bool) -> TdispAnswer | None:
        """SET_MMIO_ATTRIBUTE of the memory page."""
        return await self.kit.set_mmio_attribute(
            self.session, self.victim, Bar0.MEMORY, non_tee=non_tee, offset=OFFSET
        )

    async def _shown(self, *, opened: bool) -> None:
        """Who reaches the page, and that no other page has changed."""
        function = self.kit.function(self.victim)
        for route in WAYS:
            what = f"open: {opened}, {route}"
            trusted = route == TRUSTED
            got = await self.served(self.memory(self.victim), route)
            assert got == (self.data if opened or trusted else None), what
            for address in (
                function.bar0 + Bar0.REGISTERS,
                function.bar2 + Bar2.MSIX_TABLE,
                self.memory(NEIGHBOUR),
            ):
                got = await self.served(address, route)
                assert (got is not None) is trusted, f"{what}, {address:#x}"
            assert await self.served(function.bar0 + Bar0.PUBLIC, route), what
        assert await self.served(self.memory(NEIGHBOUR), TRUSTED) == self.other


@pyuvm.test()
class AttributesAreRefusedForEachReason(Optional):
    """Another page, size, range or attribute, and another session; nothing changes."""

    async def run_table(self) -> None:
        kit, victim = self.kit, self.victim
        other = await kit.open_session()
        await self.attach(victim, offset=OFFSET)
        await self.fill(victim)
        for what, wanted in self._wrong():
            answer = await self.ask(Request.SET_MMIO_ATTRIBUTE_REQUEST, wanted.encode())
            refused(answer, what)
            await self.assert_state(TdiState.RUN, what)
            assert await self.served(self.memory(victim), PLAIN) is None, what
        good = self._good().encode()
        answer = await kit.tdisp(other, Request.SET_MMIO_ATTRIBUTE_REQUEST, victim, good)
        refused(answer, "another session")
        reserved = replace(self._good(), attributes=0xFFF0 | NON_TEE).encode()
        accepted(await self.ask(Request.SET_MMIO_ATTRIBUTE_REQUEST, reserved), "reserved bits")
        assert await self.served(self.memory(victim), PLAIN) is not None

    def _good(self) -> MmioRange:
        return MmioRange(reported_page(self.memory(self.victim), OFFSET), 1, NON_TEE, 0)

    def _wrong(self) -> Iterator[tuple[str, MmioRange]]:
        good, page = self._good(), self._good().first_page
        yield "without the offset", replace(good, first_page=page - (OFFSET >> 12))
        yield "the registers", replace(good, first_page=page - 2)
        yield "the public page", replace(good, first_page=page - 1, attributes=0)
        yield "a page that is not there", replace(good, first_page=page + 1)
        table = reported_page(self.kit.function(self.victim).bar2 + Bar2.MSIX_TABLE, OFFSET)
        yield "the MSI-X table", MmioRange(table, 1, NON_TEE, 2)
        yield "no page", replace(good, num_pages=0)
        yield "two pages", replace(good, num_pages=2)
        yield "another range", replace(good, range_id=2)
        for bit in (0, 1, 3):
            yield f"attribute {bit}", replace(good, attributes=1 << bit | NON_TEE)


# ---------------------------------------------------------------------- P2P streams


@pyuvm.test()
class StreamsToPeersAreRefusedForEachReason(Optional):
    """One thing wrong at a time; nothing is bound, and nothing changes."""

    async def run_table(self) -> None:
        kit, victim = self.kit, self.victim
        await self._keys()
        other = await kit.open_session()
        await kit.reach_peer(self.session, victim)
        await self.attach(victim, Transitions.flags)
        await self._refused("LOCK without BIND_P2P")
        refused(await kit.unbind(self.session, victim), "UNBIND without BIND_P2P")
        await kit.stop(self.session, victim)
        await kit.vmm.enable_ats(victim, enabled=False)
        await self.attach(victim)
        await self._refused("without ATS")
        await kit.stop(self.session, victim)
        await kit.vmm.enable_ats(victim)
        await self.attach(victim)
        await self._refused("the default stream", DEFAULT_STREAM)
        await self._refused("no stream", 77)
        refused(await kit.bind(other, victim), "another session")
        refused(await kit.unbind(self.session, victim), "what is not bound")
        await self._associations()
        accepted(await kit.bind(self.session, victim), "nothing is wrong")

    async def _refused(self, what: str, stream_id: int = OTHER_STREAM) -> None:
        refused(await self.kit.bind(self.session, self.victim, stream_id), what)
        await self.assert_state(TdiState.RUN, what)
        assert await self.served(self.memory(self.victim), PEER, PEER_RID) is None, what

    async def _associations(self) -> None:
        """A RID association that meets that of the default stream."""
        host, vmm = self.kit.host, self.kit.vmm
        at = await vmm.selective_block(STREAM_BLOCKS[OTHER_STREAM])
        for base, what in ((HOST_RID, "Requester IDs overlap"), (PEER_RID, "")):
            value = base << 8 | RID_VALID
            await host.config_write(host.pf_rid, at + SelectiveBlock.RID_ASSOCIATION_2, value)
            if what:
                await self._refused(what)

    async def _keys(self) -> None:
        """Another session has the keys of the stream; then nobody has."""
        kit, block = self.kit, STREAM_BLOCKS[OTHER_STREAM]
        last = PEER_MEMORY.base + PEER_MEMORY.size - 1
        other = await kit.open_session()
        await kit.reach_peer(other, self.victim)
        assert self.adapter.streams_secure()[block]
        await self.attach(self.victim)
        await self._refused("keys of another session")
        await other.end()
        await ClockCycles(self.adapter.clk, QUIET)
        await kit.vmm.place_stream(block, OTHER_STREAM, default=False)
        await kit.vmm.aim_stream(block, PEER_RID, PEER_MEMORY.base, last)
        await kit.vmm.enable_stream(block, OTHER_STREAM, default=False)
        refused(await kit.bind(self.session, self.victim), "without keys")
        await self.assert_state(TdiState.RUN, "without keys")
        await kit.stop(self.session, self.victim)
        await kit.vmm.place_stream(block, OTHER_STREAM, default=False)


@pyuvm.test()
class PeersAreServedOnABoundStreamOnly(Optional):
    """The peer reads and writes the TDI that has bound its stream, and only while it is bound."""

    async def run_table(self) -> None:
        kit, victim = self.kit, self.victim
        await kit.reach_peer(self.session, victim)
        await self.attach(victim)
        await self.attach(NEIGHBOUR)
        self.data = await self.fill(victim)
        await self.fill(NEIGHBOUR)
        await self._shown(bound=False)
        for _ in range(2):
            accepted(await kit.bind(self.session, victim))
            await self._shown(bound=True)
            accepted(await kit.unbind(self.session, victim))
            await self._shown(bound=False)
        accepted(await kit.bind(self.session, victim))
        await kit.stop(self.session, victim)
        await self.attach(victim)
        await self.fill(victim)
        await self._shown(bound=False)

    async def _shown(self, *, bound: bool) -> None:
        """Who serves the peer, and how a transfer to its memory leaves."""
        what = f"bound: {bound}"
        at = self.memory(self.victim)
        for route in (PEER, Route(OTHER_STREAM)):
            got = await self.served(at, route, PEER_RID)
            assert (got is not None) == (bound and route.t), f"{what}, {route}"
            assert await self.served(self.memory(NEIGHBOUR), route, PEER_RID) is None, what
        assert await self.served(at, PEER, HOST_RID) is None, f"{what}, Requester ID of the host"
        data = self.rng.randbytes(SIZE)
        await self.kit.host.send(Tlp.mem_write(PEER_RID, at, data), PEER)
        got = await self.served(at, TRUSTED)
        assert got is not None
        assert (got == data) == bound, f"{what}: write of the peer"
        await self._transfer(what)

    async def _transfer(self, what: str) -> None:
        """Untranslated requests go upstream, wherever they aim."""
        host = self.kit.host
        since = len(host.capture.records)
        await start(self, Control.WRITE_HOST, PEER_MEMORY.base, SIZE)
        assert await finished(self) == Status.DONE, what
        await ClockCycles(self.adapter.clk, QUIET)
        ways = []
        for record in host.capture.records[since:]:
            if record.to_device or record.plain is None or record.prefix is None:
                continue
            if Tlp.decode(record.plain).fmt_type in MEMORY_REQUESTS:
                ways.append((record.prefix.stream_id, record.prefix.t))
        assert set(ways) == {(DEFAULT_STREAM, True)}, what


@pyuvm.test()
class ABoundStreamBreaksTheTdisThatBoundIt(Optional):
    """Insecure, and registers of the stream: ERROR for the TDI that is bound, now, to it."""

    async def run_table(self) -> None:
        kit, victim, block = self.kit, self.victim, STREAM_BLOCKS[OTHER_STREAM]
        await kit.reach_peer(self.session, victim)
        await self.attach(NEIGHBOUR)
        last = PEER_MEMORY.base + PEER_MEMORY.size - 1
        for what in ("Insecure", "registers"):
            for bound in (False, True):
                await self.attach(victim)
                accepted(await kit.bind(self.session, victim), what)
                if not bound:
                    accepted(await kit.unbind(self.session, victim), what)
                await (self._break() if what == "Insecure" else self._move())
                await ClockCycles(self.adapter.clk, QUIET)
                expected = TdiState.ERROR if bound else TdiState.RUN
                assert self.states() == (expected, TdiState.RUN), f"{what}, bound: {bound}"
                await kit.stop(self.session, victim)
                await kit.vmm.place_stream(block, OTHER_STREAM, default=False)
                await kit.vmm.aim_stream(block, PEER_RID, PEER_MEMORY.base, last)
                await kit.key_stream(self.session, OTHER_STREAM)

    async def _break(self) -> None:
        """A TLP of the peer whose MAC is wrong."""
        host = self.kit.host
        stream: IdeStream = host.streams[OTHER_STREAM]
        read = Tlp.mem_read(PEER_RID, self.memory(self.victim), 4, tag=0xF0).encode()
        wire = stream.encrypt(read, True)
        await host.transmit_wire(wire[:-1] + bytes([wire[-1] ^ 1]), "attack: wrong MAC")

    async def _move(self) -> None:
        """Its address association moves."""
        base = PEER_MEMORY.base + PEER_MEMORY.size
        block = STREAM_BLOCKS[OTHER_STREAM]
        await self.kit.vmm.aim_stream(block, PEER_RID, base, base + PEER_MEMORY.size - 1)


@pyuvm.test()
class BindAndUnbindWaitForWhatIsUnderWay(Optional):
    """Neither is answered while reads are out, and the transfer goes on after it."""

    async def run_table(self) -> None:
        kit, victim = self.kit, self.victim
        inbound = kit.host.inbound
        await kit.reach_peer(self.session, victim)
        await self.attach(victim)
        for ask in (kit.bind, kit.unbind):
            data = self.rng.randbytes(MEMORY_BYTES)
            kit.host.memory.write(TVM_MEMORY.base, data)
            inbound.hold_completions = True
            await start(self, Control(0), TVM_MEMORY.base, MEMORY_BYTES)
            await ClockCycles(self.adapter.clk, QUIET)
            assert inbound.held
            task = cocotb.start_soon(ask(self.session, victim))
            await ClockCycles(self.adapter.clk, 8 * QUIET)
            assert not task.done(), "reads are out"
            inbound.hold_completions = False
            await inbound.release()
            accepted(await task)
            assert await finished(self) == Status.DONE
            result = await kit.host.mem_read(self.memory(victim), MEMORY_BYTES, TRUSTED)
            assert result.data == data


async def start(test: Optional, control: Control, address: int, length: int) -> None:
    """Start a transfer of the victim."""
    kit, function = test.kit, test.kit.function(test.victim)
    for register, value in (
        (Register.HOST_ADDRESS_LOW, address & 0xFFFFFFFF),
        (Register.HOST_ADDRESS_HIGH, address >> 32),
        (Register.DEVICE_ADDRESS, 0),
        (Register.LENGTH, length),
        (Register.CONTROL, int(control | Control.START)),
    ):
        await kit.write_register(function, register, value, TRUSTED)


async def finished(test: Optional) -> Status:
    """Wait for the end of the transfer; its status, which is cleared."""
    kit, function = test.kit, test.kit.function(test.victim)
    for _ in range(100):
        value = await kit.read_register(function, Register.STATUS, TRUSTED)
        if not value & Status.BUSY:
            await kit.write_register(function, Register.STATUS, value, TRUSTED)
            return Status(value)
        await ClockCycles(test.adapter.clk, 50)
    raise AssertionError("the transfer does not end")


# ---------------------------------------------------------------------- another build

UNBUILT = {
    Request.BIND_P2P_STREAM_REQUEST: 1,
    Request.UNBIND_P2P_STREAM_REQUEST: 1,
    Request.SET_MMIO_ATTRIBUTE_REQUEST: 16,
}


@pyuvm.test()
class AnotherBuildSaysWhatItHas(Transitions):
    """Without P2P and attributes, with SET_TDISP_CONFIG: the opposite of the default build."""

    def build_phase(self) -> None:
        super().build_phase()
        profile = DeviceProfile(
            num_tdi=self.adapter.num_tdi, mmio_attribute=False, p2p=False, tdisp_config=True
        )
        ConfigDB().set(None, "*", "PROFILE", profile)

    async def run_table(self) -> None:
        answer = await self.ask(Request.GET_TDISP_VERSION)
        assert answer is not None
        assert answer.payload == b"\x01\x10"
        answer = await self.ask(Request.GET_TDISP_CAPABILITIES, bytes(4))
        assert answer is not None
        flags = int(LockFlags.NO_FW_UPDATE | LockFlags.LOCK_MSIX)
        assert answer.payload == bytes(4) + b"\xfe\x10" + bytes(14) + bytes(
            [flags, 0, 0, 0, 0, 64, 1, 1]
        )
        for flag in (LockFlags.BIND_P2P, LockFlags.ALL_REQUEST_REDIRECT):
            refused(await self.kit.lock_request(self.session, self.victim, flag), flag.name or "")
        for state in TdiState:
            await self.bring_to(state)
            await self._requests(state)
            await self.kit.stop(self.session, self.victim)

    async def _requests(self, state: TdiState) -> None:
        for request, size in UNBUILT.items():
            answer = await self.ask(request, bytes(size))
            refused(answer, f"{request.name} in {state.name}", ErrorCode.UNSUPPORTED_REQUEST)
            assert answer is not None
            assert answer.error_data == request
        for index in (self.victim, 0):
            answer = await self._configure(index, 2)
            if state is TdiState.CONFIG_UNLOCKED:
                accepted(answer)
                refused(await self._configure(index, 1), "XT mode")
            else:
                refused(answer, state.name, ErrorCode.INVALID_INTERFACE_STATE)
        if state is TdiState.RUN:
            answer = await self.ask(Request.GET_DEVICE_INTERFACE_REPORT, WHOLE)
            assert answer is not None
            assert answer.code == Response.DEVICE_INTERFACE_REPORT
        await self.assert_state(state, "another build")

    async def _configure(self, index: int, value: int) -> TdispAnswer | None:
        """SET_TDISP_CONFIG."""
        payload = value.to_bytes(4, "little")
        return await self.kit.tdisp(self.session, Request.SET_TDISP_CONFIG_REQUEST, index, payload)
