# SPDX-License-Identifier: Apache-2.0
"""Frames of the socket protocol, and what is answered to each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.doe.objects import DiscoveryRequest
from models.socket.codes import CLIENT_HELLO, SERVER_HELLO, Command, TransportType
from models.socket.frames import MAX_PAYLOAD, Frame, FrameError, FrameReader
from models.socket.responder import After, reply
from tests.plan import covers

HEADER = 12
DISCOVERY = DiscoveryRequest(0).encode()
FRAMES = st.builds(Frame, st.integers(0, (1 << 32) - 1), st.binary(max_size=200))


class Silent:
    """A device that never answers."""

    def __init__(self) -> None:
        self.objects: list[bytes] = []

    def exchange(self, doe_object: bytes, /) -> bytes | None:
        self.objects.append(doe_object)
        return None

    def reset(self) -> None:
        raise AssertionError("nobody asked for a reset")


class Echo(Silent):
    """A device that answers with the request."""

    def exchange(self, doe_object: bytes, /) -> bytes | None:
        return doe_object


def read(reader: FrameReader, raw: bytes) -> list[Frame]:
    """Feed bytes as the reader wants them."""
    frames = []
    while raw:
        size = min(reader.wanted, len(raw))
        frame = reader.feed(raw[:size])
        raw = raw[size:]
        if frame is not None:
            frames.append(frame)
    return frames


@covers("EMU-001")
def test_the_header_is_big_endian() -> None:
    raw = bytes.fromhex("0000dead 00000002 0000000e") + CLIENT_HELLO
    assert Frame(Command.TEST, CLIENT_HELLO).encode() == raw
    assert read(FrameReader(), raw) == [Frame(Command.TEST, CLIENT_HELLO)]


@covers("EMU-001")
@given(st.lists(FRAMES, max_size=5), st.integers(1, 40))
def test_frames_arrive_whole_however_they_are_cut(frames: list[Frame], cut: int) -> None:
    raw = b"".join(frame.encode() for frame in frames)
    reader, found = FrameReader(), []
    for at in range(0, len(raw), cut):
        found += read(reader, raw[at : at + cut])
    assert found == frames
    assert reader.pending == 0


@covers("EMU-001")
def test_the_reader_never_wants_bytes_of_the_next_frame() -> None:
    reader = FrameReader()
    raw = Frame(Command.NORMAL, bytes(20)).encode()
    for at, byte in enumerate(raw):
        end = HEADER if at < HEADER else len(raw)
        assert (reader.wanted, reader.pending) == (end - at, at)
        reader.feed(bytes([byte]))
    with pytest.raises(FrameError, match="13 bytes where 12 were wanted"):
        FrameReader().feed(bytes(13))


@covers("EMU-001")
@pytest.mark.parametrize("size", [MAX_PAYLOAD + 1, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_payload_above_the_bound_is_refused_at_its_header(size: int) -> None:
    raw = Frame.LAYOUT.pack(Command.NORMAL, TransportType.PCI_DOE, size)
    with pytest.raises(FrameError, match=f"payload of {size} bytes, the bound is {MAX_PAYLOAD}"):
        read(FrameReader(), raw)


@covers("EMU-001")
def test_the_longest_payload_is_taken() -> None:
    frame = Frame(Command.NORMAL, bytes(MAX_PAYLOAD))
    assert read(FrameReader(), frame.encode()) == [frame]


@covers("EMU-001")
@pytest.mark.parametrize(
    ("transport", "name"),
    [(0, "NONE"), (1, "MCTP"), (3, "TCP"), (77, "transport type 0x4d")],
)
def test_another_transport_type_is_refused_at_its_header(transport: int, name: str) -> None:
    with pytest.raises(FrameError, match=f"{name} instead of PCI_DOE"):
        read(FrameReader(), Frame(Command.NORMAL, b"", transport).encode())


@covers("EMU-001")
def test_every_frame_is_answered_with_its_command() -> None:
    device = Echo()
    assert reply(Frame(Command.NORMAL, DISCOVERY), device).frame == Frame(1, DISCOVERY)
    hello = reply(Frame(Command.TEST, CLIENT_HELLO), device)
    assert (hello.frame, hello.complaint) == (Frame(Command.TEST, SERVER_HELLO), None)
    leave = reply(Frame(Command.CONTINUE), device)
    assert (leave.frame, leave.after) == (Frame(Command.CONTINUE), After.NEXT_CLIENT)
    end = reply(Frame(Command.SHUTDOWN), device)
    assert (end.frame, end.after) == (Frame(Command.SHUTDOWN), After.SHUTDOWN)


@covers("EMU-001")
def test_silence_of_the_device_is_an_empty_payload() -> None:
    device = Silent()
    assert reply(Frame(Command.NORMAL, DISCOVERY), device).frame == Frame(Command.NORMAL)
    assert device.objects == [DISCOVERY]


@covers("EMU-001")
@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 9, 4607])
def test_an_object_that_is_no_whole_dws_is_not_delivered(size: int) -> None:
    device = Silent()
    answer = reply(Frame(Command.NORMAL, bytes(size)), device)
    assert answer.frame == Frame(Command.NORMAL)
    assert answer.complaint is not None
    assert device.objects == []


@covers("EMU-001")
@pytest.mark.parametrize("command", [0, 2, 0x8001, 0x8002, 0xFFFF, 0xFFFFFFFF])
def test_a_command_that_is_not_served_is_answered_with_unknown(command: int) -> None:
    answer = reply(Frame(command, b"x"), Silent())
    assert (answer.frame, answer.after) == (Frame(Command.UNKNOWN), After.GO_ON)
    assert answer.complaint is not None


@covers("EMU-001")
def test_an_odd_greeting_is_answered_and_told() -> None:
    answer = reply(Frame(Command.TEST, b"Hello?"), Silent())
    assert answer.frame == Frame(Command.TEST, SERVER_HELLO)
    assert answer.complaint == "TEST with b'Hello?'"
