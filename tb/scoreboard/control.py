# SPDX-License-Identifier: Apache-2.0
"""Every answer at the DOE mailbox against the answer of the reference device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.spdm.key_port import Direction
from models.tdisp.codes import NONCE_SIZE, ErrorCode
from models.tdisp.codes import Response as TdispResponse
from tb.scoreboard.describe import describe, error_of, fields_of, name_of, tdisp_body
from tb.scoreboard.findings import Findings
from tb.scoreboard.replay_rot import KeyWriteView, ReplayRot
from tb.scoreboard.session_tap import SessionTap

TDISP_HEADER = 16  # bytes in front of the payload
LOST_LOCK = ErrorCode.INVALID_DEVICE_CONFIGURATION.name


@dataclass
class Open:
    """A request object that the mailbox has taken and that is not answered yet."""

    time_ns: float
    raw: bytes
    plain: tuple[int, bytes] | None  # session and application data of a record


class ControlChecker:
    """Lets the reference device answer each request and compares byte by byte.

    A request is evaluated when its answer has been read, or when it is certain that none comes.

    Args:
        exchange: hands a request to the reference device and returns its answer.
        nonce: tells the reference the nonce that its next LOCK_INTERFACE_RESPONSE carries, None
            where the device had no entropy.
        lost_lock: tells it that a LOCK was refused because of an error at the same time; only
            believed where a test has announced it.
        answered: gets each request with the reference's answer, decrypted where it is a record.
        compared: gets the names of a request, its answer and error, once they have been compared.
        rot: stands behind the reference device.
    """

    def __init__(
        self,
        exchange: Callable[[float, Open], bytes | None],
        nonce: Callable[[bytes | None], None],
        lost_lock: Callable[[], None],
        answered: Callable[[Open, tuple[int, bytes] | None], None],
        compared: Callable[[str, str, str], None],
        rot: ReplayRot,
        findings: Findings,
    ) -> None:
        self.tap = SessionTap()
        self.rot = rot
        self.open: Open | None = None
        self._abandoned: list[Open] = []
        self._exchange = exchange
        self._nonce = nonce
        self._lost_lock = lost_lock
        self._answered = answered
        self._compared = compared
        self._findings = findings
        self._nonces: set[bytes] = set()

    # ------------------------------------------------------------------ what passes

    @property
    def pending(self) -> bool:
        """Whether the device may be at a request that the reference has not carried out."""
        return self.open is not None or bool(self._abandoned)

    def request(self, time_ns: float, raw: bytes) -> None:
        """GO was written with this object in the mailbox."""
        self.silent(time_ns)
        plain = self.tap.open(raw, Direction.REQUEST)
        self.open = Open(time_ns, raw, plain)
        self._findings.note(time_ns, f"request {describe(raw, plain)}")

    def response(self, time_ns: float, raw: bytes) -> None:
        """The host has read this object."""
        request = self.open
        if request is None:
            self._findings.mismatch(
                ("DOE-FSM-006",), time_ns, "answer without a request", {}, {"object": raw}
            )
            return
        self._settle(time_ns)
        waits = self.tap.copy(Direction.RESPONSE)
        got_plain = self.tap.open(raw, Direction.RESPONSE)
        self._learn_nonce(time_ns, got_plain)
        expected, expected_plain = self._evaluate(time_ns, request, waits)
        self._cover(request, got_plain, raw)
        if expected == raw:
            return
        self._findings.mismatch(
            ("TDISP-SES-004", "DOE-FSM-001"),
            time_ns,
            f"answer to {describe(request.raw, request.plain)}",
            fields_of(expected, expected_plain),
            fields_of(raw, got_plain),
        )

    def silent(self, time_ns: float) -> None:
        """No answer to the open request can come any more: the reference gives none either."""
        request = self.open
        if request is None:
            return
        self._settle(time_ns)
        expected, expected_plain = self._evaluate(time_ns, request, self.tap)
        self._cover(request, None, None)
        if expected is not None:
            self._findings.mismatch(
                ("DOE-FSM-003",),
                time_ns,
                f"no answer to {describe(request.raw, request.plain)}",
                fields_of(expected, expected_plain),
                fields_of(None, None),
            )

    def aborted(self, time_ns: float) -> None:
        """The host has aborted: the request is carried out all the same, its answer is lost.

        The device may take its time; the reference follows before it answers the next request.
        """
        if self.open is not None:
            self._findings.note(time_ns, "DOE Abort")
            self._abandoned.append(self.open)
            self.open = None

    def _settle(self, time_ns: float) -> None:
        """Carry out what was aborted; a request that has not left the mailbox asks nobody."""
        abandoned, self._abandoned = self._abandoned, []
        waiting, self.open = self.open, None
        for request in abandoned:
            answer = self._exchange(time_ns, request)
            plain = None if answer is None else self.tap.open(answer, Direction.RESPONSE)
            self._answered(request, plain)
            self.tap.answered()
            self.rot.differences.clear()
        self.open = waiting

    def _evaluate(
        self, time_ns: float, request: Open, tap: SessionTap
    ) -> tuple[bytes | None, tuple[int, bytes] | None]:
        """The reference's answer, also decrypted by `tap`."""
        self.open = None
        answer = self._exchange(time_ns, request)
        plain = None if answer is None else tap.open(answer, Direction.RESPONSE)
        self._answered(request, plain)
        self.tap.answered()
        for asked, recorded in self.rot.differences:
            self._rot_differs(time_ns, asked, recorded)
        self.rot.differences.clear()
        for exchange in self.rot.waiting:
            self._rot_differs(time_ns, None, (exchange.message, exchange.session_id))
        self.rot.forget()
        return answer, plain

    def _rot_differs(self, time_ns: float, expected: object, got: object) -> None:
        self._findings.mismatch(
            ("TDISP-SES-003", "SEC-VDM-001"),
            time_ns,
            "message to the root of trust",
            {"message, session": _message(expected)},
            {"message, session": _message(got)},
        )

    # ------------------------------------------------------------------ the nonce

    def _learn_nonce(self, time_ns: float, plain: tuple[int, bytes] | None) -> None:
        """The nonce is the one thing that the reference cannot foresee (TDISP-LOCK-018)."""
        no_entropy = ErrorCode.INSUFFICIENT_ENTROPY.name
        if error_of(plain) == no_entropy and self._findings.announced_error(no_entropy):
            self._findings.error(time_ns, no_entropy)
            self._nonce(None)
        if error_of(plain) == LOST_LOCK and self._findings.announced_error(LOST_LOCK):
            self._findings.error(time_ns, LOST_LOCK)
            self._lost_lock()
        body = None if plain is None else tdisp_body(plain[1])
        if body is None or len(body) != TDISP_HEADER + NONCE_SIZE:
            return
        if body[1] != TdispResponse.LOCK_INTERFACE_RESPONSE:
            return
        nonce = body[TDISP_HEADER:]
        if nonce in self._nonces or not any(nonce):
            got = {"nonce": nonce}
            self._findings.mismatch(
                ("TDISP-LOCK-018",), time_ns, "nonce", {"nonce": "a fresh one"}, got
            )
        self._nonces.add(nonce)
        self._nonce(nonce)

    # ------------------------------------------------------------------ the RoT port

    def rot_request(self, message: bytes, session_id: int | None) -> None:
        """The device has handed a message to its root of trust."""
        self.rot.saw_request(message, session_id)

    def rot_answer(self, answer: bytes | None) -> None:
        """The root of trust has answered."""
        self.rot.saw_answer(answer)

    def rot_key(self, write: KeyWriteView) -> None:
        """The root of trust has written a session key."""
        self.tap.key(write)
        self.rot.saw_key(write)

    # ------------------------------------------------------------------ coverage, ends

    def _cover(self, request: Open, plain: tuple[int, bytes] | None, raw: bytes | None) -> None:
        asked = name_of(request.raw, request.plain)
        said = "silence" if raw is None else name_of(raw, plain)
        self._compared(asked, said, error_of(plain))

    def reset(self) -> None:
        """Conventional reset: the request, sessions and what the RoT port has shown are gone."""
        self.open = None
        self._abandoned.clear()
        self.tap = SessionTap()
        self.rot.forget()
        self.rot.differences.clear()

    def finish(self, time_ns: float) -> None:
        """The run ends: an open request has no answer."""
        self.silent(time_ns)
        self._settle(time_ns)


def _message(value: object) -> str:
    if not isinstance(value, tuple):
        return "none"
    message, session_id = value
    where = "plain" if session_id is None else f"session {session_id:08x}"
    return f"{bytes(message).hex()}, {where}"
