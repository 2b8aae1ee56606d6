# SPDX-License-Identifier: Apache-2.0
"""What the requester refuses: altered answers, foreign devices, impossible wishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.doe.codes import ObjectType
from models.spdm.carrier import unwrap, wrap
from models.spdm.codes import (
    Capability,
    ErrorCode,
    KeyUpdateOperation,
)
from models.spdm.dialogue import MeasurementQuery
from models.spdm.errors import (
    CertificateError,
    DecodeError,
    ErrorResponseError,
    NegotiationError,
    RecordError,
    SessionError,
    SignatureError,
    SpdmError,
    UnexpectedResponseError,
)
from models.spdm.measurements import DeviceState
from models.spdm.messages import (
    Capabilities,
    KeyExchangeRsp,
    KeyUpdate,
    KeyUpdateAck,
)
from models.spdm.negotiation import RESPONDER_FLAGS, check_responder_flags
from models.spdm.requester import RequesterConfig, SpdmRequester
from models.spdm.responder_state import ResponderConfig
from tests.models.spdm_device import Device, attested, requester, run, with_session
from tests.plan import covers

Kind = KeyUpdateOperation
BLOCKS = DeviceState().measurements()


@covers("SPDM-CRT-001")
def test_a_chain_that_differs_from_its_digest_is_refused() -> None:
    async def scenario() -> None:
        peer = requester(Device())
        await peer.connect()
        await peer.get_digests()
        peer.digests[0] = bytes(48)
        with pytest.raises(CertificateError, match="digest"):
            await peer.get_certificate()
        with pytest.raises(CertificateError, match="first"):
            await peer.start_session()

    run(scenario())


@covers("SPDM-CRT-001")
def test_an_untrusted_device_gets_no_session() -> None:
    async def scenario() -> None:
        device = Device()
        peer = SpdmRequester(device, requester(device)._entropy, [])
        await peer.connect()
        with pytest.raises(CertificateError, match="not trusted"):
            await peer.get_certificate()
        with pytest.raises(CertificateError, match="first"):
            await peer.challenge()

    run(scenario())


@covers("SPDM-CRT-001")
def test_a_certificate_that_is_known_needs_not_be_read_again() -> None:
    async def scenario() -> None:
        device = Device()
        chain = await (await attested(device)).get_certificate()
        peer = requester(device)
        await peer.connect()
        with pytest.raises(CertificateError, match="digest of slot 0 has to come first"):
            peer.know_certificate(chain)
        await peer.get_digests()
        with pytest.raises(CertificateError, match="differs from its digest"):
            peer.know_certificate(chain[:-1] + bytes([chain[-1] ^ 1]))
        asked = len(device.objects)
        peer.know_certificate(chain)
        assert len(device.objects) == asked
        assert (await peer.start_session()).alive

    run(scenario())


@covers("SPDM-CRT-001")
def test_a_known_certificate_has_to_be_trusted() -> None:
    async def scenario() -> None:
        device = Device()
        chain = await (await attested(device)).get_certificate()
        peer = SpdmRequester(device, requester(device)._entropy, [])
        await peer.connect()
        await peer.get_digests()
        with pytest.raises(CertificateError, match="not trusted"):
            peer.know_certificate(chain)

    run(scenario())


@covers("SPDM-ERR-001")
def test_a_verification_is_no_kind_of_update() -> None:
    async def scenario() -> None:
        _, session = await with_session()
        with pytest.raises(SessionError, match="VERIFY_NEW_KEY"):
            await session.key_update(Kind.VERIFY_NEW_KEY)

    run(scenario())


@covers("SPDM-KEX-002")
def test_wrong_finish_leaves_neither_session_nor_keys() -> None:
    async def scenario() -> None:
        device = Device()
        session = await (await attested(device)).exchange_keys()
        session.parameters.transcript.append(b"something else")
        with pytest.raises(ErrorResponseError) as caught:
            await session.finish()
        assert caught.value.code == ErrorCode.DECRYPT_ERROR
        assert not session.alive
        assert device.slots == {}
        assert device.responder.session_ids == ()
        assert device.calls[-1] == ("end_session", session.session_id, True)

    run(scenario())


def _alter(offset: int) -> Callable[[bytes], bytes]:
    """Flips a bit at an offset of the SPDM message within a DOE object."""

    def alter(answer: bytes) -> bytes:
        place = offset + 8 if offset >= 0 else offset
        altered = bytearray(answer)
        altered[place] ^= 1
        return bytes(altered)

    return alter


# RspSessionID, random data, the point, opaque data is 12 bytes, signature, verify data
@covers("SPDM-KEX-001")
@pytest.mark.parametrize("offset", [4, 8, 41, 136, 149, 200, -60, -48, -1 - 2])
def test_a_tampered_key_exchange_response_is_refused(offset: int) -> None:
    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        device.alter = _alter(offset)
        with pytest.raises((SignatureError, DecodeError)):
            await peer.start_session()

    run(scenario())


@covers("SPDM-KEX-001")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"mutual_authentication": 1}, SignatureError),
        ({"heartbeat_period": 9}, SignatureError),
        ({"opaque": b""}, SignatureError),
        ({"verify_data": bytes(48)}, SignatureError),
    ],
)
def test_every_field_of_the_key_exchange_response_is_authenticated(
    changes: dict[str, int | bytes], error: type[SpdmError]
) -> None:
    def alter(answer: bytes) -> bytes:
        message, _ = KeyExchangeRsp.decode_padded(unwrap(answer)[1])
        return wrap(ObjectType.SPDM, replace(message, **changes).encode())  # type: ignore[arg-type]

    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        device.alter = alter
        with pytest.raises(error):
            await peer.start_session()

    run(scenario())


@covers("SPDM-KEX-001", "SPDM-MEA-001")
def test_tampered_negotiation_is_found_by_every_signature() -> None:
    """Capabilities that were changed on the way break each signature, since all cover A."""

    def alter(answer: bytes) -> bytes:
        kind, payload = unwrap(answer)
        if payload[1] != Capabilities.CODE:
            return answer
        message = Capabilities.decode(payload)
        return wrap(kind_of(kind), replace(message, ct_exponent=21).encode())

    def kind_of(kind: int) -> ObjectType:
        return ObjectType(kind)

    async def scenario() -> None:
        device = Device(alter=alter)
        peer = await attested(device)
        with pytest.raises(SignatureError, match="measurements"):
            await peer.get_measurements()
        with pytest.raises(SignatureError, match="challenge"):
            await peer.challenge()
        with pytest.raises(SignatureError, match="key_exchange"):
            await peer.start_session()

    run(scenario())


@covers("SPDM-MEA-001")
@pytest.mark.parametrize("offset", [8, 20, -20])
def test_tampered_measurements_are_refused(offset: int) -> None:
    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        device.alter = _alter(offset)
        with pytest.raises((SignatureError, DecodeError)):
            await peer.get_measurements()

    run(scenario())


@covers("SEC-REC-002", "SEC-REC-007")
def test_a_bad_answer_ends_the_session_at_the_requester() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        device.alter = _alter(10)
        with pytest.raises(RecordError):
            await session.heartbeat()
        assert not session.alive

    run(scenario())


@covers("SEC-REC-003")
def test_a_plain_answer_to_a_record_is_refused() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        device.alter = lambda _: wrap(ObjectType.SPDM, b"\x12\x68\0\0")
        with pytest.raises(UnexpectedResponseError, match="DOE type"):
            await session.heartbeat()
        assert not session.alive

    run(scenario())


@covers("SEC-REC-005")
def test_a_record_of_another_session_is_refused_as_an_answer() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        device.alter = _alter(1)
        with pytest.raises(UnexpectedResponseError, match="session"):
            await session.heartbeat()

    run(scenario())


@covers("SPDM-VCA-001")
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (RESPONDER_FLAGS | Capability.MEAS_NO_SIG, "MEAS_CAP"),
        (Capability.CERT | Capability.MEAS_FRESH, "MEAS_FRESH"),
        (RESPONDER_FLAGS & ~(Capability.ENCRYPT | Capability.MAC), "without encryption"),
        (RESPONDER_FLAGS & ~Capability.KEY_EX, "without key exchange"),
        (RESPONDER_FLAGS & ~Capability.CERT, "without certificate"),
        (RESPONDER_FLAGS | Capability.PUB_KEY_ID, "exclude"),
        (Capability.CERT | Capability.MUT_AUTH, "MUT_AUTH"),
        (Capability.ALIAS_CERT, "ALIAS_CERT"),
    ],
)
def test_contradicting_flags_of_a_responder_are_refused(flags: Capability, message: str) -> None:
    with pytest.raises(NegotiationError, match=message):
        check_responder_flags(flags)


@covers("SPDM-VCA-001")
def test_what_a_device_lacks_is_not_asked_for() -> None:
    async def scenario() -> None:
        flags = Capability.CERT | Capability.MEAS_NO_SIG
        device = Device(ResponderConfig(flags=flags))
        peer = await attested(device)
        asked = len(device.objects)
        for attempt in (peer.challenge(), peer.get_measurements(), peer.start_session()):
            with pytest.raises(NegotiationError, match="lacks"):
                await attempt
        assert len(device.objects) == asked
        await peer.get_measurements(MeasurementQuery(signed=False))

    run(scenario())


@covers("SPDM-VCA-001")
def test_nothing_is_asked_before_the_connection() -> None:
    with pytest.raises(NegotiationError, match="not connected"):
        run(requester(Device()).get_digests())


@covers("SPDM-VCA-001")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("10040000 0000", NegotiationError),
        ("10040000 0001 0011", NegotiationError),
        ("10040000 0002 0012", DecodeError),
        ("12040000 0001 0012", UnexpectedResponseError),
        ("10050000 0001 0012", UnexpectedResponseError),
        ("107f0300", ErrorResponseError),
        ("10", UnexpectedResponseError),
        ("", DecodeError),
    ],
)
def test_a_bad_version_response_is_refused_with_one_line(
    answer: str, error: type[SpdmError]
) -> None:
    device = Device()
    device.alter = lambda _: wrap(ObjectType.SPDM, bytes.fromhex(answer))
    with pytest.raises(error) as caught:
        run(requester(device).connect())
    assert str(caught.value)
    assert "\n" not in str(caught.value)


@covers("SPDM-KEX-001")
def test_a_device_without_a_common_record_version_refuses() -> None:
    async def scenario() -> None:
        device = Device()
        peer = requester(device, RequesterConfig(secured_versions=(0x1300,)))
        await peer.connect()
        await peer.get_certificate()
        with pytest.raises(ErrorResponseError, match="INVALID_REQUEST"):
            await peer.start_session()

    run(scenario())


@covers("SPDM-KEY-001")
def test_an_acknowledgement_with_another_tag_ends_the_session() -> None:
    async def scenario() -> None:
        device, session = await with_session()
        original = device.responder.handle

        def handle(message: bytes, session_id: int | None = None) -> bytes | None:
            answer = original(message, session_id)
            if message[1] == KeyUpdate.CODE and answer is not None:
                ack = KeyUpdateAck.decode(answer)
                return replace(ack, tag=ack.tag ^ 1).encode()
            return answer

        device.responder.handle = handle  # type: ignore[method-assign]
        with pytest.raises(UnexpectedResponseError, match="tag"):
            await session.key_update(Kind.UPDATE_KEY)
        assert not session.alive

    run(scenario())


@covers("SPDM-CRT-001")
def test_a_challenge_answered_for_another_chain_is_refused() -> None:
    async def scenario() -> None:
        device = Device()
        peer = await attested(device)
        device.alter = _alter(4)
        with pytest.raises(CertificateError, match="another"):
            await peer.challenge()

    run(scenario())
