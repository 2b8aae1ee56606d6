# SPDX-License-Identifier: Apache-2.0
"""The server with the reference device on a real socket: good and bad clients in turn."""

from __future__ import annotations

import asyncio
import gc
import random
import re
import socket
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from models.doe.objects import DiscoveryRequest
from models.socket.client import SocketError, SocketTransport
from models.socket.codes import CLIENT_HELLO, Command
from models.socket.config import IdePlan, Place, ServerConfig
from models.socket.frames import MAX_PAYLOAD, Frame
from models.socket.life_cycle import LifeCycle, Wanted
from models.socket.model_device import ModelDevice
from models.socket.server import Habits, Limits, StopReason
from models.tdisp.codes import TdiState
from models.tsm.errors import TsmError
from models.tsm.trace import ON_REQUEST, Step, TraceEntry, TraceKind
from tests.models.socket_server import IDENTITY, MEASUREMENTS, Running, model_device, served
from tests.plan import covers

DISCOVERY = DiscoveryRequest(0).encode()
HELLO = Frame(Command.TEST, CLIENT_HELLO).encode()
IMPATIENT = Habits(Limits(frame_seconds=0.2, answer_seconds=0.2))
U, L, R, E = TdiState


def closed(client: socket.socket) -> bool:
    """Whether the server has ended the connection; waits for it."""
    try:
        while client.recv(1 << 16):
            pass
    except ConnectionError:
        return True
    return True


