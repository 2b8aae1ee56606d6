# SPDX-License-Identifier: Apache-2.0
"""Signatures of the device, checked without the package's own logs and signing code."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from models.spdm.codes import Request, SummaryType
from models.spdm.dialogue import MeasurementQuery
from tests.models.spdm_device import IDENTITY, Device, attested, run
from tests.plan import covers

# Bytes of the requests that are no whole DW; a plain object pads them.
SIGNED_MEASUREMENTS, KEY_EXCHANGE = 37, 154
SIGNATURE = 96
HASH = 48


class Recorder:
    """Sees every message at the port of the responder, as exact bytes."""

    def __init__(self) -> None:
        self.device = Device()
        self.heard: list[tuple[int | None, bytes, bytes]] = []
        handle = self.device.responder.handle

        def listen(message: bytes, session_id: int | None = None) -> bytes | None:
            answer = handle(message, session_id)
            if answer is not None:
                self.heard.append((session_id, self._exact(message), answer))
            return answer

        self.device.responder.handle = listen  # type: ignore[method-assign]

    @staticmethod
    def _exact(message: bytes) -> bytes:
        if message[1] == Request.GET_MEASUREMENTS and message[2] & 1:
            return message[:SIGNED_MEASUREMENTS]
        return message[:KEY_EXCHANGE] if message[1] == Request.KEY_EXCHANGE else message

    def log(self, *codes: Request, session_id: int | None = None, last: int = 1000) -> bytes:
        """All messages with one of `codes`, or the last of them, request then response."""
        chosen = [r + a for s, r, a in self.heard if s == session_id and r[1] in codes]
        return b"".join(chosen[-last:])


VCA = (Request.GET_VERSION, Request.GET_CAPABILITIES, Request.NEGOTIATE_ALGORITHMS)
CHAIN = (Request.GET_DIGESTS, Request.GET_CERTIFICATE)


def _check(context: str, transcript: bytes, signature: bytes) -> None:
    key = IDENTITY.certificates[-1].public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    pad = bytes(36 - len(context))
    data = b"dmtf-spdm-v1.2.*" * 4 + pad + context.encode() + hashlib.sha384(transcript).digest()
    r, s = (int.from_bytes(half, "big") for half in (signature[:48], signature[48:]))
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA384()))


def _check_tail(context: str, transcript: bytes) -> None:
    _check(context, transcript[:-SIGNATURE], transcript[-SIGNATURE:])


@covers("SPDM-CRT-001")
@pytest.mark.parametrize("summary", [SummaryType.NONE, SummaryType.ALL])
def test_challenge_signs_negotiation_chain_and_challenge(summary: SummaryType) -> None:
    recorder = Recorder()

    async def scenario() -> None:
        await (await attested(recorder.device)).challenge(summary)

    run(scenario())
    m1 = recorder.log(*VCA, *CHAIN, Request.CHALLENGE)
    _check_tail("responder-challenge_auth signing", m1)
    with pytest.raises(InvalidSignature):
        _check_tail("responder-challenge_auth signing", b"\0" + m1)


@covers("SPDM-CRT-001")
def test_challenge_forgets_the_chain_after_a_measurement_or_a_challenge() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        peer = await attested(recorder.device)
        await peer.get_measurements(MeasurementQuery(signed=False))
        for _ in range(2):
            await peer.challenge()
            m1 = recorder.log(*VCA) + recorder.log(Request.CHALLENGE, last=1)
            _check_tail("responder-challenge_auth signing", m1)
        await peer.get_digests()
        await peer.get_digests()
        await peer.challenge()
        m1 = recorder.log(*VCA) + recorder.log(Request.GET_DIGESTS, last=1)
        m1 += recorder.log(Request.CHALLENGE, last=1)
        _check_tail("responder-challenge_auth signing", m1)
        await peer.challenge()
        m1 = recorder.log(*VCA) + recorder.log(Request.CHALLENGE, last=1)
        _check_tail("responder-challenge_auth signing", m1)

    run(scenario())


@covers("SPDM-MEA-001")
def test_measurements_sign_negotiation_and_all_since_the_last_signature() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        peer = await attested(recorder.device)
        for _ in range(2):
            await peer.get_measurements(MeasurementQuery(1, signed=False))
            await peer.get_measurements(MeasurementQuery(2, signed=False))
            await peer.get_measurements(MeasurementQuery(3))
            l1 = recorder.log(*VCA) + recorder.log(Request.GET_MEASUREMENTS, last=3)
            _check_tail("responder-measurements signing", l1)

    run(scenario())


@covers("SPDM-MEA-001")
def test_another_request_starts_the_measurement_log_anew() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        peer = await attested(recorder.device)
        session = await peer.start_session()
        for reader, session_id in ((peer, None), (session, session.session_id)):
            await reader.get_measurements(MeasurementQuery(1, signed=False))
            await reader.get_digests()
            await reader.get_measurements(MeasurementQuery(2))
            l1 = recorder.log(*VCA) + recorder.log(
                Request.GET_MEASUREMENTS, session_id=session_id, last=1
            )
            _check_tail("responder-measurements signing", l1)

    run(scenario())


@covers("SPDM-MEA-001")
def test_each_session_signs_its_own_measurements() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        peer = await attested(recorder.device)
        first, second = await peer.start_session(), await peer.start_session()
        for session in (first, second):
            await session.get_measurements(MeasurementQuery(1, signed=False))
        for session in (first, second):
            await session.get_measurements(MeasurementQuery(2))
            l1 = recorder.log(*VCA) + recorder.log(
                Request.GET_MEASUREMENTS, session_id=session.session_id
            )
            _check_tail("responder-measurements signing", l1)

    run(scenario())


@covers("SPDM-KEX-001")
@pytest.mark.parametrize("summary", [SummaryType.NONE, SummaryType.TCB])
def test_key_exchange_signs_negotiation_chain_hash_and_exchange(summary: SummaryType) -> None:
    recorder = Recorder()

    async def scenario() -> None:
        await (await attested(recorder.device)).start_session(summary)

    run(scenario())
    exchange = recorder.log(Request.KEY_EXCHANGE)
    chain_hash = hashlib.sha384(IDENTITY.chain).digest()
    th = recorder.log(*VCA) + chain_hash + exchange[:-HASH]
    _check_tail("responder-key_exchange_rsp signing", th)
