# SPDX-License-Identifier: Apache-2.0
"""The control checker accepts a right device and finds each kind of wrong answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from models.spdm.key_port import Direction
from models.spdm.requester import SpdmRequester
from models.spdm.responder_state import ResponderConfig
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import ErrorCode, Response
from tb.scoreboard.control import ControlChecker, Open
from tb.scoreboard.findings import Findings
from tb.scoreboard.replay_rot import ReplayRot
from tests.models.spdm_device import IDENTITY, Device, run
from tests.plan import covers

TDISP_BODY = bytes(range(20))


@dataclass(frozen=True)
class KeyWrite:
    """What a monitor of the session-key port sees."""

    op: int
    session_id: int
    direction: int = 0
    application: bool = False
    deferred: bool = False
    key: bytes = bytes(32)
    iv: bytes = bytes(12)


class Tapped(Device):
    """A device under test: the checker sees its RoT port."""

    checker: ControlChecker

    def watch(self, checker: ControlChecker) -> None:
        """Show the RoT port to `checker`."""
        self.checker = checker
        handle = self.responder.handle

        def shown(message: bytes, session_id: int | None = None) -> bytes | None:
            checker.rot_request(message, session_id)
            answer = handle(message, session_id)
            checker.rot_answer(answer)
            return answer

        self.responder.handle = shown  # type: ignore[method-assign]

    def load(
        self,
        session_id: int,
        direction: Direction,
        key: bytes,
        iv: bytes,
        *,
        application: bool,
        deferred: bool,
    ) -> None:
        write = KeyWrite(0, session_id, int(direction), application, deferred, key, iv)
        self.checker.rot_key(write)
        super().load(session_id, direction, key, iv, application=application, deferred=deferred)

    def end_session(self, session_id: int, *, deferred: bool) -> None:
        self.checker.rot_key(KeyWrite(1, session_id, deferred=deferred))
        super().end_session(session_id, deferred=deferred)

    def end_all(self) -> None:
        self.checker.rot_key(KeyWrite(2, 0))
        super().end_all()


class Bench:
    """A device under test, the reference beside it, and the transport between TSM and device."""

    def __init__(self) -> None:
        self.findings = Findings()
        self.rot = ReplayRot()
        self.nonces: list[bytes | None] = []
        self.reference = Device(ResponderConfig())
        self.reference.responder = self.rot  # type: ignore[assignment]
        self.rot.port = self.reference
        self.lost_locks = 0
        self.compared: set[str] = set()  # names of requests
        self.checker = ControlChecker(
            self._exchange,
            self.nonces.append,
            self._lost_lock,
            lambda *_: None,
            lambda asked, *_: self.compared.add(asked),
            self.rot,
            self.findings,
        )
        self.device = Tapped(ResponderConfig())
        self.device.watch(self.checker)
        self.now = 0.0
        self.lose = False

    def _lost_lock(self) -> None:
        self.lost_locks += 1

    def _exchange(self, time_ns: float, request: Open) -> bytes | None:
        return run_now(self.reference, request.raw)

    async def exchange(self, doe_object: bytes) -> bytes | None:
        """Transport."""
        self.now += 1000
        self.checker.request(self.now, doe_object)
        answer = await self.device.exchange(doe_object)
        self.now += 1000
        if answer is not None and not self.lose:
            self.checker.response(self.now, answer)
        return answer

    async def session(self) -> SecureSession:
        """An established session."""
        self.peer = SpdmRequester(self, random.Random(3), [IDENTITY.root], None)
        await self.peer.connect()
        await self.peer.get_digests()
        await self.peer.get_certificate()
        return await self.peer.start_session()

    def found(self) -> set[str]:
        """Requirements of all mismatches so far."""
        return {name for item in self.findings.mismatches for name in item.requirements}


def run_now(device: Device, doe_object: bytes) -> bytes | None:
    """Step the coroutine, which waits for nothing."""
    step = device.exchange(doe_object)
    try:
        step.send(None)
    except StopIteration as end:
        answer: bytes | None = end.value
        return answer
    raise AssertionError("the device waits")


@covers("TDISP-SES-003", "SEC-VDM-001")
def test_a_whole_session_of_a_right_device_is_accepted() -> None:
    bench = Bench()

    async def talk() -> None:
        session = await bench.session()
        await session.get_measurements()
        await session.vendor_defined(1, TDISP_BODY)
        await session.end()

    run(talk())
    bench.checker.finish(bench.now)
    assert bench.found() == set()
    assert {"SPDM KEY_EXCHANGE", "SPDM FINISH", "SPDM END_SESSION"} <= bench.compared


@covers("TDISP-SES-004")
def test_one_changed_bit_of_an_answer_is_found() -> None:
    bench = Bench()
    bench.device.alter = lambda answer: answer[:-1] + bytes([answer[-1] ^ 1])
    peer = SpdmRequester(bench, random.Random(3), [IDENTITY.root], None)
    with pytest.raises(Exception):  # noqa: B017, PT011
        run(peer.connect())
    assert bench.found() == {"TDISP-SES-004", "DOE-FSM-001"}


@covers("TDISP-SES-004")
def test_another_answer_in_a_session_is_found_and_shown_decrypted() -> None:
    bench = Bench()

    async def talk() -> None:
        session = await bench.session()
        serve = bench.device.serve
        bench.device.serve = lambda *args: serve(*args)[:-1] + b"!"  # type: ignore
        await session.vendor_defined(1, TDISP_BODY)

    run(talk())
    (finding,) = bench.findings.mismatches
    payload = next(field for field in finding.fields if field[0] == "payload")
    assert payload[1] != payload[2]
    assert payload[2].endswith("21")


@covers("DOE-FSM-003")
def test_silence_where_an_answer_is_due_is_found() -> None:
    bench = Bench()

    async def talk() -> None:
        session = await bench.session()
        bench.lose = True
        await session.vendor_defined(1, TDISP_BODY)

    run(talk())
    bench.checker.finish(bench.now)
    assert bench.found() == {"DOE-FSM-003"}


@covers("TDISP-SES-001", "SEC-VDM-002")
def test_an_answer_where_silence_is_due_is_found() -> None:
    bench = Bench()
    run(bench.session())
    bench.checker.request(1, b"\x01\x00\x02\x00\x04\x00\x00\x00" + bytes(8))
    bench.checker.response(2, b"\x01\x00\x02\x00\x03\x00\x00\x00" + bytes(4))
    assert "TDISP-SES-004" in bench.found()


@covers("DOE-FSM-006")
def test_an_answer_without_a_request_is_found() -> None:
    bench = Bench()
    bench.checker.response(2, b"\x01\x00\x02\x00\x03\x00\x00\x00" + bytes(4))
    assert bench.found() == {"DOE-FSM-006"}


@covers("TDISP-SES-003")
def test_a_message_that_the_root_of_trust_must_not_see_is_found() -> None:
    bench = Bench()

    async def talk() -> None:
        session = await bench.session()
        bench.checker.rot_request(b"leaked", session.session_id)
        bench.checker.rot_answer(None)
        await session.vendor_defined(1, TDISP_BODY)

    run(talk())
    assert "TDISP-SES-003" in bench.found()


@covers("TDISP-LOCK-018")
def test_the_nonce_is_learned_and_must_be_fresh() -> None:
    bench = Bench()
    lock = bytes([0x10, Response.LOCK_INTERFACE_RESPONSE]) + bytes(14)
    nonce = bytes(range(32))

    async def talk() -> None:
        session = await bench.session()
        # The device of this test answers with the body in reverse.
        await session.vendor_defined(1, (lock + nonce)[::-1])
        assert bench.nonces == [nonce]
        assert bench.found() == set()
        await session.vendor_defined(1, (lock + nonce)[::-1])

    run(talk())
    assert bench.found() == {"TDISP-LOCK-018"}


@covers("TDISP-LOCK-028")
def test_a_lock_that_lost_against_an_error_is_believed_where_it_was_announced() -> None:
    bench = Bench()
    code = ErrorCode.INVALID_DEVICE_CONFIGURATION
    refusal = bytes([0x10, Response.TDISP_ERROR]) + bytes(14) + code.to_bytes(4, "little")

    async def talk() -> None:
        session = await bench.session()
        await session.vendor_defined(1, (refusal + bytes(4))[::-1])
        assert bench.lost_locks == 0
        bench.findings.expect_error(code.name)
        await session.vendor_defined(1, (refusal + bytes(4))[::-1])

    run(talk())
    assert bench.lost_locks == 1
    assert bench.findings.unmet() == []


@covers("DOE-FSM-002", "DOE-FSM-006")
def test_an_aborted_request_is_carried_out_before_the_next_answer() -> None:
    bench = Bench()

    async def talk() -> None:
        session = await bench.session()
        other = await bench.peer.start_session()
        bench.lose = True
        await session.vendor_defined(1, TDISP_BODY)
        bench.checker.aborted(bench.now)
        assert bench.checker.pending
        bench.lose = False
        await other.get_measurements()
        assert not bench.checker.pending
        await session.vendor_defined(1, TDISP_BODY)

    run(talk())
    bench.checker.finish(bench.now)
    assert bench.found() == set()


@covers("DOE-FSM-006")
def test_an_answer_after_an_abort_is_found() -> None:
    bench = Bench()
    discovery = bytes.fromhex("010000000300000000000000")
    bench.checker.request(1, discovery)
    bench.checker.aborted(2)
    bench.checker.response(3, bytes.fromhex("010000000300000001000001"))
    assert bench.found() == {"DOE-FSM-006"}


@covers("DOE-FSM-006")
def test_a_request_that_never_left_the_mailbox_asks_nobody() -> None:
    bench = Bench()

    async def talk() -> None:
        session = await bench.session()
        bench.checker.request(bench.now, bytes.fromhex("010001000300000012810000"))
        bench.checker.aborted(bench.now)
        await session.vendor_defined(1, TDISP_BODY)

    run(talk())
    bench.checker.finish(bench.now)
    assert bench.found() == set()
