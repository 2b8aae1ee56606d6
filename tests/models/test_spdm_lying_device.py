# SPDX-License-Identifier: Apache-2.0
"""What the requester refuses from a device that is authentic but does not keep the rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from models.spdm import responder_sessions
from models.spdm.codes import (
    ErrorCode,
    KeyUpdateOperation,
    MeasurementOperation,
    Request,
)
from models.spdm.dialogue import MeasurementQuery
from models.spdm.errors import (
    CertificateError,
    ErrorResponseError,
    NegotiationError,
    SessionError,
    UnexpectedResponseError,
)
from models.spdm.measurements import DeviceState
from models.spdm.messages import (
    Certificate,
    GetCertificate,
    KeyExchangeRsp,
    Measurements,
    VendorDefinedResponse,
)
from models.spdm.opaque import encode_selected
from models.spdm.responder_sessions import SessionTable
from tests.models.spdm_device import Device, attested, requester, run, with_session
from tests.plan import covers

Kind = KeyUpdateOperation
BLOCKS = DeviceState().measurements()


def _answers(code: int, change: Callable[[bytes], bytes], device: Device) -> None:
    """Let the device itself, below its record layer, change its answers to `code`."""
    original = device.responder.handle

    def handle(message: bytes, session_id: int | None = None) -> bytes | None:
        answer = original(message, session_id)
        return change(answer) if answer is not None and message[1] == code else answer

    device.responder.handle = handle  # type: ignore[method-assign]


@covers("SPDM-VCA-001")
@pytest.mark.parametrize(
    ("code", "offset", "value", "message"),
    [
        (Request.NEGOTIATE_ALGORITHMS, 12, 0x10, "signature and hash"),
        (Request.NEGOTIATE_ALGORITHMS, 16, 0, "signature and hash"),
        (Request.NEGOTIATE_ALGORITHMS, 6, 2, "measurement specification"),
        (Request.NEGOTIATE_ALGORITHMS, 8, 6, "several"),
        (Request.NEGOTIATE_ALGORITHMS, 7, 0, "opaque"),
        (Request.NEGOTIATE_ALGORITHMS, 38, 0x08, "DHE"),
        (Request.NEGOTIATE_ALGORITHMS, 42, 0x03, "AEAD"),
        (Request.NEGOTIATE_ALGORITHMS, 44, 0x06, "not offered"),
        (Request.GET_CAPABILITIES, 8, 0xFF, "MEAS_CAP"),
        (Request.GET_CAPABILITIES, 12, 0xC1, "differs|above"),
    ],
)
def test_a_selection_that_was_not_offered_is_refused(
    code: Request, offset: int, value: int, message: str
) -> None:
    def change(answer: bytes) -> bytes:
        return answer[:offset] + bytes((value,)) + answer[offset + 1 :]

    device = Device()
    _answers(code, change, device)
    with pytest.raises(NegotiationError, match=message):
        run(requester(device).connect())


@covers("SPDM-KEX-001")
@pytest.mark.parametrize(
    ("name", "replacement", "message"),
    [
        ("encode_selected", lambda *_: encode_selected(0x1200), "selected secured messages"),
        ("KeyExchangeRsp", partial(KeyExchangeRsp, mutual_authentication=1), "mutual"),
    ],
)
def test_an_authentic_key_exchange_with_unwanted_terms_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, replacement: object, message: str
) -> None:
    monkeypatch.setattr(responder_sessions, name, replacement)

    async def scenario() -> None:
        peer = await attested(Device())
        with pytest.raises(NegotiationError, match=message):
            await peer.start_session()

    run(scenario())


@covers("SPDM-SES-001")
def test_a_session_id_that_is_in_use_is_not_accepted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SessionTable, "_new_responder_id", lambda _: 1)

    async def scenario() -> None:
        peer = await attested(Device())
        await peer.start_session(requester_session_id=5)
        with pytest.raises(SessionError, match="twice"):
            await peer.start_session(requester_session_id=5)
        await peer.start_session(requester_session_id=6)

    run(scenario())


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("change", ["remainder", "empty", "oversized"])
def test_portions_that_do_not_fit_together_are_refused(change: str) -> None:
    def altered(answer: bytes) -> bytes:
        portion = Certificate.decode(answer)
        if change == "empty":
            return replace(portion, portion=b"").encode()
        if change == "oversized":
            return replace(portion, portion=portion.portion + b"\0").encode()
        return replace(portion, remainder=portion.remainder ^ 4).encode()

    async def scenario() -> None:
        device = Device()
        peer = requester(device)
        await peer.connect()
        original = device.responder.handle
        if change == "remainder":  # of all portions but the first
            first = GetCertificate(offset=0, length=100).encode()

            def handle(message: bytes, session_id: int | None = None) -> bytes | None:
                answer = original(message, session_id)
                return answer if message == first or answer is None else altered(answer)

            device.responder.handle = handle  # type: ignore[method-assign]
        else:
            _answers(Request.GET_CERTIFICATE, altered, device)
        with pytest.raises(CertificateError, match="fit together"):
            await peer.get_certificate(portion=100)

    run(scenario())


@covers("SPDM-MEA-001")
@pytest.mark.parametrize("operation", [0x00, 0x01, 0xFF])
def test_blocks_that_were_not_asked_for_are_refused(operation: int) -> None:
    def change(answer: bytes) -> bytes:
        message = Measurements.decode(answer)
        blocks = () if operation == MeasurementOperation.ALL else BLOCKS[1:2]
        record = b"".join(block.encode() for block in blocks)
        return replace(message, blocks=len(blocks), record=record).encode()

    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        _answers(Request.GET_MEASUREMENTS, change, device)
        with pytest.raises(UnexpectedResponseError, match="blocks answer"):
            await peer.get_measurements(MeasurementQuery(operation, signed=False))

    run(scenario())


@covers("SPDM-VCA-002")
def test_an_answer_in_another_version_is_refused_within_a_session() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        _answers(Request.HEARTBEAT, lambda answer: b"\x11" + answer[1:], device)
        with pytest.raises(UnexpectedResponseError, match="version 0x11"):
            await session.heartbeat()

    run(scenario())


@covers("SEC-VDM-001")
@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (VendorDefinedResponse(protocol_id=0, body=b"x").encode(), "protocol 0"),
        (VendorDefinedResponse(version=0x11, protocol_id=1, body=b"x").encode(), "117e"),
        (b"\x12\x68\0\0", "1268"),
    ],
)
def test_a_vendor_answer_of_another_kind_is_refused(raw: bytes, message: str) -> None:
    async def scenario() -> None:
        device, session = await with_session()
        device.serve = lambda *_: raw  # type: ignore[method-assign]
        with pytest.raises(UnexpectedResponseError, match=message):
            await session.vendor_defined(1, b"x")

    run(scenario())


@covers("SPDM-ERR-001", "SEC-VDM-001")
def test_an_error_to_a_vendor_message_is_raised_with_its_code() -> None:
    async def scenario() -> None:
        _, session = await with_session()
        with pytest.raises(ErrorResponseError) as caught:
            await session.vendor_defined(7, b"x")
        assert (caught.value.code, caught.value.data) == (ErrorCode.UNSUPPORTED_REQUEST, 0xFE)
        await session.heartbeat()

    run(scenario())


@covers("SPDM-KEY-001")
def test_an_update_of_all_keys_acknowledged_under_the_old_key_is_refused() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        device.load = lambda *_, **__: None  # type: ignore[method-assign]
        with pytest.raises(UnexpectedResponseError, match="old response key"):
            await session.key_update(KeyUpdateOperation.UPDATE_ALL_KEYS)
        assert not session.alive

    run(scenario())
