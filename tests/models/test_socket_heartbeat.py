# SPDX-License-Identifier: Apache-2.0
"""Sessions with a heartbeat on the served reference device, under a clock of the test."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from models.socket.config import ServerConfig
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.model_device import ModelDevice
from models.spdm.codes import Capability
from models.spdm.errors import NoResponseError
from models.spdm.identity import SlotStore
from models.spdm.negotiation import REQUESTER_FLAGS
from models.spdm.requester import RequesterConfig, SpdmRequester
from models.spdm.responder_state import ResponderConfig
from models.spdm.secure_session import SecureSession
from models.tsm.errors import TsmError
from models.tsm.trace import Step, TraceEntry, TraceKind
from tests.models.socket_server import IDENTITY
from tests.plan import covers

BEGIN = 5000.0  # seconds, as of a machine that has been up for a while
PERIOD = 1
SLOW_PERIOD = 100  # the longest that fits its byte is 255


@dataclass
class Clock:
    """Tells the time that it is set to."""

    now: float = BEGIN

    def __call__(self) -> float:
        return self.now


class Wire:
    """Is a `Transport`, straight to the device."""

    def __init__(self, clock: Clock, period: int) -> None:
        self.config = config = ServerConfig(spdm=ResponderConfig(heartbeat_period=period))
        entropy = random.Random(2)
        self.device = ModelDevice(
            config,
            lambda port: config.responder(SlotStore.single(IDENTITY), port, entropy),
            entropy,
            clock,
        )

        self._clock = clock
        self.seconds = 0.0  # that each exchange takes

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        self._clock.now += self.seconds
        return self.device.exchange(doe_object)


async def with_session(wire: Wire, config: RequesterConfig | None = None) -> SecureSession:
    """A requester's session."""
    peer = SpdmRequester(wire, random.Random(3), [IDENTITY.root], config)
    await peer.connect()
    await peer.get_digests()
    await peer.get_certificate()
    return await peer.start_session()


@covers("EMU-002", "SPDM-SES-003")
def test_a_served_session_lives_as_long_as_its_heartbeat() -> None:
    async def scenario() -> None:
        clock = Clock()
        wire = Wire(clock, PERIOD)
        session = await with_session(wire)
        for _ in range(10):
            clock.now += 1.5 * PERIOD
            await session.heartbeat()
        clock.now += 2.5 * PERIOD
        with pytest.raises(NoResponseError):
            await session.heartbeat()
        assert wire.device.device.records.session_ids == ()

    asyncio.run(scenario())


@covers("EMU-002", "SPDM-SES-003")
def test_a_served_session_without_a_heartbeat_lives_on_in_silence() -> None:
    async def scenario() -> None:
        clock = Clock()
        session = await with_session(Wire(clock, 0))
        clock.now += 1e6
        await session.heartbeat()

    asyncio.run(scenario())


@covers("EMU-002", "SPDM-SES-003")
def test_a_session_whose_requester_has_no_heartbeat_lives_on_in_silence() -> None:
    async def scenario() -> None:
        clock = Clock()
        wire = Wire(clock, PERIOD)
        silent = RequesterConfig(flags=REQUESTER_FLAGS & ~Capability.HBEAT)
        session = await with_session(wire, silent)
        clock.now += 1e6
        assert (await session.get_measurements()).blocks

    asyncio.run(scenario())


@covers("EMU-002", "SPDM-SES-003", "TDISP-HOST-001")
def test_the_golden_client_keeps_its_session_alive() -> None:
    clock = Clock()
    wire = Wire(clock, SLOW_PERIOD)
    wire.seconds = SLOW_PERIOD / 10
    trace: list[TraceEntry] = []
    wanted = Wanted(wire.config, [IDENTITY.root], wire.config.expected_measurements)
    asyncio.run(LifeCycle(wire, wanted, random.Random(4), trace.append).run())
    assert clock.now - BEGIN > 4 * SLOW_PERIOD, "the life was too short to need a heartbeat"
    assert Step.ABANDON not in {entry.step for entry in trace}


@covers("EMU-002", "SPDM-SES-003", "TDISP-HOST-009")
def test_a_client_whose_heartbeat_comes_too_late_says_so() -> None:
    clock = Clock()
    wire = Wire(clock, PERIOD)

    def sleep(entry: TraceEntry) -> None:
        if entry.kind is TraceKind.DONE and entry.step is Step.LOCK:
            clock.now += 3 * PERIOD

    wanted = Wanted(wire.config, [IDENTITY.root], wire.config.expected_measurements)
    with pytest.raises(TsmError, match="heartbeat: "):
        asyncio.run(LifeCycle(wire, wanted, random.Random(5), sleep).run())
    assert wire.device.device.records.session_ids == ()
