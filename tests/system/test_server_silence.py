# SPDX-License-Identifier: Apache-2.0
"""A device that does not come to an end is told apart from one that keeps silent."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models.doe.codes import Register
from tb.agents.doe import driver
from tb.serve.bridge import Bridge, Kind
from tb.serve.rtl_device import RtlDevice, Run
from tb.serve.setup import Setup
from tests.plan import covers

BUSY = 1


@contextmanager
def device() -> Iterator[tuple[RtlDevice, Bridge]]:
    """A device whose simulation is the test: the other end of its bridge."""
    ours, theirs = socket.socketpair()
    log = logging.getLogger("silence")
    rtl = RtlDevice(Setup("", ".", 1), Run(), log)
    rtl._bridge, simulation = Bridge(ours), Bridge(theirs)
    try:
        yield rtl, simulation
    finally:
        rtl.abort()
        simulation.close()


@covers("EMU-001")
@pytest.mark.parametrize(
    ("word", "lines"), [(b"", []), (b"TIMEOUT", ["no end of a DOE exchange: TIMEOUT, aborted"])]
)
def test_only_silence_that_nobody_asked_for_is_logged(
    word: bytes, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with device() as (rtl, simulation):
        simulation.send(Kind.SILENCE, word)
        assert rtl.exchange(bytes(8)) is None
    assert caplog.messages == lines


class Stuck(driver.DoeDriver):
    """A mailbox that stays Busy for so many reads of its status."""

    def __init__(self, reads: int) -> None:
        self.reads = reads

    async def read(self, register: Register) -> int:
        self.reads -= 1
        return BUSY if self.reads >= 0 else 0

    async def write(self, register: Register, data: int) -> None:
        pass


@covers("DOE-FSM-001")
def test_an_abort_that_does_not_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_time(*_: Any) -> None:
        pass

    monkeypatch.setattr(driver, "clock_cycles", no_time)
    monkeypatch.setattr(Stuck, "adapter", type("Adapter", (), {"clk": None}), raising=False)
    asyncio.run(Stuck(driver.MAX_POLLS - 1).abort())
    with pytest.raises(RuntimeError, match="status 0x00000001 long after Abort"):
        asyncio.run(Stuck(driver.MAX_POLLS).abort())
