# SPDX-License-Identifier: Apache-2.0
"""Fills a ScenarioLog while a scenario runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cocotb
from cocotb.utils import get_sim_time

from models.doe.codes import ObjectType
from models.idekm.codes import PROTOCOL_ID as IDE_KM
from models.idekm.codes import ObjectId
from models.pcie.capture import TlpRecord, describe, describe_wire
from models.pcie.errors import TlpError
from models.pcie.tlp import Tlp
from models.spdm.codes import Request as SpdmRequest
from models.spdm.codes import Response as SpdmResponse
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import Request as TdispRequest
from models.tdisp.codes import Response as TdispResponse
from models.transport import Transport
from tb.report.html import render
from tb.report.log import Check, Message, ScenarioLog, StateChange, TlpEvent, Verdict
from tb.report.progress import Progress, ProgressWriter

ATTACK_NOTE = "attack"
VENDOR_DEFINED = (SpdmRequest.VENDOR_DEFINED, SpdmResponse.VENDOR_DEFINED)
PROTOCOL_AT = 11


class CheckError(AssertionError):
    """A claim of the scenario does not hold."""


class Recorder:
    """Messages, states, TLPs and checks of one scenario; also the transport of its TSM."""

    def __init__(self, title: str, transport: Transport, folder: Path, steps: int) -> None:
        self.log = ScenarioLog(title)
        self.folder = folder
        self._transport = transport
        self._progress = ProgressWriter(folder / "progress.jsonl")
        self._steps = steps
        self._step = ""
        self._inner: list[tuple[str, str]] = []  # receiver and label of the message in a record

    # ------------------------------------------------------------------ steps and checks

    def step(self, name: str) -> None:
        """A step begins."""
        self._step = name
        now = get_sim_time("ns")
        self.log.steps.append((now, name))
        self._progress.write(Progress(len(self.log.steps), self._steps, name, now))

    def check(self, claim: str, passed: bool, detail: str = "") -> None:
        """Note a claim; CheckError when it does not hold."""
        self.log.checks.append(Check(self._step, claim, bool(passed), detail))
        if not passed:
            raise CheckError(f"{self._step}: {claim}: {detail}")

    def message(self, sender: str, receiver: str, label: str, detail: str = "") -> None:
        """Note a message that is no DOE object."""
        self.log.messages.append(Message(get_sim_time("ns"), sender, receiver, label, detail))

    # ------------------------------------------------------------------ DOE

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Transport: pass the object on and note both directions."""
        receiver, label = self._label(doe_object)
        self.message("TSM", receiver, label, doe_object[:48].hex())
        answer = await self._transport.exchange(doe_object)
        if answer is None:
            self.message(receiver, "TSM", "(no answer)")
            return None
        if answer[2] != ObjectType.SECURED_SPDM:
            self.message(receiver, "TSM", _spdm_name(answer[8:]), answer[:48].hex())
        elif not self._inner:
            self.message(receiver, "TSM", "SPDM in the session", answer[:48].hex())
        return answer

    def watch_session(self, session: SecureSession) -> SecureSession:
        """Note what travels inside the records of `session`."""
        request = session.request

        async def noted(spdm_message: bytes) -> bytes | None:
            receiver, label = _inner_name(spdm_message)
            self._inner.append((receiver, label))
            answer = await request(spdm_message)
            self._inner.pop()
            if answer is not None:
                self.message(receiver, "TSM", _inner_name(answer)[1], answer[:48].hex())
            return answer

        session.request = noted  # type: ignore[method-assign]
        return session

    def _label(self, doe_object: bytes) -> tuple[str, str]:
        kind = doe_object[2]
        if kind == ObjectType.DISCOVERY:
            return "DSM", "DOE Discovery"
        if kind == ObjectType.SPDM:
            return "RoT", _spdm_name(doe_object[8:])
        return self._inner[-1] if self._inner else ("RoT", "SPDM in the session")

    # ------------------------------------------------------------------ pins and TLPs

    def watch_states(self, adapter: Any) -> None:
        """Note every change of a TDI state from now on."""
        cocotb.start_soon(self._states(adapter))

    async def _states(self, adapter: Any) -> None:
        before = adapter.tdi_states()
        while True:
            await adapter.tdi_state_event
            now = adapter.tdi_states()
            for tdi, (old, new) in enumerate(zip(before, now, strict=True)):
                if old is not new:
                    self.log.states.append(StateChange(get_sim_time("ns"), tdi, new.name))
            before = now

    def take_tlps(self, records: list[TlpRecord], refused: Callable[[TlpRecord], bool]) -> None:
        """Note the TLPs of memory and messages; configuration traffic is left out."""
        config = set()
        for record in records:
            tlp = _decoded(record.plain)
            if tlp is not None and tlp.is_config:
                config.add(tlp.tag)
                continue
            if tlp is not None and tlp.is_completion and tlp.tag in config:
                continue
            text = describe_wire(record.wire) if record.plain is None else describe(record.plain)
            self.log.tlps.append(
                TlpEvent(
                    record.time_ns,
                    record.to_device,
                    text,
                    Verdict.REFUSED if refused(record) else Verdict.PASSED,
                    record.prefix is not None,
                    record.wire,
                    record.plain,
                    record.note,
                )
            )

    # ------------------------------------------------------------------ files

    @contextmanager
    def saved(self) -> Iterator[None]:
        """Write report.html and checks.json at the end, also after a failure."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, CheckError):
                self.log.checks.append(Check(self._step, "no error", False, repr(error)))
            raise
        finally:
            checks = [asdict(check) for check in self.log.checks]
            (self.folder / "checks.json").write_text(json.dumps(checks, indent=1))
            (self.folder / "report.html").write_text(render(self.log), encoding="utf-8")


def _decoded(raw: bytes | None) -> Tlp | None:
    if raw is None:
        return None
    try:
        return Tlp.unpack(raw)
    except TlpError:
        return None


def _name(code: int, *enums: Any) -> str:
    for enum in enums:
        if code in enum.__members__.values():
            return str(enum(code).name)
    return f"code {code:02x}"


def _spdm_name(message: bytes) -> str:
    return _name(message[1], SpdmRequest, SpdmResponse)


def _inner_name(message: bytes) -> tuple[str, str]:
    if message[1] not in VENDOR_DEFINED:
        return "RoT", _spdm_name(message)
    protocol, body = message[PROTOCOL_AT], message[PROTOCOL_AT + 1 :]
    if protocol == IDE_KM:
        return "IDE", _name(body[0], ObjectId)
    return "DSM", _name(body[1], TdispRequest, TdispResponse)