def receive(client: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes."""
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        assert part, f"only {len(data)} of {size} bytes"
        data += part
    return data


def wait_for(running: Running, text: str) -> str:
    """The line of the log that holds `text`; there is one soon."""
    for _ in range(200):
        found = [line for line in running.lines if text in line]
        if found:
            return found[0]
        running.thread.join(0.02)
    raise AssertionError(f"{text!r} is not in the log: {running.lines}")


# ------------------------------------------------------------------ clients that behave


@covers("EMU-001", "EMU-002")
def test_a_life_cycle_takes_every_step() -> None:
    trace: list[TraceEntry] = []
    with served() as running:
        running.live(observer=trace.append)
    done = {entry.step for entry in trace if entry.kind is TraceKind.DONE}
    assert done == set(Step) - ON_REQUEST
    assert running.complaints == []


@covers("EMU-002", "TDISP-HDR-005")
@pytest.mark.parametrize("function", [0, 1, 3])
def test_any_function_has_the_id_that_is_wanted(function: int) -> None:
    place = Place(bus=0xBE, device=0x1D, function=(7 - function) % 8)
    config = ServerConfig(place, IdePlan((9, 3), default=3, port_index=2))
    trace: list[TraceEntry] = []
    with served(config=config) as running:
        running.live(function, trace.append)
    texts = [entry.text for entry in trace]
    assert "GET_TDISP_VERSION be:1d.7" in texts
    assert "QUERY port 2" in texts
    assert any(text.startswith("K_SET_GO stream 3") for text in texts)


@covers("EMU-002")
def test_the_device_lives_on_across_clients() -> None:
    device = model_device()
    with served(device) as running:
        for _ in range(3):
            running.live()
            assert device.device.tdi_states() == (U, U, U, U)
            assert device.device.records.session_ids == ()
    assert sum("connected" in line for line in running.lines) == 3


@covers("EMU-002", "TDISP-SES-007", "TDISP-STOP-001")
@pytest.mark.parametrize("last", [Step.SESSION, Step.KEYS, Step.GO, Step.LOCK, Step.START])
def test_after_a_client_that_vanished_at_any_step_the_next_one_succeeds(last: Step) -> None:
    device = model_device()
    with served(device) as running:
        vanish_after(running, last)
        left = device.device.tdi_states()[1]
        assert left is {Step.LOCK: L, Step.START: R}.get(last, U)
        running.live()
    assert device.device.tdi_states()[1] is U


def vanish_after(running: Running, last: Step) -> None:
    """A client that goes away, session and all, once a step is done."""

    class VanishedError(Exception):
        pass

    def observe(entry: TraceEntry) -> None:
        if entry.kind is TraceKind.DONE and entry.step is last:
            raise VanishedError

    wanted = Wanted(running.config, [IDENTITY.root], MEASUREMENTS)
    with running.connect() as transport:
        life = LifeCycle(transport, wanted, random.Random(4), observe)
        with pytest.raises(VanishedError):
            asyncio.run(life.run())


@covers("EMU-002", "TDISP-SES-007")
def test_reset_on_disconnect_leaves_nothing_of_a_client() -> None:
    device = model_device()
    with served(device, Habits(reset_on_disconnect=True)) as running:
        vanish_after(running, Step.START)
        running.live()
        assert device.device.tdi_states() == (U, U, U, U)
    assert "INFO device reset" in running.lines


@covers("EMU-002")
def test_a_session_outlives_its_connection() -> None:
    with served() as running:
        wanted = Wanted(running.config, [IDENTITY.root], MEASUREMENTS)
        first = running.connect()
        carrier = Carrier(first)
        life = LifeCycle(carrier, wanted, random.Random(5))

        async def run() -> None:
            handle = await life.tsm.bring_up(life.assignment, life.tenant, life.pf_rid)
            first.close()
            carrier.transport = running.connect()
            await life.tsm.stop(handle)
            await life.tsm.close()
            carrier.transport.close()

        asyncio.run(run())
    assert running.complaints == []


class Carrier:
    """A transport whose connection may be another one tomorrow."""

    def __init__(self, transport: SocketTransport) -> None:
        self.transport = transport

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        return await self.transport.exchange(doe_object)


@covers("EMU-002", "IDEKM-KP-007")
def test_one_connection_can_hold_one_life_after_another() -> None:
    with served() as running, running.connect() as transport:
        wanted = Wanted(running.config, [IDENTITY.root], MEASUREMENTS)
        for seed in range(3):
            asyncio.run(LifeCycle(transport, wanted, random.Random(seed)).run())


# ------------------------------------------------------------------ how the server ends


@covers("EMU-001")
def test_shutdown_is_answered_and_ends_the_server() -> None:
    with served() as running:
        with running.connect() as transport:
            transport.shut_down()
        assert running.join() is StopReason.SHUTDOWN


@covers("EMU-001")
@pytest.mark.parametrize("busy", [False, True])
def test_stop_ends_the_server_with_or_without_a_client(busy: bool) -> None:
    with served() as running:
        client = running.raw() if busy else None
        if client is not None:
            client.sendall(HELLO[:5])
            wait_for(running, "connected")
        running.server.stop()
        assert running.join() is StopReason.STOPPED
        if client is not None:
            assert closed(client)
            client.close()


# ------------------------------------------------------------------ clients that do not behave


def half_header(client: socket.socket) -> None:
    client.sendall(HELLO[:7])


def half_payload(client: socket.socket) -> None:
    client.sendall(Frame(Command.NORMAL, DISCOVERY).encode()[:-4])


def wrong_transport(client: socket.socket) -> None:
    client.sendall(Frame(Command.NORMAL, DISCOVERY, 1).encode())


def oversized(client: socket.socket) -> None:
    client.sendall(struct.pack(">III", Command.NORMAL, 2, 0xFFFFFFFF) + bytes(4096))


def above_the_bound(client: socket.socket) -> None:
    client.sendall(struct.pack(">III", Command.NORMAL, 2, MAX_PAYLOAD + 1))


def noise(client: socket.socket) -> None:
    client.sendall(random.Random(6).randbytes(5000))


def http(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def odd_object(client: socket.socket) -> None:
    client.sendall(Frame(Command.NORMAL, DISCOVERY + b"x").encode())


def unknown_command(client: socket.socket) -> None:
    client.sendall(Frame(0x1234, b"abc").encode())


LEAVERS: dict[Callable[[socket.socket], None], str] = {
    half_header: "vanished after 7 bytes of a frame",
    half_payload: "vanished after 20 bytes of a frame",
    wrong_transport: "MCTP instead of PCI_DOE",
    oversized: "payload of 4294967295 bytes, the bound is 8192",
    above_the_bound: "payload of 8193 bytes, the bound is 8192",
    noise: "instead of PCI_DOE",
    http: "instead of PCI_DOE",
    odd_object: "a DOE object of 13 bytes is no whole DWs: not delivered",
    unknown_command: "command 0x1234 is not served",
}


@covers("EMU-001", "EMU-002")
@pytest.mark.parametrize("abuse", LEAVERS, ids=lambda abuse: abuse.__name__)
def test_a_bad_client_costs_one_line_and_the_next_one_succeeds(
    abuse: Callable[[socket.socket], None],
) -> None:
    with served() as running:
        client = running.raw()
        abuse(client)
        client.close()
        running.live()
    assert len(running.complaints) == 1, running.lines
    assert LEAVERS[abuse] in running.complaints[0]


@covers("EMU-001")
@pytest.mark.parametrize("abuse", [wrong_transport, oversized, noise], ids=lambda a: a.__name__)
def test_a_client_out_of_step_is_dropped_at_once(
    abuse: Callable[[socket.socket], None],
) -> None:
    with served() as running, running.raw() as client:
        abuse(client)
        assert closed(client)


@covers("EMU-001")
@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (Frame(0x1234, b"abc").encode(), Frame(Command.UNKNOWN)),
        (Frame(Command.NORMAL).encode(), Frame(Command.NORMAL)),
        (Frame(Command.NORMAL, bytes(7)).encode(), Frame(Command.NORMAL)),
        (Frame(Command.NORMAL, bytes(MAX_PAYLOAD)).encode(), Frame(Command.NORMAL)),
        (Frame(Command.NORMAL, DISCOVERY + bytes(4)).encode(), Frame(Command.NORMAL)),
    ],
    ids=["unknown", "empty", "odd", "longest", "wrong length"],
)
def test_a_whole_frame_is_answered_whatever_is_in_it(raw: bytes, answer: Frame) -> None:
    with served() as running, running.raw() as client:
        client.sendall(raw + HELLO)
        expected = answer.encode() + Frame(Command.TEST, b"Server Hello!\0").encode()
        assert receive(client, len(expected)) == expected


@covers("EMU-001")
def test_a_client_that_stalls_within_a_frame_is_dropped() -> None:
    with served(habits=IMPATIENT) as running, running.raw() as client:
        client.sendall(HELLO[:3])
        assert closed(client)
        wait_for(running, "stalls after 3 bytes of a frame")
        running.live()


@covers("EMU-001")
def test_a_client_between_frames_is_waited_for() -> None:
    with served(habits=IMPATIENT) as running, running.connect() as transport:
        transport.hello()
        running.thread.join(0.5)
        transport.hello()
    assert running.complaints == []


def send_for_ever(client: socket.socket) -> None:
    while True:
        client.send(HELLO * 1000)


@covers("EMU-001")
def test_a_flood_that_takes_no_answers_is_held_back_and_dropped() -> None:
    habits = Habits(Limits(answer_seconds=0.5))
    with served(habits=habits) as running, running.raw() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        tracemalloc.start()
        with pytest.raises(OSError, match=r"."):
            send_for_ever(client)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1 << 20, "the server keeps what the client sends"
        assert "does not take its answer" in wait_for(running, "does not take")
        running.live()
    assert len(running.complaints) == 1


@covers("EMU-001")
def test_frames_sent_ahead_are_all_answered_in_order() -> None:
    with served() as running, running.raw() as client:
        count = 500
        client.sendall((HELLO + Frame(Command.NORMAL, DISCOVERY).encode()) * count)
        expected = len(HELLO) + len(Frame(Command.NORMAL, DISCOVERY).encode())
        answers = receive(client, expected * count)
        assert answers[:expected] * count == answers


@covers("EMU-001", "EMU-002")
def test_a_second_client_is_turned_away_and_the_first_goes_on() -> None:
    with served() as running, running.connect() as first:
        first.hello()
        with running.raw() as second:
            assert closed(second)
        first.hello()
        first.close()
        running.live()
    assert len(running.complaints) == 1
    assert re.search(r"turned away: 127.0.0.1:\d+ is being served", running.complaints[0])


@covers("EMU-001")
def test_a_client_that_leaves_work_behind_does_not_keep_the_next_one_out() -> None:
    with served() as running:
        for _ in range(20):
            client = running.raw()
            client.sendall(Frame(Command.NORMAL, DISCOVERY).encode() * 50)
            client.close()
            with running.connect() as following:
                following.hello()
    assert not any("turned away" in line for line in running.lines)


@covers("EMU-001")
def test_many_connections_at_once_cost_nothing_but_lines() -> None:
    with served() as running, running.connect() as first:
        first.hello()
        for _ in range(100):
            with running.raw() as other:
                assert closed(other)
        first.hello()
        first.close()
        running.live()
    assert len(running.complaints) == 100


# ------------------------------------------------------------------ the client's own doubts


@covers("EMU-001")
def test_the_client_says_in_one_line_why_it_failed() -> None:
    with served() as running:
        port = running.port
    with pytest.raises(SocketError, match=f"no server at 127.0.0.1:{port}"):
        SocketTransport.connect("127.0.0.1", port, 1)


@covers("EMU-002", "TDISP-HOST-009")
def test_a_server_that_goes_away_ends_the_life_cycle_with_the_reason() -> None:
    with served() as running:
        wanted = Wanted(running.config, [IDENTITY.root], MEASUREMENTS)
        transport = running.connect()

        def observe(entry: TraceEntry) -> None:
            if entry.kind is TraceKind.DONE and entry.step is Step.KEYS:
                running.server.stop()
                running.join()

        life = LifeCycle(transport, wanted, random.Random(7), observe)
        with pytest.raises((SocketError, TsmError)):
            asyncio.run(life.run())
        transport.close()


@covers("EMU-002", "TDISP-HOST-001")
def test_an_unknown_root_ends_the_life_cycle() -> None:
    with served() as running:
        running.config = ServerConfig()
        wanted = Wanted(running.config, [], MEASUREMENTS)
        with running.connect() as transport, pytest.raises(TsmError, match="is not trusted"):
            asyncio.run(LifeCycle(transport, wanted, random.Random(8)).run())


@covers("EMU-002")
def test_a_hundred_life_cycles_leave_the_device_as_small_as_it_was() -> None:
    device: ModelDevice = model_device()
    with served(device) as running:
        for _ in range(10):
            running.live()
        before = traced(running, 1)
        after = traced(running, 89)
        tracemalloc.stop()
    assert after - before < 100_000, f"{after - before} bytes more after 89 life cycles"


def traced(running: Running, lives: int) -> int:
    """Bytes that Python holds after some life cycles, counted from the first call on."""
    gc.collect()
    tracemalloc.start()
    for _ in range(lives):
        running.live()
        running.lines.clear()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
