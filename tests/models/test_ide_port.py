# SPDX-License-Identifier: Apache-2.0
"""A port with two streams: routing by Stream ID, IDE Fail, link down."""

from __future__ import annotations

import pytest

from models.ide.errors import IdeError, IdeFailure, InsecureCause
from models.ide.messages import IdeFail, IdeSync, fail_message, sync_message
from models.ide.port import IdePort, Received
from models.pcie.tlp import Tlp
from tests.models.ide_pair import W1, port
from tests.plan import covers

RAW = Tlp.mem_write(0, 0x1000, bytes(4)).encode()


def two() -> IdePort:
    """A port with Secure streams 1 and 2."""
    return IdePort([port(stream_id=1), port(stream_id=2)])


@covers("IDE-SEL-007")
def test_a_plain_tlp_has_no_stream_and_t_0() -> None:
    assert two().receive(RAW) == Received(RAW)


@covers("IDE-ST-008", "IDE-ST-011")
def test_a_tlp_goes_to_its_stream_and_a_bad_one_harms_only_it() -> None:
    receiver = two()
    with pytest.raises(IdeError) as caught:
        receiver.receive(W1.wire_bytes[:2] + b"\3" + W1.wire_bytes[3:])
    assert caught.value.failure is IdeFailure.MISROUTED
    with pytest.raises(IdeError):
        receiver.receive(W1.wire_bytes[:-1] + b"\0")
    assert [stream.secure for stream in receiver.streams.values()] == [False, True]
    got = receiver.receive(port(stream_id=2).encrypt(RAW, True))
    assert (got.tlp, got.stream_id, got.t) == (RAW, 2, True)


@covers("IDE-MSG-002", "IDE-ST-003", "IDE-CAP-005")
@pytest.mark.parametrize("over", [None, 1], ids=["plain", "on another stream"])
def test_an_ide_fail_ends_the_stream_it_names_without_an_answer(over: int | None) -> None:
    receiver = two()
    wire = fail_message(0, 0x0100, 2).encode()
    if over is not None:
        wire = port(stream_id=over).encrypt(wire, False)
    assert receiver.receive(wire).message == IdeFail(2)
    ended = receiver.streams[2]
    assert (ended.secure, ended.cause) == (False, InsecureCause.FAIL_RECEIVED)
    assert not ended.fail_due
    assert receiver.streams[1].secure
    assert receiver.failed == {2}
    receiver.clear_failed(2)
    assert not receiver.failed


@covers("IDE-MSG-002")
def test_an_ide_fail_of_an_unknown_or_disabled_stream_is_ignored() -> None:
    receiver = two()
    receiver.streams[2].disable()
    for stream_id in (2, 9):
        receiver.receive(fail_message(0, 0x0100, stream_id).encode())
    assert receiver.streams[1].secure
    assert receiver.streams[2].cause is InsecureCause.ENABLE_CLEARED
    assert not receiver.failed


@covers("IDE-CNT-003", "IDE-MSG-001")
def test_a_sync_counts_only_as_an_ide_tlp() -> None:
    receiver = two()
    assert receiver.receive(sync_message(0, 0x0100, IdeSync(1, 1)).encode()).message is None
    assert receiver.streams[1].received.npr == 0
    got = receiver.receive(port(stream_id=1).sync(0, 0x0100))
    assert got.message == IdeSync(1, 1)


@covers("IDE-ST-010")
def test_link_down_ends_every_stream() -> None:
    receiver = two()
    receiver.link_down()
    assert not any(stream.secure for stream in receiver.streams.values())
    assert not any(stream.fail_due for stream in receiver.streams.values())
