# SPDX-License-Identifier: Apache-2.0
"""The transition table on the whole device: every state, every event that can be made there."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pyuvm
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB

from models.app.map import Bar0, Control, Register
from models.device.config import DeviceProfile
from models.host.translation import Mapping
from models.ide.stream import IdeStream
from models.pcie.ats import Span
from models.pcie.codes import CapabilityId, ExtendedCapabilityId
from models.pcie.layout import PAGE
from models.pcie.pri import PageResponse
from models.pcie.rules import split_completions
from models.pcie.tlp import Tlp
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import (
    NONCE_SIZE,
    ErrorCause,
    ErrorCode,
    LockFlags,
    Request,
    Response,
    TdiState,
)
from models.tdisp.table import CAUSES, TABLE, ByCheck, Cell, Event
from tb.base_test import BaseTest
from tb.host.root_port import HOST_RID
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import COMMAND, COMMAND_MASTER
from tb.report.transition_table import Seen, cell, read, rows
from tb.scenario import (
    DEFAULT_STREAM,
    LEGACY_MEMORY,
    STREAM_BLOCKS,
    Attached,
    Scenario,
    TdispAnswer,
)
from tests.system.rows import CELLS_OUT_OF_REACH, GROUPS, NOT_BUILT
from tests.system.shown import shown

DEVICE_CONTROL = 0x08
INITIATE_FLR = 1 << 15
QUIET = 1500  # cycles: longer than clearing takes
RESET_CYCLES = 16
OTHER_BUS = 0x0200
OTHER_BUS_TAG = 200
NOWHERE = 0x7000_0000  # no memory is there
VIRTUAL = 0x4000_0000
SIZE = 64
PRI_CONTROL, PRI_ALLOCATION, PRI_ENABLE = 0x04, 0x0C, 1
WAIT = 300  # times 10 cycles
# Where the victim asks for what is answered in the state
ASKED_IN = {
    TdiState.CONFIG_UNLOCKED: TdiState.CONFIG_UNLOCKED,
    TdiState.CONFIG_LOCKED: TdiState.CONFIG_UNLOCKED,
    TdiState.RUN: TdiState.RUN,
    TdiState.ERROR: TdiState.RUN,
}
DRAWN = "TRANSITIONS_OUTPUT"  # variable: folder for what was seen, in place of the comparison

Ask = Callable[[], Awaitable[TdispAnswer | None]]
Act = Callable[[], Awaitable[None]]


class Transitions(BaseTest):
    """Brings a TDI to a state, makes an event, compares reply and next state with the table."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        await kit.bring_up()
        await kit.wait_cleared()
        self.session: SecureSession = await kit.open_session()
        await kit.key_stream(self.session)
        self.seen: Seen = {}
        await self.run_table()
        folder = os.environ.get(DRAWN)
        if folder:
            (Path(folder) / type(self).__name__).write_text("\n".join(rows(self.seen)))
            return
        document = read()
        for place, text in self.seen.items():
            said = document.get(place)
            assert said == text, f"docs/transitions.md says {said}, seen {text}: make transitions"

    flags = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE  # of every LOCK

    def note(self, event: Event, state: TdiState, answer: TdispAnswer | None = None) -> None:
        """The device has shown what it does at an event in a state."""
        name = None
        if answer is not None:
            error = answer.error
            name = Response(answer.code).name if error is None else error.name
        self.seen[event, state] = cell(self.state(), name)

    async def run_table(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides run_table()")

    @property
    def rows(self) -> tuple[Event, ...]:
        """The rows of the table that this test drives."""
        return GROUPS[type(self).__name__]

    @property
    def victim(self) -> int:
        """The function to which all this happens."""
        return self.kit.tvm_function

    def state(self) -> TdiState:
        """State of the victim on the pins."""
        return self.adapter.tdi_states()[self.victim]

    async def assert_state(self, expected: TdiState, what: str) -> None:
        """Pins and GET_DEVICE_INTERFACE_STATE say the same, and that nobody else has moved."""
        states = self.adapter.tdi_states()
        assert states[self.victim] is expected, f"{what}: {states[self.victim].name}"
        others = {state for index, state in enumerate(states) if index != self.victim}
        assert others <= {TdiState.CONFIG_UNLOCKED}, f"{what}: {others}"
        if self.session.alive:
            answer = await self.ask(Request.GET_DEVICE_INTERFACE_STATE)
            assert answer is not None, what
            assert answer.payload == bytes([expected]), f"{what}: {answer}"

    async def bring_to(self, state: TdiState) -> None:
        """The victim is in CONFIG_UNLOCKED; take it to `state`."""
        assert self.state() is TdiState.CONFIG_UNLOCKED
        self.tdi: Attached | None = None
        if state is TdiState.CONFIG_UNLOCKED:
            return
        self.tdi = await self.kit.lock(self.session, self.victim, self.flags)
        if state is not TdiState.CONFIG_LOCKED:
            await self.kit.start(self.session, self.tdi)
        if state is TdiState.ERROR:
            await self.change()
        assert self.state() is state

    async def change(self) -> None:
        """Clear Bus Master Enable and set it again."""
        await self.kit.vmm.write_command(self.victim, cleared=COMMAND_MASTER)
        await self.kit.vmm.write_command(self.victim)

    async def ask(self, request: int, payload: bytes = b"") -> TdispAnswer | None:
        """One TDISP request for the victim."""
        return await self.kit.tdisp(self.session, request, self.victim, payload)


@pyuvm.test()
class EveryRequestInEveryState(Transitions):
    """Requests: the reply and the next state of each cell."""

    async def run_table(self) -> None:
        requests = self.requests()
        for event in self.rows:
            for state in TdiState:
                what = f"{event.name} in {state.name}"
                await self.bring_to(state)
                expected = TABLE[state, event]
                answer = await requests[event]()
                self.note(event, state, answer)
                self.compare(expected, answer, what)
                await self.assert_state(expected.next, what)
                await self.kit.stop(self.session, self.victim)

    def compare(self, expected: Cell, answer: TdispAnswer | None, what: str) -> None:
        """The reply is that of the cell."""
        assert answer is not None, what
        if isinstance(expected.reply, ErrorCode):
            assert answer.error is expected.reply, f"{what}: {answer}"
        elif isinstance(expected.reply, Response):
            assert answer.code == expected.reply, f"{what}: {answer}"
        elif expected.reply is ByCheck.ERROR:
            assert answer.error is ErrorCode.INVALID_REQUEST, f"{what}: {answer}"
        else:
            assert answer.error is None, f"{what}: {answer}"

    def requests(self) -> dict[Event, Ask]:
        """How each request event is made."""
        kit, session = self.kit, self.session
        unknown = LockFlags.SYSTEM_CACHE_LINE_SIZE
        return {
            Event.LOCK_GOOD: lambda: kit.lock_request(session, self.victim),
            Event.LOCK_BAD: lambda: kit.lock_request(session, self.victim, unknown),
            Event.START_GOOD: lambda: self.start(self.tdi.nonce if self.tdi else bytes(NONCE_SIZE)),
            Event.START_BAD: lambda: self.start(bytes(NONCE_SIZE)),
            Event.STOP: lambda: self.ask(Request.STOP_INTERFACE_REQUEST),
            Event.GET_REPORT: lambda: self.ask(
                Request.GET_DEVICE_INTERFACE_REPORT, bytes([0, 0, 64, 0])
            ),
            Event.GET_STATE: lambda: self.ask(Request.GET_DEVICE_INTERFACE_STATE),
            Event.GET_VERSION: lambda: self.ask(Request.GET_TDISP_VERSION),
            Event.GET_CAPABILITIES: lambda: self.ask(Request.GET_TDISP_CAPABILITIES, bytes(4)),
        }

    async def start(self, nonce: bytes) -> TdispAnswer | None:
        """START_INTERFACE_REQUEST with `nonce`."""
        return await self.ask(Request.START_INTERFACE_REQUEST, nonce)


@pyuvm.test()
class OptionalRequestsInEveryState(EveryRequestInEveryState):
    """BIND and UNBIND_P2P_STREAM, SET_MMIO_ATTRIBUTE: the same for what nothing else forbids."""

    flags = EveryRequestInEveryState.flags | LockFlags.BIND_P2P

    async def run_table(self) -> None:
        await self.kit.reach_peer(self.session, self.victim)
        await super().run_table()

    def requests(self) -> dict[Event, Ask]:
        kit, session = self.kit, self.session
        return {
            Event.BIND_P2P: lambda: kit.bind(session, self.victim),
            Event.UNBIND_P2P: self._unbind,
            Event.SET_MMIO: lambda: kit.set_mmio_attribute(
                session, self.victim, Bar0.MEMORY, non_tee=True
            ),
        }

    async def _unbind(self) -> TdispAnswer | None:
        if self.state() is TdiState.RUN:
            await self.kit.bind(self.session, self.victim)
        return await self.kit.unbind(self.session, self.victim)


@pyuvm.test()
class RequestsThatAreNotBuiltInEveryState(Transitions):
    """SET_TDISP_CONFIG, VDM_REQUEST: UNSUPPORTED_REQUEST with the code, no effect."""

    async def run_table(self) -> None:
        for state in TdiState:
            await self.bring_to(state)
            for event in self.rows:
                what = f"{event.name} in {state.name}"
                request, size = NOT_BUILT[event]
                answer = await self.ask(request, bytes(size))
                assert answer is not None, what
                assert answer.error is ErrorCode.UNSUPPORTED_REQUEST, f"{what}: {answer}"
                assert answer.error_data == request, f"{what}: {answer}"
                self.note(event, state, answer)
                assert TABLE[state, event].next is state
                await self.assert_state(state, what)
            await self.kit.stop(self.session, self.victim)


class Events(Transitions):
    """Makes the events of `rows` in every state, puts things right again after each."""

    async def run_table(self) -> None:
        acts: dict[Event, Act] = {
            Event.CONFIG_CHANGE: self.change,
            Event.FLR: self._flr,
            Event.STREAM_INSECURE: self._break_stream,
            Event.SESSION_END: self._end_session,
            Event.REQUESTER_ID_CHANGE: self._other_bus,
            Event.POISONED: self._poison,
            Event.CONVENTIONAL_RESET: self._reset,
            Event.DSM_FAULT: lambda: self.kit.internal_error(self.victim),
        }
        for event in self.rows:
            for state in TdiState:
                if (state, event) in CELLS_OUT_OF_REACH:
                    continue
                await self.bring_to(state)
                await acts[event]()
                await self.settle(event, state)

    async def settle(self, event: Event, state: TdiState) -> None:
        """It has happened: look at the state and at its cause, put things right again."""
        what = f"{event.name} in {state.name}"
        await ClockCycles(self.adapter.clk, QUIET)
        self.note(event, state)
        following = TABLE[state, event].next
        assert self.state() is following, f"{what}: {self.state().name}"
        cause = ErrorCause.NONE
        if following is TdiState.ERROR:  # the first cause stays, here that of change()
            first = state in (TdiState.CONFIG_LOCKED, TdiState.RUN)
            cause = CAUSES.get(event, ErrorCause.COMMAND) if first else ErrorCause.COMMAND
        assert await shown(self.kit.host, self.victim) == (following, cause), what
        await self._recover(what)

    async def _recover(self, what: str) -> None:
        kit, expected = self.kit, self.state()
        await (kit.vmm.write_command(self.victim) if self.victim else kit.vmm.restore())
        if not self.session.alive:
            self.session = await kit.open_session()
        await self.assert_state(expected, f"{what}, later")
        block = STREAM_BLOCKS[DEFAULT_STREAM]
        if not self.adapter.streams_secure()[block]:
            await kit.vmm.place_stream(block, DEFAULT_STREAM, default=True)
            await kit.key_stream(self.session)
        await kit.stop(self.session, self.victim)

    async def _flr(self) -> None:
        rid = self.kit.function(self.victim).rid
        at = await self.kit.host.capability(rid, CapabilityId.PCIE) + DEVICE_CONTROL
        await self.kit.host.config_write(rid, at, INITIATE_FLR, enables=0b0011)

    async def _break_stream(self) -> None:
        """A TLP whose MAC is wrong."""
        host = self.kit.host
        stream: IdeStream = host.streams[DEFAULT_STREAM]
        read = Tlp.mem_read(HOST_RID, self.kit.function(self.victim).bar0, 4, tag=0xF0).encode()
        wire = stream.encrypt(read, True)
        await host.transmit_wire(wire[:-1] + bytes([wire[-1] ^ 1]), "attack: wrong MAC")

    async def _end_session(self) -> None:
        await self.session.end()

    async def _other_bus(self) -> None:
        """A configuration write that comes by another bus number and enables no byte."""
        rid = OTHER_BUS | self.kit.host.pf_rid & 0xFF
        write = Tlp.cfg_write(HOST_RID, rid, COMMAND, 0, OTHER_BUS_TAG)
        await self.kit.host.request(replace(write, first_be=0))

    async def _poison(self) -> None:
        """A poisoned write to the page that is served in every state."""
        address = self.kit.function(self.victim).bar0 + Bar0.PUBLIC
        await self.kit.host.send(replace(Tlp.mem_write(HOST_RID, address, bytes(4)), ep=True))

    async def _reset(self) -> None:
        """Conventional reset; everything is set up again afterwards."""
        kit = self.kit
        await self.adapter.reset(RESET_CYCLES)
        await ClockCycles(self.adapter.clk, QUIET)
        assert self.state() is TdiState.CONFIG_UNLOCKED
        kit.host.streams.clear()
        await kit.bring_up_again()
        await kit.connect()
        self.session = await kit.open_session()


@pyuvm.test()
class EveryEventInEveryState(Events):
    """Configuration, FLR, the stream, the session."""


@pyuvm.test()
class RareEventsInEveryState(Events):
    """Bus number, poison, conventional reset."""


class Answered(Events):
    """Answers to requests of the victim: late ones where it must not ask."""

    async def run_table(self) -> None:
        await self.prepare()
        for event in self.rows:
            for state in TdiState:
                if (state, event) in CELLS_OUT_OF_REACH:
                    continue
                await self.bring_to(ASKED_IN[state])
                await self.make_request(event)
                if state is TdiState.CONFIG_LOCKED:
                    self.tdi = await self.kit.lock(self.session, self.victim, self.flags)
                elif state is TdiState.ERROR:
                    await self.change()
                assert self.state() is state
                await self.answer()
                await self.settle(event, state)

    async def prepare(self) -> None:
        """What the victim needs before it is locked."""

    async def make_request(self, event: Event) -> None:
        """Let the victim send a request; nobody has answered it yet."""
        raise AssertionError("a test overrides make_request()")

    async def answer(self) -> None:
        """Answer it."""
        raise AssertionError("a test overrides answer()")

    @property
    def route(self) -> Route:
        """How software and the victim reach each other and the host."""
        return self.kit.tee if self.state() is TdiState.RUN else PLAIN

    async def write(self, values: tuple[tuple[Register, int], ...]) -> None:
        """Write registers of the victim."""
        function, route = self.kit.function(self.victim), self.route
        for register, value in values:
            await self.kit.write_register(function, register, value, route)

    async def until(self, sent: Callable[[], object]) -> None:
        """Wait for what the victim sends."""
        for _ in range(WAIT):
            if sent():
                return
            await ClockCycles(self.adapter.clk, 10)
        raise AssertionError("nothing came")


@pyuvm.test()
class AnswersInEveryState(Answered):
    """A read that gets UR, a translation that comes without T; then one that gets poisoned data."""

    async def run_table(self) -> None:
        await super().run_table()
        for state in (TdiState.CONFIG_UNLOCKED, TdiState.RUN):
            await self.bring_to(state)
            await self.make_request(Event.POISONED)
            await self._poisoned_data()
            await self.settle(Event.POISONED, state)

    async def _poisoned_data(self) -> None:
        host, route = self.kit.host, self.route
        host.inbound.hold_completions = False
        host.inbound.held.clear()
        (request, _) = host.inbound.refused[-1]
        data = split_completions(HOST_RID, request.tlp, b"\xff" * SIZE)[0]
        await host.respond(replace(data, ep=True), route)
        await ClockCycles(self.adapter.clk, QUIET)
        if route == PLAIN:
            memory = self.kit.function(self.victim).bar0 + Bar0.MEMORY
            assert (await host.mem_read(memory, SIZE)).data == bytes(SIZE), "poisoned data is taken"

    async def prepare(self) -> None:
        inbound, rid = self.kit.host.inbound, self.kit.function(self.victim).rid
        await self.kit.vmm.enable_ats(self.victim)
        inbound.translation.map(rid, Mapping(Span(VIRTUAL, PAGE), LEGACY_MEMORY.base))
        inbound.translation_route = lambda way: replace(way, t=False)

    async def make_request(self, event: Event) -> None:
        asks = event is Event.TRANSLATION_T0
        self.kit.host.inbound.hold_completions = True
        await self.write(
            (
                (Register.HOST_ADDRESS_LOW, VIRTUAL if asks else NOWHERE),
                (Register.HOST_ADDRESS_HIGH, 0),
                (Register.DEVICE_ADDRESS, 0),
                (Register.LENGTH, SIZE),
                (Register.CONTROL, int(Control.START | (Control.TRANSLATE if asks else 0))),
            )
        )
        await self.until(lambda: self.kit.host.inbound.held)

    async def answer(self) -> None:
        self.kit.host.inbound.hold_completions = False
        await self.kit.host.inbound.release()


@pyuvm.test()
class PageResponsesInEveryState(Answered):
    """A PRG Response by another way than its request."""

    def build_phase(self) -> None:
        super().build_phase()
        profile = DeviceProfile(num_tdi=self.adapter.num_tdi, pasid=True, pri=True)
        ConfigDB().set(None, "*", "PROFILE", profile)

    async def prepare(self) -> None:
        host, pf = self.kit.host, self.kit.host.pf_rid
        pri = await host.extended_capability(pf, ExtendedCapabilityId.PRI)
        await host.config_write(pf, pri + PRI_ALLOCATION, 4)
        await host.config_write(pf, pri + PRI_CONTROL, PRI_ENABLE, enables=0b0011)

    async def make_request(self, event: Event) -> None:
        requests = self.kit.host.page_requests
        requests.clear()
        await self.write(
            (
                (Register.HOST_ADDRESS_LOW, VIRTUAL),
                (Register.HOST_ADDRESS_HIGH, 0),
                (Register.PAGE_REQUEST, int(Control.START)),
            )
        )
        await self.until(lambda: requests)
        self.page, self.came = requests[0]

    async def answer(self) -> None:
        runs = self.state() is TdiState.RUN
        await self._respond(Route(self.kit.tee.stream, False))
        if runs:  # what is wrong has answered nothing
            await self._respond(self.came)

    async def _respond(self, route: Route) -> None:
        response = PageResponse(HOST_RID, self.page.requester_id, self.page.index)
        await self.kit.host.respond(response.tlp(), route)
        await ClockCycles(self.adapter.clk, QUIET)
